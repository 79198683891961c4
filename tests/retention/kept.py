"""A keeper whose ledger is in memory: real folders of footage, a clock that the test sets, and nothing signed. For tables of cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.recorder.journal import Journal
from bodycamd.errors import StorageError
from bodycamd.evidence.entries import TYPE_NAMES, detail_fields
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.statements import Stated
from bodycamd.linux.clock import SettableClock
from bodycamd.linux.disk import Disk
from bodycamd.retention.ledger_index import LedgerIndex
from bodycamd.retention.policy import Rules
from tests.retention.telling import WALL, Said, say

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ONE, TWO, THREE = "000001-0001", "000001-0002", "000001-0003"
RULES = Rules(1, 24, None)
MARGIN = 2 * MINUTE
END = 10
DUE = DAY + MARGIN - 10 * MINUTE - SECOND + END
"""So long off, a recording that ended ten microseconds into boot `a` is due when boot `b` is a second old."""
ID = "a" * 12


class Growing:
    """A ledger that has been read so far; `broken` as `VerifiedLedger` says it."""

    def __init__(self, *entries: Said) -> None:
        self.unread = list(entries)
        self.broken = ""

    def __iter__(self) -> Iterator[SimpleNamespace]:
        read, self.unread = self.unread, []
        return iter([SimpleNamespace(entry=entry, detail=detail) for entry, detail in read])


class Kept:
    """The second start, or a later one, in boot `b`, a second after it began: `off_us` after the ten minutes that boot `a` lasted.
    `refused` are the types of entries that the disk does not take."""

    def __init__(
        self, root: Path, *before: Said, off_us: int, present: tuple[str, ...], rules: Rules, start: int = 2, begin: bool = True
    ) -> None:
        self.recordings, self.ledger_folder = root / "recordings", root / "ledger"
        for name in ("recordings", "ledger", *[f"recordings/{name}" for name in present]):
            (root / name).mkdir()
        for name in present:
            (self.recordings / name / "000000.tar").write_bytes(b"footage")
        self.clock = SettableClock(SECOND, WALL + 10 * MINUTE + off_us + SECOND)
        self.start = start
        self.ledger = Growing(*before, say("start", start, "b", SECOND, wall_us=self.clock.wall_us))
        self.entered: list[Stated] = []
        self.refused: set[str] = set()
        self.keeper = Keeper(
            recordings=self.recordings,
            ledger_folder=self.ledger_folder,
            index=LedgerIndex(cast(VerifiedLedger, self.ledger)),
            clock=self.clock,
            start=start,
            boot_id="b",
            rules=rules,
            disk=Disk(),
        )
        if begin:
            self.keeper.begin(self.enter)

    def enter(self, detail: Stated) -> None:
        type = TYPE_NAMES[detail.__class__]
        if type in self.refused:
            raise StorageError("no space left on device")
        self.entered.append(detail)
        self.tell(type, **detail_fields(detail))

    def tell(self, type: str, **detail: Any) -> None:
        """Somebody else enters this."""
        self.ledger.unread.append(say(type, self.start, "b", self.clock.boottime_us, wall_us=self.clock.wall_us, **detail))

    def types(self) -> list[str]:
        """Of what the keeper has entered since this was asked last."""
        found, self.entered = [TYPE_NAMES[type(detail)] for detail in self.entered], []
        return found

    def step(self, *, after_us: int = 0, recording: bool = False) -> bool:
        self.clock.advance(after_us)
        return self.keeper.step(cast(Journal, SimpleNamespace(state_durably=self.enter)), recording=recording)

    def sweep(self, *, pace_us: int = 0) -> None:
        """A whole one, in its steps."""
        for _ in range(99):
            if not self.step(after_us=pace_us):
                return
        raise AssertionError("it has no end")

    def present(self) -> list[str]:
        return sorted(path.name for path in self.recordings.iterdir())


def begun(*names: str) -> tuple[Said, ...]:
    return tuple(say("deleting", 1, "a", 30, recording=name) for name in names)


def recorded(*names: str) -> list[Said]:
    """What the first start states: recordings that ended, a confirmed clock after ten minutes."""
    told = [say("start", 1, "a", 1), say("retention_rules", 1, "a", 1, days=1, keep_months=24)]
    for name in names:
        told.append(say("recording_opened", 1, "a", 2, recording=name))
        told.append(say("segment_sealed", 1, "a", END, recording=name))
        told.append(say("recording_closed", 1, "a", END, recording=name, end_us=END))
    return [*told, say("time", 1, "a", 10 * MINUTE, confirmed=True)]


def kept(root: Path, *names: str, beside: tuple[Said, ...] = (), off_us: int = DUE, **more: Any) -> Kept:
    """These recordings, each in its folder."""
    settings: dict[str, Any] = {"present": names, "rules": RULES}
    return Kept(root, *recorded(*names), *beside, off_us=off_us, **(settings | more))


def held(name: str, id: str = ID, review_on: str = "2030-01-01", **beside: Any) -> Said:
    return say("hold_added", 1, "a", 20, recording=name, hold=id, review_on=review_on, **beside)
