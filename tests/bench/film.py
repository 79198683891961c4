"""The benches' film: 1080p30 at 8 Mbit/s, made once and kept in `build/bench`.

Ten seconds of a noisy test picture by x264, repeated to 60: what follows the encoder does not look into the pictures.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bodycamd.camera.capture.sources.film import read_film
from bodycamd.camera.capture.sources.source import EncodedFrame

BUILD = Path(__file__).parents[2] / "build" / "bench"
FRAME_RATE, WIDTH, HEIGHT = 30, 1920, 1080
LOOP_SECONDS = 10
REPEATED = 6
SECONDS = LOOP_SECONDS * REPEATED
BIT_RATE = 8_000_000


@dataclass(frozen=True)
class Film:
    """`loop`: ten seconds as an H.264 byte stream. `whole` and `second`: 60 s and 1 s of it in NUT, which stores the encoder's frames as
    they are: the peers' input.
    """

    loop: Path
    whole: Path
    second: Path


def film() -> Film:
    """The film; made if it is not there yet (5 s of processor)."""
    made = Film(BUILD / "film.h264", BUILD / "film.nut", BUILD / "second.nut")
    if not made.second.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        _ffmpeg(
            *("-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate={FRAME_RATE},noise=alls=12:allf=t", "-t", str(LOOP_SECONDS)),
            *("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"),
            *("-b:v", str(BIT_RATE), "-maxrate", str(BIT_RATE), "-bufsize", str(BIT_RATE // 2)),
            *("-x264-params", "keyint=30:min-keyint=30:scenecut=0:repeat-headers=1", "-f", "h264", made.loop),
        )
        joined = BUILD / "joined.h264"
        joined.write_bytes(made.loop.read_bytes() * REPEATED)
        _ffmpeg("-framerate", str(FRAME_RATE), "-i", joined, "-c", "copy", made.whole)
        joined.unlink()
        _ffmpeg("-i", made.whole, "-t", "1", "-c", "copy", made.second)
    return made


def sound() -> Path:
    """Ten seconds of noise as a WAV file: what a microphone's driver would hand over."""
    wav = BUILD / "sound.wav"
    if not wav.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        noise = f"anoisesrc=color=pink:amplitude=0.1:sample_rate=48000:seed=1:duration={LOOP_SECONDS}"
        _ffmpeg(*("-f", "lavfi", "-i", noise, "-ac", "1", "-c:a", "pcm_s16le", wav))
    return wav


def encoded_frames(loop: Path, begin_us: int, seconds: int = SECONDS) -> list[EncodedFrame]:
    """`seconds` of the film as an encoder would give it."""
    once = read_film(loop).frames
    return [
        EncodedFrame(*once[number % len(once)][:1], begin_us + number * 1_000_000 // FRAME_RATE, once[number % len(once)][1])
        for number in range(seconds * FRAME_RATE)
    ]


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True)
