"""The worker, as a real process, when something fails: settings, camera, microphone, recorder."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bodycamd.camera.capture.protocol import (
    AudioReport,
    Close,
    Closed,
    Failed,
    Fragment,
    Open,
    Refused,
    Tick,
    ToWorker,
)
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from tests.camera.capture.films import burned_times, complaints, start_times
from tests.camera.capture.real_worker import RECIPIENT, TONE, VIDEO, RealWorker
from tests.kit.scale import one_in, only_in_full
from tests.kit.waiting import wait_for


@only_in_full
def test_a_microphone_that_is_not_there_costs_no_picture(tmp_path: Path) -> None:
    (tmp_path / "asound.conf").write_text("pcm.!default { type null }\n")
    with RealWorker(environment={"ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}) as worker:
        worker.prepare(microphone=MicrophoneSettings(source="alsa", device="hw:7,0"))
        worker.send(Open(generation=2, microphone=True))
        worker.until(Fragment, 3)
        worker.send(Close())
        assert worker.rest() == 0
    lost = [message for message, _ in worker.got if isinstance(message, AudioReport)]
    assert [message.audio for message in lost] == ["lost"]
    assert lost[0].reason.startswith("microphone.device 'hw:7,0': there is no sound card '7'")
    assert [fragment.audio for fragment in worker.fragments()][1:3] == ["lost", "lost"]
    film = worker.film(tmp_path / "film.mp4")
    assert complaints(film) == ""
    assert set(start_times(film)) == {"h264", "aac"}, "silence, and the track is there"


def test_a_package_that_is_not_installed_is_named_with_the_extra_that_brings_it(tmp_path: Path) -> None:
    (tmp_path / "pyrage.py").write_text("raise ModuleNotFoundError(\"No module named 'pyrage'\", name='pyrage')\n")
    with RealWorker(environment={"PYTHONPATH": str(tmp_path)}) as worker:
        refused = worker.prepare(microphone=MicrophoneSettings(source="alsa"))
    told = "recording needs the package pyrage, which is not installed: from bodycamd's source: pip install '.[camera]'"
    assert refused == Refused(reason=told)


@one_in(5)
@pytest.mark.parametrize(
    ("video", "microphone", "text", "reason"),
    [
        (VIDEO, TONE, "age1nothing", "recipients: line 1: not a valid age X25519 recipient"),
        (VIDEO, TONE, "# none", "recipients: no recipient in it"),
        (VideoSettings(source="file", file="/absent.h264"), TONE, RECIPIENT, "video.file: /absent.h264: cannot be read"),
        (VIDEO, MicrophoneSettings(source="file", file="/absent.wav"), RECIPIENT, "microphone.file: /absent.wav: No such file"),
        (VideoSettings(source="picamera2"), TONE, RECIPIENT, "picamera2 cannot be loaded"),
    ],
    ids=["recipient", "no recipient", "film", "sound", "picamera2"],
)
def test_settings_that_cannot_work_are_refused(video: VideoSettings, microphone: MicrophoneSettings, text: str, reason: str) -> None:
    if video.source == "picamera2" and subprocess.run([sys.executable, "-c", "import picamera2"], capture_output=True).returncode == 0:
        pytest.skip("picamera2 is installed here")
    with RealWorker() as worker:
        refused = worker.prepare(video, microphone, text=text)
        assert isinstance(refused, Refused)
        assert reason in refused.reason
        assert worker.rest() == 0


FAILING = """
import sys
from bodycamd.camera.capture.sources import pattern; from bodycamd.camera.capture.worker import main as worker
from bodycamd.errors import UnavailableError
def run(self, on_frame, on_error):
    count = 0
    def some(frame):
        nonlocal count
        count += 1
        if count <= 40:
            on_frame(frame)
        elif count == 41:
            BEHAVIOUR
    ORIGINAL(self, some, on_error)
ORIGINAL = pattern.Pattern._run
pattern.Pattern._run = run
EXTRA
worker.main(sys.argv)
"""


def failing(behaviour: str, extra: str = "") -> list[str]:
    return [sys.executable, "-c", FAILING.replace("BEHAVIOUR", behaviour).replace("EXTRA", extra)]


@only_in_full
def test_a_camera_that_fails_is_told_after_its_footage() -> None:
    with RealWorker(failing("on_error('the sensor is gone')")) as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=True))
        assert worker.rest() == 1
    assert worker.got[-1][0] == Failed(reason="the sensor is gone")
    assert sum(fragment.frames for fragment in worker.fragments()) == 40, "the last group of pictures too"


@only_in_full
def test_a_camera_that_cannot_be_opened_is_told() -> None:
    extra = "def broken(*a): raise UnavailableError('Camera __init__ sequence did not complete.')\npattern.Pattern.open = broken"
    with RealWorker(failing("pass", extra)) as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=True))
        assert worker.rest() == 1
    assert worker.got[-1][0] == Failed(reason="Camera __init__ sequence did not complete.")
    assert not worker.fragments()


@only_in_full
def test_a_camera_that_hangs_in_closing_costs_nothing() -> None:
    extra = "import time\npattern.Pattern.close = lambda self: time.sleep(1000)"
    with RealWorker(failing("pass", extra)) as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=True))
        worker.until(Fragment, 3)
        asked = time.monotonic()
        worker.send(Close())
        assert worker.rest() == 0
        assert time.monotonic() - asked < 2, "the recorder waits 2 s"
        assert worker.process.stderr is not None
        assert b"the camera does not close" in worker.process.stderr.read()
    assert worker.got[-1][0] == Closed(generation=2)
    assert sum(fragment.frames for fragment in worker.fragments()) == 40


@only_in_full
def test_a_camera_that_goes_silent_shows_in_the_ticks() -> None:
    with RealWorker(failing("import threading; threading.Event().wait()")) as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=True))
        while (tick := worker.until(Tick)) and isinstance(tick, Tick) and tick.frames < 40:
            pass
        begun = time.monotonic()
        for _ in range(5):
            silent = worker.until(Tick)
            assert isinstance(silent, Tick)
            assert isinstance(tick, Tick)
            assert (silent.frames, silent.last_frame_us) == (40, tick.last_frame_us)
        assert 0.7 < time.monotonic() - begun < 3, "ticks go on, five a second"


@only_in_full
def test_the_end_of_the_recorder_is_the_end_of_the_worker() -> None:
    for opened in (False, True):
        with RealWorker() as worker:
            worker.prepare()
            if opened:
                worker.send(Open(generation=1, microphone=True))
                worker.until(Tick)
            worker.sock.close()
            assert worker.process.wait(5) == 0


def test_the_death_of_the_recorder_is_the_death_of_the_worker(tmp_path: Path) -> None:
    """Also when a third process keeps the link's other end open."""
    script = f"""
import os, signal, socket, subprocess, sys, time
ours, theirs = socket.socketpair()
worker = subprocess.Popen([sys.executable, '-m', 'bodycamd.camera.capture.worker.main', str(theirs.fileno())], pass_fds=(theirs.fileno(),))
if os.fork() == 0:
    time.sleep(20)
    os._exit(0)
while 'State:\\tS' not in open(f'/proc/{{worker.pid}}/status').read():
    time.sleep(0.01)
time.sleep(0.5)
open({str(tmp_path / "pid")!r}, 'w').write(str(worker.pid))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False, timeout=20, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid = int((tmp_path / "pid").read_text())

    def gone() -> bool:
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

    wait_for(gone, 5)


@only_in_full
def test_a_stopped_worker_states_the_gap(tmp_path: Path) -> None:
    with RealWorker() as worker:
        worker.prepare(audio=True)
        worker.send(Open(generation=1, microphone=True))
        worker.until(Fragment)
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)
        worker.process.send_signal(signal.SIGCONT)
        worker.until(Fragment, 2)
        worker.send(Close())
        assert worker.rest() == 0
    assert 500_000 < sum(fragment.gap_us for fragment in worker.fragments()) < 2_000_000
    film = worker.film(tmp_path / "film.mp4")
    assert complaints(film) == ""
    assert all(burned is not None and abs(said * 1e6 - burned) < 1 for said, burned in burned_times(film))


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([Open(generation=1, microphone=False)], b"Open before Prepare"),
        ([Close()], b"Close before Prepare"),
        ([b"BCL2xxxxxxxxxxxxxxxx"], b"a frame that begins with b'BCL2'"),
    ],
)
def test_a_recorder_against_the_rules_ends_it(messages: list[ToWorker | bytes], reason: bytes) -> None:
    with RealWorker() as worker:
        for message in messages:
            if isinstance(message, bytes):
                worker.sock.sendall(message)
            else:
                worker.send(message)
        assert worker.process.wait(10) == 1
        assert worker.process.stderr is not None
        assert reason in worker.process.stderr.read()


@only_in_full
def test_a_late_recorder_costs_whole_fragments_only(tmp_path: Path) -> None:
    """Nobody reads the link for a while; what comes then is whole and in order, and plays."""
    with RealWorker() as worker:
        worker.prepare()
        worker.send(Open(generation=1, microphone=True))
        worker.until(Fragment)
        time.sleep(1.2)
        worker.send(Close())
        assert worker.rest() == 0
    starts = [fragment.pts_us for fragment in worker.fragments()]
    assert starts == sorted(set(starts))
    assert isinstance(worker.got[-1][0], Closed)
    assert complaints(worker.film(tmp_path / "film.mp4")) == ""
