"""Anchors on the evidence officer's side: taking one, keeping it, and checking that today's ledger extends it.

Two forms, both one line of text `base64(signature) SP json`:

- from a running camera, by its control socket: `evidence.anchor`, which also pins the footage of an open recording;
- from a store at rest: the last line of its ledger as it is. It is signed, and its SHA-256 is the head.

The file is JSON: `device, start, n, head, wall` for people, and `line`, which alone counts. The QR code holds the line.
"""

from __future__ import annotations

import hashlib
import io
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence import anchor as evidence
from bodycamd.evidence.anchor import Pin, SignedAnchor
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line, file_name, single_line
from bodycamd.foreign_text import json_text
from bodycamd.linux import foreign
from bodycamd.municipality.verify.ledger_account import LedgerAccount
from bodycamd.municipality.verify.verdicts import Findings
from bodycamd.store.names import LEDGER_FOLDER

MAX_FILE_BYTES = 256 * 1024


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    device: str
    start: int
    n: int
    head: str
    wall: str
    line: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was anchored. `signed` is present where a running camera made it."""

    device: str
    start: int
    n: int
    head: str
    wall: str
    line: str
    signed: SignedAnchor | None

    @property
    def pin(self) -> Pin | None:
        """The statement of an open segment, where there was one."""
        return self.signed.statement.open if self.signed is not None else None

    def file_bytes(self) -> bytes:
        """The JSON file."""
        fields = _File(evidence.ANCHOR_FORMAT, self.device, self.start, self.n, self.head, self.wall, self.line)
        return (json_text(fields, indent=2) + "\n").encode()

    def qr_png(self) -> bytes:
        """The line as a QR code, a PNG."""
        import segno

        buffer = io.BytesIO()
        segno.make_qr(self.line, error="l").save(buffer, kind="png", scale=4, border=4)
        return buffer.getvalue()


def from_line(line: str, where: str) -> Anchor:
    """Read either form. Raises `DataError`."""
    line = line.strip()
    try:
        return _of_entry(single_line(line.encode(), where), line)
    except (DataError, UnicodeEncodeError):
        signed = evidence.decode(line, where)
    stated = signed.statement
    return Anchor(stated.device, stated.start, stated.n, stated.head, stated.wall, line, signed)


def read(path: Path) -> Anchor:
    """Read a file that `file_bytes` made, or a bare line, as a phone gives it. Raises `NotFoundError`, `DataError`."""
    content = foreign.read_named(path, MAX_FILE_BYTES)
    if not content.lstrip().startswith(b"{"):
        try:
            return from_line(content.decode("ascii"), path.name)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not an anchor") from error
    try:
        fields = msgspec.json.decode(content, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not an anchor: {error}") from error
    found = from_line(fields.line, path.name)
    if (found.device, found.start, found.n, found.head, found.wall) != (fields.device, fields.start, fields.n, fields.head, fields.wall):
        raise DataError(f"{path}: what is written beside the signed line is not what the line says")
    return found


def of_store(store: Path) -> Anchor:
    """The last line of a store's ledger that verifies. Raises `NotFoundError` where there is none, `StorageError`."""
    newest = deque(VerifiedLedger(store / LEDGER_FOLDER), maxlen=1)
    if not newest:
        raise NotFoundError(f"{store / LEDGER_FOLDER}: there is no ledger, or it has no line that verifies")
    return _of_entry(newest[0], newest[0].text.decode())


def check_anchor(anchor: Anchor, account: LedgerAccount, pin_found: bool, findings: Findings) -> str:
    """Whether today's ledger extends the anchor; what is wrong goes into `findings`. Returns one line for the report.

    What ties an anchor to a camera is the chain, and the key in force at the line that it names. The device's name may have changed since.
    """
    name = f"anchor of {anchor.wall}"
    opening = account.openings.get(anchor.head)
    if opening is None:
        called = account.device_as_of(anchor.start)
        if called and anchor.device != called:
            findings.add("unverifiable", name, f"it is of device {anchor.device!r}; in start {anchor.start} this one was called {called!r}")
            return "of another device"
        if account.checkpoint and file_name(anchor.start) < account.checkpoint.removeprefix("checkpoint-"):
            findings.add("unverifiable", name, f"older than what the ledger keeps: start {anchor.start} went behind {account.checkpoint}")
        elif account.failure is not None:
            findings.add("unverifiable", name, "the ledger breaks off before the line that the anchor names")
        else:
            findings.add("altered", name, "the line that it names is not in the ledger: cut off, rewritten, or an older copy")
        return "not extended"
    if anchor.signed is None:
        return "extended"
    stated, epoch = anchor.signed.statement, opening.epoch
    in_time = stated.n > opening.n and (epoch.until_n is None or stated.n < epoch.until_n)
    same = (stated.device, stated.start, stated.boot_id) == (epoch.device, epoch.start, epoch.boot_id)
    if not in_time or not same or not anchor.signed.signed_by(epoch.key):
        findings.add("unverifiable", name, "it is not signed by the key that was in force: the camera did not make this anchor")
        return "not the camera's"
    if anchor.pin is not None and not pin_found and not _deleted(account, anchor.pin.recording):
        where = f"{anchor.pin.recording}/{anchor.pin.segment:06d}"
        findings.add("altered", where, f"statement {anchor.pin.n}, which the anchor of {anchor.wall} pins, is not there")
        return "not extended"
    return "extended"


def _deleted(account: LedgerAccount, recording: str) -> bool:
    told = account.told.get(recording)
    return told is not None and bool(told.deleting)


def _of_entry(line: Line, text: str) -> Anchor:
    entry = line.entry
    if hashlib.sha256(text.encode()).hexdigest() != line.sha256:
        raise DataError(f"{line.where}: not one line")
    return Anchor(entry.device, entry.start, entry.n, line.sha256, entry.wall, text, None)
