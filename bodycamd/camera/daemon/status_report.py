"""Gathers what `status` tells, from the parts as they are now."""

from __future__ import annotations

from collections.abc import Callable

from bodycamd import __version__
from bodycamd.camera.board.ports import Board
from bodycamd.camera.board.sensed import SensedBattery
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.control.events import BatteryLevel, VoiceHealth
from bodycamd.camera.daemon.card_shifts import CardShifts
from bodycamd.camera.daemon.handing_out import HandingOut
from bodycamd.camera.daemon.help_calling import HelpCalling
from bodycamd.camera.daemon.loop import ControlLoop
from bodycamd.camera.daemon.status_message import (
    BatteryStatus,
    CardReaderStatus,
    ClockStatus,
    Flag,
    MachineStatus,
    OrderedStatus,
    RosterStatus,
    Status,
    VoiceStatus,
)
from bodycamd.camera.daemon.watches import Watches
from bodycamd.camera.installation.installed import running
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.rosters import Rosters
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.camera.recorder.ring import Ring
from bodycamd.camera.recorder.shift import Shift
from bodycamd.camera.recorder.writer import Writer
from bodycamd.camera.sensors.readings import Reading
from bodycamd.errors import UnavailableError
from bodycamd.evidence.roster import DAY_US
from bodycamd.evidence.statements import wall_us
from bodycamd.evidence.suspension import standing
from bodycamd.linux.swap import Protection
from bodycamd.store.names import recording_id

ENDING_DAYS = 14
"""So long before its end the roster in force is told as ending: time for a card, or for the next visit at the dock."""


def report(
    *,
    device_id: str,
    start: int,
    began_us: int,
    board: Board,
    ring: Ring,
    supervisor: Supervisor,
    control: ControlLoop,
    watches: Watches,
    writer: Writer,
    keeper: Keeper,
    protection: Callable[[str | None], Protection],
    voice: VoiceHealth | None,
    shift: Shift | None,
    cards: CardShifts | None,
    rosters: Rosters | None,
    uplink: HandingOut | None,
    calling: HelpCalling | None = None,
    settings: SettingOrders | None = None,
) -> Status:
    """The camera now. `began_us`: when this run of the daemon began."""
    now_us = board.clock.now_us()
    state = control.state
    clock = board.clock.read()
    worker = supervisor.status()
    recording = state.recording
    swap = protection(worker.unlocked)
    runs = running()
    flags: list[Flag] = [*state.conditions(now_us)]
    if swap.state == "degraded":
        flags.append("swap_degraded")
    flags += _roster_flags(rosters, keeper.summary.clock_confirmed, clock.wall_us)
    if calling is not None and calling.is_unconfirmed():
        flags.append("help_unconfirmed")
    reading = _reading(board)
    return Status(
        device_id=device_id,
        software=__version__,
        start=start,
        uptime_seconds=(now_us - began_us) / 1e6,
        state=state.name,
        flags=flags,
        recording=recording_id(start, recording.number) if recording is not None else None,
        recording_seconds=(now_us - recording.began_us) / 1e6 if recording is not None else None,
        lamp=control.shown,
        ready_lamp=control.ready_lamp,
        ring=ring.stats(),
        storage=writer.room(),
        retention=keeper.summary,
        capture=worker,
        swap=swap,
        voice=VoiceStatus(ok=voice.ok, detail=voice.detail) if voice is not None else None,
        writer=writer.progress(),
        clock=ClockStatus(trusted=clock.trusted, source=clock.source, error_ms=clock.error_ms),
        battery=_battery(watches.battery, reading, gauge=isinstance(board.battery, SensedBattery)),
        shift=shift,
        machine=_machine(reading),
        bundle=runs.bundle if runs is not None else None,
        card_reader=None if cards is None else _card_reader(cards),
        roster=None if rosters is None else _roster(device_id, rosters),
        uplink=None if uplink is None else uplink.status(),
        help=None if calling is None else calling.status(),
        ordered=None if settings is None else _ordered(settings),
    )


def charging(board: Board) -> bool | None:
    """Whether the camera is on its supply; `None` where no gauge tells."""
    reading = _reading(board)
    return None if reading is None or reading.charge is None else reading.charge.charging


def _ordered(settings: SettingOrders) -> OrderedStatus:
    changes = settings.used.changes if settings.used is not None else {}
    waiting = settings.waiting or settings.on_trial or ""
    return OrderedStatus(configuration=settings.config_sha256, settings=sorted(changes), waiting=waiting)


def _roster(device_id: str, rosters: Rosters) -> RosterStatus:
    found = rosters.in_force
    if found is None:
        return RosterStatus(version=None)
    return RosterStatus(
        version=found.roster.version,
        sha256=found.document.sha256,
        until=found.roster.not_after,
        suspensions=len(rosters.suspended),
        active=device_id in standing(found, rosters.suspended).cameras,
    )


def _roster_flags(rosters: Rosters | None, confirmed: bool, at_us: int) -> list[Flag]:
    """Whether the roster ends is told by a confirmed clock alone."""
    if rosters is None:
        return []
    if rosters.in_force is None:
        return ["roster_missing"]
    left_us = wall_us(rosters.in_force.roster.not_after, "not_after") - at_us
    if not confirmed or left_us >= ENDING_DAYS * DAY_US:
        return []
    return ["roster_ended" if left_us < 0 else "roster_ending"]


def _card_reader(cards: CardShifts) -> CardReaderStatus:
    fault = cards.fault()
    return CardReaderStatus(ok=fault is None, detail=fault or "", cards=cards.known)


def _reading(board: Board) -> Reading | None:
    if board.sensors is None:
        return None
    try:
        return board.sensors.reading()
    except UnavailableError:
        return None


def _battery(last: tuple[BatteryLevel, float | None], reading: Reading | None, *, gauge: bool) -> BatteryStatus:
    """Without a gauge a simulation may have a charge all the same: what was set by hand."""
    level, percent = last
    if not gauge:
        return BatteryStatus(level=level, percent=percent, gauge="none" if percent is None else "read")
    charge = None if reading is None else reading.charge
    if charge is None:
        return BatteryStatus(level=level, percent=percent, gauge="silent")
    return BatteryStatus(
        level=level, percent=percent, estimated=charge.estimated, charging=charge.charging, minutes_left=charge.minutes_left
    )


def _machine(reading: Reading | None) -> MachineStatus | None:
    if reading is None:
        return None
    return MachineStatus(celsius=reading.celsius, throttled=reading.throttled, under_voltage=reading.under_voltage)
