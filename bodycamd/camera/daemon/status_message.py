"""How the camera is, as one message: the answer to `status`, and what `bodycamd status --json` prints. Seconds, bytes and times of the wall
clock are named so; times in microseconds are CLOCK_BOOTTIME."""

from typing import Literal, TypeAlias

from msgspec import Struct

from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.control.events import BatteryLevel
from bodycamd.camera.control.indicator import RowName
from bodycamd.camera.control.state import Condition, StateName
from bodycamd.camera.keeping.help_calls import HelpStatus
from bodycamd.camera.keeping.summary import Summary
from bodycamd.camera.keeping.waiting import UplinkStatus
from bodycamd.camera.recorder.progress import WriterProgress
from bodycamd.camera.recorder.ring import RingStats
from bodycamd.camera.recorder.shift import Shift
from bodycamd.camera.recorder.space import Room
from bodycamd.linux.swap import Protection

Flag: TypeAlias = Condition | Literal["swap_degraded", "roster_missing", "roster_ended", "roster_ending", "help_unconfirmed"]
"""What is wrong: as the control knows it, with what the kernel does to memory, or with whose word counts."""


class VoiceStatus(Struct, frozen=True, kw_only=True):
    """Whether the voice can speak, and where not, why."""

    ok: bool
    detail: str


class ClockStatus(Struct, frozen=True, kw_only=True):
    """What the wall clock is worth. `error_ms`: the kernel's bound, where there is one."""

    trusted: bool
    source: str
    error_ms: int | None


class BatteryStatus(Struct, frozen=True, kw_only=True):
    """The gauge's last word; `percent` is `None` where there is no gauge. `gauge` says whether there is one and it answers: without `read`
    the level is the last one in force, and no statement about now. `minutes_left` is an estimate, and so is `percent` where `estimated`."""

    level: BatteryLevel
    percent: float | None
    gauge: Literal["none", "read", "silent"] = "read"
    estimated: bool = False
    charging: bool | None = None
    minutes_left: int | None = None


class MachineStatus(Struct, frozen=True, kw_only=True):
    """The computer itself, as `bodycamd-sensors` reads it; `None`: this machine does not tell."""

    celsius: float | None
    throttled: bool | None
    under_voltage: bool | Literal["not_measurable"] | None


class CardReaderStatus(Struct, frozen=True, kw_only=True):
    """Whether cards can be read now, and where not, why; whose cards begin a shift are so many."""

    ok: bool
    detail: str
    cards: int


class RosterStatus(Struct, frozen=True, kw_only=True):
    """The roster in force, by its id and version, and until when; whether this camera is listed as active. `version` is `None`: none is."""

    version: int | None
    sha256: str = ""
    until: str = ""
    suspensions: int = 0
    active: bool = False


class OrderedStatus(Struct, frozen=True, kw_only=True):
    """The configuration in force, by the SHA-256 that the ledger's start states and an order names; which settings of it orders have
    changed; and the order that waits to come into force, or is being tried, empty where none."""

    configuration: str
    settings: list[str]
    waiting: str = ""


class Status(Struct, frozen=True, kw_only=True):
    """How the camera is. `lamp` is the row of the indicator's table; `ready_lamp` is `None` where none is fitted; `voice` is `None` until
    the voice has said how it is."""

    device_id: str
    software: str
    start: int
    uptime_seconds: float
    state: StateName
    flags: list[Flag]
    recording: str | None
    recording_seconds: float | None
    lamp: RowName
    ready_lamp: bool | None
    ring: RingStats
    storage: Room
    retention: Summary
    capture: WorkerStatus
    swap: Protection
    voice: VoiceStatus | None
    writer: WriterProgress
    clock: ClockStatus
    battery: BatteryStatus
    shift: Shift | None
    machine: MachineStatus | None = None
    """`None` without a reading of late."""
    bundle: str | None = None
    """The name of the bundle that runs; `None` for a development checkout."""
    card_reader: CardReaderStatus | None = None
    """`None` where none is configured."""
    roster: RosterStatus | None = None
    """`None` where none is configured."""
    uplink: UplinkStatus | None = None
    """`None` where no station is configured."""
    help: HelpStatus | None = None
    """`None` where `help_call` is off."""
    ordered: OrderedStatus | None = None
    """`None` where no roster is configured: then no order counts."""
