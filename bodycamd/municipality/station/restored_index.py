"""What the index knows of a restore: that one is under way, that one was, what was taken back since, and what waits until people have
looked. In the chains' table, and made anew from the log like the rest. Each method is one transaction; all raise `StorageError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, delete, or_, select

from bodycamd.errors import DataError
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.roster import DAY_US
from bodycamd.evidence.statements import ZERO_HASH, wall_text, wall_us
from bodycamd.municipality.station.database import AUDIT_CHAIN, Database, last_link, log_line, set_link
from bodycamd.municipality.station.order_index import DOCUMENT_CHAIN
from bodycamd.municipality.station.receipt_rows import add_receipt, lose, store
from bodycamd.municipality.station.tables import chains, deletions, segments

RESTORED: Final = "restored"
"""The chain whose number is that of the log's line that says so."""
RESTORING: Final = "restoring"
"""There while a restore is not at its end."""
BROUGHT: Final = "orders brought"
"""The chain whose number is the time when somebody stated that the orders were brought again."""
SILENT_US: Final = 7 * DAY_US
"""So long after that a camera that nothing comes from holds back the deletion of its copies."""


class Waits(Struct, frozen=True):
    """By which line it was restored, the number behind which documents go on, when orders were brought again, and who was heard since."""

    n: int = 0
    behind: int = 0
    brought_us: int | None = None
    heard: frozenset[str] = frozenset()


class RestoredIndex:
    """In the station's database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def begin(self) -> None:
        """A restore is under way: until `end`, no process serves with this index."""
        with self.database.transaction() as connection:
            last_link(connection, RESTORING)

    def check_finished(self) -> None:
        """Raises `DataError` where a restore has begun and not come to its end."""
        with self.database.transaction() as connection:
            if connection.execute(select(chains.c.n).where(chains.c.name == RESTORING)).first() is not None:
                raise DataError("a restore has begun and not come to its end: move the index away, and restore once more")

    def end(self, made_at: str, now_us: int, left_out: int, lost: Iterable[tuple[str, str, str]]) -> None:
        """The station is restored from the backup of this time, and documents leave so many numbers out; these segments, by camera,
        recording and file, are not in the storage though they have receipts."""
        with self.database.transaction() as connection:
            behind = last_link(connection, DOCUMENT_CHAIN)[0] + left_out
            log_line(connection, now_us, "restored", None, f"from the backup of {made_at}; documents go on behind {behind}", None)
            _set(connection, last_link(connection, AUDIT_CHAIN)[0], behind)
            for one in lost:
                _lost(connection, *one, now_us)
            connection.execute(delete(chains).where(chains.c.name == RESTORING))

    def restore(self, waits: Waits) -> None:
        """The same as the log states it."""
        if waits.n == 0:
            return
        with self.database.transaction() as connection:
            _set(connection, waits.n, waits.behind)
            for device in sorted(waits.heard):
                hear(connection, device)
            if waits.brought_us is not None:
                _put(connection, BROUGHT, waits.brought_us)

    def orders_are_brought(self, now_us: int) -> bool:
        """Somebody states that the orders which came after the backup are here again; false where the station never was restored."""
        with self.database.transaction() as connection:
            if _n(connection, RESTORED) is None:
                return False
            log_line(connection, now_us, "orders_brought", None, "", None)
            _put(connection, BROUGHT, wall_us(wall_text(now_us), "now"))
            return True

    def waits_for_orders(self) -> bool:
        """Whether the station was restored, and nobody has stated that its orders are here again."""
        with self.database.transaction() as connection:
            return _n(connection, RESTORED) is not None and _n(connection, BROUGHT) is None

    def why_kept(self, device: str, now_us: int) -> str:
        """Why nothing of a camera is deleted, though it may be due; empty where nothing speaks against it."""
        with self.database.transaction() as connection:
            if _n(connection, RESTORED) is None:
                return ""
            brought_us = _n(connection, BROUGHT)
            if brought_us is None:
                return "this station was restored: nothing is deleted until its orders are here again: bodycamd station orders-brought"
            if is_unheard(connection, device) and now_us - brought_us < SILENT_US:
                return f"{device}: this station was restored, and nothing has come from the camera since: nothing of it is deleted yet"
            return ""

    def is_unheard(self, device: str) -> bool:
        """Whether the station was restored, and the camera has got no receipt since: its ledger may state receipts that are lost here."""
        with self.database.transaction() as connection:
            return is_unheard(connection, device)

    def take_back(
        self,
        device: str,
        lost: Callable[[int, str], list[SignedReceipt]],
        has_segment: Callable[[str, str], bool],
        now_us: int,
        most_us: int | None,
    ) -> list[SignedReceipt]:
        """Receipts of this station that its camera states and that are lost here; `lost` finds those behind a number and an id. A line of
        the log for each, with what it promised, and until `most_us` at most; when they were received no log says. The storage has not got
        them yet. A segment that it has not got either (`has_segment`, by recording and file) is lost, and a line says so."""
        with self.database.transaction() as connection:
            n, last = last_link(connection, f"receipts/{device}")
            found = lost(n, last)
            for signed in found:
                kept_us = wall_us(signed.receipt.kept_until, "kept_until")
                kept_us = kept_us if most_us is None else min(kept_us, most_us)
                told = f"receipt {signed.receipt.n}, kept until {wall_text(kept_us)}"
                log_line(connection, now_us, "receipt_taken_back", device, told, signed.id)
                add_receipt(connection, signed, kept=False)
                store(connection, signed, None, kept_us, longest=True)
            stored = select(segments.c.recording, segments.c.file).where(segments.c.device == device, segments.c.receipt.is_not(None))
            gone = {row.recording for row in connection.execute(select(deletions.c.recording).where(deletions.c.device == device))}
            named = {(signed.receipt.recording) for signed in found}
            for row in connection.execute(stored.order_by(segments.c.recording, segments.c.file)).all():
                if row.recording in named and row.recording not in gone and not has_segment(row.recording, row.file):
                    _lost(connection, device, row.recording, row.file, now_us)
            return found


def is_unheard(connection: Connection, device: str) -> bool:
    """As of the class."""
    n = _n(connection, RESTORED)
    return n is not None and (_n(connection, f"heard/{device}") or 0) < n


def hear(connection: Connection, device: str) -> None:
    """A receipt is signed for the camera."""
    if is_unheard(connection, device):
        _put(connection, f"heard/{device}", _n(connection, RESTORED) or 0)


def _lost(connection: Connection, device: str, recording: str, file: str, now_us: int) -> None:
    log_line(connection, now_us, "segment_lost", device, f"{recording}/{file}", None)
    lose(connection, device, recording, file)


def _set(connection: Connection, n: int, behind: int) -> None:
    _put(connection, RESTORED, n)
    connection.execute(delete(chains).where(or_(chains.c.name == BROUGHT, chains.c.name.startswith("heard/"))))
    if last_link(connection, DOCUMENT_CHAIN)[0] < behind:
        set_link(connection, DOCUMENT_CHAIN, behind, ZERO_HASH)


def _put(connection: Connection, name: str, n: int) -> None:
    last_link(connection, name)
    set_link(connection, name, n, ZERO_HASH)


def _n(connection: Connection, name: str) -> int | None:
    n: int | None = connection.execute(select(chains.c.n).where(chains.c.name == name)).scalar()
    return n
