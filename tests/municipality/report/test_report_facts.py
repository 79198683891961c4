"""What a report says of its export, and of the pictures on its contact sheets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bodycamd.evidence.statements import wall_us
from tests.kit.camera import Camera
from tests.kit.local_time import AMSTERDAM
from tests.kit.scale import only_in_full
from tests.municipality.report.test_package import Found, camera, export, package, report

pytestmark = only_in_full

__all__ = ["camera", "package", "report"]


def test_case_exporter_and_purpose_stand_in_the_report(camera: Camera, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ("--case", "Z-2026/00123", "--exported-by", "E-03", "--purpose", "complaint")
    assert export(camera, tmp_path / "case", *said, "--language", "nl") == 0
    html = (tmp_path / "case" / "report.html").read_text(encoding="utf-8")
    for words in ("Zaaknummer", "Z-2026/00123", "E-03", "een klacht"):
        assert words in html
    written = json.loads((tmp_path / "case" / "report.json").read_bytes())["handover"]
    assert written == {"case": "Z-2026/00123", "exported_by": "E-03", "purpose": "complaint"}
    capsys.readouterr()
    for option, name in (("--case", "Jan Jansen"), ("--exported-by", "Jan Jansen"), ("--purpose", "curiosity")):
        assert export(camera, tmp_path / "other", option, name) == 2
        assert option in capsys.readouterr().err
    assert export(camera, tmp_path / "film.mp4", *said) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_every_picture_of_a_sheet_has_its_time(package: Path, report: Found) -> None:
    html = (package / "report.html").read_text(encoding="utf-8")
    for film in report["films"]:
        walls = [at["wall"] for at in film["pictures"]]
        assert walls == sorted(set(walls))
        assert 1 <= len(walls) <= 16
        first_us = film["begins"]["boottime_us"]
        assert all(0 <= at["boottime_us"] - first_us <= film["duration_seconds"] * 1e6 for at in film["pictures"])
        assert all(f">{AMSTERDAM.clock_beside_utc(wall_us(wall, ''))}</span>" in html for wall in walls)
