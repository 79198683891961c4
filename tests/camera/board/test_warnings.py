"""The warnings: the shipped ones, and what a municipality's own file must be."""

from __future__ import annotations

import contextlib
import hashlib
import random
import shutil
import socket
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from bodycamd.camera.board.voice import protocol as voice_link
from bodycamd.config import checks
from bodycamd.config import load as configuration
from bodycamd.config.warning_sound import MAX_FILE_BYTES, load, parse
from bodycamd.errors import DataError, NotFoundError, StorageError
from tests.camera.board.conftest import WARNINGS, program, tone_wav
from tests.kit.scale import count


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_shipped_warnings_can_be_heard(language: str) -> None:
    path = WARNINGS / f"{language}.wav"
    sound = load(path)
    samples = np.frombuffer(sound.samples, dtype="<i2").astype(float) / 32768
    assert sound.channels == 1
    assert 3 <= sound.seconds <= 6
    assert path.stat().st_size < 600_000
    assert 0.85 <= np.abs(samples).max() < 1.0, "loud, not clipped"
    assert np.sqrt(np.mean(samples**2)) > 0.1, "no whisper with one loud click"
    assert np.abs(samples[: 48 * 100]).max() < 0.01, "a moment of silence first, for amplifiers that sleep"
    assert np.abs(samples[-48 * 200 :]).max() < 0.01
    assert abs(samples.mean()) < 0.01


def test_the_shipped_warnings_belong_to_their_texts() -> None:
    """Whoever changes a text has to make its WAV anew: scripts/make-warnings."""
    subprocess.run([program("sha256sum"), "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=WARNINGS, check=True)
    listed = {line.split()[1] for line in (WARNINGS / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in WARNINGS.iterdir()} - {"SHA256SUMS"}
    for language, words in (("nl", ("bodycam", "beeld en geluid")), ("en", ("camera", "picture and sound"))):
        text = (WARNINGS / f"{language}.txt").read_text(encoding="utf-8")
        assert all(word in text for word in words)
        assert len(text) < 100, "one breath"


def test_the_script_makes_them(tmp_path: Path) -> None:
    """The script runs, and what it makes is a warning. The bytes depend on the versions of espeak-ng and sox."""
    for name in ("espeak-ng", "sox"):
        program(name)
    for language in ("nl", "en"):
        shutil.copy(WARNINGS / f"{language}.txt", tmp_path)
    subprocess.run([str(WARNINGS.parents[1] / "scripts" / "make-warnings"), str(tmp_path)], check=True, capture_output=True)
    for language in ("nl", "en"):
        assert 3 <= load(tmp_path / f"{language}.wav").seconds <= 6
    assert (tmp_path / "SHA256SUMS").is_file()


def test_a_municipalitys_own_recording(tmp_path: Path) -> None:
    path = tone_wav(tmp_path / "own.wav", 2.5, channels=2)
    sound = load(path)
    assert (sound.channels, sound.seconds, sound.frame_bytes) == (2, 2.5, 4)
    assert sound.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: tone_wav(path, 0.1, rate=44_100), r"16 bit, 44100 Hz, 1 channels; allowed.*sox warning\.wav -r 48000"),
        (lambda path: tone_wav(path, 0.1, width=3), r"24 bit.*allowed: 16 bit"),
        (lambda path: tone_wav(path, 0.1, width=1), r"8 bit.*allowed: 16 bit"),
        (lambda path: tone_wav(path, 0.1, channels=6), r"6 channels"),
        (lambda path: tone_wav(path, 0), r"promises 0 samples"),
        (lambda path: path.write_bytes(tone_wav(path, 0.5).read_bytes()[:-1000]), r"promises 24000 samples, the file holds 23500"),
        (lambda path: path.write_bytes(b"ID3\x04 this is an MP3"), r"not a WAV file.*convert it"),
        (lambda path: path.write_bytes(b""), r"cut short"),
        (lambda path: path.write_bytes(bytes(MAX_FILE_BYTES + 1)), r"lasts 0.5 to 30 s"),
    ],
)
def test_a_recording_that_cannot_be_used_is_told(make: object, told: str, tmp_path: Path) -> None:
    path = tmp_path / "warning.wav"
    assert callable(make)
    make(path)
    with pytest.raises(DataError, match=told):
        load(path)


def test_too_long(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(2 * 48_001 * 30))
    with pytest.raises(DataError, match=r"lasts 30\.0 s; a warning lasts 0\.5 to 30 s"):
        load(path)


@pytest.mark.parametrize(("seconds", "fits"), [(0.4999, False), (0.5, True), (30.0, True), (30.001, False)])
def test_configuration_and_board_know_the_same_bounds(seconds: float, fits: bool, tmp_path: Path) -> None:
    path = tmp_path / "own.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(seconds * 48_000)))
    config = configuration.parse(b"device_id: a\nring: {seconds: 300, megabytes: 512}\nwarning: {file: own.wav}", tmp_path / "c.yaml")
    assert any(problem.key == "warning.file" for problem in checks.file_problems(config)) is not fits
    with contextlib.nullcontext() if fits else pytest.raises(DataError, match=r"lasts .* s; a warning lasts 0\.5 to 30 s"):
        load(path)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"warning\.file"):
        load(tmp_path / "absent.wav")
    with pytest.raises(StorageError, match="Is a directory"):
        load(tmp_path)


def test_damaged_files_are_refused_in_words(tmp_path: Path) -> None:
    """Random damage gives a sound or a `DataError`, nothing else."""
    whole = tone_wav(tmp_path / "tone.wav", 0.5).read_bytes()
    chance = random.Random(1)
    for _ in range(count(5000)):
        data = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            if data:
                data[chance.randrange(min(len(data), 60))] = chance.randrange(256)
        with contextlib.suppress(DataError):
            parse(bytes(data), tmp_path / "tone.wav")


def test_every_message_of_the_voice_survives_the_link() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        answers: list[voice_link.Answer] = [
            voice_link.Prepared("0" * 64, 4.0, "default"),
            voice_link.Refused("a reason \u20ac " * 100, ""),
            voice_link.Started(1, 2),
            voice_link.Ended(1, 2),
            voice_link.Silenced(1, 2),
            voice_link.Failed(1, 2, "x" * voice_link.MAX_TEXT),
        ]
        for answer in answers:
            voice_link.send(theirs, answer)
            assert voice_link.receive_answer(ours) == answer
        for command in (voice_link.Play(7), voice_link.Stop()):
            voice_link.send(ours, command)
            assert voice_link.receive_command(theirs) == command
        theirs.close()
        assert voice_link.receive_answer(ours) is None
