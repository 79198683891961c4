"""A whole camera for tests: the real daemon as a process of its own, on the simulated board, with a real hand on the button."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import yaml

from bodycamd.camera.board.board_log import BoardLine
from bodycamd.camera.board.board_log import read as read_timeline
from bodycamd.camera.board.simulated import SimulatedHand
from bodycamd.camera.control.state import BURST_US, CALM_US, SAME_PRESS_US
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.evidence.keys import provision
from bodycamd.linux.clock import boottime_us
from tests.kit.waiting import wait_for

SMALL_PICTURE = {"source": "pattern", "width": 320, "height": 240, "frame_rate": 15, "bit_rate": 400_000}
WARNING = Path(__file__).parents[2] / "config" / "warnings" / "nl.wav"
HOLD_SECONDS = 1.5
"""As short as the configuration allows: tests wait for it."""
Entry = dict[str, Any]


class Camera:
    """A folder with keys and configuration; `start` runs the daemon in it. `settings` are merged over small defaults."""

    command: Sequence[str] = (sys.executable, "-m", "bodycamd.camera.daemon")
    """Starts the daemon; `--config FILE` is appended."""
    start_seconds = 60.0
    """What a start may take."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.device = folder / "device"
        self.store = folder / "store"
        self.identity = folder / "identity.txt"
        self.config = self.device / "bodycamd.yaml"
        self.device.mkdir(parents=True, exist_ok=True)
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.events: list[Entry] = []
        self._down_us = 0
        if not self.identity.exists():
            identity = pyrage.x25519.Identity.generate()
            self.identity.write_text(f"{identity}\n")
            (self.device / "recipients.txt").write_text(f"{identity.to_public()}\n")
            self.device_pem = provision(self.device / "signing")
        merged: dict[str, Any] = {
            "device_id": "test-1",
            "warning": {"file": str(WARNING)},
            "simulation_directory": ".",
            "board": {"adapter": "simulated"},
            "speaker": {"output": "simulated"},
            "microphone": {"source": "tone"},
            "video": SMALL_PICTURE,
            "storage": {"directory": "../store"},
            "keys": {"recipients": "recipients.txt", "signing": "signing"},
            "control": {"socket": "control.sock"},
            "gestures": {"hold_seconds": HOLD_SECONDS},
        }
        for key, value in (settings or {}).items():
            merged[key] = {**merged.get(key, {}), **value} if isinstance(value, Mapping) else value
        self.config.write_text(yaml.safe_dump(merged))
        self.hand = SimulatedHand(self.device)

    def __enter__(self) -> Camera:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def journal(self) -> str:
        return (self.folder / "journal.txt").read_text(errors="replace")

    def start(self, *, ready: bool = True) -> Camera:
        with (self.folder / "journal.txt").open("ab") as journal:
            self._process = subprocess.Popen(
                [*self.command, "--config", str(self.config)],
                stdout=journal,
                stderr=journal,
                env={**os.environ, **self._environment},
            )
        if ready:
            try:
                self.wait_state("standby", "recording", "warning", seconds=self.start_seconds)
                self._listen()
            except BaseException:
                self.kill()
                raise
        return self

    def stop(self, seconds: float = 60.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(10)

    # --- the control socket --------------------------------------------------------------------------------------------------------------

    def status(self) -> Entry:
        with ControlClient(self.device / "control.sock") as client:
            result: Entry = msgspec.json.decode(client.ask(b'{"command":"status"}\n'))
            return result

    def wait_state(self, *names: str, seconds: float = 60.0) -> Entry:
        def reached() -> Entry | None:
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.journal}"
            if not (self.device / "control.sock").exists():
                return None
            try:
                status = self.status()
            except Exception:
                return None
            return status if status["state"] in names else None

        found = wait_for(reached, seconds, f"state {' or '.join(names)}")
        assert found is not None
        return found

    def _listen(self) -> None:
        client = ControlClient(self.device / "control.sock", timeout_seconds=3600)
        try:
            client.subscribe()
        except BaseException:
            client.close()
            raise

        def collect() -> None:
            with client:
                try:
                    for event in client.events():
                        self.heard(msgspec.to_builtins(event))
                except Exception as error:
                    self.events.append({"event": "Hung up", "reason": str(error)})

        threading.Thread(target=collect, daemon=True).start()

    def heard(self, event: Entry) -> None:
        """Called by a thread of its own for each event of the control socket."""
        self.events.append(event)

    def of(self, name: str) -> list[Entry]:
        return [event for event in list(self.events) if event["event"] == name]

    def wait_event(self, name: str, number: int = 1, seconds: float = 60.0, where: Callable[[Entry], bool] = lambda _: True) -> Entry:
        def found() -> list[Entry] | None:
            events = [event for event in self.of(name) if where(event)]
            return events if len(events) >= number else None

        events = wait_for(found, seconds, f"{number} times {name} in {[event['event'] for event in self.events]}\n{self.journal}")
        assert events is not None
        return events[number - 1]

    # --- the officer ---------------------------------------------------------------------------------------------------------------------

    def tap(self) -> int:
        return self.hold(0.1)

    def hold(self, seconds: float = HOLD_SECONDS + 0.1) -> int:
        at_us = self._down_us = self.hand.down()
        wait_until_us(at_us + round(seconds * 1e6))
        self.hand.up()
        return at_us

    def tap_twice(self) -> int:
        """Two presses: the second, whose instant this returns, skips the warning. (Sooner it would belong to the first.)"""
        wait_until_us(self.felt_us(self.tap()) + BURST_US)
        return self.tap()

    def skip_warning_and_record(self) -> int:
        """Two presses: the warning is skipped and recording begins at the second."""
        at_us = self.tap_twice()
        self.wait_event("FragmentDurable", number=len(self.of("FragmentDurable")) + 1)
        return at_us

    def stop_by_hand(self) -> int:
        """Hold, release, press: the recording is told to end `ALONE_US` after the press is released, which is what this returns."""
        if self._down_us:
            wait_until_us(self.felt_us(self._down_us) + CALM_US)
        wait_until_us(self.felt_us(self.hand.down()) + round(HOLD_SECONDS * 1e6) + 20_000)
        wait_until_us(self.felt_us(self.hand.up()) + SAME_PRESS_US)
        self._down_us = self.hand.down()
        wait_until_us(self._down_us + 50_000)
        return self.hand.up()

    def felt_us(self, sent_us: int) -> int:
        """An instant, of this process's clock, by which the daemon knows of the button that was moved at `sent_us`: later on a busy
        machine, and the daemon counts from when it knew."""

        def told() -> bool:
            return any(line.get("sent_us") == sent_us for line in self.timeline("button"))

        wait_for(told, seconds=60.0, what="the button's own instant")
        return boottime_us()

    def stop_recording(self) -> Entry:
        number = len(self.of("RecordingSealed")) + 1
        self.stop_by_hand()
        return self.wait_event("RecordingSealed", number)

    # --- what is left --------------------------------------------------------------------------------------------------------------------

    def timeline(self, part: str | None = None) -> list[BoardLine]:
        return [line for line in read_timeline(self.device) if part is None or line["part"] == part]

    def ledger(self, type: str | None = None) -> list[Entry]:
        entries = [entry for file in sorted((self.store / "ledger").glob("*.jsonl")) for entry in _entries(file)]
        return [entry for entry in entries if type is None or entry["type"] == type]

    def recordings(self) -> list[str]:
        return sorted(path.name for path in (self.store / "recordings").iterdir())

    def segments(self, recording: str | None = None) -> list[Path]:
        return sorted((self.store / "recordings").glob(f"{recording or '*'}/*"))


def _entries(file: Path) -> Iterator[Entry]:
    for line in file.read_bytes().splitlines():
        yield msgspec.json.decode(line.partition(b" ")[2])


def wait_until_us(instant_us: int) -> None:
    """The officer's time: a press lasts as long as it lasts."""
    wait_for(lambda: boottime_us() >= instant_us, seconds=60.0, what="the instant")
