"""Bytes that pass for an age file where nobody decrypts."""

from __future__ import annotations

from bodycamd.footage import AGE_MAGIC

AGE_HEADER = AGE_MAGIC + b"-> X25519 " + b"A" * 43 + b"\n" + b"B" * 43 + b"\n--- " + b"C" * 43 + b"\n"
"""For one X25519 recipient, whole in form."""
