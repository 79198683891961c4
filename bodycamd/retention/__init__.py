"""What is kept, for how long, and why."""
