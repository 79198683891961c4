"""A battery from full to empty: the real sensors process under its real unit reads a gauge on the kernel's I2C stub; the real recorder
beside it, on the simulated board. Runs in the virtual camera.

The steps come from the host (`steps.json`): registers as SMBus words, and what `status` is to say before the next step. Besides, what the
sensors' user can reach.
"""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from tests.machine.jobs.guest import BENCH, DROP_INS, configure, ledger, press, run, shown, status, tell, wait_for

SENSORS = "bodycamd-sensors.service"
ADDRESS = "0x36"
ENDED = Path("/run/ended-with")
TOLD_INSTEAD = f"""[Service]
ExecStopPost=
ExecStopPost=+/bin/sh -c 'echo $$EXIT_STATUS >{ENDED}'
"""
"""Instead of powering the machine off, which would end the job; what the unit itself does then is shown by `make test-unit`."""


def load_bus() -> str:
    """The number of a bus with the chip on it."""
    run("modprobe", "i2c-stub", f"chip_addr={ADDRESS}")
    run("modprobe", "i2c-dev")
    run("udevadm", "settle")
    return next(name.name.removeprefix("i2c-") for name in Path("/sys/class/i2c-dev").iterdir() if "stub" in (name / "name").read_text())


def set_registers(bus: str, words: dict[str, int]) -> None:
    """What the chip measures from now on."""
    for register, word in words.items():
        run("i2cset", "-y", bus, ADDRESS, register, f"{word:#06x}", "w")


def says(expected: dict[str, Any]) -> bool:
    """Whether the camera says all of it: of its battery, and under `flags`, `state` and `lamp` of itself."""
    told = status()
    battery = told.get("battery", {})
    flags = set(told.get("flags", []))
    return all(
        set(value) <= flags if key == "flags" else told.get(key) == value if key in ("state", "lamp") else battery.get(key) == value
        for key, value in expected.items()
    )


def as_sensors(*command: str) -> str:
    """What a command of the sensors' user says, its error too."""
    return run("sh", "-c", 'setpriv --reuid=bodycam-sensors --regid=bodycam-sensors --init-groups "$@" 2>&1 || true', "sh", *command)


def main() -> None:
    """Step by step; what was seen goes to the host."""
    bus = load_bus()
    configuration = BENCH / "bodycamd.yaml"
    configuration.write_text(configuration.read_text().replace("BUS", bus))
    configure()
    (DROP_INS / "told.conf").write_text(TOLD_INSTEAD)
    run("systemctl", "daemon-reload")
    seen: dict[str, Any] = {"steps": []}
    steps = json.loads((BENCH / "steps.json").read_text())
    set_registers(bus, steps[0]["registers"])
    began = time.monotonic()
    run("systemctl", "start", SENSORS, "bodycamd.service")
    seen["reached"] = as_sensors("ls", "/run/bodycamd/", "/var/lib/bodycamd/")
    for step in steps:
        set_registers(bus, step["registers"])
        if step.get("press"):
            press("down", "wait 0.1", "up", "wait 0.8", "down", "wait 0.1", "up")
        if step.get("ends"):
            wait_for(ENDED.exists, 300, step["name"])
        else:
            wait_for(partial(says, step["says"]), 300, f"{step['name']}: {status()}")
        seen["steps"].append({"name": step["name"], "status": status(), "seconds": round(time.monotonic() - began)})
    seen["ended"] = ENDED.read_text().strip()
    seen["sensors"] = run("systemctl", "show", "--value", "-p", "ActiveState", SENSORS).strip()
    seen["result"] = shown("Result")
    seen["ledger"] = ledger()
    seen["parts"] = [str(path) for path in Path("/var/lib/bodycamd/store/recordings").glob("*/*")]
    tell("seen", seen)
