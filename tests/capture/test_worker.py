"""The worker as the recorder has it: the real process over a real socketpair."""

from __future__ import annotations

import itertools
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import av
import numpy as np
import pyrage
import pytest

from bodycamd.capture.link import (
    AudioState,
    Close,
    Closed,
    Failed,
    Fragment,
    FrameReader,
    FromWorker,
    Init,
    Open,
    Prepare,
    Prepared,
    Refused,
    SetMicrophone,
    Tick,
    ToWorker,
    send_command,
)
from bodycamd.capture.source import boottime_us
from bodycamd.config import MicrophoneSettings, VideoSettings
from tests.capture.films import burned_times, complaints, start_times
from tests.waiting import wait_for

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
VIDEO = VideoSettings(source="pattern", width=640, height=360, frame_rate=30, bit_rate=1_000_000)
FAST = VideoSettings(source="pattern", width=320, height=240, frame_rate=20, bit_rate=300_000, gop_seconds=0.5)
"""Fragments of half a second, so that the tests need not wait long."""
TONE = MicrophoneSettings(source="tone")


class RealWorker:
    """A worker process and the recorder's end of its link."""

    def __init__(self, command: list[str] | None = None, environment: dict[str, str] | None = None) -> None:
        self.sock, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*(command or [sys.executable, "-m", "bodycamd.capture.worker"]), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **(environment or {})},
            )
        self.sock.settimeout(30)
        self.reader = FrameReader.of_worker()
        self.got: list[tuple[FromWorker, bytes]] = []

    def __enter__(self) -> RealWorker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.sock.close()
        self.process.kill()
        self.process.communicate()

    def send(self, message: ToWorker) -> None:
        send_command(self.sock, message)

    def prepare(
        self, video: VideoSettings = FAST, microphone: MicrophoneSettings = TONE, audio: bool = True, text: str = RECIPIENT
    ) -> FromWorker:
        self.send(Prepare(video=video, microphone=microphone, audio=audio, recipients_text=text))
        return next(self.messages())[0]

    def messages(self) -> Iterator[tuple[FromWorker, bytes]]:
        while True:
            received = self.sock.recv_into(self.reader.space())
            if received == 0:
                return
            if (message := self.reader.advance(received)) is not None:
                self.got.append(message)
                yield message

    def until(self, kind: type[FromWorker], times: int = 1) -> FromWorker:
        for message, _ in self.messages():
            if isinstance(message, kind):
                times -= 1
                if times == 0:
                    return message
        raise AssertionError(f"the worker ended without {kind.__name__}: {self.got[-3:]}")

    def rest(self) -> int:
        for _ in self.messages():
            pass
        return self.process.wait(10)

    def fragments(self) -> list[Fragment]:
        return [message for message, _ in self.got if isinstance(message, Fragment)]

    def film(self, path: Path) -> Path:
        path.write_bytes(b"".join(pyrage.decrypt(payload, [IDENTITY]) for _, payload in self.got if payload))
        return path


def test_five_seconds(tmp_path: Path) -> None:
    """Order, times, sealing, and a film that stock tools play without a word, with the clock running on without a jump."""
    with RealWorker() as worker:
        prepared = worker.prepare(VIDEO)
        assert isinstance(prepared, Prepared)
        assert prepared.pid == worker.process.pid
        begun_us = boottime_us()
        worker.send(Open(generation=7, microphone=True))
        worker.until(Fragment, 5)
        asked_us = boottime_us()
        worker.send(Close())
        assert worker.rest() == 0
        assert boottime_us() - asked_us < 2_000_000
        assert worker.process.stderr is not None
        assert worker.process.stderr.read() == b""

    kinds = [type(message).__name__ for message, _ in worker.got]
    assert kinds[0] == "Prepared"
    assert kinds[-1] == "Closed"
    footage = [kind for kind in kinds if kind in ("Init", "Fragment")]
    assert footage == ["Init"] + ["Fragment"] * len(worker.fragments())
    assert kinds.count("Tick") >= 20
    init = next(message for message, _ in worker.got if isinstance(message, Init))
    assert init == Init(
        generation=7,
        recipients=(RECIPIENT,),
        encoder="libx264",
        width=640,
        height=360,
        frame_rate=30.0,
        audio_track=True,
    )

    fragments = worker.fragments()
    assert begun_us < fragments[0].pts_us < begun_us + 2_000_000
    for earlier, later in itertools.pairwise(fragments):
        assert earlier.pts_us + earlier.duration_us == later.pts_us
        assert earlier.audio_pts_us is not None
        assert later.audio_pts_us is not None
        assert abs(earlier.audio_pts_us + earlier.audio_samples * 1_000_000 // 48_000 - later.audio_pts_us) <= 2
    assert [fragment.audio for fragment in fragments] == ["live"] * len(fragments)
    end_us = fragments[-1].pts_us + fragments[-1].duration_us
    assert abs(end_us - asked_us) < 200_000, "the film runs up to the moment of closing"

    film = worker.film(tmp_path / "film.mp4")
    assert complaints(film) == ""
    starts = start_times(film)
    assert abs(starts["h264"] - starts["aac"]) < 0.040
    times = burned_times(film)
    assert len(times) == sum(fragment.frames for fragment in fragments)
    assert all(burned is not None and abs(said * 1e6 - burned) < 1 for said, burned in times)
    gaps_us = sum(fragment.gap_us for fragment in fragments)
    steps = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(times) if earlier and later]
    assert abs(sum(step - 33_333 for step in steps if step > 50_000) - gaps_us) < 1000, "every jump of the clock is stated"
    assert_beeps_at_whole_seconds(film)


def assert_beeps_at_whole_seconds(film: Path) -> None:
    """The tone beeps when the card flashes: sound and picture of a decoded film tell the same time."""
    with av.open(str(film)) as opened:
        decoded = [(frame.pts or 0, frame.to_ndarray()[0]) for frame in opened.decode(opened.streams.audio[0])]
    sound = np.concatenate([samples for _, samples in decoded])
    loud = np.flatnonzero(np.abs(sound) > 0.3)
    assert len(loud), "there is sound"
    beeps = loud[np.insert(np.diff(loud) > 24_000, 0, True)]
    at = [(decoded[0][0] + int(beep)) / 48_000 for beep in beeps[1:]]  # the film may begin inside the first
    assert len(at) >= 3
    assert max(abs(second - round(second)) for second in at) < 0.040
    assert not math.isclose(float(np.abs(sound[24_000:]).max()), 0)


def test_it_is_closed_in_on_all_sides() -> None:
    with RealWorker() as worker:
        prepared = worker.prepare()
        assert isinstance(prepared, Prepared)
        expected = r"not dumpable; no new privileges; dies with the recorder; no file can be written \(Landlock \d+\); no network, no exec"
        assert re.fullmatch(expected + r" \(seccomp\)", prepared.sandbox)
        assert {"python", "av", "pyrage", "pyaudio"} <= set(prepared.versions)
        status = Path(f"/proc/{prepared.pid}/status").read_text()
        assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
        limits = Path(f"/proc/{prepared.pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
        worker.send(Open(generation=1, microphone=True))
        worker.until(Fragment)
        for task in Path(f"/proc/{prepared.pid}/task").iterdir():
            assert "Seccomp:\t2\n" in (task / "status").read_text(), "every thread"


def test_the_spare_opens_no_device_and_waits(tmp_path: Path) -> None:
    with RealWorker() as worker:
        worker.prepare(microphone=MicrophoneSettings(source="alsa"))
        time.sleep(0.3)
        open_files = [os.readlink(entry) for entry in Path(f"/proc/{worker.process.pid}/fd").iterdir()]
        assert not [name for name in open_files if name.startswith(("/dev/snd", "/dev/video", "/dev/media"))]
        assert len(list(Path(f"/proc/{worker.process.pid}/task").iterdir())) == 1, "no thread yet"
        worker.send(SetMicrophone(open=True))
        worker.send(Close())
        assert worker.rest() == 0
        assert [type(message) for message, _ in worker.got] == [Prepared]


def test_the_microphone_opens_and_closes_within_the_film(tmp_path: Path) -> None:
    with RealWorker() as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=False))
        worker.until(Fragment, 2)
        worker.send(SetMicrophone(open=True))
        worker.until(AudioState)
        worker.until(Fragment, 2)
        worker.send(SetMicrophone(open=False))
        worker.until(AudioState)
        worker.until(Fragment, 3)
        worker.send(Close())
        assert worker.rest() == 0
    states = [fragment.audio for fragment in worker.fragments()]
    assert [state for state, _ in itertools.groupby(states)] == ["off", "live", "off"]
    changes = [(message.audio, message.reason) for message, _ in worker.got if isinstance(message, AudioState)]
    assert changes == [("live", ""), ("off", "closed as configured")]
    assert complaints(worker.film(tmp_path / "film.mp4")) == ""


def test_a_microphone_that_is_not_there_costs_no_picture(tmp_path: Path) -> None:
    (tmp_path / "asound.conf").write_text("pcm.!default { type null }\n")
    with RealWorker(environment={"ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}) as worker:
        worker.prepare(microphone=MicrophoneSettings(source="alsa", device="hw:7,0"))
        worker.send(Open(generation=2, microphone=True))
        worker.until(Fragment, 3)
        worker.send(Close())
        assert worker.rest() == 0
    lost = [message for message, _ in worker.got if isinstance(message, AudioState)]
    assert [message.audio for message in lost] == ["lost"]
    assert lost[0].reason.startswith("microphone 'hw:7,0': not there")
    assert [fragment.audio for fragment in worker.fragments()][1:3] == ["lost", "lost"]
    film = worker.film(tmp_path / "film.mp4")
    assert complaints(film) == ""
    assert set(start_times(film)) == {"h264", "aac"}, "silence, and the track is there"


def test_no_audio_no_track(tmp_path: Path) -> None:
    with RealWorker() as worker:
        worker.prepare(audio=False)
        worker.send(Open(generation=2, microphone=True))
        worker.until(Fragment)
        worker.send(Close())
        assert worker.rest() == 0
    assert {(fragment.audio, fragment.audio_samples) for fragment in worker.fragments()} == {("off", 0)}
    assert set(start_times(worker.film(tmp_path / "film.mp4"))) == {"h264"}


@pytest.mark.parametrize(
    ("video", "microphone", "text", "reason"),
    [
        (VIDEO, TONE, "age1nothing", "recipients: line 1: not a valid age X25519 recipient"),
        (VIDEO, TONE, "# none", "recipients: no recipient in it"),
        (VideoSettings(source="file", file="/absent.h264"), TONE, RECIPIENT, "video.file: /absent.h264: cannot be read"),
        (VIDEO, MicrophoneSettings(source="file", file="/absent.wav"), RECIPIENT, "microphone.file: /absent.wav: cannot be read"),
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
from bodycamd.capture import pattern, worker
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


def test_a_camera_that_fails_is_told_after_its_footage() -> None:
    with RealWorker(failing("on_error('the sensor is gone')")) as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=True))
        assert worker.rest() == 1
    assert worker.got[-1][0] == Failed(reason="the sensor is gone")
    assert sum(fragment.frames for fragment in worker.fragments()) == 40, "the last group of pictures too"


def test_a_camera_that_cannot_be_opened_is_told() -> None:
    extra = "def broken(*a): raise UnavailableError('Camera __init__ sequence did not complete.')\npattern.Pattern.open = broken"
    with RealWorker(failing("pass", extra)) as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=True))
        assert worker.rest() == 1
    assert worker.got[-1][0] == Failed(reason="Camera __init__ sequence did not complete.")
    assert not worker.fragments()


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
worker = subprocess.Popen([sys.executable, '-m', 'bodycamd.capture.worker', str(theirs.fileno())], pass_fds=(theirs.fileno(),))
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


def test_signals_are_the_recorders_to_answer() -> None:
    with RealWorker() as worker:
        worker.prepare()
        worker.send(Open(generation=1, microphone=True))
        worker.until(Tick)
        worker.process.send_signal(signal.SIGTERM)
        worker.process.send_signal(signal.SIGINT)
        worker.until(Fragment)
        worker.send(Close())
        assert worker.rest() == 0


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


def test_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "bodycamd.capture.worker"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"started by the recorder" in done.stderr


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
