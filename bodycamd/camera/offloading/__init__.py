"""What is sealed, for who may not read the store: a process of its own reads it out, and can change nothing."""
