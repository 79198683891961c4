"""The sound devices that a microphone can stand for: `alsa`, and `tone` and `file`, which keep real time without a sound card."""

from __future__ import annotations

import array
import math
import os
import random
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bodycamd.camera.capture.sources.pacing import Pacer
from bodycamd.camera.capture.worker.microphone import BLOCK_SAMPLES, SoundDevice, block_us
from bodycamd.camera.capture.worker.sound_conversion import RATES, SoundConversion
from bodycamd.camera.capture.worker.sound_track import RATE, SAMPLE_BYTES, to_samples, to_us
from bodycamd.config.pcm_wav import parse_wav
from bodycamd.config.settings import MicrophoneSettings
from bodycamd.errors import BodycamError, ConfigError, UnavailableError
from bodycamd.linux import alsa
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.foreign import read_named
from bodycamd.linux.sound_cards import Card, Chosen, as_written, cards_now, checked, not_opened, resolve

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
BUFFER_SECONDS: Final = 0.35
"""What a card's driver keeps while nobody reads: for so long the interpreter may be held up without a gap in the sound."""
_BEEP_SAMPLES: Final = RATE // 50


def device_opener(settings: MicrophoneSettings) -> Callable[[], SoundDevice]:
    """What opens the configured device. Opens nothing itself; reads the WAV file of `file`, loads alsa-lib for `alsa`.

    Raises `ConfigError`, `UnavailableError`.
    """
    match settings.source:
        case "alsa":
            _prepare_libraries()
            return lambda: AlsaDevice(settings)
        case "tone":
            loop = tone()
            return lambda: LoopDevice("the test tone", loop)
        case "file":
            if settings.file is None:
                raise ConfigError("microphone.file: needed by microphone.source: file")
            loop, name = read_wav(Path(settings.file)), f"the file {Path(settings.file).name}"
            return lambda: LoopDevice(name, loop)


class AlsaDevice:
    """A sound card, read in blocks. Raises `UnavailableError` or `OSError` when it is opened.

    An overflow of the driver's buffer shows as a jump in the blocks' times. A card with another rate than 48 kHz is resampled here, by
    FFmpeg; whether its samples have another format or number of channels, alsa-lib sees to.
    """

    def __init__(self, settings: MicrophoneSettings) -> None:
        cards = cards_now()
        alsa.forget_cards()
        self._conversion = SoundConversion(settings.channel, settings.gain_db)
        try:
            chosen = resolve(settings.device, cards, "capture")
            self._pcm = self._opened(chosen, cards)
            try:
                self.name = str(checked(chosen, self._pcm.card, cards, "capture"))
                self._conversion.begin(self._pcm.rate)
            except BaseException:
                self._pcm.close()
                raise
        except UnavailableError as error:
            raise UnavailableError(f"microphone.device {as_written(settings.device)}: {error}") from error
        if self._pcm.rate != RATE:
            self.name += f", {self._pcm.rate} Hz"
        self._frames = BLOCK_SAMPLES * self._pcm.rate // RATE

    def _opened(self, chosen: Chosen, cards: Sequence[Card]) -> alsa.Capture:
        try:
            return alsa.Capture(chosen.alsa, self._conversion.channels, RATES, BLOCK_SAMPLES / RATE, BUFFER_SECONDS)
        except OSError as error:
            raise not_opened(chosen, error, cards, "capture") from error

    def read(self) -> tuple[bytes, int]:
        """Wait for a block. What the driver and the conversion hold beyond it is younger, so the block ended that much earlier."""
        while True:
            captured = self._pcm.read(self._frames)
            waiting = self._pcm.waiting()  # before the time is read, so that the block is never dated too early
            ended_us = boottime_us() - waiting * 1_000_000 // self._pcm.rate
            if pcm := self._conversion.put(captured):
                return pcm, ended_us - self._conversion.held_us

    def close(self) -> None:
        """Close the device."""
        self._pcm.close()


class LoopDevice:
    """PCM in a loop, in real time; sample 0 falls on whole multiples of its length since the boot. What was missed is left out."""

    def __init__(self, name: str, loop: bytes) -> None:
        self.name = name
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


def _prepare_libraries() -> None:
    """Load alsa-lib. A sound server must deliver in small pieces (PulseAudio's default is bursts of two seconds), and alsa-lib must not
    write forty lines to the journal at each try: what matters comes back as an error. Raises `UnavailableError`."""
    os.environ.setdefault("PULSE_LATENCY_MSEC", "40")
    try:
        alsa.load()
        alsa.quieten()
    except OSError as error:
        raise UnavailableError("microphone.source: alsa needs alsa-lib, which is not installed: apt install libasound2") from error
