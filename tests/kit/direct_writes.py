"""For whoever writes part of what the product writes: direct writes (O_DIRECT) take whole blocks from aligned memory only."""

from __future__ import annotations

import fcntl
import os


def buffered(descriptor: int) -> int:
    """The descriptor, by way of the page cache from here on."""
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~os.O_DIRECT)
    return descriptor


def is_direct(descriptor: int) -> bool:
    """Whether it goes past the page cache."""
    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT)
