"""Reading the ledger: strictly and as a stream, one line in memory at a time. Nothing here changes a file.

All input is taken as hostile; whatever is wrong raises `DataError` with file and line, and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.evidence.entries import KeyChanged, StartDetail, TornFile, check_detail, check_format, detail_as
from bodycamd.evidence.keys import SIGNATURE_BYTES, PublicKey
from bodycamd.evidence.statements import ZERO_HASH, Entry, decode_entry
from bodycamd.evidence.strict import MAX_JSON_BYTES
from bodycamd.linux import foreign

LEDGER_FILE = re.compile(r"([0-9]{6})\.jsonl")
_SIGNATURE_TEXT = 88
MAX_TORN_HASHED = 16 * 1024 * 1024
"""Of a torn part that is longer, `torn_sha256` is of so many bytes. (A cut leaves less than one line; more is somebody's doing.)"""
MAX_LINE_BYTES = _SIGNATURE_TEXT + 1 + MAX_JSON_BYTES + 1


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line: its entry, and the bytes that were signed and hashed. The signature is not yet checked."""

    entry: Entry
    json: bytes
    signature: bytes
    sha256: str
    """Of the whole line without its line end: what the next entry must name as `prev`."""
    end: int
    """The file's size up to and including this line's end."""
    where: str


def file_name(start: int) -> str:
    """The name of a start's file in the ledger folder."""
    return f"{start:06d}.jsonl"


def open_ledger_file(folder: Path, name: str) -> BinaryIO:
    """Open a file of the ledger folder, which lies right below the store; neither is a link. Raises as `foreign.open_file` does."""
    return foreign.open_file(folder / name, below=folder.parent)


def numbered(folder: Path, pattern: re.Pattern[str], *, files_only: bool = True) -> list[int]:
    """The numbers in the names of the ledger folder that match, ascending; other names are passed over, and with `files_only` whatever is
    no regular file. Raises as `foreign.Folder.names` does."""
    try:
        with foreign.Folder.open(folder, below=folder.parent) as opened:
            listed = opened.names()
    except NotFoundError:
        return []
    return sorted(int(match[1]) for name in listed if (name.is_file or not files_only) and (match := pattern.fullmatch(name.name)))


def starts(folder: Path) -> list[int]:
    """The numbers of the starts that have a file in the ledger folder, ascending. Raises `StorageError`, `PermissionDeniedError`,
    `DataError` where the ledger folder is none."""
    return numbered(folder, LEDGER_FILE)


def highest_start(folder: Path) -> int:
    """The highest start number that any name in the ledger folder has, whatever stands there; 0 where there is none."""
    return max(numbered(folder, LEDGER_FILE, files_only=False), default=0)


def lines(file: BinaryIO, source: str) -> Iterator[Line]:
    """Every line of a ledger file, strict in form: whole, one reading of the JSON, the start and its numbers growing, `prev` linked within
    the file.

    A last line without its line end raises `DataError` like any other damage, after the good lines were given. Signatures and the first
    `prev` are the caller's to check: they need the starts before.
    """
    end, number, previous, format = 0, 0, None, ""
    while raw := file.readline(MAX_LINE_BYTES):
        number += 1
        where = f"{source}: line {number}"
        if raw[-1:] != b"\n":
            raise DataError(f"{where}: too long" if len(raw) == MAX_LINE_BYTES else f"{where}: torn, {len(raw)} bytes without a line end")
        end += len(raw)
        line = _line(raw[:-1], end, where)
        _check_order(previous, line)
        format = format or line.entry.detail["format"]
        check_format(line.entry, format, where)
        previous = line
        yield line


def single_line(raw: bytes, where: str) -> Line:
    """One line on its own, without its line end, strict in form; who signed it is not checked. Raises `DataError`."""
    return _line(raw, len(raw) + 1, where)


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """What is good in one start's file: the longest prefix of whole lines that verify with the keys that it names, each in its time.

    `detail` is of the start entry, `None` where not even that is whole. `head` is the SHA-256 of the last good line. `reason` says why the
    rest is not good. `torn_line_ends` counts the line ends in it, `torn_at_line_end` tells whether it ends with one. See `left_by_cut`.
    """

    start: int
    good_bytes: int
    torn_bytes: int
    sha256: str
    torn_sha256: str
    torn_line_ends: int
    torn_at_line_end: bool
    head: str | None
    detail: StartDetail | None
    reason: str
    first_prev: str | None = None
    """What the first good line names as the line before it."""

    @property
    def left_by_cut(self) -> bool:
        """Whether a power cut can leave such a rest: less than a line, or one line that lost other bytes than its end (a card writes back
        its sectors in whatever order it likes). Never more: every line is made durable before the next is written.
        """
        if self.torn_line_ends == 0:
            return True
        return self.torn_line_ends == 1 and self.torn_at_line_end and self.torn_bytes <= MAX_LINE_BYTES

    @property
    def torn(self) -> TornFile | None:
        """What the next start has to state about this file; `None` where all of it is good."""
        if not self.torn_bytes:
            return None
        return TornFile(
            file=file_name(self.start),
            good_bytes=self.good_bytes,
            sha256=self.sha256,
            torn_bytes=self.torn_bytes,
            torn_sha256=self.torn_sha256,
        )


def inspect(folder: Path, start: int) -> LedgerFile:
    """Find what is good in the file of one start; damage of any kind only shortens the good part.

    Raises `NotFoundError`, `StorageError` or `PermissionDeniedError` where it cannot be read, `DataError` where it is no regular file.
    """
    path = folder / file_name(start)
    try:
        with open_ledger_file(folder, path.name) as file:
            return _inspect(file, path.name, start)
    except OSError as error:
        raise StorageError(f"{path}: cannot read the ledger: {error.strerror}") from error


def start_keys(folder: Path, start: int) -> dict[str, PublicKey]:
    """The public keys, by id, that the good entries of a start name as signing its footage: for `segment.recover`. Empty where its start
    entry is not whole.

    Raises as `inspect` does.
    """
    path = folder / file_name(start)
    found: dict[str, PublicKey] = {}
    with open_ledger_file(folder, path.name) as file:
        in_force = KeyInForce(start)
        try:
            for line in lines(file, path.name):
                key = in_force.accept(line)
                found[key.id] = key
        except DataError:
            return found
        except OSError as error:
            raise StorageError(f"{path}: cannot read the ledger: {error.strerror}") from error
    return found


@dataclass(frozen=True, slots=True)
class LastStart:
    """Where the ledger stands: the head, the key that the next start must sign with (`None`: the first), and torn files that no entry
    states yet.
    """

    head: str
    next_key: PublicKey | None
    torn: tuple[TornFile, ...]
    files: tuple[str, ...]
    """The names of the files that this was read from."""


def last_start(folder: Path) -> LastStart:
    """Find the last start whose entry is whole. Reads back only as far as that. Raises `StorageError`."""
    torn: list[TornFile] = []
    files: list[str] = []
    for start in reversed(starts(folder)):
        found = inspect(folder, start)
        files.append(file_name(start))
        if found.torn is not None:
            torn.append(found.torn)
        if found.detail is not None and found.head is not None:
            return LastStart(found.head, PublicKey.from_hex(found.detail.next_public_key), tuple(torn[::-1]), tuple(files))
    return LastStart(ZERO_HASH, None, tuple(torn[::-1]), tuple(files))


def _inspect(file: BinaryIO, source: str, start: int) -> LedgerFile:
    good, head, reason, first_prev = 0, None, "", None
    in_force = KeyInForce(start)
    try:
        for line in lines(file, source):
            in_force.accept(line)
            good, head = line.end, line.sha256
            first_prev = first_prev or line.entry.prev
    except DataError as error:
        reason = str(error)
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    sha256, _ = _digest(file, good)
    torn_sha256, line_ends = _digest(file, min(size - good, MAX_TORN_HASHED))
    at_line_end = size > good and os.pread(file.fileno(), 1, size - 1) == b"\n"
    return LedgerFile(start, good, size - good, sha256, torn_sha256, line_ends, at_line_end, head, in_force.detail, reason, first_prev)


class KeyInForce:
    """Which key must sign the next line of one start: the one that its first line states, then those that its lines name, one after the
    other.
    """

    def __init__(self, start: int) -> None:
        self.detail: StartDetail | None = None
        """Of the start entry, once it was accepted."""
        self._start = start
        self._key: PublicKey | None = None

    def accept(self, line: Line) -> PublicKey:
        """Check who signed the next line; returns the key that is in force after it. Raises `DataError`."""
        if self._key is None:
            detail = detail_as(line.entry, StartDetail, line.where)
            check_signed(line, self._start, PublicKey.from_hex(detail.public_key))
            self.detail, self._key = detail, PublicKey.from_hex(detail.ram_public_key)
        else:
            check_signed(line, self._start, self._key)
            if line.entry.type == "key_changed":
                self._key = PublicKey.from_hex(detail_as(line.entry, KeyChanged, line.where).public_key)
        return self._key


def check_signed(line: Line, start: int, key: PublicKey) -> None:
    """Raises `DataError` unless the line belongs to this start and this key signed it."""
    if line.entry.start != start:
        raise DataError(f"{line.where}: it is of start {line.entry.start}, not {start}")
    if line.entry.key != key.id or not key.verifies(line.signature, line.json):
        raise DataError(f"{line.where}: the signature does not verify with the key that is in force here")


def _digest(file: BinaryIO, length: int) -> tuple[str, int]:
    """SHA-256 of the next bytes, and how many line ends are among them."""
    digest, line_ends = hashlib.sha256(), 0
    while length > 0 and (chunk := file.read(min(length, 65536))):
        digest.update(chunk)
        line_ends += chunk.count(b"\n")
        length -= len(chunk)
    return digest.hexdigest(), line_ends


def _line(raw: bytes, end: int, where: str) -> Line:
    signature, json = raw[:_SIGNATURE_TEXT], raw[_SIGNATURE_TEXT + 1 :]
    if raw[_SIGNATURE_TEXT : _SIGNATURE_TEXT + 1] != b" ":
        raise DataError(f"{where}: not a signature of {_SIGNATURE_TEXT} characters, a space and JSON")
    try:
        decoded = base64.b64decode(signature, validate=True)
    except binascii.Error as error:
        raise DataError(f"{where}: the signature is not base64") from error
    if len(decoded) != SIGNATURE_BYTES or base64.b64encode(decoded) != signature:
        raise DataError(f"{where}: the signature is not the base64 of {SIGNATURE_BYTES} bytes")
    entry = decode_entry(json, where)
    check_detail(entry, where)
    return Line(entry, json, decoded, hashlib.sha256(raw).hexdigest(), end, where)


def _check_order(previous: Line | None, line: Line) -> None:
    now = line.entry
    if previous is None:
        if now.type != "start":
            raise DataError(f"{line.where}: the first entry of a file is its start, not {now.type!r}")
        return
    before = previous.entry
    if now.type == "start":
        raise DataError(f"{line.where}: a second start in one file")
    if now.prev != previous.sha256:
        raise DataError(f"{line.where}: prev is not the SHA-256 of the line before it")
    for field in ("device", "start", "boot_id"):
        if getattr(now, field) != getattr(before, field):
            raise DataError(f"{line.where}: {field} differs from the line before it")
    if now.n <= before.n or now.boottime_ns < before.boottime_ns:
        raise DataError(f"{line.where}: n or boottime_ns runs backwards")
