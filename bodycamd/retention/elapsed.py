"""How much time has provably passed since a moment: running time added up over boots, and the wall clock where it may be relied on.

CLOCK_BOOTTIME runs from 0 in each boot and never steps. The *running position* of a moment is the sum of what the ledger states of every
earlier boot, plus the moment's own CLOCK_BOOTTIME: the difference of two positions is time that passed for certain, and leaves out only the
time in which the camera was off.

The wall clock vouches for the time off. In a boot whose wall clock was confirmed (`clock_trust`), wall time minus running position is all
the time that the camera was off before it. That number can only grow. So between a moment and now, provably passed is

    the running time between them  +  what was confirmed as time off now, less the most that was confirmed as time off then

Claims that contradict each other cannot all be true: one of two clocks was wrong. Only the longest series of claims that grow is relied on;
of several equally long ones each may be the true one, and the one that shows least counts. The clock of now counts only if it makes the
longest series longer. A clock that was ahead or behind in one boot, however it was trusted, is so passed over, now and for ever. Where the
boot of the moment has no claim in the series, the next boot that has one stands for it: the moment is not later than that (recorded-on
without a trusted clock is the latest possible time). Whatever is passed over makes footage younger, never older.

Pure: nothing here reads a clock or a file.
"""

from bisect import bisect_right

from msgspec import Struct

TOLERANCE_US = 60_000_000
"""Two readings that differ by less agree. The wall clock's proof is asked for twice this much more than the days."""


class Moment(Struct, frozen=True, order=True):
    """An instant in one boot: its place in the order of boots, and CLOCK_BOOTTIME in it."""

    boot: int
    at_us: int


class Boot(Struct):
    """What the ledger states of one boot. `offset_us` is confirmed wall time minus CLOCK_BOOTTIME: the highest, where there were
    several."""

    id: str
    last_us: int = 0
    """The latest CLOCK_BOOTTIME that anything states."""
    offset_us: int | None = None


class Now(Struct, frozen=True):
    """This instant. `offset_us` is wall time minus CLOCK_BOOTTIME, `None` unless the wall clock is confirmed."""

    moment: Moment
    offset_us: int | None = None


class Age(Struct, frozen=True):
    """How long ago a moment was at least. `running_us` is the running time alone; `wall_us` what the wall clock adds up to, `None` where it
    proves nothing. `was_before_us` is the latest wall time that the moment can have had, `None` where none is known."""

    running_us: int
    wall_us: int | None
    was_before_us: int | None


class Timeline(Struct):
    """The boots in order. Fed from the ledger by `see` and `confirm`."""

    boots: list[Boot] = []

    def see(self, boot_id: str, at_us: int) -> Moment:
        """Something was stated in this boot at that CLOCK_BOOTTIME; another boot than the last one begins a new one."""
        if not self.boots or self.boots[-1].id != boot_id:
            self.boots.append(Boot(boot_id))
        self.boots[-1].last_us = max(self.boots[-1].last_us, at_us)
        return Moment(len(self.boots) - 1, at_us)

    def reaches(self, moment: Moment) -> None:
        """A boot lasted at least until that moment."""
        boot = self.boots[moment.boot]
        boot.last_us = max(boot.last_us, moment.at_us)

    def confirm(self, moment: Moment, wall_us: int) -> None:
        """The wall clock at that moment may be relied on."""
        boot, offset_us = self.boots[moment.boot], wall_us - moment.at_us
        boot.offset_us = offset_us if boot.offset_us is None else max(boot.offset_us, offset_us)

    def now(self, boot_id: str, at_us: int, wall_us: int | None) -> Now:
        """This instant; `wall_us` only where the clock is confirmed. It may be of a boot that nothing has been stated of yet."""
        last = len(self.boots) - 1
        boot = last if last >= 0 and self.boots[last].id == boot_id else last + 1
        return Now(Moment(boot, at_us), None if wall_us is None else wall_us - at_us)

    def floor_us(self, now: Now) -> int | None:
        """The earliest wall time that this instant can have, by the newest boot with a confirmed clock; `None` where there is none."""
        positions = self.positions()
        for number in range(len(self.boots) - 1, -1, -1):
            offset_us = self.boots[number].offset_us
            if offset_us is not None:
                return offset_us + self._position(positions, now.moment) - positions[number]
        return None

    def confirmed_offset_us(self, now: Now) -> int | None:
        """What this boot's wall clock was confirmed as, by an earlier start of the same boot."""
        return self.boots[now.moment.boot].offset_us if now.moment.boot < len(self.boots) else None

    def positions(self) -> list[int]:
        """The running position at which each boot begins, and after them the one at which the next would."""
        found = [0]
        for boot in self.boots:
            found.append(found[-1] + boot.last_us)
        return found

    def ages(self, moments: list[Moment], now: Now) -> list[Age]:
        """How long ago each moment was, at least."""
        positions = self.positions()
        here_us = self._position(positions, now.moment)
        off_now_us = None if now.offset_us is None else now.offset_us - positions[min(now.moment.boot, len(self.boots))]
        off_us, fits = self._time_off(positions, now, off_now_us)
        found = []
        for moment in moments:
            position = self._position(positions, moment)
            running_us = max(0, here_us - position)
            then_us = off_us[min(moment.boot, len(off_us) - 1)]
            wall_us = None
            if then_us is not None and off_now_us is not None and fits:
                wall_us = running_us + max(0, off_now_us - then_us)
            found.append(Age(running_us, wall_us, None if then_us is None else position + then_us))
        return found

    def earliest_us(self, moments: list[Moment], now: Now) -> list[int | None]:
        """The earliest wall time that each moment can have had; `None` where nothing says. Where claims contradict each other the lowest
        of the next one before a moment and all that follow it counts: what is passed over makes it earlier, never later."""
        positions = self.positions()
        claims = [None if boot.offset_us is None else boot.offset_us - positions[number] for number, boot in enumerate(self.boots)]
        lowest_us = None if now.offset_us is None else now.offset_us - positions[min(now.moment.boot, len(self.boots))]
        following_us = [lowest_us]
        for claim in reversed(claims):
            lowest_us = claim if lowest_us is None else lowest_us if claim is None else min(claim, lowest_us)
            following_us.append(lowest_us)
        following_us.reverse()
        found = []
        for moment in moments:
            before = next((place for place in range(min(moment.boot, len(claims) - 1), -1, -1) if claims[place] is not None), None)
            then_us = following_us[before] if before is not None else None
            found.append(None if then_us is None else self._position(positions, moment) + then_us)
        return found

    def _time_off(self, positions: list[int], now: Now, off_now_us: int | None) -> tuple[list[int | None], bool]:
        """For each boot, and for now after them, the most that can have been the time off before it; and whether the clock of now fits."""
        claims = [
            None if boot.offset_us is None or (number == now.moment.boot and off_now_us is not None) else boot.offset_us - positions[number]
            for number, boot in enumerate(self.boots)
        ]
        levels, lowest_us = _levels(claims)
        fits = off_now_us is not None and (lowest_us is None or off_now_us >= lowest_us)
        series = _latest_series(claims, levels, off_now_us if fits else None)
        found: list[int | None] = [claims[number] if number in series else None for number in range(len(claims))]
        following = off_now_us if fits else None
        found.append(following)
        if fits and now.moment.boot < len(self.boots):
            found[now.moment.boot] = off_now_us
        for number in range(len(self.boots) - 1, -1, -1):
            if found[number] is None:
                found[number] = following
            following = found[number]
        return found, fits

    @staticmethod
    def _position(positions: list[int], moment: Moment) -> int:
        return positions[min(moment.boot, len(positions) - 1)] + moment.at_us


def _levels(claims: list[int | None]) -> tuple[list[list[int]], int | None]:
    """The places of the claims by how long a series that never falls can be that ends there; and the lowest claim that ends a longest one,
    `None` where there is none: one more claim makes it longer exactly if it is not below that. In each level claims fall."""
    ends: list[int] = []
    levels: list[list[int]] = []
    for place, claim in enumerate(claims):
        if claim is None:
            continue
        level = bisect_right(ends, claim)
        if level == len(ends):
            ends.append(claim)
            levels.append([place])
        else:
            ends[level] = claim
            levels[level].append(place)
    return levels, ends[-1] if ends else None


def _latest_series(claims: list[int | None], levels: list[list[int]], following_us: int | None) -> set[int]:
    """The places of one of the longest series, which continues with `following_us` where that is given: the one whose claims are the
    highest of all of them, at every place. (In each level the highest claim that fits is also the earliest, so that one series has them
    all.)"""
    series: set[int] = set()
    for places in reversed(levels):
        for place in places:
            claim = claims[place]
            if claim is not None and (following_us is None or claim <= following_us):
                series.add(place)
                following_us = claim
                break
    return series
