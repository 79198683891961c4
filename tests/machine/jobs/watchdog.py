"""Runs in the virtual camera: a power cut while it records, then a kernel that hangs while it records, and what the daemon does afterwards.

Three boots, each going on from what the share says. The host cuts the power when it finds `cut.json`; the watchdog (QEMU's i6300esb, fed
by systemd as scripts/install sets it up) resets the hung machine.
"""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Any

from tests.machine.jobs.guest import BENCH, STATE, UNIT, configure, ledger, press, run, status, tell, wait_for

WATCHDOG = Path("/sys/class/watchdog/watchdog0")
ADJ_MAXERROR, ADJ_STATUS = 0x4, 0x10
RESET_SECONDS = 30
"""From the hang to the daemon's start: 14 of the watchdog, the rest for the boot."""
FLAG = STATE / "device/.resume-once"


def synchronise() -> None:
    """What a time server or a clock of its own does on a camera: the kernel calls its clock synchronised. The first four fields of
    `struct timex` are all that is said; the rest is zero."""
    timex = (ctypes.c_long * 26)(ADJ_MAXERROR | ADJ_STATUS)
    timex[3] = 1000
    if ctypes.CDLL(None).adjtimex(timex) < 0:
        raise OSError("the kernel does not let its clock be called synchronised")


def watched() -> None:
    """Load the driver; systemd begins to feed it."""
    run("modprobe", "i6300esb")
    wait_for(lambda: (WATCHDOG / "state").read_text().strip() == "active", 60, "systemd feeds the watchdog")


def started() -> dict[str, Any]:
    """The daemon, ready."""
    run("systemctl", "start", UNIT)
    wait_for(lambda: status().get("state") in ("standby", "recording"), 300, "the daemon is ready")
    return status()


def recording() -> dict[str, Any]:
    """A recording with footage on the disk."""

    def footage() -> bool:
        now = status()
        return now.get("state") == "recording" and any((STATE / "store/recordings" / now["recording"]).glob("*.tar*"))

    wait_for(footage, 300, "footage on the disk")
    return status()


def seen(at_start: dict[str, Any]) -> dict[str, Any]:
    """What the host judges."""
    facts = {name: (WATCHDOG / name).read_text().strip() for name in ("identity", "state", "timeout", "bootstatus")}
    return {"watchdog": facts, "at_start": at_start, "recording": recording(), "flag": FLAG.exists(), "ledger": ledger()}


def main() -> None:
    """Go on from where the share says."""
    configure()
    watched()
    if (BENCH / "hang.json").exists():
        # As on a camera: an emulated processor, on a host that has others to serve, takes minutes for what takes a Pi half of one.
        time.clock_settime(time.CLOCK_REALTIME, (BENCH / "hang.json").stat().st_mtime + RESET_SECONDS)
        synchronise()  # after the setting, which takes the kernel's trust away
        tell("resumed", seen(started()))
        run("systemctl", "stop", UNIT)
        tell("ledger", ledger())
        return
    synchronise()
    at_start = started()
    press("down", "wait 0.1", "up", "wait 0.8", "down", "wait 0.1", "up")
    name = "hang" if (BENCH / "cut.json").exists() else "cut"
    tell(name, seen(at_start))
    if name == "hang":
        os.sync()
        Path("/proc/sys/kernel/sysrq").write_text("1")
        Path("/proc/sysrq-trigger").write_text("c")
    wait_for(lambda: False, 300, "the host cuts the power")
