"""The writer on a healthy disk: order of the durable steps, segments, gaps, ends."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from bodycamd.camera.control.events import (
    ContinueRecording,
    FragmentDurable,
    RecordingSealed,
    RingOverflowed,
)
from tests.camera.recorder.faults import FaultyDisk
from tests.camera.recorder.rig import Rig
from tests.kit.fragments import SECOND
from tests.kit.scale import only_in_full


def test_a_recording_from_press_to_sealed_segment(rig: Rig) -> None:
    rig.camera()
    rig.ring.retain_from(0)
    rig.film(3)
    recording = rig.begin(keep_from_us=2 * SECOND + 250_000)
    rig.film(4)
    rig.wait_durable(6)
    rig.end(rig.now_us - 400_000)
    sealed = rig.wait_sealed()
    assert sealed.duration_us == 6 * SECOND
    found = rig.stop()
    assert found.files == {recording: ["000000.tar"]}
    assert found.seqs(recording) == [2, 3, 4, 5, 6, 7]
    first, *others = found.fragments(recording)
    assert first["pre_start_us"] == 250_000
    assert all("pre_start_us" not in other for other in others)
    assert all(statement["gap_us"] == 0 for statement in found.fragments(recording))
    kinds = [entry["type"] for entry in found.ledger]
    assert kinds == ["start", "store_recovered", "recording_opened", "segment_sealed", "key_changed", "recording_closed"]
    assert found.entries("recording_opened")[0]["pressed_us"] == 2 * SECOND + 250_000
    assert found.entries("recording_closed")[0] == {
        "recording": recording,
        "reason": "officer",
        "duration_us": sealed.duration_us,
        "segments": 1,
        "end_us": 8 * SECOND,
    }
    assert rig.failures() == []


def test_statements_are_whole(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(2)
    rig.wait_durable(2)
    found = rig.stop()
    init, first, second = (piece.statement for _, piece in sorted(found.pieces.items()))
    common = {"n", "prev", "type", "key", "device", "start", "boot_id", "recording", "segment", "index", "generation", "size", "sha256"}
    clock = {"boottime_ns", "wall", "clock"}
    assert set(init) == common | clock | {"format", "recipients", "video", "audio_track"}
    times = {"seq", "pts_us", "duration_us", "frames", "audio", "audio_pts_us", "audio_samples", "gap_us"}
    assert set(second) == common | clock | times
    assert set(first) == set(second) | {"pre_start_us"}
    assert init["clock"] == {"source": "kernel-ntp", "error_ms": 12}
    assert init["n"] < first["n"] < second["n"]
    assert len({statement["n"] for statement in [init, first, second, *found.ledger]}) == 3 + len(found.ledger)
    assert (first["recording"], first["device"], first["boot_id"]) == (recording, "cam-7", "boot-1")


def test_the_first_acknowledgement_follows_every_durable_step(rig: Rig, disk: FaultyDisk) -> None:
    rig.camera()
    rig.events.clear()
    before: list[list[tuple[str, str]]] = []
    append = rig.events.append

    def post(event: Any) -> None:
        if isinstance(event, FragmentDurable):
            before.append(list(disk.calls))
        append(event)

    rig.writer._post = post
    recording = rig.begin()
    rig.film(1)
    rig.wait_durable(1)
    assert before[0] == [
        ("make_folder", recording),
        ("fsync_folder", "recordings"),
        ("create", "000000.tar.part"),
        ("write", "000000.tar.part"),
        ("fdatasync", "000000.tar.part"),
        ("fsync_folder", recording),
    ]
    rig.film(1)
    rig.wait_durable(2)
    assert before[1][6:] == [("write", "000000.tar.part"), ("fdatasync", "000000.tar.part")]
    disk.calls.clear()
    rig.end(0)
    rig.wait_sealed()
    sealing = [("write", "000000.tar.part"), ("fdatasync", "000000.tar.part"), ("rename", "000000.tar"), ("fsync_folder", recording)]
    assert disk.calls == sealing


def test_all_that_wait_are_one_batch_with_one_fdatasync(rig: Rig, disk: FaultyDisk) -> None:
    rig.camera()
    rig.begin()
    rig.film(1)
    rig.wait_durable(1)
    disk.calls.clear()
    disk.gate.clear()
    rig.film(1)
    rig.wait(lambda: rig.writer.progress().operation == "write")
    rig.film(20)
    disk.gate.set()
    rig.wait_durable(22)
    assert disk.calls == [("write", "000000.tar.part"), ("fdatasync", "000000.tar.part")] * 2


@only_in_full
def test_progress_tells_of_an_outstanding_disk_operation(rig: Rig, disk: FaultyDisk) -> None:
    first = rig.writer.progress()
    rig.wait(lambda: rig.writer.progress().turns > first.turns, "idle turns")
    rig.wait(lambda: rig.writer.progress().operation is None)
    disk.gate.clear()
    rig.camera()
    rig.begin()
    rig.film(1)
    rig.wait(lambda: rig.writer.progress().operation == "make folder")
    since_us = rig.writer.progress().since_us
    assert since_us is not None
    assert 0 <= rig.clock.now_us() - since_us < 10 * SECOND
    assert rig.writer.is_alive()
    disk.gate.set()
    rig.wait_durable(1)
    rig.wait(lambda: rig.writer.progress().operation is None)


def test_segments_rotate_with_time_and_with_generations(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "root", segment_seconds=10)
    rig.camera()
    recording = rig.begin()
    rig.film(25)
    rig.wait_durable(25)
    rig.ring.ended(1)
    rig.camera()
    rig.now_us += 3 * SECOND
    rig.film(5)
    rig.wait_durable(30)
    found = rig.stop()
    assert found.files[recording] == [f"{number:06d}.tar" for number in range(4)]
    assert [entry["fragments"] for entry in found.entries("segment_sealed")] == [10, 10, 5, 5]
    assert [found.pieces[recording, segment, 0].statement["generation"] for segment in range(4)] == [1, 1, 1, 2]
    assert found.seqs(recording) == list(range(1, 31))
    gaps = [statement["gap_us"] for statement in found.fragments(recording)]
    assert gaps == [0] * 25 + [3 * SECOND] + [0] * 4
    assert found.entries("recording_closed")[0]["reason"] == "shutdown"


def test_a_gap_is_what_lies_between_and_inside(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(1, gap_us=10)
    rig.now_us += 700
    rig.film(1, gap_us=33)
    rig.now_us -= 5
    rig.film(1)
    rig.wait_durable(3)
    assert [statement["gap_us"] for statement in rig.stop().fragments(recording)] == [10, 733, 0]


def test_overflow_is_a_stated_gap(tmp_path: Path) -> None:
    disk = FaultyDisk()
    rig = Rig(tmp_path / "root", disk=disk, max_bytes=6000)
    rig.camera()
    recording = rig.begin()
    rig.film(1)
    rig.wait_durable(1)
    disk.gate.clear()
    rig.film(1)
    rig.wait(lambda: rig.writer.progress().operation == "write")
    rig.film(12)
    disk.gate.set()
    rig.wait_durable(7)
    assert sum(event.fragments for event in rig.of(RingOverflowed)) == 7
    found = rig.stop()
    assert found.seqs(recording) == [1, 2, 10, 11, 12, 13, 14]
    assert [statement["gap_us"] for statement in found.fragments(recording)] == [0, 0, 7 * SECOND, 0, 0, 0, 0]


def test_it_ends_with_the_fragment_that_holds_the_end(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.end(4 * SECOND)
    rig.film(2)
    rig.wait_durable(2)
    assert rig.of(RecordingSealed) == []
    rig.film(5)
    rig.wait_sealed()
    assert rig.stop().seqs(recording) == [1, 2, 3]


def test_it_ends_when_the_camera_is_closed_before_the_end(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(3)
    rig.ring.ended(1)
    rig.camera()
    rig.film(1)
    rig.end(rig.now_us + SECOND // 2)
    rig.wait_durable(4)
    assert rig.of(RecordingSealed) == [], "the second generation is open; that the first ended says nothing"
    rig.ring.ended(2)
    rig.wait_sealed()
    assert rig.stop().seqs(recording) == [1, 2, 3, 4]


def test_a_stall_during_the_post_event_time_does_not_end_it_early(rig: Rig) -> None:
    rig.camera()
    rig.now_us = rig.clock.now_us()
    rig.begin(keep_from_us=rig.now_us)
    rig.film(1)
    rig.end(rig.clock.now_us() + 1_200_000)
    rig.ring.ended(1)
    rig.wait_durable(1)
    rig.wait_turn()
    assert rig.of(RecordingSealed) == []
    rig.wait_sealed()


def test_seal_now_seals_with_what_is_there_and_only_what_is_ending(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(2)
    rig.seal_now()
    rig.film(1)
    rig.wait_durable(3)
    assert rig.of(RecordingSealed) == []
    rig.end(rig.now_us + 60 * SECOND)
    rig.film(1)
    rig.seal_now()
    rig.wait_sealed()
    assert rig.stop().seqs(recording) == [1, 2, 3, 4]


def test_a_press_during_closing_goes_on_with_the_same_recording(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(2)
    rig.end(rig.now_us + SECOND)
    rig.writer.submit(ContinueRecording(2))
    rig.writer.submit(ContinueRecording(1))
    rig.seal_now()
    rig.film(3)
    rig.wait_durable(5)
    assert rig.of(RecordingSealed) == []
    rig.end(rig.now_us, "battery_critical")
    rig.wait_sealed()
    rig.writer.submit(ContinueRecording(1))
    found = rig.stop()
    assert found.seqs(recording) == [1, 2, 3, 4, 5]
    assert [entry["reason"] for entry in found.entries("recording_closed")] == ["battery_critical"]


def test_pre_event_seconds_belong_to_both_recordings(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "root", pre_event_seconds=30)
    rig.camera()
    rig.film(100)
    first = rig.begin(1, keep_from_us=rig.now_us - 30 * SECOND)
    rig.film(5)
    rig.end()
    rig.wait_sealed(1)
    rig.film(3)
    second = rig.begin(2, keep_from_us=rig.now_us - 30 * SECOND, resumes=first)
    rig.film(2)
    rig.end()
    rig.wait_sealed(2)
    found = rig.stop()
    assert found.seqs(first) == list(range(71, 106))
    assert found.seqs(second) == list(range(79, 111))
    assert found.entries("recording_opened")[1]["resumes"] == first


def test_a_recording_without_footage_leaves_no_folder(rig: Rig) -> None:
    recording = rig.begin()
    rig.end(5 * SECOND)
    rig.seal_now()
    assert rig.wait_sealed().duration_us == 0
    found = rig.stop()
    assert found.files == {}
    assert found.entries("recording_closed") == [{"recording": recording, "reason": "officer", "duration_us": 0, "segments": 0}]


def test_notes_are_written_in_order_with_everything_else(rig: Rig) -> None:
    rig.writer.note("shift_begun", {"officer": "p-17", "absent": None})
    rig.camera()
    rig.begin()
    rig.writer.note("marker", {"at_us": 5})
    rig.film(1)
    rig.wait_durable(1)
    rig.writer.note("odd", {"number": float("nan")})
    rig.end()
    rig.wait_sealed()
    rig.writer.note("last", {})
    found = rig.stop()
    kinds = [entry["type"] for entry in found.ledger][2:]
    assert kinds == ["shift_begun", "recording_opened", "marker", "segment_sealed", "key_changed", "recording_closed", "last"]
    assert found.entries("shift_begun") == [{"officer": "p-17"}]
    assert rig.failures() == ["ledger entry"]


def test_stop_writes_what_waits_and_seals(rig: Rig, disk: FaultyDisk) -> None:
    rig.camera()
    disk.gate.clear()
    recording = rig.begin()
    rig.film(9)
    rig.writer.note("marker", {})
    stopper = threading.Thread(target=rig.writer.stop)
    stopper.start()
    disk.gate.set()
    stopper.join(10)
    found = rig.stop()
    assert found.seqs(recording) == list(range(1, 10))
    assert [entry["reason"] for entry in found.entries("recording_closed")] == ["shutdown"]
    assert rig.of(RecordingSealed)
