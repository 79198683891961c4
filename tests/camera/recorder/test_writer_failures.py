"""The writer when something is wrong but the disk: hostile jobs and footage, no room, a listener or a program that fails."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.control.events import (
    ContinueRecording,
    StorageChanged,
    WriteFailed,
)
from tests.camera.recorder.faults import FaultyDisk
from tests.camera.recorder.rig import Rig
from tests.kit.fragments import SECOND, fragment


def test_a_hostile_order_of_jobs_is_survived(rig: Rig) -> None:
    rig.tampered_with = True  # one recording is begun twice
    rig.seal_now()
    rig.end(0)
    rig.writer.submit(ContinueRecording(1))
    rig.begin(0)
    rig.begin(10_000)
    rig.camera()
    first = rig.begin(1)
    rig.film(2)
    rig.wait_durable(2)
    second = rig.begin(2)
    rig.film(2)
    rig.wait_durable(4)
    rig.begin(1)
    rig.film(1)
    rig.wait(lambda: "write segment 000000.tar.part" in rig.failures(), "a recording number that is taken")
    found = rig.stop()
    assert found.seqs(first) == [1, 2]
    assert found.seqs(second) == [3, 4]
    assert [entry["reason"] for entry in found.entries("recording_closed")] == ["replaced", "replaced", "shutdown"]
    assert rig.failures()[:2] == ["begin recording"] * 2
    assert rig.ring.stats().fragments == 0


def test_a_fragment_that_no_statement_can_describe_does_not_hold_up_the_next(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(2)
    rig.wait_durable(2)
    rig.seq += 1
    rig.ring.put(fragment(rig.seq, pts_us=rig.now_us, duration_us=0))
    rig.film(2)
    rig.wait_durable(4)
    found = rig.stop()
    assert found.seqs(recording) == [1, 2, 4, 5]
    assert found.entries("fragment_refused")[0]["seq"] == 3
    assert rig.failures() == ["state fragment"]


def test_time_that_runs_backwards_opens_a_new_segment(rig: Rig) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(3)
    rig.now_us -= 2 * SECOND
    rig.film(2)
    rig.wait_durable(5)
    found = rig.stop()
    assert found.seqs(recording) == [1, 2, 3, 4, 5]
    assert len(found.files[recording]) == 2


def test_the_reserve_is_never_used_by_footage(rig: Rig, disk: FaultyDisk) -> None:
    rig.writer._space._reserve_bytes = 1_000_000
    disk.free = 1_100_000
    rig.camera()
    recording = rig.begin()
    rig.film(1, size=20_000)
    rig.wait_durable(1)
    disk.free = 1_030_000
    rig.film(3, size=30_000)
    rig.wait(lambda: [event.level for event in rig.of(StorageChanged)] == ["full"])
    assert rig.writer.room().minutes_left == 0
    rig.end(rig.now_us, "storage_full")
    rig.wait_sealed()
    found = rig.stop()
    assert found.seqs(recording) == [1]
    assert found.entries("footage_not_written") == [{"recording": recording, "fragments": 3, "duration_us": 3 * SECOND}]
    assert found.entries("recording_closed")[0]["reason"] == "storage_full"


def test_room_comes_back_and_the_ring_was_the_cushion(rig: Rig, disk: FaultyDisk) -> None:
    rig.writer._space._reserve_bytes = 1_000_000
    disk.free = 1_000_000
    rig.camera()
    recording = rig.begin()
    rig.film(4)
    rig.wait(lambda: [event.level for event in rig.of(StorageChanged)] == ["full"])
    disk.free = None
    rig.wait_durable(4)
    rig.wait(lambda: [event.level for event in rig.of(StorageChanged)] == ["full", "ok"])
    assert rig.stop().seqs(recording) == [1, 2, 3, 4]


def test_level_low_is_told_in_standby(tmp_path: Path) -> None:
    disk = FaultyDisk()
    disk.free = 64_000_000 + 20 * 60 * 1_000_000
    rig = Rig(tmp_path / "root", disk=disk, reserve_bytes=64_000_000, low_minutes=30, rate=1_000_000)
    rig.wait(lambda: rig.of(StorageChanged))
    event = rig.of(StorageChanged)[0]
    assert (event.level, round(event.minutes_left)) == ("low", 20)
    rig.stop()


def test_a_listener_that_fails_costs_no_footage(rig: Rig) -> None:
    def broken(event: object) -> None:
        rig.events.append(event)  # type: ignore[arg-type]
        raise RuntimeError("the loop is closed")

    rig.writer._post = broken
    rig.camera()
    recording = rig.begin()
    rig.film(3)
    rig.wait_durable(3)
    assert rig.stop().seqs(recording) == [1, 2, 3]


def test_a_fault_of_the_program_costs_a_segment_and_not_the_thread(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.camera()
    recording = rig.begin()
    rig.film(2)
    rig.wait_durable(2)
    real = hashlib.sha256
    failing = threading.Event()
    failing.set()

    def broken(*arguments: Any) -> Any:
        if failing.is_set() and threading.current_thread().name == "writer":
            failing.clear()
            raise RuntimeError("a defect")
        return real(*arguments)

    monkeypatch.setattr(hashlib, "sha256", broken)
    rig.film(2)
    rig.wait_durable(4)
    monkeypatch.undo()
    assert rig.of(WriteFailed)[0] == WriteFailed("writer", "RuntimeError: a defect")
    found = rig.stop()
    assert found.seqs(recording) == [1, 2, 3, 4]
    assert found.files[recording] == ["000000.tar.part", "000001.tar"]
