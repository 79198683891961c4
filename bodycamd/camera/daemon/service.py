"""One run of the daemon: starts the parts in order, feeds the control with what happens by itself, answers the control socket, and takes
everything down in the opposite order. Which parts there are is decided in `daemon`, the wiring page.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from bodycamd import __version__
from bodycamd.camera.board.ports import Board
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.gestures import Gestures
from bodycamd.camera.control.machine import State
from bodycamd.camera.daemon.clock_and_battery import battery_event, clock_event
from bodycamd.camera.daemon.commands import RetentionCommands
from bodycamd.camera.daemon.loop import ControlLoop, Mailbox, Observed
from bodycamd.camera.daemon.socket import Command, ControlSocket
from bodycamd.camera.daemon.store_requests import StoreRequests
from bodycamd.camera.daemon.watchdog import SystemdNotifier, WriterWatch
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.recorder.ring import Ring
from bodycamd.camera.recorder.shift import Shift
from bodycamd.camera.recorder.store import Store
from bodycamd.camera.recorder.writer import Writer
from bodycamd.errors import ConfigError, UnavailableError, UsageError
from bodycamd.evidence.entries import detail_fields
from bodycamd.evidence.pseudonyms import pseudonym
from bodycamd.evidence.statements import Caller
from bodycamd.linux.clock import ClockReading
from bodycamd.linux.swap import Protection
from bodycamd.store.names import recording_id

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
WATCH_SECONDS = 5.0
PREPARE_SECONDS = 15.0
"""How long `starting` waits for the spare worker and the voice before the camera calls itself ready all the same."""

FLAGS = (
    "capture_stalled",
    "disk_failing",
    "disk_unusable",
    "voice_failed",
    "audio_lost",
    "storage_low",
    "storage_full",
    "battery_low",
    "clock_untrusted",
    "button_stuck",
    "live",
)
"""The conditions of `camera.control.state.State` that `status` tells."""


OFFLOADED = frozenset({"to", "head", "recordings", "copied", "already_there", "bytes", "failed"})
"""What `offloaded` states: where to, up to which ledger line, and how much."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a run is made of. `open_recorder` may take its time (recovery): it runs beside the loop. `protection` judges, now,
    whether memory can be swapped to the card; it is given why the workers' is not locked, if so."""

    device_id: str
    board: Board
    ring: Ring
    supervisor: Supervisor
    gestures: Gestures
    state: State
    mailbox: Mailbox
    open_recorder: Callable[[], tuple[Store, Writer, Keeper]]
    socket: Callable[[Mapping[str, Command]], ControlSocket]
    protection: Callable[[str | None], Protection]


class Service:
    """One run of the recorder, in the running event loop. `run` gives the exit code."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._board = parts.board
        self._clock = parts.board.clock
        self._ring = parts.ring
        self._supervisor = parts.supervisor
        self._notifier = SystemdNotifier()
        self._started_us = self._clock.now_us()
        self._voice: ev.VoiceHealth | None = None
        self._shift: Shift | None = None
        self._clock_before: ClockReading | None = None
        self._battery: tuple[ev.BatteryLevel, float | None] = ("ok", None)
        self._gauge_silent = False
        self._protection = Protection("closed", "")
        self._store: Store | None = None
        self._writer: Writer | None = None
        self._background: list[asyncio.Task[None]] = []
        self._broken = False
        self._retention = RetentionCommands()
        self._store_requests = StoreRequests()
        self._socket = parts.socket(
            {
                "status": Command(self._status),
                "anchor": Command(self._anchor),
                "shift_begin": Command(self._begin_shift, frozenset({"officer"}), admin=True),
                "shift_end": Command(self._end_shift, admin=True),
                "offloaded": Command(self._offloaded, OFFLOADED, admin=True),
                **self._retention.commands(),
                **self._store_requests.commands(),
            }
        )
        self._control = ControlLoop(
            board=parts.board,
            gestures=parts.gestures,
            state=parts.state,
            capture=parts.supervisor,
            ring=parts.ring,
            mailbox=parts.mailbox,
            observe=self._observe,
        )

    async def run(self) -> ev.Exit:
        """Start, serve until the machine says `Exit`, stop. Raises `BodycamError` where the start is refused."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._control.handle, ev.ShutdownRequested())
        try:
            self._board.voice.start()
            self._supervisor.start()
            await self._open_store()
            await self._socket.start()
            self._begin_background()
            await self._become_ready()
            return await self._control.exit
        finally:
            await self._stop()

    # --- start and stop ----------------------------------------------------------------------------------------------------------------

    async def _open_store(self) -> None:
        loop = asyncio.get_running_loop()
        store, writer, keeper = await loop.run_in_executor(None, self._parts.open_recorder)
        self._store = store
        self._writer = writer
        writer.start()
        self._retention.attach(keeper, writer)
        self._store_requests.attach(store.directory)
        self._set_shift(store.shift)
        self._control.attach(writer, lambda number: recording_id(store.start, number))

    async def _become_ready(self) -> None:
        """Wait, within bounds, for the spare worker and the voice; the press of an impatient officer is latched meanwhile."""
        end_us = self._clock.now_us() + int(PREPARE_SECONDS * 1e6)
        while self._clock.now_us() < end_us and not self._control.exit.done():
            worker = self._supervisor.status()
            if worker.refused is not None:
                raise ConfigError(f"the capture worker refuses the configuration: {worker.refused}")
            if worker.prepared and self._voice is not None:
                break
            await asyncio.sleep(0.02)
        self._watch_swap()
        assert self._store is not None
        self._control.handle(ev.Ready(self._store.resume))
        self._notifier.say(f"READY=1\nSTATUS={self._control.state.name}")

    async def _stop(self) -> None:
        self._notifier.say("STOPPING=1")
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._socket.stop()
        self._store_requests.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._supervisor.stop)
        if self._writer is not None:
            await loop.run_in_executor(None, self._writer.stop)
        if self._store is not None:
            self._store.close()
        self._control.close()
        self._board.voice.close()
        self._board.button.close()
        for part in (self._board.lamp, self._board.ready_lamp, self._board.haptic):
            if part is not None:
                part.close()
        self._notifier.close()

    # --- what happens by itself --------------------------------------------------------------------------------------------------------

    def _observe(self, event: Observed) -> None:
        match event:
            case ev.VoiceHealth():
                self._voice = event
                if not event.ok:
                    log.warning("the voice cannot speak: %s", event.detail)
            case ev.CaptureStalled(generation=generation, reason=reason):
                log.warning("capture %d is replaced: %s", generation, reason)
            case ev.WriteFailed(operation=operation, reason=reason):
                log.error("%s failed: %s", operation, reason)
            case ev.DiskChanged(usable=usable, reason=reason):
                log.log(logging.INFO if usable else logging.ERROR, "the disk %s", "can be used" if usable else f"cannot be used: {reason}")
            case ev.RingOverflowed(fragments=fragments):
                log.error("the card is too slow: %d fragments dropped", fragments)
            case _:
                log.debug("%s", event)
        self._socket.publish(event)

    def _begin_background(self) -> None:
        self._background = [asyncio.create_task(task) for task in (self._tick(), self._watch(), self._feed_watchdog())]
        for task in self._background:
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Without its ticks the daemon would stay up and never open the camera again: it is no longer fed, so that systemd starts it anew,
        which goes on with an open recording. (An orderly end would close that.)
        """
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("the daemon cannot go on and waits for the watchdog", exc_info=error)
            self._broken = True

    async def _tick(self) -> None:
        while True:
            now_us = self._clock.now_us()
            self._supervisor.tick(now_us)
            self._ring.expire(now_us)
            await asyncio.sleep(TICK_SECONDS)

    async def _watch(self) -> None:
        while True:
            for look in (self._watch_clock, self._watch_battery, self._watch_swap):
                try:
                    look()
                except Exception:  # neither is a reason to stop a recording, or to look no more
                    log.exception("clock, battery or swap could not be watched")
            await asyncio.sleep(WATCH_SECONDS)

    def _watch_clock(self) -> None:
        reading = self._clock.read()
        changed = clock_event(self._clock_before, reading)
        self._clock_before = reading
        if changed is not None:
            self._control.handle(changed)

    def _watch_battery(self) -> None:
        """A gauge that cannot be read leaves the last level standing, and is stated once until it answers again."""
        try:
            battery = self._board.battery.read()
        except UnavailableError as error:
            if not self._gauge_silent:
                log.error("%s", error)
                self._note("fault", {"part": "battery", "reason": str(error)})
            self._gauge_silent = True
            return
        self._gauge_silent = False
        drained = battery_event(self._battery[0], battery)
        self._battery = battery if self._battery[0] != "critical" else ("critical", battery[1])
        if drained is not None:
            self._control.handle(drained)

    def _watch_swap(self) -> None:
        """No reason not to record: it is stated, at the start and when it changes. Before the first worker there is no footage to lose."""
        worker = self._supervisor.status()
        if not worker.prepared:
            return
        found = self._parts.protection(worker.unlocked)
        if found.state != self._protection.state:
            log.warning("swap is %s: %s", found.state, found.because if found.to_do is None else f"{found.because}. To do: {found.to_do}")
            self._note("swap_changed", {"state": found.state, "because": found.because[:1000]})
        self._protection = found

    async def _feed_watchdog(self) -> None:
        if self._notifier.watchdog_seconds is None:
            return
        fed = True
        watch = WriterWatch(self._clock.now_us())
        while True:
            assert self._writer is not None
            progress = self._writer.progress()
            may = watch.may_feed(
                alive=self._writer.is_alive() and not self._broken,
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

    # --- the control socket's commands ---------------------------------------------------------------------------------------------------

    def _begin_shift(self, arguments: Mapping[str, Any], caller: Caller) -> dict[str, str]:
        officer = pseudonym(arguments["officer"], "--officer")
        if self._shift is not None:
            raise UsageError(f"a shift of officer {self._shift.officer} is open since {self._shift.since}: end it first")
        self._note("shift_begin", {"officer": officer, "caller": detail_fields(caller)})
        begun = Shift(officer, _rfc3339(self._clock.read().wall_us))
        self._set_shift(begun)
        return asdict(begun)

    def _end_shift(self, _arguments: Mapping[str, Any], caller: Caller) -> dict[str, str]:
        if self._shift is None:
            raise UsageError("no shift is open")
        ended = self._shift
        self._note("shift_end", {"officer": ended.officer, "caller": detail_fields(caller)})
        self._set_shift(None)
        return asdict(ended)

    def _set_shift(self, shift: Shift | None) -> None:
        self._shift = shift
        self._control.officer = shift.officer if shift is not None else None

    def _anchor(self, *_: object) -> asyncio.Future[dict[str, str]]:
        """Signed in the writer's thread, which knows what is durable."""
        assert self._writer is not None
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[dict[str, str]] = loop.create_future()

        def answer(line: str) -> None:
            if not answered.done():
                answered.set_result({"line": line})

        def hand_over(line: str) -> None:
            try:
                loop.call_soon_threadsafe(answer, line)
            except RuntimeError:
                log.debug("an anchor that nobody waits for any more")

        self._writer.anchor(hand_over)
        return answered

    def _offloaded(self, arguments: Mapping[str, Any], caller: Caller) -> dict[str, str]:
        """`bodycamd offload` tells what it has copied and verified."""
        for name, value in arguments.items():
            if name in ("to", "head"):
                if not isinstance(value, str) or len(value) > 200:
                    raise UsageError(f"{name} is a text of at most 200 characters")
            elif not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
                raise UsageError(f"{name} is a count")
        self._note("offloaded", {**arguments, "caller": detail_fields(caller)})
        return {"logged": "offloaded"}

    def _note(self, type: str, fields: Mapping[str, Any]) -> None:
        assert self._writer is not None
        self._writer.note(type, fields)

    def _status(self, *_: object) -> dict[str, Any]:
        assert self._store is not None
        assert self._writer is not None
        now_us = self._clock.now_us()
        state = self._control.state
        clock = self._clock.read()
        worker = self._supervisor.status()
        recording = state.recording
        room = self._writer.room()
        protection = self._parts.protection(worker.unlocked)
        return {
            "device_id": self._parts.device_id,
            "software": __version__,
            "start": self._store.start,
            "uptime_seconds": (now_us - self._started_us) / 1e6,
            "state": state.name,
            "flags": [name for name in FLAGS if getattr(state, name)] + ["swap_degraded"] * (protection.state == "degraded"),
            "recording": recording_id(self._store.start, recording.number) if recording is not None else None,
            "recording_seconds": (now_us - recording.began_us) / 1e6 if recording is not None else None,
            "lamp": self._control.shown,
            "ring": msgspec.to_builtins(self._ring.stats()),
            "storage": {"footage_bytes": room.footage_bytes, "minutes_left": room.minutes_left, "level": room.level},
            "retention": self._retention.status(),
            "capture": msgspec.to_builtins(worker),
            "swap": asdict(protection),
            "voice": {"ok": self._voice.ok, "detail": self._voice.detail} if self._voice is not None else None,
            "writer": msgspec.to_builtins(self._writer.progress()),
            "clock": {"trusted": clock.trusted, "source": clock.source, "error_ms": clock.error_ms},
            "battery": {"level": self._battery[0], "percent": self._battery[1]},
            "shift": asdict(self._shift) if self._shift is not None else None,
        }


def _rfc3339(wall_us: int) -> str:
    return datetime.fromtimestamp(wall_us / 1e6, UTC).isoformat(timespec="seconds")
