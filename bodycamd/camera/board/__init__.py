"""The hardware on the officer's chest, behind ports: `pi` for the real parts, `simulated` for the same daemon without them."""
