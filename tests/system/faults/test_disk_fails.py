"""The disk fails, in every way that cards do. What was acknowledged stays; what was not is written again from the ring, or stated as lost;
the officer sees it; and when the disk is well again, so is the camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.linux.clock import boottime_us
from tests.kit.camera import Entry
from tests.kit.scale import IN_FULL, SCALE, only_in_full
from tests.kit.waiting import wait_for
from tests.system.faults import launch
from tests.system.faults.camera import FaultyCamera, figure, within

pytestmark = only_in_full

BACK_SECONDS = 3.0
STALL_SECONDS = 30 if SCALE >= 1 else 5


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCamera]:
    """Segments of 3 s, through all faults that heal."""
    with FaultyCamera(tmp_path_factory.mktemp("camera"), environment={launch.SEGMENT_SECONDS: "3"}) as made:
        yield made


@pytest.fixture
def recording(camera: FaultyCamera) -> Iterator[FaultyCamera]:
    if camera.status()["state"] != "recording":
        camera.wait_state("standby")
        camera.break_disk()
        camera.recording()
    camera.shown("recording")
    yield camera
    camera.break_disk()


def healed(camera: FaultyCamera, name: str, at_us: int) -> float:
    """Everything that was captured since an instant is acknowledged again, in the order of `seq`."""
    durable = camera.durable_after(at_us, STALL_SECONDS + 60)
    camera.shown("recording")
    seconds: float = (durable["at_us"] - at_us) / 1e6
    figure(f"disk: {name}", f"footage durable again after {seconds:.1f} s")
    return seconds


@pytest.mark.parametrize("call", ["write", "fdatasync", "create", "mkdir"] if SCALE >= IN_FULL else ["write"])
def test_full_in_the_midst_of_a_step_ends_the_recording_visibly(recording: FaultyCamera, call: str) -> None:
    """The kernel's ENOSPC, although there seemed to be room."""
    if call in ("create", "mkdir"):
        recording.stop_recording()
        recording.wait_state("standby")
        recording.break_disk({"call": call, "name": "*.tar.part" if call == "create" else "0*-0*", "error": "ENOSPC"})
        recording.tap_twice()
    else:
        recording.break_disk({"call": call, "name": "*.tar.part", "error": "ENOSPC"})
    sealed = len(recording.of("RecordingSealed"))
    ended = recording.wait_event("RecordingSealed", sealed + 1)
    recording.feels_refused(ended["at_us"])
    assert recording.ledger("recording_closed")[-1]["detail"]["reason"] == "storage_full"
    assert not ended["whole"]
    assert recording.ledger("footage_not_written")[-1]["detail"]["fragments"] > 0
    recording.break_disk()
    recording.shown("ready")
    recording.recording()


@pytest.mark.parametrize(
    ("call", "name", "error"),
    [
        ("write", "*.tar.part", "EIO"),
        ("fdatasync", "*.tar.part", "EIO"),
        ("fsync", "0*-0*", "EIO"),
        ("rename", "*.tar.part", "EIO"),
        ("create", "*.tar.part", "EACCES"),
    ],
)
def test_a_step_that_fails_costs_its_segment_and_no_footage(recording: FaultyCamera, call: str, name: str, error: str) -> None:
    """Steps that come with a new segment are met at the next rotation."""
    failures = len(recording.of("WriteFailed"))
    at_us = recording.break_disk({"call": call, "name": name, "error": error, "times": 1})
    failed = recording.wait_event("WriteFailed", failures + 1)
    durable = recording.wait_event("FragmentDurable", where=lambda event: event["at_us"] > at_us and event in after(recording, failed))
    seconds = (durable["at_us"] - at_us) / 1e6 if call in ("write", "fdatasync") else None
    if seconds is not None:
        figure(f"disk: {error} on {call}", f"footage durable again after {seconds:.1f} s")
    assert seconds is None or seconds < within(BACK_SECONDS)
    assert [entry for entry in recording.ledger("write_failed") if entry["detail"]["operation"] == failed["operation"]]


def after(camera: FaultyCamera, event: Entry) -> list[Entry]:
    events = list(camera.events)
    return events[events.index(event) :]


def test_a_stall_is_shown_and_loses_nothing(recording: FaultyCamera) -> None:
    """One `fdatasync` that takes long, as of a card that tidies up: the ring is the cushion, the button answers."""
    at_us = recording.break_disk({"call": "fdatasync", "name": "*.tar.part", "seconds": STALL_SECONDS, "times": 1})
    recording.shown("missing", seconds=STALL_SECONDS)
    assert recording.status()["writer"]["operation"] == "fdatasync"
    pressed_us = recording.tap()
    healed(recording, f"a stall of {STALL_SECONDS} s", at_us)
    recording.shown("recording")
    assert any(entry["detail"]["at_us"] >= pressed_us for entry in recording.ledger("marker"))
    assert not recording.of("RingOverflowed")


def test_a_ledger_that_cannot_be_written_costs_no_footage_and_is_shown(recording: FaultyCamera) -> None:
    recording.break_disk({"call": "write", "name": "*.jsonl", "error": "EIO"}, {"call": "fdatasync", "name": "*.jsonl", "error": "EIO"})
    recording.tap()
    recording.wait_event("DiskChanged", where=lambda event: not event["usable"])
    recording.shown("low")
    recording.durable_after(boottime_us())
    recording.shown("low")
    recording.break_disk()
    recording.wait_event("DiskChanged", where=lambda event: event["usable"])
    recording.shown("recording")
    wait_for(
        lambda: [entry["detail"]["usable"] for entry in recording.ledger("disk_changed")][-2:] == [False, True],
        what="the entries that had waited",
    )


def test_everything_acknowledged_is_there_and_what_stands_twice_is_shown_by_seq(recording: FaultyCamera) -> None:
    name = recording.status()["recording"]
    recording.stop_recording()
    assert recording.of("RecordingSealed")[-1]["whole"]
    recording.wait_state("standby")
    assert recording.stop() == 0, recording.journal
    found = recording.judged()
    seqs = found.seqs(name)
    assert sorted(set(seqs)) == list(range(min(seqs), max(seqs) + 1)), "nothing was lost"
    acknowledged = [event["seq"] for event in recording.of("FragmentDurable")]
    assert acknowledged == sorted(set(acknowledged)), "each once, in order"
    twice = {seq for seq in seqs if seqs.count(seq) > 1}
    figure("disk: written again", f"{len(twice)} of {len(set(seqs))} fragments stand twice, {sum(map(len, found.files.values()))} segments")
    for seq in twice:
        same = {piece.statement["sha256"] for piece in found.pieces.values() if piece.statement.get("seq") == seq}
        assert len(same) == 1, "the same bytes"


# --- a disk that is full, gone, or not ours ---------------------------------------------------------------------------------------------


def test_a_disk_that_stays_dead_is_not_called_saved(tmp_path: Path) -> None:
    with FaultyCamera(tmp_path) as camera:
        camera.recording()
        acknowledged = camera.of("FragmentDurable")
        every = ("write", "fdatasync", "fsync", "create", "mkdir", "rename")
        at_us = camera.break_disk(*({"call": call, "error": "EIO"} for call in every))
        camera.shown("missing")
        camera.feels("lll", at_us)
        camera.stop_by_hand()
        sealed = camera.wait_event("RecordingSealed")
        assert not sealed["whole"]
        camera.feels_refused(sealed["at_us"])
        camera.shown("cannot_record")
        camera.break_disk()
        camera.shown("ready")
        (left,) = camera.ledger("footage_not_written")
        assert left["detail"]["fragments"] >= 1
        camera.recording()
        camera.stop_recording()
        assert camera.of("RecordingSealed")[-1]["whole"]
        assert camera.stop() == 0
        assert acknowledged
        camera.judged()


def test_a_read_only_disk_is_shown_in_standby_too_and_used_again(tmp_path: Path) -> None:
    """The kernel's EROFS for a while, as after a remount; a press is honoured into the ring, which is written when the disk is back."""
    with FaultyCamera(tmp_path) as camera:
        camera.break_disk(*({"call": call, "error": "EROFS"} for call in ("write", "fdatasync", "create", "mkdir", "statvfs")))
        camera.shown("cannot_record")
        pressed_us = camera.tap_twice()
        camera.shown("missing")
        wait_for(lambda: camera.status()["ring"]["unwritten"] >= 2, what="footage in the ring")
        healed_us = camera.break_disk()
        first = camera.wait_event("FragmentDurable")
        figure("disk: read-only, then writable", f"footage durable {(first['at_us'] - healed_us) / 1e6:.1f} s after, from the ring")
        assert first["seq"] == 1 or first["pts_us"] <= pressed_us, "from the press on, or from when the camera was open"
        camera.shown("recording")
        camera.stop_recording()
        assert camera.of("RecordingSealed")[-1]["whole"]
        assert camera.stop() == 0
        camera.judged()
