"""A certificate of what the ledger, shortened since, only knows the deletion of: what is not known is not counted as none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.municipality.publish import certificate_page
from bodycamd.municipality.publish.certificate import certify
from tests.kit.local_time import AMSTERDAM

YEARS = Path(__file__).parents[2] / "old_stores/years/store"


def test_what_was_recorded_is_not_known_any_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = certify(YEARS, "000001-0001")
    assert (made.segments_recorded, made.segments_deleted, made.recorded_minutes) == (None, 1, None)
    page = certificate_page.page(made, "nl", AMSTERDAM)
    assert "1 bestand, " in page
    assert "die de camera opnam" not in page
    assert main(["recordings", "certificate", "000001-0001", "--store", str(YEARS), "--out", str(tmp_path / "c.json")]) == 0
    assert capsys.readouterr().out.endswith("is certified\n")
