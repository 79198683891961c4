"""Holds, sweeps and views with the whole daemon, and without one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bodycamd.cli.main import main
from tests.kit.camera import Camera
from tests.kit.resting_camera import DAY, RestingCamera
from tests.kit.scale import only_in_full

ROOT = Path(__file__).parents[2]


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """The JSON that a command prints."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@only_in_full
def test_hold_release_and_sweep_with_and_without_the_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Camera(tmp_path) as camera:
        camera.skip_warning_and_record()
        name = camera.stop_recording()["recording"]
        config = ("--config", camera.config)
        hold = ("hold", "add", name, "--ground", "complaint", "--reference", "K-117", "--by", "coordinator", "--review-on", "2099-01-01")
        assert told(capsys, *hold, *config)["ground"] == "complaint"
        assert camera.ledger("hold_added")[0]["detail"]["reference"] == "K-117"
        assert main([*map(str, (*hold, *config))]) == 2
        assert "already held" in capsys.readouterr().err
        assert main(["hold", "add", "000001-0077", *map(str, hold[3:]), *map(str, config)]) == 66
        capsys.readouterr()
        assert camera.status()["retention"]["held"] == [name]
        assert told(capsys, "sweep", "--dry-run", *config)["upcoming"][0]["held_for"] == ["complaint"]
        assert told(capsys, "sweep", *config)["deletions"] == []
        assert camera.stop() == 0, camera.journal
    assert told(capsys, "hold", "list", *config)[0]["recording"] == name
    assert told(capsys, "recordings", "list", "--store", camera.store)[0]["held_for"] == ["complaint"]
    release = ("hold", "release", name, "--reason", "withdrawn", "--by", "coordinator")
    assert told(capsys, *release, *config)["still_held_for"] == []
    assert told(capsys, "hold", "list", *config) == []
    assert told(capsys, "sweep", *config)["deleted"] == []
    assert told(capsys, "recordings", "check", "--store", camera.store)["findings"] == []
    assert main(["recordings", "log", "--store", str(camera.store), "--recording", name]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert f"Recording {name} is held for a complaint (K-117) by coordinator" in words
    assert main(["recordings", "certificate", name, "--store", str(camera.store)]) == 66
    assert main(["transparency", "--month", "2026-13", "--store", str(camera.store)]) == 2
    month = camera.ledger("recording_opened")[0]["wall"][:7]
    found = told(capsys, "transparency", "--month", month, "--store", camera.store)
    assert (found["recordings"], found["holds_placed"]["complaint"], found["holds_released"]) == (1, 1, 1)


@only_in_full
def test_certificate_verifies_with_stock_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = RestingCamera(tmp_path / "camera", keep_months=2).switch_on()
    camera.settle()
    names = []
    for _ in range(4):
        names.append(camera.record())
        camera.switch_off()
        camera.switch_on(off_us=35 * DAY)
        camera.settle()
    camera.switch_off()
    name = names[-1]
    out, page = tmp_path / "certificate.json", tmp_path / "certificate.html"
    assert main(["recordings", "certificate", name, "--store", str(camera.store_folder), "--out", str(out), "--html", str(page)]) == 0
    assert name in page.read_text()
    script, pem = ROOT / "scripts" / "verify-certificate.sh", tmp_path / "camera" / "device.pem"
    checked = subprocess.run([script, out, pem], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.startswith("VERIFIED")
    certificate = json.loads(out.read_text())
    for damage in ("line", "missing", "other"):
        lines = list(certificate["lines"])
        if damage == "line":
            lines[-1] = lines[-1].replace('"recording":"0', '"recording":"1')
        elif damage == "missing":
            del lines[1]
        forged = {**certificate, "lines": lines, "recording": "000009-0009" if damage == "other" else name}
        out.write_text(json.dumps(forged))
        assert subprocess.run([script, out, pem], capture_output=True).returncode == 1, damage
    capsys.readouterr()
    assert main(["recordings", "certificate", names[0], "--store", str(camera.store_folder), "--out", str(out)]) != 0
