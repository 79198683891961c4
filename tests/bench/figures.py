"""The bench's table, and how its figures are taken."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAIL_AT = 5.0
"""A bench fails only at so many times its target: machines differ, and others may work beside it."""


@dataclass(frozen=True)
class Row:
    """One line of the table, in words."""

    what: str
    measured: str
    peer: str
    ratio: str
    target: str
    verdict: str


class Table:
    """Collects rows; `text` is what is printed at the end of the run."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(
        self,
        what: str,
        value: float,
        measured: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        target: str = "",
        peer: str = "",
        ratio: str = "",
        machine: float = 0.0,
    ) -> None:
        """Note `value`, in words `measured`, and judge it by its bound. Fails at five times the target; the row is printed all the same.

        `machine` is what the machine itself took in the same run, with none of our code: beyond the target, it is not held against us.
        """
        times = 0.0 if at_most is None else value / at_most
        if at_least is not None:
            times = at_least / value
        bounded = at_most is not None or at_least is not None
        verdict = "" if not bounded else "met" if times <= 1 else f"missed {times:.1f}x"
        self.rows.append(Row(what, measured, peer, ratio, target, verdict))
        forgiven = 0.0 if at_most is None else machine / at_most
        assert times <= FAIL_AT + forgiven, f"{what}: {measured} is {times:.1f} times the target {target}"

    def text(self) -> str:
        """The table."""
        head = Row("what", "measured", "peer, same run", "ratio", "target", "")
        lines = [tuple(vars(row).values()) for row in [head, *self.rows]]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([shown[0], "-" * max(map(len, shown)), *shown[1:]])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000 * len(ordered)) // 1000) - 1))]


def spread(values: Sequence[float]) -> str:
    """p50, p99 and the largest of milliseconds."""
    return f"p50 {percentile(values, 0.5):.1f}, p99 {percentile(values, 0.99):.1f}, max {max(values):.1f} ms of {len(values)}"


def pipe_cpu_seconds(*commands: Sequence[str | Path], output: Path) -> float:
    """Run programs as a shell's pipe into a file; user and system time of all of them, their start included."""
    running: list[subprocess.Popen[bytes]] = []
    with output.open("wb") as file:
        for number, command in enumerate(commands):
            last = number == len(commands) - 1
            source: Any = running[-1].stdout if running else subprocess.DEVNULL
            running.append(subprocess.Popen(command, stdin=source, stdout=file if last else subprocess.PIPE))
            if len(running) > 1:
                source.close()
    seconds = 0.0
    for process in running:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.args
        seconds += usage.ru_utime + usage.ru_stime
    return seconds


def memory_megabytes(pid: int) -> float:
    """Proportional set size: private pages, and its share of those that it shares with others. Needs the right to look (root)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError(f"no Pss in /proc/{pid}/smaps_rollup")
