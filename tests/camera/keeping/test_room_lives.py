"""Whole lives of a camera whose disk is always too small. What may go is known here by other means than the camera's: by what the station
has been given, what it has promised, and when it has shown it last."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodycamd.evidence.statements import wall_text
from tests.camera.keeping.test_making_room import Scene, verified, verified_twice
from tests.kit.resting_camera import DAY, HOUR, MINUTE
from tests.kit.scale import IN_FULL, SCALE, count

DOINGS = (
    *("record", "receipt", "receipt", "receipt", "ledger", "answer", "answer", "answer"),
    *("begin", "go on", "close", "short receipt", "forge", "hold", "release", "hours", "cut", "boot"),
)


class Life(Scene):
    """One. `look` after each doing: what went meanwhile, might."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.camera.short()
        self.segments: dict[str, int] = {}
        self.open, self.began_us = "", 0
        self.filmed_us = 0
        """When its last frame was: what a cut leaves open has ended then."""
        self.ended_us: dict[str, int] = {}
        self.closed: dict[str, int] = {}
        """The place of the line that closed it."""
        self.has_ledger_to = -1
        self.promised_us: dict[tuple[str, int], int] = {}
        self.shown: dict[tuple[str, int], tuple[int, int]] = {}
        self.held: set[str] = set()
        self.went: list[str] = []

    @property
    def place(self) -> int:
        self.camera.keeper.held()
        return self.camera.making_room.sent._place

    def do(self, what: str, number: int) -> None:
        camera, clock = self.camera, self.camera.clock
        there = [name for name in self.segments if name in camera.present()]
        name = there[number % len(there)] if there else ""
        match what:
            case "record" if not self.open:
                made = camera.record(segments=1 + number % 2, fragments=1)
                self.segments[made], self.ended_us[made], self.closed[made] = 1 + number % 2, clock.wall_us, self.place
            case "begin" if not self.open:
                self.began_us = clock.boottime_us
                self.open = camera.record(segments=1, fragments=1, close=False)
                self.segments[self.open], self.filmed_us = 1, clock.wall_us
            case "go on" if self.open:
                camera.record_segment(self.open, self.segments[self.open], 1, gap_us=DAY * 30)
                self.segments[self.open] += 1
                self.filmed_us = clock.wall_us
            case "close" if self.open:
                camera.record_segment(self.open, self.segments[self.open], 1, gap_us=DAY * 30)
                self.segments[self.open] += 1
                segments = self.segments[self.open]
                camera.close_recording(self.open, segments=segments, duration_us=clock.boottime_us - self.began_us)
                self.ended_us[self.open], self.closed[self.open] = clock.wall_us, self.place
                self.open = ""
            case "receipt" | "short receipt" if name:
                segment = number % self.segments[name]
                until_us = clock.wall_us + 28 * DAY - (DAY if what == "short receipt" else 0)
                place = self.place
                if self.receive(name, segment, kept_until=wall_text(until_us)) == "accepted":
                    self.promised_us[name, segment], self.has_ledger_to = until_us, place
            case "ledger":
                place = self.place
                if self.receive_ledger() == "accepted":
                    self.has_ledger_to = place
            case "answer" | "forge" if (question := camera.question()) is not None:
                done = camera.tell(self.station.answer(question, by="station-1" if what == "answer" else "nobody")).done
                assert done == (what == "answer")
                if done:
                    self.shown[question.recording, question.segment] = camera.boot, clock.boottime_us
            case "hold" if name and name not in self.held:
                camera.hold(name)
                self.held.add(name)
            case "release" if name in self.held:
                camera.release(name)
                self.held.discard(name)
            case "hours":
                camera.run((1 + number % 13) * HOUR, pace_us=HOUR, sweep=False)
            case "cut" | "boot":
                camera.store.close()
                if self.open:
                    self.ended_us[self.open] = self.filmed_us
                camera.switch_on(same_boot=what == "cut", off_us=number * MINUTE)
                if self.open:
                    self.closed[self.open] = self.camera.making_room.sent.recordings[self.open].closed or 0
                    self.open = ""

    def look(self) -> None:
        present = self.camera.present()
        self.camera.work()
        went = [name for name in self.camera.for_room() if name not in self.went]
        assert went == sorted(went)
        for name in went:
            assert name in present
            assert name not in self.held
            assert self.closed[name] <= self.has_ledger_to
            for segment in range(self.segments[name]):
                assert self.promised_us[name, segment] >= self.ended_us[name] + 28 * DAY - MINUTE
                boot, at_us = self.shown[name, segment]
                assert boot == self.camera.boot
                assert self.camera.clock.boottime_us - at_us <= DAY
        self.went += went


@pytest.mark.timeout(3600)  # the second verifier, for each life
@settings(max_examples=count(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(DOINGS), st.integers(0, 60)), min_size=5, max_size=40))
def test_nothing_goes_that_may_not(doings: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        life = Life(Path(folder))
        try:
            for what, number in doings:
                life.do(what, number)
                life.look()
            life.camera.keeper.held()
            root, store = life.camera.root, life.camera.store_folder
            if life.went and SCALE >= IN_FULL:
                assert verified_twice(root, store) in ((0, 0), (3, 3))
            assert verified(root, store) in (0, 3)
        finally:
            life.camera.store.close()
