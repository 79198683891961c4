"""The record beside a fleet file, `NAME.record.jsonl`: what was done with cameras, a line each, never changed and never removed.

Cards that were made (the public half of their tokens, never a token), cameras that were enrolled, lost, replaced or retired, rosters that
were signed. Nobody has to believe it: what counts is the roster, and each application is kept with the camera's own signatures.

Its first line is written with the fleet file, by `fleet init`. A fleet file without its record is a copy, or the record was moved: nothing
is begun anew for it, as rosters would start over at 1, and no camera would take them.

One command at a time appends to it: the file is locked. A line that a crash cut short is refused by the next reader, with its number.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from bodycamd.errors import DataError, NotFoundError, StorageError, StoreBusyError
from bodycamd.evidence import strict_json
from bodycamd.evidence.retention_entries import Day
from bodycamd.evidence.roster import Municipality, Serial, State, TeamId
from bodycamd.evidence.statements import DeviceId, Positive, RawPublicKey, Sha256, Stated, Wall
from bodycamd.linux import durable, foreign

MAX_RECORD_BYTES = 64 * 1024 * 1024
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}\Z")]


class Begun(Stated, tag_field="type", tag="begun", frozen=True, kw_only=True):
    """The first line: the fleet of this municipality begins."""

    municipality: Municipality
    on: Day


class CardMade(Stated, tag_field="type", tag="card_made", frozen=True, kw_only=True):
    """A card was written for this camera. Its token is worth something once, until then."""

    camera: DeviceId
    token_key: RawPublicKey
    until: Wall
    on: Day


class Enrolled(Stated, tag_field="type", tag="enrolled", frozen=True, kw_only=True):
    """The camera's keys, as its signed application has them; `application` is that document's id."""

    camera: DeviceId
    first_key: RawPublicKey
    uplink_key: RawPublicKey
    message_key: RawPublicKey
    application: Sha256
    token_key: RawPublicKey
    on: Day
    serial: Serial | None = None


class StateSet(Stated, tag_field="type", tag="state_set", frozen=True, kw_only=True):
    """From here on the camera is in this state; `replaced_by` names the one that takes its place."""

    camera: DeviceId
    state: State
    on: Day
    replaced_by: DeviceId | None = None


class TakenBack(Stated, tag_field="type", tag="taken_back", frozen=True, kw_only=True):
    """What was said last of this camera's state was a mistake, and no roster says it: it is as before."""

    camera: DeviceId
    on: Day


class Added(Stated, tag_field="type", tag="added", frozen=True, kw_only=True):
    """A camera that the fleet file does not name yet, in the place of another one."""

    camera: DeviceId
    team: TeamId
    on: Day


class RosterSigned(Stated, tag_field="type", tag="roster_signed", frozen=True, kw_only=True):
    """A roster was signed; `file` is its name in the folder of rosters."""

    root_version: Positive
    version: Positive
    sha256: Sha256
    not_after: Wall
    file: FileName


Line: TypeAlias = Begun | CardMade | Enrolled | StateSet | TakenBack | Added | RosterSigned
_lines: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Begun | CardMade | Enrolled | StateSet | TakenBack | Added | RosterSigned)


class Record(Struct):
    """All lines, in order, and what follows from them. `enrolled`, `states` and `added` are by the camera's name, `cards` has its newest
    card.
    """

    lines: list[Line]
    cards: dict[str, CardMade]
    enrolled: dict[str, Enrolled]
    states: dict[str, StateSet]
    added: dict[str, Added]
    rosters: list[RosterSigned]

    def take(self, line: Line) -> None:
        """Add what a line says."""
        self.lines.append(line)
        match line:
            case CardMade():
                self.cards[line.camera] = line
            case Enrolled():
                self.enrolled[line.camera] = line
            case StateSet():
                self.states[line.camera] = line
            case TakenBack():
                self._take_back(line.camera)
            case Added():
                self.added[line.camera] = line
            case RosterSigned():
                self.rosters.append(line)
            case Begun():
                pass

    def said_of(self, camera: str) -> list[StateSet]:
        """What was said of its state, in order, without what was taken back."""
        said: list[StateSet] = []
        for line in self.lines:
            if isinstance(line, StateSet) and line.camera == camera:
                said.append(line)
            elif isinstance(line, TakenBack) and line.camera == camera:
                del said[-1:]
        return said

    def _take_back(self, camera: str) -> None:
        undone = self.states.pop(camera, None)
        if undone is None:
            raise DataError(f"the record takes back what it never said of {camera}: somebody changed it; take it from the backup")
        if said := self.said_of(camera):
            self.states[camera] = said[-1]
        if undone.replaced_by is not None and all(one.replaced_by != undone.replaced_by for one in self.states.values()):
            self.added.pop(undone.replaced_by, None)

    def state(self, camera: str) -> State:
        """`active` where nothing else was set."""
        return self.states[camera].state if camera in self.states else "active"

    def token_used(self, token_key: str) -> bool:
        """Whether a camera was enrolled with this token."""
        return any(enrolled.token_key == token_key for enrolled in self.enrolled.values())


def record_path(fleet_file: Path) -> Path:
    """Beside the fleet file, with its name."""
    return fleet_file.with_name(f"{fleet_file.stem}.record.jsonl")


def rosters_folder(fleet_file: Path) -> Path:
    """Where the signed rosters are, every one of them."""
    return fleet_file.with_name(f"{fleet_file.stem}.rosters")


def root_path(fleet_file: Path) -> Path:
    """The root of the newest roster that was signed, as stations and receivers get it: what rosters are believed by."""
    return rosters_folder(fleet_file) / "root.json"


def applications_folder(fleet_file: Path) -> Path:
    """Where the applications of enrolled cameras are kept, made if it is not there. Raises `StorageError`."""
    folder = fleet_file.with_name(f"{fleet_file.stem}.applications")
    try:
        durable.make_folder(folder)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be created: {error.strerror}") from error
    return folder


def first_line(municipality: str, on: str) -> bytes:
    """What the record of a new fleet holds."""
    return strict_json.encode(Begun(municipality=municipality, on=on), "record") + b"\n"


def read_record(path: Path) -> Record:
    """The record. Raises `NotFoundError` with what to do where there is none, `DataError` with the line, `StorageError`."""
    try:
        return _parsed(foreign.read_named(path, MAX_RECORD_BYTES), path)
    except NotFoundError as error:
        raise NotFoundError(
            f"{path}: not there. Work where the fleet file's record and rosters are, or bring all of them along; without them no roster "
            "can follow the last one. A new fleet: bodycamd fleet init"
        ) from error


@contextmanager
def appending(path: Path) -> Iterator[RecordWriter]:
    """The record, locked, for who adds to it. Raises `StoreBusyError` where another command is at it, and as `read_record` does."""
    read_record(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusyError(f"{path}: another command is adding to it; try again when it has ended") from None
        yield RecordWriter(read_record(path), descriptor, path)
    finally:
        os.close(descriptor)


class RecordWriter:
    """Adds lines to a locked record. `record` has everything, also what was just added."""

    def __init__(self, record: Record, descriptor: int, path: Path) -> None:
        self.record = record
        self._descriptor = descriptor
        self._path = path

    def add(self, *lines: Line) -> None:
        """Append lines, in one piece; they are durable when this returns. Raises `StorageError`."""
        raw = b"".join(strict_json.encode(line, "record") + b"\n" for line in lines)
        for line in raw.splitlines():
            strict_json.decode(line, _lines, "to be recorded")
        try:
            durable.write_all(self._descriptor, [raw])
            durable.sync(self._descriptor)
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from error
        for added in lines:
            self.record.take(added)


def _parsed(raw: bytes, path: Path) -> Record:
    record = Record([], {}, {}, {}, {}, [])
    if not raw:
        raise DataError(f"{path}: empty: somebody emptied it; take it from the backup")
    if raw and not raw.endswith(b"\n"):
        raise DataError(f"{path}: line {raw.count(10) + 1}: cut short; remove that line, and repeat the last command")
    for number, line in enumerate(raw.split(b"\n")[:-1], 1):
        record.take(strict_json.decode(line, _lines, f"{path}: line {number}"))
    return record
