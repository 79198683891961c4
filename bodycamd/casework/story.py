"""What the ledger tells of one recording: who, when, why, what was said, what went wrong. For the report.

Read strictly in form, but not verified here: whether it is true is what `casework.verify` says, and the report puts the two side by side.
All text comes from the store and is taken as hostile by whoever shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from bodycamd.casework.sentences import LANGUAGES, in_words
from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.evidence.ledger_reader import file_name, lines, open_ledger_file, starts
from bodycamd.evidence.retention_entries import HOLD_ENTRIES
from bodycamd.evidence.statements import Entry, wall_text, wall_us
from bodycamd.evidence.strict import shortened
from bodycamd.recorder.history import PastEntry
from bodycamd.recorder.names import recording_start

_DURING = {
    "audio_changed",
    "battery_changed",
    "button_freed",
    "button_stuck",
    "capture_flowing",
    "capture_stalled",
    "clock_changed",
    "disk_changed",
    "entries_lost",
    "failing",
    "fault",
    "footage_not_written",
    "fragment_refused",
    "left_unsealed",
    "ring_overflowed",
    "seal_forced",
    "shift_begin",
    "shift_end",
    "storage_changed",
    "voice_failed",
    "voice_ready",
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


class Warning(msgspec.Struct, frozen=True, omit_defaults=True):
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
    officer: str = ""
    shift_begun: Instant | None = None
    opened: Instant | None = None
    warning: Warning | None = None
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
    """Why it was kept, in the words of `hold_added` and its like: only where somebody asked for it, because case numbers stand in it."""
    stalls: dict[int, str] = {}
    """Why a capture worker was replaced, by its generation."""
    deleting: str = ""
    ledger_damage: str = ""


def read_story(ledger: Path, recording: str, *, with_holds: bool = False) -> Story:
    """Read what the ledger tells; of holds only `with_holds`. Raises `NotFoundError` where this is no recording's name, `StorageError`."""
    start = recording_start(recording)
    if start is None:
        raise NotFoundError(f"{recording!r} is not the id of a recording; one looks like 000042-0001")
    story = Story(recording, holds=[] if with_holds else None)
    boot_id = ""
    for number in starts(ledger):
        whole = story.reason and story.files and len(story.files) >= (story.stated_segments or 0)
        if number < start or (number > start and whole and not with_holds):
            continue
        for entry in _entries(ledger, number, story):
            if number == start:
                boot_id = entry.boot_id
            _Taking(story, entry, own=number == start, same_boot=entry.boot_id == boot_id).take()
    if story.officer:
        _find_shift(ledger, start, story)
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

    def __init__(self, story: Story, entry: Entry, *, own: bool, same_boot: bool) -> None:
        self._story = story
        self._entry = entry
        self._own = own
        self._same_boot = same_boot

    def take(self) -> None:
        story, entry = self._story, self._entry
        if entry.type == "start" and self._own:
            story.device, story.software = entry.device, self._text("software")
        mine = self._text("recording") == story.recording
        handler = {
            "recording_opened": self._opened,
            "warning": self._warning,
            "marker": self._marker,
            "recording_closed": self._closed,
            "segment_sealed": self._file,
            "segment_recovered": self._file,
            "deleting": self._deleting,
        }.get(entry.type)
        if mine and handler is not None:
            handler()
        elif mine and entry.type in HOLD_ENTRIES:
            if story.holds is not None and len(story.holds) < MAX_HAPPENINGS:
                story.holds.append(self._told())
        elif mine or (self._own and entry.type in _DURING and story.opened is not None and not story.reason):
            self._happened()

    def _opened(self) -> None:
        story = self._story
        story.opened = instant(self._entry)
        story.resumes, story.officer = self._text("resumes"), self._text("officer")
        pressed_us = self._number("pressed_us")
        story.warning = Warning(self._text("warning"), pressed=instant(self._entry, pressed_us) if pressed_us else None)

    def _warning(self) -> None:
        before = self._story.warning
        ended_us = self._number("ended_us")
        self._story.warning = Warning(
            self._text("outcome"),
            self._text("file_sha256"),
            before.pressed if before is not None else None,
            instant(self._entry, ended_us) if ended_us else None,
            self._text("detail"),
        )

    def _marker(self) -> None:
        at = instant(self._entry, self._number("at_us"))
        self._story.markers.append(Marker(at, self._text("cause"), self._text("officer")))

    def _closed(self) -> None:
        story = self._story
        story.closed, story.reason = instant(self._entry), self._text("reason")
        story.stated_duration_us, story.stated_segments = self._number("duration_us"), self._number("segments")
        if story.reason == "interrupted":
            story.ended_by = "crash" if self._same_boot else "power_cut"

    def _file(self) -> None:
        sealed = self._entry.type == "segment_sealed"
        self._story.files.append(
            StatedFile(
                segment=self._number("segment"),
                file=self._text("file"),
                how="sealed" if sealed else "recovered",
                sha256=self._text("sha256"),
                bytes=self._number("size") if sealed else self._number("good_bytes"),
                torn_bytes=self._number("torn_bytes"),
                fragments=self._number("fragments"),
                reason=self._text("reason"),
            )
        )

    def _deleting(self) -> None:
        self._story.deleting = self._entry.wall

    def _happened(self) -> None:
        if self._entry.type == "capture_stalled":
            self._story.stalls[self._number("generation")] = shortened(self._text("reason"), 190)
        if len(self._story.happenings) >= MAX_HAPPENINGS:
            self._story.happenings_unlisted += 1
            return
        self._story.happenings.append(self._told())

    def _told(self) -> Happening:
        fields = {name: value for name, value in self._entry.detail.items() if name != "recording"}
        detail = ", ".join(f"{name} {_shown(value)}" for name, value in fields.items())
        entry = self._entry
        told = PastEntry(entry.type, entry.start, entry.boot_id, entry.boottime_ns, entry.wall, entry.detail)
        nl, en = (shortened(in_words(told, language), MAX_SENTENCE) for language in LANGUAGES)
        return Happening(instant(entry), entry.type, shortened(detail, 300), nl, en)

    def _text(self, field: str) -> str:
        value = self._entry.detail.get(field)
        return value if isinstance(value, str) else ""

    def _number(self, field: str) -> int:
        value = self._entry.detail.get(field)
        return value if isinstance(value, int) and value >= 0 else 0


def _shown(value: object) -> str:
    return " ".join(f"{name} {inner}" for name, inner in value.items()) if isinstance(value, dict) else str(value)


def _entries(ledger: Path, start: int, story: Story) -> Iterator[Entry]:
    """The entries of one start up to the first line that is not whole: what a cut leaves, or damage, which verification tells apart."""
    name = file_name(start)
    try:
        with open_ledger_file(ledger, name) as file:
            for line in lines(file, name):
                yield line.entry
    except DataError as error:
        story.ledger_damage = story.ledger_damage or str(error)
    except OSError as error:
        raise StorageError(f"{ledger / name}: cannot read the ledger: {error.strerror}") from error


def _find_shift(ledger: Path, start: int, story: Story) -> None:
    """When the shift of the recording's officer began: the last one before it, if it is of that officer, also in an earlier start."""
    for number in reversed([n for n in starts(ledger) if n <= start]):
        found: Entry | None = None
        for entry in _entries(ledger, number, story):
            if number == start and entry.type == "recording_opened" and entry.detail.get("recording") == story.recording:
                break
            if entry.type in ("shift_begin", "shift_end"):
                found = entry
        if found is not None:
            if found.type == "shift_begin" and found.detail.get("officer") == story.officer:
                story.shift_begun = instant(found)
            return
