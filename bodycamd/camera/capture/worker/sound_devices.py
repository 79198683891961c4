"""The sound devices that a microphone can stand for: `alsa` (PyAudio), and `tone` and `file`, which keep real time without a sound card."""

from __future__ import annotations

import array
import ctypes
import math
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyaudio

from bodycamd.camera.capture.sources.pacing import Pacer
from bodycamd.camera.capture.worker.microphone import BLOCK_SAMPLES, SoundDevice, block_us
from bodycamd.camera.capture.worker.sound_track import RATE, SAMPLE_BYTES, to_samples, to_us
from bodycamd.config.pcm_wav import parse_wav
from bodycamd.config.settings import MicrophoneSettings
from bodycamd.errors import BodycamError, ConfigError, UnavailableError
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.foreign import read_named

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_BEEP_SAMPLES: Final = RATE // 50


def device_opener(settings: MicrophoneSettings) -> Callable[[], SoundDevice]:
    """What opens the configured device. Opens nothing itself; reads the WAV file of `file`. Raises `ConfigError`."""
    match settings.source:
        case "alsa":
            return lambda: AlsaDevice(settings.device)
        case "tone":
            loop = tone()
            return lambda: LoopDevice(loop)
        case "file":
            if settings.file is None:
                raise ConfigError("microphone.file: needed by microphone.source: file")
            loop = read_wav(Path(settings.file))
            return lambda: LoopDevice(loop)


class AlsaDevice:
    """A sound card by PyAudio, read in blocks. Raises `UnavailableError` or `OSError` when it is opened.

    An overflow of the driver's buffer shows as a jump in the blocks' times: PyAudio closes the stream where it is told to raise.
    """

    def __init__(self, name: str | None) -> None:
        _prepare_libraries()
        self._audio = pyaudio.PyAudio()
        try:
            self._stream = self._audio.open(
                rate=RATE,
                channels=1,
                format=pyaudio.paInt16,
                input=True,
                input_device_index=None if name is None else find_device(self._inputs(), name),
                frames_per_buffer=BLOCK_SAMPLES // 2,
            )
        except BaseException:
            self._audio.terminate()
            raise

    def _inputs(self) -> list[tuple[int, str]]:
        devices: list[dict[str, Any]] = [self._audio.get_device_info_by_index(index) for index in range(self._audio.get_device_count())]
        return [(device["index"], device["name"]) for device in devices if device["maxInputChannels"] > 0]

    def read(self) -> tuple[bytes, int]:
        """Wait for a block. What the driver holds beyond it is younger, so the block ended that much earlier."""
        pcm: bytes = self._stream.read(BLOCK_SAMPLES, exception_on_overflow=False)
        waiting = max(0, self._stream.get_read_available())  # before the time is read, so that the block is never dated too early
        return pcm, boottime_us() - to_us(waiting)

    def close(self) -> None:
        """Close the stream and the library."""
        try:
            self._stream.close()
        finally:
            self._audio.terminate()


def find_device(devices: list[tuple[int, str]], name: str) -> int:
    """The number of the device called `name`, or of the only one whose name contains it. Raises `UnavailableError`."""
    found = [number for number, full in devices if full == name] or [number for number, full in devices if name in full]
    if len(found) != 1:
        known = ", ".join(repr(full) for _, full in devices) or "none"
        raise UnavailableError(f"microphone {name!r}: {'not there' if not found else 'more than one fits'}; inputs: {known}")
    return found[0]


class LoopDevice:
    """PCM in a loop, in real time; sample 0 falls on whole multiples of its length since the boot. What was missed is left out."""

    def __init__(self, loop: bytes) -> None:
        self._loop = loop
        begin_us = boottime_us()
        self._first = to_samples(begin_us)
        self._pacer = Pacer(block_us(), threading.Event(), start_us=round(to_us(self._first) + block_us()))

    def read(self) -> tuple[bytes, int]:
        """Wait until the block would have been captured."""
        instant = self._pacer.wait()
        assert instant is not None, "its event is never set"
        number, due_us = instant
        at = (self._first + number * BLOCK_SAMPLES) * SAMPLE_BYTES % len(self._loop)
        wanted = BLOCK_SAMPLES * SAMPLE_BYTES
        pcm = self._loop[at : at + wanted]
        while len(pcm) < wanted:
            pcm += self._loop[: wanted - len(pcm)]
        return pcm, due_us

    def close(self) -> None:
        """Nothing is open."""


def tone() -> bytes:
    """One second: a quiet 440 Hz over soft noise, and a loud 1 kHz beep in its first 20 ms, when the test card flashes.

    The noise is there because AAC's fast coder spends four times as long on a pure tone as on any real sound.
    """
    chance = random.Random(1)  # noqa: S311  (noise, not a secret)
    samples = array.array("h")
    for index in range(RATE):
        hertz, loudness = (1000, 20_000) if index < _BEEP_SAMPLES else (440, 600)
        samples.append(round(loudness * math.sin(2 * math.pi * hertz * index / RATE) + chance.gauss(0, 60)))
    return samples.tobytes()


def read_wav(path: Path) -> bytes:
    """The samples of a 48 kHz, 16 bit, mono WAV file of at most `MAX_FILE_BYTES`. Raises `ConfigError`."""
    try:
        return parse_wav(read_named(path, MAX_FILE_BYTES), path, channels=(1,)).samples
    except BodycamError as error:
        raise ConfigError(f"microphone.file: {error}") from error


_ERROR_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_silence = _ERROR_HANDLER(lambda *_: None)


def _prepare_libraries() -> None:
    """Bring up the sound libraries as a recorder needs them.

    A sound server must deliver in small pieces (PulseAudio's default is bursts of two seconds), JACK must not be started, and alsa-lib must
    not write forty lines to the journal at each try: what matters comes back as an error.
    """
    os.environ.setdefault("PULSE_LATENCY_MSEC", "40")
    os.environ["JACK_NO_START_SERVER"] = "1"
    try:
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_silence)
    except (OSError, AttributeError):
        # PortAudio without alsa-lib: there is nothing to quieten.
        return
