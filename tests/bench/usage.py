"""What a running camera takes of the processor: each of its processes, over a stretch of time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROLES = {
    "bodycamd.camera.daemon": "recorder",
    "bodycamd.camera.capture.worker.main": "worker",
    "bodycamd.camera.board.voice.process": "voice",
}


@dataclass(frozen=True)
class Spent:
    """Of one process with all its threads, since it began."""

    cpu_ns: int
    wakeups: int
    """Context switches, voluntary and not."""


@dataclass(frozen=True)
class Usage:
    """Of one process, per second of the stretch."""

    cpu_ms: float
    wakeups: float


def family(recorder: int) -> dict[int, str]:
    """The recorder and its children by process id."""
    found = {recorder: "recorder"}
    for task in Path(f"/proc/{recorder}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            found[child] = next((role for module, role in ROLES.items() if module in words), "another")
    return found


def spent(pid: int) -> Spent:
    """What a process has taken so far."""
    cpu_ns = wakeups = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        cpu_ns += int((task / "schedstat").read_text().split()[0])
        wakeups += sum(int(line.split()[1]) for line in (task / "status").read_text().splitlines() if "ctxt_switches" in line)
    return Spent(cpu_ns, wakeups)


def over(seconds: float, recorder: int) -> dict[str, Usage]:
    """What each process of the camera takes per second, over so many seconds; by role, with the process id after a second one's."""
    members = family(recorder)
    begun, before = time.monotonic(), {pid: spent(pid) for pid in members}
    time.sleep(seconds)  # the stretch that is measured
    after, passed = {pid: spent(pid) for pid in members}, time.monotonic() - begun
    used: dict[str, Usage] = {}
    for pid, role in members.items():
        name = role if role not in used else f"{role} {pid}"
        cpu_ms = (after[pid].cpu_ns - before[pid].cpu_ns) / 1e6 / passed
        used[name] = Usage(cpu_ms, (after[pid].wakeups - before[pid].wakeups) / passed)
    return used


def together(used: Mapping[str, Usage]) -> Usage:
    """The sum of all processes."""
    return Usage(sum(usage.cpu_ms for usage in used.values()), sum(usage.wakeups for usage in used.values()))
