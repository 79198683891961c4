"""What the ledger says of one recording: who, when, why, what was said, what went wrong. For the report.

Only what verifies is reported (`evidence.ledger_chain`); where the ledger breaks off, `ledger_damage` says so. Without the registered key
that means: signed as the ledger's own first line says. Whether the footage is what was stated is what `bodycamd verify` says, and the
report puts the two side by side. All text comes from the store and is taken as hostile by whoever shows it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentRecovered, SegmentSealed, StartDetail
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.noted_entries import CaptureStalled, CopyShown, Marked, ShiftBegun, ShiftEnded, Uploaded, ViewStated, WarningGiven
from bodycamd.evidence.retention_entries import HOLD_ENTRIES, RecordingDeleting
from bodycamd.evidence.statements import Entry, Stated, wall_text, wall_us
from bodycamd.foreign_text import shown
from bodycamd.municipality.words.formats import LocaleWriting
from bodycamd.municipality.words.language import LANGUAGES
from bodycamd.municipality.words.sentences import in_words
from bodycamd.store.names import check_recording

_DURING = {
    "audio_changed",
    "audio_silent",
    "battery_changed",
    "board_changed",
    "button_freed",
    "button_held",
    "button_stuck",
    "capture_flowing",
    "capture_stalled",
    "card_refused",
    "clock_changed",
    "disk_changed",
    "entries_lost",
    "failing",
    "fault",
    "footage_not_written",
    "fragment_refused",
    "left_unsealed",
    "microphone_opened",
    "ring_overflowed",
    "seal_forced",
    "shift_begin",
    "shift_end",
    "storage_changed",
    "view",
    "voice_failed",
    "voice_ready",
    "worker_freed",
    "worker_stuck",
    "write_failed",
}
MAX_HAPPENINGS = 500
MAX_SENTENCE = 600


class Instant(msgspec.Struct, frozen=True, omit_defaults=True):
    """A moment by the camera's clocks, and what its wall clock was worth. `error_ms` is absent where nobody bounds the error."""

    wall: str
    boottime_us: int
    clock_source: str
    error_ms: int | None = None


class Marker(msgspec.Struct, frozen=True, omit_defaults=True):
    """The officer marked a moment; whose shift it was then, empty where none was open."""

    at: Instant
    cause: str
    officer: str = ""


class Happening(msgspec.Struct, frozen=True):
    """A ledger entry about the recording: its fields (`detail`), and a sentence in Dutch and in English."""

    at: Instant
    type: str
    detail: str
    nl: str
    en: str


class SpokenWarning(msgspec.Struct, frozen=True, omit_defaults=True):
    """The spoken warning. `outcome`: `played_to_device`, `skipped`, `failed` or `none`; `file_sha256` is of the sound file."""

    outcome: str
    file_sha256: str = ""
    pressed: Instant | None = None
    ended: Instant | None = None
    detail: str = ""


class StatedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the ledger states of a segment's file."""

    segment: int
    file: str
    how: str
    sha256: str
    bytes: int
    torn_bytes: int
    fragments: int
    reason: str = ""


class Story(msgspec.Struct, omit_defaults=True):
    """One recording by the ledger. `officer` is the pseudonym that its own entry states, empty where no shift was open; `shift_begun` is
    when that shift began, where the ledger still holds it. `ended_by` says what an interruption was:
    `power_cut` (the system had restarted when it was found) or `crash` (the recorder had ended, the system had not).
    """

    recording: str
    device: str = ""
    software: str = ""
    bundle: str | None = None
    """The name of the bundle that filmed; empty for a development checkout, `None` where the ledger is of before bundles."""
    officer: str = ""
    shift_begun: Instant | None = None
    opened: Instant | None = None
    warning: SpokenWarning | None = None
    resumes: str = ""
    closed: Instant | None = None
    reason: str = ""
    ended_by: str = ""
    stated_duration_us: int = 0
    stated_segments: int | None = None
    files: list[StatedFile] = []
    markers: list[Marker] = []
    happenings: list[Happening] = []
    """While it was recorded."""
    happenings_unlisted: int = 0
    holds: list[Happening] | None = None
    """Why it was kept, in the words of `hold_added` and its like: only where somebody asked for it, because case numbers are in it."""
    stalls: dict[int, str] = {}
    """Why a capture worker was replaced, by its generation."""
    deleting: str = ""
    for_room: bool = False
    received: list[int] = []
    """The segments that a station's receipt is stated for."""
    ledger_damage: str = ""


def read_story(ledger: Path, recording: str, registered: PublicKey | None = None, *, with_holds: bool = False) -> Story:
    """Read what the ledger says; of holds only `with_holds`. Raises `UsageError` where this is no recording's id, `StorageError`."""
    start = check_recording(recording)
    story = Story(recording, holds=[] if with_holds else None)
    boot_id = ""
    shift: Line | None = None
    view: _Taking | None = None
    verified = VerifiedLedger(ledger, registered)
    for line in verified:
        entry = line.entry
        if isinstance(line.detail, (ShiftBegun, ShiftEnded)) and story.opened is None:
            shift = line
        if entry.start < start:
            continue
        if entry.start == start:
            boot_id = entry.boot_id
        taking = _Taking(story, line, own=entry.start == start, same_boot=entry.boot_id == boot_id)
        if isinstance(line.detail, ViewStated) and story.opened is None and entry.start == start:
            view = taking  # the camera opens before the recording does: what it saw then, it sees in the recording
        taking.take()
        if isinstance(line.detail, RecordingOpened) and story.opened is not None and view is not None:
            view.happened()
            view = None
    if shift is not None and isinstance(shift.detail, ShiftBegun) and shift.detail.officer == story.officer:
        story.shift_begun = instant(shift.entry)
    story.ledger_damage = verified.broken
    return story


def instant(entry: Entry, boottime_us: int | None = None) -> Instant:
    """The moment of an entry, or another one of the same boot by the same clock."""
    own_us = entry.boottime_ns // 1000
    wall = entry.wall
    if boottime_us is not None and 0 <= boottime_us <= own_us:
        wall = wall_text(max(0, wall_us(entry.wall, "wall") - (own_us - boottime_us)))
        own_us = boottime_us
    return Instant(wall, own_us, entry.clock.source, entry.clock.error_ms)


def missing_segments(story: Story, numbers: list[int]) -> list[str]:
    """What ought to be there beside the segments with these numbers: in words, one for each. Empty where nothing is missing."""
    there = set(numbers)
    missing = [f"{f.file}, {f.how} with {f.fragments} fragments" for f in story.files if f.segment not in there]
    stated = {f.segment for f in story.files}
    highest = max([*there, (story.stated_segments or 0) - 1], default=-1)
    return missing + [f"{number:06d}.tar" for number in range(highest + 1) if number not in there and number not in stated]


class _Taking:
    """One entry into the story."""

    def __init__(self, story: Story, line: Line, *, own: bool, same_boot: bool) -> None:
        self._story = story
        self._entry = line.entry
        self._detail = line.detail
        self._own = own
        self._same_boot = same_boot

    def take(self) -> None:
        story, entry, detail = self._story, self._entry, self._detail
        if isinstance(detail, StartDetail) and self._own:
            story.device, story.software = entry.device, detail.software
            story.bundle = None if detail.format == "bodycam-ledger/1" else detail.bundle or ""
        mine = entry.detail.get("recording") == story.recording
        if mine and self._told(detail):
            return
        if mine and entry.type in HOLD_ENTRIES:
            if story.holds is not None and len(story.holds) < MAX_HAPPENINGS:
                story.holds.append(self._in_words())
        elif mine or (self._own and entry.type in _DURING and story.opened is not None and not story.reason):
            self.happened()

    def _told(self, detail: Stated | None) -> bool:
        """What has a place of its own; returns whether this has."""
        story = self._story
        match detail:
            case RecordingOpened():
                story.opened = instant(self._entry)
                story.resumes, story.officer = detail.resumes or "", detail.officer or ""
                story.warning = SpokenWarning(detail.warning, pressed=self._at(detail.pressed_us))
            case WarningGiven():
                pressed = story.warning.pressed if story.warning is not None else None
                story.warning = SpokenWarning(detail.outcome, detail.file_sha256, pressed, self._at(detail.ended_us), detail.detail)
            case Marked():
                story.markers.append(Marker(instant(self._entry, detail.at_us), detail.cause, detail.officer or ""))
            case RecordingClosed():
                story.closed, story.reason = instant(self._entry), detail.reason
                story.stated_duration_us, story.stated_segments = detail.duration_us, detail.segments
                if story.reason == "interrupted":
                    story.ended_by = "crash" if self._same_boot else "power_cut"
            case SegmentSealed():
                story.files.append(StatedFile(detail.segment, detail.file, "sealed", detail.sha256, detail.size, 0, detail.fragments))
            case SegmentRecovered():
                good, torn = detail.good_bytes, detail.torn_bytes
                story.files.append(
                    StatedFile(detail.segment, detail.file, "recovered", detail.sha256, good, torn, detail.fragments, detail.reason)
                )
            case RecordingDeleting():
                story.deleting, story.for_room = self._entry.wall, detail.proof == "receipt"
            case CopyShown():  # as often as the station is asked: they would fill what happened
                pass
            case Uploaded(segment=int() as number):  # one for each segment: they would fill what happened
                story.received = sorted({*story.received, number})
            case _:
                return False
        return True

    def _at(self, at_us: int | None) -> Instant | None:
        return instant(self._entry, at_us) if at_us else None

    def happened(self) -> None:
        """It belongs to what happened in the recording."""
        if isinstance(self._detail, CaptureStalled):
            self._story.stalls[self._detail.generation] = shown(self._detail.reason, 190)
        if len(self._story.happenings) >= MAX_HAPPENINGS:
            self._story.happenings_unlisted += 1
            return
        self._story.happenings.append(self._in_words())

    def _in_words(self) -> Happening:
        entry = self._entry
        fields = {name: value for name, value in entry.detail.items() if name != "recording"}
        detail = ", ".join(f"{name} {_shown(value)}" for name, value in fields.items())
        nl, en = (shown(in_words(entry, LocaleWriting(language)), MAX_SENTENCE) for language in LANGUAGES)
        return Happening(instant(entry), entry.type, shown(detail, 300), nl, en)


def _shown(value: object) -> str:
    return " ".join(f"{name} {inner}" for name, inner in value.items()) if isinstance(value, dict) else str(value)
