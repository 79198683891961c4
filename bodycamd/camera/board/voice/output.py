"""Where the voice's samples go: a sound device through PortAudio, or WAV files in real time. Both only ever run inside the voice process.

A `Speaker` is prepared once, then for each play: `open`, `write` per block, and `finish` at the end or `abort` to cut it off.
Every method raises `OutputFailure` with a reason for a person; every method of a real device may also hang for ever, which only the
recorder can cure, by killing this process.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Protocol

from bodycamd.config.pcm_wav import SAMPLE_BYTES, SAMPLE_RATE
from bodycamd.linux import durable

PERIOD_FRAMES = 1024
"""21 ms; PortAudio makes the device's buffer two to three of these: deep enough for a busy Pi, short enough to stop."""


class OutputFailure(Exception):
    """The device cannot be used: the message says which and why."""


class Speaker(Protocol):
    """A place for 48 kHz, 16-bit samples."""

    def prepare(self, channels: int) -> str:
        """Check that it can play, without a sound. Returns what it is, for the log."""

    def open(self, channels: int) -> None:
        """Begin a play."""

    def write(self, block: bytes) -> None:
        """Hand over a block; returns when the device took it."""

    def trailing_frames(self) -> int:
        """How much silence must be written after the last sample, so that this has left the buffer before `finish`."""

    def finish(self) -> None:
        """Close at the end of a play."""

    def abort(self) -> None:
        """Drop what is buffered, and close: silence."""


class AlsaSpeaker:
    """A PortAudio output device. `device` is its name, or a part that only one name contains; `None` is PortAudio's default."""

    def __init__(self, device: str | None) -> None:
        self._name = device
        self._index = -1
        self._buffer_frames = 0
        self._stream: Any = None
        self._audio: Any = None

    def prepare(self, channels: int) -> str:
        """Initialise PortAudio, find the device, and let it confirm the format (this opens it for a moment)."""
        os.environ["JACK_NO_START_SERVER"] = "1"  # PortAudio would start a JACK server just by asking for one
        import pyaudio  # imported here: only the voice of a real speaker needs PortAudio

        self._format = pyaudio.paInt16
        try:
            self._audio = pyaudio.PyAudio()
            outputs = [
                (index, str(info["name"]))
                for index in range(self._audio.get_device_count())
                if (info := self._audio.get_device_info_by_index(index))["maxOutputChannels"] > 0
            ]
            self._index, name = self._find(outputs)
            self._audio.is_format_supported(SAMPLE_RATE, output_device=self._index, output_channels=channels, output_format=self._format)
        except (OSError, ValueError) as error:
            raise OutputFailure(f"the speaker {self._name or '(default)'} cannot be used: {_reason(error)}") from error
        chosen = "the default device" if self._name is None else "as configured"
        return f"{name} ({chosen}), {pyaudio.get_portaudio_version_text().partition(',')[0]}"

    def _find(self, outputs: list[tuple[int, str]]) -> tuple[int, str]:
        names = ", ".join(name for _, name in outputs) or "none"
        if self._name is None:
            if not outputs:
                raise OutputFailure("there is no sound output device; connect a speaker, and put the service's user in group audio")
            info = self._audio.get_default_output_device_info()
            return int(info["index"]), str(info["name"])
        exact = [entry for entry in outputs if entry[1] == self._name]
        found = exact or [entry for entry in outputs if self._name in entry[1]]
        if len(found) != 1:
            problem = "there is no" if not found else f"{len(found)} devices are called like the"
            raise OutputFailure(f"{problem} sound output device {self._name!r} (speaker.device); there are: {names}")
        return found[0]

    def open(self, channels: int) -> None:
        """Open the device for one play."""
        try:
            self._stream = self._audio.open(
                SAMPLE_RATE, channels, self._format, output=True, output_device_index=self._index, frames_per_buffer=PERIOD_FRAMES
            )
            self._buffer_frames = int(self._stream.get_write_available())
        except (OSError, ValueError) as error:
            raise OutputFailure(f"the speaker {self._name or '(default)'} cannot be opened: {_reason(error)}") from error

    def write(self, block: bytes) -> None:
        """Blocks while the device's buffer is full. An underrun is a click, not a failure."""
        try:
            self._stream.write(block)
        except OSError as error:
            raise OutputFailure(f"the speaker {self._name or '(default)'} stopped taking samples: {_reason(error)}") from error

    def trailing_frames(self) -> int:
        """A whole buffer, and a period more.

        PortAudio's ALSA code never drains (`AlsaStop` always drops, because snd_pcm_drain locks up with some drivers): without this the
        last 20 to 60 ms of the warning would be cut off.
        """
        return max(self._buffer_frames, round(float(self._stream.get_output_latency()) * SAMPLE_RATE) + PERIOD_FRAMES) + PERIOD_FRAMES

    def finish(self) -> None:
        """Close; what the buffer still holds is the silence after the end."""
        self.abort()

    def abort(self) -> None:
        """Close without draining: PortAudio then drops what is buffered (snd_pcm_drop)."""
        try:
            self._stream.close()
        except OSError as error:
            raise OutputFailure(f"the speaker {self._name or '(default)'} could not be closed: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """PortAudio's words: its errors carry (number, text) or (text, number)."""
    words = [str(argument) for argument in error.args if isinstance(argument, str)]
    return words[0] if words else str(error)


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

    def open(self, channels: int) -> None:
        """Begin the next file; no file is ever overwritten."""
        number = 1 + max((int(path.stem[8:]) for path in self._directory.glob("speaker-*.wav") if path.stem[8:].isdigit()), default=0)
        try:
            self._file = durable.open_new(self._directory / f"speaker-{number:04}.wav", flags=os.O_WRONLY)
        except OSError as error:
            raise OutputFailure(f"{self._directory}: a new file could not be made ({error.strerror})") from error
        self._channels, self._bytes = channels, 0
        self._due = time.monotonic()

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
