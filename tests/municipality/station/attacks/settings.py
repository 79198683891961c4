"""Settings of a camera that somebody wants to change without a say, or so that it does not record any more."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from bodycamd.camera.keeping import ordered_settings
from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import orders, suspension
from bodycamd.evidence.orders import SignedOrder
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import wall_text
from bodycamd.evidence.suspension import Suspension
from tests.camera.keeping.configured_camera import ConfiguredCamera
from tests.evidence.ordering import IN_FORCE, ordered
from tests.evidence.rostering import key
from tests.municipality.station.attacks.attack import COURIER, Carried, attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.attacks.ordered import NOBODY, PERSON, RECORDER

GROUP = "Settings by order"
STATE_FOLDER = "the recorder's own folder"
DAY_US = 86_400_000_000
change = msgspec.structs.replace


def on_a_camera(carried: Callable[[ConfiguredCamera], str]) -> Carried:
    """On a camera with a configuration file: whatever is tried, the next start has the settings that it had, or those of a good order."""

    def run(_: Ground) -> str:
        with tempfile.TemporaryDirectory(prefix="bodycamd-settings-") as made:
            camera = ConfiguredCamera(Path(made))
            camera.switch_on()
            before = camera.config
            outcome = carried(camera)
            camera.until_it_starts()
            stayed = {"keys", "storage", "station", "control", "board"}
            assert all(getattr(camera.config, section) == getattr(before, section) for section in stayed)
            assert not {"next.json", "ready.json", "trial.json"} & set(camera.files)
            camera.verified_types()
            camera.close()
            return outcome

    return run


def refused(make: Callable[[ConfiguredCamera], SignedOrder]) -> Carried:
    def carried(camera: ConfiguredCamera) -> str:
        before = camera.config
        told = camera.deliver(make(camera))
        assert not told.done
        camera.start_again()
        assert camera.config == before
        assert camera.verified_types().count("order") == 0
        return told.outcome

    return on_a_camera(carried)


def good(camera: ConfiguredCamera, nonce: int = 0, seconds: float = 2.5) -> SignedOrder:
    return camera.to_change(nonce, gestures__hold_seconds=seconds)


def in_force(camera: ConfiguredCamera, nonce: int, seconds: float) -> SignedOrder:
    order = good(camera, nonce, seconds)
    camera.deliver(order)
    camera.start_again()
    camera.orders.confirm_settings(camera.enter)
    return order


REFUSED: dict[str, tuple[Callable[[ConfiguredCamera], SignedOrder], str, str]] = {
    "change settings in a technician's name": (lambda camera: orders.sign(good(camera).order, [key("nobody")]), NOBODY, "not_signed"),
    "change settings as an evidence officer": (lambda camera: ordered(change(good(camera).order, person="E-01")), PERSON, "not_allowed"),
    "bring another camera's settings": (lambda camera: ordered(change(good(camera).order, cameras=("IN-01",))), COURIER, "not_this_camera"),
    "bring settings for a configuration of before": (
        lambda camera: camera.to_change(base="ab" * 32, reminder_seconds=60),
        COURIER,
        "other_configuration",
    ),
    "switch the sound off": (lambda camera: camera.to_change(audio=False), PERSON, "not_changeable"),
    "set what no camera takes": (lambda camera: camera.to_change(gestures__hold_seconds=1e9), PERSON, "not_valid"),
    "have sound come from a file": (lambda camera: camera.to_change(microphone__device="file:/etc/shadow"), PERSON, "not_changeable"),
    "order a focus that its camera module has not": (lambda camera: camera.to_change(video__focus=1.0), PERSON, "not_changeable"),
}
for title, (make, holds, outcome) in REFUSED.items():
    attack(GROUP, title, holds=holds, by=RECORDER, outcome=outcome)(refused(make))


@attack(GROUP, "order more settings than an order has", holds=PERSON, by="who reads it", outcome="no order")
@on_a_camera
def _(camera: ConfiguredCamera) -> str:
    try:
        camera.ordering({f"gestures.key_{number}": 1 for number in range(33)})
    except DataError:
        return "no order"
    return "read"


@attack(GROUP, "bring settings after the roster has ended", holds=COURIER, by=RECORDER, outcome="roster_ended")
@on_a_camera
def _(camera: ConfiguredCamera) -> str:
    return camera.deliver(good(camera), Now(camera.clock.wall_us + 91 * DAY_US, trusted=True)).outcome


@attack(GROUP, "bring an order again, to undo a later one", holds=COURIER, by="the recorder: once", outcome="its first outcome")
@on_a_camera
def _(camera: ConfiguredCamera) -> str:
    first = in_force(camera, 1, 2.5)
    in_force(camera, 2, 3.0)
    told = camera.deliver(first)
    camera.start_again()
    assert (told.outcome, camera.config.gestures.hold_seconds) == ("configured", 3.0)
    return "its first outcome"


@attack(GROUP, "order settings with which it does not become ready", holds=PERSON, by="the next start", outcome="went_back")
@on_a_camera
def _(camera: ConfiguredCamera) -> str:
    order = good(camera)
    camera.deliver(order)
    camera.start_again()  # and ends
    camera.start_again()
    assert camera.config.gestures.hold_seconds == 2.0
    return camera.deliver(order).outcome


@attack(GROUP, "cut the power while settings are tried, each time", holds="the battery", by="the next start", outcome="tried once")
@on_a_camera
def _(camera: ConfiguredCamera) -> str:
    order = good(camera)
    camera.deliver(order)
    camera.start_again()
    tried = int(camera.settings.on_trial == order.id)
    for _ in range(4):
        camera.until_it_starts()
        tried += camera.settings.on_trial == order.id
    assert camera.outcomes(order) == ["went_back"]
    return "tried once" if tried == 1 else f"tried {tried} times"


@attack(GROUP, "crash the recorder while settings wait, to have them tried", holds="the battery", by="the next start", outcome="they wait")
@on_a_camera
def _(camera: ConfiguredCamera) -> str:
    order = good(camera)
    camera.deliver(order)
    camera.until_it_starts()
    waits = (camera.settings.on_trial, camera.settings.waiting) == (None, order.id)
    camera.start_again()
    return "they wait" if waits else "they are tried"


@attack(GROUP, "have settings tried that somebody suspended has signed", holds=PERSON, by=RECORDER, outcome="lapsed")
@on_a_camera
def _(camera: ConfiguredCamera) -> str:
    order = good(camera)
    camera.deliver(order)
    gone = Suspension(roster=IN_FORCE.document.sha256, by="A-01", made_at=wall_text(camera.clock.wall_us), people=("T-01",))
    camera.rosters.suspend(suspension.sign(gone, key("A-01")), camera.enter)
    camera.start_again()
    assert camera.config.gestures.hold_seconds == 2.0
    (outcome,) = camera.outcomes(order)
    return outcome


def planted(name: str, make: Callable[[ConfiguredCamera], bytes]) -> Carried:
    def carried(camera: ConfiguredCamera) -> str:
        raw = make(camera)
        camera.close()
        camera.folder.mkdir(exist_ok=True)
        (camera.folder / name).write_bytes(raw)
        try:
            camera.switch_on()
        except StorageError:
            camera.until_it_starts()
            assert camera.config.gestures.hold_seconds == 2.0
            return "set aside"
        return "in force"

    return on_a_camera(carried)


def before(camera: ConfiguredCamera) -> bytes:
    in_force(camera, 1, 2.5)
    kept = (camera.folder / "in-force.json").read_bytes()
    in_force(camera, 2, 3.0)
    return kept


BY_LEDGER = "the next start: by the ledger"
for title, name, make_file in (
    ("put a signed order where those in force are", "in-force.json", lambda camera: ordered_settings.kept([good(camera)]).raw),
    ("put a signed order where the next ones are", "next.json", lambda camera: ordered_settings.kept([good(camera)]).raw),
    ("put a signed order where the ones to be tried are", "ready.json", lambda camera: ordered_settings.kept([good(camera)]).raw),
    ("put the orders of before back", "in-force.json", before),
):
    attack(GROUP, title, holds=STATE_FOLDER, by=BY_LEDGER, outcome="set aside")(planted(name, make_file))
