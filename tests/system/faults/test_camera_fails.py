"""The camera fails, in every way that cameras do: footage is durable again within 3 s, the lamp says so meanwhile, the gap is stated to the
frame.

One recording goes through all faults; the last test reads it with other eyes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.linux.clock import boottime_us
from tests.kit import stock_tools
from tests.kit.scale import SCALE, only_in_full
from tests.kit.waiting import wait_for
from tests.system.faults.camera import FRAME_US, FaultyCamera, figure, long_one, missing_us, within
from tests.system.faults.worker import FROZEN

AWAY_ATTEMPTS = 12 if SCALE >= 1 else 8
BACK_SECONDS = 3.0


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCamera]:
    with FaultyCamera(tmp_path_factory.mktemp("camera")) as made:
        yield made


@pytest.fixture
def recording(camera: FaultyCamera) -> FaultyCamera:
    """The recording that all tests share, with footage coming and a spare standing by."""
    if camera.status()["state"] == "standby":
        camera.recording()
    wait_for(lambda: camera.status()["capture"]["spare"], what="a spare that could be opened")
    camera.shown("recording", "low")
    return camera


def workers(camera: FaultyCamera) -> list[int]:
    found = []
    for task in Path(f"/proc/{camera.process.pid}/task").glob("*/children"):
        for pid in task.read_text().split():
            try:
                if "tests.system.faults.worker" in Path(f"/proc/{pid}/cmdline").read_text():
                    found.append(int(pid))
            except FileNotFoundError:
                continue
    return found


def replaced(camera: FaultyCamera, name: str, at_us: int, generation: int, promised: float = BACK_SECONDS) -> str:
    """Footage is durable again, in time; the lamp said so. Gives the reason that was stated."""
    stalled = camera.wait_event("CaptureStalled", where=lambda event: event["generation"] == generation)
    last_us = max(at_us, stalled["last_frame_us"] or 0)
    durable = camera.durable_after(last_us)
    seconds = (durable["at_us"] - at_us) / 1e6
    figure(f"camera: {name}", f"footage durable again after {seconds:.1f} s")
    assert seconds < within(promised)
    assert camera.lamp_off_between(at_us, durable["at_us"]), "the lamp said nothing"
    camera.shown("recording", "low")
    (entry,) = wait_for(
        lambda: [entry["detail"] for entry in camera.ledger("capture_stalled") if entry["detail"]["generation"] == generation],
        what="the entry in the ledger",
    )
    assert entry["reason"] == stalled["reason"]
    return str(entry["reason"])


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("spin", "no new frame"),
        ("picture", "no new frame"),
        ("keyframes", "no keyframe"),
        pytest.param("late", "no new frame", marks=long_one),
        ("garbage", "broke the rules of the link"),
        pytest.param("overlong", "broke the rules of the link", marks=long_one),
    ],
)
@only_in_full
def test_a_worker_that_misbehaves_is_replaced(recording: FaultyCamera, how: str, reason: str) -> None:
    generation = recording.status()["capture"]["generation"]
    assert reason in replaced(recording, how, recording.break_worker(how), generation)


def without_footage(camera: FaultyCamera, name: str, at_us: int) -> float:
    """From the end of the last footage before a fault to the first picture of the worker that came next, in seconds."""
    last_us = max(event["pts_us"] + event["duration_us"] for event in camera.of("FragmentDurable") if event["pts_us"] < at_us)
    first_us = min(event["pts_us"] for event in camera.of("FragmentDurable") if event["pts_us"] > at_us)
    figure(f"camera: {name}, without footage", f"{(first_us - last_us) / 1e6:.1f} s")
    return float(first_us - last_us) / 1e6


@only_in_full
@long_one
def test_a_worker_whose_frames_do_not_become_footage_is_replaced(recording: FaultyCamera) -> None:
    """The slowest to be noticed, as frames are reported all the time: a long group of pictures and the time to seal it have to pass."""
    generation = recording.status()["capture"]["generation"]
    at_us = recording.break_worker("mute")
    assert "frames, but no fragment" in replaced(recording, "mute", at_us, generation, promised=BACK_SECONDS + 1)
    assert without_footage(recording, "mute", at_us) < within(BACK_SECONDS)


@only_in_full
def test_a_worker_and_its_spare_that_are_both_stopped_are_replaced(recording: FaultyCamera) -> None:
    """The spare is opened and says nothing: it does not get the time that an opening may take."""
    capture = recording.status()["capture"]
    at_us = boottime_us()
    for pid in workers(recording):
        os.kill(pid, signal.SIGSTOP)
    replaced(recording, "SIGSTOP, with its spare", at_us, capture["generation"], promised=BACK_SECONDS + 1)
    assert without_footage(recording, "SIGSTOP, with its spare", at_us) < within(BACK_SECONDS)
    reasons = {entry["detail"]["generation"]: entry["detail"]["reason"] for entry in recording.ledger("capture_stalled")}
    assert "no answer to its opening" in reasons[capture["generation"] + 1]


@only_in_full
@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=long_one)])
def test_a_spare_that_is_lost_while_it_waits_is_replaced_before_it_is_needed(recording: FaultyCamera, number: signal.Signals) -> None:
    """No footage is missing."""
    capture = recording.status()["capture"]
    (spare,) = [pid for pid in workers(recording) if pid != capture["pid"]]
    at_us = boottime_us()
    os.kill(spare, number)
    wait_for(lambda: recording.status()["capture"]["restarts"] > capture["restarts"], what="the end of the spare")
    figure(f"camera: spare, {number.name}", f"replaced after {(boottime_us() - at_us) / 1e6:.1f} s")
    recording.durable_after(boottime_us())
    assert recording.status()["capture"]["generation"] == capture["generation"]


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_worker_that_is_stopped_or_killed_is_replaced(recording: FaultyCamera, number: signal.Signals) -> None:
    capture = recording.status()["capture"]
    at_us = boottime_us()
    os.kill(capture["pid"], number)
    reason = replaced(recording, number.name, at_us, capture["generation"])
    assert ("signal 9" if number == signal.SIGKILL else "no new frame") in reason


@only_in_full
def test_a_lost_sound_costs_no_picture(recording: FaultyCamera) -> None:
    generation = recording.status()["capture"]["generation"]
    at_us = recording.tell("microphone", "hung")
    recording.wait_event("AudioChanged", where=lambda event: event["audio"] == "lost" and event["generation"] == generation)
    recording.shown("low")
    recording.heal("microphone")
    recording.wait_event("AudioChanged", 2, where=lambda event: event["audio"] == "live" and event["generation"] == generation)
    assert recording.status()["capture"]["generation"] == generation
    assert not [event for event in recording.of("CaptureStalled") if event["generation"] == generation]
    recording.durable_after(at_us)


@only_in_full
def test_a_camera_that_comes_back_is_used_again(recording: FaultyCamera) -> None:
    """It goes while it records, and is away for long enough that the pauses between the attempts have grown."""
    capture = recording.status()["capture"]
    recording.tell("absent")
    os.kill(capture["pid"], signal.SIGKILL)
    recording.wait_event("CaptureStalled", AWAY_ATTEMPTS, where=lambda event: event["generation"] > capture["generation"])
    assert recording.status()["lamp"] == "missing"
    back_us = recording.heal("absent")
    durable = recording.durable_after(back_us)
    seconds = (durable["at_us"] - back_us) / 1e6
    figure("camera: absent, then back", f"footage durable again {seconds:.1f} s after its return")
    assert seconds < within(BACK_SECONDS)
    assert "no camera" in recording.ledger("capture_stalled")[-1]["detail"]["reason"]


@only_in_full
def test_every_gap_is_stated_to_the_frame(recording: FaultyCamera, tmp_path: Path) -> None:
    """The sum of all `gap_us` is the time that the burned clock misses; every acknowledged byte is there."""
    name = recording.status()["recording"]
    recording.stop_recording()
    recording.wait_state("standby")
    assert recording.stop() == 0, recording.journal
    found = recording.judged()
    fragments = found.fragments(name)
    assert [fragment["seq"] for fragment in fragments] == sorted({fragment["seq"] for fragment in fragments})
    generations = [fragment["generation"] for fragment in fragments]
    assert generations == sorted(generations)
    assert len(set(generations)) == len(recording.segments(name)), "a generation has its own segments"
    times = recording.burned(name, tmp_path)
    assert len(times) == sum(fragment["frames"] for fragment in fragments)
    stated = sum(fragment["gap_us"] for fragment in fragments)
    figure("camera: gaps", f"{stated / 1e6:.3f} s stated, {missing_us(times) / 1e6:.3f} s missing by the burned clock")
    assert abs(stated - missing_us(times)) < FRAME_US


@only_in_full
@long_one
def test_a_camera_that_is_absent_at_the_start_is_shown_and_used_when_it_comes(tmp_path: Path) -> None:
    camera = FaultyCamera(tmp_path)
    camera.tell("absent")
    with camera:
        camera.tap_twice()
        camera.wait_event("CaptureStalled", 3)
        assert camera.status()["state"] == "recording"
        assert camera.status()["lamp"] == "missing"
        back_us = camera.heal("absent")
        durable = camera.durable_after(back_us)
        seconds = (durable["at_us"] - back_us) / 1e6
        figure("camera: absent at the start", f"footage durable {seconds:.1f} s after its return")
        assert seconds < within(BACK_SECONDS)
        camera.shown("recording")
        camera.stop_recording()
        assert camera.stop() == 0
        (segment,) = camera.segments()
        stock_tools.decodes(stock_tools.play(segment, camera.identity, tmp_path / "film.mp4"))


@only_in_full
@long_one
def test_a_camera_for_which_no_worker_can_be_had_never_calls_itself_ready(tmp_path: Path) -> None:
    """A broken installation, or no memory: the green lamp stays off, and `status` says why."""
    camera = FaultyCamera(tmp_path)
    camera.tell("no worker")
    with camera:
        assert (camera.status()["lamp"], "worker_missing" in camera.status()["flags"]) == ("cannot_record", True)
        assert [line for line in camera.timeline("ready_lamp") if line["on"]] == []
        camera.heal("no worker")
        wait_for(lambda: camera.status()["lamp"] == "ready", 30, "a worker, and the green lamp")
        assert "worker_missing" not in camera.status()["flags"]
        assert camera.stop() == 0
    assert [entry["detail"]["change"] for entry in camera.ledger("board_changed")] == ["began", "ended"]


@only_in_full
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("fsfreeze") is None, reason="needs root and fsfreeze")
def test_a_worker_that_cannot_be_killed_is_passed_by(tmp_path: Path) -> None:
    """A thread of the worker hangs in the kernel, where SIGKILL does not reach it: in a write to a frozen file system."""
    camera = FaultyCamera(tmp_path)
    frozen, image = camera.faults / FROZEN, tmp_path / "image"
    frozen.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, frozen], check=True)
    try:
        with camera:
            camera.recording()
            wait_for(lambda: camera.status()["capture"]["spare"], what="a spare that could be opened")
            capture = camera.status()["capture"]
            subprocess.run(["fsfreeze", "-f", frozen], check=True)
            at_us = camera.break_worker("undying")
            durable = camera.durable_after(at_us)
            assert camera.status()["capture"]["unkillable"] == 1
            assert Path(f"/proc/{capture['pid']}").exists()
            seconds = (durable["at_us"] - at_us) / 1e6
            figure("camera: unkillable", f"footage durable again after {seconds:.1f} s")
            assert seconds < within(BACK_SECONDS)
            assert camera.lamp_off_between(at_us, durable["at_us"])
            subprocess.run(["fsfreeze", "-u", frozen], check=True)
            wait_for(lambda: camera.status()["capture"]["unkillable"] == 0, what="its end, once the kernel lets go")
            camera.stop_recording()
            assert camera.stop() == 0
    finally:
        subprocess.run(["fsfreeze", "-u", frozen], check=False, capture_output=True)
        subprocess.run(["umount", frozen], check=True)
