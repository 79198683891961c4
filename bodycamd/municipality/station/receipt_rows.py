"""Rows of receipts, and what they say of segments: in the caller's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.municipality.station.database import set_link
from bodycamd.municipality.station.tables import receipts, segments


def add_receipt(connection: Connection, signed: SignedReceipt, *, kept: bool) -> None:
    """The next receipt of a camera, whose chain the caller has asked for."""
    receipt = signed.receipt
    connection.execute(insert(receipts).values(device=receipt.device, n=receipt.n, file_bytes=signed.document.file_bytes, kept=kept))
    set_link(connection, f"receipts/{receipt.device}", receipt.n, signed.id)


def store(
    connection: Connection, signed: SignedReceipt, received_us: int | None, kept_until_us: int | None, *, longest: bool = False
) -> None:
    """The segment that a receipt is for, if it is for one, is stored. A later receipt says nothing of when it came. `longest`: what was
    promised before it stays promised."""
    receipt = signed.receipt
    here = (segments.c.device == receipt.device, segments.c.recording == receipt.recording, segments.c.number == receipt.segment)
    before = connection.execute(select(segments.c.received_us, segments.c.kept_until_us).where(*here)).first()
    if before is None:
        return
    if longest and before.kept_until_us is not None:
        kept_until_us = max(before.kept_until_us, kept_until_us or 0)
    received = before.received_us if before.received_us is not None else received_us
    connection.execute(
        update(segments).where(*here).values(receipt=receipt.n, received_us=received, kept_until_us=kept_until_us, put_begun=False)
    )


def lose(connection: Connection, device: str, recording: str, file: str) -> None:
    """The segment is not in the storage, whatever a receipt says."""
    here = (segments.c.device == device, segments.c.recording == recording, segments.c.file == file)
    connection.execute(update(segments).where(*here).values(receipt=None, received_us=None, kept_until_us=None, put_begun=False))
