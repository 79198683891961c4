"""The simulation by hand: a live view of the camera as the officer meets it, and keys for the button.

The dot follows the lamp itself, so it blinks as the LED does. A terminal reports no key-up: space is a tap, `h` holds (and a tap after
it stops), `d` presses and releases.
"""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import time
import tty
from collections.abc import Iterator

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bodycamd.camera.board.simulated import SimulatedHand
from bodycamd.camera.daemon.status_message import Status
from bodycamd.cli.output import duration, size
from bodycamd.config.settings import Config
from bodycamd.errors import UnavailableError
from bodycamd.foreign_text import shown
from bodycamd.linux.readable import readable
from bodycamd.workshop.simulation import officer_view as timeline
from bodycamd.workshop.simulation.button_script import TAP_SECONDS
from bodycamd.workshop.simulation.process import SimulatedCamera

FRAMES_PER_SECOND = 25
STATUS_SECONDS = 0.25
LATEST = 6
LAMP_WORDS = {
    "buffering": timeline.BUFFERING,
    "blink": timeline.FAST,
    "recording": timeline.STEADY,
    "low": timeline.LOW,
    "missing": timeline.DOUBLE,
    "refused": timeline.LONG,
    "cannot_record": timeline.LONG,
    "check_passed": "two long flashes",
    "check_failed": "six short flashes",
}
KEYS = "space tap · h hold · d down/up · q quit"


class LiveView:
    """Shows the camera until `q`, Ctrl-C or its end, then stops it and returns its exit code."""

    def __init__(self, camera: SimulatedCamera, config: Config) -> None:
        self._camera = camera
        self._hold_seconds = config.gestures.hold_seconds + 0.3
        self._hand = SimulatedHand(camera.folder.device)
        self._levels = {"lamp": False, "ready_lamp": False, "haptic": False, "button": False}
        self._fitted = {"ready_lamp": config.board.gpio.ready_led is not None, "haptic": config.board.gpio.haptic is not None}
        self._voice = "silent"
        self._status: Status | None = None
        self._next_status = 0.0
        self._release_at: float | None = None
        self._latest: list[str] = []

    def run(self) -> int:
        """Until the end."""
        view = Live(self._picture(), refresh_per_second=FRAMES_PER_SECOND)
        with contextlib.suppress(KeyboardInterrupt), _single_keys(sys.stdin.fileno()), view as live:
            while self._camera.exit_code is None and self._obey_key():
                self._look()
                live.update(self._picture())
            self._camera.ask_to_stop()
            while self._camera.exit_code is None:
                time.sleep(1 / FRAMES_PER_SECOND)
                self._look()
                live.update(self._picture())
        return self._camera.stop()

    def _obey_key(self) -> bool:
        key = ""
        if readable(sys.stdin, 1 / FRAMES_PER_SECOND):
            key = os.read(sys.stdin.fileno(), 1).decode(errors="replace")
        if key in ("q", "\x04"):
            return False
        now = time.monotonic()
        if self._release_at is not None and now >= self._release_at:
            self._release_at = None
            self._hand.up()
        if self._release_at is None and key:
            self._press(key, now)
        return True

    def _press(self, key: str, now: float) -> None:
        pressed = self._levels["button"]
        if key == "d":
            self._hand.up() if pressed else self._hand.down()
        elif key in (" ", "h") and not pressed:
            self._hand.down()
            self._release_at = now + (TAP_SECONDS if key == " " else self._hold_seconds)

    def _look(self) -> None:
        for change in self._camera.board_changes():
            if change.part in self._levels and change.on is not None:
                self._levels[change.part] = change.on
            elif change.part == "voice":
                self._voice = "speaks the warning" if change.event == "started" else f"silent ({change.event})"
        self._camera.events()  # read, so that the daemon never waits for who does not listen
        lines = map(timeline.ledger_line, self._camera.ledger_entries())
        self._latest = [*self._latest, *(line.text for line in lines if line is not None)][-LATEST:]
        now = time.monotonic()
        if now >= self._next_status and self._camera.exit_code is None:
            self._next_status = now + STATUS_SECONDS
            with contextlib.suppress(UnavailableError):  # between the end of the socket and the end of the process
                self._status = self._camera.status()

    def _picture(self) -> Panel:
        led = Text("● ", "bold red") if self._levels["lamp"] else Text("○ ", "dim")
        status = self._status
        if status is not None:
            led.append(LAMP_WORDS.get(status.lamp, status.lamp), "default")
        rows: list[tuple[str, Text | str]] = [
            ("state", Text(status.state if status is not None else "starting", "bold")),
            ("problems", ", ".join(flag.replace("_", " ") for flag in status.flags) if status is not None and status.flags else "none"),
            ("LED", led),
        ]
        if self._fitted["ready_lamp"]:
            rows.append(("ready LED", Text("● ", "bold green") if self._levels["ready_lamp"] else Text("○ ", "dim")))
        if self._fitted["haptic"]:
            rows.append(("haptic", Text("≋≋≋ vibrates", "bold yellow") if self._levels["haptic"] else "still"))
        rows += [("speaker", self._voice), ("button", "pressed" if self._levels["button"] else "up"), *self._figures()]
        table = Table(show_header=False, box=None, pad_edge=False)
        for name, value in rows:
            table.add_row(Text(name, "dim"), Text(shown(value)) if isinstance(value, str) else value)  # a str would be read as markup
        latest = (Text(shown(line), "dim", no_wrap=True, overflow="ellipsis") for line in self._latest)
        return Panel(Group(table, Text(), *latest), title="bodycamd, simulated", subtitle=KEYS, width=78)

    def _figures(self) -> Iterator[tuple[str, str]]:
        status = self._status
        if status is None:
            return
        yield "recording", f"{status.recording}, {duration(status.recording_seconds or 0)}" if status.recording else "-"
        yield "ring", f"{status.ring.fragments} fragments, {duration(status.ring.seconds)}, {size(status.ring.bytes)}"
        yield "room", f"{status.storage.minutes_left:.0f} minutes ({status.storage.level})"


@contextlib.contextmanager
def _single_keys(descriptor: int) -> Iterator[None]:
    """Keys arrive one by one and unechoed; the terminal is put back however this ends."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
