"""Darkens a camera whose daemon is not running: `python -m bodycamd.camera.board.lamp_off --config FILE`.

The unit runs it after every end of the daemon (`ExecStopPost`), also after a kill: the kernel gives the pins of a dead process free but
may leave them high, and a lit lamp says "recording". Lamp, ready lamp and motor go off through the adapter that the configuration names. It
does not look whether a daemon runs: beside one, on a Pi, it ends with exit code 69 because the pins are in use.

Exit codes as everywhere (`bodycamd.errors`): 78 where the configuration is wrong, 69 where a pin cannot be had.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera.board import board_log
from bodycamd.camera.board.ports import OutputName
from bodycamd.config.load import load
from bodycamd.config.settings import Config, GpioSettings
from bodycamd.errors import BodycamError, UnavailableError
from bodycamd.foreign_text import shown
from bodycamd.linux import clock


def darken(config: Config) -> None:
    """Switch everything off that shines or shakes. Raises `UnavailableError` where a part cannot be reached."""
    gpio = config.board.gpio
    pins: dict[OutputName, int | None] = {"led": gpio.led, "ready_led": gpio.ready_led, "haptic": gpio.haptic}
    fitted: dict[OutputName, int] = {part: pin for part, pin in pins.items() if pin is not None}
    if config.board.adapter == "simulated":
        _darken_simulated(config, [part.replace("led", "lamp") for part in fitted])
    else:
        _darken_pins(fitted, gpio)


def _darken_simulated(config: Config, parts: Sequence[str]) -> None:
    """Always writes the lines: what the dead daemon left on is not known here."""
    directory = Path(config.simulation_directory or "")
    try:
        line = board_log.Timeline(directory)
    except OSError as error:
        raise UnavailableError(f"{directory}: the time line cannot be written ({error.strerror}); check simulation_directory") from error
    for part in parts:
        line.note(part, clock.boottime_us(), on=False)
    line.close()


def _darken_pins(pins: dict[OutputName, int], gpio: GpioSettings) -> None:
    from bodycamd.camera.board import pi  # imported here: gpiozero is not needed for a simulation

    factory = pi.header_pins()
    failed: list[UnavailableError] = []
    for part, pin in pins.items():
        try:
            pi.output(part, pin, factory, gpio).close()
        except UnavailableError as error:  # the others are darkened all the same
            failed.append(error)
    if failed:
        raise failed[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and give its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bodycamd.camera.board.lamp_off", description="Switch lamp, ready lamp and motor off.")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE")
    try:
        darken(load(parser.parse_args(arguments).config))
    except BodycamError as error:
        print(shown(f"lamp_off: {error}", 16_384), file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
