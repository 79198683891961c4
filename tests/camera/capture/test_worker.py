"""The worker at work, as a real process over a real socketpair: the film, the sandbox, sound on and off, the end."""

from __future__ import annotations

import itertools
import math
import os
import re
import signal
import subprocess
import sys
import time
import wave
from importlib.metadata import version
from pathlib import Path

import av
import msgspec
import numpy as np

from bodycamd.camera.capture.protocol import (
    AudioReport,
    Close,
    Fragment,
    Init,
    MicrophoneReport,
    Open,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Refused,
    SetMicrophone,
    Tick,
)
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.footage import SoundLevel
from bodycamd.linux.clock import boottime_us
from tests.camera.capture.films import burned_times, complaints, start_times
from tests.camera.capture.real_worker import RECIPIENT, VIDEO, RealWorker
from tests.kit.scale import only_in_full


@only_in_full
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
        expected = r"(memory locked|MEMORY NOT LOCKED: [^;]+); "
        expected += r"goes before the recorder when memory runs out; not dumpable; no new privileges; dies with the recorder; "
        expected += r"no file outside /dev can be written \(Landlock \d+\); no network, no exec"
        assert re.fullmatch(expected + r" \(seccomp\)", prepared.sandbox)
        assert {"python", "av", "pyrage"} <= set(prepared.versions)
        assert prepared.versions["pyrage"] == version("pyrage")
        status = Path(f"/proc/{prepared.pid}/status").read_text()
        locked_kb = int(re.search(r"^VmLck:\s+(\d+) kB$", status, re.MULTILINE)[1])  # type: ignore[index]
        assert (locked_kb > 10_000) is prepared.sandbox.startswith("memory locked") is (prepared.unlocked is None)
        assert os.geteuid() != 0 or prepared.unlocked is None
        assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
        limits = Path(f"/proc/{prepared.pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
        worker.send(Open(generation=1, microphone=True))
        worker.until(Fragment)
        for task in Path(f"/proc/{prepared.pid}/task").iterdir():
            assert "Seccomp:\t2\n" in (task / "status").read_text(), "every thread"


LIBRARY = """
import os, socket, subprocess, threading
outcomes = []
def attempt():
    for action in (
        lambda: open(os.path.dirname(__file__) + "/new", "xb"),
        lambda: socket.socket(socket.AF_INET),
        lambda: subprocess.run(["/bin/true"]),
    ):
        try:
            action()
            outcomes.append("done")
        except OSError as error:
            outcomes.append(error.strerror)
thread = threading.Thread(target=attempt)
thread.start()
thread.join()
raise ImportError("its thread was told: " + ", ".join(outcomes))
"""


@only_in_full
def test_the_thread_that_a_library_starts_at_its_import_is_closed_in_too(tmp_path: Path) -> None:
    (tmp_path / "picamera2.py").write_text(LIBRARY)
    with RealWorker(environment={"PYTHONPATH": str(tmp_path)}) as worker:
        refused = worker.prepare(VideoSettings(source="picamera2"))
        assert isinstance(refused, Refused)
        assert "its thread was told: Permission denied, Permission denied, Permission denied)" in refused.reason
        assert worker.rest() == 0


HOLDING_THE_INTERPRETER = """
import threading
from bodycamd.camera.capture.sources import pattern
def open(self, on_frame, on_error):
    sum(range(1 << 60))  # one C call, which never lets go
pattern.Pattern.open = open
start = threading.Thread.start
threading.Thread.start = lambda thread: None if thread.name == "tick" else start(thread)  # it comes too late
"""


def test_the_spare_opens_no_device_and_waits(tmp_path: Path) -> None:
    with RealWorker() as worker:
        worker.prepare(microphone=MicrophoneSettings(source="alsa"))
        time.sleep(0.3)
        open_files = [os.readlink(entry) for entry in Path(f"/proc/{worker.process.pid}/fd").iterdir()]
        assert not [name for name in open_files if name.startswith(("/dev/snd", "/dev/video", "/dev/media"))]
        assert len(list(Path(f"/proc/{worker.process.pid}/task").iterdir())) == 1, "no thread yet"
        worker.send(SetMicrophone(open=True))
        worker.send(Ping())
        worker.send(Close())
        assert worker.rest() == 0
        assert [type(message) for message, _ in worker.got] == [Prepared, Pong]


def test_the_opening_is_answered_before_any_device_is_touched(tmp_path: Path) -> None:
    """A driver that holds the interpreter while it opens lets nothing else be sent."""
    (tmp_path / "sitecustomize.py").write_text(HOLDING_THE_INTERPRETER)
    with RealWorker(environment={"PYTHONPATH": str(tmp_path)}) as worker:
        worker.prepare()
        asked_us = boottime_us()
        worker.send(Open(generation=1, microphone=True))
        answer = worker.until(Tick)
        assert boottime_us() - asked_us < 1_000_000
        assert isinstance(answer, Tick)
        assert answer.last_frame_us is None
        assert len(worker.got) == 2


@only_in_full
def test_a_microphone_that_gives_zeros_is_live_and_told_as_silent(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "zeros.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(48_000))
    with RealWorker() as worker:
        worker.prepare(microphone=MicrophoneSettings(source="file", file=str(tmp_path / "zeros.wav")))
        worker.send(Open(generation=1, microphone=True))
        worker.until(MicrophoneReport, 2)
        worker.until(Tick)
        worker.send(SetMicrophone(open=False))
        worker.until(MicrophoneReport)
        worker.send(Close())
        assert worker.rest() == 0
    told = [(message.device, message.silent) for message, _ in worker.got if isinstance(message, MicrophoneReport)]
    assert told == [("the file zeros.wav", False), ("the file zeros.wav", True), ("", False)]
    assert {message.level for message, _ in worker.got if isinstance(message, Tick)} >= {SoundLevel(peak_dbfs=-120.0, rms_dbfs=-120.0)}
    assert "live" in {fragment.audio for fragment in worker.fragments()}, "statements know no other word for it"


@only_in_full
def test_the_microphone_opens_and_closes_within_the_film(tmp_path: Path) -> None:
    with RealWorker() as worker:
        worker.prepare()
        worker.send(Open(generation=2, microphone=False))
        worker.until(Fragment, 2)
        worker.send(SetMicrophone(open=True))
        worker.until(AudioReport)
        worker.until(Fragment, 2)
        worker.send(SetMicrophone(open=False))
        worker.until(AudioReport)
        worker.until(Fragment, 3)
        worker.send(Close())
        assert worker.rest() == 0
    states = [fragment.audio for fragment in worker.fragments()]
    assert [state for state, _ in itertools.groupby(states)] == ["off", "live", "off"]
    changes = [(message.audio, message.reason) for message, _ in worker.got if isinstance(message, AudioReport)]
    assert changes == [("live", ""), ("off", "closed as configured")]
    assert complaints(worker.film(tmp_path / "film.mp4")) == ""


@only_in_full
def test_no_audio_no_track(tmp_path: Path) -> None:
    with RealWorker() as worker:
        worker.prepare(audio=False)
        worker.send(Open(generation=2, microphone=True))
        worker.until(Fragment)
        worker.send(Close())
        assert worker.rest() == 0
    assert {(fragment.audio, fragment.audio_samples) for fragment in worker.fragments()} == {("off", 0)}
    assert set(start_times(worker.film(tmp_path / "film.mp4"))) == {"h264"}


@only_in_full
def test_signals_are_the_recorders_to_answer() -> None:
    with RealWorker() as worker:
        worker.prepare()
        worker.send(Open(generation=1, microphone=True))
        worker.until(Tick)
        worker.process.send_signal(signal.SIGTERM)
        worker.process.send_signal(signal.SIGINT)
        worker.process.send_signal(signal.SIGHUP)
        worker.until(Fragment)
        worker.send(Close())
        assert worker.rest() == 0


def test_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "bodycamd.camera.capture.worker.main"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"started by the recorder" in done.stderr


def test_what_answers_an_opening_is_loaded_before_it() -> None:
    """A card that is busy may take longer for a module's file than an opened worker has for its answer."""
    prepare = Prepare(video=VIDEO, microphone=MicrophoneSettings(), audio=True, recipients_text=RECIPIENT)
    fresh = f"""
import sys
from unittest.mock import Mock
from bodycamd.camera.capture.worker import main as worker
from bodycamd.camera.capture.protocol import Open, Prepare
import msgspec
made = worker.Worker(Mock(), msgspec.json.decode({msgspec.json.encode(prepare)!r}, type=Prepare))
before = set(sys.modules)
class Answered(Exception): pass
made._link.send.side_effect = Answered
try:
    made.open(Open(generation=1, microphone=False))
except Answered:
    print(sorted(name for name in set(sys.modules) - before if name.startswith("bodycamd")), flush=True)
worker._leave(0)
"""
    done = subprocess.run([sys.executable, "-c", fresh], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[]\n", done.stderr
