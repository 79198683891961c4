"""What a help call does not wait for, and what it is bounded by: other cameras, tests, clocks, a stolen key."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bodycamd.errors import DataError, StoreBusyError
from bodycamd.evidence.help_call import decode_sent, judge_sent, sign_call
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.duties import Duties
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.help_index import MOST_CALLS
from bodycamd.municipality.station.help_words import HelpMessage
from bodycamd.municipality.station.staging import Staging
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW_US, key
from tests.evidence.test_help_call import CALL
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for
from tests.municipality.station.at_station import Scene
from tests.municipality.station.conftest import HELP, STATION_KEY
from tests.municipality.station.test_help import FIRST, called, events, people, post


@only_in_full
def test_a_camera_calls_so_often_and_no_more(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has its message key signs calls without end; each would be a message that costs money and wears people out."""
    first = called(0)
    assert [post(scene, called(nonce)) for nonce in range(MOST_CALLS)] == [200] * MOST_CALLS
    before = events(scene)
    assert [post(scene, called(nonce)) for nonce in range(MOST_CALLS, MOST_CALLS + 4)] == [503] * 4
    assert (len(people(scene)), events(scene)) == (MOST_CALLS, before), "nobody is called, and no line of the log is made"
    assert len([one for one in caplog.records if "message key" in one.message]) == 1
    assert post(scene, first) == 200, "one that was taken is confirmed as before"
    assert post(scene, called(99, test=True, recording=None, officer=None)) == 200, "tests count by themselves"
    scene.station.now += 601
    at = wall_text(scene.station.now * 1_000_000)
    assert post(scene, called(MOST_CALLS, at=at)) == 200
    scene.station.now -= 1_000
    assert post(scene, called(98)) == 200, "a clock that was set back does not end all calling"


def test_no_cameras_calling_waits_for_another_ones(scene: Scene) -> None:
    """Both commands run at the same time: each ends when the other one has begun."""
    both = threading.Barrier(2)
    names = list[str]()

    def run(to: str, message: HelpMessage) -> bool:
        if message.text.startswith("NOG NIET"):
            both.wait(20)
            names.append("HV-01" if "HV-01" in message.text else "HV-02")
        return True

    station = scene.station
    desk = HelpDesk("station-1", STATION_KEY, station.desk.index, HELP, now_us=lambda: station.now * 1_000_000, run=run)
    other = sign_call(replace(CALL, camera="HV-02", at=wall_text(NOW_US), nonce="9" * 32), key("HV-02 message_key"))
    for call in (called(1), called(2)):
        desk.take(call.document.file_bytes, IN_FORCE, "HV-01")
    desk.index.add(other, station.now * 1_000_000)
    desk.index.begin(other.id, 0, station.now * 1_000_000, called=0)
    station.now += 30
    desk.call_next()
    assert sorted(names) == ["HV-01", "HV-02"], "one of each camera"


def test_a_clock_that_nobody_confirms_refuses_no_call(scene: Scene) -> None:
    """A station whose clock is ahead would find every call too old."""
    station = scene.station
    confirmed = [False, True]
    desk = HelpDesk(
        "station-1",
        STATION_KEY,
        station.desk.index,
        HELP,
        now_us=lambda: NOW_US + 3_600_000_000,
        confirmed=lambda: confirmed.pop(0),
        run=station.reach,
    )
    desk.take(called(1).document.file_bytes, IN_FORCE, "HV-01")
    assert people(scene) == [FIRST]
    with pytest.raises(DataError, match="kept it back"):
        desk.take(called(2).document.file_bytes, IN_FORCE, "HV-01")


@only_in_full
def test_an_old_call_is_forgotten_though_no_new_one_comes(scene: Scene) -> None:
    """It names an officer's shift."""
    confirmed = False
    station, call = scene.station, called()
    index = station.desk.index
    desk = HelpDesk("station-1", STATION_KEY, index, HELP, now_us=lambda: station.now * 1_000_000, confirmed=lambda: confirmed)
    post(scene, call)
    station.now += 28 * 86_400 + 1
    desk.forget()
    assert index.call(call.id) is not None, "a clock that nobody confirms forgets nothing"
    confirmed = True
    duties = Duties(Staging(scene.station.root / "staging"), cast(Any, None), cast(Any, None), None, desk)

    async def hourly() -> None:
        task = asyncio.create_task(duties._forget_calls(desk))
        await asyncio.to_thread(wait_for, lambda: index.call(call.id) is None, 20, "it is forgotten")
        task.cancel()

    asyncio.run(hourly())


@only_in_full
def test_a_call_does_not_wait_for_a_test(scene: Scene) -> None:
    """The trial of the command lasts for minutes where it hangs, with every person of the list."""
    go = threading.Event()
    tried = list[str]()

    def run(to: str, message: HelpMessage) -> bool:
        if message.text.startswith("Proef"):
            tried.append(to)
            go.wait(60)
        return True

    desk = HelpDesk("station-1", STATION_KEY, scene.station.desk.index, HELP, now_us=lambda: scene.station.now * 1_000_000, run=run)
    test = called(1, test=True, recording=None, officer=None).document.file_bytes
    began = time.monotonic()
    for why in ("tried", "under way"):
        with pytest.raises(StoreBusyError, match=why):
            desk.take(test, IN_FORCE, "HV-01")
    assert judge_sent(decode_sent(desk.take(called(2).document.file_bytes, IN_FORCE, "HV-01"), "x"), IN_FORCE, "HV-01") == "accepted"
    assert time.monotonic() - began < 30, "while the trial still waits"
    go.set()
    wait_for(lambda: not desk._busy, 20, "the trial is over")
    assert judge_sent(decode_sent(desk.take(test, IN_FORCE, "HV-01"), "x"), IN_FORCE, "HV-01") == "accepted"
    assert tried == list(HELP.to), "once"
