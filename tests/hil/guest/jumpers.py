"""A hand and eyes on spare pins of a Raspberry Pi, joined by jumpers to the camera's own, which its daemon keeps.

Read in lgpio's sources (github.com/joan2937/lg): `lgGpio.c` asks the kernel for no other clock than its own, so the times of alerts are
those of `GPIO_V2_GET_LINE_IOCTL` without a flag, CLOCK_MONOTONIC in ns since Linux 5.7; a line that is an output already is claimed again
without its level being set; an alert's line that somebody else holds is "bad event request", where an output's is "GPIO busy". In the
kernel's (`gpiolib.c`): an open drain that is let go is an input with the pull that was asked for, so none is: its own, down at most
pins, would halve the button's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from tests.hil.guest.pins import Change, moved

LABELS = ("pinctrl-bcm2", "pinctrl-rp1")
"""Of the chip whose lines are on the header: Pi 0 to 4, Pi 5. Its number differs between kernels."""
CHIPS = 32


class Refused(Exception):
    """Why this camera is not for the bench now: a sentence, and an exit code as in bodycamd/errors.py."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def import_lgpio(folder: Path) -> Any:
    """lgpio, which makes its pipe in `folder` when it is imported, and goes there. Raises `Refused`."""
    here = Path.cwd()
    os.environ["LG_WD"] = str(folder)
    try:
        import lgpio
    except ImportError as error:
        raise Refused(f"lgpio is missing ({error}): sudo apt install python3-lgpio", 69) from error
    finally:
        os.chdir(here)
    return lgpio


def boottime_us(monotonic_ns: int) -> int:
    """CLOCK_BOOTTIME when CLOCK_MONOTONIC was this: they differ by the time asleep."""
    return (monotonic_ns + time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1000


class Jumpers:
    """`changes` as those of `Pins`. `hand` is a spare pin, `pulls` where it pulls the button's line; `eyes` are parts with the spare pin
    that sees each, and the level at which it is on. Raises `Refused`, and then holds no line."""

    def __init__(self, lgpio: Any, hand: int, pulls: str, eyes: dict[str, tuple[int, str]]) -> None:
        self.changes: list[Change] = []
        self._lgpio, self._hand, self._released = lgpio, hand, int(pulls == "ground")
        self._on = dict.fromkeys(eyes, False)
        self._chip = self._open()
        drive = lgpio.SET_OPEN_DRAIN if self._released else lgpio.SET_OPEN_SOURCE
        try:
            self._claim("the hand", hand, lambda: lgpio.gpio_claim_output(self._chip, hand, self._released, drive | lgpio.SET_PULL_NONE))
            for part, (pin, active) in eyes.items():
                pull = lgpio.SET_PULL_DOWN if active == "high" else lgpio.SET_PULL_UP  # without its jumper: off
                lgpio.callback(self._chip, pin, lgpio.BOTH_EDGES, partial(self._saw, part, active == "high"))
                self._claim(f"the eye on {part}", pin, partial(lgpio.gpio_claim_alert, self._chip, pin, lgpio.BOTH_EDGES, pull))
        except Refused:
            lgpio.gpiochip_close(self._chip)
            raise

    def move(self, edges: Iterable[tuple[float, bool]]) -> int:
        """See `Pins`."""
        return moved(edges, lambda down: self._lgpio.gpio_write(self._chip, self._hand, self._released ^ down), self.changes)

    def close(self) -> None:
        """Let the button go, and every line."""
        self._lgpio.gpio_write(self._chip, self._hand, self._released)
        self._lgpio.gpiochip_close(self._chip)

    def _open(self) -> int:
        for number in range(CHIPS):
            try:
                chip: int = self._lgpio.gpiochip_open(number)
            except self._lgpio.error:
                continue
            if self._lgpio.gpio_get_chip_info(chip)[3].startswith(LABELS):
                return chip
            self._lgpio.gpiochip_close(chip)
        raise Refused(f"no GPIO chip of a Raspberry Pi: none that can be opened is called {' or '.join(LABELS)}…", 69)

    def _claim(self, what: str, pin: int, claim: Callable[[], Any]) -> None:
        try:
            claim()
        except self._lgpio.error as error:
            raise Refused(f"GPIO {pin}, {what}, cannot be had ({error}): `gpioinfo` says who holds it", 75) from error

    def _saw(self, part: str, active_high: bool, _chip: int, _pin: int, level: int, monotonic_ns: int) -> None:
        on = (level == 1) == active_high
        if self._on[part] != on:
            self._on[part] = on
            self.changes.append((part, boottime_us(monotonic_ns), on))
