"""Bundles: one signed file with everything that a camera runs, and how it comes onto a camera, is replaced and is taken off again."""
