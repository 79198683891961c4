"""Settings by order that wait: which start tries them, when they stand no longer, and what a card that fails leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bodycamd.camera.keeping.opening import digest
from bodycamd.camera.keeping.setting_orders import APART_US
from bodycamd.config import load as configuration
from bodycamd.config.settings import Config
from bodycamd.config.strict_yaml import Value
from bodycamd.errors import ConfigError, StorageError
from bodycamd.evidence import suspension
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import wall_text
from bodycamd.evidence.suspension import Suspension
from tests.camera.keeping.configured_camera import ConfiguredCamera, switched_on
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import key
from tests.kit.resting_camera import DAY
from tests.kit.scale import one_in, only_in_full


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[ConfiguredCamera]:
    yield from switched_on(tmp_path)


def test_a_start_that_nobody_ended_the_recorder_for_tries_nothing(camera: ConfiguredCamera) -> None:
    """A crash, the watchdog, a brown-out while something is recorded, the first start of another version."""
    order = camera.to_change(gestures__hold_seconds=2.5)
    camera.deliver(order)
    for _ in range(3):
        camera.until_it_starts()
        assert (camera.hold_seconds, camera.settings.on_trial, camera.settings.waiting) == (2.0, None, order.id)
        assert (camera.files, camera.outcomes(order)) == (["next.json"], [])
        assert camera.deliver(order).outcome == "accepted", "it waits"
    camera.start_again()
    assert (camera.hold_seconds, camera.settings.on_trial, camera.settings.waiting) == (2.5, order.id, None)


def test_settings_that_follow_each_other_are_ten_minutes_apart(camera: ConfiguredCamera) -> None:
    """Each of them makes the recorder start again, and with each start the counts of an hour begin anew."""
    following = digest(configuration.load(camera.file, {"gestures.hold_seconds": 2.5}))
    first, second = camera.to_change(gestures__hold_seconds=2.5), camera.to_change(1, following, reminder_seconds=60)
    camera.deliver(first)
    camera.start_again()
    camera.orders.confirm_settings(camera.enter)
    camera.clock.advance(APART_US - 2_000_000)
    assert camera.deliver(second).outcome == "settings_wait"
    camera.clock.advance(2_000_000)
    assert camera.deliver(second).outcome == "accepted"


def suspend(camera: ConfiguredCamera, **whom: tuple[str, ...]) -> None:
    one = Suspension(roster=IN_FORCE.document.sha256, by="A-01", made_at=wall_text(camera.clock.wall_us), **whom)
    assert camera.rosters.suspend(suspension.sign(one, key("A-01")), camera.enter) == "accepted"


FALLEN: dict[str, Callable[[ConfiguredCamera], object]] = {
    "who signed it is suspended": lambda camera: suspend(camera, people=("T-01",)),
    "the camera is suspended": lambda camera: suspend(camera, cameras=("HV-01",)),
    "it has ended": lambda camera: setattr(camera.clock, "wall_us", camera.clock.wall_us + 8 * DAY),
    "the file has changed": lambda camera: camera.write_file(reminder_seconds=90),
    "the file is broken": lambda camera: camera.write_file(reminder_seconds="often"),
}


@only_in_full
@one_in(2)
@pytest.mark.parametrize("case", FALLEN)
def test_what_stands_no_longer_when_the_camera_rests_is_not_tried(camera: ConfiguredCamera, case: str) -> None:
    order = camera.to_change(gestures__hold_seconds=2.5)
    camera.deliver(order)
    FALLEN[case](camera)
    assert not camera.orders.settings_stand(Now(camera.clock.wall_us, trusted=True), camera.enter)
    assert (camera.outcomes(order), camera.files, camera.settings.waiting) == (["lapsed"], [], None)
    camera.write_file()
    camera.start_again()
    assert (camera.hold_seconds, camera.settings.on_trial) == (2.0, None)
    assert camera.deliver(order).outcome == "lapsed"


def test_what_waits_ends_with_its_time_though_the_camera_never_rests(camera: ConfiguredCamera) -> None:
    order = camera.to_change(gestures__hold_seconds=2.5)
    camera.deliver(order)
    now = Now(camera.clock.wall_us + 8 * DAY, trusted=True)
    camera.orders.complete(camera.keeper.plan_order, camera.enter, lambda: now)
    assert (camera.outcomes(order), camera.files, camera.settings.waiting) == (["lapsed"], [], None)


@pytest.mark.parametrize("read_otherwise", [False, True])
def test_what_is_for_another_configuration_once_the_recorder_has_ended_for_it_goes_back(
    camera: ConfiguredCamera, monkeypatch: pytest.MonkeyPatch, read_otherwise: bool
) -> None:
    """The file was changed while the camera was off; or another version reads it, which does not take what was ordered."""
    order = camera.to_change(gestures__hold_seconds=2.5)
    camera.deliver(order)
    assert camera.orders.settings_stand(camera.keeper.known_time(), camera.enter)
    camera.close()
    camera.settings.release()
    load = configuration.load

    def otherwise(file: Path, changes: Mapping[str, Value] = configuration.NOTHING) -> Config:
        if changes:
            raise ConfigError("not a value of this version")
        return load(file, changes)

    if read_otherwise:
        monkeypatch.setattr(configuration, "load", otherwise)
    else:
        camera.write_file(reminder_seconds=90)
    camera.switch_on()
    assert (camera.hold_seconds, camera.outcomes(order), camera.files) == (2.0, ["went_back"], [])


def test_an_order_that_is_not_valid_is_judged_by_the_file_once(camera: ConfiguredCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that judges it is the one that writes footage."""
    loads: list[Path] = []
    load = configuration.load

    def counted(file: Path, changes: Mapping[str, Value] = configuration.NOTHING) -> Config:
        loads.append(file)
        return load(file, changes)

    monkeypatch.setattr(configuration, "load", counted)
    order = camera.to_change(gestures__hold_seconds=99.0)
    assert [camera.deliver(order).outcome for _ in range(20)] == ["not_valid"] * 20
    assert len(loads) == 1


def test_a_card_that_does_not_take_the_entry_of_what_is_in_force_loses_nothing(camera: ConfiguredCamera) -> None:
    order = camera.to_change(gestures__hold_seconds=2.5)
    camera.deliver(order)
    camera.start_again()

    def full(_: object) -> None:
        raise StorageError("no space left on device")

    with pytest.raises(StorageError):
        camera.orders.confirm_settings(full)
    assert camera.settings.is_kept
    camera.sweep()
    assert camera.outcomes(order) == [], "the next start states it"
    camera.until_it_starts()
    assert (camera.hold_seconds, camera.outcomes(order), camera.files) == (2.5, ["configured"], ["in-force.json"])
    assert camera.settings_in_force()[-1].orders == (order.id,)
