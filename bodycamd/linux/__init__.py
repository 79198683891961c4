"""What is asked of the system, each thing in one place."""
