"""Attacks on the way between camera and station: each is carried out, and the page says what became of it."""
