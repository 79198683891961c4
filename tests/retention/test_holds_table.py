"""Requests to hold and to release, case by case: which hold is meant, what is refused, and in which words."""

from __future__ import annotations

from datetime import date
from typing import Any
from unicodedata import decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import BodycamError, NotFoundError, UsageError
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased
from bodycamd.evidence.statements import Caller
from bodycamd.retention import holds
from bodycamd.retention.elapsed import Moment
from bodycamd.retention.holds import HoldRequest, ReleaseRequest
from bodycamd.retention.policy import Hold, StatedRecording
from tests.kit.scale import count

WHO = Caller(via="control_socket", uid=1000)
DAY = 86_400_000_000
TODAY = 1_767_225_600_000_000
"""2026-01-01, midnight."""
HELD, TWICE, FREE, GOING = "000001-0001", "000001-0002", "000001-0003", "000001-0004"
RECORDINGS = [StatedRecording(id, Moment(0, 1), deleting=id == GOING) for id in (HELD, TWICE, FREE, GOING)]


def hold(id: str, recording: str, ground: str, reference: str) -> Hold:
    return Hold(id, recording, ground, reference, "E-03", "2026-02-01", TODAY, "2026-01-01T00:00:00.000000Z")


HOLDS = {
    HELD: [hold("aaaaaaaaaaaa", HELD, "complaint", "K-1")],
    TWICE: [hold("bbbbbbbbbbbb", TWICE, "complaint", "K-2"), hold("cccccccccccc", TWICE, "access-request", "I-1")],
}
ADD = {"recording": FREE, "ground": "complaint", "reference": "K-9", "by": "coordinator", "review_on": "2026-01-01"}
RELEASE = {"hold": None, "recording": None, "ground": None, "reason": "settled", "by": "E-03"}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({}, None, ""),
        ({"recording": HELD}, None, ""),
        ({"recording": HELD, "reference": "K-1"}, UsageError, f"{HELD} is already held for complaint (K-1) by E-03: hold aaaaaaaaaaaa"),
        ({"recording": HELD, "reference": "K-1", "ground": "access-request"}, None, ""),
        ({"recording": TWICE, "reference": "I-1"}, None, ""),
        (
            {"recording": TWICE, "reference": "I-1", "ground": "access-request"},
            UsageError,
            f"{TWICE} is already held for access-request (I-1)",
        ),
        ({"recording": GOING}, UsageError, f"{GOING}: its deletion has begun and will be completed; it can no longer be held"),
        ({"recording": "000009-0001"}, NotFoundError, "000009-0001: there is no such recording; `bodycamd recordings list` shows what"),
        ({"recording": "x"}, UsageError, "'x' is not the id of a recording; one looks like 000042-0001"),
        ({"ground": "boredom"}, UsageError, "--ground 'boredom': it is one of complaint, criminal-investigation, access-request"),
        ({"reference": "J. de Vries"}, UsageError, "--reference"),
        ({"by": "Jan"}, UsageError, "--by"),
        ({"review_on": "2026-1-01"}, UsageError, "--review-on '2026-1-01' is not a date: YYYY-MM-DD, for example 2026-12-31"),
        ({"review_on": "٢٠٢٧-01-01"}, UsageError, "--review-on '٢٠٢٧-01-01' is not a date: YYYY-MM-DD, for example 2026-12-31"),
        ({"review_on": "2026-13-01"}, UsageError, "--review-on '2026-13-01' is not a date"),
        ({"review_on": "2025-12-31"}, UsageError, "--review-on 2025-12-31 is past, by this camera's clock: give a day to come"),
    ],
)
def test_to_hold(change: dict[str, Any], kind: type[BodycamError] | None, words: str) -> None:
    asked = HoldRequest(**{**ADD, **change})
    if kind is None:
        made = holds.added(asked, WHO, RECORDINGS, HOLDS, TODAY)
        assert made == HoldAdded(**{**ADD, **change}, caller=WHO, hold=made.hold)
        assert made.hold is not None
        assert len(made.hold) == 12
        return
    with pytest.raises(kind) as refused:
        holds.added(asked, WHO, RECORDINGS, HOLDS, TODAY)
    assert str(refused.value).startswith(words)


ZEROS = st.characters(categories=["Nd"]).map(lambda digit: chr(ord(digit) - decimal(digit)))
"""The zero of some script: its other digits follow it."""


@settings(max_examples=count(1000))
@given(
    day=st.dates(date(2026, 1, 1)),
    zero=st.just("0") | ZEROS,
    characters=st.sampled_from([4, 7, 10]),
    end=st.sampled_from(["", "", "", "\n", " "]),
    short=st.booleans(),
)
def test_what_is_taken_can_be_stated(day: date, zero: str, characters: int, end: str, short: bool) -> None:
    """In whatever script it is typed, or its beginning: refused as wrong use, or it fits its entry."""
    text = f"{day.year}-{day.month}-{day.day}" if short else day.isoformat()
    digits = {ord("0") + n: chr(ord(zero) + n) for n in range(10)}
    value = text[:characters].translate(digits) + text[characters:] + end
    try:
        made = holds.added(HoldRequest(**{**ADD, "review_on": value}), WHO, RECORDINGS, HOLDS, TODAY)
    except UsageError:
        return
    assert msgspec.json.decode(msgspec.json.encode(made), type=HoldAdded) == made


@pytest.mark.parametrize(
    ("change", "found", "words"),
    [  # the hold that is released, or why none is
        ({"hold": "aaaaaaaaaaaa"}, "aaaaaaaaaaaa", ""),
        ({"hold": "cccccccccccc"}, "cccccccccccc", ""),
        ({"hold": "cccccccccccc", "recording": TWICE, "ground": "access-request"}, "cccccccccccc", ""),
        ({"hold": "cccccccccccc", "recording": HELD}, None, f"hold cccccccccccc is on recording {TWICE}, not on '{HELD}'"),
        ({"hold": "cccccccccccc", "ground": "complaint"}, None, "hold cccccccccccc is for access-request, not for complaint"),
        ({"hold": "dddddddddddd"}, None, "'dddddddddddd': there is no such hold; `bodycamd hold list` shows which there are"),
        ({"recording": HELD}, "aaaaaaaaaaaa", ""),
        ({"recording": HELD, "ground": "complaint"}, "aaaaaaaaaaaa", ""),
        ({"recording": HELD, "ground": "access-request"}, None, f"{HELD} is not held for access-request, but for complaint"),
        ({"recording": TWICE, "ground": "access-request"}, "cccccccccccc", ""),
        ({"recording": TWICE, "ground": "complaint"}, "bbbbbbbbbbbb", ""),
        (
            {"recording": TWICE, "ground": "criminal-investigation"},
            None,
            f"{TWICE} is not held for criminal-investigation, but for access-request and complaint",
        ),
        (
            {"recording": TWICE},
            None,
            f"{TWICE} is held 2 times: name the hold to release: bbbbbbbbbbbb for complaint (K-2); cccccccccccc for access-request (I-1)",
        ),
        ({"recording": FREE}, None, f"{FREE} is not held"),
        ({"recording": "000009-0001"}, None, "000009-0001: there is no such recording"),
        ({"recording": HELD, "ground": "boredom"}, None, "--ground 'boredom'"),
        ({"hold": "aaaaaaaaaaaa", "reason": "because"}, None, "--reason"),
        ({"hold": "aaaaaaaaaaaa", "by": "Jan"}, None, "--by"),
        ({}, None, "name the hold to release, or the recording that it is on"),
    ],
)
def test_to_release(change: dict[str, Any], found: str | None, words: str) -> None:
    asked = ReleaseRequest(**{**RELEASE, **change})
    if found is None:
        with pytest.raises((UsageError, NotFoundError)) as refused:
            holds.released(asked, WHO, RECORDINGS, HOLDS)
        assert str(refused.value).startswith(words)
        return
    chosen = next(held for several in HOLDS.values() for held in several if held.id == found)
    assert holds.released(asked, WHO, RECORDINGS, HOLDS) == HoldReleased(
        recording=chosen.recording,
        ground=chosen.ground,  # type: ignore[arg-type]
        reason="settled",
        by="E-03",
        caller=WHO,
        hold=found,
    )


@pytest.mark.parametrize(
    ("wall_us", "past"), [(TODAY, False), (TODAY + DAY - 1, False), (TODAY + DAY, True), (TODAY - 1, False), (TODAY + DAY + 1, True)]
)
def test_a_day_of_review_is_past_when_it_is_over(wall_us: int, past: bool) -> None:
    if not past:
        assert holds.review_day("2026-01-01", wall_us, "the clock") == "2026-01-01"
        return
    with pytest.raises(UsageError, match="--review-on 2026-01-01 is past, by the clock: give a day to come"):
        holds.review_day("2026-01-01", wall_us, "the clock")


def test_an_id_is_never_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["a" * 12, "b" * 12, "c" * 12])
    sizes: list[int] = []

    def urandom(size: int) -> bytes:
        sizes.append(size)
        return bytes.fromhex(next(given))

    monkeypatch.setattr("os.urandom", urandom)
    assert holds.new_id(["b" * 12, "a" * 12]) == "c" * 12
    assert sizes == [6, 6, 6]
