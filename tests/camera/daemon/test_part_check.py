"""The check beside a running daemon: only in standby, over at once when the camera is needed, and never longer than its look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bodycamd.camera.capture.look import LookFacts, LookOrder
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.machine import initial, step
from bodycamd.camera.control.state import Policy
from bodycamd.camera.daemon import part_check
from bodycamd.camera.daemon.part_check import PartCheck
from bodycamd.camera.daemon.protocol import PartsSeen
from bodycamd.errors import StoreBusyError, UnavailableError

S = 1_000_000
ORDER: Any = None


class Look:
    """In the place of the process: comes to an end when it is let, or is ended."""

    made: list[Look]

    def __init__(self, _: LookOrder) -> None:
        self.ended, self.go_on, self.closed = threading.Event(), threading.Event(), False
        Look.made.append(self)

    def listening(self) -> bool:
        return True

    def facts(self) -> LookFacts:
        self.go_on.wait(10)
        if self.ended.is_set():
            raise UnavailableError("the look through the camera was ended")
        return LookFacts(frames=10)

    def end(self) -> None:
        self.ended.set()
        self.go_on.set()

    def close(self) -> None:
        self.closed = True


class Camera:
    """The control, the voice and the supervisor, as far as a check sees them."""

    def __init__(self, name: str = "standby") -> None:
        self.state, self.now_us, self.did = initial(Policy()), S, list[str]()
        self.spoken = asyncio.Event()
        self.check = PartCheck(ORDER, self, self, lambda: self)  # type: ignore[arg-type]
        if name != "starting":
            self.handle(ev.Ready())
        if name == "warning":
            self.handle(ev.ButtonDown(self.now_us))

    def handle(self, event: ev.Event) -> None:
        self.now_us += S
        self.state, actions = step(self.state, event, self.now_us)
        for action in actions:
            self.did.append(type(action).__name__)
            if isinstance(action, ev.EndCheck):
                self.check.end()

    def status(self) -> Camera:
        return self

    def speak(self) -> None:
        self.did.append("speak")
        self.spoken.set()

    def state_it(self) -> None:
        self.did.append("state")

    def silence(self) -> None:
        self.did.append("silence")


@pytest.fixture(autouse=True)
def _look(monkeypatch: pytest.MonkeyPatch) -> None:
    Look.made = []
    monkeypatch.setattr(part_check, "LookProcess", Look)
    monkeypatch.setattr(part_check, "CLOSED_SECONDS", 0.1)


def run(play: Callable[[Camera], Coroutine[Any, Any, None]], name: str = "standby") -> Camera:
    async def all_of_it() -> Camera:
        camera = Camera(name)
        await play(camera)
        return camera

    return asyncio.run(all_of_it())


def ended(outcome: Any = "played_to_device") -> ev.WarningEnded:
    return ev.WarningEnded(S, outcome, "ab" * 32, "Device")


@pytest.mark.parametrize("outcome", ["played_to_device", "failed"])
def test_what_was_seen_and_what_the_voice_said_are_the_answer(outcome: str) -> None:
    async def play(camera: Camera) -> None:
        task = asyncio.create_task(camera.check.run(camera.state_it))
        await camera.spoken.wait()
        camera.check.heard(ended("skipped"))  # the echo of an earlier one
        camera.check.heard(ended(outcome))
        Look.made[0].go_on.set()
        assert await task == PartsSeen(look=LookFacts(frames=10), outcome=outcome, detail="Device")  # type: ignore[arg-type]
        assert not camera.state.checking
        assert Look.made[0].closed
        assert camera.did.index("state") < camera.did.index("speak"), "it is stated before anything is opened"

    run(play)


@pytest.mark.parametrize("name", ["starting", "warning"])
def test_it_is_refused_outside_standby(name: str) -> None:
    async def play(camera: Camera) -> None:
        with pytest.raises(StoreBusyError, match=f"the camera is {name}"):
            await camera.check.run(camera.state_it)
        assert Look.made == []

    run(play, name)


def test_there_is_one_at_a_time() -> None:
    async def play(camera: Camera) -> None:
        task = asyncio.create_task(camera.check.run(camera.state_it))
        await camera.spoken.wait()
        with pytest.raises(StoreBusyError, match="already"):
            await camera.check.run(camera.state_it)
        assert camera.state.checking, "the first one goes on"
        camera.check.heard(ended())
        Look.made[0].go_on.set()
        await task

    run(play)


def test_a_press_ends_it_and_the_warning_is_not_silenced() -> None:
    async def play(camera: Camera) -> None:
        task = asyncio.create_task(camera.check.run(camera.state_it))
        await camera.spoken.wait()
        camera.handle(ev.ButtonDown(camera.now_us))
        assert Look.made[0].ended.is_set(), "at once"
        with pytest.raises(StoreBusyError, match="the button was pressed"):
            await task

    camera = run(play)
    assert camera.did[camera.did.index("EndCheck") :] == ["EndCheck", "SpeakWarning", "OpenCapture", "RetainFrom"]
    assert camera.state.name == "warning"


def test_whoever_waits_no_longer_ends_it() -> None:
    async def play(camera: Camera) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await camera.check.run(camera.state_it)
        assert Look.made[0].ended.is_set()
        assert not camera.state.checking
        assert camera.did[-1] == "silence"

    run(play)


def test_the_verdict_is_shown() -> None:
    async def play(camera: Camera) -> None:
        camera.check.show(passed=False)
        assert camera.state.judged is not None
        assert not camera.state.judged.passed

    run(play)
