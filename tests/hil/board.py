"""What a scenario asks of a board: a hand on the button, an eye on lamp and motor, an ear at the loudspeaker, and parts that break.

Times are the camera's own, CLOCK_BOOTTIME in µs: a camera that is emulated is judged by its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tests.hil.judge import Change

Entry = dict[str, Any]


class Board(Protocol):
    """A camera, running while the context lasts."""

    @property
    def began_us(self) -> int:
        """What was shown and felt before is not this scenario's."""

    @property
    def warning(self) -> Path:
        """The file of the warning that it speaks."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None: ...

    def now_us(self) -> int:
        """The camera's time."""

    def until(self, seen: Callable[[], bool], seconds: float) -> None:
        """Waits, by the camera's time. Raises `AssertionError`."""

    def hold(self, seconds: float) -> int:
        """The button is down for so long."""

    def edges(self, edges: Sequence[tuple[float, bool]]) -> None:
        """Each so many milliseconds after the first; true is down."""

    def stop_by_hand(self) -> int:
        """Hold, release, press."""

    def rest(self, seconds: float) -> None:
        """Nothing is done."""

    def fault(self, kind: str) -> None:
        """A part breaks, or is well again."""

    def status(self) -> Entry:
        """What the daemon says of itself; empty while it does not answer."""

    def changes(self, part: str) -> list[Change]:
        """What a part did: `lamp`, `ready_lamp`, `haptic`."""

    def ledger(self, type: str | None = None) -> list[Entry]:
        """The entries since the scenario began."""

    def speaks(self) -> bytes:
        """What the loudspeaker played last: 48 kHz, 16 bit."""

    def selftest(self) -> int:
        """The exit code of the self test before a shift."""

    def update(self) -> int:
        """The exit code of an update to a newer version."""
