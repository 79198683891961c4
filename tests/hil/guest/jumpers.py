"""A hand and eyes on spare pins of a Raspberry Pi, joined by jumpers to the camera's own, which its daemon keeps.

Through libgpiod's Python module, which the camera has beside its recorder. Read in the kernel's `gpiolib.c` and `gpiolib-cdev.c`: edges are
stamped by CLOCK_MONOTONIC where no other clock is asked for; an open drain that is let go is an input with the pull that was asked for, so
none is: its own, down at most pins, would halve the button's.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.hil.guest.pins import Change, moved

LABELS = ("pinctrl-bcm2", "pinctrl-rp1")
"""Of the chip whose lines are on the header: Pi 0 to 4, Pi 5. Its number differs between kernels."""
CHIPS = 32
CONSUMER = "bodycamd-hil"
"""As `gpioinfo` shows it."""


class Refused(Exception):
    """Why this camera is not for the bench now: a sentence, and an exit code as in bodycamd/errors.py."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def import_gpiod() -> Any:
    """libgpiod's module. Raises `Refused`."""
    try:
        import gpiod  # of the camera's own, not of this computer's
    except ImportError as error:
        raise Refused(f"gpiod is missing ({error}): a bundle of bodycamd brings it, docs/install.md", 69) from error
    return gpiod


def boottime_us(monotonic_ns: int) -> int:
    """CLOCK_BOOTTIME when CLOCK_MONOTONIC was this: they differ by the time asleep."""
    return (monotonic_ns + time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1000


class Jumpers:
    """`changes` as those of `Pins`. `hand` is a spare pin, `pulls` where it pulls the button's line; `eyes` are parts with the spare pin
    that sees each, and the level at which it is on. `devices` is where the chips are. Raises `Refused`, and then holds no line."""

    def __init__(self, gpiod: Any, hand: int, pulls: str, eyes: dict[str, tuple[int, str]], devices: Path = Path("/dev")) -> None:
        self.changes: list[Change] = []
        self._gpiod, self._hand, line = gpiod, hand, gpiod.line
        to_ground = pulls == "ground"
        self._released, self._pulled = (line.Value.ACTIVE, line.Value.INACTIVE) if to_ground else (line.Value.INACTIVE, line.Value.ACTIVE)
        self._on = dict.fromkeys(eyes, False)
        self._held: list[Any] = []
        self._stop, self._stopping = os.pipe()
        chip = self._open(devices)
        try:
            drive = line.Drive.OPEN_DRAIN if to_ground else line.Drive.OPEN_SOURCE
            let_go = gpiod.LineSettings(direction=line.Direction.OUTPUT, drive=drive, bias=line.Bias.DISABLED, output_value=self._released)
            self._pulls = self._claim(chip, "the hand", hand, let_go)
            sees = {part: self._eye(chip, part, pin, active == "high") for part, (pin, active) in eyes.items()}
        except Refused:
            self._let_go()
            raise
        finally:
            chip.close()
        by_descriptor = {request.fd: (part, eyes[part][1] == "high", request) for part, request in sees.items()}
        self._following = threading.Thread(target=self._follow, args=(by_descriptor,), daemon=True)
        self._following.start()

    def move(self, edges: Iterable[tuple[float, bool]]) -> int:
        """See `Pins`."""
        return moved(edges, lambda down: self._pulls.set_value(self._hand, self._pulled if down else self._released), self.changes)

    def close(self) -> None:
        """Let the button go, and every line."""
        self._pulls.set_value(self._hand, self._released)
        os.write(self._stopping, b".")
        self._following.join()
        self._let_go()

    def _let_go(self) -> None:
        for request in self._held:
            request.release()
        os.close(self._stop)
        os.close(self._stopping)

    def _open(self, devices: Path) -> Any:
        for number in range(CHIPS):
            try:
                chip = self._gpiod.Chip(str(devices / f"gpiochip{number}"))
            except OSError:
                continue
            if chip.get_info().label.startswith(LABELS):
                return chip
            chip.close()
        self._let_go()
        raise Refused(f"no GPIO chip of a Raspberry Pi: none that can be opened is called {' or '.join(LABELS)}…", 69)

    def _eye(self, chip: Any, part: str, pin: int, active_high: bool) -> Any:
        line = self._gpiod.line
        pull = line.Bias.PULL_DOWN if active_high else line.Bias.PULL_UP  # without its jumper: off
        sees = self._gpiod.LineSettings(direction=line.Direction.INPUT, bias=pull, edge_detection=line.Edge.BOTH)
        return self._claim(chip, f"the eye on {part}", pin, sees)

    def _claim(self, chip: Any, what: str, pin: int, settings: Any) -> Any:
        try:
            request = chip.request_lines(config={pin: settings}, consumer=CONSUMER)
        except OSError as error:
            raise Refused(f"GPIO {pin}, {what}, cannot be had ({error}): `gpioinfo` says who holds it", 75) from error
        self._held.append(request)
        return request

    def _follow(self, eyes: dict[int, tuple[str, bool, Any]]) -> None:
        poll = select.poll()
        for descriptor in (self._stop, *eyes):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            for descriptor in ready:
                if descriptor in eyes:
                    part, active_high, request = eyes[descriptor]
                    for event in request.read_edge_events():
                        self._saw(part, (event.event_type is event.Type.RISING_EDGE) == active_high, event.timestamp_ns)
            if self._stop in ready:
                return

    def _saw(self, part: str, on: bool, monotonic_ns: int) -> None:
        if self._on[part] != on:
            self._on[part] = on
            self.changes.append((part, boottime_us(monotonic_ns), on))
