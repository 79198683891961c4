"""Which roster counts at a station, and that a camera that is shut out by the next one is shut out at once."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bodycamd.errors import ConfigError
from bodycamd.evidence.roster import DAY_US, Roster
from bodycamd.municipality.station.cameras import RosterInForce
from tests.evidence.rostering import FIRST, LATER, NOW_US, ROOT, ROOT_2, camera, signed

LOST = replace(LATER, cameras=(replace(FIRST.cameras[0], state="lost"), *FIRST.cameras[1:]))


class Folder:
    """The station's files, and its clock."""

    def __init__(self, root: Path) -> None:
        self.root, self.now_us, self._changes = root, NOW_US, 0
        (root / "root.json").write_bytes(msgspec.json.encode(ROOT))
        self.put(FIRST)

    def put(self, roster: Roster, *names: str) -> None:
        file = self.root / "roster.txt"
        file.write_bytes(signed(roster, *names).document.file_bytes)
        self._changes += 1
        os.utime(file, ns=(self._changes, self._changes))

    def open(self) -> RosterInForce:
        return RosterInForce(self.root / "root.json", self.root / "roster.txt", self.root / "data" / "in-force.roster", lambda: self.now_us)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def names(in_force: RosterInForce) -> list[str]:
    return sorted(sender.device for sender in in_force.senders().values())


def test_active_cameras_may_send(folder: Folder) -> None:
    assert names(folder.open()) == ["HV-01", "IN-01"]


def test_a_camera_that_the_next_roster_calls_lost_is_shut_out_at_once(folder: Folder) -> None:
    in_force = folder.open()
    folder.put(LOST)
    assert names(in_force) == ["IN-01"]
    assert names(folder.open()) == ["IN-01"]


def test_an_older_roster_never_comes_back(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """Not while it runs, and not after a start either."""
    in_force = folder.open()
    folder.put(LOST)
    in_force.senders()
    folder.put(FIRST)
    assert names(in_force) == ["IN-01"]
    assert "is not taken" in caplog.text
    with pytest.raises(ConfigError, match="older"):
        folder.open()


@pytest.mark.parametrize("roster", [replace(LATER, version=7), replace(LATER, cameras=()), replace(LATER, municipality="elders")])
def test_what_no_camera_would_take_changes_nothing(roster: Roster, folder: Folder) -> None:
    in_force = folder.open()
    folder.put(roster)
    assert names(in_force) == ["HV-01", "IN-01"]


def test_what_another_root_signed_or_nobody_changes_nothing(folder: Folder) -> None:
    in_force = folder.open()
    folder.put(replace(LATER, root=ROOT_2), "root-3", "root-4")
    assert names(in_force) == ["HV-01", "IN-01"]
    (folder.root / "roster.txt").write_text("nothing of the kind")
    assert names(in_force) == ["HV-01", "IN-01"]
    (folder.root / "roster.txt").unlink()
    assert names(in_force) == ["HV-01", "IN-01"]


def test_a_new_root_that_the_old_one_signed_too_is_followed(folder: Folder) -> None:
    in_force = folder.open()
    folder.put(replace(LATER, root=ROOT_2, cameras=(*FIRST.cameras, camera("HV-03"))), "root-1", "root-3", "root-4")
    assert names(in_force) == ["HV-01", "HV-03", "IN-01"]
    assert names(folder.open()) == ["HV-01", "HV-03", "IN-01"]


def test_nobody_sends_under_a_roster_that_has_ended_until_the_next_one(folder: Folder) -> None:
    in_force = folder.open()
    folder.now_us += 90 * DAY_US
    with pytest.raises(ConfigError, match="sign the next one"):
        in_force.senders()
    folder.put(replace(LATER, made_at="2026-06-08T08:00:00.000000Z", not_after="2026-08-08T08:00:00.000000Z"))
    assert names(in_force) == ["HV-01", "IN-01"]
