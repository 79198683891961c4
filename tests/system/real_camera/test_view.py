"""What is set on each camera module, through the real picamera2 and libcamera's Python: read back as it reached the camera."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.capture.sources.keyframes import LATEST
from bodycamd.config.modules import parts
from tests.system.real_camera.conftest import CameraRoot

pytestmark = [pytest.mark.camera, pytest.mark.root, pytest.mark.timeout(120)]
VIDEO = {"width": 1280, "height": 720, "frame_rate": 30, "bit_rate": 4_000_000}


def film(root: CameraRoot, model: str, seconds: float = 0.2, **settings: Any) -> Any:
    return root.run("settings_of", json.dumps({**VIDEO, **settings}), str(seconds), module=model)


@pytest.mark.parametrize(
    ("model", "sensor", "crop", "seen_percent"),
    [
        ("imx708", [2304, 1296, 10], [0, 0, 4608, 2592], 100.0),
        ("imx219", [1640, 1232, 10], [0, 309, 3280, 1845], 74.9),
        ("imx477", [2028, 1520, 12], [0, 379, 4056, 2281], 75.0),
        ("imx296", [1456, 1088, 10], [0, 134, 1456, 819], 75.3),
    ],
)
def test_each_module_shows_its_whole_sensor_and_stands_as_its_lens_allows(
    camera_root: CameraRoot, model: str, sensor: list[int], crop: list[int], seen_percent: float
) -> None:
    told = film(camera_root, model)
    facts = told["facts"]
    assert told["errors"] == []
    assert told["sensor"] == sensor
    assert [facts["mode_width"], facts["mode_height"], facts["bit_depth"]] == sensor
    assert [facts[name] for name in ("crop_x", "crop_y", "crop_width", "crop_height")] == crop
    assert facts["seen_percent"] == seen_percent
    assert facts["module"] == model
    assert told["set"]["FrameDurationLimits"] == [33_333, 33_333]
    module = parts().fitted(model, None)
    assert module is not None
    if module.focus == "motor":
        dioptres = module.hyperfocal_dioptres(module.pixels[0], 1280)
        assert told["set"]["AfMode"] == 0
        assert told["set"]["LensPosition"] == pytest.approx(dioptres)
        assert (facts["focus"], facts["dioptres"]) == ("manual", round(dioptres or 0, 3))
    else:
        assert not {"AfMode", "LensPosition"} & told["set"].keys()
        assert (facts["focus"], facts["dioptres"]) == ("fixed", None)


def test_every_setting_of_the_view_reaches_the_camera(camera_root: CameraRoot) -> None:
    told = film(camera_root, "imx708_wide", focus=2.5, rotation=180, flip="horizontal", night_frame_rate=10, module="module-3")
    assert told["set"]["LensPosition"] == 2.5
    assert told["set"]["FrameDurationLimits"] == [33_333, 100_000]
    assert told["orientation"].endswith("Rotate180Mirror")
    facts = told["facts"]
    assert (facts["rotation"], facts["flip"], facts["dioptres"], facts["night_frame_rate"]) == (180, "horizontal", 2.5, 10.0)
    assert facts["differs"] == "video.module is module-3, the camera says imx708_wide"
    moving = film(camera_root, "imx708_wide", focus="continuous", frame_rate=60)
    assert moving["set"]["AfMode"] == 2
    assert "LensPosition" not in moving["set"]
    assert moving["sensor"] == [1536, 864, 10], "60 frames/s cost view, and it is stated"
    assert moving["facts"]["seen_percent"] == 44.4


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        ("imx477", {"focus": 1.0}, "video.focus is 1.0, but imx477 has no focus motor; leave it at null"),
        ("imx296", {"focus": "continuous"}, "video.focus is continuous, but imx296 has no focus motor; leave it at null"),
        ("imx219", {"tuning_file": "imx219_none.json"}, "there is no file /usr/local/share/libcamera/ipa/rpi/vc4/imx219_none.json"),
    ],
)
def test_what_a_module_has_not_is_refused_with_what_it_offers(
    camera_root: CameraRoot, model: str, settings: dict[str, Any], words: str
) -> None:
    told = film(camera_root, model, **settings)
    assert words in told["refused"]
    assert "LensPosition" not in told.get("set", {})
    assert told["pts_us"] == []


def test_at_a_third_of_the_rate_a_fragment_is_no_longer(camera_root: CameraRoot) -> None:
    settings = json.dumps({**VIDEO, "night_frame_rate": 10})
    told = camera_root.run("settings_of", settings, "6", module="imx708", frame_rate="10")
    keys = [told["pts_us"][number] for number in told["keyframes"]]
    groups = [b - a for a, b in itertools.pairwise(told["keyframes"])]
    steps = [b - a for a, b in itertools.pairwise(told["pts_us"])]
    print(f"dark: {len(told['pts_us'])} frames, keyframes after {groups} frames")
    assert len(keys) >= 4
    assert max(groups) < 20, "the encoder's own count would be 30"
    late_us = max(0, max(steps) - 100_000)  # the bench paces in Python: a picture that comes late is nobody's fault
    assert max(b - a for a, b in itertools.pairwise(keys)) <= LATEST * 1_000_000 + late_us


PAGE = """<style>body { margin: 0; background: #808080 } video { display: block; width: 640px; height: 360px }</style>
<video muted autoplay src="data:video/mp4;base64,FILM"></video>"""


def in_chromium(film: Path, folder: Path) -> list[bool]:
    """Which quarters of a film Chromium shows bright: top left, top right, bottom left, bottom right."""
    mp4, page, shot = folder / "film.mp4", folder / "page.html", folder / "shot.png"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "h264", "-i", film, "-c", "copy", mp4], check=True)
    page.write_text(PAGE.replace("FILM", base64.b64encode(mp4.read_bytes()).decode()))
    chromium = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
    options = ["--autoplay-policy=no-user-gesture-required", "--virtual-time-budget=3000", "--window-size=640,600"]
    subprocess.run([*chromium, *options, f"--screenshot={shot}", page.as_uri()], capture_output=True, timeout=90, check=True)
    quarters = ["-vf", "crop=640:360:0:0,scale=2:2:flags=area,format=gray", "-f", "rawvideo", "-"]
    values = subprocess.run(["ffmpeg", "-v", "error", "-i", shot, *quarters], capture_output=True, check=True).stdout
    assert len(values) == 4
    assert all(value < 50 or value > 200 for value in values), "the film is shown, and not the page behind it"
    return [value > 200 for value in values]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_a_module_that_is_built_in_upside_down_gives_an_upright_film(camera_root: CameraRoot, tmp_path: Path) -> None:
    for rotation, bright in ((0, [False, False, False, True]), (180, [True, False, False, False])):
        settings = json.dumps({**VIDEO, "rotation": rotation})
        told = camera_root.run("settings_of", settings, "0.2", "/bench/turned.h264", module="imx708", scene="upside_down")
        assert told["errors"] == []
        folder = tmp_path / str(rotation)
        folder.mkdir()
        assert in_chromium(camera_root.folder / "turned.h264", folder) == bright
