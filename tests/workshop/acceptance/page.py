"""The table of docs/hardware-unverified.md, from the checks of the sheet: `python -m tests.workshop.acceptance.page` writes it."""

from __future__ import annotations

from pathlib import Path

from bodycamd.workshop.acceptance.checks import checks
from tests.kit.marked import written

PAGE = Path(__file__).parents[3] / "docs/hardware-unverified.md"


def page(text: str) -> str:
    """The page with the checks of now."""
    rows = [f"| `{check.id}` | {check.what} | {check.stood_in} | {check.how} |" for check in checks().values()]
    table = "\n".join(["| check | not checked | what stood in for it | how to check it on a Pi |", "|---|---|---|---|", *rows])
    return written(text, "checks", "tests.workshop.acceptance.page", table)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
