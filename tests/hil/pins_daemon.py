"""The real daemon with gpiozero's mock pins in the place of the chip: `python -m tests.hil.pins_daemon --config FILE`.

Everything up to gpiozero is the camera's own: `board.pi`, its threads and its levels. What moves on the pins is in `board.jsonl` beside the
configuration, as of a simulated board; `pins.sock` there moves the button's pin. Where a file `disk_full` lies there, the file system says
that it has no room.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

from gpiozero.pins.mock import MockFactory, MockPWMPin

from bodycamd.camera.board import pi
from bodycamd.camera.board.board_log import Timeline
from bodycamd.camera.daemon import __main__ as daemon
from bodycamd.camera.daemon import watches
from bodycamd.camera.recorder import space
from bodycamd.config import load as configuration
from bodycamd.config.settings import GpioSettings
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.disk import Disk
from tests.kit.parts import replace

SOCKET = "pins.sock"
FULL = "disk_full"
LOOK_SECONDS = 1.0
"""The daemon looks at battery and room more often than it would, so that a scenario need not wait."""


class Pins:
    """What the pins are called, and where their changes are written."""

    def __init__(self, folder: Path, gpio: GpioSettings) -> None:
        self._timeline, self._lock = Timeline(folder), threading.Lock()
        self._names = {gpio.button: "button", gpio.led: "lamp"}
        self._names.update({pin: name for pin, name in ((gpio.ready_led, "ready_lamp"), (gpio.haptic, "haptic")) if pin is not None})
        self.sent_us: int | None = None

    def changed(self, pin: int, high: bool) -> None:
        name = self._names.get(pin)
        if name is None:
            return
        with self._lock:
            if name == "button":
                sent = {} if self.sent_us is None else {"sent_us": self.sent_us}
                self._timeline.note(name, boottime_us(), on=not high, **sent)
            else:
                self._timeline.note(name, boottime_us(), on=high)


PINS: Pins


class ToldPin(MockPWMPin):  # type: ignore[misc]
    """A mock pin whose changes are written down as they happen."""

    def _change_state(self, value: float) -> bool:
        changed = bool(super()._change_state(value))
        if changed:
            PINS.changed(int(self.info.name.removeprefix("GPIO")), value > 0)
        return changed


def move(folder: Path, factory: MockFactory, button: int) -> None:
    """Take edges from the socket and put them on the button's pin, each at its millisecond."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(str(folder / SOCKET))
    while True:
        asked = json.loads(receiver.recv(65536))
        pin = factory.pin(button)
        began = time.monotonic()
        PINS.sent_us = asked["sent_us"]
        for after_ms, down in asked["edges"]:
            time.sleep(max(0.0, began + after_ms / 1000 - time.monotonic()))
            (pin.drive_low if down else pin.drive_high)()


def main() -> int:
    """Put the pins in place, then be the daemon."""
    global PINS
    path = Path(sys.argv[sys.argv.index("--config") + 1])
    config = configuration.load(path)
    PINS = Pins(path.parent, config.board.gpio)
    factory = MockFactory(pin_class=ToldPin)
    free = Disk.free_bytes
    replace(pi, "header_pins", lambda: factory)
    replace(Disk, "free_bytes", lambda disk, folder: 0 if (path.parent / FULL).exists() else free(disk, folder))  # type: ignore[arg-type]
    watches.WATCH_SECONDS, space.ROOM_US = LOOK_SECONDS, round(LOOK_SECONDS * 1e6)
    (path.parent / SOCKET).unlink(missing_ok=True)
    threading.Thread(target=move, args=(path.parent, factory, config.board.gpio.button), daemon=True).start()
    os.environ["GPIOZERO_PIN_FACTORY"] = "mock"
    return daemon.main()


if __name__ == "__main__":
    sys.exit(main())
