"""The file source: what it refuses, and that it passes the rest on byte for byte."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.camera.capture.sources import film as film_module
from bodycamd.camera.capture.sources.film import FilmLoop, following, nal_units, read_film
from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.config.settings import VideoSettings
from bodycamd.errors import ConfigError
from tests.camera.capture.films import HEIGHT, WIDTH, frames
from tests.kit.scale import one_in
from tests.kit.waiting import wait_for


def sei(marker: bytes) -> bytes:
    """A NAL unit with user data; the marker must hold no two zero bytes in a row."""
    payload = bytes(range(1, 17)) + marker
    return b"\0\0\0\1\x06\x05" + b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255]) + payload + b"\x80"


def annex_b(path: Path, *options: str, seconds: int = 2) -> Path:
    source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=320x240:rate=10:duration={seconds}", "-c:v", "libx264"]
    subprocess.run([*source, "-pix_fmt", "yuv420p", *options, "-f", "h264", "-y", str(path)], check=True)
    return path


def test_frames_pass_unchanged_in_a_loop_with_new_times(tmp_path: Path) -> None:
    path = tmp_path / "film.h264"
    film = frames(2)
    markers = [os.urandom(16).replace(b"\0", b"\1") for frame in film if frame.keyframe]
    left = list(markers)
    # A marker before the slice of each keyframe, as a camera would write it.
    parts = [frame.data.replace(b"\0\0\1\x65", sei(left.pop(0))[1:] + b"\0\0\1\x65", 1) if frame.keyframe else frame.data for frame in film]
    assert not left
    path.write_bytes(b"".join(parts))
    source = FilmLoop(VideoSettings(source="file", file=str(path), frame_rate=60))
    taken: list[EncodedFrame] = []
    errors: list[str] = []
    source.open(taken.append, errors.append)
    wait_for(lambda: len(taken) >= 50, 20)
    source.close()
    source.close()
    assert not errors
    assert (source.encoder, source.width, source.height, source.frame_rate) == ("file", WIDTH, HEIGHT, 60.0)
    assert taken[0].keyframe
    known = {part.strip(b"\0"): number for number, part in enumerate(parts)}
    order = [known[frame.data.strip(b"\0")] for frame in taken]
    for before, after, frame in zip(order, order[1:], taken[1:], strict=False):
        assert after == (before + 1) % len(parts) or frame.keyframe, "each frame follows the one that it was encoded after"
    assert all(later.pts_us > earlier.pts_us for earlier, later in itertools.pairwise(taken))
    stream = b"".join(frame.data for frame in taken)
    assert all(marker in stream for marker in markers)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_a_source_that_was_held_up_goes_on_at_once_and_can_be_decoded(groups: list[int], steps: list[int]) -> None:
    film = [(b"", place == 0) for group in groups for place in range(group)]
    instant, shown, late = -1, None, False
    for step in steps:
        instant += step
        before, shown = shown, following(film, shown, instant)
        assert film[shown][1] or shown == (-1 if before is None else before) + 1, "only after the one before it"
        late = not film[instant % len(film)][1] and (late or step > 1)
        assert late or shown == instant % len(film), "in step from a keyframe on, until the next instant is missed"


def test_parameter_sets_are_put_before_every_keyframe(tmp_path: Path) -> None:
    path = annex_b(tmp_path / "film.h264", "-bf", "0", "-g", "5")
    with_sets = read_film(path)
    keyframes = [data for data, keyframe in with_sets.frames if keyframe]
    assert len(keyframes) == 4
    for data in keyframes:
        kinds = [unit[0] & 0x1F for unit in nal_units(data)]
        assert kinds.index(7) < kinds.index(8) < kinds.index(5)


@one_in(5)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b""), "not an H.264"),
        (lambda path: path.write_bytes(os.urandom(5000)), "not an H.264"),
        (lambda path: path.write_bytes(b"\0\0\0\1" + bytes(range(9, 200))), "video.file"),
        (lambda path: annex_b(path, "-vf", "scale=4098:64", "-g", "10"), "4098x64 pixels"),
        (lambda path: annex_b(path, "-bf", "2", "-g", "10", "-preset", "medium"), "is a B-frame"),
        (lambda path: path.write_bytes(b"".join(frame.data for frame in frames(2)[1:])), "keyframe"),
        (lambda path: annex_b(path, "-bf", "0", "-g", "500", "-preset", "ultrafast", seconds=13), "without a keyframe"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: None, "cannot be read: No such file"),
    ],
)
def test_what_cannot_serve_is_refused(tmp_path: Path, make: object, reason: str) -> None:
    path = tmp_path / "film.h264"
    assert callable(make)
    make(path)
    with pytest.raises(ConfigError) as error:
        FilmLoop(VideoSettings(source="file", file=str(path)))
    assert str(error.value).startswith(f"video.file: {path}: ")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_without_any_keyframe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.h264"
    first = frames(1)[0].data
    parameters = b"".join(b"\0\0\0\1" + unit for unit in nal_units(first) if unit[0] & 0x1F in (7, 8))
    path.write_bytes(parameters + b"".join(frame.data for frame in frames(1)[1:]))
    with pytest.raises(ConfigError, match="does not begin with a keyframe"):
        read_film(path)


def test_mp4_no_name_and_a_huge_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-c:v", "libx264", "-y", str(path)], check=True)
    with pytest.raises(ConfigError, match=r"not an H\.264 Annex-B"):
        read_film(path)
    with pytest.raises(ConfigError, match=r"needed by video\.source: file"):
        FilmLoop(VideoSettings(source="file"))
    monkeypatch.setattr(film_module, "MAX_FILE_BYTES", 10)
    with pytest.raises(ConfigError, match="at most 10 are allowed"):
        read_film(path)
