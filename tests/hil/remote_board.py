"""A camera elsewhere, with the hand of the bench on it (tests/hil/guest): what is done and seen goes through its line."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast

from bodycamd.camera.recorder.space import LEDGER_RESERVE_BYTES
from tests.hil.board import Entry
from tests.hil.judge import Change
from tests.kit.camera import WARNING

FULL_PERCENT, LOW_PERCENT = 90, 10
HOLD_MS, CALM_MS, BETWEEN_MS, PRESS_MS = 2600, 2500, 1000, 150
"""Hold, release, press, for a camera that is configured as it is shipped: each longer than it must be."""
FULL, FOR_THE_LEDGER_BYTES = "/var/lib/bodycamd/full", LEDGER_RESERVE_BYTES // 2
"""A file takes what is left of the disk, and half of what footage leaves to the ledger."""
UNITS = ("bodycamd.service", "bodycamd-sensors.service")
LOOK_SECONDS = 1.0
"""Of the camera's time, between two looks: each costs an emulated processor some of it."""


ANSWER_SECONDS = 600.0
"""Of this computer's time: it may be busy with others."""


class Camera(Protocol):
    """How the camera is reached."""

    def ask_timed(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """Of the hand; with the camera's time in µs."""

    def restart(self) -> None:
        """Cut its power, and switch it on. Raises `NotImplementedError` where nothing can."""


class RemoteBoard:
    """Each scenario begins with a start of the recorder: where the camera is `fresh`, with that of its boot. `patience` is how many times
    longer than a Pi this camera may take."""

    warning: Path = WARNING

    def __init__(self, camera: Camera, *, patience: float = 1.0, newer: str | None = None, fresh: bool = False) -> None:
        self._camera, self._patience, self._newer, self._fresh = camera, patience, newer, fresh
        self._skip, self._updated, self._low = 0, False, False
        self._said = ""
        self._changes: list[tuple[str, int, bool]] = []
        self.began_us = 0

    def __enter__(self) -> Self:
        if self._fresh:
            types = [entry["type"] for entry in self._ask("ledger", skip=0)]
            self._skip = len(types) - 1 - types[::-1].index("start")
            return self
        self._run("systemctl", "stop", UNITS[0])
        self._skip = len(self._ask("ledger", skip=0))
        self.began_us = self.now_us()
        self._run("systemctl", "restart", "--no-block", *UNITS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        if error is not None:
            error.add_note(f"the update: {self._said}")
            error.add_note(str(self._run("journalctl", "--no-pager", "-n", "60", code=None)["out"]))
        if self._fresh:
            return
        if self._low:
            self._ask("battery", percent=FULL_PERCENT)
        self._run("rm", "-f", FULL)
        if self._updated:
            self._run("systemctl", "restart", UNITS[0])
            self._run("bodycamd", "bundle", "rollback", "--docked", seconds=1800)

    def now_us(self) -> int:
        """See `Board`."""
        return self._camera.ask_timed("now")[1]

    def until(self, seen: Callable[[], bool], seconds: float) -> None:
        """See `Board`."""
        end_us = self.now_us() + round(seconds * self._patience * 1e6)
        while not seen():
            if self.now_us() > end_us:
                raise AssertionError(f"not within {seconds * self._patience:g} s of the camera's time; status: {self.status()}")
            self._ask("rest", seconds=LOOK_SECONDS)

    def hold(self, seconds: float) -> int:
        """See `Board`."""
        return self._move([(0, True), (seconds * 1000, False)])

    def edges(self, edges: Sequence[tuple[float, bool]]) -> None:
        """See `Board`."""
        self._move(edges)

    def stop_by_hand(self) -> int:
        """See `Board`."""
        up_ms = CALM_MS + HOLD_MS
        press_ms = up_ms + BETWEEN_MS
        return self._move([(CALM_MS, True), (up_ms, False), (press_ms, True), (press_ms + PRESS_MS, False)])

    def rest(self, seconds: float) -> None:
        """See `Board`."""
        self._ask("rest", seconds=seconds)

    def fault(self, kind: str) -> None:
        """See `Board`."""
        match kind:
            case "worker_hangs":
                self._run("kill", "-STOP", str(self._worker()))
            case "worker_dies":
                self._run("kill", "-KILL", str(self._worker()))
            case "disk_full":
                available = int(self._run("df", "--output=avail", "-B1", str(Path(FULL).parent))["out"].split()[-1])
                self._run("fallocate", "-l", str(available - FOR_THE_LEDGER_BYTES), FULL)
            case "disk_freed":
                self._run("rm", FULL)
            case "battery_low":
                self._low = True
                self._ask("battery", percent=LOW_PERCENT)
            case "camera_unbound" | "camera_bound":
                self._ask("camera", bound=kind == "camera_bound")
            case "power_cut":
                self._camera.restart()
                self.began_us, self._changes = 0, []
            case other:
                raise AssertionError(f"{other}: this board cannot do it; tests/hil/boards.yaml says why")

    def status(self) -> Entry:
        """See `Board`."""
        return cast(Entry, self._ask("status") or {"state": None, "flags": []})

    def changes(self, part: str) -> list[Change]:
        """See `Board`."""
        self._changes += self._ask("changes", skip=len(self._changes))
        return [(at_us, on) for name, at_us, on in self._changes if name == part]

    def ledger(self, type: str | None = None) -> list[Entry]:
        """See `Board`."""
        return [entry for entry in self._ask("ledger", skip=self._skip) if type is None or entry["type"] == type]

    def speaks(self) -> bytes:
        """See `Board`."""
        return base64.b64decode(self._ask("read", path="/run/bodycamd/played.raw"))

    def selftest(self) -> int:
        """See `Board`."""
        return int(self._run("bodycamd", "selftest", "--officer", code=None)["code"])

    def update(self) -> int:
        """See `Board`."""
        assert self._newer is not None, "no newer bundle"
        done = self._run("bodycamd", "bundle", "update", self._newer, "--docked", code=None, seconds=1800)
        self._updated = done["code"] == 0
        self._said = done["err"]
        return int(done["code"])

    def _move(self, edges: Sequence[tuple[float, bool]]) -> int:
        return int(self._ask("edges", edges=list(edges)))

    def _worker(self) -> int:
        self.until(lambda: bool(self.status()["capture"]["pid"]), 10)
        return int(self.status()["capture"]["pid"])

    def _ask(self, do: str, **given: Any) -> Any:
        return self._camera.ask_timed(do, patience=ANSWER_SECONDS, **given)[0]

    def _run(self, *command: str, code: int | None = 0, seconds: float = 300.0) -> Entry:
        done = cast(Entry, self._camera.ask_timed("run", patience=ANSWER_SECONDS + seconds, command=list(command), limit=seconds)[0])
        assert code is None or done["code"] == code, (command, done)
        return done
