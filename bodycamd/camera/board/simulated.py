"""A whole camera without hardware: the same daemon runs on it in demonstrations, tests and CI.

In its folder:

- `button.sock`, a unix datagram socket: `down` and `up` are raw edges, stamped on receipt; an optional second word, the sender's own
  CLOCK_BOOTTIME in microseconds, is only echoed in the time line as `sent_us`. `battery PERCENT` sets the gauge, where
  `board.battery.gauge` is `none`; else the readings of bodycamd-sensors count. `SimulatedHand` sends
  these.
- `board.jsonl`, the time line (see `board_log`): every change of lamp, ready lamp, haptic, button, voice and battery.
- `speaker-0001.wav`, …: what the loudspeaker played, in real time, with `speaker.output: simulated`.

Whoever can write into the folder can press the button: it is for simulations only.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from bodycamd.camera.board.battery import BatteryThresholds
from bodycamd.camera.board.board_log import Timeline
from bodycamd.camera.board.ports import Board
from bodycamd.camera.board.sensed import SensedBattery, SensorsLink
from bodycamd.camera.board.voice.supervisor import VoiceProcess
from bodycamd.camera.control.events import BatteryLevel, Event
from bodycamd.config.settings import BoardSettings, SpeakerSettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import Clock, boottime_us

log = logging.getLogger(__name__)

SOCKET_NAME = "button.sock"
MAX_DATAGRAM_BYTES = 256


class SimulatedOutput:
    """A lamp or a motor: its changes are in the time line."""

    def __init__(self, part: str, timeline: Timeline, clock: Clock) -> None:
        self._part, self._timeline, self._clock = part, timeline, clock
        self.on = False

    def set(self, on: bool) -> None:
        """Switch; only changes are written."""
        if on != self.on:
            self.on = on
            self._timeline.note(self._part, self._clock.now_us(), on=on)

    def close(self) -> None:
        """Off."""
        self.set(False)


class SimulatedBattery:
    """A gauge that is set from outside. Unknown, and `ok`, until then."""

    def __init__(self, thresholds: BatteryThresholds) -> None:
        self._thresholds = thresholds
        self.percent: float | None = None

    def read(self) -> tuple[BatteryLevel, float | None]:
        """The level and the percentage that was set last."""
        percent = self.percent
        return ("ok", None) if percent is None else (self._thresholds.level(percent), percent)


class SimulatedButton:
    """The receiving end of `button.sock`, with a thread of its own.

    Raises `UnavailableError` when another simulation listens in the folder.
    """

    def __init__(self, directory: Path, timeline: Timeline, clock: Clock, battery: SimulatedBattery) -> None:
        self._timeline, self._clock, self._battery = timeline, clock, battery
        self._directory = directory
        self._pressed, self._order = False, threading.Lock()
        self._on_edge: Callable[[bool, int], None] | None = None
        self._socket = _bind(directory)
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._receive, name="simulated button", daemon=True)
        self._thread.start()

    def watch(self, on_edge: Callable[[bool, int], None]) -> None:
        """Call `on_edge(pressed, at_us)` for every datagram `down` or `up`, from the button's thread, until `close`."""
        self._on_edge = on_edge

    def is_pressed(self) -> bool:
        """The level after the last edge, which has been told."""
        with self._order:
            return self._pressed

    def close(self) -> None:
        """Remove the socket; no edge is told after this."""
        self._on_edge = None
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            os.eventfd_write(self._stop, 1)
            self._thread.join()
            (self._directory / SOCKET_NAME).unlink(missing_ok=True)
            self._socket.close()
            os.close(self._stop)

    def _receive(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        while all(fd != self._stop for fd, _ in poll.poll()):
            datagram = self._socket.recv(MAX_DATAGRAM_BYTES)
            at_us = self._clock.now_us()
            try:
                self._obey(datagram.decode("ascii").split(), at_us)
            except (ValueError, IndexError) as error:
                log.warning("%s: passed over the datagram %r: %s", SOCKET_NAME, datagram[:80], error)
            except Exception:
                log.exception("%s: the datagram %r was not taken", SOCKET_NAME, datagram[:80])

    def _obey(self, words: list[str], at_us: int) -> None:
        if words[0] == "battery":
            percent = float(words[1])
            if not 0 <= percent <= 100:
                raise ValueError("not a percentage")
            self._battery.percent = percent
            self._timeline.note("battery", at_us, percent=percent)
        elif words[0] in ("down", "up"):
            sent = {"sent_us": int(words[1])} if len(words) > 1 else {}
            with self._order:
                self._pressed = words[0] == "down"
                if self._on_edge is not None:
                    self._on_edge(self._pressed, at_us)
            self._timeline.note("button", at_us, on=self._pressed, **sent)
        else:
            raise ValueError("known are down, up and battery PERCENT")


class SimulatedHand:
    """The sending end: presses the button of a simulation that runs in `directory`, from any process.

    Each method raises `UnavailableError` when no simulation listens there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def down(self) -> int:
        """Press; returns the CLOCK_BOOTTIME (µs) just before."""
        sent_us = boottime_us()
        self._send(f"down {sent_us}")
        return sent_us

    def up(self) -> int:
        """Release; returns the CLOCK_BOOTTIME (µs) just before."""
        sent_us = boottime_us()
        self._send(f"up {sent_us}")
        return sent_us

    def battery(self, percent: float) -> None:
        """Set the gauge."""
        self._send(f"battery {percent}")

    def _send(self, datagram: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                _with_address(self._directory, sender.connect)
                sender.send(datagram.encode("ascii"))
        except OSError as error:
            raise UnavailableError(
                f"no simulation runs in {self._directory} ({error.strerror}); start one: bodycamd simulate --dir DIR"
            ) from error


def _with_address(directory: Path, use: Callable[[str], None]) -> None:
    """Call `use` with the socket's address through an open folder: a socket's own path may have 107 bytes at most, a folder's path may be
    longer.
    """
    folder = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{folder}/{SOCKET_NAME}")
    finally:
        os.close(folder)


def _bind(directory: Path) -> socket.socket:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        try:
            _with_address(directory, receiver.bind)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
                try:
                    _with_address(directory, probe.connect)
                except ConnectionRefusedError:
                    (directory / SOCKET_NAME).unlink()  # left by a simulation that was killed
                else:
                    raise UnavailableError(f"another simulation runs in {directory}; end it, or use another folder") from None
            _with_address(directory, receiver.bind)
        (directory / SOCKET_NAME).chmod(0o600)
    except OSError as error:
        receiver.close()
        raise UnavailableError(f"{directory / SOCKET_NAME} cannot be made ({error.strerror}); check simulation_directory") from error
    except BaseException:
        receiver.close()
        raise
    return receiver


def simulated_board(
    settings: BoardSettings,
    speaker: SpeakerSettings,
    *,
    directory: Path,
    wav: Path,
    post: Callable[[Event], None],
    clock: Clock,
) -> Board:
    """All parts of a simulated camera in `directory`, which must exist.

    Parts that the configuration has not fitted (`board.gpio.ready_led`, `board.gpio.haptic`) are not there. `wav` is the warning; `post`
    receives the voice's events, from its own thread, after `voice.start()`. Raises `UnavailableError` when another simulation runs there.
    """
    try:
        timeline = Timeline(directory)
    except OSError as error:
        raise UnavailableError(f"{directory}: the time line cannot be written ({error.strerror}); check simulation_directory") from error
    battery = SimulatedBattery(BatteryThresholds(settings.battery.low_percent, settings.battery.critical_percent))
    sensors = None if settings.battery.gauge == "none" else SensorsLink(Path(settings.sensors), clock)
    return Board(
        button=SimulatedButton(directory, timeline, clock, battery),
        lamp=SimulatedOutput("lamp", timeline, clock),
        ready_lamp=None if settings.gpio.ready_led is None else SimulatedOutput("ready_lamp", timeline, clock),
        haptic=SimulatedOutput("haptic", timeline, clock),
        voice=VoiceProcess(
            speaker, wav, post, clock, directory=directory, observe=lambda event, at_us: timeline.note("voice", at_us, event=event)
        ),
        clock=clock,
        battery=battery if sensors is None else SensedBattery(settings.battery, sensors),
        sensors=sensors,
    )
