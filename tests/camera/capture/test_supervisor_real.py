"""The supervisor with the real worker: the test picture at 320x240, real encoding and sealing, opened again with `age` and `ffmpeg`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bodycamd.camera.capture.liveness import Timing
from bodycamd.camera.capture.protocol import Prepare
from bodycamd.camera.control.events import CaptureClosed, CaptureStalled
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.footage import EncryptedInit
from tests.camera.capture.test_supervisor import Bench, bench
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

WORKER = [sys.executable, "-m", "bodycamd.camera.capture.worker.main"]


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "identity.txt"
    subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
    return path


def prepare_for(identity: Path) -> Prepare:
    recipients = subprocess.run(["age-keygen", "-y", identity], check=True, capture_output=True, text=True).stdout
    return Prepare(
        video=VideoSettings(source="pattern", width=320, height=240, frame_rate=30, bit_rate=400_000),
        microphone=MicrophoneSettings(source="tone"),
        audio=True,
        recipients_text=recipients,
    )


def decrypted(identity: Path, age: bytes) -> bytes:
    return subprocess.run(["age", "-d", "-i", identity], input=age, check=True, capture_output=True).stdout


def decoded_frames(film: Path) -> int:
    """How many pictures `ffmpeg` decodes from it; it must have nothing to say."""
    done = subprocess.run(["ffmpeg", "-v", "warning", "-i", film, "-map", "0:v", "-f", "framecrc", "-"], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0
    return sum(not line.startswith("#") for line in done.stdout.splitlines())


def check_film(made: Bench, generation: int, identity: Path, folder: Path) -> None:
    [init] = [item for item in made.heard if isinstance(item, EncryptedInit) and item.generation == generation]
    fragments = made.fragments(generation)
    film = folder / f"{generation}.mp4"
    film.write_bytes(b"".join(decrypted(identity, age) for age in (init.age, *(fragment.age for fragment in fragments))))
    assert decoded_frames(film) == sum(fragment.facts.frames for fragment in fragments)


@only_in_full
def test_stopped_it_is_replaced_and_all_footage_opens(identity: Path, tmp_path: Path) -> None:
    with bench(WORKER, prepare_for(identity), Timing()) as made:
        wait_for(lambda: made.supervisor.status().prepared, 30)
        made.supervisor.open(microphone=True)
        made.flowing(1)
        wait_for(lambda: made.supervisor._spare is not None and made.supervisor._spare.phase == "prepared", 30)
        pid = made.supervisor.status().pid
        assert pid is not None
        last_us = made.fragments(1)[-1].facts.end_us
        begun = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: made.fragments(2))
        again = time.monotonic() - begun
        first = made.fragments(2)[0]
        print(f"real worker stopped: footage again after {again:.2f} s, {(first.facts.pts_us - last_us) / 1e6:.2f} s of picture missing")
        assert again < 3
        made.supervisor.close()
        begun = time.monotonic()
        wait_for(lambda: made.of(CaptureClosed) == [CaptureClosed(2)])
        print(f"closed after {time.monotonic() - begun:.2f} s")
        assert [stalled.generation for stalled in made.of(CaptureStalled)] == [1]
        assert made.supervisor.status().restarts == 1
        wait_for(lambda: made.supervisor.status().state == "standby", 30)
        print("sandbox:", made.supervisor.status().sandbox)
    check_film(made, 1, identity, tmp_path)
    check_film(made, 2, identity, tmp_path)


def test_bad_recipients_are_refused(identity: Path) -> None:
    prepare = prepare_for(identity)
    bad = Prepare(video=prepare.video, microphone=prepare.microphone, audio=True, recipients_text="age1notakey\n")
    with bench(WORKER, bad) as made:
        wait_for(lambda: made.supervisor.status().state == "refused", 30)
        assert made.supervisor.status().refused
