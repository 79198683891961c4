"""What the unit's priorities are worth: the button while both processors are busy, without and with them."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.figures import Table, percentile, spread
from tests.kit.camera import Camera
from tests.kit.scale import count
from tests.system.load.groups import Group, missing
from tests.system.load.hogs import Hog
from tests.system.load.officer import ANSWER_MS, Officer

pytestmark = [pytest.mark.bench, pytest.mark.root, pytest.mark.skipif(bool(missing()), reason=missing())]

UNIT = Path(__file__).parents[2] / "systemd" / "bodycamd.service"
PICTURE = {"source": "pattern", "width": 640, "height": 480, "frame_rate": 25, "bit_rate": 2_000_000}


def setting(name: str) -> int:
    """What the unit says."""
    return next(int(line.partition("=")[2]) for line in UNIT.read_text().splitlines() if line.startswith(f"{name}="))


def answers(folder: Path, *, nice: int = 0) -> list[float]:
    """Milliseconds, with hogs in the camera's own group."""
    with ExitStack() as stack:
        group = stack.enter_context(Group("cpu", "camera"))
        camera = Camera(folder, {"video": PICTURE})
        camera.command = ("nice", "-n", str(nice), sys.executable, "-m", "bodycamd.camera.daemon")
        group.join()
        try:
            stack.enter_context(camera)
        finally:
            group.leave()
        officer = Officer(camera)
        for _ in range(2):
            stack.enter_context(Hog("cpu", before=group.join))
        for _ in range(count(20)):
            officer.record()
        return officer.answers


def test_the_button_while_the_processors_are_busy(table: Table, tmp_path: Path) -> None:
    value = setting("Nice")
    plain = answers(tmp_path / "plain")
    tuned = answers(tmp_path / "tuned", nice=value)
    table.add(
        f"button, hogs within the service, Nice={value}",
        percentile(tuned, 0.99),
        spread(tuned),
        peer=f"without: {spread(plain)}",
        at_most=ANSWER_MS,
        target=f"{ANSWER_MS} ms p99",
    )
