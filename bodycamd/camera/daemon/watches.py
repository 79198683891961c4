"""What the daemon does by itself between two events: it lets the supervisor and the ring age, looks at clock, sensors, battery, swap,
cards and settings that wait every few seconds, and feeds systemd's watchdog."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from bodycamd.camera.board.machine_health import MachineHealth
from bodycamd.camera.board.ports import Board
from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import State
from bodycamd.camera.daemon.clock_and_battery import battery_event, clock_event
from bodycamd.camera.daemon.watchdog import WriterWatch
from bodycamd.camera.recorder.progress import WriterProgress
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import ClockReading
from bodycamd.linux.swap import Protection
from bodycamd.linux.systemd_notify import SystemdNotifier

log = logging.getLogger(__name__)

WATCH_SECONDS = 5.0


class Worker(Protocol):
    """What is asked of the supervisor."""

    def tick(self, now_us: int) -> float:
        """Time has passed; returns in how many seconds to say so again."""

    def status(self) -> WorkerStatus:
        """How capture is."""


class Ageing(Protocol):
    """What is asked of the ring."""

    def expire(self, now_us: int) -> None:
        """Drop what is too old."""


class Recorder(Protocol):
    """What is asked of the writer."""

    def note(self, type: str, fields: dict[str, str]) -> None:
        """Queue a ledger entry."""

    def progress(self) -> WriterProgress:
        """Whether its loop turns."""

    def is_alive(self) -> bool:
        """Whether its thread runs."""


class Control(Protocol):
    """What is asked of the control loop."""

    @property
    def state(self) -> State:
        """The machine's state now."""

    def handle(self, event: ev.Event) -> None:
        """Carry out an event."""


class Watches:
    """Begins with `begin` and ends with `stop`, in the loop's thread. `protection` judges whether memory can be swapped to the card; it is
    given why the workers' is not locked, if so."""

    def __init__(
        self,
        *,
        board: Board,
        worker: Worker,
        ring: Ageing,
        recorder: Recorder,
        control: Control,
        notifier: SystemdNotifier,
        protection: Callable[[str | None], Protection],
        look_at_cards: Callable[[], None] | None = None,
        look_at_settings: Callable[[], None] | None = None,
    ) -> None:
        self.battery: tuple[ev.BatteryLevel, float | None] = ("ok", None)
        """The last level and charge in percent."""
        self._board, self._worker, self._ring, self._recorder, self._control = board, worker, ring, recorder, control
        self._clock = board.clock
        self._notifier = notifier
        self._judge = protection
        self._look_at_cards, self._look_at_settings = look_at_cards, look_at_settings
        self._protection = Protection("closed", "")
        self._clock_before: ClockReading | None = None
        self._health = MachineHealth()
        self._broken = False
        self._next_tick: asyncio.Handle | None = None
        """`None` before the beginning and after the end."""
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """From here on it goes by itself."""
        self._next_tick = asyncio.get_running_loop().call_soon(self._tick)
        self._tasks = [asyncio.create_task(task) for task in (self._watch(), self._feed_watchdog())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Look no more."""
        if self._next_tick is not None:
            self._next_tick.cancel()
            self._next_tick = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hasten(self) -> None:
        """Something has changed: what comes next is looked at now, not when it was planned."""
        if self._next_tick is not None:
            self._next_tick.cancel()
            self._next_tick = asyncio.get_running_loop().call_soon(self._tick)

    def look_at_clock(self) -> None:
        """Hand over what changed since the last look."""
        reading = self._clock.read()
        changed = clock_event(self._clock_before, reading)
        self._clock_before = reading
        if changed is not None:
            self._control.handle(changed)

    def look_at_sensors(self) -> None:
        """Hand over heat, throttling and under-voltage that began or ended, and that there are no readings. Without a new one nothing else
        changes."""
        sensors = self._board.sensors
        if sensors is None:
            return
        sensors.look()
        now_us = self._clock.now_us()
        try:
            reading, fault = sensors.reading(), None
        except UnavailableError as error:
            reading, fault = None, str(error)
        for changed in self._health.sensors(fault, now_us):
            log.log(logging.ERROR if changed.present else logging.INFO, "%s", fault or "the sensors report again")
            self._control.handle(changed)
        if reading is not None:
            for changed in self._health.heard(reading, now_us):
                self._control.handle(changed)

    def look_at_battery(self) -> None:
        """Hand over a new level. A gauge that cannot be read leaves the last one in force; that is a condition, until it answers again."""
        try:
            battery, fault = self._board.battery.read(), None
        except UnavailableError as error:
            battery, fault = self.battery, str(error)
        for changed in self._health.gauge(fault, self._clock.now_us()):
            log.log(logging.ERROR if changed.present else logging.INFO, "%s", fault or "the battery gauge answers again")
            self._control.handle(changed)
        if fault is not None:
            return
        drained = battery_event(self.battery[0], battery)
        self.battery = battery if self.battery[0] != "critical" else ("critical", battery[1])
        if drained is not None:
            self._control.handle(drained)

    def look_at_worker(self) -> None:
        """Hand over that no capture worker can be had, or can again."""
        worker = self._worker.status()
        fault = None if worker.prepared else worker.refused or worker.last_failure or "it does not come to an end of its start"
        for changed in self._health.worker(fault, self._clock.now_us()):
            log.log(logging.ERROR if changed.present else logging.INFO, "no capture worker: %s", fault or "there is one again")
            self._control.handle(changed)

    def look_at_swap(self) -> None:
        """No reason not to record: it is stated, at the start and when it changes. Before the first worker there is no footage to lose."""
        worker = self._worker.status()
        if not worker.prepared:
            return
        found = self._judge(worker.unlocked)
        if found.state != self._protection.state:
            log.warning("swap is %s: %s", found.state, found.because if found.to_do is None else f"{found.because}. To do: {found.to_do}")
            self._recorder.note("swap_changed", {"state": found.state, "because": found.because[:1000]})
        self._protection = found

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broke(error)

    def _broke(self, error: BaseException) -> None:
        """Without its ticks the daemon would stay up and never open the camera again: it is no longer fed, so that systemd starts it anew,
        which resumes an open recording. (An orderly end would close that.)
        """
        log.critical("the daemon cannot continue and waits for the watchdog", exc_info=error)
        self._broken = True

    def _tick(self) -> None:
        """A timer and no task: several times a second, it may wake the loop once only."""
        this = self._next_tick
        try:
            now_us = self._clock.now_us()
            pause_seconds = self._worker.tick(now_us)
            self._ring.expire(now_us)
        except Exception as error:
            self._next_tick = None
            self._broke(error)
            return
        if self._next_tick is this:  # nobody hastened it meanwhile
            self._next_tick = asyncio.get_running_loop().call_later(pause_seconds, self._tick)

    async def _watch(self) -> None:
        while True:
            others = (self._look_at_cards, self._look_at_settings)
            for look in (self.look_at_clock, self.look_at_sensors, self.look_at_battery, self.look_at_worker, self.look_at_swap, *others):
                try:
                    if look is not None:
                        look()
                except Exception:  # none is a reason to stop a recording, or to look no more
                    log.exception("clock, sensors, battery, worker, swap, cards or settings could not be watched")
            await asyncio.sleep(WATCH_SECONDS)

    async def _feed_watchdog(self) -> None:
        if self._notifier.watchdog_seconds is None:
            return
        fed = True
        watch = WriterWatch(self._clock.now_us())
        while True:
            progress = self._recorder.progress()
            may = watch.may_feed(
                alive=self._recorder.is_alive() and not self._broken,
                turns=progress.turns,
                in_disk_operation=progress.operation is not None,
                now_us=self._clock.now_us(),
            )
            if may:
                self._notifier.say(f"WATCHDOG=1\nSTATUS={self._control.state.name}")
            elif fed:
                log.critical("no progress: the watchdog is no longer fed")
            fed = may
            await asyncio.sleep(self._notifier.watchdog_seconds / 4)
