"""Plays the indicator's patterns on the lamps and the motor: timers only. The language itself is the table in `control.indicator`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bodycamd.camera.board.ports import Haptic, Lamp
from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import OFF, LampPattern, RepeatedPulse
from bodycamd.camera.control.motor import Motor


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

    @property
    def lit(self) -> bool:
        """Whether the lamp is on now."""
        return self._lit is True

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
    """Plays the words of the motor; which one when is decided in `control.motor`."""

    def __init__(self, haptic: Haptic, loop: asyncio.AbstractEventLoop) -> None:
        self._haptic = haptic
        self._loop = loop
        self._motor = Motor()
        self._running = False
        self._timer: asyncio.TimerHandle | None = None

    def play(self, name: HapticName) -> None:
        """Play a word once, when it is its turn."""
        now_us = self._now_us()
        self._turn(self._motor.play(name, now_us), now_us)

    def forget(self, names: frozenset[HapticName]) -> None:
        """Drop these words where they wait: their meaning is over."""
        now_us = self._now_us()
        self._turn(self._motor.forget(names, now_us), now_us)

    def repeat(self, pulse: RepeatedPulse | None) -> None:
        """From now on repeat this word; `None`: none. The same one runs on undisturbed."""
        if pulse != self._motor.repeated:
            now_us = self._now_us()
            self._turn(self._motor.repeat(pulse, now_us), now_us)

    def stop(self) -> None:
        """Still, and no more timers."""
        self._cancel()
        self._motor = Motor()
        self._running = False
        self._haptic.set(False)

    def _tick(self) -> None:
        now_us = self._now_us()
        self._turn(self._motor.at(now_us), now_us)

    def _turn(self, motor: Motor, now_us: int) -> None:
        self._motor = motor
        self._cancel()
        running, next_us = motor.level(now_us)
        if running != self._running:
            self._running = running
            self._haptic.set(running)
        if next_us is not None:
            self._timer = self._loop.call_later((next_us - now_us) / 1e6, self._tick)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now_us(self) -> int:
        return round(self._loop.time() * 1e6)
