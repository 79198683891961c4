"""The form of the ledger's files: their names, their lines, and who must sign the next line. Nothing here changes a file.

All input is taken as hostile; whatever is wrong raises `DataError` with file and line, and nothing else. No reader of a store uses this:
what it may believe comes from `ledger_chain.VerifiedLedger`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.evidence import signed_line
from bodycamd.evidence.entries import KeyChanged, StartDetail, TornFile, check_format, typed_detail
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.signed_line import MAX_LINE_BYTES
from bodycamd.evidence.statements import Entry, Stated, decode_entry
from bodycamd.linux import foreign

LEDGER_FILE = re.compile(r"([0-9]{6})\.jsonl")
_CHUNK_BYTES = 65536
MAX_TORN_HASHED = 16 * 1024 * 1024
"""Of a torn part that is longer, `torn_sha256` is of so many bytes. (A cut leaves less than one line; more is somebody's doing.)"""


class Line(Struct, frozen=True):
    """One whole line: its entry, and the bytes that were signed and hashed. The signature is not yet checked.

    `detail` is the entry's detail as the struct of its type; `None` for types that this version does not know.
    """

    entry: Entry
    detail: Stated | None
    json: bytes
    signature: bytes
    sha256: str
    """Of the whole line without its line end: what the next entry must name as `prev`."""
    end: int
    """The file's size up to and including this line's end."""
    number: int
    """Of the line in its file, from 1."""
    where: str
    format: str = ""
    """Of the ledger, as the file's first entry states it; empty for a line on its own."""

    @property
    def text(self) -> bytes:
        """The line as it is in the file, without its line end."""
        return signed_line.join(self.signature, self.json)


def file_name(start: int) -> str:
    """The name of a start's file in the ledger folder."""
    return f"{start:06d}.jsonl"


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


def taken_numbers(folder: Path) -> set[int]:
    """The numbers of starts that any name in the ledger folder has, whatever is there. Raises as `starts` does."""
    return set(numbered(folder, LEDGER_FILE, files_only=False))


def lines(file: BinaryIO, source: str, after: Line | None = None) -> Iterator[Line]:
    """Every line of a ledger file from where it stands, strict in form: whole, one reading of the JSON, the start and its numbers growing,
    `prev` linked within the file. `after` is the line before, where the file does not stand at its beginning.

    A last line without its line end raises `DataError` like any other damage, after the good lines were given. Signatures and the first
    `prev` are the caller's to check: they need the starts before.
    """
    end, number = (after.end, after.number) if after is not None else (0, 0)
    while raw := file.readline(MAX_LINE_BYTES):
        number += 1
        where = f"{source}: line {number}"
        if raw[-1:] != b"\n":
            raise DataError(f"{where}: too long" if len(raw) == MAX_LINE_BYTES else f"{where}: torn, {len(raw)} bytes without a line end")
        end += len(raw)
        after = _line(raw[:-1], end, number, where, after)
        yield after


def single_line(raw: bytes, where: str) -> Line:
    """One line on its own, without its line end, strict in form; who signed it is not checked. Raises `DataError`."""
    signature, json = signed_line.split(raw, where)
    entry = decode_entry(json, where)
    return Line(entry, typed_detail(entry, where), json, signature, hashlib.sha256(raw).hexdigest(), len(raw) + 1, 1, where)


class Rest(Struct, frozen=True):
    """What is in one start's file after its last good line, or in place of a first one. `torn` is how the next start has to state it;
    `reason` says why it is not good, `line_ends` counts its line ends, `at_line_end` says whether it ends with one.
    """

    start: int
    torn: TornFile
    reason: str
    line_ends: int
    at_line_end: bool

    @property
    def left_by_cut(self) -> bool:
        """Whether a power cut can leave it: less than a line, or one line that lost other bytes than its end (a card writes back its
        sectors in whatever order it likes). Never more: every line is made durable before the next is written.
        """
        whole = self.line_ends == 1 and self.at_line_end
        return (self.line_ends == 0 or whole) and self.torn.torn_bytes <= MAX_LINE_BYTES


def open_ledger_file(folder: Path, name: str) -> BinaryIO:
    """Open a file of the ledger folder, which lies right below the store; neither is a link. Raises as `foreign.open_file` does."""
    return foreign.open_file(folder / name, below=folder.parent)


def rest_of(file: BinaryIO, start: int, good_bytes: int, reason: str) -> Rest | None:
    """What is in an open ledger file after its good bytes; `None` where nothing does. Reads the file once more. Raises `OSError`."""
    size = os.fstat(file.fileno()).st_size
    if size <= good_bytes:
        return None
    file.seek(0)
    sha256, _ = _digest(file, good_bytes)
    torn_sha256, line_ends = _digest(file, min(size - good_bytes, MAX_TORN_HASHED))
    torn = TornFile(file=file_name(start), good_bytes=good_bytes, sha256=sha256, torn_bytes=size - good_bytes, torn_sha256=torn_sha256)
    return Rest(start, torn, reason, line_ends, os.pread(file.fileno(), 1, size - 1) == b"\n")


def first_line(folder: Path, start: int) -> Line | None:
    """The first line of a start's file where it is whole and signed by the key that it names itself: whose key that is only a chain tells.
    Raises `StorageError`.
    """
    name = file_name(start)
    with open_ledger_file(folder, name) as file:
        try:
            line = next(lines(file, name), None)
            if line is not None:
                KeyInForce(start).accept(line)
        except DataError:
            return None
        except OSError as error:
            raise StorageError(f"{folder / name}: cannot read the ledger: {error.strerror}") from error
    return line


class KeyInForce:
    """Which key must sign the next line of one start: the one that its first line states, then those that its lines name, one after the
    other.
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self._key: PublicKey | None = None

    def accept(self, line: Line) -> PublicKey:
        """Check who signed the next line; returns the key that is in force after it. Raises `DataError`."""
        if self._key is None:
            if not isinstance(line.detail, StartDetail):
                raise DataError(f"{line.where}: the first entry of a file is its start, not {line.entry.type!r}")
            check_signed(line, self._start, PublicKey.from_hex(line.detail.public_key))
            self._key = PublicKey.from_hex(line.detail.ram_public_key)
        else:
            check_signed(line, self._start, self._key)
            if isinstance(line.detail, KeyChanged):
                self._key = PublicKey.from_hex(line.detail.public_key)
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
    while chunk := file.read(min(length, _CHUNK_BYTES)):
        digest.update(chunk)
        line_ends += chunk.count(b"\n")
        length -= len(chunk)
    return digest.hexdigest(), line_ends


def _line(raw: bytes, end: int, number: int, where: str, after: Line | None) -> Line:
    """The line that follows `after` in its file; the first where that is `None`."""
    signature, json = signed_line.split(raw, where)
    entry = decode_entry(json, where)
    detail = typed_detail(entry, where)
    _check_order(after, entry, where)
    if after is not None:
        format: str = after.format
    else:
        assert isinstance(detail, StartDetail)  # `_check_order` lets no other entry be the first
        format = detail.format
    check_format(entry, format, where)
    return Line(entry, detail, json, signature, hashlib.sha256(raw).hexdigest(), end, number, where, format)


def _check_order(previous: Line | None, now: Entry, where: str) -> None:
    if previous is None:
        if now.type != "start":
            raise DataError(f"{where}: the first entry of a file is its start, not {now.type!r}")
        return
    before = previous.entry
    if now.type == "start":
        raise DataError(f"{where}: a second start in one file")
    if now.prev != previous.sha256:
        raise DataError(f"{where}: prev is not the SHA-256 of the line before it")
    for field in ("device", "start", "boot_id"):
        if getattr(now, field) != getattr(before, field):
            raise DataError(f"{where}: {field} differs from the line before it")
    if now.n <= before.n or now.boottime_ns < before.boottime_ns:
        raise DataError(f"{where}: n or boottime_ns runs backwards")
