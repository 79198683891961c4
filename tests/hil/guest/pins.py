"""The kernel's simulated GPIO chip as a Pi's: the button's line is pulled, and what the camera does with the others is told by the kernel.

gpio-sim (Documentation/admin-guide/gpio/gpio-sim.rst) has a file for the pull of each line. The kernel's own trace events
(include/trace/events/gpio.h) say when a line was set, by CLOCK_BOOTTIME: nothing is looked at in rounds, nothing is missed.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.hil.guest.parts import write

CHIP = Path("/sys/kernel/config/gpio-sim/pi")
LABEL, LINES = "pinctrl-bcm2711", 54
TRACE = Path("/sys/kernel/tracing/instances/hil")
NAMES = {17: "button", 27: "lamp", 23: "ready_lamp", 22: "haptic"}
"""As the configuration has them by default."""
BUTTON = 17
_SET = re.compile(r" (?P<seconds>\d+)\.(?P<micros>\d{6}): gpio_value: (?P<number>\d+) set (?P<value>[01])")
Change = tuple[str, int, bool]
"""Which part, when (µs), and whether it is on from then."""


def now_us() -> int:
    """CLOCK_BOOTTIME, as everything here."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def make_chip() -> None:
    """gpiochip0, as a Pi 4 has it."""
    bank = CHIP / "bank0"
    bank.mkdir(parents=True)
    write(bank / "num_lines", str(LINES))
    write(bank / "label", LABEL)
    write(CHIP / "live", "1")


def was_set(line: str) -> tuple[int, int, bool] | None:
    """Of a line of the kernel's trace: which line of the chip was set, when (µs), and whether it is high."""
    found = _SET.search(line)
    if found is None:
        return None
    return int(found["number"]), int(found["seconds"]) * 1_000_000 + int(found["micros"]), found["value"] == "1"


def moved(edges: Iterable[tuple[float, bool]], pull: Callable[[bool], object], changes: list[Change]) -> int:
    """Put edges on the button's line, each so many milliseconds after the first; the instant of the last one."""
    began_us = now_us()
    at_us = began_us
    for after_ms, down in edges:
        while (left_us := began_us + round(after_ms * 1000) - now_us()) > 0:
            time.sleep(left_us / 1e6)
        at_us = now_us()
        pull(down)
        changes.append(("button", at_us, down))
    return at_us


class Pins:
    """`changes` are what the pins did since the boot, oldest first."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._levels: dict[str, bool] = {}
        device, chip = ((CHIP / "dev_name").read_text().strip(), (CHIP / "bank0/chip_name").read_text().strip())
        self._pull = os.open(f"/sys/devices/platform/{device}/{chip}/sim_gpio{BUTTON}/pull", os.O_WRONLY)
        known = {(one / "label").read_text().strip(): int((one / "base").read_text()) for one in Path("/sys/class/gpio").glob("gpiochip*")}
        self._names = {known[LABEL] + number: name for number, name in NAMES.items() if number != BUTTON}
        TRACE.mkdir(parents=True, exist_ok=True)
        write(TRACE / "trace_clock", "boot")
        write(TRACE / "events/gpio/gpio_value/enable", "1")
        threading.Thread(target=self._follow, daemon=True).start()

    def move(self, edges: Iterable[tuple[float, bool]]) -> int:
        """See `moved`."""
        return moved(edges, lambda down: os.pwrite(self._pull, b"pull-down" if down else b"pull-up", 0), self.changes)

    def _follow(self) -> None:
        with (TRACE / "trace_pipe").open() as pipe:
            for line in pipe:
                if (found := was_set(line)) is None or (name := self._names.get(found[0])) is None:
                    continue
                _, at_us, on = found
                if self._levels.get(name, False) != on:
                    self._levels[name] = on
                    self.changes.append((name, at_us, on))
