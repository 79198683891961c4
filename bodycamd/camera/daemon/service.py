"""One run of the daemon: starts the parts in order, feeds the control with what happens by itself, answers the control socket, and takes
everything down in the opposite order. Which parts there are is decided in `wiring`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from bodycamd.camera.board.ports import Board
from bodycamd.camera.capture.look import LookOrder
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.gestures import Gestures
from bodycamd.camera.control.state import State
from bodycamd.camera.daemon.card_shifts import Cards, CardShifts
from bodycamd.camera.daemon.commands import Commands
from bodycamd.camera.daemon.help_calling import HelpCalling
from bodycamd.camera.daemon.loop import ControlLoop, Mailbox
from bodycamd.camera.daemon.part_check import PartCheck
from bodycamd.camera.daemon.protocol import Published, StateChanged
from bodycamd.camera.daemon.restarting import Restarting
from bodycamd.camera.daemon.shifts import Shifts
from bodycamd.camera.daemon.socket import Answering, ControlSocket
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.daemon.status_report import charging, report
from bodycamd.camera.daemon.trace_file import TraceFile
from bodycamd.camera.daemon.watches import Watches
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.orders import Orders
from bodycamd.camera.keeping.sending import Sending
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.camera.recorder.resume_flag import flag_of
from bodycamd.camera.recorder.ring import Ring
from bodycamd.camera.recorder.store import Store
from bodycamd.camera.recorder.writer import Writer
from bodycamd.errors import ConfigError, StorageError
from bodycamd.linux.swap import Protection
from bodycamd.linux.systemd_notify import SystemdNotifier
from bodycamd.store.names import recording_id

log = logging.getLogger(__name__)

PREPARE_SECONDS = 15.0
"""How long `starting` waits for the spare worker and the voice before the camera calls itself ready all the same."""


class Parts(Struct, frozen=True):
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
    socket: Callable[[Answering], ControlSocket]
    protection: Callable[[str | None], Protection]
    look: LookOrder
    """For a check of the parts."""
    trace: TraceFile | None = None
    cards: Cards | None = None
    """`None` where no card reader is configured."""
    orders: Orders | None = None
    """`None` where no roster is configured."""
    sending: Sending | None = None
    """`None` where no station is configured."""
    message_key: Path | None = None
    """What signs calls for help; `None` where `help_call` is off."""


class Service:
    """One run of the recorder, in the running event loop. `run` gives the exit code."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._notifier = SystemdNotifier()
        self._began_us = parts.board.clock.now_us()
        self._voice: ev.VoiceHealth | None = None
        self._recorder: tuple[Store, Writer, Keeper] | None = None
        self._watches: Watches | None = None
        self._card_shifts: CardShifts | None = None
        self._shifts = Shifts(parts.board.clock, lambda officer: self._control.wear(officer))
        self._check = PartCheck(parts.look, parts.board.voice, parts.supervisor, lambda: self._control)
        self._restarting: Restarting | None = None
        self._judging: asyncio.Task[None] | None = None
        self._calling: HelpCalling | None = None
        if parts.message_key is not None:
            self._calling = HelpCalling(parts.device_id, parts.message_key, parts.board.clock, lambda event: self._control.handle(event))
        self._commands = Commands(self._shifts, self._check, parts.orders, parts.sending, self._calling)
        self._socket = parts.socket(self._commands.answer)
        self._control = ControlLoop(  # the last: a button that is down already is an event that all others hear of
            board=parts.board,
            gestures=parts.gestures,
            state=parts.state,
            capture=parts.supervisor,
            ring=parts.ring,
            mailbox=parts.mailbox,
            observe=self._observe,
            trace=parts.trace,
            end_check=self._check.end,
            call_help=self._calling.call if self._calling is not None else None,
        )

    async def run(self) -> ev.Exit:
        """Start, serve until the machine says `Exit`, stop. Raises `BodycamError` where the start is refused."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._control.handle, ev.ShutdownRequested())
        try:
            self._parts.board.voice.start()
            self._parts.supervisor.start()
            store, watches = await self._open_store()
            await self._socket.start()
            watches.begin()
            await self._become_ready(store, watches)
            self._judging = asyncio.create_task(self._judge_settings())  # beside: a disk that hangs keeps nobody from ending
            return await self._control.exit
        finally:
            await self._stop()

    # --- start and stop ----------------------------------------------------------------------------------------------------------------

    async def _open_store(self) -> tuple[Store, Watches]:
        store, writer, keeper = self._recorder = await asyncio.get_running_loop().run_in_executor(None, self._parts.open_recorder)
        writer.start()
        if self._parts.cards is not None:
            self._card_shifts = CardShifts(self._parts.cards, self._shifts, self._control, self._parts.board.clock)
        if (settings := self._settings) is not None:
            board, shifts, calling = self._parts.board, self._shifts, self._calling
            self._restarting = Restarting(
                settings,
                self._control,
                board.clock,
                shift_open=lambda: shifts.open is not None,
                charging=lambda: charging(board),
                calling=lambda: calling is not None and calling.is_under_way(),
                worker=self._parts.supervisor.status,
                stand=self._commands.settings_stand,
            )
        watches = self._watches = Watches(
            board=self._parts.board,
            worker=self._parts.supervisor,
            ring=self._parts.ring,
            recorder=writer,
            control=self._control,
            notifier=self._notifier,
            protection=self._parts.protection,
            look_at_cards=self._card_shifts.look if self._card_shifts is not None else None,
            look_at_settings=self._restarting.look if self._restarting is not None else None,
        )
        self._shifts.attach(writer, store.shift)
        self._commands.attach(store, writer, keeper, lambda: self._status(store, writer, keeper, watches))
        self._control.attach(writer, lambda number: recording_id(store.start, number))
        return store, watches

    def _status(self, store: Store, writer: Writer, keeper: Keeper, watches: Watches) -> Status:
        return report(
            device_id=self._parts.device_id,
            start=store.start,
            began_us=self._began_us,
            board=self._parts.board,
            ring=self._parts.ring,
            supervisor=self._parts.supervisor,
            control=self._control,
            watches=watches,
            writer=writer,
            keeper=keeper,
            protection=self._parts.protection,
            voice=self._voice,
            shift=self._shifts.open,
            cards=self._card_shifts,
            rosters=self._parts.orders.rosters if self._parts.orders is not None else None,
            uplink=self._commands.uplink,
            calling=self._calling,
            settings=self._settings,
        )

    async def _become_ready(self, store: Store, watches: Watches) -> None:
        """Wait, within bounds, for the spare worker and the voice; the press of an impatient officer is latched meanwhile."""
        end_us = self._parts.board.clock.now_us() + int(PREPARE_SECONDS * 1e6)
        while self._parts.board.clock.now_us() < end_us and not self._control.exit.done():
            worker = self._parts.supervisor.status()
            if worker.refused is not None:
                raise ConfigError(f"the capture worker refuses the configuration: {worker.refused}")
            if worker.prepared and self._voice is not None:
                break
            await asyncio.sleep(0.02)
        watches.look_at_worker()
        watches.look_at_swap()
        self._control.handle(ev.Ready(store.resume))
        self._notifier.say(f"READY=1\nSTATUS={self._control.state.name}")

    @property
    def _settings(self) -> SettingOrders | None:
        return self._parts.orders.settings if self._parts.orders is not None else None

    async def _judge_settings(self) -> None:
        if self._restarting is not None:
            await self._restarting.judge(lambda: self._voice, self._commands.confirm_settings)

    async def _stop(self) -> None:
        self._notifier.say("STOPPING=1")
        if self._judging is not None:
            self._judging.cancel()
            await asyncio.gather(self._judging, return_exceptions=True)
        if self._watches is not None:
            await self._watches.stop()
        if self._restarting is not None:
            await self._restarting.stop()
        if self._card_shifts is not None:
            self._card_shifts.close()
        await self._socket.stop()
        self._commands.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._parts.supervisor.stop)
        if self._recorder is not None:
            store, writer, _ = self._recorder
            await loop.run_in_executor(None, writer.stop)
            if self._control.exit.done():
                self._let_it_resume(store, self._control.exit.result())
            store.close()
            if self._restarting is not None and self._restarting.ended_for_settings:
                await loop.run_in_executor(None, self._release_settings)
        self._control.close()
        self._parts.board.voice.close()
        self._parts.board.button.close()
        for part in (self._parts.board.lamp, self._parts.board.ready_lamp, self._parts.board.haptic):
            if part is not None:
                part.close()
        if self._parts.board.sensors is not None:
            self._parts.board.sensors.close()
        self._notifier.close()

    def _release_settings(self) -> None:
        """After the store is closed: whoever finds them released can take its lock."""
        try:
            if self._settings is not None:
                self._settings.release()
        except StorageError as error:
            log.error("the settings that wait are not tried by the next start: %s", error)

    def _let_it_resume(self, store: Store, left: ev.Exit) -> None:
        """The recording that a reboot interrupts continues after it."""
        if left.reboot and left.resumes is not None:
            now = self._parts.board.clock.read()
            store.flag.lift(flag_of("reboot_asked", recording_id(store.start, left.resumes), store.ledger.start.boot_id, now))

    # --- what happens by itself --------------------------------------------------------------------------------------------------------

    def _observe(self, event: Published) -> None:
        match event:
            case StateChanged() if self._watches is not None:
                self._watches.hasten()
            case ev.WarningEnded():
                self._check.heard(event)
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
