"""The station's index: which segments are expected, which are stored, which receipts were given, and the audit log.

Each method is one transaction: when it returns, what it did is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, and_, func, insert, select, update

from bodycamd.errors import NotFoundError
from bodycamd.evidence import receipts as receipts_format
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.receipts import Receipt, SignedReceipt
from bodycamd.evidence.statements import ZERO_HASH, wall_text, wall_us
from bodycamd.municipality.station import audit as audit_log
from bodycamd.municipality.station.audit import Event
from bodycamd.municipality.station.database import AUDIT_CHAIN, Database, last_link, ledger_chain, log_line, set_link
from bodycamd.municipality.station.order_index import ABOUT_ORDERS, DOCUMENT_CHAIN, note_line
from bodycamd.municipality.station.segments import ExpectedSegment, StoredSegment, expected
from bodycamd.municipality.station.tables import audit, chains, deletions, receipts, segments

KEPT_AUDIT: Final = "audit in the storage"
RESTORED: Final = "restored"
"""The chain whose number is that of the log's line that says so."""
LINES_OF_START: Final = 10**9
"""More than a start has."""
Sign = Callable[[Receipt], SignedReceipt]


class DeletedError(NotFoundError):
    """The station had this recording, and its copy is gone or on its way."""


class Index:
    """An opened database. All methods raise `StorageError` where it fails."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, url: str) -> Index:
        """As `Database.open`."""
        return cls(Database.open(url))

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()

    def note_lines(self, device: str, lines: Iterable[Line]) -> None:
        """Expect the segments that these verified lines state, and know what they say of orders. What is known stays as it is."""
        lines = list(lines)
        stated = [segment for line in lines if (segment := expected(line.detail)) is not None]
        about_orders = [line for line in lines if isinstance(line.detail, ABOUT_ORDERS)]
        if not lines:
            return
        with self.database.transaction() as connection:
            _follow(connection, device, lines[-1])
            for line in about_orders:
                note_line(connection, device, line)
            gone = _deletions(connection, device)
            for segment in stated:
                if segment.recording not in gone and _find(connection, device, segment.recording, segment.file) is None:
                    connection.execute(
                        insert(segments).values(
                            device=device,
                            recording=segment.recording,
                            file=segment.file,
                            number=segment.number,
                            good_bytes=segment.good_bytes,
                            sha256=segment.sha256,
                            torn_bytes=segment.torn_bytes,
                            torn_sha256=segment.torn_sha256,
                        )
                    )

    def newest_line(self, device: str) -> str:
        """The SHA-256 of the newest line of a camera's ledger that any process has."""
        with self.database.transaction() as connection:
            return last_link(connection, ledger_chain(device))[1]

    def expected(self, device: str, recording: str, file: str) -> ExpectedSegment | None:
        """What the camera's ledger states of a segment's file; `None` where it states nothing. Raises `DeletedError`."""
        with self.database.transaction() as connection:
            _check_there(connection, device, recording)
            return _find(connection, device, recording, file)

    def receipt_of(self, device: str, segment: ExpectedSegment) -> tuple[SignedReceipt, bool] | None:
        """The receipt of a stored segment, and whether the storage has it too; `None` before it is stored."""
        with self.database.transaction() as connection:
            return _receipt_of(connection, device, segment.recording, segment.file)

    def last_receipt(self, device: str) -> tuple[SignedReceipt, bool] | None:
        """The newest receipt of a camera, and whether the storage has it too."""
        with self.database.transaction() as connection:
            row = connection.execute(
                select(receipts.c.file_bytes, receipts.c.kept).where(receipts.c.device == device).order_by(receipts.c.n.desc()).limit(1)
            ).one_or_none()
        return None if row is None else (receipts_format.decode(row.file_bytes, "receipt"), row.kept)

    def term_of(self, device: str, recording: str, file: str) -> tuple[int | None, int | None]:
        """When the last of a recording was received, `None` where nothing says; and until when a receipt keeps this segment, `None` where
        no confirmed clock gave one."""
        here = and_(segments.c.device == device, segments.c.recording == recording)
        with self.database.transaction() as connection:
            received = [row.received_us for row in connection.execute(select(segments.c.received_us).where(here))]
            until = connection.execute(select(segments.c.kept_until_us).where(here, segments.c.file == file)).scalar()
        return None if None in received else max(received, default=None), until

    def begin_put(self, device: str, segment: StoredSegment, now_us: int, kept_until_us: int, *, dated: bool) -> None:
        """From here on the segment may lie in the storage: it counts as received, with a receipt or without. `dated` as of `sign_receipt`.
        Raises `DeletedError`."""
        with self.database.transaction() as connection:
            last_link(connection, AUDIT_CHAIN)  # no deletion begins meanwhile
            _check_there(connection, device, segment.recording)
            connection.execute(
                update(segments)
                .where(
                    segments.c.device == device,
                    segments.c.recording == segment.recording,
                    segments.c.file == segment.file,
                    segments.c.receipt.is_(None),
                )
                .values(put_begun=True, received_us=now_us if dated else None, kept_until_us=kept_until_us if dated else None)
            )

    def sign_receipt(
        self,
        station: str,
        device: str,
        head: str,
        stored: StoredSegment | None,
        now_us: int,
        kept_until_us: int,
        sign: Sign,
        *,
        dated: bool = True,
        longer: bool = False,
    ) -> SignedReceipt:
        """The next receipt for a camera. For a segment that has one already: that one, or with `longer` a new one, which keeps it longer
        and says nothing of when it came. `dated`: `now_us` is of a clock that is confirmed. Raises `DeletedError`."""
        with self.database.transaction() as connection:
            n, prev = last_link(connection, f"receipts/{device}")
            if stored is not None:
                _check_there(connection, device, stored.recording)
                if (given := _receipt_of(connection, device, stored.recording, stored.file)) is not None and not longer:
                    return given[0]
                what = f"{stored.recording}/{stored.file}, {stored.size} bytes"
                if not longer:
                    log_line(connection, now_us, "segment_stored", device, what, stored.sha256)
            signing: Event = "receipt_signed" if dated else "receipt_signed_undated"
            _is_heard(connection, device)
            audit_head = log_line(connection, now_us, signing, device, f"receipt {n + 1}", head)
            signed = sign(
                Receipt(
                    station=station,
                    device=device,
                    n=n + 1,
                    prev=prev,
                    head=head,
                    stored_at=wall_text(now_us),
                    kept_until=wall_text(kept_until_us),
                    audit_head=audit_head,
                    recording=stored.recording if stored is not None else None,
                    segment=stored.number if stored is not None else None,
                    sha256=stored.sha256 if stored is not None else None,
                    size=stored.size if stored is not None else None,
                )
            )
            _add_receipt(connection, signed, kept=False)
            if stored is not None:
                received: dict[str, int | None] = {} if longer else {"received_us": now_us if dated else None}
                connection.execute(
                    update(segments)
                    .where(segments.c.device == device, segments.c.recording == stored.recording, segments.c.file == stored.file)
                    .values(
                        receipt=n + 1,
                        put_begun=False,
                        kept_until_us=wall_us(signed.receipt.kept_until, "") if dated else None,
                        **received,
                    )
                )
            return signed

    def receipt_is_kept(self, device: str, n: int) -> None:
        """The storage has it too."""
        with self.database.transaction() as connection:
            connection.execute(update(receipts).where(receipts.c.device == device, receipts.c.n == n).values(kept=True))

    def receipts_after(self, device: str, n: int, most: int) -> list[SignedReceipt]:
        """The receipts of a camera that follow number `n` and that the storage has, oldest first."""
        query = (
            select(receipts.c.file_bytes)
            .where(receipts.c.device == device, receipts.c.n > n, receipts.c.kept)
            .order_by(receipts.c.n)
            .limit(most)
        )
        with self.database.transaction() as connection:
            return [receipts_format.decode(row.file_bytes, "receipt") for row in connection.execute(query)]

    def audit_to_keep(self) -> tuple[int, list[bytes]]:
        """The lines of the audit log that the storage has not got yet, and the number of the first."""
        with self.database.transaction() as connection:
            kept, _ = last_link(connection, KEPT_AUDIT)
            lines = connection.execute(select(audit.c.line).where(audit.c.n > kept).order_by(audit.c.n))
            return kept + 1, [row.line for row in lines]

    def audit_is_kept(self, last: int, head: str) -> None:
        """The storage has the log as far as that line."""
        with self.database.transaction() as connection:
            if last_link(connection, KEPT_AUDIT)[0] < last:
                set_link(connection, KEPT_AUDIT, last, head)

    def restore_audit(self, lines: Sequence[bytes], head: str) -> None:
        """The log as the storage has it, into an empty index."""
        with self.database.transaction() as connection:
            for n, line in enumerate(lines, 1):
                connection.execute(insert(audit).values(n=n, line=line))
            for chain in (AUDIT_CHAIN, KEPT_AUDIT) if lines else ():
                last_link(connection, chain)
                set_link(connection, chain, len(lines), head)

    def restore_receipt(self, signed: SignedReceipt, received_us: int | None, *, dated: bool) -> None:
        """A receipt as the storage has it, the next of its camera. `received_us`: by the log; `dated`: as it was signed."""
        receipt = signed.receipt
        with self.database.transaction() as connection:
            last_link(connection, f"receipts/{receipt.device}")
            _add_receipt(connection, signed, kept=True)
            _store(connection, signed, received_us, wall_us(receipt.kept_until, "kept_until") if dated else None)

    def newest_confirmed_us(self) -> int | None:
        """The time of the newest line of the log that a confirmed clock dated; `None` before the first."""
        query = select(audit.c.line).order_by(audit.c.n.desc()).execution_options(yield_per=100)
        with self.database.transaction() as connection, connection.execute(query) as rows:
            for row in rows:
                line = audit_log.decode(row.line, "audit")
                if line.event in audit_log.BY_CONFIRMED_CLOCK:
                    return wall_us(line.at, "audit")
        return None

    def is_restored(self, made_at: str, now_us: int, left_out: int) -> None:
        """The station was restored from the backup of this time: a line of the log says so, and documents leave so many numbers out."""
        with self.database.transaction() as connection:
            behind = last_link(connection, DOCUMENT_CHAIN)[0] + left_out
            log_line(connection, now_us, "restored", None, f"from the backup of {made_at}; documents go on behind {behind}", None)
            _set_restored(connection, last_link(connection, AUDIT_CHAIN)[0], behind)

    def restore_restored(self, n: int, heard: Iterable[str], behind: int) -> None:
        """The same as the log states it; these cameras got a receipt since."""
        if n == 0:
            return
        with self.database.transaction() as connection:
            _set_restored(connection, n, behind)
            for device in sorted(heard):
                _is_heard(connection, device)

    def is_unheard(self, device: str) -> bool:
        """Whether the station was restored, and the camera has got no receipt since: its ledger may state receipts that are lost here."""
        with self.database.transaction() as connection:
            return _is_unheard(connection, device)

    def take_back(self, device: str, lost: Callable[[int, str], list[SignedReceipt]], now_us: int) -> list[SignedReceipt]:
        """Receipts of this station that its camera states and that are lost here; `lost` finds those behind a number and an id. A line of
        the log for each; when they were received no log says. The storage has not got them yet."""
        with self.database.transaction() as connection:
            n, last = last_link(connection, f"receipts/{device}")
            found = lost(n, last)
            for signed in found:
                log_line(connection, now_us, "receipt_taken_back", device, f"receipt {signed.receipt.n}", signed.id)
                _add_receipt(connection, signed, kept=False)
                _store(connection, signed, None, None)
            return found

    def stored_files(self) -> list[tuple[str, str, str]]:
        """The segments that have a receipt: camera, recording, file."""
        query = select(segments.c.device, segments.c.recording, segments.c.file).where(segments.c.receipt.is_not(None))
        with self.database.transaction() as connection:
            return [(row.device, row.recording, row.file) for row in connection.execute(query)]

    def stated_recordings(self) -> set[tuple[str, str]]:
        """The recordings that ledgers state segments of, and those whose copy is deleted or on its way: camera and recording."""
        with self.database.transaction() as connection:
            stated = connection.execute(select(segments.c.device, segments.c.recording).distinct())
            gone = connection.execute(select(deletions.c.device, deletions.c.recording))
            return {(row.device, row.recording) for row in (*stated, *gone)}

    def newest_audit_line(self) -> tuple[int, bytes] | None:
        """The newest line of the log, and its number; `None` before the first."""
        with self.database.transaction() as connection:
            row = connection.execute(select(audit.c.n, audit.c.line).order_by(audit.c.n.desc()).limit(1)).one_or_none()
            return None if row is None else (row.n, row.line)

    def audit_lines(self) -> list[bytes]:
        """The whole audit log."""
        with self.database.transaction() as connection:
            return [row.line for row in connection.execute(select(audit.c.line).order_by(audit.c.n))]


def _follow(connection: Connection, device: str, line: Line) -> None:
    """The ledger has come so far. A process with an older copy of it takes nothing back."""
    place = line.entry.start * LINES_OF_START + line.number
    if last_link(connection, ledger_chain(device))[0] < place:
        set_link(connection, ledger_chain(device), place, line.sha256)


def _deletions(connection: Connection, device: str) -> frozenset[str]:
    return frozenset(row.recording for row in connection.execute(select(deletions.c.recording).where(deletions.c.device == device)))


def _check_there(connection: Connection, device: str, recording: str) -> None:
    gone = select(deletions.c.recording).where(deletions.c.device == device, deletions.c.recording == recording)
    if connection.execute(gone).first() is not None:
        raise DeletedError(f"{recording}: its term is over, and the station's copy is deleted")


def _find(connection: Connection, device: str, recording: str, file: str) -> ExpectedSegment | None:
    row = connection.execute(
        select(segments).where(segments.c.device == device, segments.c.recording == recording, segments.c.file == file)
    ).one_or_none()
    return (
        None if row is None else ExpectedSegment(recording, row.number, file, row.good_bytes, row.sha256, row.torn_bytes, row.torn_sha256)
    )


def _receipt_of(connection: Connection, device: str, recording: str, file: str) -> tuple[SignedReceipt, bool] | None:
    query = select(receipts.c.file_bytes, receipts.c.kept).where(
        segments.c.device == device,
        segments.c.recording == recording,
        segments.c.file == file,
        receipts.c.device == segments.c.device,
        receipts.c.n == segments.c.receipt,
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (receipts_format.decode(row.file_bytes, "receipt"), row.kept)


def _add_receipt(connection: Connection, signed: SignedReceipt, *, kept: bool) -> None:
    receipt = signed.receipt
    connection.execute(
        insert(receipts).values(
            device=receipt.device,
            n=receipt.n,
            file_bytes=signed.document.file_bytes,
            kept=kept,
        )
    )
    set_link(connection, f"receipts/{receipt.device}", receipt.n, signed.id)


def _store(connection: Connection, signed: SignedReceipt, received_us: int | None, kept_until_us: int | None) -> None:
    """The segment that a receipt is for, if it is for one, is stored."""
    receipt = signed.receipt
    here = (segments.c.device == receipt.device, segments.c.recording == receipt.recording, segments.c.number == receipt.segment)
    received = func.coalesce(segments.c.received_us, received_us)  # a later receipt says nothing of when it came
    values = {"receipt": receipt.n, "received_us": received, "kept_until_us": kept_until_us, "put_begun": False}
    connection.execute(update(segments).where(*here).values(**values))


def _set_restored(connection: Connection, n: int, behind: int) -> None:
    last_link(connection, RESTORED)
    set_link(connection, RESTORED, n, ZERO_HASH)
    if last_link(connection, DOCUMENT_CHAIN)[0] < behind:
        set_link(connection, DOCUMENT_CHAIN, behind, ZERO_HASH)


def _restored(connection: Connection, name: str) -> int:
    return connection.execute(select(chains.c.n).where(chains.c.name == name)).scalar() or 0


def _is_unheard(connection: Connection, device: str) -> bool:
    n = _restored(connection, RESTORED)
    return n > 0 and _restored(connection, f"heard/{device}") < n


def _is_heard(connection: Connection, device: str) -> None:
    """A receipt is signed for the camera."""
    if _is_unheard(connection, device):
        last_link(connection, f"heard/{device}")
        set_link(connection, f"heard/{device}", _restored(connection, RESTORED), ZERO_HASH)
