"""When a recorder ends for other settings: only where nobody needs it, and not before it has rested."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import Leaving, Policy, State
from bodycamd.camera.daemon import restarting
from bodycamd.camera.daemon.restarting import PUT_BACK_REST_US, REST_US, Restarting, is_quiet, rests, unfit
from bodycamd.camera.keeping.ordered_settings import Found
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.errors import StorageError
from bodycamd.linux.clock import SettableClock

STANDBY = State(Policy(), name="standby")


BUSY = [
    *(replace(STANDBY, name=name) for name in ("starting", "warning", "recording", "closing")),
    replace(STANDBY, checking=True),
    replace(STANDBY, leaving=Leaving("shutdown", False, 0, 1)),
]


@pytest.mark.parametrize(
    ("shift_open", "charging", "calling", "expected"),
    [
        (False, True, False, True),
        (True, True, False, True),
        (False, None, False, True),
        (False, False, False, False),  # on the street, where no shifts are used
        (True, False, False, False),
        (True, None, False, False),
        (False, True, True, False),  # it would be lost
    ],
)
def test_nobody_needs_it(shift_open: bool, charging: bool | None, calling: bool, expected: bool) -> None:
    assert rests(STANDBY, shift_open=shift_open, charging=charging, calling=calling) is expected


@pytest.mark.parametrize("state", BUSY)
def test_a_camera_that_is_at_work_does_not_rest(state: State) -> None:
    assert not rests(state, shift_open=False, charging=True, calling=False)
    assert not is_quiet(state)


class Bench:
    """On the street: in a shift, and not on its supply, as soon as `on_the_street` is set. `stands`: what the card says of what waits;
    `before_told` happens meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.events = SettableClock(), list[ev.Event]()
        self.settings = SettingOrders(Found(folder, folder / "x.yaml"), "0" * 64)
        self.control = cast(Any, SimpleNamespace(handle=self.events.append, state=STANDBY))
        self.worker = WORKS
        self.on_the_street = self.calling = False
        self.stands: bool | Exception = True
        self.asked = 0
        self.before_told: Callable[[], None] = lambda: None
        self.restarting = Restarting(
            self.settings,
            self.control,
            self.clock,
            shift_open=lambda: self.on_the_street,
            charging=lambda: False if self.on_the_street else None,
            calling=lambda: self.calling,
            worker=lambda: self.worker,
            stand=self.stand,
        )

    async def stand(self) -> bool:
        self.asked += 1
        self.before_told()
        if isinstance(self.stands, Exception):
            raise self.stands
        return self.stands

    def look(self, state: State, after_us: int) -> int:
        """The loop's thread: how many ends were asked for so far."""

        async def looked() -> None:
            self.restarting.look()
            for _ in range(5):
                await asyncio.sleep(0)

        self.control.state = state
        self.clock.advance(after_us)
        asyncio.run(looked())
        return len(self.events)


def as_worker(prepared: bool, last_frame_us: int | None = None) -> WorkerStatus:
    return cast(WorkerStatus, SimpleNamespace(prepared=prepared, last_frame_us=last_frame_us))


WORKS = as_worker(True)


def waiting(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.settings.waiting = "ab" * 32
    return bench


def test_it_ends_only_after_a_rest_that_begins_anew_with_each_recording(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.look(STANDBY, 10 * REST_US) == 0, "nothing waits"
    bench.settings.waiting = "ab" * 32
    assert bench.look(replace(STANDBY, name="recording"), REST_US) == 0
    assert bench.look(STANDBY, REST_US) == 0
    assert bench.look(STANDBY, REST_US - 1) == 0
    assert bench.look(replace(STANDBY, name="warning"), 1) == 0
    assert bench.look(STANDBY, REST_US) == 0
    assert (bench.asked, bench.restarting.ended_for_settings) == (0, False)
    assert bench.look(STANDBY, REST_US) == 1
    assert (bench.events, bench.restarting.ended_for_settings) == ([ev.ShutdownRequested()], True)


@pytest.mark.parametrize("stands", [False, StorageError("no space left on device"), ValueError("anything")])
def test_it_does_not_end_for_what_does_not_stand_any_more(tmp_path: Path, stands: bool | Exception) -> None:
    bench = waiting(tmp_path)
    bench.stands = stands
    bench.look(STANDBY, 0)
    assert bench.look(STANDBY, REST_US) == 0
    assert (bench.asked, bench.restarting.ended_for_settings) == (1, False)
    assert (bench.look(STANDBY, 1), bench.asked) == (0, 1), "and asks the card again after a rest only"


@pytest.mark.parametrize("what", ["a press", "a call"])
def test_it_does_not_end_where_it_was_needed_while_the_card_was_asked(tmp_path: Path, what: str) -> None:
    bench = waiting(tmp_path)

    def needed() -> None:
        if what == "a press":
            bench.control.state = replace(STANDBY, name="recording")
        else:
            bench.calling = True

    bench.before_told = needed
    bench.look(STANDBY, 0)
    assert bench.look(STANDBY, REST_US) == 0
    assert (bench.asked, bench.restarting.ended_for_settings) == (1, False)


def test_what_is_tried_and_not_fit_goes_back_by_another_start_on_the_street_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.on_the_street = True
    bench.restarting.put_back("the voice cannot speak")
    assert bench.look(replace(STANDBY, name="recording"), PUT_BACK_REST_US) == 0
    assert bench.look(STANDBY, PUT_BACK_REST_US) == 0
    assert bench.look(STANDBY, PUT_BACK_REST_US - 1) == 0
    assert bench.look(STANDBY, 1) == 1
    assert not bench.restarting.ended_for_settings, "nothing that waits is tried by it"


@pytest.mark.parametrize(("worker", "ends"), [(as_worker(False), 1), (as_worker(True), 0), (as_worker(False, last_frame_us=1), 0)])
def test_where_nothing_can_be_recorded_with_what_is_tried_it_goes_back_at_once(tmp_path: Path, worker: WorkerStatus, ends: int) -> None:
    bench = Bench(tmp_path)
    bench.on_the_street, bench.worker = True, worker
    bench.restarting.put_back("the capture worker did not become ready")
    assert bench.look(replace(STANDBY, name="recording"), 1) == ends


@pytest.mark.parametrize(
    ("after", "fails", "confirmed", "back"),
    [
        (0, None, 1, 0),
        (2, None, 1, 0),
        (99, None, 0, 1),
        (0, StorageError("no space left on device"), 1, 1),
        (0, ValueError("anything"), 1, 1),
    ],
)
def test_what_is_tried_is_confirmed_once_it_is_ready_and_goes_back_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, fails: Exception | None, confirmed: int, back: int
) -> None:
    """`after` so many looks, twenty seconds apart, the worker stands by; `fails`: the card does not take the entry."""
    bench, asked = judged(tmp_path, monkeypatch, after, fails)
    assert (len(asked), bench.look(STANDBY, 1), bench.look(STANDBY, PUT_BACK_REST_US)) == (
        confirmed,
        0 if after < 99 else 1,
        back + (after == 99),
    )


def test_what_is_the_file_in_force_already_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench, _ = judged(tmp_path, monkeypatch, 0, StorageError("no space left on device"), kept=True)
    assert (bench.look(STANDBY, 1), bench.look(STANDBY, REST_US)) == (0, 0)
    assert "are in force, and the next start states it: no space left on device" in caplog.text
    assert "go back" not in caplog.text


def judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, fails: Exception | None, *, kept: bool = False
) -> tuple[Bench, list[int]]:
    monkeypatch.setattr(restarting, "PAUSE_SECONDS", 0)
    bench, looks, asked = Bench(tmp_path), list[int](), list[int]()
    bench.settings.on_trial = "ab" * 32

    class Slow:
        last_frame_us = None

        @property
        def prepared(self) -> bool:
            looks.append(1)
            bench.clock.advance(10_000_000)
            return len(looks) > 2 * after

    bench.worker = cast(WorkerStatus, Slow())

    async def confirm() -> None:
        asked.append(1)
        bench.settings.is_kept = kept
        if fails is not None:
            raise fails

    asyncio.run(bench.restarting.judge(lambda: None, confirm))
    return bench, asked


def test_where_nothing_is_tried_nothing_is_confirmed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    asyncio.run(bench.restarting.judge(cast(Any, None), cast(Any, None)))
    assert bench.look(STANDBY, REST_US) == 0


def test_fit_is_a_camera_that_would_record_and_be_heard() -> None:
    worker = cast(WorkerStatus, SimpleNamespace(prepared=True))
    assert unfit(worker, None, voice_counts=False) is None
    assert unfit(worker, ev.VoiceHealth(True, ""), voice_counts=True) is None
    assert unfit(worker, ev.VoiceHealth(False, "no such card"), voice_counts=True) == "the voice cannot speak: no such card"
    assert unfit(worker, None, voice_counts=True) == "the voice cannot speak: it does not say how it is"
    assert unfit(cast(WorkerStatus, SimpleNamespace(prepared=False)), None, voice_counts=False) is not None
