"""Random orders of presses, ends, workers, faults and power cuts.

Everything acknowledged is found by other eyes, with the right bytes, in order; only what `seq` shows stands twice.
"""

from __future__ import annotations

import errno
import itertools
import random
import shutil
from pathlib import Path

import pytest

from bodycamd.camera.control.events import ContinueRecording, Event, FragmentDurable, RecordingSealed
from tests.camera.recorder import judge
from tests.camera.recorder.faults import Fault, FaultyDisk
from tests.camera.recorder.rig import Rig, open_store
from tests.kit.fragments import SECOND
from tests.kit.scale import count, one_in

STEPS = ["write", "fdatasync", "fsync_folder", "rename", "create", "make_folder"]


@one_in(5)
@pytest.mark.parametrize("seed", range(count(200)))
def test_everything_acknowledged_is_found(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    errors = [errno.EIO, errno.ENOSPC]
    faults = [Fault(chance.choice(STEPS), chance.randint(1, 12), chance.choice(errors)) for _ in range(chance.randint(0, 3))]
    pre_event_seconds = chance.choice([0, 0, 5])
    rig = Rig(tmp_path / "root", disk=FaultyDisk(*faults), segment_seconds=chance.choice([2, 5, 60]), pre_event_seconds=pre_event_seconds)
    cut = tmp_path / "cut"
    acknowledged: list[FragmentDurable] = []
    events_until_the_cut = itertools.count(-chance.randint(1, 15))

    def power_goes(event: Event) -> None:
        """Copies the store in the writer's own thread, which stands still meanwhile, after one of its events."""
        if next(events_until_the_cut) == 0:
            acknowledged.extend(rig.of(FragmentDurable))
            shutil.copytree(tmp_path / "root", cut)

    rig.on_post = power_goes
    rig.camera()
    number = 0
    for _ in range(chance.randint(5, 40)):
        step = chance.choice(["film"] * 6 + ["begin", "begin", "end", "seal", "go on", "empty", "worker", "wait", "note", "retain"])
        if step == "film":
            rig.film(chance.randint(1, 4), size=chance.randint(50, 4000))
        elif step == "begin":
            number += 1
            rig.begin(number, keep_from_us=max(0, rig.now_us - chance.randint(0, 10) * SECOND))
        elif step == "end":
            rig.end(rig.now_us + chance.randint(-3, 2) * SECOND)
        elif step == "seal":
            rig.seal_now()
        elif step == "go on":
            rig.writer.submit(ContinueRecording(number))
        elif step == "empty":
            rig.ring.empty()
        elif step == "worker":
            rig.ring.ended(rig.generation)
            rig.now_us += chance.randint(0, 3) * SECOND
            rig.camera()
        elif step == "wait":
            rig.wait_turn()
        elif step == "note":
            rig.writer.note("marker", {"at_us": rig.now_us})
        else:
            rig.ring.retain_from(chance.choice([None, rig.now_us - SECOND]))
    found = rig.stop()
    check(found, rig.of(FragmentDurable))
    assert len(found.entries("recording_closed")) == len(found.entries("recording_opened")) == len(rig.of(RecordingSealed))
    assert rig.ring.stats().unwritten == 0
    if cut.exists():
        open_store(cut).close()
        check(judge.read(cut / "store"), acknowledged)


def check(found: judge.Found, acknowledged: list[FragmentDurable]) -> None:
    for event in acknowledged:
        assert found.pieces[event.recording, event.segment, event.index].statement["sha256"] == event.sha256
    for recording in {event.recording for event in acknowledged}:
        seqs = [event.seq for event in acknowledged if event.recording == recording]
        assert seqs == sorted(set(seqs)), "acknowledged once, in order"
        statements = found.fragments(recording)
        assert len({(s["seq"], s["segment"]) for s in statements}) == len(statements), "never twice in one segment"
