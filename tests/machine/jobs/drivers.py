"""Whether the modules load that other jobs build on, and what they show of themselves. Runs in the virtual camera."""

from __future__ import annotations

from pathlib import Path

from tests.machine.jobs.guest import run, tell


def main() -> None:
    """Load, look, tell."""
    run("modprobe", "snd-dummy")
    run("modprobe", "snd-aloop")
    run("modprobe", "i2c-stub", "chip_addr=0x36")
    run("modprobe", "i2c-dev")
    run("modprobe", "i6300esb")
    run("udevadm", "settle")
    bus = next(name.name.removeprefix("i2c-") for name in Path("/sys/class/i2c-dev").iterdir() if "stub" in (name / "name").read_text())
    run("i2cset", "-y", bus, "0x36", "0x04", "0x55")
    tell(
        "seen",
        {
            "arecord": run("arecord", "-L"),
            "i2c": run("i2cget", "-y", bus, "0x36", "0x04"),
            "watchdog": Path("/sys/class/watchdog/watchdog0/identity").read_text(),
            "bootstatus": Path("/sys/class/watchdog/watchdog0/bootstatus").read_text(),
        },
    )
