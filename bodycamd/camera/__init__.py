"""Everything on the officer's chest."""
