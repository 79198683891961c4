"""The pins of a Raspberry Pi's header for gpiozero, through the kernel's own interface (libgpiod 2, the GPIO character device).

gpiozero's pin factory for lgpio has two threads that are woken without end, 1,340 times a second while an edge is watched for; this one has
one thread for each watched pin, which sleeps in the kernel until there is an edge. The kernel's stamp of an edge has a clock that is asked
for, CLOCK_MONOTONIC, and whoever reads a pin's level has been told every edge before it: so how long a button was down is known, also where
the process was held up.

What a camera does not use is refused: pulse width, the kernel's removal of bounce.

Sources: gpiozero 2.0.1 (`pins/pi.py`, `pins/local.py`), libgpiod 2.2 to 2.5 (`bindings/python/gpiod`), Linux `gpiolib-cdev.c`.
Not guaranteed: what a line does when it is let go. It is let go as it is; Raspberry Pi's kernels leave an output as it was, others make it
an input without a pull.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import gpiod
from gpiod.line import Bias, Clock, Direction, Edge, Value
from gpiozero.exc import PinFixedPull, PinInvalidBounce, PinInvalidEdges, PinInvalidFunction, PinInvalidPull, PinPWMUnsupported, PinSetInput
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from bodycamd.linux.named_thread import NamedThread

log = logging.getLogger(__name__)

HEADER_CHIPS = frozenset({"pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"})
"""The chips with a header's pins, by the kernel's labels: up to the Pi 3 and the Zero 2 W, the Pi 4, the Pi 5. Numbers of chips differ
between kernels: a Pi 5's was 4 and is 0."""
EVENTS_KEPT = 256
"""Edges that the kernel keeps for a process that does not take them; then it drops the oldest. A contact bounces some ten times."""
CONSUMER = "bodycamd"

DIRECTIONS = {"input": Direction.INPUT, "output": Direction.OUTPUT}
PULLS = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
LET_GO = gpiod.LineSettings(direction=Direction.INPUT, event_clock=Clock.MONOTONIC)
EDGES = {"both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING}


def header_chip(devices: Path = Path("/dev")) -> gpiod.Chip:
    """The chip of the header, open. Raises `OSError` where there is none, or none that this user may open."""
    refused: OSError | None = None
    seen: list[str] = []
    for path in sorted(devices.glob("gpiochip*")):
        try:
            chip = gpiod.Chip(str(path))
        except OSError as error:
            refused = error
            continue
        label = chip.get_info().label
        if label in HEADER_CHIPS:
            return chip
        seen.append(label)
        chip.close()
    if refused is not None:
        raise refused
    there = ", ".join(seen) or "no chip"
    raise FileNotFoundError(f"none of {', '.join(sorted(HEADER_CHIPS))} is in {devices}: there is {there}")


class HeaderPins(LocalPiFactory):  # type: ignore[misc]
    """gpiozero's factory of pins on one chip. The factory closes the chip."""

    def __init__(self, chip: gpiod.Chip) -> None:
        super().__init__()
        self.chip = chip
        self.pin_class = HeaderPin

    def close(self) -> None:
        """Let all pins go, and the chip."""
        super().close()
        self.chip.close()


class HeaderPin(LocalPiPin):  # type: ignore[misc]
    """One line of the chip, which is this process's from `function` to `close`. Its methods are gpiozero's; see `gpiozero.Pin`."""

    def __init__(self, factory: HeaderPins, info: object) -> None:
        super().__init__(factory, info)
        self._settings = LET_GO
        self._edges = "both"
        self._request: gpiod.LineRequest | None = None
        self._watch: _Watch | None = None

    def close(self) -> None:
        """Let the line go as it is."""
        self.when_changed = None
        if self._request is not None:
            self._request.release()
            self._request = None
        self._settings = LET_GO

    def output_with_state(self, state: bool) -> None:
        """An output that has this level from its first moment on."""
        level = Value.ACTIVE if state else Value.INACTIVE
        self._set(replace(LET_GO, direction=Direction.OUTPUT, output_value=level))

    def input_with_pull(self, pull: str) -> None:
        """An input with this resistor from its first moment on."""
        self._set(replace(LET_GO, bias=self._bias(pull)))

    def _set(self, settings: gpiod.LineSettings) -> None:
        """Of the line, now, which becomes this process's with it. Nothing has changed where the kernel refuses."""
        if self._request is None:
            lines: dict[Iterable[int | str] | int | str, gpiod.LineSettings | None] = {self._number: settings}
            self._request = self.factory.chip.request_lines(lines, consumer=CONSUMER, event_buffer_size=EVENTS_KEPT)
        else:
            self._request.reconfigure_lines({self._number: settings})
        self._settings = settings

    @property
    def _line(self) -> gpiod.LineRequest:
        if self._request is None:
            raise PinInvalidFunction(f"{self!r} is neither an input nor an output yet")
        return self._request

    def _bias(self, pull: str) -> Bias:
        if pull not in PULLS:
            raise PinInvalidPull(f"invalid pull {pull!r} for pin {self!r}")
        if self.info.pull not in (pull, ""):
            raise PinFixedPull(f"{self!r} has a resistor of its own, {self.info.pull}")
        return PULLS[pull]

    def _get_function(self) -> str:
        return "output" if self._settings.direction is Direction.OUTPUT else "input"

    def _set_function(self, value: str) -> None:
        if value not in DIRECTIONS:
            raise PinInvalidFunction(f"invalid function {value!r} for pin {self!r}")
        self.when_changed = None
        self._set(replace(self._settings, direction=DIRECTIONS[value]))

    def _get_state(self) -> bool:
        return self._read_level() if self._watch is None else self._watch.behind_all_edges(self._read_level)

    def _read_level(self) -> bool:
        return bool(self._line.get_value(self._number))

    def _set_state(self, value: bool) -> None:
        if self._settings.direction is not Direction.OUTPUT:
            raise PinSetInput(f"cannot set state of pin {self!r}")
        self._line.set_value(self._number, Value.ACTIVE if value else Value.INACTIVE)

    def _get_pull(self) -> str:
        return next((name for name, bias in PULLS.items() if bias is self._settings.bias), "floating")

    def _set_pull(self, value: str) -> None:
        if self._settings.direction is not Direction.INPUT:
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        self._set(replace(self._settings, bias=self._bias(value)))

    def _get_frequency(self) -> None:
        return None

    def _set_frequency(self, value: float | None) -> None:
        if value is not None:
            raise PinPWMUnsupported(f"pulse width is not supported on pin {self!r}")

    def _get_bounce(self) -> None:
        return None

    def _set_bounce(self, value: float | None) -> None:
        if value is not None:
            raise PinInvalidBounce(f"bounce of pin {self!r} is not removed here")

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        if value not in EDGES:
            raise PinInvalidEdges(f"invalid edges {value!r} for pin {self!r}")
        self._edges = value
        if self._watch is not None:
            self._set(replace(self._settings, edge_detection=EDGES[value]))

    def _enable_event_detect(self) -> None:
        self._set(replace(self._settings, edge_detection=EDGES[self._edges]))
        self._watch = _Watch(repr(self), self._line, self._call_when_changed)

    def _disable_event_detect(self) -> None:
        if self._watch is not None:
            self._watch.end()
            self._watch = None
            self._set(replace(self._settings, edge_detection=Edge.NONE))

    def _call_when_changed(self, ticks: float | None = None, state: bool | None = None) -> None:
        """From the thread that waits for edges; `ticks` in seconds as `HeaderPins.ticks` gives them."""
        method = self._get_when_changed()
        if method is not None:
            method(ticks, state)


class _Watch:
    """Tells each edge of one line once and in the kernel's order, from a thread of its own or from whoever cannot wait for that, until
    `end`."""

    def __init__(self, name: str, line: gpiod.LineRequest, tell: Callable[[float, bool], None]) -> None:
        self._name, self._line, self._tell = name, line, tell
        self._ended = os.eventfd(0, os.EFD_CLOEXEC)
        self._order = threading.Lock()
        self._waiting = select.poll()
        self._waiting.register(line.fd, select.POLLIN)
        self._thread = NamedThread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        waiting = select.poll()
        waiting.register(self._line.fd, select.POLLIN)
        waiting.register(self._ended, select.POLLIN)
        while self._ended not in dict(waiting.poll()):
            try:
                with self._order:
                    self._catch_up()
            except OSError as error:
                log.error("%s: the pin cannot be read any more (%s): no press is seen until the camera is started again", self._name, error)
                return

    def behind_all_edges(self, read_level: Callable[[], bool]) -> bool:
        """The level, and every edge before it has been told: those that wait still, by the thread that asks. Raises `OSError` where the
        line is gone."""
        with self._order:
            level = read_level()
            newest = self._catch_up()
        return level if newest is None else newest

    def _catch_up(self) -> bool | None:
        """Tell every edge that waits; the level after the last one, `None` where there was none."""
        newest = None
        while ready := self._waiting.poll(0):
            if not ready[0][1] & select.POLLIN:
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
            for event in self._line.read_edge_events(EVENTS_KEPT):
                newest = event.event_type is event.Type.RISING_EDGE
                self._tell(event.timestamp_ns / 1e9, newest)
        return newest

    def end(self) -> None:
        """No edge is told after this."""
        os.eventfd_write(self._ended, 1)
        self._thread.join()
        os.close(self._ended)
