"""Orders that contradict themselves, bytes that are none, and what becomes of the others: for the tests, and for other implementations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from bodycamd.evidence import strict_json
from bodycamd.evidence.order_acceptance import Outcome
from bodycamd.evidence.orders import ORDER_TYPE, Configuration, Hold, Interval, Order, Release, RosterNumber, StandingForward
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import wall_text
from tests.evidence.ordering import END_FORWARD, HERE, HOLD, IN_FORCE, INTERVAL, RELEASE, SETTINGS, SHIFT, STANDING, UPDATE, ordered
from tests.evidence.rostering import NOW, key

VECTORS = Path(__file__).with_name("order_vectors.json")
REPEATED = ordered(replace(HOLD, nonce="f" * 32))
DONE = {REPEATED.id: "held"}


def of_interval(since: str, until: str) -> Order:
    body = INTERVAL.body
    assert isinstance(body, Hold)
    return replace(INTERVAL, body=replace(body, interval=Interval(since=since, until=until)))


def with_hold(**changes: str | None) -> Order:
    body = HOLD.body
    assert isinstance(body, Hold)
    return replace(HOLD, body=replace(body, **changes))


def with_changes(changes: dict[str, str | int | float | bool], second: str | None = None) -> Order:
    return replace(SETTINGS, body=Configuration(base="cd" * 32, changes=changes), second=second)


def standing(since: str, until: str) -> Order:
    body = STANDING.body
    assert isinstance(body, StandingForward)
    return replace(STANDING, body=replace(body, interval=Interval(since=since, until=until)))


CONTRADICTIONS: dict[str, tuple[Order, str]] = {
    "a camera twice": (replace(INTERVAL, cameras=("HV-01", "HV-01")), "listed twice"),
    "one person as two": (replace(RELEASE, second="E-01"), "both of the people"),
    "a hold that ends": (replace(HOLD, not_after="2026-03-10T12:00:00.000000Z"), "a hold has no not_after"),
    "a hold of nothing": (with_hold(recording=None), "either a recording or an interval"),
    "a recording of two cameras": (replace(HOLD, cameras=("HV-01", "IN-01")), "for one camera"),
    "no such day of review": (with_hold(review_on="2026-02-30"), "review_on is no date"),
    "no such moment": (replace(HOLD, made_at="2026-02-30T12:00:00.000000Z"), "no time"),
    "a hold by two": (replace(HOLD, second="P-01"), "a hold order is signed by one person"),
    "an interval that ends before it begins": (of_interval("2026-03-08T20:00:00.000001Z", "2026-03-08T20:00:00.000000Z"), "within 31 days"),
    "an interval of more than a month": (of_interval("2026-02-05T11:59:59.999999Z", "2026-03-08T12:00:00.000000Z"), "within 31 days"),
    "an interval to come": (of_interval("2026-03-09T11:00:00.000000Z", "2026-03-09T12:00:00.000001Z"), "not recorded yet"),
    "a release by one": (replace(RELEASE, second=None), "signed by two people"),
    "a release without an end": (replace(RELEASE, not_after=None), "needs not_after"),
    "a hold released twice": (replace(RELEASE, body=Release(holds=("ab" * 32, "ab" * 32), reason="settled")), "hold is listed twice"),
    "a release that ends late": (replace(RELEASE, not_after="2026-04-09T12:00:00.000001Z"), "within 31 days"),
    "a shift that ends late": (replace(SHIFT, not_after="2026-03-10T12:00:00.000001Z"), "within 1 days"),
    "a shift that ends when it was made": (replace(SHIFT, not_after=SHIFT.made_at), "within 1 days"),
    "a shift of two cameras": (replace(SHIFT, cameras=("HV-01", "HV-02")), "of one camera"),
    "an update by two": (replace(UPDATE, second="P-01"), "signed by one person"),
    "a standing order to forward that ends late": (replace(STANDING, not_after="2026-06-07T12:00:00.000001Z"), "within 90 days"),
    "a standing order to forward without an end": (replace(STANDING, not_after=None), "needs not_after"),
    "a standing order to forward by two": (replace(STANDING, second="P-01"), "signed by one person"),
    "a standing order of an interval that ends before it begins": (
        standing("2026-03-08T20:00:00.000001Z", "2026-03-08T20:00:00.000000Z"),
        "within 90 days",
    ),
    "an end of a standing order that ends late": (replace(END_FORWARD, not_after="2026-04-09T12:00:00.000001Z"), "within 31 days"),
}


def _signed_again(raw: bytes, old: bytes, new: bytes) -> bytes:
    """With another JSON and a good signature: only who reads strictly sees it."""
    json = raw.split(b"\n")[1]
    assert old in json
    return SignedDocument(ORDER_TYPE, json.replace(old, new), ()).also_signed_by([key("E-01")]).file_bytes


NO_ORDERS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "another type": lambda raw: raw.replace(b"bodycam-order/1", b"bodycam-roster/1"),
    "a later format": lambda raw: raw.replace(b"order/1", b"order/2"),
    "no signature": lambda raw: b"\n".join(raw.split(b"\n")[:2]) + b"\n",
    "the last line cut": lambda raw: raw[:-1],
    "CR LF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "one signature twice": lambda raw: raw + raw.split(b"\n")[2] + b"\n",
    "too long": lambda raw: _signed_again(raw, b'"HV-01"', b'"' + b"H" * 17_000 + b'"'),
    "a kind that is none": lambda raw: _signed_again(raw, b'"type":"hold"', b'"type":"watch"'),
    "the fields of another kind": lambda raw: _signed_again(raw, b'"type":"hold"', b'"type":"update"'),
    "an unknown key": lambda raw: _signed_again(raw, b'{"body"', b'{"also":1,"body"'),
    "a key repeated by an escape": lambda raw: _signed_again(raw, b'{"body"', b'{"pers\\u006fn":"E-02","body"'),
    "null": lambda raw: _signed_again(raw, b'"person":"E-01"', b'"person":null'),
    "a name for a person": lambda raw: _signed_again(raw, b'"E-01"', b'"Jansen"'),
    "a sentence for a reference": lambda raw: _signed_again(raw, b'"Z-2026/00123"', b'"de heer Jansen belde"'),
    "a path for a recording": lambda raw: _signed_again(raw, b'"000042-0001"', b'"../000042-0001"'),
    "a fraction": lambda raw: _signed_again(raw, b'"version":7', b'"version":7.0'),
    "no camera": lambda raw: _signed_again(raw, b'["HV-01"]', b"[]"),
    "a short nonce": lambda raw: _signed_again(raw, b'"0123456789abcdef', b'"'),
}

DECISIONS: dict[str, tuple[Order, tuple[str, ...], Outcome]] = {
    "a hold": (HOLD, (), "accepted"),
    "a hold of an interval": (INTERVAL, (), "accepted"),
    "a hold also signed by a stranger": (HOLD, ("E-01", "stranger"), "accepted"),
    "a hold from a newer roster": (replace(HOLD, roster=RosterNumber(root=2, version=1)), (), "accepted"),
    "the same hold again": (REPEATED.order, (), "repeated"),
    "a hold in another's name": (HOLD, ("E-02",), "not_signed"),
    "a hold by a stranger": (replace(HOLD, person="X-01"), (), "not_a_person"),
    "a hold by who is suspended": (replace(HOLD, person="E-04"), (), "not_active"),
    "a hold by who has left": (replace(HOLD, person="T-09"), (), "not_active"),
    "a hold by a coordinator": (replace(HOLD, person="C-01"), (), "not_allowed"),
    "a hold by the privacy officer": (replace(HOLD, person="P-01"), (), "not_allowed"),
    "a hold by the other team": (replace(HOLD, person="E-03"), (), "other_team"),
    "a hold for another camera": (replace(HOLD, cameras=("HV-02",)), (), "not_this_camera"),
    "a hold of another municipality": (replace(HOLD, municipality="dordrecht"), (), "other_municipality"),
    "a release": (RELEASE, (), "accepted"),
    "a release, the other first": (replace(RELEASE, person="P-01", second="E-01"), (), "accepted"),
    "a release, signed by one": (RELEASE, ("E-01",), "not_signed"),
    "a release, signed by the other": (RELEASE, ("P-01",), "not_signed"),
    "a release by two evidence officers": (replace(RELEASE, second="E-02"), (), "not_allowed"),
    "a release by one with both roles, and a coordinator": (replace(RELEASE, person="EP-1", second="C-01"), (), "not_allowed"),
    "a release with the privacy officer of the other team": (replace(RELEASE, person="P-01", second="E-03"), (), "other_team"),
    "a release by one with both roles, and one with none": (replace(RELEASE, person="EP-1", second="T-01"), (), "not_allowed"),
    "a release by one with both roles, and evidence": (replace(RELEASE, person="EP-1", second="E-01"), (), "accepted"),
    "a release from a newer roster": (replace(RELEASE, roster=RosterNumber(root=1, version=8)), (), "newer_roster"),
    "a release from an older roster": (replace(RELEASE, roster=RosterNumber(root=1, version=6)), (), "accepted"),
    "a release that has ended": (
        replace(RELEASE, made_at="2026-03-01T12:00:00.000000Z", not_after="2026-03-09T23:59:59.999999Z"),
        (),
        "order_ended",
    ),
    "a release of tomorrow": (
        replace(RELEASE, made_at="2026-03-10T01:00:00.000001Z", not_after="2026-03-11T00:00:00.000000Z"),
        (),
        "not_yet",
    ),
    "a shift": (SHIFT, (), "accepted"),
    "a shift by an evidence officer": (replace(SHIFT, person="E-01"), (), "not_allowed"),
    "a standing order to forward": (STANDING, (), "accepted"),
    "a standing order to forward by a coordinator": (replace(STANDING, person="C-01"), (), "not_allowed"),
    "a standing order to forward by the privacy officer": (replace(STANDING, person="P-01"), (), "not_allowed"),
    "a standing order to forward by the other team": (replace(STANDING, person="E-03"), (), "other_team"),
    "a standing order to forward in another's name": (STANDING, ("E-02",), "not_signed"),
    "an end of a standing order by the privacy officer": (END_FORWARD, (), "accepted"),
    "an end of a standing order by an evidence officer": (replace(END_FORWARD, person="E-02"), (), "accepted"),
    "an end of a standing order by a coordinator": (replace(END_FORWARD, person="C-01"), (), "not_allowed"),
    "an end of a standing order by who is suspended": (replace(END_FORWARD, person="E-04"), (), "not_active"),
    "a setting": (SETTINGS, (), "accepted"),
    "a setting by an evidence officer": (replace(SETTINGS, person="E-01"), (), "not_allowed"),
    "the recipients": (with_changes({"keys.recipients": "/tmp/mine"}), (), "not_changeable"),
    "what happens when the disk is full": (with_changes({"storage.when_full": "stop"}), (), "not_changeable"),
    "one setting of two": (with_changes({"reminder_seconds": 60, "storage.directory": "/tmp"}), (), "not_changeable"),
    "fewer days, by one": (with_changes({"retention.days": 14}), (), "not_allowed"),
    "fewer days, with an evidence officer": (with_changes({"retention.days": 14}, "E-01"), (), "not_allowed"),
    "fewer days, with the privacy officer": (with_changes({"retention.days": 14}, "P-01"), (), "accepted"),
    "more days": (with_changes({"retention.days": 29}, "P-01"), (), "not_changeable"),
    "no days": (with_changes({"retention.days": 0}, "P-01"), (), "not_changeable"),
    "days that are true": (with_changes({"retention.days": True}, "P-01"), (), "not_changeable"),
    "an update": (UPDATE, (), "accepted"),
    "an update by the privacy officer": (replace(UPDATE, person="P-01"), (), "not_allowed"),
}


def vectors() -> str:
    """The cases as `order_vectors.json` has them, for who writes another reader."""
    cases = [
        {"case": name, "file": ordered(order, *names).document.file_bytes.decode(), "outcome": outcome}
        for name, (order, names, outcome) in DECISIONS.items()
    ]
    for name, change in NO_ORDERS.items():
        cases.append({"case": name, "file": change(ordered(HOLD).document.file_bytes).decode("latin-1"), "outcome": "no order"})
    for name, (unsigned, _) in CONTRADICTIONS.items():
        document = SignedDocument(ORDER_TYPE, strict_json.encode(unsigned, name), ()).also_signed_by([key(n) for n in unsigned.people])
        cases.append({"case": name, "file": document.file_bytes.decode(), "outcome": "no order"})
    told = {
        "in_force": IN_FORCE.document.file_bytes.decode(),
        "camera": HERE.camera,
        "retention_days": HERE.retention_days,
        "now": wall_text(NOW.at_us),
        "trusted": NOW.trusted,
        "done": DONE,
        "cases": cases,
    }
    return json.dumps(told, indent=0, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(vectors())
