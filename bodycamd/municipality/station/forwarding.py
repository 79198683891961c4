"""A recording goes to somebody who is a controller of its own, such as the control room (meldkamer): by an order, and as it was sealed.

    judged      the order is signed by a person with the role `evidence`, as a camera would judge it; the recording is closed and all here
    log line    `forwarding`, in the storage too: what goes, to whom, why, on whose word; from then on bytes leave
    copied      the camera's ledger as far as the station has it, each segment and its receipt, the order, to the receiver's place
    stated      the station's signed inventory (`copy.jsonl`) and its note (`bodycam-forwarded/1`), with the receiver's own term
    read back   there: verified in a folder, compared with what the ledger states in a bucket; then the log line `forwarded`

The place is laid out as a station's: `DEVICE/store` is an ordinary copied store, `DEVICE/forwarded` has the rest. Done again it goes on
where it was, and changes nothing once all of it is there; a crash in between leaves files with names of their own. The station opens
nothing: what it forwards is readable to whoever was a recipient when it was recorded. The ledger goes whole, because a chain has no parts:
it names the shifts and times of other recordings too.

Not shown, because no paper can: what the receiver does with it. It is no longer the municipality's copy, and no term of the station
ends it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta, Struct

from bodycamd.errors import ConfigError, DataError, NotFoundError, OutputError, PermissionDeniedError
from bodycamd.evidence import orders, signed_document, strict_json
from bodycamd.evidence.entries import RecordingClosed
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line, file_name, starts
from bodycamd.evidence.order_acceptance import Here, judge_content
from bodycamd.evidence.orders import Forward, SignedOrder
from bodycamd.evidence.pseudonyms import Pseudonym, Reference
from bodycamd.evidence.retention_entries import Ground
from bodycamd.evidence.roster import KeyName, SignedRoster
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import Count, DeviceId, Positive, RecordingId, Sha256, Stated, Wall, wall_text
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.orders import MAX_TERM_DAYS, Orders
from bodycamd.municipality.station.receiver_folder import ReceiverFolder
from bodycamd.municipality.station.segments import ExpectedSegment, expected
from bodycamd.municipality.station.station_file import ReceiverSettings
from bodycamd.municipality.station.storage import STORE_FOLDER, Storage
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER

FORWARDED_TYPE: Final = "bodycam-forwarded/1"
MAX_FORWARDED_BYTES: Final = 4096
FORWARDED_FOLDER: Final = "forwarded"


class ForwardedNote(Stated, frozen=True, kw_only=True):
    """What the station has forwarded, on whose word, and for how long its new controller keeps it. `head` is the last line of the ledger
    that went with it."""

    station: KeyName
    device: DeviceId
    recording: RecordingId
    order: Sha256
    by: Pseudonym
    ground: Ground
    reference: Reference
    receiver: KeyName
    controller: Annotated[str, Meta(min_length=1, max_length=100)]
    keeps_days: Positive
    segments: Count
    bytes: Count
    head: Sha256
    forwarded_at: Wall


class Forwarded(Struct, frozen=True):
    """What came of it. `new`: something was copied now."""

    note: ForwardedNote
    store: str
    new: bool


_notes: msgspec.json.Decoder[ForwardedNote] = msgspec.json.Decoder(ForwardedNote)


def decode(raw: bytes, where: str) -> tuple[ForwardedNote, SignedDocument]:
    """The note in the bytes of a file; its signature is not checked yet. Raises `DataError`."""
    document = signed_document.read(raw, FORWARDED_TYPE, MAX_FORWARDED_BYTES, where)
    return strict_json.decode(document.json, _notes, where, MAX_FORWARDED_BYTES), document


class Place(Protocol):
    """A camera's place at a receiver (`receiver_folder`, `receiver_bucket`)."""

    @property
    def store(self) -> str:
        """Where its store lies, for people."""

    def read(self, *words: str, limit: int) -> bytes | None:
        """A file of at most `limit` bytes; `None` where there is none."""

    def has(self, segment: ExpectedSegment, *words: str) -> bool:
        """Whether this segment is there, by its size and the SHA-256 of its good bytes."""

    def write(self, *words: str, raw: bytes, grows: bool = False) -> None:
        """A small file, whole. What has the name already is the same, or its beginning where it `grows`."""

    def copy(self, *words: str, chunks: Iterable[bytes]) -> None:
        """A new file out of what may be large."""

    def take_inventory(self, ledger: Path, key: SigningKey, now_us: int) -> None:
        """State, signed, what has come."""

    def check_arrived(
        self, recording: str, segments: Sequence[ExpectedSegment], first_key: PublicKey, people: dict[str, tuple[str, PublicKey]]
    ) -> None:
        """Raises `DataError` unless all of the recording is there, read back."""


class Forwarding:
    """Of one station, beside its process or without it."""

    def __init__(
        self,
        name: str,
        signer: SigningKey,
        index: Index,
        storage: Storage,
        receivers: Sequence[ReceiverSettings],
        first_keys: Mapping[str, PublicKey],
        *,
        now_us: Callable[[], int],
    ) -> None:
        self._name, self._signer, self._index, self._storage = name, signer, index, storage
        self._receivers, self._first_keys, self._now_us = {one.name: one for one in receivers}, first_keys, now_us
        self._copies = CopyIndex(index.database)

    def forward(self, raw: bytes, in_force: SignedRoster) -> Forwarded:
        """Carry out an order to forward. Raises `DataError` for what is no such order, a recording that is not closed or not all here, and
        where what lies at the receiver is something else; `PermissionDeniedError` where a camera would not accept it of who signed;
        `NotFoundError` for a receiver that is not configured, or a recording that was deleted here; `OutputError`, `StorageError`."""
        signed = orders.decode(raw, "the order")
        body = signed.order.body
        if not isinstance(body, Forward):
            raise DataError(f"a {signed.order.kind} order forwards nothing")
        receiver = self._receivers.get(body.receiver)
        if receiver is None:
            raise NotFoundError(f"receivers: nobody is called {body.receiver} in the station's configuration")
        [device] = signed.order.cameras
        place = _place(receiver, device)
        lines, segments = self._recording(device, body.recording)
        told = f"{body.recording} to {receiver.name} ({receiver.controller}), {body.ground} {body.reference}, by {signed.order.person}"
        if (done := self._done(signed, place)) is not None and self._is_there(place, segments):
            self._log_forwarded(device, told, done)
            return Forwarded(done, place.store, new=False)
        self._check_allowed(signed, in_force, device)
        Orders(self._storage, self._index, now_us=self._now_us).take(raw, in_force, "to be carried out by the station itself")
        if not self._copies.begin_forwarding(device, body.recording, told, signed.id, self._now_us()):
            raise _is_deleted(device, body.recording)
        keep_log(self._index, self._storage)
        try:
            self._copy(device, body.recording, place, segments)
            place.write(FORWARDED_FOLDER, f"{signed.id}.order", raw=raw)
            place.take_inventory(self._ledger(device), self._signer, self._now_us())
        except OSError as error:
            raise _unwritten(error, place) from error
        people = {self._signer.public.id: (self._name, self._signer.public)}
        place.check_arrived(body.recording, segments, self._first_keys[device], people)
        note = ForwardedNote(
            station=self._name,
            device=device,
            recording=body.recording,
            order=signed.id,
            by=signed.order.person,
            ground=body.ground,
            reference=body.reference,
            receiver=receiver.name,
            controller=receiver.controller,
            keeps_days=receiver.keeps_days,
            segments=len(segments),
            bytes=sum(one.size for one in segments),
            head=lines[-1].sha256,
            forwarded_at=wall_text(self._now_us()),
        )
        document = signed_document.signed_file(FORWARDED_TYPE, note, [self._signer])
        decode(document, "to be signed")
        try:
            place.write(FORWARDED_FOLDER, f"{signed.id}.forwarded", raw=document)
        except OSError as error:
            raise _unwritten(error, place) from error
        self._log_forwarded(device, told, note)
        return Forwarded(note, place.store, new=True)

    # --- what may go ----------------------------------------------------------------------------------------------------------------------

    def _check_allowed(self, signed: SignedOrder, in_force: SignedRoster, device: str) -> None:
        taken = Orders(self._storage, self._index, now_us=self._now_us).suspended(in_force)
        now = Now(self._now_us(), trusted=True)
        verdict = judge_content(signed.order, in_force, Here(device, MAX_TERM_DAYS), now, suspensions=taken)
        if not verdict.accepted:
            raise PermissionDeniedError(f"the order is not carried out: {verdict.why}")

    def _recording(self, device: str, recording: str) -> tuple[list[Line], list[ExpectedSegment]]:
        """The camera's ledger as it is here, and the recording's segments, all of them with a receipt."""
        if (first_key := self._first_keys.get(device)) is None:
            raise DataError(f"{device} is not in the roster in force")
        if self._copies.is_going(device, recording):
            raise _is_deleted(device, recording)
        lines = list(VerifiedLedger(self._storage.camera(device) / STORE_FOLDER / LEDGER_FOLDER, first_key))
        found = [one for one in (expected(line.detail) for line in lines) if one is not None and one.recording == recording]
        if not any(isinstance(line.detail, RecordingClosed) and line.detail.recording == recording for line in lines):
            raise DataError(f"{device}: {recording}: the ledger that is here does not state its end: forward it when it has come")
        for segment in found:
            if self._index.receipt_of(device, segment) is None:
                raise DataError(f"{device}: {recording}/{segment.file} is not here yet: forward it when it has come")
        return lines, found

    def _done(self, signed: SignedOrder, place: Place) -> ForwardedNote | None:
        name = f"{signed.id}.forwarded"
        raw = place.read(FORWARDED_FOLDER, name, limit=2 * MAX_FORWARDED_BYTES)
        if not raw:
            return None
        where = f"{place.store}/../{FORWARDED_FOLDER}/{name}"
        note, document = decode(raw, where)
        if self._signer.public.id not in document.signers([self._signer.public]) or note.order != signed.id:
            raise DataError(f"{where}: this station has not signed it for this order")
        return note

    # --- what goes ------------------------------------------------------------------------------------------------------------------------

    def _copy(self, device: str, recording: str, place: Place, segments: Sequence[ExpectedSegment]) -> None:
        ledger = self._ledger(device)
        for start in starts(ledger):
            place.write(STORE_FOLDER, LEDGER_FOLDER, file_name(start), raw=(ledger / file_name(start)).read_bytes(), grows=True)
        for segment in segments:
            if not place.has(segment, *_file(segment)):
                place.copy(*_file(segment), chunks=self._chunks(device, segment))
            receipt = self._index.receipt_of(device, segment)
            assert receipt is not None, "looked at before anything was copied"
            place.write(FORWARDED_FOLDER, f"{recording}-{segment.number:06d}.receipt", raw=receipt[0].document.file_bytes)

    def _ledger(self, device: str) -> Path:
        return self._storage.camera(device) / STORE_FOLDER / LEDGER_FOLDER

    def _chunks(self, device: str, segment: ExpectedSegment) -> Iterator[bytes]:
        """A segment out of the storage. Raises `DataError` at its end where it is not what the ledger states."""
        digest, left = hashlib.sha256(), segment.good_bytes
        for chunk in self._storage.segment_chunks(device, segment.recording, segment.file):
            digest.update(chunk[: max(0, left)])
            left -= len(chunk)
            yield chunk
        if digest.hexdigest() != segment.sha256:
            raise DataError(f"{segment.recording}/{segment.file}: the station's copy is not what the ledger states; it is not forwarded")

    def _is_there(self, place: Place, segments: Sequence[ExpectedSegment]) -> bool:
        return all(place.has(one, *_file(one)) for one in segments)

    def _log_forwarded(self, device: str, told: str, note: ForwardedNote) -> None:
        self._copies.end_forwarding(device, f"{told}: {note.segments} segments, {note.bytes} bytes", note.order, self._now_us())
        keep_log(self._index, self._storage)


def _place(receiver: ReceiverSettings, device: str) -> Place:
    """Where a camera's recordings lie at a receiver. Raises `ConfigError`."""
    if receiver.folder is not None:
        return ReceiverFolder(Path(receiver.folder), device)
    if receiver.s3 is None:
        raise ConfigError(f"receivers: {receiver.name} has neither a folder nor a bucket")
    from bodycamd.municipality.station.receiver_bucket import ReceiverBucket  # boto3 takes a while, and not every station has it

    return ReceiverBucket(receiver.s3.bucket, device, endpoint=receiver.s3.endpoint, region=receiver.s3.region)


def _file(segment: ExpectedSegment) -> tuple[str, ...]:
    return STORE_FOLDER, RECORDINGS_FOLDER, segment.recording, segment.file


def _unwritten(error: OSError, place: Place) -> OutputError:
    return OutputError(f"{error.filename or place.store}: cannot be written: {error.strerror}")


def _is_deleted(device: str, recording: str) -> NotFoundError:
    return NotFoundError(f"{device}: {recording}: its term is over, and the station's copy is deleted, or is being deleted")
