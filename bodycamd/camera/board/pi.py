"""The parts of a camera on a Raspberry Pi, through gpiozero and the kernel's own GPIO interface.

Wiring (BCM numbers, all settable in `board.gpio`):

- button: between its pin (default 17) and ground, or 3.3 V with `button_to: 3v3`; the resistor inside pulls the other way;
- LED, ready LED, haptic: their pins' `…_active` level (`high` by default) means on; the vibration motor needs a transistor, a pin gives
  16 mA at most.

The pin factory is `header_pins` and nothing else: where it cannot be had, `pi_board` raises and the daemon does not start, because a
camera whose button silently is a mock is worse than one that says that it is broken. Bounce is left in: every edge is told with the
CLOCK_BOOTTIME at which it was, and `camera.control.gestures` removes the bounce. Outputs are only switched on and off; no gpiozero blink
thread ever runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpiozero import InputDevice, OutputDevice
from gpiozero.exc import GPIOPinInUse, GPIOZeroError

from bodycamd.camera.board.battery import NoBattery
from bodycamd.camera.board.header_pins import HeaderPins, header_chip
from bodycamd.camera.board.ports import Board, OutputName
from bodycamd.camera.board.sensed import SensedBattery, SensorsLink
from bodycamd.camera.board.voice.supervisor import VoiceProcess
from bodycamd.camera.control.events import Event
from bodycamd.config.settings import BoardSettings, GpioSettings, SpeakerSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import Clock

log = logging.getLogger(__name__)


class GpioButton:
    """A push button between a pin and ground, or 3.3 V. Raw edges, bounce and all."""

    def __init__(self, pin: int, factory: Any, clock: Clock, *, to_ground: bool = True) -> None:
        self._device = _claim(lambda: InputDevice(pin, pull_up=to_ground, pin_factory=factory), "board.gpio.button", pin)
        self._to_ground = to_ground
        self._factory, self._clock = factory, clock
        self._last_us = 0
        self._on_edge: Callable[[bool, int], None] | None = None

    def watch(self, on_edge: Callable[[bool, int], None]) -> None:
        """Call `on_edge(pressed, at_us)` for every edge, from the thread that waits for edges, until `close`.

        `at_us` is the CLOCK_BOOTTIME of the edge: now, less the age that the kernel's stamp has. So a press is as long as it was, where
        this process was held up too; and no edge is told as earlier than the one before it.
        """
        self._on_edge = on_edge
        self._device.pin.edges = "both"
        self._device.pin.when_changed = self._changed  # gpiozero keeps only a weak reference to this object

    def _changed(self, ticks: float, state: int) -> None:
        age_seconds = max(0.0, self._factory.ticks_diff(self._factory.ticks(), ticks))
        self._last_us = max(self._last_us, self._clock.now_us() - round(age_seconds * 1e6))
        if self._on_edge is not None:
            self._on_edge(bool(state) != self._to_ground, self._last_us)

    def is_pressed(self) -> bool:
        """The level now; every edge before it has been told."""
        return bool(self._device.is_active)

    def close(self) -> None:
        """Release the pin; no edge is told after this."""
        self._on_edge = None
        self._device.close()


class GpioOutput:
    """A light or a motor on one pin: high is on, or low where it is `active_low`. It is off from the first moment and after `close`: then
    the pin is let go as it is, so that it stays off where the kernel keeps it."""

    def __init__(self, pin: int, factory: Any, key: str, *, active_low: bool = False) -> None:
        make = lambda: OutputDevice(pin, active_high=not active_low, initial_value=False, pin_factory=factory)  # noqa: E731
        self._device = _claim(make, key, pin)
        self._key = key
        self._failing = False

    def set(self, on: bool) -> None:
        """Switch. A pin that cannot be written is logged once per failure and never stops the recording."""
        try:
            if on:
                self._device.on()
            else:
                self._device.off()
        except Exception as error:
            if not self._failing:
                log.error("%s: the pin cannot be written (%s); the officer does not see or feel the camera's state", self._key, error)
            self._failing = True
        else:
            self._failing = False

    def close(self) -> None:
        """Switch off and release the pin."""
        self.set(False)
        self._device.close()


def header_pins() -> HeaderPins:
    """The one pin factory that bodycamd uses on a Pi. Raises `UnavailableError` with the next step where this is no Pi, or its chip cannot
    be opened."""
    try:
        made = HeaderPins(header_chip())
        try:
            _ = made.board_info  # which of its lines lead where: known of Raspberry Pis alone
        except BaseException:
            made.close()
            raise
    except (OSError, GPIOZeroError) as error:
        raise UnavailableError(
            f"the GPIO chip cannot be opened: {error}. Check that gpioinfo shows the header's chip and that the service's user is in group "
            "gpio; without a Pi set board.adapter: simulated"
        ) from error
    return made


def _claim(make: Callable[[], Any], key: str, pin: int) -> Any:
    try:
        return make()
    except GPIOPinInUse as error:
        raise UnavailableError(f"{key}: GPIO {pin} already belongs to another part of this camera; give each part its own pin") from error
    except GPIOZeroError as error:
        raise UnavailableError(f"{key}: GPIO {pin} cannot be used ({error}); choose another pin") from error
    except OSError as error:
        raise UnavailableError(
            f"{key}: GPIO {pin} cannot be claimed ({error}); another process or a device-tree overlay holds it: "
            "look with gpioinfo, or choose another pin"
        ) from error


def pi_board(
    settings: BoardSettings,
    speaker: SpeakerSettings,
    *,
    wav: Path,
    post: Callable[[Event], None],
    directory: Path | None = None,
    clock: Clock,
    pin_factory: Any = None,
) -> Board:
    """All parts of a camera on a Raspberry Pi.

    `wav` is the warning; `post` receives the voice's events, from its own thread, after `voice.start()`. `directory` is only for
    `speaker.output: simulated`. `pin_factory` is for tests: `MockFactory(pin_class=MockPWMPin)`. Raises `UnavailableError` with the next
    step, and then holds no pin.
    """
    sensors = SensorsLink(Path(settings.sensors), clock)
    gauge = NoBattery() if settings.battery.gauge == "none" else SensedBattery(settings.battery, sensors)
    voice = VoiceProcess(speaker, wav, post, clock, directory=directory)
    factory = pin_factory if pin_factory is not None else header_pins()
    gpio = settings.gpio
    claimed: list[GpioButton | GpioOutput] = []
    try:
        claimed.append(button := GpioButton(gpio.button, factory, clock, to_ground=gpio.button_to == "ground"))
        claimed.append(lamp := output("led", gpio.led, factory, gpio))
        ready = None if gpio.ready_led is None else output("ready_led", gpio.ready_led, factory, gpio)
        claimed.extend([] if ready is None else [ready])
        haptic = NoHaptic() if gpio.haptic is None else output("haptic", gpio.haptic, factory, gpio)
    except BaseException:
        for part in claimed:
            part.close()
        raise
    return Board(button=button, lamp=lamp, ready_lamp=ready, haptic=haptic, voice=voice, clock=clock, battery=gauge, sensors=sensors)


def output(part: OutputName, pin: int, factory: Any, gpio: GpioSettings) -> GpioOutput:
    """A light or the motor on its pin, the way round that the configuration says. Raises `UnavailableError` where the pin cannot be had."""
    active = {"led": gpio.led_active, "ready_led": gpio.ready_led_active, "haptic": gpio.haptic_active}
    return GpioOutput(pin, factory, f"board.gpio.{part}", active_low=active[part] == "low")


class NoHaptic:
    """No vibration motor is fitted."""

    def set(self, on: bool) -> None:
        """There is nothing to move."""

    def close(self) -> None:
        """There is nothing to release."""
