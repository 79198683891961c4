"""Rosters that contradict themselves, bytes that are none, and what becomes of candidates: for the tests, and for other implementations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from bodycamd.evidence import signed_document, strict_json
from bodycamd.evidence.roster import ROSTER_TYPE, Person, Roster
from bodycamd.evidence.roster_acceptance import Outcome
from bodycamd.evidence.signed_document import SignedDocument
from bodycamd.evidence.statements import wall_text
from tests.evidence.rostering import FIRST, LATER, NOW, ROOT, ROOT_2, camera, key, person, raw, recipient, signed

VECTORS = Path(__file__).with_name("roster_vectors.json")


def with_person(changed: Person) -> Roster:
    return replace(LATER, people=tuple(changed if one.id == changed.id else one for one in LATER.people))


CONTRADICTIONS: dict[str, tuple[Roster, str]] = {
    "too long": (replace(FIRST, not_after="2026-06-07T08:00:00.000001Z"), "within 90 days"),
    "ends before it begins": (replace(FIRST, not_after=FIRST.made_at), "within 90 days"),
    "no such day": (replace(FIRST, not_after="2026-02-30T08:00:00.000000Z"), "no time"),
    "threshold": (replace(FIRST, root=replace(ROOT, threshold=3)), "threshold is 3, of 2 keys"),
    "a root key twice": (replace(FIRST, root=replace(ROOT, keys=ROOT.keys[:1] * 2, threshold=2)), "two holders"),
    "a camera twice": (replace(FIRST, cameras=(camera("HV-01"), camera("HV-01"))), "camera HV-01 is listed twice"),
    "two cameras, one key": (
        replace(FIRST, cameras=(camera("HV-01"), replace(camera("HV-02"), uplink_key=raw("HV-01 uplink_key")))),
        "two holders",
    ),
    "a person with a root key": (
        replace(FIRST, people=(*FIRST.people, replace(person("X-1", "privacy"), key=raw("root-2")))),
        "two holders",
    ),
    "two people, one recipient": (
        replace(FIRST, people=(person("E-01", "evidence"), replace(person("E-02", "evidence"), recipient=recipient("E-01")))),
        "two holders",
    ),
    "a team that is not there": (replace(FIRST, cameras=(camera("HV-01", "boten"),)), "team boten is not listed"),
    "a person's team that is not there": (
        replace(FIRST, people=(*FIRST.people, person("C-02", "coordinator", teams=["boten"]))),
        "team boten is not listed",
    ),
    "a role twice": (replace(FIRST, people=(*FIRST.people, person("C-02", "privacy", "privacy"))), "twice"),
    "evidence without a recipient": (
        replace(FIRST, people=(*FIRST.people, replace(person("E-03", "evidence"), recipient=None))),
        "needs a recipient",
    ),
    "one recipient": (replace(FIRST, people=FIRST.people[1:]), "1 footage recipients"),
    "one active recipient": (
        replace(FIRST, people=(person("E-01", "evidence"), person("E-02", "evidence", state="suspended"))),
        "team handhaving: 1 footage recipients",
    ),
    "one recipient for one team": (
        replace(FIRST, people=(person("E-01", "evidence"), person("E-02", "evidence", teams=["handhaving"]))),
        "team inspectie: 1 footage recipients",
    ),
}


def _signed_again(raw: bytes, old: bytes, new: bytes) -> bytes:
    """With another JSON and a good signature: only who reads strictly sees it."""
    json = raw.split(b"\n")[1]
    assert old in json
    return SignedDocument(ROSTER_TYPE, json.replace(old, new), ()).also_signed_by([key("root-1")]).file_bytes


NO_ROSTERS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "another type": lambda raw: raw.replace(b"bodycam-roster/1", b"bodycam-suspend/1"),
    "a later format": lambda raw: raw.replace(b"roster/1", b"roster/2"),
    "no signature": lambda raw: b"\n".join(raw.split(b"\n")[:2]) + b"\n",
    "the last line cut": lambda raw: raw[:-1],
    "a line more": lambda raw: raw + b"\n",
    "one signature twice": lambda raw: raw + raw.split(b"\n")[2] + b"\n",
    "CR LF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "another padding": lambda raw: raw[:-4] + bytes([raw[-4] + 1]) + raw[-3:],
    "an unknown key": lambda raw: _signed_again(raw, b'{"cameras"', b'{"camera":1,"cameras"'),
    "a repeated key": lambda raw: _signed_again(raw, b'{"cameras"', b'{"version":9,"cameras"'),
    "a key repeated by an escape": lambda raw: _signed_again(raw, b'{"cameras"', b'{"vers\\u0069on":9,"cameras"'),
    "null": lambda raw: _signed_again(raw, b'"municipality":"alphen-aan-den-rijn"', b'"municipality":null'),
    "a fraction": lambda raw: _signed_again(raw, b'"threshold":1', b'"threshold":1.0'),
    "17 signatures": lambda raw: signed_document.signed_bytes("bodycam-roster/1", b"{}") + 17 * (raw.split(b"\n")[2] + b"\n"),
}


DECISIONS: dict[str, tuple[Roster, tuple[str, ...], Outcome]] = {
    "a later version": (LATER, ("root-1",), "accepted"),
    "signed with the other root key": (LATER, ("root-2",), "accepted"),
    "versions that leave some out": (replace(LATER, version=70), ("root-1",), "accepted"),
    "signed by a stranger": (LATER, ("stranger",), "not_signed"),
    "signed by a person of the roster": (LATER, ("A-01",), "not_signed"),
    "signed by who is a new root": (replace(LATER, root=ROOT_2), ("root-3", "root-4"), "not_signed"),
    "a new root, signed by the old one only": (replace(LATER, root=ROOT_2), ("root-1",), "new_root_not_signed"),
    "a new root, one signature short": (replace(LATER, root=ROOT_2), ("root-1", "root-3"), "new_root_not_signed"),
    "a new root, signed by both": (replace(LATER, root=ROOT_2), ("root-1", "root-3", "root-5"), "accepted"),
    "a new root begins to count again": (replace(LATER, root=ROOT_2, version=1), ("root-2", "root-3", "root-5"), "accepted"),
    "a new root of the same version": (replace(LATER, root=replace(ROOT_2, version=1)), ("root-1", "root-3", "root-4"), "root_version"),
    "a higher threshold unannounced": (replace(LATER, root=replace(ROOT, threshold=2)), ("root-1", "root-2"), "root_version"),
    "the version before": (replace(LATER, version=6), ("root-1",), "older"),
    "another one of the same version": (replace(LATER, version=7), ("root-1",), "same_version"),
    "another municipality": (replace(LATER, municipality="dordrecht"), ("root-1",), "other_municipality"),
    "a camera removed": (replace(LATER, cameras=LATER.cameras[1:]), ("root-1",), "removed"),
    "a retired person removed": (replace(LATER, people=LATER.people[:-1]), ("root-1",), "removed"),
    "a station removed": (replace(LATER, stations=()), ("root-1",), "removed"),
    "a release key removed": (replace(LATER, release_keys=()), ("root-1",), "removed"),
    "a camera's key changed": (
        replace(LATER, cameras=(replace(LATER.cameras[0], first_key=raw("other")), *LATER.cameras[1:])),
        ("root-1",),
        "key_changed",
    ),
    "a person's recipient changed": (with_person(replace(LATER.people[0], recipient=recipient("other"))), ("root-1",), "key_changed"),
    "a recipient added": (with_person(replace(LATER.people[2], recipient=recipient("C-01"))), ("root-1",), "accepted"),
    "a retired camera is back": (replace(LATER, cameras=(camera("HV-01"), camera("HV-02"), LATER.cameras[2])), ("root-1",), "revived"),
    "a camera suspended": (replace(LATER, cameras=(camera("HV-01", state="suspended"), *LATER.cameras[1:])), ("root-1",), "accepted"),
    "a camera moved to the other team": (
        replace(LATER, cameras=(camera("HV-01", "inspectie"), *LATER.cameras[1:])),
        ("root-1",),
        "accepted",
    ),
    "ended": (
        replace(LATER, made_at="2026-01-01T00:00:00.000000Z", not_after="2026-03-09T23:59:59.999999Z"),
        ("root-1",),
        "ended",
    ),
    "made in the future": (
        replace(LATER, made_at="2026-03-10T00:00:00.000001Z", not_after="2026-06-08T00:00:00.000001Z"),
        ("root-1",),
        "too_long",
    ),
}


def vectors() -> str:
    """The cases as `roster_vectors.json` has them, for who writes another reader: files as text, keys public."""
    cases = [
        {"case": name, "file": signed(candidate, *names).document.file_bytes.decode(), "outcome": outcome}
        for name, (candidate, names, outcome) in DECISIONS.items()
    ]
    cases.append({"case": "the one in force", "file": signed(FIRST).document.file_bytes.decode(), "outcome": "unchanged"})
    for name, change in NO_ROSTERS.items():
        cases.append({"case": name, "file": change(signed(LATER).document.file_bytes).decode("latin-1"), "outcome": "no roster"})
    for name, (unsigned, _) in CONTRADICTIONS.items():
        document = SignedDocument(ROSTER_TYPE, strict_json.encode(unsigned, name), ()).also_signed_by([key("root-1")])
        cases.append({"case": name, "file": document.file_bytes.decode(), "outcome": "no roster"})
    in_force = signed(FIRST).document.file_bytes.decode()
    told = {"in_force": in_force, "now": wall_text(NOW.at_us), "trusted": NOW.trusted, "cases": cases}
    return json.dumps(told, indent=0, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(vectors())
