"""The sound itself: the right samples, soon enough, and silent soon enough. Real ALSA."""

from __future__ import annotations

import hashlib
import os
import signal
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bodycamd.camera.board.voice.output import BUFFER_US
from bodycamd.linux.clock import boottime_us
from tests.camera.board.conftest import WARNINGS, Loudspeaker, MakeVoice, noise_wav, tone_wav
from tests.kit.scale import count
from tests.kit.waiting import wait_for


def samples_of(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)


def correlation(played: np.ndarray, expected: np.ndarray) -> float:
    """The highest correlation over all lags, also those at which the beginning was cut off."""
    size = 1 << (len(played) + len(expected)).bit_length()
    product = np.fft.irfft(np.fft.rfft(played, size) * np.conj(np.fft.rfft(expected, size)), size)
    lag = int(np.argmax(product))
    lag = lag - size if lag > size // 2 else lag
    part = np.pad(played, (max(-lag, 0), len(expected)))[max(lag, 0) :][: len(expected)]
    return float(np.corrcoef(part, expected)[0, 1])


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_shipped_warning_arrives_at_the_alsa_device(language: str, alsa_file: Path, make_voice: MakeVoice) -> None:
    wav = WARNINGS / f"{language}.wav"
    voice, heard = make_voice(wav)
    assert "default" in heard.healthy().detail
    voice.speak()
    _, ended = heard.ending(1)
    assert (ended.outcome, ended.detail) == ("played_to_device", "default"), "where it went is in the ledger"
    assert ended.file_sha256 == hashlib.sha256(wav.read_bytes()).hexdigest()
    played = np.frombuffer(alsa_file.read_bytes(), dtype="<i2").astype(float)
    assert correlation(played, samples_of(wav)) >= 0.99
    assert abs(len(played) - len(samples_of(wav))) <= BUFFER_US * 1.25 * 48 / 1000, "and a buffer of silence"


def test_stereo_and_a_second_play(alsa_file: Path, tmp_path: Path, make_voice: MakeVoice) -> None:
    wav = tone_wav(tmp_path / "stereo.wav", 0.5, channels=2)
    voice, heard = make_voice(wav)
    heard.healthy()
    for play in (1, 2):
        voice.speak()
        assert heard.ending(play)[1].outcome == "played_to_device"
        played = np.frombuffer(alsa_file.read_bytes(), dtype="<i2").astype(float)
        assert correlation(played, samples_of(wav)) >= 0.99


def test_a_device_of_the_configuration_by_its_name(tmp_path: Path, alsa_config: Callable[[str], None], make_voice: MakeVoice) -> None:
    def device(name: str) -> str:
        return f'pcm.{name} {{ type file slave.pcm {{ type null }} file "{tmp_path}/{name}.raw" format "raw" }}\n'

    alsa_config("pcm.!default { type null }\n" + device("chest_left") + device("chest_right"))
    wav = tone_wav(tmp_path / "tone.wav", 0.5)
    voice, heard = make_voice(wav, device="chest_right")
    assert "chest_right" in heard.healthy().detail
    voice.speak()
    _, ended = heard.ending(1)
    assert (ended.outcome, ended.detail) == ("played_to_device", "chest_right")
    assert (tmp_path / "chest_right.raw").stat().st_size >= 9600
    assert not (tmp_path / "chest_left.raw").exists()


def test_a_name_that_is_not_there_is_refused_and_nothing_else_is_played_to(alsa_file: Path, tmp_path: Path, make_voice: MakeVoice) -> None:
    wav = tone_wav(tmp_path / "tone.wav", 0.5)
    for device, reason in (
        ("chest", "speaker.device 'chest': chest: alsa-lib knows no such device; for playback there is: nothing"),
        ("plughw:CARD=Device,DEV=0", "speaker.device 'plughw:CARD=Device,DEV=0': there is no sound card 'Device'"),
        ("null", "speaker.device 'null': 'null' is ALSA's device that gives and takes nothing"),
        (None, "speaker.device null: there is no sound card to choose"),
    ):
        voice, heard = make_voice(wav, device=device)
        assert reason in heard.unhealthy().detail
        voice.speak()
        assert heard.ending(1)[1].outcome == "failed"
    assert not alsa_file.exists()


@pytest.mark.timing
def test_the_sound_begins_and_stops_within_150_ms(paced: Loudspeaker, tmp_path: Path, make_voice: MakeVoice) -> None:
    """Times are those of arrival at the monitor's reader, so the true ones are a little shorter."""
    voice, heard = make_voice(tone_wav(tmp_path / "tone.wav", 3.0))
    heard.healthy()
    begins, stops, confirmed = [], [], []
    plays = max(8, count(60))
    for play in range(1, plays + 1):
        asked_us = boottime_us()
        voice.speak()
        first_us = wait_for(lambda asked_us=asked_us: (paced.loud(asked_us) or [0])[0], 3, "the first sample")  # type: ignore[misc]
        begins.append((first_us - asked_us) / 1000)
        time.sleep(0.05 + 0.01 * (play % 5))
        silenced_us = boottime_us()
        voice.silence()
        at_us, ended = heard.ending(play)
        assert ended.outcome == "skipped"
        confirmed.append((at_us - silenced_us) / 1000)
        paced.wait_for_silence()
        stops.append((max(paced.loud(silenced_us), default=silenced_us) - silenced_us) / 1000)
    assert voice.status().starts == 1, "stopped by command, not by killing"
    print(f"\n{plays} plays, ms, median and worst: first sample {np.median(begins):.0f} {max(begins):.0f}, ", end="")
    print(f"last sample {np.median(stops):.0f} {max(stops):.0f}, confirmed {np.median(confirmed):.0f} {max(confirmed):.0f}")
    assert np.median(begins) <= 150
    assert np.median(stops) <= 150
    assert max(begins) <= 750, "five times the target"
    assert max(stops) <= 750, "five times the target"


@pytest.mark.timing
def test_a_whole_warning_is_played_in_its_own_time(paced: Loudspeaker, tmp_path: Path, make_voice: MakeVoice) -> None:
    wav = noise_wav(tmp_path / "noise.wav", 1.0)  # begins with silence: a monitor lacks the 10 ms that PulseAudio has mixed ahead
    voice, heard = make_voice(wav)
    heard.healthy()
    asked_us = boottime_us()
    voice.speak()
    at_us, ended = heard.ending(1)
    assert ended.outcome == "played_to_device"
    assert 0.9e6 <= at_us - asked_us <= 1.9e6
    paced.wait_for_silence()
    assert correlation(paced.samples(asked_us).astype(float), samples_of(wav)) >= 0.99


@pytest.mark.timing
def test_a_killed_voice_falls_silent(paced: Loudspeaker, tmp_path: Path, make_voice: MakeVoice) -> None:
    """The last resort of `silence`: the process is stopped and cannot confirm; killing it closes the device."""
    voice, heard = make_voice(tone_wav(tmp_path / "tone.wav", 3.0))
    heard.healthy()
    asked_us = boottime_us()
    voice.speak()
    wait_for(lambda: paced.loud(asked_us), 3, "the first sample")
    pid = voice.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    silenced_us = boottime_us()
    voice.silence()
    at_us, ended = heard.ending(1)
    assert ended.outcome == "skipped"
    assert "did not confirm silence" in ended.detail
    paced.wait_for_silence()
    stopped_ms = (max(paced.loud(silenced_us), default=silenced_us) - silenced_us) / 1000
    print(f"\nstopped voice: answered after {(at_us - silenced_us) / 1000:.0f} ms, last sample after {stopped_ms:.0f} ms")
    assert stopped_ms <= 750, "five times the target of 150 ms"
    heard.healthy()
