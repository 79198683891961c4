"""What runs on the camera of a scenario: a hand on its button and an eye on its pins. The standard library only; see `__main__`."""
