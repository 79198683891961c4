"""Recordings that the station of another municipality has forwarded to this one: taken out of the folder that both reach.

    roster    of theirs, beside what they forwarded: signed by their root, which this station's operator registered; it only goes forward
    note      signed by a station of that roster; its order by a person of it who may forward, to this receiver, that recording
    ledger    whole lines, verified from the first key that the roster lists for the camera, as a camera's own
    segments  of that recording alone, as the ledger states them, in parts: what was cut off goes on where it was
    receipt   this station's own for each, in the folder beside the note

Below `forwarded-from/NAME` of the station's data each sender has a place of its own: ledgers, segments, index, log and receipts, as a
station's. So the names of its cameras are never taken for this municipality's. The term is this station's own (`keeps_days`), whatever the
ledger states of the sender's, and so are its deletions. What is not signed is not believed: files in the folder are only where to look.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError
from bodycamd.evidence import orders
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.entries import RecordingClosed
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.ledger_reader import LEDGER_FILE, Line, file_name
from bodycamd.evidence.order_acceptance import Here, judge_content
from bodycamd.evidence.orders import MAX_ORDER_BYTES, Forward, SignedOrder, StandingForward
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.roster import MAX_ROSTER_BYTES, SignedRoster
from bodycamd.evidence.roster_acceptance import Now, judge
from bodycamd.evidence.signed_line import MAX_LINE_BYTES
from bodycamd.evidence.statements import wall_us
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder, read_named
from bodycamd.municipality.station import audit as audit_log
from bodycamd.municipality.station.cameras import load_root
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.forwarded_note import MAX_FORWARDED_BYTES, ForwardedNote, decode
from bodycamd.municipality.station.forwarding import FORWARDED_FOLDER
from bodycamd.municipality.station.index import DeletedError, Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.ledger_copy import RestMissingError
from bodycamd.municipality.station.ledger_view import ledger_lines
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.opening import first_keys_of, serving
from bodycamd.municipality.station.orders import MAX_TERM_DAYS, check_signed
from bodycamd.municipality.station.rebuild import Rebuilt, rebuild
from bodycamd.municipality.station.receiver_folder import ReceiverFolder
from bodycamd.municipality.station.segments import ExpectedSegment, expected
from bodycamd.municipality.station.staging import MAX_PART_BYTES, Staging
from bodycamd.municipality.station.station_clock import StationTime
from bodycamd.municipality.station.station_file import ForwardedFromSettings
from bodycamd.municipality.station.storage import STORE_FOLDER
from bodycamd.municipality.station.sweep import Sweep, Swept
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER

FORWARDED_FROM: Final = "forwarded-from"
MAX_RESTS: Final = 64
"""Of torn ledgers, one after the other: a start states no more."""


class TakenIn(Struct, frozen=True):
    """What one look took: camera and recording; and a sentence for each note that it did not take."""

    taken: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


class _Checked(Struct, frozen=True):
    note: ForwardedNote
    order: SignedOrder
    first_key: PublicKey


class ForwardedIntake:
    """Of one sender, in one process. Close it."""

    def __init__(
        self, settings: ForwardedFromSettings, station: str, signer: SigningKey, data: Path, clock: Callable[[], StationTime]
    ) -> None:
        """Raises `ConfigError` for a root that is none, `StoreBusyError` where another process has this place, `StorageError`."""
        self._settings, self._signer, self._clock = settings, signer, clock
        self._named = Path(settings.folder)
        self._data = place_of(data, settings.name)
        self._root = load_root("forwarded_from: root", Path(settings.root))
        self._alone = ExitStack()
        self._alone.enter_context(serving(self._data, alone=True))
        self._storage = FolderStorage(self._data)
        self._index = open_index(self._data)
        staging = Staging(self._data / "staging")
        days = settings.keeps_days
        self._intake = Intake(station, signer, self._storage, staging, self._index, days=days, clock=clock, own_term=True)
        self._sweep = Sweep(self._intake, self._index, self._storage, staging, self.first_keys, days=days, clock=clock)

    def close(self) -> None:
        """Give index and folder back."""
        self._index.close()
        self._alone.close()

    @property
    def index(self) -> Index:
        """Of what this sender has forwarded."""
        return self._index

    def first_keys(self) -> dict[str, PublicKey]:
        """Of all cameras of the sender's newest roster; none before the first came."""
        in_force = self._kept()
        return {} if in_force is None else first_keys_of(in_force.roster)

    def sweep(self) -> Swept:
        """Delete what this station's own term is over for. Raises `StorageError`."""
        return self._sweep.run()

    def run(self) -> TakenIn:
        """Look at all that was forwarded once. Raises `DataError`, `PermissionDeniedError`, `StorageError` where the folder cannot be read;
        nothing where it is not there."""
        taken, problems = list[tuple[str, str]](), list[str]()
        for device in self._devices():
            try:
                with Folder.open(self._named / device / FORWARDED_FOLDER, below=self._named) as folder:
                    names = {one.name for one in folder.names() if one.is_file}
                    in_force = self._take_rosters(folder, names)
                    notes = sorted(name for name in names if name.endswith(".forwarded"))
                    for name in notes:
                        try:
                            if (recording := self._note(folder, names, device, name, in_force)) is not None:
                                taken.append((device, recording))
                        except BodycamError as error:
                            problems.append(f"{self._settings.name}: {device}: {name}: {error}")
            except NotFoundError:
                continue
            except BodycamError as error:
                problems.append(f"{self._settings.name}: {device}: {error}")
        return TakenIn(tuple(taken), tuple(problems))

    def _devices(self) -> list[str]:
        try:
            with Folder.open(self._named) as folder:
                return [one.name for one in folder.names() if one.is_folder]
        except NotFoundError:
            return []

    # --- what is believed -----------------------------------------------------------------------------------------------------------------

    def _take_rosters(self, folder: Folder, names: set[str]) -> SignedRoster:
        in_force = self._kept()
        for name in sorted(name for name in names if name.endswith(".roster")):
            candidate = rosters.decode(folder.read(name, 2 * MAX_ROSTER_BYTES), name)
            if judge(candidate, in_force or self._root, Now(self._clock().wall_us, trusted=True)).outcome == "accepted":
                try:
                    durable.replace(kept_roster_of(self._data), candidate.document.file_bytes)
                except OSError as error:
                    raise DataError(f"{name}: cannot be kept: {error.strerror}") from error
                in_force = candidate
        if in_force is None:
            raise DataError("no roster that the registered root signed, and that has not ended, has come with it")
        return in_force

    def _kept(self) -> SignedRoster | None:
        path = kept_roster_of(self._data)
        return rosters.decode(read_named(path, 2 * MAX_ROSTER_BYTES), str(path)) if path.exists() else None

    def _check(self, folder: Folder, device: str, name: str, in_force: SignedRoster) -> _Checked:
        """A note and its order. Raises `DataError` for what is not signed, or says something else; `PermissionDeniedError` where who
        signed the order may not."""
        note, document = decode(folder.read(name, 2 * MAX_FORWARDED_BYTES), name)
        station = next((one for one in in_force.roster.stations if one.id == note.station and one.state == "active"), None)
        key = None if station is None else PublicKey.from_hex(station.key)
        if key is None or key.id not in document.signers([key]):
            raise DataError("no active station of their roster has signed it")
        signed = orders.decode(folder.read(f"{note.order}.order", 2 * MAX_ORDER_BYTES), f"{note.order}.order")
        body = signed.order.body
        if not isinstance(body, Forward | StandingForward) or signed.id != note.order:
            raise DataError("the order beside it is not the order that it names")
        check_signed(signed, in_force)
        said = (note.device, note.receiver, note.by, note.ground, note.reference)
        if said != (device, body.receiver, signed.order.person, body.ground, body.reference):
            raise DataError("it does not say what its order says")
        if body.receiver != self._settings.receiver:
            raise DataError(f"it is for {body.receiver}, and this station is their {self._settings.receiver}")
        if isinstance(body, Forward) and body.recording != note.recording:
            raise DataError("its order is for another recording")
        at = Now(wall_us(note.forwarded_at, name), trusted=True)
        verdict = judge_content(signed.order, in_force, Here(device, MAX_TERM_DAYS), at)
        if not verdict.accepted:
            raise PermissionDeniedError(f"its order counts for nothing: {verdict.why}")
        return _Checked(note, signed, first_keys_of(in_force.roster)[device])

    # --- what is taken --------------------------------------------------------------------------------------------------------------------

    def _note(self, folder: Folder, names: set[str], device: str, name: str, in_force: SignedRoster) -> str | None:
        """The recording, where all of it was taken now; `None` where it was before, or is deleted here."""
        said = decode(folder.read(name, 2 * MAX_FORWARDED_BYTES), name)[0]
        if sum(one.startswith(f"{said.recording}-") and one.endswith(".taken") for one in names) >= said.segments:
            return None  # whoever put these there keeps his own recording back
        checked = self._check(folder, device, name, in_force)
        note, key = checked.note, checked.first_key
        with Folder.open(self._named / device / STORE_FOLDER / LEDGER_FOLDER, below=self._named) as ledger:
            self._take_ledger(ledger, device, key)
        lines = ledger_lines(self._storage.camera(device), key)
        segments = _segments(lines, note)
        try:
            with Folder.open(self._named / device / STORE_FOLDER / RECORDINGS_FOLDER / note.recording, below=self._named) as recording:
                receipts = [(one, self._take_segment(recording, device, key, one)) for one in segments]
        except DeletedError:
            return None  # this station's own term is over
        self._log(device, checked)
        place = ReceiverFolder(self._named, device)
        for one, receipt in receipts:
            file = f"{note.recording}-{one.number:06d}.taken"
            try:
                place.write(FORWARDED_FOLDER, file, raw=receipt.document.file_bytes)
            except OSError as error:
                raise DataError(f"{file}: the receipt cannot be written there: {error.strerror}") from error
        return note.recording

    def _take_ledger(self, ledger: Folder, device: str, key: PublicKey) -> None:
        starts = [int(match[1]) for one in ledger.names() if one.is_file and (match := LEDGER_FILE.fullmatch(one.name))]
        for start in starts:
            later = any(self._intake.ledger_progress(device, key, other).size_bytes for other in starts if other > start)
            if later:
                continue  # it has ended here
            for offset, part in self._parts(ledger, device, key, start):
                for _ in range(MAX_RESTS):
                    try:
                        self._intake.take_ledger(device, key, start, offset, part)
                        break
                    except RestMissingError as missing:
                        torn = missing.torn
                        self._intake.take_rest(device, key, int(torn.file[:6]), _end_of(ledger, torn.file, torn.torn_bytes))

    def _parts(self, ledger: Folder, device: str, key: PublicKey, start: int) -> Iterator[tuple[int, bytes]]:
        """Whole lines behind those that are here."""
        offset = self._intake.ledger_progress(device, key, start).size_bytes
        with ledger.file(file_name(start)) as file:
            while True:
                file.seek(offset)
                part = file.read(MAX_PART_BYTES)
                part = part[: part.rfind(b"\n") + 1]
                if not part:
                    return
                yield offset, part
                offset += len(part)

    def _take_segment(self, recording: Folder, device: str, key: PublicKey, segment: ExpectedSegment) -> SignedReceipt:
        found = self._intake.segment_progress(device, segment.recording, segment.file)
        if found.receipt is not None:
            return found.receipt
        with recording.file(segment.file) as file:
            if os.fstat(file.fileno()).st_size != segment.size:
                raise DataError(f"{segment.recording}/{segment.file}: it is not as long as the ledger states")
            offset = found.size_bytes
            file.seek(offset)
            while found.receipt is None:
                part = file.read(min(MAX_PART_BYTES, segment.size - offset))
                last = offset + len(part) >= segment.size
                if not part and not last:
                    raise DataError(f"{segment.recording}/{segment.file}: it became shorter while it was read")
                found = self._intake.take_segment(device, key, segment.recording, segment.file, offset, part, last=last)
                offset += len(part)
        return found.receipt

    def _log(self, device: str, checked: _Checked) -> None:
        """Once for each recording and order."""
        note, id = checked.note, checked.order.id
        told = f"{note.recording} from {self._settings.name} ({note.station}), {note.ground} {note.reference}, by {note.by}"
        for raw in self._index.audit_lines():
            if id.encode() in raw and (line := audit_log.decode(raw, "the log")).event == "forward_taken" and line.what == told:
                return
        self._index.note_event("forward_taken", device, told, id, self._clock().wall_us)
        keep_log(self._index, self._storage)


def place_of(data: Path, sender: str) -> Path:
    """Where all that a sender has forwarded is."""
    return data / FORWARDED_FROM / sender


def kept_roster_of(place: Path) -> Path:
    """The sender's newest roster."""
    return place / "in-force.roster"


def open_index(place: Path) -> Index:
    """Raises as `Index.open` does."""
    return Index.open(f"sqlite:///{place.absolute()}/index.sqlite")


def rebuild_forwarded(data: Path, sender: str, station_key: PublicKey) -> Rebuilt:
    """Make the index of what a sender has forwarded anew; the station is stopped, and the old index moved away. Raises as `rebuild` does,
    `NotFoundError` where nothing of it was ever taken."""
    place = place_of(data, sender)
    if not kept_roster_of(place).exists():
        raise NotFoundError(f"{place}: nothing that {sender} has forwarded was taken yet")
    in_force = rosters.decode(read_named(kept_roster_of(place), 2 * MAX_ROSTER_BYTES), str(kept_roster_of(place)))
    with serving(place, alone=True), closing(open_index(place)) as index:
        return rebuild(index, FolderStorage(place), first_keys_of(in_force.roster), station_key)


def _segments(lines: list[Line], note: ForwardedNote) -> list[ExpectedSegment]:
    """All that the ledger states of the recording. Raises `DataError` where it states something else than the note."""
    if all(line.sha256 != note.head for line in lines):
        raise DataError("the ledger that lies there does not reach the line that the note names")
    found = [one for one in (expected(line.detail) for line in lines) if one is not None and one.recording == note.recording]
    closed = any(isinstance(line.detail, RecordingClosed) and line.detail.recording == note.recording for line in lines)
    if not closed or len(found) != note.segments or sum(one.size for one in found) != note.bytes:
        raise DataError("the ledger states another recording of that name than the note")
    return found


def _end_of(ledger: Folder, name: str, length: int) -> bytes:
    with ledger.file(name) as file:
        if not 0 < length <= min(MAX_LINE_BYTES, os.fstat(file.fileno()).st_size):
            raise DataError(f"{name}: {length} bytes behind its good lines are stated, and not there")
        file.seek(-length, os.SEEK_END)
        return file.read(length)
