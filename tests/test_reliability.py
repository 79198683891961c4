"""The table of faults and the tests name each other: every row has a test that exists, every test of a fault has its row."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)


def rows() -> list[str]:
    """The rows of the tables, without their heads."""
    lines = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("|") and not line.startswith(("| fault |", "|---"))]


def declared_in(pattern: str) -> set[str]:
    return {name for path in ROOT.glob(pattern) for name in TEST.findall(path.read_text(encoding="utf-8"))}


def test_every_row_names_a_test_that_exists() -> None:
    existing = declared_in("tests/**/test_*.py")
    assert len(rows()) > 30
    for row in rows():
        named = re.findall(r"`(test_\w+)(?:\[[\w -]+\])?`", row)
        assert named, row
        assert set(named) <= existing, row


def test_every_test_of_a_fault_has_its_row() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert {name for name in declared_in("tests/system/faults/test_*.py") if f"`{name}`" not in page} == set()


def test_no_line_of_prose_is_too_long_to_read() -> None:
    lines = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 160 and not line.startswith("|")] == []
