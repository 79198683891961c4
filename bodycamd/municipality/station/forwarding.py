"""A recording goes to somebody who is a controller of its own, such as the control room (meldkamer): by an order, and as it was sealed.

    judged      the order is signed by a person with the role `evidence`, as a camera would judge it; the recording is closed and all here
    log line    `forwarding`, in the storage too: what goes, to whom, why, on whose word; from then on bytes leave
    copied      the camera's ledger as far as the station has it, each segment and its receipt, the order, to the receiver's place
    stated      the station's signed inventory (`copy.jsonl`) and its note (`bodycam-forwarded/1`), with the receiver's own term
    stopped     an order that counts no more while it goes: nothing more does, and `forwarding_stopped` says what is at the receiver
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from bodycamd.errors import BodycamError, DataError, NotFoundError, OutputError, PermissionDeniedError, StoreBusyError
from bodycamd.evidence import orders
from bodycamd.evidence.checkpoint import checkpoint_name, checkpoints
from bodycamd.evidence.entries import RecordingClosed
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.ledger_reader import Line, file_name, starts
from bodycamd.evidence.order_acceptance import Here, judge_content
from bodycamd.evidence.orders import EndForward, Forward, SignedOrder, StandingForward
from bodycamd.evidence.pseudonyms import Reference
from bodycamd.evidence.retention_entries import Ground
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.forward_index import ForwardIndex
from bodycamd.municipality.station.forwarded_note import MAX_FORWARDED_BYTES, ForwardedNote, decode, sign
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.leases import Leases
from bodycamd.municipality.station.ledger_view import ledger_lines
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.orders import MAX_TERM_DAYS, Orders, check_signed
from bodycamd.municipality.station.receiver_folder import check_is_theirs
from bodycamd.municipality.station.receiver_place import Place, file_of, place_name, place_of
from bodycamd.municipality.station.segments import ExpectedSegment, expected
from bodycamd.municipality.station.station_file import ReceiverSettings
from bodycamd.municipality.station.storage import STORE_FOLDER, Storage
from bodycamd.store.names import LEDGER_FOLDER

FORWARDED_FOLDER: Final = "forwarded"
LEASE_SECONDS: Final = 300
"""So long one process may forward something of a camera without a sign of life; afterwards it counts as dead."""
ASKED_CHUNKS: Final = 8
"""After so many pieces of a segment, wherever it is read, it is looked whether the order still counts, and a sign of life given."""


class Copied(Struct, frozen=True):
    """A closed recording that is all here: the camera's first key, its ledger, the line that closed it, and its segments."""

    first_key: PublicKey
    lines: list[Line]
    closed: RecordingClosed
    segments: list[ExpectedSegment]


class Forwarded(Struct, frozen=True):
    """What came of it. `new`: something was copied now."""

    note: ForwardedNote
    store: str
    new: bool


class Wanted(Struct, frozen=True):
    """A recording that goes to a receiver, on whose word and why. `file`: what its note is called there."""

    signed: SignedOrder
    device: str
    recording: str
    receiver: ReceiverSettings
    ground: Ground
    reference: Reference

    @property
    def file(self) -> str:
        """An order of its own has one note; a standing one has one for each recording."""
        standing = f"-{self.recording}" if isinstance(self.signed.order.body, StandingForward) else ""
        return f"{self.signed.id}{standing}.forwarded"

    @property
    def told(self) -> str:
        """All of it, for the log (`ForwardIndex`)."""
        to, person = self.receiver, self.signed.order.person
        by = f"by itself, by the standing order of {person}" if isinstance(self.signed.order.body, StandingForward) else f"by {person}"
        why = f"{self.ground} {self.reference}"
        return f"{self.recording} to {to.name} ({to.controller}, which keeps it {to.keeps_days} days), {why}, {by}"


class Forwarding:
    """Of one station, beside its process or without it."""

    def __init__(
        self,
        name: str,
        signer: SigningKey,
        index: Index,
        storage: Storage,
        receivers: Sequence[ReceiverSettings],
        first_keys: Callable[[], Mapping[str, PublicKey]],
        *,
        now_us: Callable[[], int],
    ) -> None:
        self._name, self._signer, self._index, self._storage = name, signer, index, storage
        self._receivers, self._first_keys, self._now_us = {one.name: one for one in receivers}, first_keys, now_us
        self._forwards, self._leases = ForwardIndex(index.database), Leases(index.database)
        self._orders = Orders(storage, index, now_us=now_us)

    def forward(self, raw: bytes, in_force: SignedRoster) -> Forwarded:
        """Carry out an order to forward one recording. Raises `DataError` for what is no such order, a recording that is not closed or not
        all here, and where what lies at the receiver is something else; `PermissionDeniedError` where a camera would not accept it of who
        signed; `NotFoundError` for a receiver that is not configured, or a recording that was deleted here; `StoreBusyError` where
        something of the camera is being forwarded now; `UnavailableError` where the receiver's disk is not mounted; `OutputError`,
        `StorageError`."""
        signed = orders.decode(raw, "the order")
        body = signed.order.body
        if not isinstance(body, Forward):
            raise DataError(f"a {signed.order.kind} order that is not for one recording forwards none")
        [device] = signed.order.cameras
        wanted = Wanted(signed, device, body.recording, self.receiver(body.receiver), body.ground, body.reference)
        first_key = self._first_keys().get(device)
        if first_key is None:
            raise DataError(f"{device} is not in the roster in force")
        self._check_there(wanted)
        with self.alone(device, wanted.receiver) as still:
            copied = self.recording(device, body.recording, first_key)
            place = place_of(wanted.receiver, device)
            if (done := self._done(wanted, place)) is not None and self._is_there(place, copied.segments, now_and_then(still)):
                self._log_forwarded(wanted, done)
                return Forwarded(done, place.store, new=False)

            def allowed() -> None:
                self.check_allowed(signed, in_force, device)
                still()

            try:
                allowed()
            except PermissionDeniedError as error:
                self.state_stopped(wanted, copied.segments, str(error))  # where it was begun, and never came to its end
                raise
            self._orders.take(raw, in_force, "to be carried out by the station itself")
            return self.carry_out(wanted, copied, in_force, allowed)

    def check_standing(self, raw: bytes, in_force: SignedRoster) -> None:
        """Whether a standing order, or one that ends it, would count now for all of its cameras. Raises `DataError` for one that is none,
        or not signed; `PermissionDeniedError` where it would not count; `NotFoundError` for a receiver that is not configured."""
        signed = orders.decode(raw, "the order")
        if not isinstance(signed.order.body, StandingForward | EndForward):
            raise DataError(f"a {signed.order.kind} order that is carried out once is no standing one")
        if isinstance(signed.order.body, StandingForward):
            self.receiver(signed.order.body.receiver)
        for device in signed.order.cameras:
            self.check_allowed(signed, in_force, device)

    def carry_out(
        self, wanted: Wanted, copied: Copied, in_force: SignedRoster, allowed: Callable[[], None], *, once: bool = False
    ) -> Forwarded:
        """Give it to the receiver. `allowed` is asked again and again while it goes, and raises where it may not go on: nothing more goes
        then, and where that is `PermissionDeniedError`, the log says what has gone. `once`: not where the receiver has it by any order.
        Raises as `forward` does."""
        self._check_there(wanted)
        device, name = wanted.device, wanted.receiver.name
        place = place_of(wanted.receiver, device)
        if not self._forwards.begin(device, wanted.recording, name, wanted.told, wanted.signed.id, self._now_us(), once=once):
            raise _is_deleted(device, wanted.recording)
        keep_log(self._index, self._storage)
        stopped = list[PermissionDeniedError]()

        def asked() -> None:
            try:
                allowed()
            except PermissionDeniedError as error:
                stopped.append(error)
                raise

        try:
            return self._carry_out(wanted, copied, in_force, place, asked)
        finally:
            if stopped:
                self.state_stopped(wanted, copied.segments, str(stopped[0]))

    def state_stopped(self, wanted: Wanted, segments: Sequence[ExpectedSegment], why: str) -> None:
        """What was begun and has not come to its end goes no further by this order: the log says what is at the receiver."""
        try:
            place = place_of(wanted.receiver, wanted.device)
            there = [one for one in segments if place.is_as_long(one, *file_of(one))]
            what = f"{len(there)} of {len(segments)} segments, {sum(one.size for one in there)} bytes, are there"
        except (BodycamError, OSError) as error:
            what = f"what is there cannot be seen ({error})"
        of = wanted.device, wanted.recording, wanted.receiver.name
        self._forwards.stop(*of, f"{wanted.told}: {why}: {what}", wanted.signed.id, self._now_us())
        keep_log(self._index, self._storage)

    def _carry_out(self, wanted: Wanted, copied: Copied, in_force: SignedRoster, place: Place, allowed: Callable[[], None]) -> Forwarded:
        device = wanted.device
        try:
            self._copy(device, place, copied, allowed)
            place.write(FORWARDED_FOLDER, f"{wanted.signed.id}.order", raw=wanted.signed.document.file_bytes)
            if wanted.receiver.station is not None:  # which knows by it whose word counts here
                place.write(FORWARDED_FOLDER, f"{in_force.document.sha256}.roster", raw=in_force.document.file_bytes)
            allowed()
            place.take_inventory(self._ledger(device), self._signer, self._now_us())
        except OSError as error:
            raise _unwritten(error, place) from error
        people = {self._signer.public.id: (self._name, self._signer.public)}
        allowed()
        place.check_arrived(wanted.recording, copied.segments, copied.first_key, people, now_and_then(allowed))
        allowed()
        note = self._done(wanted, place)
        if note is None:
            note = self._note(wanted, copied)
            try:
                place.write(FORWARDED_FOLDER, wanted.file, raw=sign(note, self._signer))
            except OSError as error:
                raise _unwritten(error, place) from error
        self._log_forwarded(wanted, note)
        return Forwarded(note, place.store, new=True)

    def _note(self, wanted: Wanted, copied: Copied) -> ForwardedNote:
        return ForwardedNote(
            station=self._name,
            device=wanted.device,
            recording=wanted.recording,
            order=wanted.signed.id,
            by=wanted.signed.order.person,
            ground=wanted.ground,
            reference=wanted.reference,
            receiver=wanted.receiver.name,
            controller=wanted.receiver.controller,
            keeps_days=wanted.receiver.keeps_days,
            segments=len(copied.segments),
            bytes=sum(one.size for one in copied.segments),
            head=copied.lines[-1].sha256,
            forwarded_at=wall_text(self._now_us()),
        )

    # --- what may go ----------------------------------------------------------------------------------------------------------------------

    def receiver(self, name: str) -> ReceiverSettings:
        """Of the station's configuration. Raises `NotFoundError`."""
        receiver = self._receivers.get(name)
        if receiver is None:
            raise NotFoundError(f"receivers: nobody is called {name} in the station's configuration")
        return receiver

    def check_allowed(self, signed: SignedOrder, in_force: SignedRoster, device: str) -> None:
        """Raises `PermissionDeniedError` where a camera would not accept the order now, `DataError` where it is not signed."""
        check_signed(signed, in_force)
        taken = self._orders.suspended(in_force)
        now = Now(self._now_us(), trusted=True)
        verdict = judge_content(signed.order, in_force, Here(device, MAX_TERM_DAYS), now, suspensions=taken)
        if not verdict.accepted:
            raise PermissionDeniedError(f"the order is not carried out: {verdict.why}")

    def _check_there(self, wanted: Wanted) -> None:
        """Raises as `check_is_theirs` does. Whether a bucket is there, its service tells."""
        if wanted.receiver.folder is not None:
            check_is_theirs(Path(wanted.receiver.folder), self._storage.camera(wanted.device), same_disk=wanted.receiver.same_disk)

    @contextmanager
    def alone(self, device: str, receiver: ReceiverSettings) -> Iterator[Callable[[], None]]:
        """Nothing else of this camera is being forwarded to this place, by any process. What it gives says that this one goes on, and
        raises `StoreBusyError` where that has taken it so long that another one has begun."""
        name = lease_of(device, receiver)
        holder = self._leases.take(name, LEASE_SECONDS)
        if holder is None:
            raise StoreBusyError(f"{device}: something of it is being forwarded now: try again later")

        def still() -> None:
            if not self._leases.renew(name, holder, LEASE_SECONDS):
                raise StoreBusyError(f"{device}: {LEASE_SECONDS} s without a sign of life: another process goes on with it")

        try:
            yield still
        finally:
            self._leases.give_back(name, holder)

    def recording(self, device: str, recording: str, first_key: PublicKey) -> Copied:
        """The camera's ledger as it is here, and the recording's segments, all of them with a receipt. Raises `DataError` where it is not
        closed or not all here, `NotFoundError` where it was deleted here."""
        if CopyIndex(self._index.database).is_going(device, recording):
            raise _is_deleted(device, recording)
        lines = ledger_lines(self._storage.camera(device), first_key)
        found = [one for one in (expected(line.detail) for line in lines) if one is not None and one.recording == recording]
        closed = [line.detail for line in lines if isinstance(line.detail, RecordingClosed) and line.detail.recording == recording]
        if not closed:
            raise DataError(f"{device}: {recording}: the ledger that is here does not state its end: forward it when it has come")
        for segment in found:
            if self._index.receipt_of(device, segment) is None:
                raise DataError(f"{device}: {recording}/{segment.file} is not here yet: forward it when it has come")
        return Copied(first_key, lines, closed[-1], found)

    def _done(self, wanted: Wanted, place: Place) -> ForwardedNote | None:
        raw = place.read(FORWARDED_FOLDER, wanted.file, limit=2 * MAX_FORWARDED_BYTES)
        if not raw:
            return None
        where = f"{place.store}/../{FORWARDED_FOLDER}/{wanted.file}"
        note, document = decode(raw, where)
        said = note.order, note.device, note.recording
        if self._signer.public.id not in document.signers([self._signer.public]) or said != (
            wanted.signed.id,
            wanted.device,
            wanted.recording,
        ):
            raise DataError(f"{where}: this station has not signed it for this order")
        return note

    # --- what goes ------------------------------------------------------------------------------------------------------------------------

    def _copy(self, device: str, place: Place, copied: Copied, allowed: Callable[[], None]) -> None:
        allowed()
        ledger, newest = self._ledger(device), copied.lines[-1]
        for first_kept in checkpoints(ledger):
            name = checkpoint_name(first_kept)
            place.write(STORE_FOLDER, LEDGER_FOLDER, name, raw=(ledger / name).read_bytes())
        for start in starts(ledger):
            allowed()
            if start <= newest.entry.start:
                raw = (ledger / file_name(start)).read_bytes()  # with what a cut left behind its good lines, once a later start states it
                raw = raw[: newest.end] if start == newest.entry.start else raw  # more may be appended meanwhile
                place.write(STORE_FOLDER, LEDGER_FOLDER, file_name(start), raw=raw, grows=True)
        for segment in copied.segments:
            allowed()
            if not place.has(segment, *file_of(segment), still=now_and_then(allowed)):
                place.copy(*file_of(segment), chunks=self._chunks(device, segment, now_and_then(allowed)))
            receipt = self._index.receipt_of(device, segment)
            assert receipt is not None, "looked at before anything was copied"
            file = f"{segment.recording}-{segment.number:06d}.receipt"
            place.write(FORWARDED_FOLDER, file, raw=receipt[0].document.file_bytes)

    def _ledger(self, device: str) -> Path:
        return self._storage.camera(device) / STORE_FOLDER / LEDGER_FOLDER

    def _chunks(self, device: str, segment: ExpectedSegment, still: Callable[[], None]) -> Iterator[bytes]:
        """A segment out of the storage. Raises `DataError` at its end where it is not what the ledger states."""
        digest, left = hashlib.sha256(), segment.good_bytes
        for chunk in self._storage.segment_chunks(device, segment.recording, segment.file):
            still()
            digest.update(chunk[: max(0, left)])
            left -= len(chunk)
            yield chunk
        if digest.hexdigest() != segment.sha256:
            raise DataError(f"{segment.recording}/{segment.file}: the station's copy is not what the ledger states; it is not forwarded")

    def _is_there(self, place: Place, segments: Sequence[ExpectedSegment], still: Callable[[], None]) -> bool:
        return all(place.has(one, *file_of(one), still=still) for one in segments)

    def _log_forwarded(self, wanted: Wanted, note: ForwardedNote) -> None:
        told = f"{wanted.told}: {note.segments} segments, {note.bytes} bytes"
        self._forwards.end(wanted.device, wanted.recording, wanted.receiver.name, told, note.order, self._now_us())
        keep_log(self._index, self._storage)


def lease_of(device: str, receiver: ReceiverSettings) -> str:
    """Of a camera's place at a receiver, whatever the receivers are called that have it."""
    return f"forward/{hashlib.sha256(place_name(receiver, device).encode()).hexdigest()}"


def now_and_then(ask: Callable[[], None]) -> Callable[[], None]:
    """Asks once in `ASKED_CHUNKS` calls: it takes a few questions to the index."""
    called = 0

    def paced() -> None:
        nonlocal called
        called += 1
        if called % ASKED_CHUNKS == 0:
            ask()

    return paced


def _unwritten(error: OSError, place: Place) -> OutputError:
    return OutputError(f"{error.filename or place.store}: cannot be written: {error.strerror}")


def _is_deleted(device: str, recording: str) -> NotFoundError:
    return NotFoundError(f"{device}: {recording}: its term is over, and the station's copy is deleted, or is being deleted")
