"""Rosters: what is one, which one takes the place of another, and what may be taken from it until the next."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.errors import DataError
from bodycamd.evidence import roster, signed_document
from bodycamd.evidence.roster import DAY_US, Camera, Roster, decode, footage_recipients
from bodycamd.evidence.roster_acceptance import Now, Outcome, has_ended, judge
from bodycamd.evidence.statements import wall_text
from tests.evidence.roster_cases import CONTRADICTIONS, DECISIONS, NO_ROSTERS, VECTORS, vectors
from tests.evidence.rostering import FIRST, LATER, NOW, NOW_US, ROOT, ROOT_2, camera, key, person, recipient, signed
from tests.kit.scale import count

IN_FORCE = signed(FIRST)


def outcome(candidate: Roster, *names: str, now: Now = NOW) -> Outcome:
    return judge(signed(candidate, *names), IN_FORCE, now).outcome


def test_a_roster_is_read_as_it_was_signed() -> None:
    again = decode(IN_FORCE.document.file_bytes, "x")
    assert again == IN_FORCE
    assert again.roster == FIRST
    assert again.document.signers([key("root-1").public, key("root-2").public]) == {key("root-1").public.id}


def test_the_id_is_of_what_is_signed_and_further_signatures_do_not_change_it() -> None:
    more = IN_FORCE.document.also_signed_by([key("root-2"), key("root-1")])
    assert (more.sha256, len(more.signatures)) == (IN_FORCE.document.sha256, 2)


def test_stock_tools_check_a_signature(tmp_path: Path) -> None:
    (tmp_path / "roster").write_bytes(IN_FORCE.document.file_bytes)
    (tmp_path / "root.pem").write_bytes(key("root-1").public.pem())
    script = (
        "head -n 2 roster >signed; sed -n 3p roster | cut -d' ' -f2 | base64 -d >sig; sha256sum <signed\n"
        "openssl pkeyutl -verify -rawin -pubin -inkey root.pem -in signed -sigfile sig"
    )
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(IN_FORCE.document.sha256)


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_contradicts_itself_is_no_roster_whoever_signs_it(case: str) -> None:
    unsigned, said = CONTRADICTIONS[case]
    with pytest.raises(DataError, match=said):
        signed(unsigned, "root-1", "root-2")


def test_footage_is_encrypted_to_who_is_of_the_team_or_of_all_teams() -> None:
    people = (person("E-01", "evidence"), person("E-02", "evidence"), person("E-03", "evidence", teams=["inspectie"]), *FIRST.people[2:])
    both = sorted([recipient("E-01"), recipient("E-02")])
    assert list(footage_recipients(replace(FIRST, people=people), "handhaving")) == both
    assert list(footage_recipients(replace(FIRST, people=people), "inspectie")) == sorted([*both, recipient("E-03")])


@pytest.mark.parametrize("case", NO_ROSTERS)
def test_what_is_not_a_roster_to_the_byte_is_refused(case: str) -> None:
    with pytest.raises(DataError, match="x: "):
        decode(NO_ROSTERS[case](IN_FORCE.document.file_bytes), "x")


def test_more_than_the_ledgers_limit_fits_and_a_megabyte_is_the_end() -> None:
    many = replace(FIRST, cameras=tuple(camera(f"HV-{number}") for number in range(300)))
    assert len(signed(many).document.json) > 64 * 1024
    with pytest.raises(DataError, match="too long"):
        decode(IN_FORCE.document.file_bytes + b"x" * 1024 * 1024, "x")


@pytest.mark.parametrize("case", DECISIONS)
def test_which_roster_takes_the_place_of_the_one_in_force(case: str) -> None:
    candidate, names, expected = DECISIONS[case]
    decision = judge(signed(candidate, *names), IN_FORCE, NOW)
    assert decision.outcome == expected
    assert decision.accepted == (expected in ("accepted", "unchanged"))
    assert bool(decision.why) == (not decision.accepted)


def test_the_roster_in_force_is_unchanged_also_when_it_has_ended() -> None:
    late = Now(NOW_US + 200 * DAY_US, trusted=True)
    assert judge(signed(FIRST, "root-1", "root-2"), IN_FORCE, late).outcome == "unchanged"
    assert has_ended(FIRST, late)
    assert not has_ended(FIRST, NOW)


def test_the_first_roster_is_that_of_the_root_that_the_camera_was_prepared_with() -> None:
    assert judge(IN_FORCE, ROOT, NOW).outcome == "accepted"
    assert judge(IN_FORCE, ROOT_2, NOW).outcome == "not_signed"
    moved = replace(FIRST, root=ROOT_2)
    assert judge(signed(moved, "root-2", "root-3", "root-4"), ROOT, NOW).outcome == "accepted"
    assert judge(signed(moved, "root-3", "root-4"), ROOT, NOW).outcome == "not_signed"


def test_without_a_trusted_clock_it_is_at_least_so_late() -> None:
    """An hour in 1970 cannot show that a roster is of the future; a lower bound after its end shows that it has ended."""
    assert outcome(LATER, now=Now(3_600_000_000, trusted=False)) == "accepted"
    assert outcome(LATER, now=Now(3_600_000_000, trusted=True)) == "too_long"
    assert outcome(LATER, now=Now(NOW_US + 91 * DAY_US, trusted=False)) == "ended"


def test_a_signature_that_claims_a_root_key_and_does_not_hold_is_a_forgery_whatever_else_is_signed() -> None:
    good = signed(LATER, "root-1").document
    forged = signed_document.SignedDocument(good.type, good.json, tuple(sorted([*good.signatures, (key("root-2").public.id, bytes(64))])))
    decision = judge(decode(forged.file_bytes, "x"), IN_FORCE, NOW)
    assert (decision.outcome, decision.accepted) == ("not_signed", False)


def test_a_stranger_beside_the_root_changes_nothing() -> None:
    assert outcome(LATER, "root-1", "stranger") == "accepted"


@settings(max_examples=count(600))
@given(st.data())
def test_no_changed_byte_is_accepted(data: st.DataObject) -> None:
    """Of the file of a roster that would be accepted: any byte changed, any piece cut out or repeated."""
    good = signed(LATER).document.file_bytes
    at = data.draw(st.integers(0, len(good) - 1))
    end = data.draw(st.integers(at, min(len(good), at + 40)))
    put = data.draw(st.one_of(st.binary(max_size=6), st.just(good[at:end] * 2)))
    changed = good[:at] + put + good[end:]
    try:
        decision = judge(decode(changed, "x"), IN_FORCE, NOW)
    except DataError:
        return
    assert changed == good or not decision.accepted


ORDERS = st.tuples(st.integers(1, 4), st.integers(1, 9))


@settings(max_examples=count(600))
@given(st.lists(ORDERS, min_size=1, max_size=12))
def test_what_is_in_force_only_grows_whatever_comes_in_which_order(offered: list[tuple[int, int]]) -> None:
    """The roots share their keys, so that only the order decides; each offered roster differs by its title from every other."""
    in_force = IN_FORCE
    seen = [in_force.roster.order]
    for number, (root, version) in enumerate(offered):
        teams = (replace(FIRST.teams[0], title=f"{number}"), FIRST.teams[1])
        candidate = signed(replace(LATER, root=replace(ROOT, version=root), version=version, teams=teams))
        if judge(candidate, in_force, NOW).accepted:
            in_force = candidate
            seen.append(candidate.roster.order)
    assert seen == sorted(set(seen))
    assert seen[-1] == max(IN_FORCE.roster.order, *offered)


STATES: st.SearchStrategy[roster.State] = st.sampled_from(["active", "suspended", "lost", "retired"])


@settings(max_examples=count(600))
@given(st.lists(st.lists(STATES, max_size=4), min_size=1, max_size=5))
def test_nobody_is_removed_and_nobody_retired_returns(histories: list[list[roster.State]]) -> None:
    """The cameras of each offered roster, in the order of their numbers, are in these states."""
    in_force = signed(replace(FIRST, cameras=()))
    known: dict[str, Camera] = {}
    for step, states in enumerate(histories):
        cameras = tuple(camera(f"HV-{number}", state=state) for number, state in enumerate(states))
        candidate = signed(replace(LATER, version=8 + step, cameras=cameras))
        if judge(candidate, in_force, NOW).accepted:
            in_force = candidate
            now = {one.id: one for one in cameras}
            assert set(known) <= set(now)
            assert all(now[name].state == "retired" for name, one in known.items() if one.state == "retired")
            known = now


@settings(max_examples=count(300))
@given(st.sets(st.sampled_from(["root-1", "root-2", "root-3", "root-4", "root-5", "stranger"]), min_size=1))
def test_a_root_changes_by_both_thresholds_alone(names: set[str]) -> None:
    old = replace(ROOT, threshold=2)
    in_force = signed(replace(FIRST, root=old), "root-1", "root-2")
    decision = judge(signed(replace(LATER, root=ROOT_2), *sorted(names)), in_force, NOW)
    old_enough = {"root-1", "root-2"} <= names
    new_enough = len(names & {"root-3", "root-4", "root-5"}) >= 2
    assert decision.accepted == (old_enough and new_enough)


def test_the_last_moment_counts() -> None:
    at = Now(NOW_US, trusted=True)
    ends_now = replace(LATER, made_at="2026-01-01T00:00:00.000000Z", not_after=wall_text(NOW_US))
    assert outcome(ends_now, now=at) == "accepted"
    assert outcome(ends_now, now=Now(NOW_US + 1, trusted=True)) == "ended"
    assert msgspec.json.decode(signed(ends_now).document.json)["not_after"] == "2026-03-10T00:00:00.000000Z"


def test_the_vectors_for_other_implementations_are_what_this_one_says() -> None:
    """Written anew by `python -m tests.evidence.roster_cases`."""
    assert VECTORS.read_text() == vectors()
    told = json.loads(VECTORS.read_text())
    in_force = decode(told["in_force"].encode(), "x")
    for case in told["cases"]:
        try:
            found: str = judge(decode(case["file"].encode("latin-1"), "x"), in_force, NOW).outcome
        except DataError:
            found = "no roster"
        assert found == case["outcome"], case["case"]
    assert {case["outcome"] for case in told["cases"]} == {"no roster", *get_args(Outcome)}
