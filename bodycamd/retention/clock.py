"""What retention needs of the clock."""

from __future__ import annotations

from typing import Protocol

from bodycamd.retention.clock_trust import Reading


class Clock(Protocol):
    """CLOCK_BOOTTIME, and both clocks read together with the kernel's word on the wall clock."""

    def now_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""

    def read(self) -> Reading:
        """Both clocks."""
