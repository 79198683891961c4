"""When the wall clock is *confirmed*, so that retention may rely on it. Pure.

A reading is confirmed if the kernel calls the clock synchronised, and

- it continues from what was confirmed before in this boot (within a minute: CLOCK_BOOTTIME says so), or
- it is the first of this boot and lies less than a day ahead of the earliest time that the ledger allows, and not before it, or
- it has been trusted without a pause for half an hour, whatever it was before.

So a clock that is set years ahead for a moment, and a first clock with nothing before it, prove nothing for half an hour; a night switched
off costs nothing. A step within a boot of more than a minute, in either direction, begins the half hour.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.retention.elapsed import TOLERANCE_US

PAUSE_US = 900_000_000
"""Readings that lie further apart are not continuous: nobody looked, or the camera slept."""
LARGE_JUMP_US = 86_400_000_000
CONTINUOUS_US = 1_800_000_000


class Trust(Struct, frozen=True):
    """What is known of this boot's wall clock. Offsets are wall time minus CLOCK_BOOTTIME."""

    confirmed_us: int | None = None
    """The offset that was confirmed last."""
    candidate_us: int | None = None
    """The offset of the readings that are trusted now."""
    since_us: int = 0
    """CLOCK_BOOTTIME from which they have been, without a pause."""
    read_us: int = 0
    """CLOCK_BOOTTIME of the newest reading."""

    def step(self, at_us: int, wall_us: int | None, floor_us: int | None) -> Trust:
        """After one more reading, at this CLOCK_BOOTTIME. `wall_us` is `None` while the kernel does not call the wall clock synchronised.
        `floor_us` is the earliest wall time that it can be by the ledger (`Timeline.floor_us`), `None` where
        nothing is known."""
        if wall_us is None:
            return replace(self, candidate_us=None)
        offset_us = wall_us - at_us
        watched = self.candidate_us is not None and at_us - self.read_us <= PAUSE_US
        went_on = watched and self.candidate_us is not None and abs(offset_us - self.candidate_us) < TOLERANCE_US
        since_us = self.since_us if went_on else at_us
        after = Trust(self.confirmed_us, offset_us, since_us, at_us)
        if self.confirmed_us is not None:
            sure = abs(offset_us - self.confirmed_us) < TOLERANCE_US
        else:
            sure = floor_us is not None and -TOLERANCE_US <= wall_us - floor_us < LARGE_JUMP_US
        if sure or at_us - after.since_us >= CONTINUOUS_US:
            return replace(after, confirmed_us=offset_us)
        return after

    @property
    def confirmed(self) -> bool:
        """Whether the newest reading may be relied on."""
        return self.candidate_us is not None and self.candidate_us == self.confirmed_us

    @property
    def trusted(self) -> bool:
        """Whether the newest reading was trusted by the kernel."""
        return self.candidate_us is not None
