"""What the municipality chose is what the camera does: pre-event, skipped warnings, a deaf speaker, resuming after a crash, stray files."""

from __future__ import annotations

import os
import signal
import wave
from pathlib import Path

import pytest

from bodycamd.camera.control.state import BURST_US
from bodycamd.linux.clock import boottime_us
from tests.kit.camera import WARNING, Camera, Entry, wait_until_us
from tests.kit.scale import SCALE, only_in_full
from tests.kit.stock_tools import decodes, play
from tests.kit.waiting import wait_for

PRE_EVENT_SECONDS = 30 if SCALE >= 1 else 6


def first_fragment(camera: Camera) -> Entry:
    return camera.of("FragmentDurable")[0]


def children(camera: Camera, name: str) -> list[int]:
    found = []
    for task in Path(f"/proc/{camera.process.pid}/task").glob("*/children"):
        for pid in task.read_text().split():
            try:
                if name in Path(f"/proc/{pid}/cmdline").read_text():
                    found.append(int(pid))
            except FileNotFoundError:
                continue
    return found


@only_in_full
def test_the_film_begins_the_pre_event_time_before_the_press(tmp_path: Path) -> None:
    settings = {"pre_event_seconds": PRE_EVENT_SECONDS, "record_warning": True}
    with Camera(tmp_path, settings) as camera:
        wait_for(lambda: camera.status()["ring"]["seconds"] >= PRE_EVENT_SECONDS, PRE_EVENT_SECONDS + 20, "a full pre-event buffer")
        assert camera.status()["lamp"] == "buffering"
        pressed_us = camera.tap()
        camera.wait_event("WarningEnded")
        camera.wait_event("FragmentDurable", PRE_EVENT_SECONDS + 3)
        camera.stop_recording()
        first = first_fragment(camera)
        keep_from_us = pressed_us - PRE_EVENT_SECONDS * 1_000_000
        assert first["pts_us"] <= keep_from_us + 2_000 < first["pts_us"] + first["duration_us"] + 4_000
        camera.wait_state("standby")
        (segment,) = camera.segments()
        decodes(play(segment, camera.identity, tmp_path / "film.mp4"))
        assert camera.status()["capture"]["state"] == "flowing", "with a pre-event buffer the camera stays open"


@only_in_full
def test_without_a_pre_event_buffer_no_camera_is_open_and_the_ring_is_empty(tmp_path: Path) -> None:
    with Camera(tmp_path) as camera:
        assert camera.status()["capture"]["state"] == "standby"
        assert camera.status()["capture"]["frames"] == 0
        camera.skip_warning_and_record()
        camera.stop_recording()
        camera.wait_state("standby")
        wait_for(lambda: camera.status()["capture"]["state"] == "standby", what="a closed camera")
        ring = camera.status()["ring"]
        assert (ring["fragments"], ring["bytes"]) == (0, 0)


@only_in_full
@pytest.mark.timing
def test_a_new_press_stops_the_sound_within_150_ms_and_records_at_once(tmp_path: Path) -> None:
    with Camera(tmp_path) as camera:
        first_us = camera.tap()
        wait_for(lambda: [line for line in camera.timeline("voice") if line.get("event") == "started"], what="the warning's sound")
        wait_until_us(camera.felt_us(first_us) + BURST_US)
        pressed_us = camera.tap()
        camera.wait_event("FragmentDurable", 2)
        camera.stop_recording()
        (silenced,) = [line for line in camera.timeline("voice") if line.get("event") == "silenced"]
        assert 0 <= silenced["at_us"] - pressed_us <= 150_000
        (opened,) = camera.ledger("recording_opened")
        assert opened["detail"]["warning"] == "skipped"
        second_down_us = [line["at_us"] for line in camera.timeline("button") if line["on"]][1]
        assert 0 <= opened["detail"]["keep_from_us"] - second_down_us <= 20_000
        with wave.open(str(next(camera.device.glob("speaker-*.wav")))) as played, wave.open(str(WARNING)) as whole:
            assert played.getnframes() < whole.getnframes()


@only_in_full
@pytest.mark.parametrize("failure", ["absent", "blocked", "killed"])
def test_a_speaker_that_fails_delays_nothing_and_is_shown_and_logged(tmp_path: Path, failure: str) -> None:
    camera = Camera(tmp_path, {"speaker": {"output": "alsa", "device": "no such speaker"}} if failure == "absent" else {})
    with camera:
        voice = children(camera, "voice_child") or children(camera, "board.voice")
        if failure == "blocked":
            os.kill(voice[0], signal.SIGSTOP)
        pressed_us = camera.tap()
        if failure == "killed":
            wait_for(lambda: camera.timeline("voice"), what="the warning's sound")
            os.kill(voice[0], signal.SIGKILL)
        with wave.open(str(WARNING)) as warning:
            longest_us = round(warning.getnframes() / warning.getframerate() * 1e6) + 4_000_000
        durable = camera.wait_event("FragmentDurable", 1)
        assert durable["at_us"] - pressed_us <= (longest_us if failure == "blocked" else 5_000_000)
        if failure == "absent":
            assert "voice_failed" in camera.status()["flags"]
        camera.stop_recording()
        (warned,) = camera.ledger("warning")
        assert warned["detail"]["outcome"] == "failed"
        assert camera.ledger("recording_opened")[0]["detail"]["warning"] == "failed"
        assert camera.stop() == 0


@only_in_full
def test_a_daemon_that_died_while_recording_resumes_without_a_warning(tmp_path: Path) -> None:
    with Camera(tmp_path) as camera:
        camera.skip_warning_and_record()
        camera.wait_event("FragmentDurable", 2)
        acknowledged = [(event["recording"], event["segment"], event["index"], event["sha256"]) for event in camera.of("FragmentDurable")]
        camera.kill()
        camera.start()
        camera.wait_event("FragmentDurable", 2, where=lambda event: event["recording"] != acknowledged[0][0])
        camera.stop_recording()
        first, second = camera.ledger("recording_opened")
        assert second["detail"]["resumes"] == first["detail"]["recording"]
        assert not [line for line in camera.timeline("voice") if line["at_us"] > second["boottime_ns"] // 1000]
        assert camera.ledger("segment_recovered")
        (cut,) = camera.segments(first["detail"]["recording"])
        assert cut.name == "000000.cut.tar"
        data = cut.read_bytes()
        assert all(sha256.encode() in data for _, _, _, sha256 in acknowledged)


@only_in_full
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_seals_the_open_recording(tmp_path: Path, number: signal.Signals) -> None:
    """To its children too, as a terminal that is closed sends SIGHUP."""
    with Camera(tmp_path) as camera:
        camera.skip_warning_and_record()
        children_of = Path(f"/proc/{camera.process.pid}/task/{camera.process.pid}/children")
        for pid in [*map(int, children_of.read_text().split()), camera.process.pid]:
            os.kill(pid, number)
        assert camera.process.wait(60) == 0
        assert [segment.suffix for segment in camera.segments()] == [".tar"]
        assert camera.ledger("recording_closed")[0]["detail"]["reason"] == "shutdown"
        assert not camera.timeline("lamp")[-1]["on"]
        (segment,) = camera.segments()
        decodes(play(segment, camera.identity, tmp_path / "film.mp4"))


@only_in_full
def test_a_stray_file_in_the_store_is_stated_and_passed_over(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    strange = camera.store / "recordings" / "holiday.jpg"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"not footage")
    (camera.store / "recordings" / "000009-0001").mkdir()
    (camera.store / "recordings" / "000009-0001" / "notes.txt").write_bytes(b"nor this")
    with camera:
        camera.skip_warning_and_record()
        camera.stop_recording()
        assert camera.stop() == 0
    assert strange.read_bytes() == b"not footage"
    (found,) = camera.ledger("store_recovered")
    assert "holiday.jpg" in str(found["detail"]["strays"])
    assert "000009-0001: of a start that has not been" in str(found["detail"]["strays"])
    assert "000001-0001" in camera.recordings(), "a name far ahead takes no numbers away"


@only_in_full
def test_critical_battery_seals_and_asks_for_power_off(tmp_path: Path) -> None:
    with Camera(tmp_path) as camera:
        camera.skip_warning_and_record()
        camera.hand.battery(1)
        assert camera.process.wait(30) == 100
        assert camera.ledger("recording_closed")[0]["detail"]["reason"] == "battery_critical"
        assert [segment.suffix for segment in camera.segments()] == [".tar"]


@only_in_full
def test_a_press_while_starting_is_honoured_when_ready(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.start(ready=False)
    try:
        wait_for(lambda: (camera.device / "button.sock").exists(), what="the button")
        pressed_us = camera.hand.down()
        wait_until_us(boottime_us() + 30_000)
        camera.hand.up()
        camera.wait_state("warning", "recording")
        assert camera.timeline("button")[0]["at_us"] >= pressed_us
    finally:
        camera.kill()
