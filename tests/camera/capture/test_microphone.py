"""The microphone: live, off, lost, and nobody waits. Devices that fail, hang and come back are made here; the ALSA ones are real."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bodycamd.camera.capture.worker import microphone as microphone_module
from bodycamd.camera.capture.worker.microphone import BLOCK_SAMPLES, QUIET_US, Microphone, SoundDevice
from bodycamd.camera.capture.worker.sound_devices import device_opener, read_wav, tone
from bodycamd.camera.capture.worker.sound_track import RATE, Block
from bodycamd.config.settings import MicrophoneSettings
from bodycamd.errors import ConfigError
from bodycamd.footage import SoundLevel
from bodycamd.linux.clock import boottime_us
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for


class Scripted:
    """A device whose behaviour the test changes while it runs."""

    name = "a scripted device"
    block = bytes(BLOCK_SAMPLES * 2)

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.fails_to_open = False
        self.fails = False
        self.goes_on = threading.Event()
        self.goes_on.set()

    def open(self) -> SoundDevice:
        self.opened += 1
        self.goes_on.wait(30)
        if self.fails_to_open:
            raise OSError(-9996, "Invalid input device")
        return self

    def read(self) -> tuple[bytes, int]:
        self.goes_on.wait(30)
        if self.fails:
            raise OSError(-9999, "Unanticipated host error")
        time.sleep(0.002)
        return self.block, boottime_us()

    def close(self) -> None:
        self.closed += 1


class Polled:
    """A microphone with a clock of the test's own: each call is 50 ms later."""

    def __init__(self, open_device: Callable[[], SoundDevice]) -> None:
        self.microphone = Microphone(open_device)
        self.now_us = 1_000_000
        self.blocks: list[Block] = []

    def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        def poll() -> bool:
            begun = time.monotonic()
            self.blocks += self.microphone.poll(self.now_us)
            assert time.monotonic() - begun < 0.5, "poll waits for nobody"
            self.now_us += 50_000
            return condition()

        wait_for(poll, seconds)


def test_nothing_is_opened_before_it_is_wanted() -> None:
    device = Scripted()
    polled = Polled(device.open)
    for _ in range(100):
        assert polled.microphone.poll(polled.now_us) == []
        polled.now_us += 100_000
    assert (device.opened, polled.microphone.state) == (0, "off")


def test_open_live_closed_open_again() -> None:
    device = Scripted()
    polled = Polled(device.open)
    mic = polled.microphone
    for times in (1, 2):
        mic.set_open(True)
        assert mic.opening
        polled.until(lambda: mic.state == "live")
        assert not mic.opening
        mic.set_open(False)
        polled.until(lambda times=times: device.closed == times)
        assert (mic.state, device.opened) == ("off", times)
    blocks = len(polled.blocks)
    mic.poll(polled.now_us)
    assert len(polled.blocks) == blocks, "closed means closed"


def test_its_device_its_level_and_digital_silence_are_told_while_it_is_live() -> None:
    device = Scripted()
    polled = Polled(device.open)
    mic = polled.microphone
    mic.set_open(True)
    polled.until(lambda: mic.silent)
    assert (mic.state, mic.device, mic.level) == ("live", "a scripted device", SoundLevel(peak_dbfs=-120.0, rms_dbfs=-120.0))
    device.block = b"\x00\x40\x00\xc0" * (BLOCK_SAMPLES // 2)
    polled.until(lambda: not mic.silent)
    polled.until(lambda: mic.level == SoundLevel(peak_dbfs=-6.0, rms_dbfs=-6.0))
    mic.set_open(False)
    polled.until(lambda: mic.state == "off")
    assert (mic.device, mic.level, mic.silent) == ("", None, False)


@only_in_full
def test_a_device_that_cannot_be_opened_is_tried_again_with_growing_pauses() -> None:
    device = Scripted()
    device.fails_to_open = True
    polled = Polled(device.open)
    mic = polled.microphone
    mic.set_open(True)
    polled.until(lambda: mic.state == "lost")
    assert mic.reason == "-9996 Invalid input device"
    begun_us = polled.now_us
    polled.until(lambda: device.opened >= 6)
    assert polled.now_us - begun_us > 500_000 + 1_000_000 + 2_000_000 + 4_000_000
    device.fails_to_open = False
    polled.until(lambda: mic.state == "live", 20)
    assert mic.reason == ""


def test_a_device_that_is_unplugged_is_lost_and_comes_back() -> None:
    device = Scripted()
    polled = Polled(device.open)
    mic = polled.microphone
    mic.set_open(True)
    polled.until(lambda: mic.state == "live")
    device.fails = True
    polled.until(lambda: mic.state == "lost")
    assert "Unanticipated host error" in mic.reason
    device.fails = False
    polled.until(lambda: mic.state == "live")
    assert (device.opened, device.closed) == (2, 1)


@pytest.mark.parametrize("where", ["open", "read"])
def test_a_driver_that_hangs_is_lost_and_never_entered_twice(where: str) -> None:
    device = Scripted()
    polled = Polled(device.open)
    mic = polled.microphone
    if where == "open":
        device.goes_on.clear()
    mic.set_open(True)
    if where == "read":
        polled.until(lambda: mic.state == "live")
        device.goes_on.clear()
    begun_us = polled.now_us
    polled.until(lambda: mic.state == "lost")
    assert QUIET_US < polled.now_us - begun_us < QUIET_US + 500_000
    assert mic.reason == "the microphone gives nothing for 1 s"
    mic.set_open(False)
    polled.until(lambda: mic.state == "off")
    mic.set_open(True)
    polled.until(lambda: mic.state == "lost")
    assert device.opened == 1
    device.goes_on.set()
    polled.until(lambda: mic.state == "live")
    assert device.opened == 2


def test_a_stall_of_the_whole_process_is_not_the_microphones(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Scripted()
    polled = Polled(device.open)
    mic = polled.microphone
    mic.set_open(True)
    polled.until(lambda: mic.state == "live")
    device.goes_on.clear()
    polled.now_us += 60_000_000
    mic.poll(polled.now_us)
    assert mic.state == "live"
    device.goes_on.set()


def test_blocks_wait_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone_module, "_WAITING_BLOCKS", 10)
    device = Scripted()
    mic = Microphone(device.open)
    mic.set_open(True)
    mic.poll(1_000_000)
    time.sleep(0.2)
    assert len(mic.poll(1_100_000)) == 10
    mic.set_open(False)
    mic.poll(1_200_000)


@only_in_full
def test_tone_and_file_keep_real_time(tmp_path: Path) -> None:
    ramp = (np.arange(RATE // 2) % 20_000).astype("<i2")
    with wave.open(str(tmp_path / "ramp.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(ramp.tobytes())
    for settings, loop in (
        (MicrophoneSettings(source="file", file=str(tmp_path / "ramp.wav")), ramp.tobytes()),
        (MicrophoneSettings(source="tone"), tone()),
    ):
        device = device_opener(settings)()
        first: int | None = None
        for number in range(8):
            pcm, ended_us = device.read()
            assert ended_us <= boottime_us()
            end = round(ended_us * RATE / 1e6)
            first = end - BLOCK_SAMPLES if first is None else first
            assert abs(end - first - (number + 1) * BLOCK_SAMPLES) <= 2
            at = (end - BLOCK_SAMPLES) * 2 % len(loop)
            around = loop[-8:] + loop + loop[: BLOCK_SAMPLES * 2 + 8]
            assert pcm in around[at : at + BLOCK_SAMPLES * 2 + 16]
        device.close()


def test_the_beep_is_at_whole_seconds() -> None:
    samples = np.frombuffer(tone(), dtype="<i2")
    assert len(samples) == RATE
    loud = np.flatnonzero(np.abs(samples) > 5000)
    assert loud[0] < 48
    assert 900 < loud[-1] < 960


@pytest.mark.parametrize(
    ("rate", "bits", "channels", "frames", "reason"),
    [(44_100, 16, 1, 10, "44100 Hz"), (RATE, 8, 1, 10, "8 bit"), (RATE, 16, 2, 10, "2 channels"), (RATE, 16, 1, 0, "promises 0 samples")],
)
def test_a_wav_file_that_does_not_fit_is_refused(tmp_path: Path, rate: int, bits: int, channels: int, frames: int, reason: str) -> None:
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(bytes(frames * channels * bits // 8))
    with pytest.raises(ConfigError, match=reason):
        read_wav(path)


def test_what_is_no_wav_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    for path, reason in (
        (tmp_path / "x.wav", "not a WAV file of PCM samples"),
        (tmp_path / "absent", "No such file"),
        (tmp_path, "a folder stands where"),
    ):
        with pytest.raises(ConfigError, match=reason):
            read_wav(path)
    with pytest.raises(ConfigError, match=r"needed by microphone\.source: file"):
        device_opener(MicrophoneSettings(source="file"))


ALSA = """
import sys, json
from bodycamd.camera.capture.worker.sound_devices import AlsaDevice
from bodycamd.config.settings import MicrophoneSettings
device = AlsaDevice(MicrophoneSettings(device=sys.argv[1]))
pcm = b"".join(device.read()[0] for _ in range(8))
device.close()
sys.stdout.buffer.write(pcm)
"""


def alsa(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Read from a real ALSA device, of which the file device takes its samples from a raw file."""
    (tmp_path / "asound.conf").write_text(
        f"""
        pcm.bodycam {{
            type asym
            capture.pcm {{
                type file
                slave.pcm {{ type null }}
                file /dev/null
                infile "{tmp_path}/in.raw"
                format raw
            }}
            playback.pcm {{ type null }}
            hint {{ show on description "a microphone from a file" }}
        }}
        pcm.!default {{ type null }}
        """
    )
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}
    return subprocess.run([sys.executable, "-c", ALSA, *arguments], env=environment, capture_output=True, timeout=30, check=False)


@only_in_full
def test_a_real_alsa_device_by_name(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-20_000, 20_000, RATE, dtype=np.int16).tobytes()
    (tmp_path / "in.raw").write_bytes(samples)
    done = alsa(tmp_path, "bodycam")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == 8 * BLOCK_SAMPLES * 2
    assert done.stdout[: BLOCK_SAMPLES * 2] in samples


@only_in_full
def test_an_absent_alsa_device_is_an_error_and_no_other_is_taken(tmp_path: Path) -> None:
    (tmp_path / "in.raw").write_bytes(bytes(RATE))
    done = alsa(tmp_path, "hw:7,0")
    assert done.returncode == 1
    assert b"microphone.device 'hw:7,0': there is no sound card '7'; for capture there is: nothing" in done.stderr
    assert b"ALSA lib" not in done.stderr, "alsa-lib must not fill the journal"
