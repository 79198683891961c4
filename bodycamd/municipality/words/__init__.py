"""Sentences in Dutch and English."""
