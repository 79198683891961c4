"""A copy of a store at the municipality: its record, its holds, its term."""
