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


STAND_INS = ("film", "microphone")
"""The threads of a recording worker that stand in for the encoder and the sound card."""


def spent(pid: int, tasks: list[int] | None = None) -> Spent:
    """What a process, or these of its threads, has taken so far."""
    cpu_ns = wakeups = 0
    for number in threads(pid) if tasks is None else tasks:
        task = Path(f"/proc/{pid}/task/{number}")
        cpu_ns += int((task / "schedstat").read_text().split()[0])
        wakeups += sum(int(line.split()[1]) for line in (task / "status").read_text().splitlines() if "ctxt_switches" in line)
    return Spent(cpu_ns, wakeups)


def threads(pid: int) -> list[int]:
    """A process' threads by number, the oldest first."""
    return sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())


def stand_ins(pid: int) -> list[int]:
    """The numbers of those threads of a recording worker that stand in for others."""
    found = [task for task in threads(pid) if Path(f"/proc/{pid}/task/{task}/comm").read_text().strip() in STAND_INS]
    assert len(found) == len(STAND_INS), f"of {STAND_INS} the worker has {len(found)}"
    return found


def over(seconds: float, recorder: int, *, recording: bool = False) -> dict[str, Usage]:
    """What each process of the camera takes per second, over so many seconds; by role, with the process id after a second one's.

    While it is `recording` from files, what stands in for the encoder and the sound card is taken off the worker and is `stand-ins`.
    """
    members = family(recorder)
    worker = min(pid for pid, role in members.items() if role == "worker") if recording else 0
    aside = stand_ins(worker) if recording else []
    begun, before, aside_before = time.monotonic(), {pid: spent(pid) for pid in members}, spent(worker, aside)
    time.sleep(seconds)  # the stretch that is measured
    after, aside_after, passed = {pid: spent(pid) for pid in members}, spent(worker, aside), time.monotonic() - begun
    used: dict[str, Usage] = {}
    for pid, role in members.items():
        name = role if role not in used else f"{role} {pid}"
        cpu_ms = (after[pid].cpu_ns - before[pid].cpu_ns) / 1e6 / passed
        used[name] = Usage(cpu_ms, (after[pid].wakeups - before[pid].wakeups) / passed)
    if recording:
        taken = Usage((aside_after.cpu_ns - aside_before.cpu_ns) / 1e6 / passed, (aside_after.wakeups - aside_before.wakeups) / passed)
        used["worker"] = Usage(used["worker"].cpu_ms - taken.cpu_ms, used["worker"].wakeups - taken.wakeups)
        used["stand-ins"] = taken
    return used


def together(used: Mapping[str, Usage]) -> Usage:
    """The sum of all processes, without what stands in for the encoder and the sound card."""
    own = [usage for name, usage in used.items() if name != "stand-ins"]
    return Usage(sum(usage.cpu_ms for usage in own), sum(usage.wakeups for usage in own))
