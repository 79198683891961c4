"""The case folder and what is reported in it."""
