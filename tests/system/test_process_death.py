"""SIGKILL of recorder, worker and voice at random instants of the whole camera's work; and the recording that goes on afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from pathlib import Path

import msgspec
import pyrage
import pytest

from bodycamd.camera.board import lamp_off
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.recorder.store import Store
from bodycamd.errors import BodycamError
from bodycamd.evidence.keys import PublicKey
from bodycamd.linux.clock import SystemClock, boottime_us
from tests.camera.capture.films import burned_times
from tests.kit import stock_tools
from tests.kit.camera import Camera, Entry, wait_until_us
from tests.kit.scale import nightly_count, only_in_full
from tests.kit.waiting import wait_for
from tests.powercut.judge import Fragment, key_files, read_store, snapshot

pytestmark = only_in_full
MODULES = {"worker": "bodycamd.camera.capture.worker.main", "voice": "bodycamd.camera.board.voice.process"}

FRAME_US = 1_000_000 / 15
VICTIMS = ("recorder", "recorder", "recorder", "worker", "worker", "voice")


class MortalCamera(Camera):
    """A camera whose processes die; its events are heard from the moment its socket is there."""

    def __enter__(self) -> MortalCamera:
        self.start()
        return self

    def born(self) -> None:
        """Start, without waiting for anything."""
        self.start(ready=False)
        threading.Thread(target=self._hear, args=(self.process.pid,), daemon=True).start()

    def _hear(self, pid: int) -> None:
        while self.process.pid == pid and self.process.poll() is None:
            try:
                with ControlClient(self.device / "control.sock", timeout_seconds=3600) as client:
                    client.subscribe()
                    for event in client.events():
                        self.events.append(msgspec.to_builtins(event))
            except BodycamError:
                wait_until_us(boottime_us() + 10_000)

    def children(self, module: str) -> list[int]:
        """The process ids of the daemon's children that run this module."""
        found = []
        for tasks in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in tasks.read_text().split():
                try:
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue  # it has gone meanwhile
                if module.encode() in command:
                    found.append(int(pid))
        return found

    def kill_child(self, module: str, chance: random.Random) -> bool:
        """SIGKILL one of them; false where there is none."""
        try:
            children = self.children(module)
            os.kill(chance.choice(children), signal.SIGKILL)
        except (OSError, IndexError):
            return False
        return True

    def state(self) -> str:
        try:
            return str(self.status()["state"])
        except BodycamError:
            return "not there yet"

    def good_fragments(self) -> dict[tuple[str, int], dict[int, Fragment]]:
        """What a recovery finds, read by other eyes and decrypted; a second recovery changes nothing."""
        opener = pyrage.x25519.Identity.from_str(self.identity.read_text().strip())
        self._recover()
        registered = PublicKey.from_pem(self.device_pem).raw
        ledger, found = read_store(self.store, registered, lambda age: pyrage.decrypt(age, [opener]))
        assert list(key_files(self.device / "signing").values()) == [ledger.next_key]
        before = snapshot(self.store)[1]
        assert self._recover() == 0
        assert snapshot(self.store)[1] == before
        return found

    def _recover(self) -> int:
        store = Store.open(self.store, signing=self.device / "signing", device_id="test-1", clock=SystemClock(), config_sha256="0" * 64)
        store.close()
        return store.recovered_segments


@only_in_full
@pytest.mark.timeout(1800)
def test_killed_at_random_instants_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    camera = MortalCamera(tmp_path, {"video": {"frame_rate": 16, "gop_seconds": 0.5}})
    kills = {"recorder": 0, "worker": 0, "voice": 0}
    starts = 1
    camera.born()
    try:
        while sum(kills.values()) < max(12, nightly_count(300)):
            wait_until_us(boottime_us() + chance.randint(0, chance.choice((500_000, 3_000_000))))
            assert camera.process.poll() is None, f"seed {seed}: it ended by itself\n{camera.journal[-3000:]}"
            state = camera.state()
            if state == "recording" and chance.random() < 0.1:
                camera.stop_by_hand()
            elif state == "standby":
                _ = camera.tap_twice() if chance.random() < 0.7 else camera.tap()
            victim = chance.choice(VICTIMS)
            if victim == "recorder":
                camera.kill()
                camera.born()
                starts += 1
            elif not camera.kill_child(MODULES[victim], chance):
                continue
            kills[victim] += 1
        camera.wait_state("standby", "recording", "warning")
        if not camera.of("FragmentDurable"):  # a busy machine: none of them lived long enough
            if camera.state() == "standby":
                camera.tap()
            camera.wait_event("FragmentDurable")
        assert camera.stop() == 0
    finally:
        camera.kill()
    found = camera.good_fragments()
    durable = camera.of("FragmentDurable")
    for event in durable:
        piece = found[event["recording"], event["segment"]][event["index"]]
        assert (piece.seq, piece.sha256) == (event["seq"], event["sha256"]), seed
    good = sum(len([index for index in pieces if index]) for pieces in found.values())
    print(f"\nSIGKILLs at random: {kills}, {starts} starts; {len(durable)} fragments acknowledged, {good} found, 0 lost")
    assert durable


def test_a_killed_recorder_goes_on_and_the_gap_is_stated_to_the_frame(tmp_path: Path) -> None:
    with MortalCamera(tmp_path) as camera:
        camera.skip_warning_and_record()
        killed = camera.wait_event("FragmentDurable", 3)["recording"]
        killed_us = boottime_us()
        camera.kill()
        dead_us = boottime_us()
        camera.start()
        camera.wait_event("FragmentDurable", 2, where=lambda event: event["recording"] != killed)
        camera.stop_recording()
        assert camera.stop() == 0
    first, second = camera.recordings()
    assert killed == first
    opened = camera.ledger("recording_opened")[1]["detail"]
    assert (opened["resumes"], opened["warning"]) == (first, "none")
    assert not [entry for entry in camera.ledger("warning") if entry["start"] == 2], "no warning is spoken again"
    ends = ends_of(camera, first)
    begins = ends_of(camera, second)
    gap_us = begins[0] - ends[1]
    burned = [[us for _, us in burned_times(played(camera, recording, tmp_path)) if us is not None] for recording in (first, second)]
    seen_us = burned[1][0] - burned[0][-1]
    print(f"\nkilled and recording again: {gap_us / 1e6:.2f} s without a frame, {(begins[0] - killed_us) / 1e6:.2f} s after the SIGKILL")
    assert abs(seen_us - gap_us - FRAME_US) < 1000, "statements and pictures agree to the frame"
    assert ends[1] <= dead_us
    assert killed_us < begins[0]


def test_a_killed_worker_costs_a_gap_that_is_stated_to_the_frame(tmp_path: Path) -> None:
    with MortalCamera(tmp_path) as camera:
        camera.skip_warning_and_record()
        camera.wait_event("FragmentDurable", 3)
        os.kill(camera.status()["capture"]["pid"], signal.SIGKILL)
        camera.wait_event("CaptureStalled")
        camera.wait_event("FragmentDurable", len(camera.of("FragmentDurable")) + 2)
        camera.stop_recording()
        assert camera.stop() == 0
    old, new = camera.segments()
    last, first = statements(old, tmp_path / "old")[-1], statements(new, tmp_path / "new")[1]
    assert first["index"] == 1
    before_us = first["pts_us"] - (last["pts_us"] + last["duration_us"])
    inside_us = first["duration_us"] - first["frames"] * FRAME_US
    assert before_us > 0
    assert abs(first["gap_us"] - before_us - inside_us) < FRAME_US / 2, "what is missing before the fragment, and any frame missing inside"
    films = [stock_tools.play(segment, camera.identity, tmp_path / f"{segment.name}.mp4") for segment in (old, new)]
    burned = [[us for _, us in burned_times(film) if us is not None] for film in films]
    assert abs(burned[1][0] - burned[0][-1] - before_us - FRAME_US) < 1000


def test_a_killed_voice_costs_the_warning_not_the_recording(tmp_path: Path) -> None:
    with MortalCamera(tmp_path) as camera:
        camera.tap()
        wait_for(lambda: [line for line in camera.timeline("voice") if line["event"] == "started"], 10, "the voice")
        assert camera.kill_child("bodycamd.camera.board.voice.process", random.Random())
        camera.wait_event("FragmentDurable", 2)
        camera.stop_recording()
    assert camera.ledger("recording_opened")[0]["detail"]["warning"] == "failed"


def test_a_daemon_that_is_killed_in_standby_leaves_no_lamp_that_says_ready(tmp_path: Path) -> None:
    """What the unit runs afterwards puts the green lamp out; while it lives, the camera's status says what the lamp says."""
    with MortalCamera(tmp_path) as camera:
        wait_for(lambda: [line["on"] for line in camera.timeline("ready_lamp")] == [True], what="the green lamp")
        assert camera.status()["ready_lamp"] is True
        camera.kill()
        assert camera.timeline("ready_lamp")[-1]["on"]
        assert lamp_off.main(["--config", str(camera.config)]) == 0
        for part in ("lamp", "ready_lamp", "haptic"):
            assert not camera.timeline(part)[-1]["on"]


def statements(segment: Path, folder: Path) -> list[Entry]:
    return [json.loads(member.read_bytes()) for member in stock_tools.extract(segment, folder) if member.suffix == ".json"]


def ends_of(camera: Camera, recording: str) -> tuple[int, int]:
    """Where the pictures of a recording begin and end by its statements: of what is sealed, or good by the recovery's word."""
    opener = PublicKey.from_pem(camera.device_pem).raw
    _, found = read_store(camera.store, opener, lambda age: None)
    pieces = [piece for key, fragments in found.items() if key[0] == recording for index, piece in fragments.items() if index]
    return min(piece.pts_us for piece in pieces), max(piece.end_us for piece in pieces)


def played(camera: Camera, recording: str, folder: Path) -> Path:
    """The film of a recording of one segment, by the stock command, of its good bytes."""
    (segment,) = camera.segments(recording)
    good = [entry["detail"]["good_bytes"] for entry in camera.ledger("segment_recovered") if entry["detail"]["recording"] == recording]
    whole = folder / f"{recording}.tar"
    content = segment.read_bytes()
    whole.write_bytes(content[: good[0]] if good else content)
    return stock_tools.play(whole, camera.identity, folder / f"{recording}.mp4")
