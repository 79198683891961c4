"""Receipts that a station has lost, as a camera's ledger states them: which are its own."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bodycamd.evidence.noted_entries import Uploaded
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.signed_document import entry_text
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.municipality.station.own_receipts import lost_receipts
from tests.evidence.receipt_cases import FIRST_ONE, LEDGER, SEGMENT, stored
from tests.evidence.rostering import key

OWN = key("station-1").public
SECOND = stored(SEGMENT)


def entry(one: SignedReceipt, text: str | None = None) -> Uploaded:
    return Uploaded(receipt=one.id, document=text or entry_text(one.document), roster_sha256="00" * 32)


def found(*entries: object) -> list[str]:
    return [one.id for one in lost_receipts(entries, "station-1", OWN, "HV-01", 0, ZERO_HASH)]


def test_its_own_are_taken_back_one_behind_the_other() -> None:
    assert found(entry(FIRST_ONE), object(), entry(SECOND)) == [FIRST_ONE.id, SECOND.id]
    assert [one.id for one in lost_receipts([entry(FIRST_ONE), entry(SECOND)], "station-1", OWN, "HV-01", 1, FIRST_ONE.id)] == [SECOND.id]


def other_spelling(text: str) -> str:
    """The same bytes in base64 whose unused bits are not zero."""
    body = text.rstrip("=")
    assert len(body) < len(text), "this document leaves no bits over"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + letters[letters.index(body[-1]) + 1] + text[len(body) :]


@pytest.mark.parametrize(
    "first",
    [
        entry(stored(LEDGER, "A-01")),
        entry(stored(replace(LEDGER, device="HV-02"))),
        entry(stored(replace(LEDGER, station="station-2"))),
        entry(FIRST_ONE, "no base64"),
        entry(FIRST_ONE, entry_text(FIRST_ONE.document)[:-4]),
    ],
    ids=["signed by another", "for another camera", "of another station", "no base64", "cut"],
)
def test_what_is_not_its_own_is_none(first: Uploaded) -> None:
    assert found(first, entry(SECOND)) == []


def test_only_the_one_spelling_of_a_documents_bytes_is_read() -> None:
    padded = next(one for n in range(3) if entry_text((one := stored(replace(LEDGER, device="HV-01" + "0" * n))).document).endswith("="))
    told = padded.receipt.device
    assert lost_receipts([entry(padded)], "station-1", OWN, told, 0, ZERO_HASH) == [padded]
    assert lost_receipts([entry(padded, other_spelling(entry_text(padded.document)))], "station-1", OWN, told, 0, ZERO_HASH) == []
