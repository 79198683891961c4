"""Receipts: what is one, which is the next, and that a station which forks or forgets is found."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.errors import DataError
from bodycamd.evidence.receipts import MAX_RECEIPT_BYTES, Outcome, Received, SignedReceipt, decode, judge_receipt, received, sign
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.receipt_cases import (
    CONTRADICTIONS,
    DECISIONS,
    FIRST_ONE,
    IN_FORCE,
    LEDGER,
    NO_RECEIPTS,
    SEGMENT,
    SO_FAR,
    VECTORS,
    stored,
    vectors,
)
from tests.evidence.rostering import key
from tests.kit.scale import count


def judged(candidate: SignedReceipt, so_far: Received = SO_FAR) -> Outcome:
    return judge_receipt(candidate, IN_FORCE, "HV-01", so_far)


def test_a_receipt_is_read_as_it_was_signed() -> None:
    again = decode(stored(SEGMENT).document.file_bytes, "x")
    assert (again, again.receipt) == (stored(SEGMENT), SEGMENT)


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_contradicts_itself_is_no_receipt_whoever_signs_it(case: str) -> None:
    with pytest.raises(DataError):
        sign(CONTRADICTIONS[case], key("station-1"))


@pytest.mark.parametrize("case", NO_RECEIPTS)
def test_what_is_not_a_receipt_to_the_byte_is_refused(case: str) -> None:
    with pytest.raises(DataError, match="x: "):
        decode(NO_RECEIPTS[case](stored(SEGMENT).document.file_bytes), "x")


@pytest.mark.parametrize("case", DECISIONS)
def test_which_receipt_is_taken(case: str) -> None:
    receipt, signer, outcome = DECISIONS[case]
    assert judged(stored(receipt, signer)) == outcome


def test_the_longest_fits_into_the_entry_that_states_it() -> None:
    assert 4 * (MAX_RECEIPT_BYTES + 200) // 3 < 8 * 1024


@settings(max_examples=count(400), deadline=None)
@given(st.data())
def test_no_changed_byte_is_taken(data: st.DataObject) -> None:
    good = stored(SEGMENT).document.file_bytes
    at = data.draw(st.integers(0, len(good) - 1))
    end = data.draw(st.integers(at, min(len(good), at + 40)))
    changed = good[:at] + data.draw(st.one_of(st.binary(max_size=6), st.just(good[at:end] * 2))) + good[end:]
    try:
        outcome = judged(decode(changed, "x"))
    except DataError:
        return
    assert changed == good or outcome != "accepted"


@settings(max_examples=count(200), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=16))
def test_the_chain_has_one_receipt_of_each_number_in_whatever_order_they_come(arriving: list[tuple[int, bool]]) -> None:
    """Six in a row, and for each another one of the same number, as a station would sign that gives two answers."""
    chain, last = [], ZERO_HASH
    for n in range(1, 7):
        chain.append(stored(replace(SEGMENT, n=n, prev=last, segment=n - 1)))
        last = chain[-1].id
    so_far, taken = Received(), list[SignedReceipt]()
    for place, forked in arriving:
        one = chain[place] if not forked else stored(replace(chain[place].receipt, sha256="12" * 32))
        outcome = judged(one, so_far)
        if outcome == "accepted":
            taken.append(one)
            so_far = received(so_far, [one])
        elif outcome == "repeated":
            assert one == taken[-1]
    assert [one.receipt.n for one in taken] == list(range(1, len(taken) + 1))
    assert all(later.receipt.prev == before.id for before, later in pairwise(taken))
    assert sorted(so_far.segments) == [("000042-0001", n) for n in range(len(taken))]
    assert so_far == received(Received(), taken)


def test_the_vectors_for_other_implementations_are_what_this_one_says() -> None:
    """Written anew by `python -m tests.evidence.receipt_cases`."""
    assert VECTORS.read_text() == vectors()
    told = json.loads(VECTORS.read_text())
    assert [decode(file.encode(), "x") for file in told["taken"]] == [FIRST_ONE]
    assert FIRST_ONE.receipt == LEDGER
    for case in told["cases"]:
        try:
            found: str = judged(decode(case["file"].encode("latin-1"), "x"))
        except DataError:
            found = "no receipt"
        assert found == case["outcome"], case["case"]
    assert {case["outcome"] for case in told["cases"]} == {"no receipt", *get_args(Outcome)}
