"""What the daemon needs of the hardware, as narrow protocols. `pi` and `simulated` are the two shipped adapters; configuration chooses.

All methods are called from the control loop and return at once; callbacks may come from any thread. Times are CLOCK_BOOTTIME microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from bodycamd.camera.control.events import BatteryLevel
from bodycamd.camera.sensors.readings import Reading
from bodycamd.linux.clock import Clock

OutputName = Literal["led", "ready_led", "haptic"]
"""What shines or shakes, by the name of its pin in `board.gpio`."""


class Button(Protocol):
    """The record button: raw edges, bounce and all; gestures are made in `camera.control.gestures`."""

    def watch(self, on_edge: Callable[[bool, int], None]) -> None:
        """Call `on_edge(pressed, at_us)` for every edge, from any thread, until `close`."""

    def is_pressed(self) -> bool:
        """The level now: read again when the bounce time is over. What is watched has been told every edge before it."""

    def close(self) -> None:
        """Release the pin."""


class Lamp(Protocol):
    """One light. The indicator's language lives in `camera.control.indicator`; the lamp only goes on and off."""

    def set(self, on: bool) -> None:
        """Light or darken; returns within a millisecond."""

    def close(self) -> None:
        """Darken and release the pin."""


class Haptic(Protocol):
    """The vibration motor. The lengths of the pulses are in `camera.control.indicator`."""

    def set(self, on: bool) -> None:
        """Start or stop the motor."""

    def close(self) -> None:
        """Stop and release the pin."""


class Voice(Protocol):
    """The speaker, in a process of its own. Posts `VoiceHealth` and `WarningEnded`; never blocks, whatever the sound system does."""

    def start(self) -> None:
        """Start the child and let it prepare the warning; `VoiceHealth` follows."""

    def speak(self) -> None:
        """Play the warning from its start; `WarningEnded` follows within the WAV's length plus a bounded time, also if the child hangs."""

    def silence(self) -> None:
        """Stop the sound within 150 ms, by killing the child if it does not answer."""

    def close(self) -> None:
        """End the child."""


class Battery(Protocol):
    """The battery gauge, where there is one."""

    def read(self) -> tuple[BatteryLevel, float | None]:
        """The level by the configured thresholds, and the percentage; `("ok", None)` where no gauge is configured."""


class Sensors(Protocol):
    """The readings of the sensors process."""

    def look(self) -> None:
        """Take what has come; never waits."""

    def reading(self) -> Reading:
        """The latest one. Raises `UnavailableError` where there is none of late."""

    def close(self) -> None:
        """Hang up."""


class Board(Struct, frozen=True):
    """All parts of one camera."""

    button: Button
    lamp: Lamp
    ready_lamp: Lamp | None
    haptic: Haptic
    voice: Voice
    clock: Clock
    battery: Battery
    sensors: Sensors | None = None
    """`None` where nobody reads any: a simulation without a gauge."""
