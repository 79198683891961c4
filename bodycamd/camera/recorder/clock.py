"""What the recorder needs of the clock."""

from __future__ import annotations

from typing import Protocol

from bodycamd.evidence.signing import Clock as EvidenceClock


class Clock(EvidenceClock, Protocol):
    """CLOCK_BOOTTIME, and both clocks read together."""

    def now_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""
