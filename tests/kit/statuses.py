"""Statuses of cameras that need no daemon."""

from __future__ import annotations

from msgspec import structs

from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.daemon.status_message import BatteryStatus, ClockStatus, Flag, MachineStatus, Status, VoiceStatus
from bodycamd.camera.keeping.summary import Summary
from bodycamd.camera.recorder.progress import WriterProgress
from bodycamd.camera.recorder.ring import RingStats
from bodycamd.camera.recorder.shift import Shift
from bodycamd.camera.recorder.space import Room
from bodycamd.linux.swap import Protection

WORKER = WorkerStatus(
    state="flowing",
    pid=101,
    generation=3,
    prepared=True,
    spare=True,
    sandbox="landlock, seccomp",
    unlocked=None,
    versions={"python": "3.11.7", "av": "18.1.0"},
    last_frame_us=77,
    frames=1900,
    dropped=0,
    restarts=1,
    unkillable=0,
    refused=None,
    last_failure=None,
)
AT_REST = Status(
    device_id="camera-01",
    software="1.2.3",
    start=3,
    uptime_seconds=7200.0,
    state="standby",
    flags=[],
    recording=None,
    recording_seconds=None,
    lamp="ready",
    ready_lamp=True,
    ring=RingStats(3, 3.1, 2_400_000, 0, 0, 0),
    storage=Room(40_000_000_000, 1199.6, "ok"),
    retention=Summary(swept_at="2026-11-21T23:57:17.307590Z", clock_confirmed=True, recordings=14),
    capture=WORKER,
    swap=Protection("closed", "memory is locked"),
    voice=VoiceStatus(ok=True, detail=""),
    writer=WriterProgress(12, None, None, 0),
    clock=ClockStatus(trusted=True, source="kernel-ntp", error_ms=7),
    battery=BatteryStatus(level="ok", percent=83.4),
    machine=MachineStatus(celsius=53.7, throttled=False, under_voltage="not_measurable"),
    shift=Shift("H-12", "2026-11-21T08:00:00+00:00"),
)


def recording(flags: list[Flag]) -> Status:
    """A camera that records, with this wrong."""
    changed = structs.replace(AT_REST, state="recording", lamp="low" if flags else "recording", ready_lamp=False, flags=flags)
    return structs.replace(changed, recording="000003-0001", recording_seconds=63.2)
