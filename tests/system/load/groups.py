"""A control group of the kernel for one test: how much memory its processes may have, or what share of the processors. Version 1 or 2;
needs root and a writable hierarchy."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.waiting import wait_for

_ROOT = Path("/sys/fs/cgroup")
_VERSION_1 = not (_ROOT / "cgroup.controllers").exists()


def missing() -> str:
    """Why there are no groups here; empty where there are."""
    if os.geteuid() != 0:
        return "needs root"
    for controller in ("memory", "cpu"):
        if _VERSION_1:
            if not os.access(_ROOT / controller / "cgroup.procs", os.W_OK):
                return f"no control group of {controller}"
        elif controller not in (_ROOT / "cgroup.subtree_control").read_text().split():
            return f"no control group of {controller}"
    return ""


class Group:
    """One group below the root, removed at the end; its processes must be dead by then."""

    def __init__(self, controller: str, name: str) -> None:
        self.controller = controller
        self.path = (_ROOT / controller if _VERSION_1 else _ROOT) / f"bodycamd-{name}-{os.getpid()}"

    def __enter__(self) -> Self:
        self.path.mkdir()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        wait_for(lambda: not (self.path / "cgroup.procs").read_text(), what="an empty group")
        self.path.rmdir()

    def join(self) -> None:
        """The calling process goes in; for `preexec_fn`, or around the start of a process."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def leave(self) -> None:
        """Back to the root's group."""
        root = self.path.parent
        (root / "cgroup.procs").write_text(str(os.getpid()))

    def share(self, weight: int) -> None:
        """As `CPUWeight=`: 100 is what everybody has."""
        name, value = ("cpu.shares", 1024 * weight // 100) if _VERSION_1 else ("cpu.weight", weight)
        (self.path / name).write_text(str(value))

    def limit(self, megabytes: int) -> None:
        """All memory together, page cache included."""
        (self.path / ("memory.limit_in_bytes" if _VERSION_1 else "memory.max")).write_text(str(megabytes * 1_000_000))

    def used_megabytes(self) -> float:
        return int((self.path / ("memory.usage_in_bytes" if _VERSION_1 else "memory.current")).read_text()) / 1e6

    def killed(self) -> int:
        """How many processes the kernel has killed here for want of memory."""
        lines = (self.path / ("memory.oom_control" if _VERSION_1 else "memory.events")).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def faults(pid: int) -> int:
    """How many pages a process had to have read from the disk."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[9])
