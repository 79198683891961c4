"""Each side installs what it needs and nothing of the other: the chest without pages, the town hall without pins and microphones."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bodycamd.camera.daemon.__main__ import main as daemon
from bodycamd.cli.main import main
from bodycamd.linux import memory, missing_package
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full

ROOT = Path(__file__).parents[1]
ONLY_MUNICIPALITY = {"segno"}
ONLY_CAMERA = {"gpiozero"}


def everything_of(extra: str) -> set[str]:
    """All packages that `pip install bodycamd[extra]` brings here, by the installed metadata, in small letters."""
    found: set[tuple[str, str]] = set()
    waiting = [("bodycamd", extra)]
    while waiting:
        package, wanted = waiting.pop()
        if (package, wanted) in found:
            continue
        found.add((package, wanted))
        for line in metadata.requires(package) or []:
            required = Requirement(line)
            if required.marker is None or required.marker.evaluate({"extra": wanted}):
                waiting += [(required.name.lower(), more) for more in ("", *required.extras)]
    return {package for package, _ in found}


def test_neither_side_installs_what_only_the_other_needs() -> None:
    assert everything_of("camera") & ONLY_MUNICIPALITY == set()
    assert everything_of("municipality") & ONLY_CAMERA == set()
    assert everything_of("workshop") >= ONLY_CAMERA | ONLY_MUNICIPALITY
    assert everything_of("camera") >= ONLY_CAMERA
    assert everything_of("municipality") >= ONLY_MUNICIPALITY


@pytest.mark.parametrize(
    ("module", "command", "side"),
    [
        ("segno", "run", "municipality"),
        ("av", "run", "camera"),
        ("av.error", "run", "camera"),
        ("gpiozero", "run", "camera"),
        ("gpiozero", "export", "camera"),
        *(("av", command, "municipality") for command in ("export", "contact-sheet", "verify", "transparency", "keys", "anchor")),
        *(
            (module, "station", "station")
            for module in ("starlette", "sqlalchemy", "http_message_signatures.algorithms", "prometheus_client")
        ),
        ("boto3", "station", "s3"),
        *((module, "simulate", "workshop") for module in ("av", "gpiozero", "segno", "pyrage")),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_brings_it(module: str, command: str, side: str) -> None:
    error = missing_package.as_error(ModuleNotFoundError("no module", name=module), command)
    assert error is not None
    assert f"from bodycamd's source: pip install '.[{side}]'" in str(error)
    assert error.exit_code == 69


@pytest.mark.parametrize("module", ["bodycamd.nothing", "pytest", "a", None])
def test_another_module_that_is_missing_is_a_defect(module: str | None) -> None:
    assert missing_package.as_error(ModuleNotFoundError("no module", name=module), "run") is None


def test_the_command_ends_with_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)  # as import(7) of Python treats what is not there
    for module in ("bodycamd.linux.age_library", "bodycamd.municipality.film.new_identity"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    assert main(["keys", "new", "--out", str(tmp_path / "identity.txt")]) == 69
    [line] = capsys.readouterr().err.splitlines()
    assert (
        line
        == "bodycamd: this command needs the package pyrage, which is not installed: from bodycamd's source: pip install '.[municipality]'"
    )


def test_the_daemon_ends_with_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(memory, "lock", lambda: None)
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    monkeypatch.delitem(sys.modules, "bodycamd.camera.board.pi", raising=False)
    camera = Camera(tmp_path, {"board": {"adapter": "pi"}})
    assert daemon(["--config", str(camera.config)]) == 69
    [line] = capsys.readouterr().err.splitlines()
    assert (
        line == "bodycamd: this command needs the package gpiozero, which is not installed: from bodycamd's source: pip install '.[camera]'"
    )


@only_in_full
@pytest.mark.timeout(600)
def test_a_camera_films_without_the_municipality_and_the_municipality_opens_it_without_a_camera(tmp_path: Path) -> None:
    """Two fresh environments with one extra each, as pip makes them."""
    camera, municipality = (environment(tmp_path / side, side) for side in ("camera", "municipality"))
    for program, others in ((camera, ONLY_MUNICIPALITY), (municipality, ONLY_CAMERA)):
        for package in others:
            asked: list[str | Path] = [program / "python", "-c", f"import {package}"]
            assert b"ModuleNotFoundError" in subprocess.run(asked, capture_output=True).stderr
    demo = tmp_path / "demo"
    script = tmp_path / "short.script"
    script.write_text("1.0 tap\n8.0 hold 2.5\n11.2 tap\n14.0 quit\n")
    run(camera / "bodycamd", "simulate", "--dir", demo, "--script", script)
    # Where this machine was busy, pictures are missing, and that is stated: as whole as it was filmed.
    run(municipality / "bodycamd", "verify", "--store", demo / "store", "--device-key", demo / "keys/device.pem", codes=(0, 3))
    film = tmp_path / "film.mp4"
    opening = ("--store", demo / "store", "--identity", demo / "keys/identity.txt")
    run(municipality / "bodycamd", "export", "000001-0001", *opening, "--out", film)
    assert film.stat().st_size > 10_000
    run(municipality / "bodycamd", "export", "000001-0001", *opening, "--device-key", demo / "keys/device.pem", "--out", tmp_path / "case")
    assert (tmp_path / "case/report.html").exists()


def environment(folder: Path, extra: str) -> Path:
    """Where its programs are."""
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{ROOT}[{extra}]")
    return folder / "bin"


def run(*command: str | Path, codes: tuple[int, ...] = (0,)) -> None:
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode in codes, ended.stdout + ended.stderr
