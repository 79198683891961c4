"""The station: what it takes, from whom, and what it says of it."""
