"""Signed orders on a camera: each is carried out once and whole, through cuts, restarts, repeats, and in whatever order they come."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.camera.keeping.orders import MAX_ACCEPTED, MAX_REFUSALS
from bodycamd.errors import StorageError, UsageError
from bodycamd.evidence import orders
from bodycamd.evidence.noted_entries import OrderAccepted, OrderDone, OrderRefused, OrdersNotSigned
from bodycamd.evidence.orders import Hold, Interval, Order
from bodycamd.evidence.roster import DAY_US
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import Stated, wall_text
from tests.camera.keeping.ordered_camera import UPLINK, CutError, OrderedCamera
from tests.evidence.ordering import HOLD, SETTINGS, SHIFT, UPDATE, ordered
from tests.evidence.rostering import NOW_US
from tests.kit.resting_camera import DAY, HOUR
from tests.kit.scale import count, only_in_full

MINUTE_US = 60_000_000


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[OrderedCamera]:
    camera = OrderedCamera(tmp_path).switch_on()
    camera.settle()
    yield camera
    camera.close()


def test_an_order_is_stated_whole_then_carried_out_then_reported(camera: OrderedCamera) -> None:
    name = camera.record()
    hold = camera.to_hold(name)
    told = camera.deliver(hold)
    assert (told.id, told.outcome, told.done) == (hold.id, "held", True)
    assert camera.held == [(name, hold.id)]
    assert camera.verified_types()[-3:] == ["order", "hold_added", "order_done"]
    (stated,) = camera.details(OrderAccepted)
    assert isinstance(stated, OrderAccepted)
    assert orders.decode(base64.b64decode(stated.document), "x") == hold
    assert (stated.by, stated.caller, stated.roster_ended) == ("E-01", UPLINK, False)
    camera.switch_off()
    camera.switch_on(off_us=60 * DAY)
    camera.settle()
    assert camera.present() == [name]


def test_a_repeat_gives_the_first_outcome_after_a_restart_too(camera: OrderedCamera) -> None:
    hold = camera.to_hold(camera.record())
    camera.deliver(hold)
    camera.deliver(release := camera.to_release(hold.id))
    for _ in range(2):
        before = camera.verified_types()
        assert (camera.deliver(hold).outcome, camera.deliver(release).outcome) == ("held", "released")
        assert (camera.held, camera.verified_types()) == ([], before), "a repeat writes nothing"
        camera.switch_off()
        camera.switch_on()


def test_one_release_ends_one_hold_of_two_on_a_recording(camera: OrderedCamera) -> None:
    name = camera.record()
    first, second, own = camera.to_hold(name, 1), camera.to_hold(name, 2), camera.hold(name)
    camera.deliver(first)
    camera.deliver(second)
    camera.deliver(camera.to_release(first.id))
    assert camera.held == [(name, own), (name, second.id)]
    assert camera.deliver(camera.to_release(own, nonce=2)).outcome == "released"
    assert camera.held == [(name, second.id)]


def test_what_two_people_must_release_nobody_releases_at_the_camera(camera: OrderedCamera) -> None:
    name = camera.record()
    hold = camera.to_hold(name)
    camera.deliver(hold)
    with pytest.raises(UsageError, match="an order that two people sign"):
        camera.release(name)
    with pytest.raises(UsageError, match="an order that two people sign"):
        camera.release_hold(hold.id)
    assert camera.held == [(name, hold.id)]


def test_a_release_that_comes_first_ends_the_hold_when_it_comes(camera: OrderedCamera) -> None:
    name = camera.record()
    hold = camera.to_hold(name)
    assert camera.deliver(camera.to_release(hold.id)).outcome == "noted"
    camera.switch_off()
    camera.switch_on()
    assert camera.deliver(hold).outcome == "released_before"
    assert camera.held == []


def test_an_unknown_recording_is_refused_and_the_same_order_counts_when_it_is_known(camera: OrderedCamera) -> None:
    following = f"{camera.store.start:06d}-0001"
    hold = camera.to_hold(following)
    told = camera.deliver(hold)
    assert (told.outcome, told.done) == ("unknown_recording", False)
    assert camera.record(close=False) == following
    assert camera.deliver(hold).outcome == "held", "an open one can be held"


def test_a_hold_counts_under_a_roster_that_ended_long_ago_and_says_so(camera: OrderedCamera) -> None:
    name = camera.record()
    late = Now(NOW_US + 365 * DAY_US, trusted=True)
    assert camera.deliver(camera.to_release("ab" * 32), late).outcome == "roster_ended"
    assert camera.deliver(camera.to_hold(name), late).outcome == "held"
    (stated,) = camera.details(OrderAccepted)
    assert isinstance(stated, OrderAccepted)
    assert stated.roster_ended


def interval(since_us: int, until_us: int) -> Order:
    body = HOLD.body
    assert isinstance(body, Hold)
    meant = replace(body, recording=None, interval=Interval(since=wall_text(since_us), until=wall_text(until_us)))
    return replace(HOLD, body=meant, made_at=wall_text(until_us + DAY_US))


def test_an_interval_holds_what_may_overlap_it_and_nothing_else(camera: OrderedCamera) -> None:
    """By a confirmed clock: with five minutes on either side."""
    names, times = [], []
    for _ in range(3):
        times.append(camera.clock.wall_us)
        names.append(camera.record())
        camera.run(HOUR)
    hold = ordered(interval(times[1] + MINUTE_US, times[1] + 10 * MINUTE_US))
    assert camera.deliver(hold).outcome == "held"
    assert camera.held == [(names[1], hold.id)]
    assert camera.deliver(camera.to_release(hold.id)).outcome == "released"
    assert camera.held == []
    before_all = ordered(interval(times[0] - 20 * DAY_US, times[0] - 19 * DAY_US))
    assert camera.deliver(before_all).outcome == "no_recording"


def test_a_recording_that_no_clock_places_may_have_been_then(tmp_path: Path) -> None:
    camera = OrderedCamera(tmp_path)
    camera.clock.trusted = False
    camera.switch_on()
    name = camera.record()
    hold = ordered(interval(NOW_US - 3 * DAY_US, NOW_US - 2 * DAY_US))
    assert camera.deliver(hold).outcome == "held"
    assert camera.held == [(name, hold.id)]


def test_many_recordings_are_held_some_at_a_time_and_none_is_deleted_meanwhile(
    camera: OrderedCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Footage waits for what is written in one go. The first look of retention after it holds the others before it deletes."""
    monkeypatch.setattr("bodycamd.camera.keeping.orders.AT_ONCE", 2)
    names = [camera.record(segments=1, fragments=1) for _ in range(5)]
    camera.clock.wall_us += 27 * DAY
    camera.clock.boottime_us += 27 * DAY
    hold = ordered(interval(NOW_US, NOW_US + DAY_US))
    told = camera.deliver(hold)
    assert (told.outcome, told.done, told.why) == ("accepted", False, "3 recordings are to follow")
    assert [name for name, _ in camera.held] == names[:2]
    camera.clock.wall_us += 3 * DAY
    camera.clock.boottime_us += 3 * DAY
    assert camera.sweep() == []
    assert [name for name, _ in camera.held] == names
    assert camera.deliver(hold).outcome == "held"
    more = camera.to_release(hold.id)
    assert [camera.deliver(more).outcome for _ in range(4)] == ["accepted", "accepted", "released", "released"]
    assert camera.held == []


def test_a_hold_that_comes_between_two_deletions_holds_all_of_its_recordings(
    camera: OrderedCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep that has begun carries it out before it goes on."""
    monkeypatch.setattr("bodycamd.camera.keeping.orders.AT_ONCE", 2)
    names = [camera.record(segments=1, fragments=1) for _ in range(6)]
    camera.clock.wall_us += 30 * DAY
    camera.clock.boottime_us += 30 * DAY
    camera.keeper._look()
    sweep = camera.keeper._sweep(camera.enter)
    while camera.present() == names:
        next(sweep)
    hold = ordered(interval(NOW_US, NOW_US + DAY_US))
    assert (camera.deliver(hold).done, len(camera.held)) == (False, 2)
    for _ in sweep:
        pass
    assert camera.present() == names[1:]
    assert [name for name, _ in camera.held] == names[1:]


def test_what_cannot_be_carried_out_yet_keeps_everything(camera: OrderedCamera) -> None:
    """The disk takes the order and then no more: no sweep deletes before it has taken the hold."""
    name = camera.record()
    camera.disk_refuses(camera.to_hold(name), 1)
    camera.run(30 * DAY, pace_us=DAY, sweep=False)

    def refused(_: Stated) -> None:
        raise StorageError("no space left on device")

    with pytest.raises(StorageError):
        camera.keeper.sweep(refused)
    assert camera.present() == [name]


@pytest.mark.parametrize("entries", [0, 1, 2])
def test_a_cut_after_each_entry_loses_no_hold_that_was_stated(camera: OrderedCamera, entries: int) -> None:
    hold = camera.to_hold(camera.record())
    camera.cut_after = entries
    with pytest.raises(CutError):
        camera.deliver(hold)
    assert bool(camera.held) == (entries > 0), "completed by the next start"
    assert camera.deliver(hold).outcome == "held"
    types = camera.verified_types()
    assert [types.count(kind) for kind in ("order", "hold_added", "order_done")] == [1, 1, 1]


@pytest.mark.parametrize("entries", [1, 2])
@pytest.mark.parametrize("held", [True, False])
def test_a_release_that_a_cut_interrupted_is_told_as_what_it_was(camera: OrderedCamera, entries: int, held: bool) -> None:
    hold = camera.to_hold(camera.record())
    if held:
        camera.deliver(hold)
    release = camera.to_release(hold.id)
    camera.cut_after = entries if held else 1
    with pytest.raises(CutError):
        camera.deliver(release)
    assert camera.held == []
    assert camera.deliver(release).outcome == ("released" if held else "noted")
    assert camera.deliver(hold).outcome == ("held" if held else "released_before")
    assert camera.held == []


@only_in_full
@pytest.mark.parametrize("entries", [1, 2])
def test_what_the_disk_left_half_done_is_completed_before_anything_is_deleted(camera: OrderedCamera, entries: int) -> None:
    name = camera.record()
    hold = camera.to_hold(name)
    camera.run(27 * DAY, pace_us=DAY)
    camera.disk_refuses(hold, entries)
    camera.run(3 * DAY, pace_us=HOUR)
    assert camera.present() == [name]
    assert camera.held == [(name, hold.id)]
    assert camera.deliver(hold).outcome == "held"


def test_a_change_of_shift_is_handed_out_once_and_is_interrupted_by_a_cut(camera: OrderedCamera) -> None:
    shift = ordered(SHIFT)
    told = camera.deliver(shift)
    assert (told.outcome, told.done, camera.change) == ("accepted", False, SHIFT.body)
    camera.sweep()
    assert camera.deliver(shift).why == "it is being carried out"
    assert camera.change is None
    assert camera.orders.finish(shift.id, "shift_begun", camera.enter).done
    assert camera.deliver(shift).outcome == "shift_begun"
    other = ordered(replace(SHIFT, nonce="1" * 32))
    camera.deliver(other)
    camera.switch_off(clean=False)
    camera.switch_on()
    assert camera.deliver(other).outcome == "interrupted"


@pytest.mark.parametrize("order", [SETTINGS, UPDATE])
def test_what_this_camera_does_not_carry_out_is_refused_and_not_used_up(camera: OrderedCamera, order: Order) -> None:
    told = camera.deliver(ordered(order))
    assert (told.outcome, told.done) == ("not_carried_out", False)


@only_in_full
def test_the_network_cannot_fill_the_ledger(camera: OrderedCamera) -> None:
    """In one hour: what nobody signed is one entry, refusals are ten for each signer, orders sixty."""
    forged = ordered(HOLD, "E-02")
    for _ in range(40):
        assert camera.deliver(forged).outcome == "not_signed"
    for number in range(15):
        assert camera.deliver(ordered(replace(HOLD, person="C-01", nonce=f"{number:032x}"))).outcome == "not_allowed"
        assert camera.deliver(ordered(replace(HOLD, person="P-01", nonce=f"{number:032x}"))).outcome == "not_allowed"
    assert [len(camera.details(kind)) for kind in (OrdersNotSigned, OrderRefused)] == [1, 2 * MAX_REFUSALS]
    name = camera.record()
    outcomes = [camera.deliver(camera.to_hold(name, number)).outcome for number in range(MAX_ACCEPTED + 5)]
    assert outcomes == ["held"] * MAX_ACCEPTED + ["too_many"] * 5
    assert len(camera.details(OrderAccepted)) == len(camera.details(OrderDone)) == MAX_ACCEPTED
    camera.run(HOUR)
    counted = [detail.documents for detail in camera.details(OrdersNotSigned) if isinstance(detail, OrdersNotSigned)]
    assert sum(counted) == 40 + 2 * (15 - MAX_REFUSALS) + 5
    assert len(counted) == 2
    assert camera.deliver(camera.to_hold(name, MAX_ACCEPTED)).outcome == "held", "its id was not used up"


@only_in_full
def test_a_replay_after_the_ledger_was_shortened_does_nothing(tmp_path: Path) -> None:
    """Three months are kept. The recording has gone before; what is not a hold has ended."""
    camera = OrderedCamera(tmp_path, keep_months=1).switch_on()
    camera.settle()
    hold = camera.to_hold(camera.record())
    release = camera.to_release(hold.id)
    camera.deliver(hold)
    camera.deliver(release)
    for _ in range(5):
        camera.switch_off()
        camera.switch_on(off_us=20 * DAY)
        camera.settle()
    assert "ledger_shortened" in camera.verified_types()
    assert camera.details(OrderAccepted) == []
    assert camera.deliver(hold).outcome == "unknown_recording"
    assert camera.deliver(release).outcome in ("order_ended", "roster_ended")


ARRIVING = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.integers(0, 3)),
        st.tuples(st.just("release"), st.integers(0, 3)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("cut"), st.integers(0, 2)),
    ),
    max_size=14,
)


@only_in_full
@settings(max_examples=count(40), deadline=None)
@given(ARRIVING)
def test_no_hold_is_lost_and_none_comes_back_in_whatever_order_all_arrives(
    tmp_path_factory: pytest.TempPathFactory, arriving: list[tuple[str, int]]
) -> None:
    """Two recordings, two holds on each; each release names one. A hold is in force exactly if it came and no release of it did."""
    camera = OrderedCamera(tmp_path_factory.mktemp("camera")).switch_on()
    camera.settle()
    names = [camera.record(segments=1, fragments=1) for _ in range(2)]
    holds = [camera.to_hold(names[number % 2], number) for number in range(4)]
    releases = [camera.to_release(hold.id, nonce=number) for number, hold in enumerate(holds)]
    came: set[int] = set()
    ended: set[int] = set()
    for what, number in arriving:
        if what == "restart":
            camera.cut_after = None
            camera.switch_off(clean=False)
            camera.switch_on()
            continue
        if what == "cut":
            camera.cut_after = number
            continue
        order = holds[number] if what == "hold" else releases[number]
        try:
            camera.deliver(order)
        except CutError:
            camera.deliver(order)
        (came if what == "hold" else ended).add(number)
        assert sorted(camera.held) == sorted((names[one % 2], holds[one].id) for one in came - ended)
    camera.cut_after = None
    camera.switch_off(clean=False)
    camera.switch_on(off_us=60 * DAY)
    camera.settle()
    assert camera.present() == sorted({names[one % 2] for one in came - ended})
    camera.switch_off()
    camera.verified_types()
