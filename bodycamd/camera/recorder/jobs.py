"""What the writer's thread is asked to do, one after the other, and what it does by itself in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from bodycamd.camera.control.events import BeginRecording, ContinueRecording, SealNow
from bodycamd.camera.recorder.journal import Journal
from bodycamd.camera.recorder.recording import Ending
from bodycamd.camera.recorder.ring import Claim
from bodycamd.evidence.statements import JsonValue


class Begin(Struct, frozen=True):
    """Begin a recording; the ring already keeps what it needs."""

    action: BeginRecording
    claim: Claim


class Entry(Struct, frozen=True):
    """A ledger entry."""

    type: str
    fields: Mapping[str, JsonValue]


class Anchor(Struct, frozen=True):
    """Sign where the ledger stands."""

    answer: Callable[[str], None]


class Work(Struct, frozen=True):
    """Something else that may write. It must not raise."""

    run: Callable[[Journal], None]


Job = Begin | Ending | ContinueRecording | SealNow | Entry | Anchor | Work


class Chores(Protocol):
    """What the store needs besides footage, in steps that each take at most one disk operation on footage files."""

    def step(self, journal: Journal, *, recording: bool) -> bool:
        """One step, if one is due; `recording`: one is open. Returns whether another is waiting. Called at least once a second, after all
        footage that waited was written; jobs are carried out between two steps."""

    def finish(self, journal: Journal) -> None:
        """The last thing before the ledger is closed."""


class NoChores:
    """Nothing to do."""

    def step(self, journal: Journal, *, recording: bool) -> bool:
        """Nothing."""
        return False

    def finish(self, journal: Journal) -> None:
        """Nothing."""
