"""The real picamera2 and libcamera: source, worker and supervisor as on a Pi with a software encoder.

Not shown here, because it cannot be had without the hardware: the V4L2 encoder, a real sensor, CMA memory, and the driver's own hangs.
"""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.capture.sources.keyframes import KeyframeRule
from tests.system.real_camera.conftest import PICTURES, CameraRoot

pytestmark = [pytest.mark.camera, pytest.mark.root, pytest.mark.timeout(120)]
SECONDS = 20
FRAME_US = 1_000_000 / 30


def decode(film: Path) -> list[int]:
    """The numbers that the decoded pictures carry, in order of decoding; ffmpeg must have nothing to say, about the sound neither."""
    ffmpeg = ["ffmpeg", "-v", "warning", "-i", str(film)]
    # In the film's own time base: else ffmpeg rounds to whole frames, and has something to say about a picture that came late.
    everything = subprocess.run([*ffmpeg, "-map", "0", "-enc_time_base", "-1", "-f", "null", "-"], capture_output=True, text=True)
    assert (everything.returncode, everything.stderr) == (0, "")
    # Times are spread out for the same reason: this looks at pictures only.
    fields = "crop=iw:ih/2:0:0,scale=5:1:flags=area,format=gray,setpts=N/10/TB"
    raw = subprocess.run([*ffmpeg, "-an", "-vf", fields, "-fps_mode", "passthrough", "-f", "rawvideo", "-"], capture_output=True)
    assert (raw.returncode, raw.stderr) == (0, b"")
    pictures = [raw.stdout[at : at + 5] for at in range(0, len(raw.stdout), 5)]
    return [sum((field > 128) << bit for bit, field in enumerate(picture)) for picture in pictures]


def check_order(numbers: list[int]) -> None:
    """Each picture is the next of the camera's, none lost, none twice: libcamera shows every file for four frames, from the first."""
    wrong = [(at, number) for at, number in enumerate(numbers) if number != at // 4 % PICTURES]
    assert not wrong, wrong[:10]


def open_film(folder: Path, generation: int, identity: Path) -> Path:
    """Decrypt one generation with `age` alone, into a file that any player opens."""
    film = folder / f"{generation}.mp4"
    with film.open("wb") as file:
        for sealed in sorted(folder.glob(f"{generation}-*.age")):
            subprocess.run(["age", "-d", "-i", identity, sealed], check=True, stdout=file)
    return film


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory, camera_root: CameraRoot) -> Path:
    """A key pair: the identity stays outside, the recipient goes into the root."""
    path = tmp_path_factory.mktemp("keys") / "identity.txt"
    subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
    recipients = subprocess.run(["age-keygen", "-y", path], check=True, capture_output=True, text=True).stdout
    (camera_root.folder / "recipients.txt").write_text(recipients)
    return path


def test_the_encoder_of_each_model_by_picamera2s_own_detection(camera_root: CameraRoot) -> None:
    told = camera_root.run("platforms")
    for model, found in told.items():
        print(f"{model:16} {found['platform']:5} {found['stated']}")
    for model in ("Pi Zero 2 W", "Pi 3", "Pi 4"):
        assert told[model]["platform"] == "VC4"
        assert told[model]["class"] == "picamera2.encoders.h264_encoder.H264Encoder"
        assert "V4L2 hardware" in told[model]["stated"]
    assert told["Pi 5"]["platform"] == "PISP"
    assert "Pi 5" in told["Pi 5"]["stated"]
    for model in ("no Pi", "no video device"):
        assert told[model]["platform"] == "VC4", "picamera2 counts what it does not know as VC4"
        assert "no /dev/video11" in told[model]["stated"]
    for model in ("Pi 5", "no Pi", "no video device"):
        assert told[model]["class"] == "picamera2.encoders.libav_h264_encoder.LibavH264Encoder"
    assert {found["period"] for found in told.values()} == {30}


def test_the_source_alone(camera_root: CameraRoot) -> None:
    told = camera_root.run("film_source", str(SECONDS), "/bench/film.h264")
    pts_us = told["pts_us"]
    steps = [after - before for before, after in itertools.pairwise(pts_us)]
    span_us = pts_us[-1] - pts_us[0]
    rate = (len(pts_us) - 1) * 1e6 / span_us
    print(
        f"source: {told['encoder']}; {len(pts_us)} frames, {rate:.3f}/s, step {min(steps) / 1e3:.1f} to {max(steps) / 1e3:.1f} ms; "
        f"opened in {(told['opened_us'] - told['begun_us']) / 1e3:.0f} ms, closed in {(told['closed_us'] - told['asked_us']) / 1e3:.0f} ms"
    )
    assert told["errors"] == []
    assert told["size"] == [1280, 720]
    assert told["frame_rate"] == 30
    assert told["after_close"] == 0
    assert abs(len(pts_us) - SECONDS * 30) <= 30
    assert min(steps) > 0
    assert abs(rate - 30) < 0.5
    assert told["begun_us"] <= pts_us[0]
    assert pts_us[-1] <= told["closed_us"]
    assert told["keyframes"] == keyframes(pts_us)
    numbers = decode(camera_root.folder / "film.h264")
    assert len(numbers) == len(pts_us)
    check_order(numbers)


def test_the_whole_worker(camera_root: CameraRoot, identity: Path) -> None:
    folder = camera_root.folder / "run"
    folder.mkdir()
    told = camera_root.run("record", str(SECONDS), "run", "/bench/run", "/bench/recipients.txt")
    fragments = told["fragments"]
    frames = sum(fragment["frames"] for fragment in fragments)
    filmed_us = fragments[-1]["pts_us"] + fragments[-1]["duration_us"] - fragments[0]["pts_us"]
    late_us = [fragment["arrived_us"] - fragment["pts_us"] - fragment["duration_us"] for fragment in fragments]
    print(
        f"worker: {told['inits'][0]['encoder']}; {frames} frames in {len(fragments)} fragments, {frames * 1e6 / filmed_us:.3f}/s, "
        f"first fragment {(fragments[0]['arrived_us'] - told['opened_us']) / 1e6:.2f} s after opening, "
        f"each at most {max(late_us) / 1e3:.0f} ms after its end, {sum(fragment['gap_us'] for fragment in fragments) / 1e3:.0f} ms of gaps "
        f"stated, closed in {(told['closed_us'] - told['asked_us']) / 1e3:.0f} ms; "
        f"{told['sandbox']}"
    )
    assert "NOT FOR" not in told["sandbox"], "no thread is older than the sandbox"
    assert told["stalls"] == []
    assert told["closed"] == [1]
    assert told["restarts"] == 0, told["last_failure"]
    check_fragments(fragments)
    assert told["opened_us"] <= fragments[0]["pts_us"]
    assert fragments[-1]["pts_us"] <= told["closed_us"]
    assert abs(filmed_us / 1e6 - SECONDS) < 1.5
    assert all(fragment["audio"] == "live" for fragment in fragments[1:])
    numbers = decode(open_film(folder, 1, identity))
    assert len(numbers) == frames
    check_order(numbers)


def test_stopped_it_is_replaced_and_footage_flows_again(camera_root: CameraRoot, identity: Path) -> None:
    folder = camera_root.folder / "stop"
    folder.mkdir()
    told = camera_root.run("record", "6", "stop", "/bench/stop", "/bench/recipients.txt")
    by_generation = {number: [fragment for fragment in told["fragments"] if fragment["generation"] == number] for number in (1, 2)}
    assert all(by_generation.values()), told
    again_us = by_generation[2][0]["arrived_us"] - told["stopped_us"]
    missing_us = by_generation[2][0]["pts_us"] - by_generation[1][-1]["pts_us"] - by_generation[1][-1]["duration_us"]
    print(f"stopped: {told['stalls']}, footage again after {again_us / 1e6:.2f} s, {missing_us / 1e6:.2f} s of picture missing")
    assert again_us <= 3_000_000
    assert len(told["stalls"]) == 1
    assert told["closed"] == [2]
    assert [fragment["seq"] for fragment in told["fragments"]] == list(range(1, len(told["fragments"]) + 1))
    for generation, fragments in by_generation.items():
        check_fragments(fragments)
        numbers = decode(open_film(folder, generation, identity))
        assert len(numbers) == sum(fragment["frames"] for fragment in fragments)
        check_order(numbers)


def keyframes(pts_us: list[int]) -> list[int]:
    """Where they are at 30 frames/s and a keyframe a second: each thirtieth frame, or earlier where time asks for it."""
    rule, found, since = KeyframeRule(1_000_000, 30), [], 0
    for number, at_us in enumerate(pts_us):
        must = rule.must(at_us)
        since += 1
        if number == 0 or must or since == 30:
            found.append(number)
            since = 0
    return found


def check_fragments(fragments: list[dict[str, Any]]) -> None:
    """One follows the other, thirty frames each, and time that is missing inside is stated."""
    for before, after in itertools.pairwise(fragments):
        assert after["pts_us"] - before["pts_us"] - before["duration_us"] == 0
        # A picture that comes late is time that passes, and time may bring the keyframe before the count does.
        assert before["frames"] == 30 or (before["frames"] < 30 and before["duration_us"] > 1_000_000)
    # The bench paces in Python: on a busy machine a picture comes late. Then time is missing, and stated; a picture never is.
    frames = sum(fragment["frames"] for fragment in fragments)
    filmed_us = fragments[-1]["pts_us"] + fragments[-1]["duration_us"] - fragments[0]["pts_us"]
    stated_us = sum(fragment["gap_us"] for fragment in fragments)
    assert (filmed_us - stated_us) / FRAME_US - 1 <= frames <= filmed_us / FRAME_US + 1
    assert stated_us < filmed_us / 10
