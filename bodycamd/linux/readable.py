"""Whether something can be read, for descriptors of any number: `select.select` ends at 1,023."""

from __future__ import annotations

import select
from typing import Protocol


class _Descriptor(Protocol):
    def fileno(self) -> int: ...


def readable(source: _Descriptor | int, within_seconds: float = 0.0) -> bool:
    """Whether a read would not wait: bytes, the end or an error are there. Waits at most `within_seconds`, rounded up to a millisecond."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    return bool(poll.poll(-(-within_seconds * 1000 // 1)))
