"""lgpio 0.2.2 without a chip, as far as hand and eyes use it: signatures, answers and errors as its Python module and `lgGpio.c` have them.

`HELD` are lines of somebody else. What is done to a line is also written to `lines` in LG_WD. `happens` is the kernel's interrupt.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

SET_OPEN_DRAIN, SET_OPEN_SOURCE, SET_PULL_UP, SET_PULL_DOWN, SET_PULL_NONE = 8, 16, 32, 64, 128
BOTH_EDGES = 3
CHIPS = {4: "brcmvirt-gpio", 11: "pinctrl-rp1"}
HELD: set[int] = set()
outputs: dict[int, list[int]] = {}
"""Level and flags."""
alerts: dict[int, int] = {}
"""Flags."""
callbacks: list[tuple[int, int, Callable[[int, int, int, int], None]]] = []
opened: set[int] = set()


class error(Exception):
    """As there."""


def _journal(*what: object) -> None:
    with (Path(os.environ["LG_WD"]) / "lines").open("a") as journal:
        print(*what, file=journal)


def gpiochip_open(gpiochip: int) -> int:
    if gpiochip not in CHIPS:
        raise error("can not open gpiochip")
    opened.add(gpiochip)
    return gpiochip << 16


def gpiochip_close(handle: int) -> int:
    opened.remove(handle >> 16)
    if CHIPS[handle >> 16] == "pinctrl-rp1":
        outputs.clear()
        alerts.clear()
    return 0


def gpio_get_chip_info(handle: int) -> list[object]:
    return [0, 54, f"gpiochip{handle >> 16}", CHIPS[handle >> 16]]


def gpio_claim_output(handle: int, gpio: int, level: int = 0, lFlags: int = 0) -> int:
    if gpio in HELD:
        raise error("GPIO busy")
    outputs.setdefault(gpio, [level, lFlags])  # claimed again: nothing is set
    _journal("claims", gpio, outputs[gpio][0])
    return 0


def gpio_claim_alert(handle: int, gpio: int, eFlags: int, lFlags: int = 0, notify_handle: int | None = None) -> int:
    if gpio in HELD:
        raise error("bad event request")
    alerts[gpio] = lFlags
    return 0


def gpio_write(handle: int, gpio: int, level: int) -> int:
    outputs[gpio][0] = level
    _journal("writes", gpio, level)
    return 0


def callback(handle: int, gpio: int, edge: int, func: Callable[[int, int, int, int], None]) -> None:
    callbacks.append((handle >> 16, gpio, func))


def happens(gpio: int, level: int) -> None:
    """An edge at a line, now."""
    for chip, line, function in callbacks:
        if line == gpio and gpio in alerts:
            function(chip, gpio, level, time.monotonic_ns())


def button(gpio: int, pull: int) -> int:
    """The level of the button's line, which has a pull of its own, with this hand on it."""
    level, flags = outputs[gpio]
    let_go = level == (1 if flags & SET_OPEN_DRAIN else 0)
    assert not let_go or flags & SET_PULL_NONE, "its pull is against the button's"
    return pull if let_go else level
