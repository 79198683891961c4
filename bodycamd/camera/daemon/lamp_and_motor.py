"""Plays the indicator's patterns on the lamps and the motor: timers only. The language itself is the table in `control.indicator`."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

from bodycamd.camera.board.ports import Haptic, Lamp
from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import OFF, PULSES, LampPattern, RepeatedPulse


class LampPlayer:
    """Shows one pattern at a time. A new pattern or a new episode starts at its beginning; the same one runs on."""

    def __init__(self, lamp: Lamp, now_us: Callable[[], int], loop: asyncio.AbstractEventLoop) -> None:
        self._lamp = lamp
        self._now_us = now_us
        self._loop = loop
        self._shown: tuple[LampPattern, int] = (OFF, 0)
        self._since_us = now_us()
        self._lit: bool | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn()

    def show(self, pattern: LampPattern, episode_us: int = 0) -> None:
        """Show this pattern until another is given."""
        if (pattern, episode_us) != self._shown:
            self._shown = (pattern, episode_us)
            self._since_us = self._now_us()
            self._turn()

    def stop(self) -> None:
        """Dark, and no more timers."""
        self._cancel()
        self._set(False)

    def _turn(self) -> None:
        self._cancel()
        on, change_in_us = self._shown[0].level(self._now_us() - self._since_us)
        self._set(on)
        if change_in_us is not None:
            self._timer = self._loop.call_later(change_in_us / 1e6, self._turn)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, on: bool) -> None:
        if on != self._lit:
            self._lamp.set(on)
            self._lit = on


class HapticPlayer:
    """Plays pulse trains one after the other, with a pause between, and repeats the one that a row of the table asks for."""

    PAUSE_SECONDS = 0.5
    MAX_WAITING = 4
    """More than the officer can tell apart is not played: of a long queue the newest count."""

    def __init__(self, haptic: Haptic, loop: asyncio.AbstractEventLoop) -> None:
        self._haptic = haptic
        self._loop = loop
        self._waiting: deque[HapticName] = deque(maxlen=self.MAX_WAITING)
        self._playing: LampPattern | None = None
        self._started = 0.0
        self._step: asyncio.TimerHandle | None = None
        self._repeated: RepeatedPulse | None = None
        self._repeated_at: dict[HapticName, float] = {}
        self._again: asyncio.TimerHandle | None = None

    def play(self, name: HapticName) -> None:
        """Play a train once, after those that wait."""
        self._waiting.append(name)
        if self._step is None:
            self._next()

    def repeat(self, pulse: RepeatedPulse | None) -> None:
        """From now on repeat this train; `None`: none. The same one runs on undisturbed, and one that was left and comes back keeps its
        distance."""
        if pulse == self._repeated:
            return
        self._repeated = pulse
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if pulse is not None:
            now = self._loop.time()
            earliest = self._repeated_at.get(pulse.name, -math.inf) + pulse.every_ms / 1e3
            self._again = self._loop.call_later(max(pulse.first_ms / 1e3, earliest - now), self._once_more, pulse)

    def stop(self) -> None:
        """Still, and no more timers."""
        self.repeat(None)
        self._waiting.clear()
        if self._step is not None:
            self._step.cancel()
            self._step = None
        self._haptic.set(False)

    def _once_more(self, pulse: RepeatedPulse) -> None:
        self.play(pulse.name)
        self._repeated_at[pulse.name] = self._loop.time()
        self._again = self._loop.call_later(pulse.every_ms / 1e3, self._once_more, pulse)

    def _next(self) -> None:
        self._step = None
        if self._waiting:
            self._playing = PULSES[self._waiting.popleft()]
            self._started = self._loop.time()
            self._turn()

    def _turn(self) -> None:
        assert self._playing is not None
        on, change_in_us = self._playing.level(round((self._loop.time() - self._started) * 1e6))
        self._haptic.set(on)
        if change_in_us is None:
            self._step = self._loop.call_later(self.PAUSE_SECONDS, self._next)
        else:
            self._step = self._loop.call_later(change_in_us / 1e6, self._turn)
