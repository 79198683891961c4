"""Retention at work: holds, deletion, shortening, and the way out to a disk."""
