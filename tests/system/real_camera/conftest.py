"""The Debian root that `scripts/make-root` made, with the virtual camera's pictures in it and a way to run commands inside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
PICTURES = 32
CONFIGURATION = """%YAML 1.1
---
"Virtual0":
  supported_formats:
  - { width: 1280, height: 720, frame_rates: [30, 30] }
  frames: { path: "/bench/pictures/" }
  location: "CameraLocationFront"
  model: "imx708"
"""
INSIDE = """mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@" """


class CameraRoot:
    """Runs the bench's programs inside the root; `folder` is `/bench` there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "bench"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(HERE, self.folder / "programs", ignore=shutil.ignore_patterns("__pycache__"))
        self._make_pictures(self.folder / "pictures")
        self._make_scene(self.folder / "upside_down")
        self.configuration = root / "usr/share/libcamera/pipeline/virtual/virtual.yaml"
        self.configuration.parent.mkdir(parents=True, exist_ok=True)

    def _make_pictures(self, folder: Path) -> None:
        """Pictures that carry their number as five bright or dark fields, and something that moves."""
        folder.mkdir()
        pictures = np.full((PICTURES, 720, 1280), 90, np.uint8)
        for number, picture in enumerate(pictures):
            for bit in range(5):
                picture[:360, bit * 256 : bit * 256 + 256] = 235 if number >> bit & 1 else 16
            picture[450:550, number * 38 : number * 38 + 100] = 200
        video = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "1280x720", "-r", "30", "-i", "-"]
        jpegs = ["-pix_fmt", "yuvj420p", "-start_number", "0", f"{folder}/%d.jpg"]
        subprocess.run(["ffmpeg", "-v", "error", *video, *jpegs], input=pictures.tobytes(), check=True)

    def _make_scene(self, folder: Path) -> None:
        """A scene whose top left is bright, as a module sees it that is built in upside down."""
        folder.mkdir()
        scene = np.full((720, 1280), 16, np.uint8)
        scene[:360, :640] = 235
        video = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "1280x720", "-r", "30", "-i", "-"]
        upside_down = scene[::-1, ::-1].tobytes()
        subprocess.run(["ffmpeg", "-v", "error", *video, "-pix_fmt", "yuvj420p", f"{folder}/0.jpg"], input=upside_down, check=True)

    def run(self, *arguments: str, seconds: float = 60, scene: str = "pictures", **environment_of_bench: str) -> Any:
        """Run a bench program on the virtual camera; the JSON that it prints. `module`, `frame_rate`: as `virtual_camera` has them.
        `scene`: the folder of pictures."""
        self.configuration.write_text(CONFIGURATION.replace("/bench/pictures/", f"/bench/{scene}/"))
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", INSIDE, str(self.root)]
        environment = {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": "/root",
            "PYTHONPATH": "/bench/programs",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LIBCAMERA_LOG_LEVELS": "*:FATAL",
            # libcamera 0.4.0's virtual pipeline leaves a request's status uninitialised: memory that is never zero by luck.
            "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=255",
            **{f"BENCH_{name.upper()}": value for name, value in environment_of_bench.items()},
        }
        program = ["/opt/bodycamd/current/bin/python", "/bench/programs/virtual_camera.py", *arguments]
        done = subprocess.run([*command, *program], env=environment, capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, done.stderr
        if done.stderr:
            print(done.stderr)
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def camera_root() -> CameraRoot:
    """`BODYCAMD_CAMERA_ROOT` names the root; `scripts/test-camera` makes it and sets this."""
    if "BODYCAMD_CAMERA_ROOT" not in os.environ:
        pytest.skip("needs the root that scripts/test-camera makes")
    return CameraRoot(Path(os.environ["BODYCAMD_CAMERA_ROOT"]).resolve())
