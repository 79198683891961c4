"""The parts of a virtual camera: a GPIO chip, a sound card, a battery. Real drivers of the kernel, without hardware behind them."""

from __future__ import annotations

import subprocess
from pathlib import Path

BATTERY = Path("/sys/module/test_power/parameters")
FULL_PERCENT = 90
CPUINFO = Path("/run/hil/cpuinfo")
SHARE = "/bench"
REVISION = "c03115"
"""A Pi 4. gpiozero reads it in /proc/cpuinfo to know which pin is which."""


def write(path: Path, text: str) -> None:
    """Into a file of the kernel's."""
    path.write_text(text)


def run(*command: str) -> str:
    """What a command printed. Raises where it failed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def battery(percent: int, status: str = "discharging") -> None:
    """What the gauge says from now on."""
    write(BATTERY / "battery_capacity", str(percent))
    write(BATTERY / "battery_status", status)


def put_in() -> None:
    """All of them; the loudspeaker's other end is the microphone's, as sound in a room."""
    run("modprobe", "-a", "gpio-sim-bench", "test_power")
    run("modprobe", "snd-aloop", "id=Device", "pcm_substreams=2")
    battery(FULL_PERCENT)
    CPUINFO.parent.mkdir(parents=True, exist_ok=True)
    own = Path("/proc/cpuinfo").read_text().rstrip("\n")
    CPUINFO.write_text(f"{own}\n\nHardware\t: BCM2711\nRevision\t: {REVISION}\nModel\t\t: a virtual camera\n")


def take_share() -> None:
    """As hil.service does it before."""
    run("mount", "-t", "9p", "-o", "trans=virtio,version=9p2000.L,msize=524288", "bench", SHARE)


def leave_share() -> None:
    """Nobody may have a file of it open."""
    run("umount", SHARE)
