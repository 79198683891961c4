"""The checks before a shift and on the bench. They know of the daemon what it says over its socket."""
