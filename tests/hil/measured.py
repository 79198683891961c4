"""What a run on the virtual camera took, from its report into `docs/measured.json`, for `docs/hil.md`.

make hil BOARD=virtual; python -m tests.hil.measured build/virtual "a load of 2"
make hil BOARD=virtual PART=ci; python -m tests.hil.measured --part ci build/virtual "a load of 2"
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.kit.measured import keep, provenance


def figures(folder: Path) -> dict[str, Any]:
    """Of the run whose report is in `folder`: seconds of waiting of every test, and of the whole. Raises `AssertionError` where not all
    passed."""
    [suite] = ElementTree.parse(folder / "report.xml").getroot().iter("testsuite")
    failed = {kind: suite.get(kind) for kind in ("errors", "failures", "skipped")}
    assert set(failed.values()) == {"0"}, failed
    seconds = {_name(case): round(float(case.get("time", "nan"))) for case in suite.iter("testcase")}
    cuts = sorted(path.read_text().strip() for path in folder.glob("power-cuts-*.txt"))
    return {"seconds": seconds, "waited_seconds": round(float(suite.get("time", "nan"))), "power_cuts": cuts}


def _name(case: ElementTree.Element) -> str:
    """A scenario's own name, or that of the test."""
    name = str(case.get("name"))
    return name.removeprefix("test_scenario[").removesuffix("]") if name.startswith("test_scenario[") else name.removeprefix("test_")


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep what a run took.")
    parser.add_argument("folder", type=Path, help="of images and report: build/virtual")
    parser.add_argument("load", help="what else the computer did")
    parser.add_argument("--part", choices=("all", "ci"), default="all")
    given = parser.parse_args()
    keep({**provenance(), "load": given.load, **figures(given.folder)}, "hil", given.part)


if __name__ == "__main__":
    main()
