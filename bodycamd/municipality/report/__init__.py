"""The case folder and what is told in it."""
