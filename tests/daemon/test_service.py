"""What happens by itself in the daemon, when it cannot go on: told, and never left so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bodycamd import service
from bodycamd.board.ports import ClockReading
from bodycamd.service import Service


def fail(*_: object) -> None:
    raise RuntimeError("the link reader died")


def made(tick: Callable[[int], None]) -> tuple[Any, list[str]]:
    """A service of which only what happens by itself is there; and what it says to systemd."""
    found: Any = Service.__new__(Service)
    said: list[str] = []
    found._clock = SimpleNamespace(now_us=lambda: 0, read=lambda: ClockReading(0, 0, True, "kernel-ntp", 1))
    found._supervisor = SimpleNamespace(tick=tick)
    found._ring = SimpleNamespace(expire=lambda _: None)
    progress = SimpleNamespace(turns=1, operation=None)
    found._writer = SimpleNamespace(is_alive=lambda: True, progress=lambda: progress)
    found._notifier = SimpleNamespace(watchdog_seconds=0.02, say=said.append)
    found._control = SimpleNamespace(state=SimpleNamespace(name="standby"))
    found._clock_before, found._background, found._broken = None, [], False
    return found, said


async def run(found: Any, seconds: float) -> None:
    found._begin_background()
    await asyncio.sleep(seconds)
    for task in found._background:
        task.cancel()
    await asyncio.gather(*found._background, return_exceptions=True)


def test_without_a_link_reader_the_watchdog_is_not_fed(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The daemon would stay up and never open the camera again."""
    monkeypatch.setattr(Service, "_watch", lambda _: asyncio.sleep(10))
    healthy, said = made(lambda _: None)
    asyncio.run(run(healthy, 0.1))
    assert len(said) > 5
    blind, said = made(fail)
    asyncio.run(run(blind, 0.1))
    assert len(said) <= 1
    assert "the link reader died" in caplog.text


def test_a_look_at_clock_and_battery_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(service, "WATCH_SECONDS", 0.01)
    looks: list[int] = []

    def look(_: Service) -> None:
        looks.append(1)
        fail()

    monkeypatch.setattr(Service, "_watch_battery", look)
    found, said = made(lambda _: None)
    found._control.handle = lambda _: None
    asyncio.run(run(found, 0.1))
    assert len(looks) > 3
    assert len(said) > 3, "a gauge is no reason to stop a recording"
    assert "the link reader died" in caplog.text
