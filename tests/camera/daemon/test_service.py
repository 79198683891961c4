"""What happens by itself in the daemon, when it cannot go on: told, and never left so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bodycamd.camera.daemon import service
from bodycamd.camera.daemon.service import Service
from bodycamd.linux.clock import ClockReading
from bodycamd.linux.swap import Protection


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


CLOSED = Protection("closed", "memory is locked")
DEGRADED = Protection("degraded", "memory can be written to /var/swap", "turn swap off")


def watching(found: Protection, *, prepared: bool = True) -> tuple[Any, list[tuple[str, dict[str, Any]]]]:
    """A service that looks after swap only, and what it notes in the ledger."""
    notes: list[tuple[str, dict[str, Any]]] = []
    watcher: Any = Service.__new__(Service)
    watcher._parts = SimpleNamespace(protection=lambda worker: replace(found, because=f"{found.because} {worker}"))
    watcher._supervisor = SimpleNamespace(status=lambda: SimpleNamespace(prepared=prepared, unlocked="no limit"))
    watcher._writer = SimpleNamespace(note=lambda type, fields: notes.append((type, fields)))
    watcher._protection = Protection("closed", "")
    return watcher, notes


def test_memory_that_can_be_swapped_is_noted_once_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    watcher, notes = watching(DEGRADED)
    for _ in range(3):
        watcher._watch_swap()
    assert notes == [("swap_changed", {"state": "degraded", "because": "memory can be written to /var/swap no limit"})]
    assert "To do: turn swap off" in caplog.text
    watcher._parts.protection = lambda _: CLOSED
    for _ in range(3):
        watcher._watch_swap()
    assert notes[1:] == [("swap_changed", {"state": "closed", "because": "memory is locked"})]


def test_what_is_in_order_is_not_noted_and_nothing_is_said_before_a_worker_is_there() -> None:
    for watcher, notes in (watching(CLOSED), watching(DEGRADED, prepared=False)):
        watcher._watch_swap()
        assert notes == []
