"""Orders that nobody may give, at the station and at the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from bodycamd.errors import ConfigError
from bodycamd.evidence import orders
from bodycamd.evidence.orders import Configuration, Order, RosterNumber, SignedOrder
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.roster_acceptance import Now
from tests.camera.keeping.ordered_camera import CutError
from tests.evidence.ordering import HOLD, IN_FORCE, RELEASE, SETTINGS, SHIFT, ordered
from tests.evidence.rostering import key
from tests.municipality.station.at_station import hold, private
from tests.municipality.station.attacks.attack import COURIER, UPLINK_KEY, Carried, attack
from tests.municipality.station.attacks.ground import Ground

AT_STATION = "Orders at the station"
AT_CAMERA = "Orders at the camera"
STATION = "the station: by its roster"
RECORDER = "the recorder"
NOBODY = "a signing key that the roster does not list"
PERSON = "the key of one person of the roster"
change = msgspec.structs.replace


def unsigned(order: Order) -> bytes:
    """As somebody else would sign it."""
    return orders.sign(order, [key("nobody")]).document.file_bytes


WRONG: dict[str, tuple[bytes, str, int]] = {
    "bring an order that somebody else signed": (unsigned(HOLD), NOBODY, 422),
    "bring a release that one of two signed": (orders.sign(RELEASE, [key("E-01")]).document.file_bytes, PERSON, 422),
    "bring an order for a camera that nobody lists": (hold(cameras=("HV-99",)).document.file_bytes, PERSON, 422),
    "bring the order of somebody whom nobody lists": (hold(person="E-99").document.file_bytes, NOBODY, 422),
    "alter an order": (hold().document.file_bytes.replace(b"complaint", b"complains"), COURIER, 422),
    "bring a roster as an order": (IN_FORCE.document.file_bytes, COURIER, 422),
    "bring nothing as an order": (b"", COURIER, 422),
    "bring bytes as an order": (b"\xff\x00" * 50, COURIER, 422),
    "bring an order of 200 kB": (bytes(200_000), COURIER, 413),
}


def brought(content: bytes) -> Carried:
    def carried(ground: Ground) -> str:
        answer = ground.scene.desk.put("POST", "/v1/orders", content)
        assert (ground.scene.states(), list(ground.scene.station.storage.documents())) == ([], [])
        return str(answer.status_code)

    return carried


for title, (content, holds, status) in WRONG.items():
    attack(AT_STATION, title, holds=holds, by=STATION, outcome=str(status))(brought(content))

for who, name in (("who is retired", "T-09"), ("who is suspended", "E-04"), ("whom nobody lists", "nobody")):

    def by(ground: Ground, name: str = name) -> str:
        link = replace(ground.scene.desk, key=private(key(name)))
        answer = link.put("POST", "/v1/orders", hold().document.file_bytes)
        assert ground.scene.states() == []
        return str(answer.status_code)

    attack(AT_STATION, f"bring a good order with the key of somebody {who}", holds="that key", by=STATION, outcome="401")(by)


@attack(AT_STATION, "bring an order with a camera's key", holds=UPLINK_KEY, by=STATION, outcome="401")
def _(ground: Ground) -> str:
    answer = ground.scene.link.put("POST", "/v1/orders", hold().document.file_bytes)
    assert ground.scene.states() == []
    return str(answer.status_code)


def ended() -> SignedRoster:
    raise ConfigError("the roster has ended")


@attack(AT_STATION, "bring an order when the station's roster has ended", holds=PERSON, by=STATION, outcome="503")
def _(ground: Ground) -> str:
    ground.scene.station.ordering._roster = ended
    answer = ground.scene.post(hold())
    assert ground.scene.states() == []
    return str(answer.status_code)


@attack(
    AT_STATION,
    "ask for what follows an order, without the camera having it",
    holds=UPLINK_KEY,
    by="the list: only a ledger says done",
    outcome="seen, not done",
)
def _(ground: Ground) -> str:
    order = ground.scene.camera.to_hold(ground.scene.camera.record())
    ground.scene.post(order)
    _, after = ground.scene.poll()
    ground.scene.poll(after)
    assert ground.scene.camera.held == []
    assert ground.scene.states() == [(order.id, "seen", False, "")]
    return "seen, not done"


@attack(AT_STATION, "bring a good order again and again", holds=COURIER, by="the station: it is kept once", outcome="201, 200, 200")
def _(ground: Ground) -> str:
    answers = [ground.scene.post(hold()) for _ in range(3)]
    assert len(list(ground.scene.station.storage.documents())) == 1
    return ", ".join(str(answer.status_code) for answer in answers)


# --- at the camera ------------------------------


def shift(**changes: object) -> SignedOrder:
    return ordered(change(SHIFT, **changes))


def delivered(order: Callable[[], SignedOrder]) -> Carried:
    """Nothing is carried out: one refusal at most is stated, and no hold and no release."""

    def carried(ground: Ground) -> str:
        ground.camera.record()
        told = ground.camera.deliver(order())
        assert (told.done, ground.camera.held, ground.camera.change) == (False, [], None)
        assert ground.entries("order") == ground.entries("order_done") == 0
        assert ground.entries("order_refused") <= 1
        return told.outcome

    return carried


def with_roster(order: Order, version: int) -> Order:
    return change(order, roster=RosterNumber(root=1, version=version))


REFUSED: dict[str, tuple[Callable[[], SignedOrder], str, str]] = {
    "hold as a coordinator": (lambda: hold(person="C-01"), PERSON, "not_allowed"),
    "hold as a technician": (lambda: hold(person="T-01"), PERSON, "not_allowed"),
    "begin a shift as an evidence officer": (lambda: shift(person="E-01"), PERSON, "not_allowed"),
    "hold for another team": (lambda: hold(person="E-03"), PERSON, "other_team"),
    "hold while suspended": (lambda: hold(person="E-04"), PERSON, "not_active"),
    "hold for another municipality": (lambda: hold(municipality="elders"), PERSON, "other_municipality"),
    "bring another camera's order": (lambda: hold(cameras=("IN-01",)), COURIER, "not_this_camera"),
    "hold in the name of somebody whom nobody lists": (lambda: hold(person="E-99"), NOBODY, "not_a_person"),
    "hold in somebody else's name": (lambda: orders.sign(HOLD, [key("nobody")]), NOBODY, "not_signed"),
    "release in two names with one signature": (lambda: orders.sign(RELEASE, [key("E-01")]), PERSON, "not_signed"),
    "release as two evidence officers": (lambda: ordered(change(RELEASE, second="E-02")), "the keys of two people", "not_allowed"),
    "bring a shift that has ended": (
        lambda: shift(made_at="2026-03-07T12:00:00.000000Z", not_after="2026-03-08T12:00:00.000000Z"),
        COURIER,
        "order_ended",
    ),
    "bring a shift that is to come": (
        lambda: shift(made_at="2026-03-11T12:00:00.000000Z", not_after="2026-03-12T12:00:00.000000Z"),
        PERSON,
        "not_yet",
    ),
    "begin a shift by a newer roster than the camera's": (lambda: ordered(with_roster(SHIFT, 8)), PERSON, "newer_roster"),
    "change who may open footage": (
        lambda: ordered(change(SETTINGS, body=Configuration(base="cd" * 32, changes={"keys.recipients": "x"}))),
        PERSON,
        "not_changeable",
    ),
    "change what happens when the disk is full": (
        lambda: ordered(change(SETTINGS, body=Configuration(base="cd" * 32, changes={"storage.when_full": "overwrite_sent"}))),
        PERSON,
        "not_changeable",
    ),
    "keep footage for longer": (
        lambda: ordered(change(SETTINGS, body=Configuration(base="cd" * 32, changes={"retention.days": 99}))),
        PERSON,
        "not_changeable",
    ),
    "shorten the term without the privacy officer": (
        lambda: ordered(change(SETTINGS, body=Configuration(base="cd" * 32, changes={"retention.days": 1}))),
        PERSON,
        "not_allowed",
    ),
}
for title, (make, holds, outcome) in REFUSED.items():
    attack(AT_CAMERA, title, holds=holds, by=RECORDER, outcome=outcome)(delivered(make))


@attack(AT_CAMERA, "hold a recording that there is not", holds=PERSON, by=RECORDER, outcome="unknown_recording")
def _(ground: Ground) -> str:
    ground.camera.record()
    told = ground.camera.deliver(hold())
    assert (told.done, ground.camera.held) == (False, [])
    return told.outcome


@attack(
    AT_CAMERA,
    "bring a release before its hold, to hold for ever",
    holds=COURIER,
    by="the recorder: the release waits for it",
    outcome="nothing is held",
)
def _(ground: Ground) -> str:
    order = ground.camera.to_hold(ground.camera.record())
    ground.camera.deliver(ground.camera.to_release(order.id))
    ground.camera.deliver(order)
    assert ground.camera.held == []
    return "nothing is held"


@attack(
    AT_CAMERA,
    "bring an old hold again after its release",
    holds=COURIER,
    by="the recorder: once, also after a restart",
    outcome="held, then held: nothing is held",
)
def _(ground: Ground) -> str:
    order = ground.camera.to_hold(ground.camera.record())
    told = [ground.camera.deliver(order).outcome]
    ground.camera.deliver(ground.camera.to_release(order.id))
    ground.camera.switch_off()
    ground.camera.switch_on()
    told.append(ground.camera.deliver(order).outcome)
    assert (ground.camera.held, ground.entries("order_done")) == ([], 2)
    return f"{', then '.join(told)}: nothing is held"


@attack(
    AT_CAMERA,
    "cut the power before an order is done, and bring it again",
    holds=COURIER,
    by="the recorder: what is stated is completed at the start",
    outcome="held once",
)
def _(ground: Ground) -> str:
    order = ground.camera.to_hold(ground.camera.record())
    ground.camera.cut_after = 2
    with pytest.raises(CutError):
        ground.camera.deliver(order)
    assert ground.camera.deliver(order).done
    assert [id for _, id in ground.camera.held] == [order.id]
    assert (ground.entries("order"), ground.entries("order_done")) == (1, 1)
    return "held once"


@attack(
    AT_CAMERA,
    "release a hold of another complaint with it",
    holds="a release of two people for one hold",
    by="the recorder: by the hold's own id",
    outcome="the other one holds",
)
def _(ground: Ground) -> str:
    name = ground.camera.record()
    first, second = ground.camera.to_hold(name, 1), ground.camera.to_hold(name, 2)
    for order in (first, second):
        ground.camera.deliver(order)
    ground.camera.deliver(ground.camera.to_release(first.id))
    assert ground.camera.held == [(name, second.id)]
    return "the other one holds"


@attack(AT_CAMERA, "fill the ledger with refusals", holds=PERSON, by="the recorder: ten an hour for each signer", outcome="10 lines")
def _(ground: Ground) -> str:
    for nonce in range(40):
        ground.camera.deliver(hold(nonce))
    return f"{ground.entries('order_refused')} lines"


@attack(AT_CAMERA, "fill the ledger with forgeries", holds=NOBODY, by="the recorder: they are counted", outcome="0 lines")
def _(ground: Ground) -> str:
    before = ground.entries("order_refused") + ground.entries("order")
    for nonce in range(40):
        ground.camera.deliver(orders.sign(change(HOLD, nonce=f"{nonce:032x}"), [key("nobody")]))
    return f"{ground.entries('order_refused') + ground.entries('order') - before} lines"


@attack(
    AT_CAMERA,
    "withhold all rosters, so that somebody who left still counts",
    holds=COURIER,
    by="the recorder: the roster ends",
    outcome="roster_ended",
)
def _(ground: Ground) -> str:
    late = Now(ground.camera.clock.wall_us + 91 * 86_400_000_000, trusted=True)
    times = {"made_at": "2026-06-08T12:00:00.000000Z", "not_after": "2026-06-09T12:00:00.000000Z"}
    told = ground.camera.deliver(shift(**times), late)
    assert ground.camera.change is None
    return told.outcome


@attack(
    AT_CAMERA,
    "keep a hold back until the roster has ended",
    holds=COURIER,
    by="the recorder: a hold never expires",
    outcome="held, and the ledger says so",
)
def _(ground: Ground) -> str:
    order = ground.camera.to_hold(ground.camera.record())
    late = Now(ground.camera.clock.wall_us + 91 * 86_400_000_000, trusted=True)
    told = ground.camera.deliver(order, late)
    assert [id for _, id in ground.camera.held] == [order.id]
    return f"{told.outcome}, and the ledger says so"
