"""The voice: a process of its own that speaks the warning, and its keeper."""
