"""Rosters that nobody of the root has signed, and old ones, at the camera and at the station."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bodycamd.errors import ConfigError
from bodycamd.evidence import suspension
from bodycamd.evidence.roster import Roster, SignedRoster
from bodycamd.evidence.suspension import Suspension
from tests.evidence.ordering import IN_FORCE, SHIFT, ordered
from tests.evidence.rostering import FIRST, LATER, ROOT, ROOT_2, key, raw, signed
from tests.municipality.station.attacks.attack import COURIER, STATION, Carried, attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.test_cameras import LOST, names

AT_CAMERA = "Rosters at the camera"
AT_STATION = "Rosters at the station"
RECORDER = "the recorder"
NEXT = replace(IN_FORCE.roster, version=8, made_at="2026-03-10T00:00:00.000000Z")
OLDER = replace(IN_FORCE.roster, version=6)
SELF = replace(NEXT, root=replace(ROOT, version=2, keys=(raw("nobody"), raw("root-2"))))
WITHOUT_ONE = replace(NEXT, people=tuple(person for person in NEXT.people if person.id != "C-01"))
REVIVED = replace(NEXT, cameras=tuple(replace(one, state="active") for one in NEXT.cameras))
OTHER_KEY = replace(NEXT, people=tuple(replace(one, key=raw("nobody")) if one.id == "E-02" else one for one in NEXT.people))
REFUSED: dict[str, tuple[SignedRoster, str, str]] = {
    "bring an older roster": (signed(OLDER), COURIER, "older"),
    "bring another roster of the same version": (
        signed(replace(IN_FORCE.roster, not_after=FIRST.made_at.replace("03-09", "05-01"))),
        "a root key",
        "same_version",
    ),
    "sign a roster with a key that is not the root's": (signed(NEXT, "nobody"), "no root key", "not_signed"),
    "sign a roster as the station": (signed(NEXT, "station-1"), "the station's key", "not_signed"),
    "sign a roster as the administrator": (signed(NEXT, "A-01"), "a person's key", "not_signed"),
    "change the root without the old one": (signed(replace(NEXT, root=ROOT_2), "root-3", "root-4"), "new root keys", "not_signed"),
    "change the root without the new one": (signed(replace(NEXT, root=ROOT_2), "root-1"), "an old root key", "new_root_not_signed"),
    "change the root with one of two that must sign": (
        signed(replace(NEXT, root=ROOT_2), "root-1", "root-3"),
        "an old and a new root key",
        "new_root_not_signed",
    ),
    "add a root key of one's own": (signed(SELF, "nobody"), "no root key", "not_signed"),
    "leave a person out, so that the past has no signer": (signed(WITHOUT_ONE), "a root key", "removed"),
    "give a person another key": (signed(OTHER_KEY), "a root key", "key_changed"),
    "call a retired camera active again": (signed(REVIVED), "a root key", "revived"),
    "bring the roster of another municipality": (signed(replace(NEXT, municipality="elders")), "a root key", "other_municipality"),
    "sign a roster in advance, beyond ninety days": (
        signed(replace(NEXT, made_at="2026-06-01T00:00:00.000000Z", not_after="2026-08-15T00:00:00.000000Z")),
        "a root key",
        "too_long",
    ),
    "bring a roster that has ended": (
        signed(replace(NEXT, made_at="2026-01-02T00:00:00.000000Z", not_after="2026-03-01T00:00:00.000000Z")),
        COURIER,
        "ended",
    ),
}


def offered(roster: SignedRoster) -> Carried:
    def carried(ground: Ground) -> str:
        before = ground.entries("roster_accepted")
        told = ground.camera.rosters.offer(roster, ground.camera.keeper.known_time(), ground.camera.enter)
        assert ground.camera.rosters.in_force == IN_FORCE
        assert (told.accepted, ground.entries("roster_accepted")) == (False, before)
        return told.outcome

    return carried


for title, (roster, holds, outcome) in REFUSED.items():
    attack(AT_CAMERA, title, holds=holds, by=RECORDER, outcome=outcome)(offered(roster))


def suspended(ground: Ground, by: str) -> str:
    taken = Suspension(roster=IN_FORCE.document.sha256, by=by, made_at="2026-03-09T12:00:00.000000Z", people=("E-01", "E-02"))
    return ground.camera.rosters.suspend(suspension.sign(taken, key(by)), ground.camera.enter)


@attack(
    AT_CAMERA,
    "suspend the evidence officers as a coordinator",
    holds="the key of one person of the roster",
    by=RECORDER,
    outcome="not_allowed",
)
def _(ground: Ground) -> str:
    told = suspended(ground, "C-01")
    assert ground.camera.rosters.suspended == ()
    return told


@attack(AT_CAMERA, "undo a suspension with the roster from before it", holds=COURIER, by=RECORDER, outcome="unchanged: not_active")
def _(ground: Ground) -> str:
    taken = Suspension(roster=IN_FORCE.document.sha256, by="P-01", made_at="2026-03-09T12:00:00.000000Z", people=("C-01",))
    ground.camera.rosters.suspend(suspension.sign(taken, key("P-01")), ground.camera.enter)
    told = ground.camera.rosters.offer(IN_FORCE, ground.camera.keeper.known_time(), ground.camera.enter)
    ground.camera.switch_off()
    ground.camera.switch_on()
    outcome = ground.camera.deliver(ordered(SHIFT)).outcome
    assert ground.camera.change is None
    return f"{told.outcome}: {outcome}"


AT_THE_STATION: dict[str, Callable[[Ground], object]] = {
    "put a roster there that another root signed": lambda ground: ground.rosters.put(replace(LATER, root=ROOT_2), "root-3", "root-4"),
    "put a roster there without a camera": lambda ground: ground.rosters.put(replace(LATER, cameras=())),
    "put another roster of the same version there": lambda ground: ground.rosters.put(replace(LATER, version=7)),
    "put the roster of another municipality there": lambda ground: ground.rosters.put(replace(LATER, municipality="elders")),
    "put something else in the roster's place": lambda ground: (ground.rosters.root / "roster.txt").write_text("none"),
    "take the roster away": lambda ground: (ground.rosters.root / "roster.txt").unlink(),
}


def put(change: Callable[[Ground], object]) -> Carried:
    def carried(ground: Ground) -> str:
        in_force = ground.rosters.open()
        before = names(in_force)
        change(ground)
        assert names(in_force) == before == ["HV-01", "IN-01"]
        return "the roster from before counts"

    return carried


for title, change in AT_THE_STATION.items():
    attack(AT_STATION, title, holds=STATION, by="the station", outcome="the roster from before counts")(put(change))


def put_back(first: Roster, then: Roster, ground: Ground) -> list[str]:
    in_force = ground.rosters.open()
    ground.rosters.put(first)
    in_force.senders()
    ground.rosters.put(then)
    return names(in_force)


@attack(
    AT_STATION,
    "put the roster back in which a lost camera is active",
    holds=STATION,
    by="the station, also after a start",
    outcome="the camera stays out",
)
def _(ground: Ground) -> str:
    assert put_back(LOST, FIRST, ground) == ["IN-01"]
    with pytest.raises(ConfigError, match="older"):
        ground.rosters.open()
    return "the camera stays out"
