"""Runs in the virtual camera, as root: the real daemon under its real unit, with swap, until the kernel has swapped.

What it sees goes to /bench/NAME.json; the host judges. Two runs, each with a swap file of its own, both on the same disk:

- `open`: the unit may not lock memory (a drop-in), as if the product did not know how to.
- `locked`: the unit as it is installed.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.machine.jobs.guest import BENCH, DROP_INS, STATE, UNIT, configure, ledger, press, run, shown, status, tell, wait_for

SWAP_MEGABYTES = 768
PAGES = 40_000
"""The least that is swapped out before a run ends: more than the service's processes have in all."""
HOG = b"the memory of another program"
"""At the start of each of its pages: a page of zeros alone is never written to a swap."""


def memory(pid: int) -> dict[str, int]:
    """kB that are resident, locked, and in swap. Raises `KeyError` for a process that is ending."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) for name in ("VmRSS", "VmLck", "VmSwap")}


def processes() -> dict[str, dict[str, int]]:
    """The memory of the service's processes: recorder, voice, workers."""
    found = {}
    for pid in (Path("/sys/fs/cgroup/system.slice") / UNIT / "cgroup.procs").read_text().split():
        try:
            module = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            found[f"{next(word for word in module if word.startswith('bodycamd.'))} {pid}"] = memory(int(pid))
        except (OSError, KeyError, StopIteration):
            continue  # ended, or just begun
    return found


def swapped_out_pages() -> int:
    """Since the boot."""
    return next(int(line.split()[1]) for line in Path("/proc/vmstat").read_text().splitlines() if line.startswith("pswpout "))


@contextmanager
def hog() -> Iterator[None]:
    """Another program that wants about as much memory as there is, again and again; the first to go when there is none."""
    total_kb = int(Path("/proc/meminfo").read_text().split()[1])
    child = os.fork()
    if child == 0:
        Path("/proc/self/oom_score_adj").write_text("1000")
        memory = mmap.mmap(-1, total_kb * 1024)
        while True:
            for at in range(0, len(memory), 4096):
                memory[at : at + len(HOG)] = HOG
    try:
        yield
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def record(name: str, enough: Callable[[dict[str, dict[str, int]], int], bool]) -> None:
    """A recording under pressure, until `enough` says so of the processes and of the pages that were swapped out; and what was seen."""
    # Drop-ins come and go between the runs; systemd reads them only when it is told to.
    run("systemctl", "daemon-reload")
    seen: dict[str, Any] = {"limit": shown("LimitMEMLOCK"), "install": checked()}
    run("systemctl", "start", UNIT)
    press("down", "wait 0.1", "up", "wait 0.8", "down", "wait 0.1", "up")

    def settled() -> bool:
        told = seen["status"] = status()
        return told.get("state") == "recording" and told["capture"]["state"] == "flowing" and told["capture"]["spare"]

    wait_for(settled, 600, "a recording, and a spare worker")
    seen["before"] = processes()
    before = swapped_out_pages()

    def pressed() -> bool:
        seen.update(under_pressure=processes(), swapped_out_pages=swapped_out_pages() - before)
        return enough(seen["under_pressure"], seen["swapped_out_pages"])

    with hog():
        try:
            wait_for(pressed, 900, "enough pressure")
        except TimeoutError:
            raise TimeoutError(f"too little pressure: {seen}") from None
    seen["state"] = status().get("state")
    run("systemctl", "stop", UNIT)
    seen["ledger"] = ledger()
    tell(name, seen)


@contextmanager
def swapping(name: str) -> Iterator[None]:
    """A swap file on the disk, which is left there."""
    file = f"/swap-{name}"
    # Written, not reserved: what is only reserved counts as zeros for all who read it later, also where the kernel has swapped to it.
    run("dd", "if=/dev/zero", f"of={file}", "bs=1M", f"count={SWAP_MEGABYTES}", "conv=fsync", "status=none")
    os.chmod(file, 0o600)
    run("mkswap", file)
    run("swapon", file)
    yield
    run("swapoff", file)


def checked() -> str:
    """What scripts/install says of memory and swap, and nothing else of it."""
    script = Path("/usr/src/checkout/scripts/install").read_text()
    step = script[script.index('step "memory and swap"') :].split("\n\n")[0]
    return run("bash", "-euc", f'step() {{ printf "install: %s\\n" "$*"; }}\n{step}')


def in_swap(processes: dict[str, dict[str, int]]) -> int:
    """kB of the worker that has most there."""
    return max((found["VmSwap"] for name, found in processes.items() if name.startswith("bodycamd.camera.capture.worker.main")), default=0)


def main() -> None:
    """Both runs."""
    configure()
    machine = {"cmdline": Path("/proc/cmdline").read_text(), "controllers": Path("/sys/fs/cgroup/cgroup.controllers").read_text()}
    machine["swap_max"] = shown("MemorySwapMax")
    (DROP_INS / "unlocked.conf").write_text("[Service]\nLimitMEMLOCK=0\n")
    with swapping("open"):
        record("open", lambda processes, pages: in_swap(processes) > 10_000 and pages > PAGES)
    pages_open = json.loads((BENCH / "open.json").read_text())["swapped_out_pages"]
    (DROP_INS / "unlocked.conf").unlink()
    with swapping("locked"):
        record("locked", lambda processes, pages: pages > pages_open)
    shutil.copytree(STATE / "store", BENCH / "store")
    tell("machine", machine)
