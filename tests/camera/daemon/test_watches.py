"""What happens by itself in the daemon, when it cannot continue: told, and never left so."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.camera.board.battery import BatteryThresholds
from bodycamd.camera.board.ports import Board
from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.control import events as ev
from bodycamd.camera.control import machine
from bodycamd.camera.control.state import Policy
from bodycamd.camera.daemon import watches
from bodycamd.camera.daemon.watches import Watches
from bodycamd.camera.recorder.progress import WriterProgress
from bodycamd.camera.recorder.ring import Ring
from bodycamd.camera.sensors.kernel_files import KernelGauge
from bodycamd.camera.sensors.readings import Reading
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import SettableClock
from bodycamd.linux.swap import Protection
from bodycamd.linux.systemd_notify import SystemdNotifier
from tests.camera.daemon.test_loop import Part
from tests.kit.statuses import WORKER

CLOSED = Protection("closed", "memory is locked")
DEGRADED = Protection("degraded", "memory can be written to /var/swap", "turn swap off")


class Capture:
    """Ticks as it is told to."""

    def __init__(self, tick: Callable[[], None] = lambda: None, status: WorkerStatus = WORKER) -> None:
        self._tick, self._status = tick, status
        self.pause_seconds = 0.1

    def tick(self, now_us: int) -> float:
        self._tick()
        return self.pause_seconds

    def status(self) -> WorkerStatus:
        return self._status


class Recorder:
    """Turns, and keeps what it is to note."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, dict[str, str]]] = []
        self.turns = 0

    def note(self, type: str, fields: dict[str, str]) -> None:
        self.notes.append((type, fields))

    def progress(self) -> WriterProgress:
        self.turns += 1
        return WriterProgress(self.turns, None, None, 0)

    def is_alive(self) -> bool:
        return True


class Control:
    """The machine, and what it was told."""

    def __init__(self) -> None:
        self.state = machine.initial(Policy())
        self.heard: list[ev.Event] = []

    def handle(self, event: ev.Event) -> None:
        self.heard.append(event)
        self.state, _ = machine.step(self.state, event, 0)


class Sensors:
    """The process, as a test has it speak."""

    def __init__(self) -> None:
        self.now: Reading | None = None
        self.looks = 0

    def look(self) -> None:
        self.looks += 1

    def reading(self) -> Reading:
        if self.now is None:
            raise UnavailableError("no reading")
        return self.now

    def close(self) -> None:
        pass


class FileBattery:
    """A gauge of the kernel's, read without a process between."""

    def __init__(self, gauge: KernelGauge) -> None:
        self._gauge, self._thresholds = gauge, BatteryThresholds(15, 3)

    def read(self) -> tuple[ev.BatteryLevel, float | None]:
        percent = self._gauge.read().percent
        assert percent is not None
        return self._thresholds.level(percent), percent


class Watched:
    """Watches over a real gauge, ring and notifier; systemd's end of the socket counts what it hears."""

    def __init__(self, folder: Path, capture: Capture | None = None, protection: Protection = CLOSED) -> None:
        self.capacity = folder / "class" / "power_supply" / "battery" / "capacity"
        self.capacity.parent.mkdir(parents=True)
        self.capacity.write_text("80\n")
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(str(folder / "notify"))
        self.systemd.setblocking(False)
        self.notifier = SystemdNotifier({"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "20000"})
        self.clock, self.recorder, self.control = SettableClock(), Recorder(), Control()
        self.protection = protection
        calls: list[str] = []
        gauge = FileBattery(KernelGauge("battery", folder))
        button, lamp, ready, haptic, voice = (Part(name, calls) for name in ("button", "lamp", "ready", "haptic", "voice"))
        board = Board(button, lamp, ready, haptic, voice, self.clock, gauge)
        self.watches = Watches(
            board=board,
            worker=capture or Capture(),
            ring=Ring(seconds=10, max_bytes=1_000_000, pre_event_seconds=0, on_overflow=lambda _: None),
            recorder=self.recorder,
            control=self.control,
            notifier=self.notifier,
            protection=lambda worker: replace(self.protection, because=f"{self.protection.because} {worker}"),
        )

    def fed(self) -> int:
        """How often the watchdog was fed since the last call."""
        found = 0
        while True:
            try:
                found += self.systemd.recv(4096).startswith(b"WATCHDOG=1\n")
            except BlockingIOError:
                return found

    def run(self, until: Callable[[], bool]) -> None:
        async def test() -> None:
            self.watches.begin()
            end = time.monotonic() + 30
            while not until():
                assert time.monotonic() < end
                await asyncio.sleep(0.005)
            await self.watches.stop()

        asyncio.run(test())

    def close(self) -> None:
        self.notifier.close()
        self.systemd.close()


Making = Callable[..., Watched]


@pytest.fixture
def making(tmp_path: Path) -> Iterator[Making]:
    made: list[Watched] = []

    def make(*parts: Any) -> Watched:
        made.append(Watched(tmp_path / str(len(made)), *parts))
        return made[-1]

    yield make
    for watched in made:
        watched.close()


def test_workers_are_looked_at_when_they_ask_for_it_and_when_something_changed(making: Making) -> None:
    looks: list[int] = []
    capture = Capture(lambda: looks.append(1))
    capture.pause_seconds = 3600.0
    watched = making(capture)

    def looked() -> bool:
        if len(looks) in (1, 2):
            watched.watches.hasten()
        return len(looks) == 3

    watched.run(looked)


@pytest.mark.parametrize("turns", range(5))
def test_they_end_when_they_are_told_to_right_after_a_change(making: Making, turns: int) -> None:
    """However far the change has come by then."""
    capture = Capture()
    capture.pause_seconds = 3600.0
    watched = making(capture)

    async def test() -> None:
        watched.watches.begin()
        await asyncio.sleep(0.01)
        watched.watches.hasten()
        for _ in range(turns):
            await asyncio.sleep(0)
        done, _ = await asyncio.wait({asyncio.create_task(watched.watches.stop())}, timeout=5)
        assert done

    asyncio.run(test())


def fail(*_: object) -> None:
    raise RuntimeError("the link reader died")


def test_the_watchdog_is_fed_while_everything_turns(making: Making) -> None:
    watched, fed = making(), 0

    def often() -> bool:
        nonlocal fed
        fed += watched.fed()
        return fed > 5

    watched.run(often)


def test_without_a_link_reader_the_watchdog_is_not_fed(making: Making, caplog: pytest.LogCaptureFixture) -> None:
    """The daemon would stay up and never open the camera again."""
    watched = making(Capture(fail))

    def silent() -> bool:
        turns = watched.recorder.turns
        if "no progress: the watchdog is no longer fed" not in caplog.text or turns < 5:
            watched.fed()
            return False
        return turns > 20

    watched.run(silent)
    assert "the link reader died" in caplog.text


def test_a_look_that_fails_is_not_the_last(making: Making, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Neither is it the end of the recording, nor of the other looks."""
    monkeypatch.setattr(watches, "WATCH_SECONDS", 0.01)
    watched, looks = making(), 0

    def read() -> None:
        nonlocal looks
        looks += 1
        fail()

    monkeypatch.setattr(watched.clock, "read", read)
    watched.capacity.write_text("10\n")
    watched.run(lambda: looks > 3 and watched.fed() > 0)
    assert ev.BatteryChanged(level="low", percent=10.0) in watched.control.heard
    assert "the link reader died" in caplog.text


def test_the_clock_is_told_at_first_and_when_it_changes(making: Making) -> None:
    watched = making()
    for _ in range(3):
        watched.watches.look_at_clock()
    assert watched.control.heard == [ev.ClockChanged(trusted=True, source="simulated")]
    watched.clock.wall_us += 3_600_000_000
    watched.watches.look_at_clock()
    assert watched.control.heard[1:] == [ev.ClockChanged(trusted=True, source="simulated", step_us=3_600_000_000)]


def test_a_gauge_that_is_silent_is_told_once_and_the_last_level_stays(making: Making) -> None:
    watched = making()
    watched.watches.look_at_battery()
    assert (watched.watches.battery, watched.control.heard) == (("ok", 80.0), [])
    watched.capacity.write_text("12\n")
    watched.watches.look_at_battery()
    assert watched.control.heard == [ev.BatteryChanged(level="low", percent=12.0)]
    for content in ("", "", "", "lots", "lots"):
        watched.capacity.write_text(content)
        watched.watches.look_at_battery()
        watched.clock.boottime_us += 5_000_000
    silent = watched.control.heard[-1]
    assert isinstance(silent, ev.BoardChanged)
    assert (silent.condition, silent.present, "battery" in silent.detail) == ("gauge_silent", True, True)
    assert len(watched.control.heard) == 2, "once"
    assert watched.watches.battery == ("low", 12.0)
    watched.capacity.write_text("2\n")
    watched.watches.look_at_battery()
    watched.capacity.write_text("90\n")
    watched.watches.look_at_battery()
    assert watched.watches.battery == ("critical", 90.0), "critical is final"
    assert watched.control.heard[2:] == [ev.BoardChanged("gauge_silent", False), ev.BatteryChanged("critical", 2.0)]
    watched.capacity.write_text("")
    for _ in range(4):
        watched.watches.look_at_battery()
        watched.clock.boottime_us += 5_000_000
    assert len(watched.control.heard) == 5, "it had answered in between"


def test_heat_and_throttling_are_handed_over_and_a_silent_process_is_told(making: Making) -> None:
    watched = making()
    sensors = Sensors()
    watched.watches._board = replace(watched.watches._board, sensors=sensors)
    for celsius in (60.0, 84.0, 85.0):
        sensors.now = Reading(sequence=1, at_us=watched.clock.boottime_us, celsius=celsius)
        watched.watches.look_at_sensors()
        watched.clock.boottime_us += 5_000_000
    assert watched.control.heard == [ev.BoardChanged("hot", True, "85 °C")]
    assert "hot" in watched.control.state.conditions(0)
    sensors.now = None
    for _ in range(5):
        watched.watches.look_at_sensors()
        watched.clock.boottime_us += 5_000_000
    silent = watched.control.heard[1]
    assert isinstance(silent, ev.BoardChanged)
    assert (silent.condition, silent.present, len(watched.control.heard)) == ("sensors_silent", True, 2)
    assert {"hot", "sensors_silent"} <= set(watched.control.state.conditions(0)), "what it said last holds"
    assert sensors.looks == 8


def test_without_a_worker_for_seconds_the_camera_says_that_it_cannot_record(making: Making) -> None:
    """And not at once: each worker that ends is followed by another one."""
    capture = Capture(status=replace(WORKER, prepared=False, last_failure="the worker ended with 1"))
    watched = making(capture)
    for _ in range(4):
        watched.watches.look_at_worker()
        watched.clock.boottime_us += 4_000_000
    assert watched.control.heard == [ev.BoardChanged("worker_missing", True, "the worker ended with 1")]
    assert watched.control.state.unable
    capture._status = WORKER
    watched.watches.look_at_worker()
    assert watched.control.heard[1:] == [ev.BoardChanged("worker_missing", False, "")]
    assert not watched.control.state.worker_missing


def test_memory_that_can_be_swapped_is_noted_once_and_when_it_ends(making: Making, caplog: pytest.LogCaptureFixture) -> None:
    watched = making(Capture(status=replace(WORKER, unlocked="no limit")), DEGRADED)
    for _ in range(3):
        watched.watches.look_at_swap()
    noted = ("swap_changed", {"state": "degraded", "because": "memory can be written to /var/swap no limit"})
    assert watched.recorder.notes == [noted]
    assert "To do: turn swap off" in caplog.text
    watched.protection = CLOSED
    for _ in range(3):
        watched.watches.look_at_swap()
    assert watched.recorder.notes[1:] == [("swap_changed", {"state": "closed", "because": "memory is locked no limit"})]


def test_what_is_in_order_is_not_noted_and_nothing_is_said_before_a_worker_is_there(making: Making) -> None:
    closed = making()
    early = making(Capture(status=replace(WORKER, prepared=False)), DEGRADED)
    for watched in (closed, early):
        watched.watches.look_at_swap()
        assert watched.recorder.notes == []
