"""When a recorder ends for other settings: only where nobody needs it, and not before it has rested."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import Leaving, Policy, State
from bodycamd.camera.daemon import restarting
from bodycamd.camera.daemon.restarting import REST_US, Restarting, rests, unfit
from bodycamd.camera.keeping.ordered_settings import Found
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.errors import StorageError
from bodycamd.linux.clock import SettableClock

STANDBY = State(Policy(), name="standby")


@pytest.mark.parametrize(
    ("state", "shift_open", "charging", "expected"),
    [
        (STANDBY, False, None, True),
        (STANDBY, False, False, True),
        (STANDBY, True, True, True),
        (STANDBY, True, False, False),
        (STANDBY, True, None, False),
        (replace(STANDBY, name="starting"), False, True, False),
        (replace(STANDBY, name="warning"), False, True, False),
        (replace(STANDBY, name="recording"), False, True, False),
        (replace(STANDBY, name="closing"), False, True, False),
        (replace(STANDBY, checking=True), False, True, False),
        (replace(STANDBY, leaving=Leaving("shutdown", False, 0, 1)), False, True, False),
    ],
)
def test_nobody_needs_it(state: State, shift_open: bool, charging: bool | None, expected: bool) -> None:
    assert rests(state, shift_open=shift_open, charging=charging) is expected


class Bench:
    def __init__(self, folder: Path) -> None:
        self.clock, self.events, self.state = SettableClock(), list[ev.Event](), STANDBY
        self.settings = SettingOrders(Found(folder, folder / "x.yaml"), "0" * 64)
        control = cast(Any, SimpleNamespace(handle=self.events.append))
        self.restarting = Restarting(self.settings, control, self.clock, lambda: False, lambda: None)
        self.control = control

    def look(self, state: State, after_us: int) -> int:
        self.control.state = state
        self.clock.advance(after_us)
        self.restarting.look()
        return len(self.events)


def test_it_ends_only_after_a_rest_that_begins_anew_with_each_recording(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.look(STANDBY, 10 * REST_US) == 0, "nothing waits"
    bench.settings.waiting = "ab" * 32
    assert bench.look(replace(STANDBY, name="recording"), REST_US) == 0
    assert bench.look(STANDBY, REST_US) == 0
    assert bench.look(STANDBY, REST_US - 1) == 0
    assert bench.look(replace(STANDBY, name="warning"), 1) == 0
    assert bench.look(STANDBY, REST_US) == 0
    assert bench.look(STANDBY, REST_US) == 1
    assert bench.events == [ev.ShutdownRequested()]


def test_what_is_tried_and_not_fit_goes_back_by_another_start(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.restarting.put_back("the capture worker did not become ready")
    assert bench.look(STANDBY, 1) == 0
    assert bench.look(STANDBY, REST_US) == 1


@pytest.mark.parametrize(("after", "fails", "confirmed", "back"), [(0, False, 1, 0), (2, False, 1, 0), (99, False, 0, 1), (0, True, 1, 1)])
def test_what_is_tried_is_confirmed_once_it_is_ready_and_goes_back_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, fails: bool, confirmed: int, back: int
) -> None:
    """`after` so many looks, twenty seconds apart, the worker stands by; `fails`: the card does not take the entry."""
    monkeypatch.setattr(restarting, "PAUSE_SECONDS", 0)
    bench, looks, asked = Bench(tmp_path), list[int](), list[int]()
    bench.settings.on_trial = "ab" * 32

    def worker() -> WorkerStatus:
        looks.append(1)
        bench.clock.advance(20_000_000)
        return cast(WorkerStatus, SimpleNamespace(prepared=len(looks) > after))

    async def confirm() -> None:
        asked.append(1)
        if fails:
            raise StorageError("no space left on device")

    asyncio.run(bench.restarting.judge(worker, lambda: None, confirm))
    assert (len(asked), bench.look(STANDBY, 1), bench.look(STANDBY, REST_US)) == (confirmed, 0, back)


def test_where_nothing_is_tried_nothing_is_confirmed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    asyncio.run(bench.restarting.judge(cast(Any, None), cast(Any, None), cast(Any, None)))
    assert bench.look(STANDBY, REST_US) == 0


def test_fit_is_a_camera_that_would_record_and_be_heard() -> None:
    worker = cast(WorkerStatus, SimpleNamespace(prepared=True))
    assert unfit(worker, None, voice_counts=False) is None
    assert unfit(worker, ev.VoiceHealth(True, ""), voice_counts=True) is None
    assert unfit(worker, ev.VoiceHealth(False, "no such card"), voice_counts=True) == "the voice cannot speak: no such card"
    assert unfit(worker, None, voice_counts=True) == "the voice cannot speak: it does not say how it is"
    assert unfit(cast(WorkerStatus, SimpleNamespace(prepared=False)), None, voice_counts=False) is not None
