"""A deletion certificate: the camera's own signed ledger lines that lead from the registered key to the entry `deleted`.

It holds the first line of every start up to that of the deletion (each signed with the key that the one before named), and, of the starts
that speak of the recording, every change of key and every line about it. `scripts/verify-certificate.sh` checks it with openssl and
jq and nothing of ours.

Shown: this camera, by the registered key, stated that it deleted the recording, when, and why it might. Not shown, because no paper can:
that no copy was made before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import NotFoundError
from bodycamd.evidence.entries import KeyChanged, RecordingClosed, RecordingOpened, SegmentRecovered, SegmentSealed, StartDetail
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.retention_entries import HOLD_ENTRIES, RecordingDeleted, RecordingDeleting
from bodycamd.municipality.verify.past import ledger_of
from bodycamd.municipality.words.sentences import in_words
from bodycamd.store.names import check_recording

FORMAT = "bodycam-deletion-certificate/1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """`lines` are whole ledger lines as they are; everything else repeats what they say."""

    format: str
    recording: str
    device: str
    deleted: str
    days: int
    proof: str
    recorded_minutes: float | None
    """None where the ledger no longer says so: what came before the deletion may have been dropped behind a checkpoint."""
    segments_recorded: int | None
    """How many segments the lines state, finished or recovered; none as above."""
    segments_deleted: int | None
    """How many the camera found when it deleted them; none where that is not stated."""
    statements: list[str]
    lines: list[str]
    holds: bool = False
    """Whether lines and statements tell of holds, with their case numbers."""


def certify(store: Path, recording: str, *, with_holds: bool = False) -> Certificate:
    """The certificate of a deleted recording; holds are in it only `with_holds`.

    Raises `UsageError` for what is no id, `NotFoundError` where the ledger (any more) says nothing of it that verifies, or it is not
    deleted; `StorageError`.
    """
    check_recording(recording)
    ledger = ledger_of(store)
    about: list[Line] = []
    chosen = _Chosen(recording, frozenset() if with_holds else HOLD_ENTRIES)
    deleted: Line | None = None
    for line in ledger:
        if deleted is not None and line.entry.start > deleted.entry.start:
            break
        if chosen.take(line):
            about.append(line)
            deleted = line if deleted is None and isinstance(line.detail, RecordingDeleted) else deleted
    broken = f"; the ledger verifies only so far: {ledger.broken}" if ledger.broken else ""
    if not about:
        raise NotFoundError(f"{recording}: the ledger does not mention it, or no longer does{broken}")
    if deleted is None:
        raise NotFoundError(f"{recording}: it is not deleted{broken}")
    deleting = next((line.detail for line in about if isinstance(line.detail, RecordingDeleting)), None)
    closed = next((line.detail for line in about if isinstance(line.detail, RecordingClosed)), None)
    before = ledger.chain.checkpoint
    return Certificate(
        format=FORMAT,
        recording=recording,
        device=deleted.entry.device,
        deleted=deleted.entry.wall,
        days=(deleting.days if deleting is not None else None) or 0,
        proof=((deleting.proof if deleting is not None else None) or "").replace("_", " "),
        segments_recorded=_recorded(about),
        segments_deleted=deleting.segments if deleting is not None else None,
        recorded_minutes=round(closed.duration_us / 60e6, 2) if closed is not None else None,
        statements=[f"{line.entry.wall.partition('.')[0]}Z {in_words(line.entry)}" for line in about],
        lines=[*(before.raw.decode().split("\n")[:-1] if before is not None else ()), *chosen.lines],
        holds=with_holds,
    )


def _recorded(about: list[Line]) -> int | None:
    """A segment that was recovered and finished is one; the closing counts those too of which no line is left."""
    if not any(isinstance(line.detail, RecordingOpened | RecordingClosed) for line in about):
        return None
    stated = {line.detail.segment for line in about if isinstance(line.detail, SegmentSealed | SegmentRecovered)}
    return max([len(stated), *(line.detail.segments for line in about if isinstance(line.detail, RecordingClosed))])


class _Chosen:
    """The lines that lead to a recording's deletion: the first of every start, and of the starts that speak of the recording every change
    of key and every line about it, but those of the types `left_out`.
    """

    def __init__(self, recording: str, left_out: frozenset[str]) -> None:
        self._recording = recording
        self._left_out = left_out
        self._done: list[str] = []
        self._begun: list[str] = []
        self._within: list[str] = []
        self._speaks = False

    @property
    def lines(self) -> list[str]:
        """As they are in the ledger."""
        return [*self._done, *self._begun, *(self._within if self._speaks else ())]

    def take(self, line: Line) -> bool:
        """One line more; returns whether it is about the recording."""
        text = line.text.decode()
        if isinstance(line.detail, StartDetail):
            self._done = self.lines
            self._begun, self._within, self._speaks = [text], [], False
            return False
        about = line.entry.detail.get("recording") == self._recording and line.entry.type not in self._left_out
        self._speaks |= about
        if about or isinstance(line.detail, KeyChanged):
            self._within.append(text)
        return about
