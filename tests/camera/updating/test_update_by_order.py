"""An update takes two words: a release key's on the bundle, a technician's on an order. The ledger says what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.camera.installation.decision import Camera
from bodycamd.camera.updating import order_check
from bodycamd.errors import (
    BodycamError,
    ConfigError,
    DataError,
    NotFoundError,
    PermissionDeniedError,
    StoreBusyError,
    UnavailableError,
    UsageError,
)
from bodycamd.evidence import orders, suspension
from bodycamd.evidence.noted_entries import OrderAccepted, OrderRefused
from bodycamd.evidence.orders import SignedOrder, Update
from bodycamd.evidence.statements import wall_text
from bodycamd.evidence.suspension import Suspension
from tests.camera.updating.updated_camera import UpdatedCamera
from tests.evidence.ordering import IN_FORCE, ordered
from tests.evidence.rostering import key
from tests.kit.bundles import FILES, Release
from tests.kit.resting_camera import DAY
from tests.kit.scale import one_in, only_in_full


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[UpdatedCamera]:
    camera = UpdatedCamera(tmp_path)
    camera.switch_on()
    camera.settle()
    yield camera
    camera.close()


def test_what_is_ordered_and_brought_is_installed_and_the_new_recorder_says_so(camera: UpdatedCamera) -> None:
    order = camera.to_update()
    told = camera.deliver(order)
    assert (told.outcome, told.done) == ("accepted", False)
    assert camera.verified_types()[-1] == "order"
    camera.sweep()
    assert camera.outcomes(order) == [], "nobody has brought the bundle yet"
    assert camera.update(camera.publisher.bundle("0.3.0")) == "0.3.0 is in use"
    assert (camera.versions.named("current"), camera.outcomes(order)) == ("0.3.0", ["updated"])
    assert camera.deliver(order).outcome == "updated"
    assert camera.waiting().orders == []
    again = camera.deliver(camera.to_update(nonce=1))
    assert (again.outcome, again.done) == ("in_use", False)


@only_in_full
def test_an_updater_that_dies_before_it_tells_loses_nothing(camera: UpdatedCamera) -> None:
    order = camera.to_update()
    camera.deliver(order)
    camera.told_is_lost = True
    with pytest.raises(KeyboardInterrupt):
        camera.update(camera.publisher.bundle("0.3.0"))
    assert camera.outcomes(order) == []
    camera.close()
    camera.switch_on()
    assert camera.outcomes(order) == ["updated"]


def test_a_version_that_does_not_become_ready_goes_back_and_is_told_once(camera: UpdatedCamera) -> None:
    order = camera.to_update()
    camera.deliver(order)
    camera.machine.dead.add("0.3.0")
    with pytest.raises(UnavailableError, match=r"0\.2\.0 is in use again"):
        camera.update(camera.publisher.bundle("0.3.0"))
    assert (camera.versions.named("current"), camera.outcomes(order)) == ("0.2.0", ["went_back"])
    camera.machine.dead.clear()
    again = camera.to_update(nonce=1)
    assert camera.deliver(again).outcome == "accepted", "what was led back before is nothing of this order's"
    camera.sweep()
    assert camera.outcomes(again) == []
    camera.update(camera.publisher.bundle("0.3.0"))
    assert camera.outcomes(again) == ["updated"]


@only_in_full
def test_a_led_back_update_that_nobody_told_is_stated_by_the_next_start(camera: UpdatedCamera) -> None:
    order = camera.to_update()
    camera.deliver(order)
    camera.machine.dead.add("0.3.0")
    camera.told_is_lost = True
    with pytest.raises(KeyboardInterrupt):
        camera.update(camera.publisher.bundle("0.3.0"))
    camera.sweep()
    assert camera.outcomes(order) == ["went_back"]


@only_in_full
def test_an_order_that_nobody_follows_ends(camera: UpdatedCamera) -> None:
    order = camera.to_update()
    camera.deliver(order)
    camera.run(8 * DAY, pace_us=DAY)
    assert camera.waiting().orders == []
    assert camera.outcomes(order) == ["ended"]
    with pytest.raises(NotFoundError):
        camera.update(camera.publisher.bundle("0.3.0"))


def other_release(camera: UpdatedCamera) -> Path:
    """The same manifest, signed by somebody else."""
    folder = camera.root / "other"
    folder.mkdir()
    return Release(folder).bundle("0.3.0")


def altered(camera: UpdatedCamera) -> Path:
    path = camera.publisher.bundle("0.3.0")
    path.write_bytes(path.read_bytes().replace(b"tinytiny", b"tinyTINY", 1))
    return path


STAYS: dict[str, tuple[Callable[[UpdatedCamera], Path], type[BodycamError]]] = {
    "signed by another release key": (other_release, PermissionDeniedError),
    "altered": (altered, DataError),
    "a bundle that nobody ordered": (lambda camera: camera.publisher.bundle("0.4.0"), NotFoundError),
    "the same version with other content": (
        lambda camera: camera.publisher.bundle("0.3.0", {**FILES, "sbom.cdx.json": b"[]\n"}),
        NotFoundError,
    ),
}


@one_in(4)
@pytest.mark.parametrize("case", STAYS)
def test_what_is_not_the_bundle_of_the_order_changes_nothing_and_uses_nothing_up(camera: UpdatedCamera, case: str) -> None:
    make, kind = STAYS[case]
    order = camera.to_update()
    camera.deliver(order)
    with pytest.raises(kind):
        camera.update(make(camera))
    assert (camera.versions.named("current"), camera.outcomes(order), camera.machine.heard) == ("0.2.0", [], [])
    assert camera.update(camera.publisher.bundle("0.3.0")) == "0.3.0 is in use"


@only_in_full
@one_in(4)
@pytest.mark.parametrize("state", [Camera("recording", True), Camera("warning", True), Camera("standby", False), Camera("standby")])
def test_it_waits_for_the_dock_and_for_standby(camera: UpdatedCamera, state: Camera) -> None:
    order = camera.to_update()
    camera.deliver(order)
    camera.machine.cameras.append(state)
    with pytest.raises(StoreBusyError):
        camera.update(camera.publisher.bundle("0.3.0"))
    assert (camera.versions.named("current"), camera.outcomes(order)) == ("0.2.0", [])
    camera.update(camera.publisher.bundle("0.3.0"))
    assert camera.outcomes(order) == ["updated"]


@pytest.mark.parametrize(("version", "kind"), [("0.1.0", PermissionDeniedError), ("0.3.0", ConfigError)])
def test_a_bundle_that_does_not_fit_is_told_as_not_installed(camera: UpdatedCamera, version: str, kind: type[BodycamError]) -> None:
    """An older version; one that refuses the camera's configuration."""
    order = camera.to_update(version)
    camera.deliver(order)
    camera.machine.strict.add("0.3.0")
    with pytest.raises(kind):
        camera.update(camera.publisher.bundle(version))
    assert (camera.versions.named("current"), camera.outcomes(order)) == ("0.2.0", ["not_installed"])
    with pytest.raises(NotFoundError):
        camera.update(camera.publisher.bundle(version))


@only_in_full
def test_another_file_in_the_place_of_the_one_that_was_looked_at_is_not_installed(camera: UpdatedCamera) -> None:
    """Somebody who may lay bundles there swaps two that a release key signed."""
    camera.deliver(camera.to_update())
    path = camera.publisher.bundle("0.3.0")
    newer = camera.publisher.bundle("0.4.0").read_bytes()
    waiting = camera.waiting

    def swapped() -> Any:
        path.write_bytes(newer)
        return waiting()

    camera.waiting = swapped  # type: ignore[method-assign]
    with pytest.raises(UnavailableError, match="was meant: nothing was changed"):
        camera.update(path)
    assert camera.versions.named("current") == "0.2.0"


# --- root believes no recorder ------------------------------------------------------------------------------------------------------------


def planted(camera: UpdatedCamera) -> dict[str, tuple[SignedOrder, str]]:
    """What somebody who has taken over the recorder may hand to root, and why nothing comes of it."""
    good = camera.to_update().order
    return {
        "signed by nobody": (orders.sign(good, [key("nobody")]), "T-01 did not sign it"),
        "of an evidence officer": (ordered(replace(good, person="E-01")), "needs technician"),
        "of somebody whom nobody lists": (ordered(replace(good, person="X-01")), "X-01 is not in the roster"),
        "of one who was suspended": (ordered(replace(good, person="E-04")), "E-04 is not active"),
        "for another camera": (ordered(replace(good, cameras=("IN-01",))), "not for HV-01"),
        "of another municipality": (ordered(replace(good, municipality="elders")), "of elders"),
        "that has ended": (
            ordered(replace(good, made_at="2026-01-01T00:00:00.000000Z", not_after="2026-01-08T00:00:00.000000Z")),
            "it ended on",
        ),
        "for another bundle": (ordered(replace(good, body=Update(bundle="ab" * 32))), "no order"),
    }


def test_what_the_recorder_hands_over_is_looked_at_again_by_root(camera: UpdatedCamera) -> None:
    bundle = camera.name_of("0.3.0")
    for order, why in planted(camera).values():
        with pytest.raises((PermissionDeniedError, NotFoundError), match=why):
            order_check.ordered([b"junk", order.document.file_bytes], IN_FORCE, camera.name, bundle, camera.clock.wall_us)
    good = camera.to_update()
    assert order_check.ordered([good.document.file_bytes], IN_FORCE, camera.name, bundle, camera.clock.wall_us) == good


def test_a_roster_that_the_cards_root_has_not_signed_counts_for_nothing(camera: UpdatedCamera) -> None:
    own = IN_FORCE.document
    forged = replace(own, signatures=own.also_signed_by([key("nobody")]).signatures[:0])
    for raw in (None, forged.file_bytes, own.file_bytes.replace(b"HV-01", b"HV-02"), b"junk"):
        with pytest.raises((PermissionDeniedError, DataError)):
            order_check.in_force(raw, IN_FORCE.roster.root)
    assert order_check.in_force(own.file_bytes, IN_FORCE.roster.root) == IN_FORCE


# --- the recorder believes no updater -----------------------------------------------------------------------------------------------------


@only_in_full
def test_what_is_not_so_is_not_stated(camera: UpdatedCamera) -> None:
    order = camera.to_update()
    camera.deliver(order)
    for outcome in ("updated", "held", ""):
        with pytest.raises(UsageError):
            camera.orders.update_told(order.id, outcome, camera.enter)
    with pytest.raises(UsageError, match="no order to update waits"):
        camera.orders.update_told("ab" * 32, "went_back", camera.enter)
    assert camera.outcomes(order) == []


@only_in_full
def test_who_may_not_order_an_update_does_not(camera: UpdatedCamera) -> None:
    told = {camera.deliver(order).outcome for name, (order, _) in planted(camera).items() if name != "for another bundle"}
    assert told == {"not_signed", "not_allowed", "not_a_person", "not_active", "not_this_camera", "other_municipality", "order_ended"}
    assert camera.details(OrderAccepted) == []
    assert all(isinstance(one, OrderRefused) for one in camera.details(OrderRefused))


@pytest.mark.parametrize("whom", [{"people": ("T-01",)}, {"cameras": ("HV-01",)}])
def test_of_who_is_suspended_no_order_is_handed_out(camera: UpdatedCamera, whom: dict[str, tuple[str, ...]]) -> None:
    order = camera.to_update()
    camera.deliver(order)
    assert camera.waiting().orders == [order.document.file_bytes]
    gone = Suspension(roster=IN_FORCE.document.sha256, by="A-01", made_at=wall_text(camera.clock.wall_us), **whom)
    assert camera.rosters.suspend(suspension.sign(gone, key("A-01")), camera.enter) == "accepted"
    assert camera.waiting().orders == []
    with pytest.raises(NotFoundError):
        camera.update(camera.publisher.bundle("0.3.0"))
    assert camera.versions.named("current") == "0.2.0"


def test_orders_that_have_ended_do_not_keep_others_out(camera: UpdatedCamera) -> None:
    """Nobody asks for them; a sweep ends them."""
    made_us = camera.clock.wall_us
    times = {"made_at": wall_text(made_us), "not_after": wall_text(made_us + DAY)}
    basis = camera.to_update().order
    eight = [ordered(replace(basis, body=Update(bundle=f"{number:064x}"), nonce=f"{number:032x}", **times)) for number in range(8)]
    assert [camera.deliver(order).outcome for order in eight] == ["accepted"] * 8
    camera.run(2 * DAY, pace_us=DAY)
    assert [camera.outcomes(order) for order in eight] == [["ended"]] * 8
    assert camera.deliver(camera.to_update(nonce=9)).outcome == "accepted"


@only_in_full
def test_so_many_wait_and_no_more(camera: UpdatedCamera) -> None:
    made_us = camera.clock.wall_us
    times = {"made_at": wall_text(made_us), "not_after": wall_text(made_us + DAY)}
    basis = camera.to_update().order
    outcomes = [
        camera.deliver(ordered(replace(basis, body=Update(bundle=f"{number:064x}"), nonce=f"{number:032x}", **times))).outcome
        for number in range(10)
    ]
    assert outcomes == ["accepted"] * 8 + ["updates_wait"] * 2
