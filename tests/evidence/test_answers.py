"""A station's answer that it still has a segment: its form, whose word it is, and in which format of the ledger a deletion may rest on
it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.errors import DataError
from bodycamd.evidence.answers import CopyAnswer, SignedAnswer, decode, is_signed, only_signer, sign, station_keys
from bodycamd.evidence.entries import check_format
from bodycamd.evidence.roster import KeyHolder, SignedRoster
from tests.evidence.making import entry
from tests.evidence.rostering import FIRST, key, signed

IN_FORCE = signed(FIRST)
ANSWER = CopyAnswer(
    station="station-1",
    device="HV-01",
    recording="000042-0001",
    segment=3,
    nonce="ab" * 32,
    sha256="cd" * 32,
    answered_at="2026-03-10T12:00:00.000000Z",
)
GOOD = sign(ANSWER, key("station-1"))


def test_it_reads_back_as_it_was_signed() -> None:
    assert decode(GOOD.document.file_bytes, "x") == GOOD
    assert GOOD.document.file_bytes.startswith(b"bodycam-answer/1\n")
    assert only_signer(GOOD.document) == key("station-1").public.id
    assert only_signer(GOOD.document.also_signed_by([key("nobody")])) == "", "which of them was looked at?"


@pytest.mark.parametrize(
    "changes",
    [{"nonce": "ab" * 31}, {"nonce": "AB" * 32}, {"sha256": ""}, {"segment": -1}, {"segment": 1_000_000}, {"recording": "42-1"}],
)
def test_what_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        sign(replace(ANSWER, **changes), key("station-1"))


@given(st.integers(0, len(GOOD.document.file_bytes) - 1), st.integers(1, 255))
def test_a_byte_of_it_is_not_changed_unseen(at: int, by: int) -> None:
    raw = bytearray(GOOD.document.file_bytes)
    raw[at] ^= by
    try:
        found = decode(bytes(raw), "x")
    except DataError:
        return
    assert not is_signed(found, IN_FORCE)


def listed(**changes: Any) -> SignedRoster:
    station = KeyHolder(**({"id": "station-1", "key": key("station-1").public.raw.hex(), "state": "active"} | changes))
    return signed(replace(FIRST, stations=(station,)))


@pytest.mark.parametrize(
    ("made", "in_force", "counts"),
    [
        (GOOD, IN_FORCE, True),
        (GOOD, listed(state="retired"), False),
        (GOOD, listed(key=key("another").public.raw.hex()), False),
        (GOOD, listed(id="station-2"), False),
        (sign(ANSWER, key("E-01")), IN_FORCE, False),
        (sign(replace(ANSWER, station="station-2"), key("station-1")), IN_FORCE, False),
    ],
)
def test_it_is_the_word_of_an_active_station_and_of_nobody_else(made: SignedAnswer, in_force: SignedRoster, counts: bool) -> None:
    assert is_signed(made, in_force) is counts
    assert [one.id for one in in_force.roster.stations if one.state == "active"] == list(station_keys(in_force))


def test_a_deletion_rests_on_receipts_in_the_second_format_alone() -> None:
    made = entry("deleting", {"recording": "000001-0001", "reason": "room", "proof": "receipt"})
    check_format(made, "bodycam-ledger/2", "x")
    with pytest.raises(DataError, match="proof is never receipt in bodycam-ledger/1"):
        check_format(made, "bodycam-ledger/1", "x")
