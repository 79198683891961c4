"""What is taken from a roster until the next one: who may, and that nothing is ever given by it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.errors import DataError
from bodycamd.evidence.roster import footage_recipients
from bodycamd.evidence.suspension import Outcome, SignedSuspension, Suspension, decode, judge, sign, standing
from tests.evidence.rostering import FIRST, LATER, key, person, signed
from tests.kit.scale import count

IN_FORCE = signed(replace(FIRST, people=(*FIRST.people, person("A-02", "administrator", state="suspended"))))
TAKEN = Suspension(roster=IN_FORCE.document.sha256, by="A-01", made_at="2026-03-11T08:00:00.000000Z", cameras=("HV-01",), people=("C-01",))
SIGNED = sign(TAKEN, key("A-01"))


def test_a_suspended_camera_and_person_count_no_more_until_the_next_roster() -> None:
    before, after = standing(IN_FORCE, []), standing(IN_FORCE, [SIGNED])
    assert sorted(before.cameras - after.cameras) == ["HV-01"]
    assert sorted(before.people - after.people) == ["C-01"]
    following = signed(LATER)
    assert standing(following, [SIGNED]) == standing(following, [])
    assert decode(SIGNED.document.file_bytes, "x") == SIGNED


CASES: dict[str, tuple[Suspension, str, Outcome]] = {
    "by an administrator": (TAKEN, "A-01", "accepted"),
    "by the privacy officer": (replace(TAKEN, by="P-01"), "P-01", "accepted"),
    "in another's name": (TAKEN, "P-01", "not_signed"),
    "by a coordinator": (replace(TAKEN, by="C-01"), "C-01", "not_allowed"),
    "by an evidence officer": (replace(TAKEN, by="E-01"), "E-01", "not_allowed"),
    "by who is suspended in the roster": (replace(TAKEN, by="A-02"), "A-02", "not_a_person"),
    "by a stranger": (replace(TAKEN, by="X-01"), "X-01", "not_a_person"),
    "from another roster": (replace(TAKEN, roster="0" * 64), "A-01", "other_roster"),
    "of a camera that is not listed": (replace(TAKEN, cameras=("HV-99",)), "A-01", "not_listed"),
    "of a person who is not listed": (replace(TAKEN, people=("X-01",)), "A-01", "not_listed"),
}


@pytest.mark.parametrize("case", CASES)
def test_who_may_suspend(case: str) -> None:
    suspension, signer, outcome = CASES[case]
    assert judge(sign(suspension, key(signer)), IN_FORCE) == outcome


def test_a_signature_that_does_not_hold_suspends_nobody() -> None:
    raw = SIGNED.document.file_bytes.replace(b"HV-01", b"IN-01")
    assert judge(decode(raw, "x"), IN_FORCE) == "not_signed"


def test_who_suspends_nobody_is_told() -> None:
    with pytest.raises(DataError, match="nobody"):
        sign(replace(TAKEN, cameras=(), people=()), key("A-01"))


def test_nobody_is_shut_out_of_footage_by_it() -> None:
    """Else who may suspend could leave footage without a reader."""
    everybody = replace(TAKEN, people=tuple(one.id for one in FIRST.people))
    assert standing(IN_FORCE, [sign(everybody, key("A-01"))]).people == frozenset()
    assert len(footage_recipients(IN_FORCE.roster, "handhaving")) == 2


NAMES = st.sampled_from([one.id for one in IN_FORCE.roster.people])
MADE = st.builds(
    lambda by, signer, cameras, people: sign(
        replace(TAKEN, by=by, cameras=tuple(sorted(cameras)), people=tuple(sorted(people)) or ("E-01",)), key(signer)
    ),
    NAMES,
    NAMES,
    st.sets(st.sampled_from(["HV-01", "HV-02", "IN-01", "HV-99"])),
    st.sets(NAMES, max_size=3),
)


@settings(max_examples=count(300))
@given(st.lists(MADE, max_size=6))
def test_suspensions_only_subtract_in_any_order(made: list[SignedSuspension]) -> None:
    whole = standing(IN_FORCE, [])
    shuffled = list(reversed(made))
    for some in (made, shuffled):
        left = standing(IN_FORCE, some)
        assert left.cameras <= whole.cameras
        assert left.people <= whole.people
    assert standing(IN_FORCE, made) == standing(IN_FORCE, shuffled)
    for fewer in range(len(made)):
        assert standing(IN_FORCE, made).people <= standing(IN_FORCE, made[:fewer]).people
