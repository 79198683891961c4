"""Pages for citizens: certificates and the month's numbers."""
