"""A whole camera whose parts fail when the test says so, and the independent reading of what it recorded."""

from __future__ import annotations

import json
import os
import sys
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bodycamd.linux.clock import boottime_us
from tests.camera.capture.films import burned_times
from tests.camera.recorder import judge
from tests.kit import stock_tools
from tests.kit.camera import SMALL_PICTURE, Camera, Entry
from tests.kit.scale import IN_FULL, SCALE
from tests.kit.waiting import wait_for
from tests.system.faults import triggers

FRAME_US = 1_000_000 / 15
long_one = pytest.mark.skipif(SCALE < IN_FULL, reason="with BODYCAMD_TEST_SCALE=0.3")
"""For tests that take long and have a quicker relative."""
FIGURES: dict[str, str] = {}
"""What was measured, printed at the end of a test file (`pytest -s`)."""


class FaultyCamera(Camera):
    """See `triggers` for what may fail."""

    command: Sequence[str] = (sys.executable, "-m", "tests.system.faults.launch")

    def __enter__(self) -> FaultyCamera:
        self.start()
        return self

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None, environment: dict[str, str] | None = None) -> None:
        self.faults = folder / "faults"
        self.faults.mkdir(parents=True, exist_ok=True)
        root = str(Path(__file__).parents[3])
        super().__init__(folder, settings, {triggers.FOLDER: str(self.faults), "PYTHONPATH": root, **(environment or {})})

    # --- faults ---------------------------------------------------------------------------------------------------------------------------

    def tell(self, name: str, what: str = "") -> int:
        """Set a trigger; gives the instant just before."""
        at_us = boottime_us()
        triggers.tell(self.faults, name, what)
        return at_us

    def heal(self, name: str) -> int:
        """Take a trigger away; gives the instant just before."""
        at_us = boottime_us()
        (self.faults / name).unlink()
        return at_us

    def break_disk(self, *rules: dict[str, Any]) -> int:
        """From now on the kernel answers by these rules, see `kernel`."""
        return self.tell("disk", json.dumps(rules))

    def move_clock(self, **clock: Any) -> int:
        """From now on the clocks show this, see `clocks`."""
        return self.tell("clock", json.dumps(clock))

    def break_worker(self, how: str) -> int:
        """The worker that is open now goes bad, see `worker`."""
        return self.tell(f"generation-{self.status()['capture']['generation']}", how)

    # --- what follows ---------------------------------------------------------------------------------------------------------------------

    def recording(self) -> FaultyCamera:
        """Record, until the first fragment is durable."""
        self.skip_warning_and_record()
        return self

    def durable_after(self, at_us: int, seconds: float = 60.0, number: int = 1) -> Entry:
        """The first acknowledgement of footage that was captured after an instant."""
        return self.wait_event("FragmentDurable", number, seconds, lambda event: event["pts_us"] >= at_us)

    def shown(self, *rows: str, seconds: float = 60.0) -> None:
        """Wait until the lamp shows one of these rows of the indicator's table."""
        wait_for(lambda: self.status()["lamp"] in rows, seconds, f"the lamp's {' or '.join(rows)}\n{self.journal}")

    def lamp_off_between(self, begin_us: int, end_us: int) -> bool:
        """Whether the lamp, else steady while it records, went dark in this time: a double flash, or the gap of `low`."""
        return any(begin_us <= line["at_us"] <= end_us and not line["on"] for line in self.timeline("lamp"))

    def felt(self, begin_us: int, end_us: int) -> list[str]:
        """The motor's trains that began in this time, one letter a pulse: `t` a tick, `s` short, `S` strong, `l` long."""
        trains, ended_us = list[tuple[int, str]](), 0
        for on, off in pairwise(self.timeline("haptic")):
            if on["on"] and not off["on"]:
                letter = "tsSl"[bisect((235_000, 525_000, 1_000_000), off["at_us"] - on["at_us"])]
                if trains and on["at_us"] - ended_us < 500_000:
                    trains[-1] = (trains[-1][0], trains[-1][1] + letter)
                else:
                    trains.append((on["at_us"], letter))
                ended_us = off["at_us"]
        return [train for at_us, train in trains if begin_us <= at_us <= end_us]

    def feels(self, train: str, at_us: int) -> list[str]:
        """Wait until this train has come since an instant; gives all that have."""
        wait_for(lambda: train in self.felt(at_us, boottime_us()), what=f"the motor's {train}")
        return self.felt(at_us, boottime_us())

    def feels_refused(self, at_us: int) -> None:
        """Wait until the train of a refusal has come since an instant; that of *saved* has not."""
        assert "l" not in self.feels("sssss", at_us)

    # --- judged by other eyes -------------------------------------------------------------------------------------------------------------

    def judged(self) -> judge.Found:
        """Everything in the store, read independently; every acknowledgement is there with the right bytes."""
        found = judge.read(self.store)
        for event in self.of("FragmentDurable"):
            piece = found.pieces.get((event["recording"], event["segment"], event["index"]))
            assert piece is not None, f"acknowledged and lost: {event}"
            assert (piece.statement["sha256"], piece.statement["seq"]) == (event["sha256"], event["seq"])
        return found

    def burned(self, recording: str, folder: Path) -> list[int]:
        """The test card's own clock in every picture of a recording, in order, each once. Every segment plays with the stock command."""
        times: list[int] = []
        for segment in self.segments(recording):
            film = stock_tools.play(segment, self.identity, folder / f"{segment.stem}.mp4")
            stock_tools.decodes(film)
            read = [time_us for _, time_us in burned_times(film)]
            assert None not in read
            times += [time_us for time_us in read if time_us is not None]
        return times


def missing_us(times: list[int]) -> float:
    """The picture time that is missing by the burned clock: of every step of more than one and a half frames, all beyond one frame."""
    return sum(later - earlier - FRAME_US for earlier, later in pairwise(times) if later - earlier > 1.5 * FRAME_US)


def within(promised: float) -> float:
    """A time that the product promises on a machine that is its own, and what this one may add: it does other things beside the tests."""
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1) - 1
    return promised + (2.0 if SCALE < 1 else 3.0) + max(0.0, waiting)


def figure(name: str, text: str) -> None:
    """Keep a measured figure."""
    FIGURES[name] = text
    print(f"{name}: {text}")


__all__ = ["FRAME_US", "SMALL_PICTURE", "FaultyCamera", "figure", "long_one", "missing_us", "within"]
