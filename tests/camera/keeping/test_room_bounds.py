"""What bounds the making of room: orders that come meanwhile, the roster and its end, and how long an answer counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.camera.keeping.making_room import STANDS_US
from bodycamd.camera.keeping.orders import Orders
from bodycamd.evidence.noted_entries import CopyShown, Uploaded
from bodycamd.evidence.signed_document import entry_text
from bodycamd.evidence.statements import wall_text
from tests.camera.keeping.ordered_camera import UPLINK
from tests.camera.keeping.test_making_room import Scene
from tests.camera.keeping.test_orders_carried_out import interval
from tests.evidence.ordering import IN_FORCE, ordered
from tests.evidence.rostering import FIRST, NOW_US, signed
from tests.kit.resting_camera import DAY, HOUR, MINUTE
from tests.kit.scale import only_in_full


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    found = Scene(tmp_path)
    yield found
    if found.camera._opened is not None:
        found.camera.switch_off(clean=False)


def test_a_hold_that_comes_between_two_deletions_holds_all_of_its_recordings(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is carried out, some recordings at a time, before the next one goes for room."""
    monkeypatch.setattr("bodycamd.camera.keeping.orders.AT_ONCE", 1)
    camera = scene.camera
    first, *others = [scene.sent(segments=1) for _ in range(4)]
    scene.station.answer_all()
    orders = Orders(camera.making_room._rosters, "HV-01", 28, camera.clock)
    camera.keeper.first = lambda enter: orders.complete(camera.keeper.plan_order, enter, camera.keeper.known_time)
    camera.short()
    camera.clock.advance(5_000_000)
    while camera.gone() != [first]:
        assert camera.keeper.step(camera.journal, recording=False)
    hold = ordered(interval(NOW_US, NOW_US + DAY))
    told, _ = orders.deliver(hold, camera.keeper.known_time(), UPLINK, camera.keeper.plan_order, camera.store.ledger.note)
    assert (told.outcome, told.done, len(camera.keeper.held())) == ("accepted", False, 1)
    camera.work()
    assert (camera.for_room(), camera.present(), camera.keeper.held()) == ([first], others, frozenset(others))
    assert scene.verdict() == 0


def test_another_stations_word_on_the_ledger_is_not_the_one_of_the_station_that_has_the_footage(scene: Scene) -> None:
    """The roster lists it no more, or never did: it may have the lines that closed the recording, and this one not."""
    camera = scene.camera
    name = scene.sent(segments=1, close=False)
    camera.close_recording(name, segments=1, duration_us=MINUTE)
    other = scene.book.sign(scene.book.unsigned(station="station-2"), by="station-2")
    document = entry_text(other.document)
    camera.store.ledger.note(Uploaded(receipt=other.id, document=document, roster_sha256="0" * 64, recording=None, segment=None))
    camera.short()
    assert scene.station.answer_all() == 0
    camera.work()
    assert camera.for_room() == []
    assert scene.receive_ledger() == "accepted"
    assert scene.station.answer_all() == 1
    camera.work()
    assert camera.for_room() == [name]


def test_an_answer_counts_no_longer_than_the_judges_of_the_deletion_say(scene: Scene) -> None:
    """The deletion is stated some moments after it was decided, and the day is over then."""
    camera, name = scene.camera, scene.sent(segments=1)
    assert scene.station.answer_all() == 1
    camera.run(DAY - 10_200_000, pace_us=DAY, sweep=False)  # of what follows the answer ten seconds
    camera.clock._step_us = 20_000
    camera.short()
    camera.work()
    camera.clock._step_us = 0
    assert (camera.for_room(), camera.present()) == ([], [name])
    assert scene.station.answer_all() == 1
    camera.run(DAY - 3 * MINUTE, pace_us=DAY, sweep=False)
    camera.work()
    assert camera.for_room() == [name]
    assert scene.verdict() == 0


@only_in_full
def test_a_station_that_left_the_roster_shows_nothing(scene: Scene) -> None:
    name = scene.sent(segments=1)
    scene.station.answer_all()
    scene.camera.in_force = signed(replace(FIRST, version=8, stations=()))
    scene.camera.switch_off()
    scene.camera.switch_on(same_boot=True)
    scene.camera.short()
    scene.camera.work()
    assert (scene.camera.for_room(), scene.camera.present()) == ([], [name])
    scene.camera.in_force = IN_FORCE
    scene.camera.switch_off()
    scene.camera.switch_on(same_boot=True)
    scene.camera.work()
    assert scene.camera.for_room() == [name]


def test_a_roster_that_has_ended_says_no_more_whose_word_counts(scene: Scene) -> None:
    """The next one, in which a stolen key of a station counts no more, can be kept back: for as long as this one lasts."""
    camera = scene.camera
    camera.in_force = signed(replace(FIRST, version=8, not_after=wall_text(camera.clock.wall_us + HOUR)))
    camera.switch_off()
    camera.switch_on(same_boot=True)
    shown, asked = scene.sent(segments=1), scene.sent(segments=1)
    question = camera.question()
    assert question is not None
    assert camera.tell(scene.station.answer(question)).done
    question = camera.question()
    assert question is not None
    assert question.recording == asked
    camera.clock.advance(HOUR)
    camera.short()
    camera.work()
    assert (camera.for_room(), camera.present()) == ([], [shown, asked])
    assert camera.tell(scene.station.answer(question)).outcome == "roster_ended"
    assert len(camera.details(CopyShown)) == 1
    camera.clock.advance(STANDS_US)
    assert camera.question() is None, "nothing is asked either"
    camera.in_force = signed(replace(FIRST, version=9))
    camera.switch_off()
    camera.switch_on(same_boot=True)
    camera.work()
    assert camera.for_room() == [shown], "of a newer roster it counts again"


def test_no_room_is_made_before_this_boots_clock_is_confirmed(scene: Scene) -> None:
    """Nobody knows then whether the roster has ended. A clock that was confirmed runs on by itself."""
    camera = scene.camera
    names = [scene.sent(segments=1), scene.sent(segments=1)]
    camera.switch_off()
    camera.clock.trusted = False
    camera.switch_on()
    camera.short()
    camera.work()
    assert (scene.station.answer_all(), camera.present()) == (0, names)
    camera.clock.trusted = True
    camera.settle()
    assert scene.station.answer_all() == 2
    camera.clock.trusted = False
    camera.work()
    assert camera.for_room() == names


def test_what_gives_no_room_is_not_followed_by_the_next(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """The uplink holds what it sent open: its blocks are free when it lets go."""
    camera = scene.camera
    first, second, third = (scene.sent(segments=1) for _ in range(3))
    scene.station.answer_all()
    camera.small.held_open = True
    camera.short()
    for _ in range(20):
        camera.work()
    assert (camera.for_room(), camera.gone(), camera.present()) == ([first], [first], [second, third])
    assert [first in record.message and "no more goes" in record.message for record in caplog.records] == [True]
    camera.small.held_open = False
    camera.clock.advance(10 * MINUTE)
    camera.work()
    assert camera.for_room() == [first, second, third]
    assert scene.verdict() == 0


def test_what_fails_beyond_all_expectation_is_tried_again_after_ten_minutes(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Not every five seconds: each time is a traceback in the journal of a card that is full."""
    camera, name = scene.camera, scene.sent(segments=1)
    scene.station.answer_all()
    camera.short()
    judged, camera.making_room.standings = camera.making_room.standings, None  # type: ignore[method-assign, assignment]
    for _ in range(60):
        camera.work()
    assert [record.message for record in caplog.records].count("retention failed") == 1
    camera.making_room.standings = judged  # type: ignore[method-assign]
    camera.clock.advance(5 * MINUTE)
    camera.work()
    assert camera.for_room() == [name]
