"""The station's index: which segments are expected, which are stored, which receipts were given, and the audit log.

Each method is one transaction: when it returns, what it did is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from sqlalchemy import Connection, and_, insert, select, update

from bodycamd.errors import NotFoundError
from bodycamd.evidence import receipts as receipts_format
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.receipts import Receipt, SignedReceipt
from bodycamd.evidence.statements import wall_text, wall_us
from bodycamd.municipality.station import audit as audit_log
from bodycamd.municipality.station.audit import Event
from bodycamd.municipality.station.database import AUDIT_CHAIN, Database, last_link, ledger_chain, log_line, set_link
from bodycamd.municipality.station.order_index import ABOUT_ORDERS, note_line
from bodycamd.municipality.station.receipt_rows import add_receipt, store
from bodycamd.municipality.station.restored_index import hear
from bodycamd.municipality.station.segments import ExpectedSegment, StoredSegment, expected
from bodycamd.municipality.station.tables import audit, deletions, receipts, segments

KEPT_AUDIT: Final = "audit in the storage"
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

    def expected(self, device: str, recording: str, file: str) -> tuple[ExpectedSegment | None, tuple[SignedReceipt, bool] | None]:
        """What the camera's ledger states of a segment's file, `None` where it states nothing; and as of `receipt_of`. Raises
        `DeletedError`."""
        with self.database.reading() as connection:
            _check_there(connection, device, recording)
            return _find(connection, device, recording, file), _receipt_of(connection, device, recording, file)

    def receipt_of(self, device: str, segment: ExpectedSegment) -> tuple[SignedReceipt, bool] | None:
        """The receipt of a stored segment, and whether the storage has it too; `None` before it is stored."""
        with self.database.reading() as connection:
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
            hear(connection, device)
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
            add_receipt(connection, signed, kept=False)
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

    def note_event(self, event: Event, device: str, told: str, sha256: str, now_us: int) -> None:
        """A line of the log, and nothing else."""
        with self.database.transaction() as connection:
            log_line(connection, now_us, event, device, told, sha256)

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

    def restore_receipt(
        self, signed: SignedReceipt, received_us: int | None, kept_until_us: int | None, *, counts: bool, longest: bool = False
    ) -> None:
        """A receipt as the storage has it, the next of its camera. By the log: when its segment was received, until when it is kept, and
        whether it `counts`: a segment may have been lost since. `longest` as of `store`."""
        with self.database.transaction() as connection:
            last_link(connection, f"receipts/{signed.receipt.device}")
            add_receipt(connection, signed, kept=True)
            if counts:
                store(connection, signed, received_us, kept_until_us, longest=longest)

    def newest_confirmed_us(self) -> int | None:
        """The time of the newest line of the log that a confirmed clock dated; `None` before the first."""
        query = select(audit.c.line).order_by(audit.c.n.desc()).execution_options(yield_per=100)
        with self.database.transaction() as connection, connection.execute(query) as rows:
            for row in rows:
                line = audit_log.decode(row.line, "audit")
                if line.event in audit_log.BY_CONFIRMED_CLOCK:
                    return wall_us(line.at, "audit")
        return None

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

    def log_bundle(self, event: Literal["bundle_added", "bundle_removed"], what: str, name: str, now_us: int) -> None:
        """A line of the log about the bundle of this name."""
        with self.database.transaction() as connection:
            log_line(connection, now_us, event, None, what, name)

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
