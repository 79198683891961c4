"""Settings by order: judged as a whole, tried by the next start, confirmed or put back, through cuts at every durable step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.camera.keeping import ordered_settings
from bodycamd.camera.keeping.opening import digest
from bodycamd.config import load as configuration
from bodycamd.errors import ConfigError, DataError, StorageError
from bodycamd.evidence.noted_entries import OrderAccepted, OrderRefused, SettingsInForce
from bodycamd.evidence.orders import Configuration, SettingValue
from bodycamd.evidence.roster_acceptance import Now
from tests.camera.keeping.configured_camera import ConfiguredCamera, switched_on
from tests.camera.keeping.ordered_camera import UPLINK as WHO
from tests.camera.keeping.ordered_camera import CutError
from tests.evidence.ordering import ordered
from tests.kit.scale import count, one_in, only_in_full


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[ConfiguredCamera]:
    yield from switched_on(tmp_path)


def test_settings_are_stated_tried_confirmed_and_stay_in_force(camera: ConfiguredCamera) -> None:
    order = camera.to_change(gestures__hold_seconds=2.5)
    told = camera.deliver(order)
    assert (told.outcome, told.done, camera.settings.waiting) == ("accepted", False, order.id)
    assert camera.verified_types()[-2:] == ["order", "settings_next"]
    assert camera.deliver(order).outcome == "accepted", "a repeat while it waits"
    camera.sweep()
    assert camera.outcomes(order) == [], "it is not carried out by the recorder that runs"
    camera.start_again()
    assert (camera.hold_seconds, camera.settings.on_trial, camera.files) == (2.5, order.id, ["trial.json"])
    camera.orders.confirm_settings(camera.enter)
    assert camera.verified_types()[-2:] == ["settings_in_force", "order_done"]
    assert (camera.outcomes(order), camera.files, camera.deliver(order).outcome) == (["configured"], ["in-force.json"], "configured")
    for _ in range(2):
        camera.until_it_starts()
        assert (camera.hold_seconds, camera.settings.on_trial) == (2.5, None)
    assert [one.orders for one in camera.settings_in_force()] == [(order.id,)] * 3
    assert camera.outcomes(order) == ["configured"]


@only_in_full
def test_a_start_that_is_not_confirmed_is_not_repeated(camera: ConfiguredCamera) -> None:
    """Whatever ended it: settings with which no recorder becomes ready, a watchdog, the power."""
    order = camera.to_change(gestures__hold_seconds=2.5)
    camera.deliver(order)
    camera.start_again()
    camera.until_it_starts()
    assert (camera.hold_seconds, camera.outcomes(order), camera.files) == (2.0, ["went_back"], [])
    assert camera.deliver(order).outcome == "went_back"
    again = camera.to_change(1, gestures__hold_seconds=2.5)
    camera.deliver(again)
    camera.start_again()
    camera.orders.confirm_settings(camera.enter)
    assert (camera.hold_seconds, camera.outcomes(again)) == (2.5, ["configured"])


@only_in_full
def test_orders_follow_each_other_and_the_later_one_counts(camera: ConfiguredCamera) -> None:
    changes: list[dict[str, SettingValue]] = [
        {"gestures.hold_seconds": 2.5, "gestures.stuck_seconds": 60.0},
        {"gestures.hold_seconds": 3.0},
        {"gestures.stuck_seconds": 30.0, "reminder_seconds": 60},
    ]
    made = []
    for number, change in enumerate(changes):
        made.append(order := camera.ordering(change, number))
        assert camera.deliver(order).outcome == "accepted"
        other = camera.to_change(90 + number, reminder_seconds=90)
        assert camera.deliver(other).outcome == "settings_wait"
        camera.start_again()
        assert camera.deliver(other).outcome == "settings_wait", "while it is tried, too"
        camera.orders.confirm_settings(camera.enter)
    assert (camera.hold_seconds, camera.config.gestures.stuck_seconds, camera.config.reminder_seconds) == (3.0, 30.0, 60)
    assert camera.settings_in_force()[-1].orders == (made[1].id, made[2].id), "of the first one nothing counts any more"
    assert camera.deliver(camera.to_change(100, base=digest(configuration.load(camera.file)), reminder_seconds=90)).outcome == (
        "other_configuration"
    ), "somebody else has changed settings since"


REFUSED: dict[str, tuple[dict[str, SettingValue], str, str]] = {
    "recipients": ({"keys.recipients": "mine.txt"}, "not_changeable", "keys.recipients"),
    "the root": ({"keys.root": "mine.json"}, "not_changeable", "keys.root"),
    "the station": ({"station.url": "https://mine.example"}, "not_changeable", "station.url"),
    "when it is full": ({"storage.when_full": "overwrite_sent"}, "not_changeable", "storage.when_full"),
    "the ledger": ({"ledger.keep_months": 1}, "not_changeable", "ledger.keep_months"),
    "no sound": ({"audio": False}, "not_changeable", "audio"),
    "one good and one bad": ({"gestures.hold_seconds": 2.5, "device_id": "HV-99"}, "not_changeable", "device_id"),
    "a longer term": ({"retention.days": 30}, "not_changeable", "retention.days"),
    "a shorter one by one person": ({"retention.days": 14}, "not_allowed", "retention.days"),
    "out of range": ({"gestures.hold_seconds": 99.0}, "not_valid", "gestures.hold_seconds"),
    "another kind of value": ({"gestures.hold_seconds": "long"}, "not_valid", "gestures.hold_seconds"),
    "a microphone": ({"microphone.device": "plughw:CARD=Device,DEV=0"}, "not_changeable", "microphone.device"),
    "one side of it": ({"microphone.channel": "right"}, "not_changeable", "microphone.channel"),
    "a speaker": ({"speaker.device": "Device"}, "not_changeable", "speaker.device"),
    "a focus that the module may not have": ({"video.focus": 1.0}, "not_changeable", "video.focus"),
    "a mirrored picture": ({"video.flip": "vertical"}, "not_changeable", "video.flip"),
    "no such zone": ({"timezone": "Mars/Olympus"}, "not_valid", "timezone"),
    "no warning in that language": ({"warning.language": "fy"}, "not_valid", "warning.language"),
    "a turned picture": ({"video.rotation": 180}, "not_changeable", "video.rotation"),
}


@one_in(4)
@pytest.mark.parametrize("case", REFUSED)
def test_what_may_not_be_changed_or_would_not_start_is_refused_with_its_key(camera: ConfiguredCamera, case: str) -> None:
    changes, outcome, key = REFUSED[case]
    told = camera.deliver(camera.ordering(changes))
    assert (told.outcome, told.done) == (outcome, False)
    assert key in told.why
    assert (camera.files, camera.settings.waiting) == ([], None)
    (refused,) = camera.details(OrderRefused)
    assert isinstance(refused, OrderRefused)
    assert refused.reason == outcome
    assert camera.details(OrderAccepted) == []


@only_in_full
def test_who_may_not_change_settings_does_not(camera: ConfiguredCamera) -> None:
    good = camera.to_change(gestures__hold_seconds=2.5).order
    others = {
        "not_signed": ordered(good, "E-02"),
        "not_allowed": ordered(replace(good, person="E-01")),
        "not_a_person": ordered(replace(good, person="X-01")),
        "not_this_camera": ordered(replace(good, cameras=("IN-01",))),
        "newer_roster": ordered(replace(good, roster=replace(good.roster, version=99))),
        "order_ended": ordered(replace(good, made_at="2026-01-01T00:00:00.000000Z", not_after="2026-01-08T00:00:00.000000Z")),
        "other_municipality": ordered(replace(good, municipality="elders")),
    }
    now = Now(camera.clock.wall_us, trusted=True)
    assert {camera.deliver(order, now).outcome for order in others.values()} == set(others)
    assert (camera.files, camera.details(OrderAccepted)) == ([], [])


@only_in_full
def test_a_contradiction_with_the_file_is_refused(camera: ConfiguredCamera) -> None:
    """Each value is right by itself."""
    camera.write_file(video={"source": "file", "file": "film.mp4"})
    told = camera.deliver(camera.to_change(gestures__hold_seconds=2.5))
    assert (told.outcome, "video.file" in told.why) == ("not_valid", True), "what would not start is not tried"


@only_in_full
def test_a_file_that_root_breaks_afterwards_stops_the_start_and_says_who_set_what(camera: ConfiguredCamera, tmp_path: Path) -> None:
    camera.deliver(camera.to_change(gestures__hold_seconds=2.5))
    camera.start_again()
    camera.orders.confirm_settings(camera.enter)
    camera.write_file(gestures="none")
    with pytest.raises(ConfigError, match=r"gestures: "):
        configuration.load(camera.file, {"gestures.hold_seconds": 2.5})
    camera.write_file(gestures={"hold_seconds": 1.5})
    camera.until_it_starts()
    assert camera.hold_seconds == 2.5, "the order stays over the file"
    with pytest.raises(ConfigError, match=r"hold_seconds: .*, as an order set it"):
        configuration.load(camera.file, {"gestures.hold_seconds": 99.0})


@pytest.mark.parametrize("name", ["in-force.json", "next.json", "ready.json"])
def test_a_file_that_nobody_ordered_is_set_aside_before_anything_is_recorded(camera: ConfiguredCamera, name: str) -> None:
    """Signed as it should be, and never delivered: who can write the folder has no say."""
    planted = ordered_settings.kept([camera.to_change(gestures__hold_seconds=3.5)])
    camera.close()
    ordered_settings.write(camera.folder, name, planted)
    with pytest.raises(StorageError, match="not the settings that the ledger states"):
        camera.switch_on()
    assert camera.files == ["set-aside.json"]
    camera.until_it_starts()
    assert camera.hold_seconds == 2.0


@only_in_full
def test_an_earlier_set_of_orders_does_not_come_back(camera: ConfiguredCamera) -> None:
    kept = []
    for number, seconds in enumerate((2.5, 3.0)):
        camera.deliver(camera.to_change(number, gestures__hold_seconds=seconds))
        camera.start_again()
        camera.orders.confirm_settings(camera.enter)
        kept.append((camera.folder / "in-force.json").read_bytes())
    camera.close()
    (camera.folder / "in-force.json").write_bytes(kept[0])
    camera.until_it_starts()
    assert camera.hold_seconds == 2.0, "set aside: the file's own settings, and the ledger says so"
    assert camera.settings_in_force()[-1].orders == ()


@only_in_full
@one_in(4)
@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"orders":[]}', b'{"orders":["AAAA"]}', b'{"orders":[1]}', b"[" * 100_000, b"\xff" * 2_000_000]
)
def test_a_damaged_file_counts_as_none_and_the_ledger_says_so(camera: ConfiguredCamera, raw: bytes) -> None:
    camera.deliver(camera.to_change(gestures__hold_seconds=2.5))
    camera.start_again()
    camera.orders.confirm_settings(camera.enter)
    (camera.folder / "in-force.json").write_bytes(raw)
    with pytest.raises(DataError):
        ordered_settings.read(raw, "x")
    camera.until_it_starts()
    assert (camera.hold_seconds, camera.settings_in_force()[-1]) == (2.0, SettingsInForce())


def test_no_file_holds_what_no_order_changes(camera: ConfiguredCamera) -> None:
    for order in (camera.to_change(keys__recipients="mine.txt"), camera.to_hold(camera.record())):
        with pytest.raises(DataError, match="changes what no order changes"):
            ordered_settings.read(ordered_settings.kept([order]).raw, "x")


@settings(max_examples=count(30), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 14), st.booleans(), st.sampled_from([2.5, 3.0, 3.5])), min_size=1, max_size=3))
def test_a_cut_at_any_durable_step_leaves_one_whole_configuration(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[int, bool, float]]
) -> None:
    """Of each order: after how many durable steps the power goes, whether the camera becomes ready with it, and its setting. Whatever is
    cut, the settings in force are those of the last order that the ledger calls `configured`, and each order is done once."""
    patched = pytest.MonkeyPatch()
    try:
        camera = ConfiguredCamera(tmp_path_factory.mktemp("camera"), patched.setattr)
        camera.switch_on()
        expected = 2.0
        for number, (cut_after, becomes_ready, seconds) in enumerate(orders):
            order = camera.to_change(number, gestures__hold_seconds=seconds)
            camera.cut_after = cut_after
            try:
                assert (
                    camera.orders.deliver(order, camera.keeper.known_time(), WHO, camera.keeper.plan_order, camera.enter)[0].done is False
                )
                camera.start_again()
                if becomes_ready:
                    camera.orders.confirm_settings(camera.enter)
            except CutError:
                pass
            camera.cut_after = None
            camera.until_it_starts()
            if camera.settings.waiting is not None:  # cut before the recorder ended for it: no other start tries it
                assert (camera.settings.waiting, camera.settings.on_trial, camera.hold_seconds) == (order.id, None, expected)
                camera.start_again()
            if camera.settings.on_trial is not None:  # cut before it was tried: now it is
                assert (camera.settings.on_trial, camera.hold_seconds) == (order.id, seconds)
                if becomes_ready:
                    camera.orders.confirm_settings(camera.enter)
                camera.until_it_starts()
            stated = any(isinstance(one, OrderAccepted) and one.order == order.id for one in camera.details(OrderAccepted))
            outcomes = camera.outcomes(order)
            assert len(outcomes) == stated
            if outcomes == ["configured"]:
                assert becomes_ready
                expected = seconds
            assert camera.hold_seconds == expected
            assert not {"next.json", "ready.json", "trial.json"} & set(camera.files)
        camera.verified_types()
        camera.close()
    finally:
        patched.undo()


def test_the_merged_file_holds_what_counts(camera: ConfiguredCamera) -> None:
    first = camera.to_change(1, gestures__hold_seconds=2.5, reminder_seconds=60)
    second = camera.to_change(2, gestures__hold_seconds=3.0)
    found = ordered_settings.with_order(ordered_settings.with_order(None, first), second)
    assert found.changes == {"gestures.hold_seconds": 3.0, "reminder_seconds": 60}
    assert ordered_settings.read(found.raw, "x") == found
    body = second.order.body
    assert isinstance(body, Configuration)
    assert ordered_settings.with_order(found, second).orders[-1] == second


@only_in_full
def test_a_command_that_stands_in_for_the_recorder_tries_nothing(camera: ConfiguredCamera) -> None:
    camera.deliver(camera.to_change(gestures__hold_seconds=2.5))
    config = configuration.load(camera.file)
    assert ordered_settings.in_force(config, camera.file) == config
    assert camera.files == ["next.json"]
    camera.start_again()
    camera.orders.confirm_settings(camera.enter)
    assert ordered_settings.in_force(config, camera.file).gestures.hold_seconds == 2.5
