"""Heat, throttling, supply, gauge, sensors and a missing worker as conditions that begin and end, from readings that tremble. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from bodycamd.camera.control.events import BoardChanged, BoardCondition
from bodycamd.camera.sensors.readings import Reading

HOT_CELSIUS = 80.0
"""From here a Pi's firmware slows its processor, and at 85 °C it stops the graphics core too (Raspberry Pi documentation, "Frequency
management and thermal control")."""
COOL_CELSIUS = 75.0
BEGIN_READINGS = 2
"""A condition begins with the second reading in a row that says so."""
END_US = 60_000_000
"""It ends when nothing has said so for this long: a supply that dips with each burst of the radio is one condition, not a hundred."""
SILENT_US = 15_000_000
WORKERLESS_US = 10_000_000
"""A worker that ends is followed by another one within seconds; and a start that waits in vain for its first one calls itself ready only
after this."""
LONGEST_DETAIL = 200
"""What the ledger takes of a reason."""


class _Watched(Struct):
    on: bool = False
    in_a_row: int = 0
    last_us: int = 0

    def step(self, says: bool, now_us: int) -> bool | None:
        """`True` when it begins, `False` when it ends, `None` where nothing changes."""
        self.in_a_row = self.in_a_row + 1 if says else 0
        if says:
            self.last_us = now_us
            if not self.on and self.in_a_row >= BEGIN_READINGS:
                self.on = True
                return True
        elif self.on and now_us - self.last_us >= END_US:
            self.on = False
            return False
        return None


class _Silence(Struct):
    silent_us: int = SILENT_US
    on: bool = False
    since_us: int | None = None

    def step(self, fault: str | None, now_us: int) -> bool | None:
        """As `_Watched.step`. One failure is no condition, nor is a start at which the recorder comes first: it begins when nothing was
        read for `silent_us`, and ends with the first reading."""
        if fault is None:
            self.since_us = None
        elif self.since_us is None:
            self.since_us = now_us
        silent = self.since_us is not None and now_us - self.since_us >= self.silent_us
        if silent == self.on:
            return None
        self.on = silent
        return silent


class MachineHealth:
    """Takes the newest reading at each look, or that there is none."""

    def __init__(self) -> None:
        self._hot, self._throttled, self._under_voltage = _Watched(), _Watched(), _Watched()
        self._gauge, self._sensors, self._cards, self._worker = _Silence(), _Silence(), _Silence(), _Silence(WORKERLESS_US)
        self._sequence_at_us = -1

    def heard(self, reading: Reading, now_us: int) -> Iterator[BoardChanged]:
        """What a reading changes. One that was seen already changes nothing."""
        if reading.at_us == self._sequence_at_us:
            return
        self._sequence_at_us = reading.at_us
        celsius = reading.celsius
        hot = celsius is not None and celsius >= (COOL_CELSIUS if self._hot.on else HOT_CELSIUS)
        degrees = "" if celsius is None else f"{celsius:.0f} °C"
        yield from _changed("hot", self._hot.step(hot, now_us), degrees)
        yield from _changed("throttled", self._throttled.step(reading.throttled is True, now_us), degrees)
        yield from _changed("under_voltage", self._under_voltage.step(reading.under_voltage is True, now_us), "")

    def gauge(self, fault: str | None, now_us: int) -> Iterator[BoardChanged]:
        """Whether the battery could be read just now; `fault` says why not."""
        yield from _changed("gauge_silent", self._gauge.step(fault, now_us), fault or "")

    def sensors(self, fault: str | None, now_us: int) -> Iterator[BoardChanged]:
        """Whether there is a reading at all; `fault` says why not."""
        yield from _changed("sensors_silent", self._sensors.step(fault, now_us), fault or "")

    def card_reader(self, fault: str | None, now_us: int) -> Iterator[BoardChanged]:
        """Whether a card could be read; `fault` says why not."""
        yield from _changed("card_reader_silent", self._cards.step(fault, now_us), fault or "")

    def worker(self, fault: str | None, now_us: int) -> Iterator[BoardChanged]:
        """Whether a capture worker is open or could be; `fault` says why not."""
        yield from _changed("worker_missing", self._worker.step(fault, now_us), fault or "")


def _changed(condition: BoardCondition, change: bool | None, detail: str) -> Iterator[BoardChanged]:
    if change is not None:
        yield BoardChanged(condition=condition, present=change, detail=detail[:LONGEST_DETAIL])
