"""The real daemon as a child process, on the simulated board: start, readiness, what it shows and states, stop.

The child says by sd_notify(3) that it is ready, as to systemd. Its log goes to `DIR/device/daemon.log`.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from bodycamd.camera.board.board_log import BoardChange
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import AskStatus, Published
from bodycamd.camera.daemon.status_message import Status
from bodycamd.errors import BodycamError, UnavailableError
from bodycamd.evidence import signed_line
from bodycamd.evidence.statements import Entry, decode_entry
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.python import python_command
from bodycamd.linux.readable import readable
from bodycamd.workshop.simulation.folder import SimulationFolder

READY_SECONDS = 60.0
STOP_SECONDS = 30.0


class SimulatedCamera:
    """One run of the daemon. Use as a context: it never outlives it."""

    def __init__(self, folder: SimulationFolder) -> None:
        self.folder = folder
        self.log = folder.device / "daemon.log"
        board = folder.device / "board.jsonl"
        self._board = _Tail(board, board.stat().st_size if board.exists() else 0)
        self._ledgers: dict[str, _Tail] = {}
        self._old_ledgers = {path.name for path in (folder.store / "ledger").glob("*.jsonl")}
        self._events: ControlClient | None = None
        address = f"bodycamd-simulate-{secrets.token_hex(8)}"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._notify.bind("\0" + address)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WATCHDOG_")} | {"NOTIFY_SOCKET": "@" + address}
        with self.log.open("ab") as log:
            self._log_begins = log.tell()
            self._child = subprocess.Popen(
                python_command("bodycamd.camera.daemon", "--config", str(folder.config)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for this process; it stops the child in order
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._notify.close()
        if self._events is not None:
            self._events.close()

    @property
    def exit_code(self) -> int | None:
        """Of the daemon; `None` while it runs."""
        return self._child.poll()

    def wait_until_ready(self) -> int:
        """The CLOCK_BOOTTIME (µs) at which the daemon said that it is ready. Raises `UnavailableError` where it ends or takes too long."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.exit_code is None:
            if readable(self._notify, 0.05) and b"READY=1" in self._notify.recv(4096).split(b"\n"):
                ready_us = boottime_us()
                self._events = ControlClient(self.folder.control_socket)
                self._events.subscribe()
                return ready_us
        if self.exit_code is None:
            raise UnavailableError(f"the camera was not ready within {READY_SECONDS:.0f} s; see {self.log}")
        raise DaemonEndedError(self.exit_code, f"the camera did not start: {self.last_words()}")

    def last_words(self) -> str:
        """The last line of this run's log."""
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            lines = log.read().decode(errors="replace").split("\n")
        return next((line.strip().removeprefix("bodycamd: ") for line in reversed(lines) if line.strip()), f"see {self.log}")

    def status(self) -> Status:
        """The daemon's own account."""
        with ControlClient(self.folder.control_socket) as client:
            return client.request(AskStatus(), Status)

    def board_changes(self) -> list[BoardChange]:
        """What the board showed since the last call."""
        return [msgspec.json.decode(line, type=BoardChange) for line in self._board.lines()]

    def ledger_entries(self) -> list[Entry]:
        """What this run wrote into the ledger since the last call."""
        for path in sorted((self.folder.store / "ledger").glob("*.jsonl")):
            if path.name not in self._old_ledgers and path.name not in self._ledgers:
                self._ledgers[path.name] = _Tail(path)
        lines = [line for tail in self._ledgers.values() for line in tail.lines()]
        return [decode_entry(signed_line.split(line, "ledger")[1], "ledger") for line in lines]

    def events(self) -> list[Published]:
        """The events published since the last call."""
        found: list[Published] = []
        while self._events is not None and self._events.ready():
            event = next(self._events.events(), None)
            if event is None:
                self._events.close()
                self._events = None
            else:
                found.append(event)
        return found

    def ask_to_stop(self) -> None:
        """SIGTERM, as systemd does."""
        if self.exit_code is None:
            self._child.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Stop, by force if it must be, and give the exit code."""
        self.ask_to_stop()
        try:
            return self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()


class DaemonEndedError(BodycamError):
    """The daemon ended by itself; its exit code is passed on."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code if exit_code > 0 else 1


class _Tail:
    """The whole lines of a growing file that were not given yet, from the byte `begins` on."""

    def __init__(self, path: Path, begins: int = 0) -> None:
        self._path = path
        self._at = begins

    def lines(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                new = file.read()
        except FileNotFoundError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.splitlines()
