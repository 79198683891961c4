"""Lamp and motor follow the table in time, on an event loop whose clock the test turns."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from bodycamd.camera.control.indicator import OFF, PULSES, STEADY, TABLE, RepeatedPulse
from bodycamd.camera.control.motor import MAX_WAITING
from bodycamd.camera.daemon.lamp_and_motor import HapticPlayer, LampPlayer


class Loop:
    """Just `time` and `call_later`; time moves only by `run`."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = 0

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: object) -> None:
        pass

    def call_later(self, seconds: float, callback: Callable[..., Any], *arguments: Any) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self.now + seconds, callback, arguments, self)  # type: ignore[arg-type]
        self._number += 1
        heapq.heappush(self._timers, (self.now + seconds, self._number, handle))
        return handle

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, handle = heapq.heappop(self._timers)
            if not handle.cancelled():
                handle._run()
        self.now = end


class Output:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.history: list[tuple[float, bool]] = []

    def set(self, on: bool) -> None:
        self.history.append((round(self._loop.now, 3), on))

    def close(self) -> None:
        self.set(False)


def lamp(loop: Loop) -> tuple[LampPlayer, Output]:
    output = Output(loop)
    return LampPlayer(output, lambda: round(loop.now * 1e6), loop), output  # type: ignore[arg-type]


def test_a_lamp_blinks_at_5_hz_and_the_same_pattern_runs_on_undisturbed() -> None:
    loop = Loop()
    player, output = lamp(loop)
    player.show(TABLE["blink"].lamp)
    loop.run(0.25)
    player.show(TABLE["blink"].lamp)
    loop.run(0.25)
    assert output.history == [(0.0, False), (0.0, True), (0.1, False), (0.2, True), (0.3, False), (0.4, True), (0.5, False)]


def test_steady_stays_without_another_switch_and_stop_darkens() -> None:
    loop = Loop()
    player, output = lamp(loop)
    player.show(STEADY)
    loop.run(3600)
    assert output.history == [(0.0, False), (0.0, True)]
    player.stop()
    loop.run(10)
    assert output.history[-1] == (3600.0, False)


def test_a_second_refusal_is_shown_from_its_beginning() -> None:
    loop = Loop()
    player, output = lamp(loop)
    player.show(TABLE["refused"].lamp, 1)
    loop.run(1.2)
    player.show(TABLE["refused"].lamp, 2)
    loop.run(5)
    assert [at for at, on in output.history if on] == [0.0, 1.0, 2.2, 3.2]
    player.show(OFF)
    assert output.history[-1][1] is False


def test_words_are_played_one_after_the_other_and_the_newest_of_many() -> None:
    loop = Loop()
    output = Output(loop)
    player = HapticPlayer(output, loop)  # type: ignore[arg-type]
    for _ in range(20):
        player.play("started")
    player.play("saved")
    loop.run(60)
    rises = [at for at, on in output.history if on]
    words = 1 + MAX_WAITING
    assert len(rises) == 2 * (words - 1) + 1
    assert output.history[-1][1] is False
    assert PULSES["saved"].length_us == round((output.history[-1][0] - rises[-1]) * 1e6)


def test_what_flaps_is_felt_every_ten_seconds_and_not_at_each_change() -> None:
    loop = Loop()
    output = Output(loop)
    player = HapticPlayer(output, loop)  # type: ignore[arg-type]
    missing = RepeatedPulse("missing", 0, 10_000)
    for _ in range(60):
        player.repeat(missing)
        loop.run(0.25)
        player.repeat(None)
        loop.run(0.25)
    trains = sum(1 for _, on in output.history if on) / 3
    assert 3 <= trains <= 4
    player.stop()
    assert output.history[-1][1] is False
