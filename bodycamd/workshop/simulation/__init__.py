"""A camera without hardware."""
