"""An evidence officer's desk: a small store, an identity, the commands, and what must be there or not when one has ended."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.kit.films import BOOT_SECONDS, Camera, fragmented_mp4, split

RECORDING = "000001-0001"
FRAMES = 6 * 30
KINDS = ["film", "package", "all", "sheet"]


class Desk:
    """A store of one camera with two recordings, the first in two films; an identity; a film. A small one has one second of each."""

    def __init__(self, folder: Path, device: str = "cam", *, small: bool = False) -> None:
        self.folder = folder
        self.store = folder / "store"
        init, fragments = split(fragmented_mp4(1 if small else 6))
        self.cameras = [Camera(folder / "store/recordings", name, device) for name in (RECORDING, "000001-0002")]
        self.cameras[0].write(init, fragments)
        if not small:
            self.cameras[0].write(*split(fragmented_mp4(3, begins=BOOT_SECONDS + 20)), generation=2)
        self.cameras[1].write(init, fragments[:3])
        self.identity = folder / "identity.txt"
        self.identity.write_text("".join(f"{camera.identity}\n" for camera in self.cameras))
        self.cameras[0].identity_file.unlink()
        self.film = folder / "film.mp4"
        self.film.write_bytes(init + b"".join(fragments))

    def command(self, kind: str, out: Path, *options: str) -> list[str]:
        if kind == "sheet":
            return ["contact-sheet", str(self.film), str(out / "sheet.png"), *options]
        what = {"film": (RECORDING, "film.mp4"), "package": (RECORDING, "case"), "all": ("all", "all")}[kind]
        common = ["--store", str(self.store), "--identity", str(self.identity), *options]
        return ["export", what[0], "--out", str(out / what[1]), *common]

    def segments(self) -> list[Path]:
        return sorted((self.store / "recordings" / RECORDING).iterdir())


def packets(film: Path) -> int:
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets"]
    said = subprocess.run([*command, "-of", "csv=p=0", film], check=True, capture_output=True, text=True, timeout=60).stdout
    return int(said.strip().strip(","))


def everything(kind: str, out: Path) -> None:
    """All of it is there, and nothing else."""
    if kind == "film":
        assert sorted(path.name for path in out.iterdir()) == ["film-2.mp4", "film.mp4"]
        assert packets(out / "film.mp4") + packets(out / "film-2.mp4") == FRAMES + 90
    elif kind == "sheet":
        assert [path.name for path in out.iterdir()] == ["sheet.png"]
        subprocess.run(["ffmpeg", "-v", "error", "-i", out / "sheet.png", "-f", "null", "-"], check=True, timeout=60)
    elif kind == "package":
        assert [path.name for path in out.iterdir()] == ["case"]
        whole_package(out / "case", FRAMES + 90)
    else:
        assert sorted(path.name for path in (out / "all").iterdir()) == [f"cam_{RECORDING}", "cam_000001-0002"]
        whole_package(out / "all" / f"cam_{RECORDING}", FRAMES + 90)
        whole_package(out / "all" / "cam_000001-0002", 90)


def whole_package(package: Path, frames: int) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=package, check=True, timeout=60)
    report = json.loads((package / "report.json").read_bytes())
    assert sum(packets(package / film["file"]) for film in report["films"]) == frames
    assert {path.name for path in package.iterdir()} >= {"report.html", "SHA256SUMS", "contact-sheet.png"}


def nothing(kind: str, out: Path) -> None:
    """Nothing of it is there; of `all`, what was whole before."""
    left = list(out.rglob("*"))
    if kind == "all":
        assert not [path for path in left if path.name.startswith(".")]
        for package in (out / "all").iterdir() if (out / "all").exists() else []:
            whole_package(package, FRAMES + 90 if package.name == f"cam_{RECORDING}" else 90)
    else:
        assert left == []
