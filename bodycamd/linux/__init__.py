"""What is asked of the kernel, each thing in one place."""
