"""The recorder's end of the sensors process: the latest reading that can be believed, and the battery as it tells of it.

It connects to `board.sensors` and takes what has come, without ever waiting: a few messages at each look. A process that is not there, says
nothing, or says what cannot be costs the reading and nothing else; that there is none is stated, and never counts as *ok*.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from bodycamd.camera.board.battery import BatteryThresholds
from bodycamd.camera.control.events import BatteryLevel
from bodycamd.camera.sensors.readings import MAX_BYTES, STALE_US, Reading, believed, decode
from bodycamd.config.settings import BatterySettings
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import Clock

MESSAGES_A_LOOK = 16
"""More than come between two looks; whoever sends more is read on at the next one."""


class SensorsLink:
    """Reads `path` from the control loop. Never raises and never waits, but for `reading`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._reading: Reading | None = None
        self.disbelieved = 0
        """Messages that were no readings, since the start."""

    def look(self) -> None:
        """Take what has come."""
        if self._socket is None:
            self._socket = self._connected()
        for _ in range(MESSAGES_A_LOOK):
            if self._socket is None:
                return
            try:
                message = self._socket.recv(MAX_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self._disconnect()
                return
            self._take(message)

    def reading(self) -> Reading:
        """The latest one that can be believed. Raises `UnavailableError` where there is none of the last 20 s."""
        if self._reading is None or self._clock.now_us() - self._reading.at_us >= STALE_US:
            raise UnavailableError(
                f"no reading of the sensors for {STALE_US // 1_000_000} s; look at: systemctl status bodycamd-sensors, and {self._path}"
            )
        return self._reading

    @property
    def heard(self) -> bool:
        """Whether there has been any reading since the start."""
        return self._reading is not None

    def close(self) -> None:
        """Hang up."""
        self._disconnect()

    def _take(self, message: bytes) -> None:
        reading = decode(message)
        if reading is not None and believed(reading, self._clock.now_us(), self._sequence):
            self._reading, self._sequence = reading, reading.sequence
        else:
            self.disbelieved += 1

    def _connected(self) -> socket.socket | None:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with contextlib.suppress(OSError):  # not there yet, or its queue is full: at the next look
            link.connect(os.fspath(self._path))
            return link
        link.close()
        return None

    def _disconnect(self) -> None:
        """A process that begins anew numbers from 1."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._sequence = None, 0


class SensedBattery:
    """The battery by the sensors' readings."""

    def __init__(self, settings: BatterySettings, link: SensorsLink) -> None:
        self._settings, self._link = settings, link
        self._thresholds = BatteryThresholds(settings.low_percent, settings.critical_percent, low_minutes=settings.low_minutes)

    def read(self) -> tuple[BatteryLevel, float | None]:
        """The level and the charge in percent.

        Raises `UnavailableError` while there is no reading, or none of the gauge: the caller keeps the last level and says so.
        """
        reading = self._link.reading()
        charge = reading.charge
        if charge is None:
            raise UnavailableError(f"the battery cannot be read: {reading.fault or 'bodycamd-sensors has no gauge; restart it'}")
        level = self._thresholds.confirmed(
            charge.percent, minutes_left=charge.minutes_left, charging=charge.charging is True, at_us=reading.at_us
        )
        return level, charge.percent
