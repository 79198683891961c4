"""Root's updater: installs the bundle that a signed order names, after it has looked at the order by itself."""
