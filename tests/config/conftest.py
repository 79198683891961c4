"""A camera's configuration folder as a technician would make it: configuration, recipients, warning."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
GOOD = "device_id: camera-17\nkeys: {recipients: recipients.txt}\n"


def write_wav(path: Path, seconds: float, *, rate: int = 48_000, channels: int = 1, width: int = 2) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setparams((channels, width, rate, 0, "NONE", ""))
        sound.writeframes(bytes(int(seconds * rate) * channels * width))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recipients.txt").write_text(f"# control room\n{RECIPIENT}\n")
    (tmp_path / "warnings").mkdir()
    write_wav(tmp_path / "warnings" / "nl.wav", 1.0)
    return tmp_path
