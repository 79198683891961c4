"""bodycamd: a body-worn camera daemon whose every claim can be checked with stock tools."""

__version__ = "0.1.0"
