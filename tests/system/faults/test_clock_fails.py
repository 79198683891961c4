"""Time fails: the wall clock jumps by ten years, is absent at the boot, or the machine sleeps. Order, names and lengths stay right, because
none of them comes from the wall clock.

What a wrong clock may never delete is retention's own test.
"""

from __future__ import annotations

import json
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from bodycamd.camera.capture.liveness import Timing
from bodycamd.linux.clock import boottime_us
from tests.camera.recorder import judge
from tests.kit.scale import only_in_full
from tests.system.faults.camera import FRAME_US, FaultyCamera, figure, missing_us, within

pytestmark = only_in_full

YEARS = 10 * 365 * 24 * 3600
SIXTIES = -300_000_000
"""A clock that is ten years behind 1970, where a machine without one begins; no statement says less than 1970."""
HOUR_US = 3_600_000_000
STALL_US = Timing().stall_us


def in_order(found: judge.Found) -> None:
    """Everything that was signed follows what was signed before it, by number and by CLOCK_BOOTTIME, whatever the wall clock said."""
    for start in {entry["start"] for entry in found.ledger}:
        statements = [entry for entry in found.ledger if entry["start"] == start]
        statements += [piece.statement for piece in found.pieces.values() if piece.statement["start"] == start]
        statements.sort(key=lambda statement: int(statement["n"]))
        assert len({statement["n"] for statement in statements}) == len(statements)
        assert all(earlier["boottime_ns"] <= later["boottime_ns"] for earlier, later in pairwise(statements))


def years(found: judge.Found, recording: str) -> list[int]:
    """The years that the wall clock showed in the statements of a recording, in their order, each once."""
    seen = [datetime.fromisoformat(fragment["wall"]).year for fragment in found.fragments(recording)]
    return [year for number, year in enumerate(seen) if number == 0 or year != seen[number - 1]]


def test_jumps_of_ten_years_during_a_recording_and_between_starts(tmp_path: Path) -> None:
    """No clock at boot, then NTP sets it, then it falls back: names grow, lengths are right, and every step is stated."""
    camera = FaultyCamera(tmp_path)
    camera.move_clock(wall_us=round(SIXTIES - time.time()) * 1_000_000, trusted=False, source="unsynchronised")
    with camera:
        assert "clock_untrusted" in camera.status()["flags"]
        camera.recording()
        camera.move_clock(wall_us=0)
        forward = camera.wait_event("ClockChanged", where=lambda event: event["step_us"] > 0)
        camera.durable_after(boottime_us())
        camera.move_clock(wall_us=-YEARS * 1_000_000)
        back = camera.wait_event("ClockChanged", where=lambda event: event["step_us"] < 0)
        camera.durable_after(boottime_us())
        assert camera.status()["lamp"] == "recording", "a clock that is wrong takes nothing from the footage"
        sealed = camera.stop_recording()
        camera.wait_state("standby")
        assert camera.stop() == 0
    assert forward["trusted"]
    assert abs(back["step_us"] + YEARS * 1_000_000) < 1_000_000
    events = len(camera.events)
    camera.move_clock(wall_us=YEARS * 1_000_000)
    with camera:
        camera.tap_twice()
        camera.wait_event("FragmentDurable", where=lambda event: event in camera.events[events:])
        camera.stop_recording()
        assert camera.stop() == 0
    assert camera.recordings() == ["000001-0001", "000002-0001"]
    found = camera.judged()
    in_order(found)
    now = datetime.now().year
    assert years(found, "000001-0001") == [1970, now, now - 10]
    assert years(found, "000002-0001") == [now + 10]
    fragments = found.fragments("000001-0001")
    length = fragments[-1]["pts_us"] + fragments[-1]["duration_us"] - fragments[0]["pts_us"]
    assert sealed["duration_us"] == length
    assert 2_000_000 < length < 600_000_000, "no year is in it"
    assert max(fragment["gap_us"] for fragment in fragments) < STALL_US, "a busy machine may drop a frame; a clock may not stop the picture"
    steps = [entry["detail"] for entry in found.ledger if entry["type"] == "clock_changed"]
    assert [step["trusted"] for step in steps][:3] == [False, True, True]
    sources = {fragment["clock"]["source"] for fragment in fragments}
    assert sources == {"unsynchronised", "kernel-ntp"}, "every statement says what its clock was worth"


def test_a_machine_that_sleeps_while_it_records_states_the_time_as_missing(tmp_path: Path) -> None:
    """CLOCK_BOOTTIME goes on while nothing runs: an hour is missing, and it is stated, in one recording."""
    with FaultyCamera(tmp_path) as camera:
        camera.recording()
        camera.wait_event("FragmentDurable", 2)
        woken_us = boottime_us() + HOUR_US
        camera.move_clock(boottime_us=HOUR_US, wall_us=HOUR_US)
        durable = camera.durable_after(woken_us)
        seconds = (durable["at_us"] - woken_us) / 1e6
        figure("clock: suspend", f"footage durable {seconds:.1f} s after the waking")
        assert seconds < within(3)
        camera.shown("recording")
        camera.stop_by_hand()
        sealed = camera.wait_event("RecordingSealed")
        camera.wait_state("standby")
        assert camera.stop() == 0
    (name,) = camera.recordings()
    found = camera.judged()
    in_order(found)
    times = camera.burned(name, tmp_path)
    stated = sum(fragment["gap_us"] for fragment in found.fragments(name))
    assert stated > HOUR_US - FRAME_US
    assert abs(stated - missing_us(times)) < FRAME_US
    assert sealed["duration_us"] > HOUR_US
    assert not [event for event in camera.of("ClockChanged") if event["step_us"]], json.dumps(camera.of("ClockChanged"))
