"""When the daemon may feed systemd's watchdog (`linux.systemd_notify`).

The watchdog is fed by *progress*: of the control loop (it runs this code) and of the writer. A single disk operation that has not returned
is not a lack of progress: a card may stall for many seconds and killing the daemon would cost the footage in the ring.
"""

from __future__ import annotations

SILENCE_US = 10_000_000
"""How long the writer's turns may stand still outside a disk operation before it counts as dead."""


class WriterWatch:
    """Whether the writer makes progress, from what is seen of it now and then."""

    def __init__(self, now_us: int) -> None:
        self._turns = -1
        self._moved_us = now_us

    def may_feed(self, *, alive: bool, turns: int, in_disk_operation: bool, now_us: int) -> bool:
        """True while the writer turns or waits for the disk."""
        if turns != self._turns or in_disk_operation:
            self._turns = turns
            self._moved_us = now_us
        return alive and now_us - self._moved_us < SILENCE_US
