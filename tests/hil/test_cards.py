"""Two cards from one fleet file boot, without a network, to cameras that are ready and are enrolled, once; nothing is left on the card that
is worth anything, and nobody has a password."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hil.conftest import BARE, PREPARED, STANDBY_SECONDS, first_boot
from tests.hil.remote_board import RemoteBoard
from tests.hil.virtual_camera import Frozen, VirtualCamera
from tests.hil.virtual_fleet import VirtualFleet, bodycamd

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(3600)]

ONE_TIME = ("bodycamd/token", "bodycamd/SHA256SUMS", "bodycamd.done/token", "user-data")
SECRET = r"AGE-SECRET-KEY|BEGIN [A-Z ]*PRIVATE KEY"


def test_a_card_whose_image_has_the_program(prepared: VirtualCamera, frozen: Frozen, fleet: VirtualFleet, tmp_path: Path) -> None:
    check(prepared, PREPARED, fleet, tmp_path / "application.txt", frozen.console.read_text(errors="replace"))


def test_a_card_with_the_bundle_beside_an_image_that_has_no_program(made: Path, fleet: VirtualFleet, film: Path, tmp_path: Path) -> None:
    with first_boot(VirtualCamera(made, fleet.card(BARE), film)) as camera:
        check(camera, BARE, fleet, tmp_path / "application.txt", camera.console)


def check(camera: VirtualCamera, name: str, fleet: VirtualFleet, file: Path, console: str) -> None:
    """That it is ready, and its application is taken, once."""
    board = RemoteBoard(camera)
    board.until(lambda: board.status()["state"] == "standby", STANDBY_SECONDS)
    assert camera.run("ls", "/sys/class/net")["out"].split() == ["lo"], "there is no network"
    shadow = [line.split(":") for line in camera.run("cat", "/etc/shadow")["out"].splitlines()]
    assert [account[0] for account in shadow if account[1][:1] not in ("!", "*")] == [], "accounts with a password"
    assert camera.run("grep", "-rlaE", SECRET, "/boot/firmware", "/etc/bodycamd")["out"] == ""
    camera.run("sync")
    for left in ONE_TIME:
        assert camera.on_card(left) is None, left
    raw = camera.on_card(f"application-{name.lower()}.txt")
    assert raw is not None, "no application on the card"
    file.write_bytes(raw)
    printed = re.findall(r"bodycamd first boot: ((?:[0-9a-f]{4} ?){16})", console)
    assert len(printed) == 1, "the fingerprint is on the console"
    refused = bodycamd("fleet", "enrol", file, "--fingerprint", "0" * 64, "--fleet", fleet.file, code=2)
    assert "not that of this file" in refused
    bodycamd("fleet", "enrol", file, "--fingerprint", printed[0], "--fleet", fleet.file)
    again = bodycamd("fleet", "enrol", file, "--fingerprint", printed[0], "--fleet", fleet.file, code=77)
    assert "the token was used already" in again
