"""Where the voice's samples go: a sound card through ALSA, or WAV files in real time. Both only ever run inside the voice process.

A `Speaker` is prepared once, then for each play: `open`, `write` per block, and `finish` at the end or `abort` to cut it off.
Every method raises `OutputFailure` with a reason for a person; every method of a real device may also hang for ever, which only the
recorder can cure, by killing this process.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

from bodycamd.config.pcm_wav import SAMPLE_BYTES, SAMPLE_RATE
from bodycamd.errors import UnavailableError
from bodycamd.linux import alsa, durable
from bodycamd.linux.sound_cards import Card, as_written, cards_now, checked, not_opened, resolve

BUFFER_US = 200_000
"""Of the device: deep enough for a busy machine (60 ms and 100 ms ran empty on one with ten programs for two processors). It is filled at
once and dropped at once, so that its depth delays neither the first sample nor the stop."""


class OutputFailure(Exception):
    """The device cannot be used: the message says which and why."""


class Speaker(Protocol):
    """A place for 48 kHz, 16-bit samples."""

    def prepare(self, channels: int) -> str:
        """Check that it can play, without a sound. Returns what it is, for the log."""

    def open(self, channels: int) -> str:
        """Begin a play. Returns where it goes, for the ledger; empty where that is always what `prepare` said."""

    def write(self, block: bytes) -> None:
        """Hand over a block; returns when the device took it."""

    def trailing_frames(self) -> int:
        """How much silence must be written after the last sample, so that this has left the buffer before `finish`."""

    def finish(self) -> None:
        """Close at the end of a play."""

    def abort(self) -> None:
        """Drop what is buffered, and close: silence."""


class AlsaSpeaker:
    """A sound card. `device` is its name (`bodycamd.linux.sound_cards` says which are taken); `None` is the only card that is not HDMI.

    The name is looked up at each opening, for cards come and change their numbers. alsa-lib converts for a card of another rate, sample
    format or number of channels.
    """

    def __init__(self, device: str | None) -> None:
        self._device = device
        self._cards: tuple[Card, ...] = ()
        self._pcm: alsa.Playback | None = None

    def prepare(self, channels: int) -> str:
        """Find the device and let it confirm the format: this opens it for a moment."""
        try:
            library = alsa.load()
        except OSError as error:
            raise OutputFailure("playing needs alsa-lib, which is not installed: apt install libasound2") from error
        name = self.open(channels)
        self.abort()
        return f"{name}; {library}"

    def open(self, channels: int) -> str:
        """Open the device for one play. Returns which one it is."""
        try:
            cards = cards_now()
            if cards != self._cards:  # reading it takes its time, which a warning should not wait for
                self._cards = cards
                alsa.forget_cards()
            chosen = resolve(self._device, cards, "playback")
            try:
                self._pcm = alsa.Playback(chosen.alsa, channels, SAMPLE_RATE, BUFFER_US)
            except OSError as error:
                raise not_opened(chosen, error, cards, "playback") from error
            return str(checked(chosen, self._pcm.card, cards, "playback"))
        except UnavailableError as error:
            self.abort()
            raise OutputFailure(f"speaker.device {as_written(self._device)}: {error}") from error

    def write(self, block: bytes) -> None:
        """Blocks while the device's buffer is full. An underrun is a click, not a failure."""
        assert self._pcm is not None
        try:
            self._pcm.write(block)
        except OSError as error:
            raise OutputFailure(f"the speaker stopped taking samples: {error.strerror}") from error

    def trailing_frames(self) -> int:
        """A whole buffer, and a period more.

        Nothing is drained at the end, for snd_pcm_drain locks up with some drivers (PortAudio's ALSA code avoids it for that reason):
        without this the last of the warning would be cut off.
        """
        assert self._pcm is not None
        return self._pcm.buffer_frames + self._pcm.period_frames

    def finish(self) -> None:
        """Close; what the buffer still holds is the silence after the end."""
        self.abort()

    def abort(self) -> None:
        """Close without draining: what is buffered is dropped."""
        pcm, self._pcm = self._pcm, None
        try:
            if pcm is not None:
                pcm.close()
        except OSError as error:
            raise OutputFailure(f"the speaker could not be closed: {error.strerror}") from error


class SimulatedSpeaker:
    """Writes each play into a new file `speaker-0001.wav`, …, at the pace of a real device; the file is a whole WAV after every block."""

    AHEAD_SECONDS = 0.04
    """How much a block may come early: the buffer of the device that this stands for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = -1
        self._channels = 1
        self._bytes = 0
        self._due = 0.0

    def prepare(self, channels: int) -> str:
        """Check that the folder takes files."""
        if not os.access(self._directory, os.W_OK | os.X_OK):
            raise OutputFailure(f"{self._directory}: not a folder that can be written (simulation_directory)")
        return f"simulated, WAV files in {self._directory}"

    def open(self, channels: int) -> str:
        """Begin the next file; no file is ever overwritten."""
        number = 1 + max((int(path.stem[8:]) for path in self._directory.glob("speaker-*.wav") if path.stem[8:].isdigit()), default=0)
        try:
            self._file = durable.open_new(self._directory / f"speaker-{number:04}.wav", flags=os.O_WRONLY)
        except OSError as error:
            raise OutputFailure(f"{self._directory}: a new file could not be made ({error.strerror})") from error
        self._channels, self._bytes = channels, 0
        self._due = time.monotonic()
        return ""

    def write(self, block: bytes) -> None:
        """Append the block; returns when it is at most `AHEAD_SECONDS` ahead of real time."""
        try:
            os.pwrite(self._file, block, 44 + self._bytes)
            self._bytes += len(block)
            os.pwrite(self._file, _wav_header(self._channels, self._bytes), 0)
        except OSError as error:
            raise OutputFailure(f"{self._directory}: the file could not be written ({error.strerror})") from error
        self._due += len(block) / (SAMPLE_BYTES * self._channels * SAMPLE_RATE)
        pause = self._ahead_seconds() - self.AHEAD_SECONDS
        if pause > 0:
            time.sleep(pause)

    def trailing_frames(self) -> int:
        """None: `finish` waits."""
        return 0

    def _ahead_seconds(self) -> float:
        return max(0.0, self._due - time.monotonic())

    def finish(self) -> None:
        """Wait for the last sample's time, then close the file."""
        time.sleep(self._ahead_seconds())
        os.close(self._file)

    def abort(self) -> None:
        """Cut the file off at the sample that would now be heard, and close it."""
        unheard = int(self._ahead_seconds() * SAMPLE_RATE) * SAMPLE_BYTES * self._channels
        self._bytes = max(0, self._bytes - unheard)
        try:
            os.pwrite(self._file, _wav_header(self._channels, self._bytes), 0)
            os.ftruncate(self._file, 44 + self._bytes)
            os.close(self._file)
        except OSError as error:
            raise OutputFailure(f"{self._directory}: the file could not be cut off ({error.strerror})") from error


def _wav_header(channels: int, data_bytes: int) -> bytes:
    frame = SAMPLE_BYTES * channels
    return b"".join(
        (
            b"RIFF",
            (36 + data_bytes).to_bytes(4, "little"),
            b"WAVEfmt \x10\0\0\0\x01\0",
            channels.to_bytes(2, "little"),
            SAMPLE_RATE.to_bytes(4, "little"),
            (SAMPLE_RATE * frame).to_bytes(4, "little"),
            frame.to_bytes(2, "little"),
            (SAMPLE_BYTES * 8).to_bytes(2, "little"),
            b"data",
            data_bytes.to_bytes(4, "little"),
        )
    )
