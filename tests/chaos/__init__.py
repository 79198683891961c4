"""Cameras that send while everything around them is killed, cut off and slow (make test-chaos)."""
