"""A camera's status in one screen: what it does, what it has, and what is wrong with what to do about it. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bodycamd.cli.output import counted, duration, size
from bodycamd.cli.remedies import REMEDIES, Remedy
from bodycamd.errors import DataError
from bodycamd.foreign_text import shown

if TYPE_CHECKING:
    from bodycamd.camera.daemon.status_message import BatteryStatus, MachineStatus, Status
    from bodycamd.municipality.words.times import LocalTime

NAMES = 10
"""Columns of the names at the left."""
LONGEST = 300
"""Characters of one value: the rest is in `--json`."""


def screen(status: Status, local: LocalTime, columns: int, rows: int | None) -> list[str]:
    """Lines of at most `columns` (at least 40) characters, and at most `rows` (at least 20) of them with the prompt below; `None`: as many
    as it takes. The last one says how many problems do not fit."""
    lines = [line for name, value in _facts(status, local) for line in _row(name, value, columns)]
    problems = list(_problems(status))
    if not problems:
        return [*lines, *_row("problems", "none", columns)]
    lines += ["", f"{counted(len(problems), 'problem')}:"]
    for number, problem in enumerate(problems):
        block = _block(problem, columns)
        below = 1 if number + 1 == len(problems) else 2  # the prompt, and the line that says how many more there are
        if rows is not None and len(lines) + len(block) + below > rows:
            return [*lines, f"and {len(problems) - number} more: `bodycamd status --verbose`"]
        lines += block
    return lines


def _facts(status: Status, local: LocalTime) -> Iterator[tuple[str, str]]:
    """What fits on a line or two each."""
    state: str = status.state
    if status.recording is not None:
        state += f" {status.recording}"
    if status.recording_seconds is not None:
        state += f" for {duration(status.recording_seconds)}"
    yield "camera", f"{status.device_id}, {state}"
    if status.shift is not None:
        yield "officer", f"{status.shift.officer}, since {_when(status.shift.since, local)}"
    if (view := status.capture.view) is not None:
        sees = "" if view.seen_percent is None else f", {view.seen_percent:g} % of the sensor"
        lens = view.focus if view.dioptres is None else f"{view.focus} at {view.dioptres:g} dioptres"
        turned = f", turned by {view.rotation}°" if view.rotation else ""
        other = f"; {view.differs}" if view.differs else ""
        yield "view", f"{view.module}{sees}, {view.frame_rate:g} frames/s, focus {lens}{turned}{other}"
    yield "card", f"room for {duration(status.storage.minutes_left * 60)} ({size(status.storage.footage_bytes)})"
    error = status.clock.error_ms
    within = "" if error is None else f", within {error} ms" if error < 10_000 else f", within {duration(error / 1000)}"
    yield "clock", f"{'trusted' if status.clock.trusted else 'not trusted'} ({status.clock.source}){within}"
    if (level := status.capture.level) is not None:
        yield "sound", f"peaks {level.peak_dbfs:.0f} dBFS, mean {level.rms_dbfs:.0f} dBFS, from {status.capture.microphone}"
    yield "battery", _battery(status.battery)
    yield "machine", _machine(status.machine)
    yield "swap", status.swap.state
    kept = status.retention
    held = f", {kept.held_recordings} held" if kept.held_recordings else ""
    known = f"{counted(kept.recordings, 'recording')}{held}, at the last sweep"
    yield "kept", known if kept.swept_at else "not known before the first sweep"
    if kept.next_recording:
        yield "next", f"{kept.next_recording} goes on {_when(kept.next_deletes_on, local)}"


def _battery(battery: BatteryStatus) -> str:
    """Never *ok* where nobody measures."""
    if battery.gauge == "none":
        return "no gauge"
    percent = f", {'about ' if battery.estimated else ''}{battery.percent:.0f} %" if battery.percent is not None else ""
    if battery.gauge == "silent":
        return f"no reading; the last was {battery.level}{percent}"
    charging = ", charging" if battery.charging else ""
    left = f", about {duration(battery.minutes_left * 60)} left" if battery.minutes_left is not None else ""
    return f"{battery.level}{percent}{charging}{left}"


def _machine(machine: MachineStatus | None) -> str:
    if machine is None:
        return "no reading"
    degrees = "temperature unknown" if machine.celsius is None else f"{machine.celsius:.0f} °C"
    slowed = {True: "throttled", False: "not throttled", None: "throttling unknown"}[machine.throttled]
    match machine.under_voltage:
        case "not_measurable":
            supply = "under-voltage not measurable here"
        case None:
            supply = "under-voltage unknown"
        case low:
            supply = "under-voltage" if low else "supply in order"
    return f"{degrees}, {slowed}, {supply}"


def _problems(status: Status) -> Iterator[Remedy]:
    """What costs most first: the camera's own conditions, then what retention asks for."""
    if status.capture.refused is not None:
        yield Remedy(f"the capture worker refuses: {status.capture.refused}", "Correct the configuration: `bodycamd config check`.")
    for flag, remedy in REMEDIES.items():
        if flag in status.flags:
            yield remedy
    for problem in status.retention.problems:
        yield Remedy(problem, "`bodycamd recordings check` and `journalctl -u bodycamd -b` say more.")
    for review in status.retention.reviews_due:
        yield Remedy(review, "Decide whether the hold is still needed: `bodycamd hold list`, `bodycamd hold release`.")


def _when(wall: str, local: LocalTime) -> str:
    try:
        return local.wall_beside_utc(wall)
    except (DataError, ValueError):
        return wall


def _row(name: str, value: str, columns: int) -> list[str]:
    return textwrap.wrap(shown(value, LONGEST), columns, initial_indent=f"{name:<{NAMES}}", subsequent_indent=" " * NAMES)


def _block(problem: Remedy, columns: int) -> list[str]:
    told = textwrap.wrap(shown(problem.problem, LONGEST), columns, initial_indent="- ", subsequent_indent="  ")
    return [*told, *textwrap.wrap(problem.to_do, columns, initial_indent="  > ", subsequent_indent="    ")]
