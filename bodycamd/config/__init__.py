"""The configuration: typed, strict, one line for each error."""
