"""Building a bundle: from a commit and lock files, the same bytes every time."""
