"""Orders: what is one, and which a camera carries out, in whatever order they and their repeats arrive."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.config.settings import Config
from bodycamd.errors import DataError
from bodycamd.evidence import signed_document, suspension
from bodycamd.evidence.order_acceptance import CHANGEABLE, ROLES, UNSIGNED, Here, Outcome, Verdict, judge_order
from bodycamd.evidence.orders import MAX_ORDER_BYTES, Order, decode, sign
from bodycamd.evidence.roster import DAY_US
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.signed_line import MAX_LINE_BYTES
from bodycamd.evidence.suspension import Suspension
from tests.evidence.order_cases import CONTRADICTIONS, DECISIONS, DONE, NO_ORDERS, VECTORS, vectors
from tests.evidence.ordering import ALL, HERE, HOLD, IN_FORCE, RELEASE, SHIFT, ordered
from tests.evidence.rostering import FIRST, NOW, NOW_US, camera, key, signed
from tests.kit.scale import count


def judged(order: Order, *names: str, now: Now = NOW, here: Here = HERE) -> Verdict:
    return judge_order(ordered(order, *names), IN_FORCE, here, now, done=DONE)


@pytest.mark.parametrize("kind", ALL)
def test_an_order_is_read_as_it_was_signed(kind: str) -> None:
    order = ordered(ALL[kind])
    assert decode(order.document.file_bytes, "x") == order
    assert order.order == ALL[kind]
    assert order.order.kind == {"interval": "hold", "standing": "forward", "end": "forward"}.get(kind, kind)


def test_stock_tools_check_a_signature(tmp_path: Path) -> None:
    order = ordered(HOLD)
    (tmp_path / "order").write_bytes(order.document.file_bytes)
    (tmp_path / "person.pem").write_bytes(key("E-01").public.pem())
    script = (
        "head -n 2 order >signed; sed -n 3p order | cut -d' ' -f2 | base64 -d >sig; sha256sum <signed\n"
        "openssl pkeyutl -verify -rawin -pubin -inkey person.pem -in signed -sigfile sig"
    )
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(order.id)


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_contradicts_itself_is_no_order_whoever_signs_it(case: str) -> None:
    unsigned, said = CONTRADICTIONS[case]
    with pytest.raises(DataError, match=said):
        sign(unsigned, [key(name) for name in unsigned.people])


@pytest.mark.parametrize("case", NO_ORDERS)
def test_what_is_not_an_order_to_the_byte_is_refused(case: str) -> None:
    with pytest.raises(DataError, match="x: "):
        decode(NO_ORDERS[case](ordered(HOLD).document.file_bytes), "x")


@pytest.mark.parametrize("case", DECISIONS)
def test_which_orders_are_carried_out(case: str) -> None:
    order, names, expected = DECISIONS[case]
    verdict = judged(order, *names)
    assert verdict.outcome == expected
    assert bool(verdict.why) == (not verdict.accepted)


def test_a_hold_is_accepted_whatever_has_ended_and_however_late_it_is() -> None:
    """A camera that lay in a drawer for two years, whose roster ended long ago: and it says so."""
    late = Now(NOW_US + 730 * DAY_US, trusted=True)
    assert judged(HOLD, now=late) == Verdict("accepted", roster_ended=True)
    assert judged(HOLD, now=Now(0, trusted=False)) == Verdict("accepted")
    for kind in ("release", "shift", "configuration", "update", "answer", "forward", "standing", "end"):
        assert judged(ALL[kind], now=late).outcome == "roster_ended"


@pytest.mark.parametrize("state", ["suspended", "lost", "retired"])
def test_a_camera_that_counts_no_more_still_keeps_what_it_is_told_to_hold(state: str) -> None:
    lost = signed(replace(IN_FORCE.roster, cameras=(camera("HV-01", state=state), *FIRST.cameras[1:])))  # type: ignore[arg-type]
    assert judge_order(ordered(HOLD), lost, HERE, NOW, done={}).accepted
    assert judge_order(ordered(RELEASE), lost, HERE, NOW, done={}).outcome == "camera_not_active"
    assert judge_order(ordered(ALL["standing"]), lost, HERE, NOW, done={}).outcome == "camera_not_active"
    assert judge_order(ordered(ALL["end"]), lost, HERE, NOW, done={}).accepted, "it gives nobody anything"


def test_who_was_suspended_since_the_roster_gives_no_orders() -> None:
    taken = suspension.sign(
        Suspension(roster=IN_FORCE.document.sha256, by="A-01", made_at="2026-03-09T12:00:00.000000Z", people=("E-01",)), key("A-01")
    )
    of_another = suspension.sign(replace(taken.suspension, roster="0" * 64), key("A-01"))
    assert judge_order(ordered(HOLD), IN_FORCE, HERE, NOW, done={}, suspensions=[taken]).outcome == "not_active"
    assert judge_order(ordered(HOLD), IN_FORCE, HERE, NOW, done={}, suspensions=[of_another]).accepted


def test_without_a_trusted_clock_it_is_at_least_so_late() -> None:
    """A lower bound shows that an order has ended, and never that it is from the future."""
    assert judged(SHIFT, now=Now(3_600_000_000, trusted=False)).accepted
    assert judged(SHIFT, now=Now(3_600_000_000, trusted=True)).outcome == "not_yet"
    assert judged(SHIFT, now=Now(NOW_US + DAY_US, trusted=False)).outcome == "order_ended"


def test_a_forged_second_signature_is_no_signature() -> None:
    good = ordered(RELEASE, "E-01").document
    forged = signed_document.SignedDocument(good.type, good.json, tuple(sorted([*good.signatures, (key("P-01").public.id, bytes(64))])))
    assert judge_order(decode(forged.file_bytes, "x"), IN_FORCE, HERE, NOW, done={}).outcome == "not_signed"


def test_what_nobody_signed_is_told_apart_from_what_somebody_may_not() -> None:
    for case, (order, names, outcome) in DECISIONS.items():
        signatures = ordered(order, *names).document
        people = [IN_FORCE.roster.person(name) for name in order.people]
        signed_by_all = all(one and key(one.id).public.id in dict(signatures.signatures) for one in people)
        assert signed_by_all != (outcome in UNSIGNED), case


def test_an_order_may_change_only_settings_that_there_are() -> None:
    for path in CHANGEABLE:
        kind = Config
        for name in path.split("."):
            assert name in kind.__struct_fields__, path
            kind = type(kind.__struct_defaults__[kind.__struct_fields__.index(name) - len(kind.__struct_fields__)])


def test_the_longest_order_fits_into_a_line_of_the_ledger() -> None:
    longest = len("bodycam-order/1\n") + MAX_ORDER_BYTES + 1 + signed_document.MAX_SIGNATURES * (64 + 1 + 88 + 1)
    assert 4 * (longest + 2) // 3 + 2000 < MAX_LINE_BYTES


@settings(max_examples=count(600))
@given(st.data())
def test_no_changed_byte_is_accepted(data: st.DataObject) -> None:
    """Of the file of an order that would be accepted: any byte changed, any piece cut out or repeated."""
    good = ordered(data.draw(st.sampled_from([HOLD, RELEASE, SHIFT]))).document.file_bytes
    at = data.draw(st.integers(0, len(good) - 1))
    end = data.draw(st.integers(at, min(len(good), at + 40)))
    put = data.draw(st.one_of(st.binary(max_size=6), st.just(good[at:end] * 2)))
    changed = good[:at] + put + good[end:]
    try:
        verdict = judge_order(decode(changed, "x"), IN_FORCE, HERE, NOW, done={})
    except DataError:
        return
    assert changed == good or not verdict.accepted


PEOPLE = [one.id for one in IN_FORCE.roster.people]


@settings(max_examples=count(400))
@given(
    st.sampled_from([HOLD, RELEASE, SHIFT, ALL["configuration"], ALL["update"], ALL["answer"], ALL["forward"], ALL["standing"]]),
    st.sampled_from(PEOPLE),
    st.sampled_from(PEOPLE),
    st.sets(st.sampled_from([*PEOPLE, "stranger"]), min_size=1),
)
def test_nothing_is_accepted_without_the_roles_and_the_signatures_of_those_who_have_them(
    template: Order, first: str, second: str, names: set[str]
) -> None:
    if first == second:
        return
    order = replace(template, person=first, second=second if template.second else None)
    if not judged(order, *sorted(names)).accepted:
        return
    people = [IN_FORCE.roster.person(name) for name in order.people]
    assert all(one is not None and one.state == "active" and (not one.teams or "handhaving" in one.teams) for one in people)
    assert set(order.people) <= names
    roles = [set(one.roles) for one in people if one]
    asked = ROLES[order.kind]
    assert all(any(role in have for have in roles) for role in asked)
    assert len(people) >= len(asked)


@settings(max_examples=count(200))
@given(st.lists(st.sampled_from(sorted(ALL)), max_size=12))
def test_each_is_carried_out_once_in_whatever_order_they_come_and_come_again(arriving: list[str]) -> None:
    done: dict[str, str] = {}
    carried_out: list[str] = []
    for name in arriving:
        order = ordered(ALL[name])
        verdict = judge_order(order, IN_FORCE, HERE, NOW, done=done)
        if verdict.accepted:
            carried_out.append(name)
            done[order.id] = f"outcome of {name}"
        else:
            assert (verdict.outcome, verdict.first_outcome) == ("repeated", f"outcome of {name}")
    assert sorted(carried_out) == sorted(set(arriving))


def test_the_vectors_for_other_implementations_are_what_this_one_says() -> None:
    """Written anew by `python -m tests.evidence.order_cases`."""
    assert VECTORS.read_text() == vectors()
    told = json.loads(VECTORS.read_text())
    for case in told["cases"]:
        try:
            raw = case["file"].encode("latin-1")
            found: str = judge_order(decode(raw, "x"), IN_FORCE, HERE, NOW, done=told["done"]).outcome
        except DataError:
            found = "no order"
        assert found == case["outcome"], case["case"]
    beyond_the_vectors = {"roster_ended", "camera_not_active"}
    assert {case["outcome"] for case in told["cases"]} == {"no order", *get_args(Outcome)} - beyond_the_vectors
