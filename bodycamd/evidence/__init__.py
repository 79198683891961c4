"""The evidence format: statements, keys, ledger and segments."""
