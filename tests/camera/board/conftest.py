"""Sound without a sound card: an ALSA file device (exact, not paced) and a private PulseAudio (paced)."""

from __future__ import annotations

import math
import os
import shutil
import struct
import subprocess
import sys
import threading
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bodycamd.camera.board.voice.supervisor import VoiceProcess, VoiceTiming
from bodycamd.camera.control.events import Event, VoiceHealth, WarningEnded
from bodycamd.config.settings import SpeakerSettings
from bodycamd.linux.clock import SystemClock, boottime_us
from tests.kit.waiting import wait_for

RATE = 48_000
WARNINGS = Path(__file__).parents[3] / "config" / "warnings"


def program(name: str) -> str:
    """The path of a program that the tests need. Missing is an error, not a skip."""
    found = shutil.which(name)
    assert found, f"{name} is missing: `make test` installs what the tests need (scripts/setup test)"
    return found


def tone_wav(path: Path, seconds: float, *, channels: int = 1, hertz: float = 440.0, rate: int = RATE, width: int = 2) -> Path:
    """A loud tone from the first sample to the last."""
    frames = round(seconds * rate)
    value = [round(20_000 * math.sin(2 * math.pi * hertz * n / rate + 0.5)) for n in range(frames)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", v) * channels if width == 2 else bytes(width * channels) for v in value))
    return path


def noise_wav(path: Path, seconds: float) -> Path:
    """50 ms of silence, then noise, the same each time: it correlates with itself at one lag only."""
    samples = (np.random.default_rng(7).standard_normal(round(seconds * RATE)) * 5000).clip(-20_000, 20_000).astype("<i2")
    samples[: RATE // 20] = 0
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


class Heard:
    """The events of one voice, with the time of their arrival."""

    def __init__(self) -> None:
        self.events: list[tuple[int, Event]] = []

    def post(self, event: Event) -> None:
        self.events.append((boottime_us(), event))

    @property
    def endings(self) -> list[tuple[int, WarningEnded]]:
        return [(at, event) for at, event in self.events if isinstance(event, WarningEnded)]

    @property
    def health(self) -> list[VoiceHealth]:
        return [event for _, event in self.events if isinstance(event, VoiceHealth)]

    def healthy(self, seconds: float = 10.0) -> VoiceHealth:
        """Wait until the newest word on its health is good."""
        wait_for(lambda: self.health and self.health[-1].ok, seconds, "a prepared voice")
        return self.health[-1]

    def unhealthy(self, seconds: float = 10.0) -> VoiceHealth:
        """Wait until the newest word on its health is bad."""
        wait_for(lambda: self.health and not self.health[-1].ok, seconds, "a voice that says that it is broken")
        return self.health[-1]

    def ending(self, number: int, seconds: float = 10.0) -> tuple[int, WarningEnded]:
        """The `number`th WarningEnded, from 1."""
        wait_for(lambda: len(self.endings) >= number, seconds, f"WarningEnded {number}")
        return self.endings[number - 1]


MakeVoice = Callable[..., tuple[VoiceProcess, Heard]]


@pytest.fixture
def make_voice(tmp_path: Path) -> Iterator[MakeVoice]:
    """Start voices that are closed at the end of the test."""
    voices: list[VoiceProcess] = []

    def make(
        wav: Path, *, output: str = "alsa", device: str | None = "default", timing: VoiceTiming | None = None, python: str = sys.executable
    ) -> tuple[VoiceProcess, Heard]:
        heard = Heard()
        settings = SpeakerSettings(output="simulated" if output == "simulated" else "alsa", device=device)
        voice = VoiceProcess(settings, wav, heard.post, SystemClock(), directory=tmp_path, timing=timing, python=python)
        voices.append(voice)
        voice.start()
        return voice, heard

    yield make
    for voice in voices:
        voice.close()


@pytest.fixture
def alsa_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replace the whole ALSA configuration of processes that are started from now on."""

    def use(text: str) -> None:
        path = tmp_path / "asound.conf"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("ALSA_CONFIG_PATH", str(path))

    return use


@pytest.fixture
def alsa_file(tmp_path: Path, alsa_config: Callable[[str], None]) -> Path:
    """An ALSA device that writes what it is given into this file, as raw samples; each opening begins it anew."""
    path = tmp_path / "device.raw"
    alsa_config(f'pcm.!default {{ type file slave.pcm {{ type null }} file "{path}" format "raw" }}\n')
    return path


class Loudspeaker:
    """What a paced device plays: a thread reads the monitor of a PulseAudio null sink and stamps each block on its arrival."""

    def __init__(self, socket_path: Path) -> None:
        self.server = f"unix:{socket_path}"
        self._parec = subprocess.Popen(
            [program("parec"), "-d", "speaker.monitor", "--format=s16le", f"--rate={RATE}", "--channels=1", "--raw", "--latency-msec=10"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PULSE_SERVER": self.server},
        )
        self.blocks: list[tuple[int, np.ndarray]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_for(lambda: len(self.blocks) > 10, 10, "the monitor's samples")

    def _read(self) -> None:
        assert self._parec.stdout is not None
        while data := os.read(self._parec.stdout.fileno(), 9600):
            self.blocks.append((boottime_us(), np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2")))

    def loud(self, since_us: int) -> list[int]:
        """Arrival times of the blocks that are not silent."""
        return [at for at, samples in list(self.blocks) if at >= since_us and samples.size and np.abs(samples).max() > 500]

    def samples(self, since_us: int) -> np.ndarray:
        """Everything that arrived since then."""
        return np.concatenate([samples for at, samples in list(self.blocks) if at >= since_us])

    def wait_for_silence(self) -> None:
        """Until 200 ms without a loud block have passed."""
        wait_for(lambda: not self.loud(boottime_us() - 200_000), 5, "silence")

    def close(self) -> None:
        self._parec.terminate()
        self._thread.join(5)
        self._parec.wait(5)
        assert self._parec.stdout is not None
        self._parec.stdout.close()


@pytest.fixture(scope="session")
def loudspeaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loudspeaker]:
    """A private PulseAudio with one null sink; its monitor is read all the time, which also paces it in small steps."""
    home = tmp_path_factory.mktemp("pulse")
    socket_path = home / "native"
    server = subprocess.Popen(
        [
            *(program("pulseaudio"), "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"),
            *("-L", f"module-native-protocol-unix socket={socket_path} auth-anonymous=1"),
            *("-L", f"module-null-sink sink_name=speaker rate={RATE} channels=1"),
        ],
        env={**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)},
        stderr=(log := (home / "log").open("w")),
    )
    try:
        wait_for(lambda: "speaker" in _sinks(socket_path), 20, "PulseAudio's null sink")
        speaker = Loudspeaker(socket_path)
        yield speaker
        speaker.close()
    finally:
        server.terminate()
        server.wait(10)
        log.close()


def _sinks(socket_path: Path) -> str:
    command = [program("pactl"), "--server", f"unix:{socket_path}", "list", "short", "sinks"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def paced(loudspeaker: Loudspeaker, alsa_config: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Loudspeaker:
    """The default ALSA device is the paced loudspeaker."""
    plugins = list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    assert plugins, "ALSA's pulse plugin is missing: `make test` installs what the tests need (apt package libasound2-plugins)"
    alsa_config(f'pcm.!default {{ type pulse server "{loudspeaker.server}" }}\n')
    monkeypatch.setenv("PULSE_SERVER", loudspeaker.server)
    loudspeaker.wait_for_silence()
    return loudspeaker
