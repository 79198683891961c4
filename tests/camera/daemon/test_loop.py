"""The control loop on a board that only notes what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bodycamd.camera.board.ports import Board
from bodycamd.camera.control import events as ev
from bodycamd.camera.control import machine
from bodycamd.camera.control.gestures import Gestures
from bodycamd.camera.control.state import Policy
from bodycamd.camera.daemon.loop import ControlLoop, Mailbox
from bodycamd.linux.clock import SettableClock


class Part:
    """Every part of the board, the capture and the ring: notes the calls in one list."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self._name, self._calls = name, calls

    def _note(self, what: str) -> None:
        self._calls.append(f"{self._name} {what}")

    def set(self, on: bool) -> None:
        self._note("on" if on else "off")

    def watch(self, on_edge: Callable[[bool, int], None]) -> None:
        self._note("watch")
        self.on_edge, self.comes = on_edge, list[tuple[bool, int]]()

    def is_pressed(self) -> bool:
        """The level after what has come, which is told first."""
        while self.comes:
            self.on_edge(*self.comes.pop(0))
        return False

    def start(self) -> None:
        self._note("start")

    def speak(self) -> None:
        self._note("speak")

    def silence(self) -> None:
        self._note("silence")

    def open(self, microphone: bool) -> None:
        self._note("open")

    def set_microphone(self, open: bool) -> None:
        self._note("microphone")

    def close(self) -> None:
        self._note("close")

    def retain_from(self, from_us: int | None) -> None:
        self._note("retain")

    def empty(self) -> None:
        self._note("empty")

    def ended(self, generation: int) -> None:
        self._note("ended")

    def read(self) -> tuple[ev.BatteryLevel, float | None]:
        return "ok", None


def control(calls: list[str]) -> tuple[ControlLoop, SettableClock]:
    """Inside a running event loop."""
    clock = SettableClock()
    part = {name: Part(name, calls) for name in ("button", "lamp", "haptic", "voice", "battery", "capture", "ring")}
    loop = ControlLoop(
        board=Board(
            button=part["button"],
            lamp=part["lamp"],
            ready_lamp=None,
            haptic=part["haptic"],
            voice=part["voice"],
            clock=clock,
            battery=part["battery"],
        ),
        gestures=Gestures(bounce_us=20_000, hold_us=2_000_000, stuck_us=60_000_000),
        state=machine.initial(Policy()),
        capture=part["capture"],
        ring=part["ring"],
        mailbox=Mailbox(asyncio.get_running_loop()),
        observe=lambda _: None,
    )
    return loop, clock


def test_the_lamp_answers_a_press_before_anything_else_is_done() -> None:
    calls: list[str] = []

    async def press() -> None:
        loop, clock = control(calls)
        loop.handle(ev.Ready(None))
        calls.clear()
        loop.handle(ev.ButtonDown(clock.now_us()))
        loop.close()

    asyncio.run(press())
    assert calls[0] == "lamp on"
    assert {"voice speak", "capture open"} <= set(calls)


def test_what_waits_in_the_motor_is_forgotten_when_its_meaning_is_over() -> None:
    """Waiting are, each behind a refusal: *saved* at the next press, *started* at the stop."""

    async def forgotten(word: ev.HapticName, event: ev.Action) -> bool:
        loop, _ = control([])
        for action in (ev.Pulse("refused"), ev.Pulse(word)):
            loop._perform(action)
        assert loop._haptic._motor.waiting == (word,)
        loop._perform(event)
        waiting = loop._haptic._motor.waiting
        loop.close()
        return not waiting

    begins, ends = ev.BeginRecording(1, None, 0, "none", None), ev.EndRecording(0, "officer")
    assert all(asyncio.run(forgotten("saved", action)) for action in (ev.SpeakWarning(), begins))
    assert asyncio.run(forgotten("started", ends))
    assert not asyncio.run(forgotten("saved", ends))
    assert not asyncio.run(forgotten("missing", begins))


@pytest.mark.parametrize(("down_us", "gesture"), [(2_300_000, "ButtonReleased"), (1_700_000, "ButtonTapped")])
def test_a_hold_that_ended_while_the_loop_was_held_up_is_as_long_as_it_was(down_us: int, gesture: str) -> None:
    """The timer comes before the thread that waits for edges: the level is up, and the edge is not told yet."""

    async def held_up() -> list[str]:
        loop, clock = control([])
        heard: list[str] = []
        loop._observe = lambda event: heard.append(type(event).__name__)
        button = loop._board.button
        assert isinstance(button, Part)
        loop.handle(ev.Ready(None))
        began_us = clock.now_us()
        button.on_edge(True, began_us)
        await asyncio.sleep(0)
        clock.advance(20_000)
        loop._gestures, _ = loop._gestures.due(clock.now_us(), True)
        clock.advance(3_000_000)
        button.comes.append((False, began_us + down_us))
        loop._deadline()
        loop.close()
        return [name for name in heard if name.startswith("Button")]

    assert asyncio.run(held_up())[-1] == gesture
