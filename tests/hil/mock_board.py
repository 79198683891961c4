"""A camera on gpiozero's mock pins, with the process of its battery gauge, and a hand on the button's pin."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bodycamd.linux.clock import boottime_us
from tests.camera.sensors.registers import max17048
from tests.hil import pins_daemon
from tests.hil.judge import Change
from tests.kit.camera import WARNING, Camera
from tests.kit.waiting import wait_for

SPOKEN_SECONDS = 0.6
"""Of the shipped warning: scenarios that show its whole length have `whole_warning`."""
FULL_PERCENT, LOW_PERCENT = 90, 10


class PinHand:
    """The sending end of `pins.sock`."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / pins_daemon.SOCKET)

    def down(self) -> int:
        return self.edges([(0.0, True)])

    def up(self) -> int:
        return self.edges([(0.0, False)])

    def edges(self, edges: Sequence[tuple[float, bool]]) -> int:
        """Each so many milliseconds after the first; returns the instant just before."""
        sent_us = boottime_us()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(json.dumps({"sent_us": sent_us, "edges": edges}).encode(), self._path)
        return sent_us


class MockBoard(Camera):
    """Started as a context. What it cannot do stands in boards.yaml."""

    began_us = 0
    command = (sys.executable, "-m", "tests.hil.pins_daemon")

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, whole_warning: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.warning = folder / "warning.wav"
        with wave.open(str(WARNING)) as whole, wave.open(str(self.warning), "wb") as part:
            part.setparams(whole.getparams())
            part.writeframes(whole.readframes(-1 if whole_warning else round(SPOKEN_SECONDS * whole.getframerate())))
        board = {"adapter": "pi", "sensors": "sensors.sock", "battery": {"gauge": "max17048", "bus": "simulated"}}
        files = {"warning": {"file": str(self.warning)}, "microphone": {"source": "file", "file": str(self.warning)}}
        root = str(Path(__file__).parents[2])
        super().__init__(folder / "camera", {**files, "board": board, **settings}, {"PYTHONPATH": root})
        self.hand: PinHand = PinHand(self.device)  # type: ignore[assignment]
        self._sensors: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> MockBoard:
        return self.start()

    def start(self, *, ready: bool = True) -> MockBoard:
        self.battery(FULL_PERCENT)
        command = [sys.executable, "-P", "-m", "bodycamd.camera.sensors", "--config", str(self.config)]
        self._sensors = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        super().start(ready=ready)
        return self

    def kill(self) -> None:
        super().kill()
        if self._sensors is not None:
            self._sensors.kill()
            self._sensors.wait(10)

    def now_us(self) -> int:
        return boottime_us()

    def until(self, seen: Callable[[], bool], seconds: float) -> None:
        wait_for(seen, seconds, "what the step says")

    def edges(self, edges: Sequence[tuple[float, bool]]) -> None:
        self.hand.edges(edges)

    def changes(self, part: str) -> list[Change]:
        return [(line["at_us"], line["on"]) for line in self.timeline(part)]

    def update(self) -> int:
        raise AssertionError("nothing is installed here; tests/hil/boards.yaml says why")

    def battery(self, percent: int) -> None:
        (self.device / "registers.json").write_text(json.dumps({"0x36": max17048(percent, 3.9, -20)}))

    def speaks(self) -> bytes:
        """The newest file of the loudspeaker, as it was played."""
        newest = max(self.device.glob("speaker-*.wav"))
        with wave.open(str(newest)) as played:
            samples: bytes = played.readframes(played.getnframes())
            return samples

    def fault(self, kind: str) -> None:
        full = self.device / pins_daemon.FULL
        match kind:
            case "worker_hangs":
                os.kill(self._worker(), signal.SIGSTOP)
            case "worker_dies":
                os.kill(self._worker(), signal.SIGKILL)
            case "disk_full":
                full.touch()
            case "disk_freed":
                full.unlink()
            case "battery_low":
                self.battery(LOW_PERCENT)
            case other:
                raise AssertionError(f"{other}: the mock board cannot do this; tests/hil/boards.yaml says why")

    def selftest(self) -> int:
        command = [sys.executable, "-m", "bodycamd.cli.main", "selftest", "--officer", "--config", str(self.config)]
        return subprocess.run(command, stdout=subprocess.DEVNULL, timeout=60).returncode

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)

    def _worker(self) -> int:
        found = wait_for(lambda: self.status()["capture"]["pid"], 10, "a worker")
        assert isinstance(found, int)
        return found
