"""The roster of a card: what it does not say of people, root and teams makes no card; what it does not say of cameras yet is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.scale import only_in_full, sample
from tests.workshop.fleet.fleets import Folder
from tests.workshop.fleet.test_card_strangers import card, new_boot


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    return new_boot(tmp_path / "bootfs")


@pytest.mark.parametrize(
    "case",
    sample(
        [
            ("    title: ", "    title: Nieuw "),
            ("    teams: [", "    state: retired\n    teams: ["),
            ("release_keys:", "release_keys:\n  - {id: release-9, key: " + "ab" * 32 + "}"),
        ],
        3,
    ),
)
def test_a_fleet_file_that_the_last_roster_does_not_have_makes_no_card(
    folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str], case: tuple[str, str]
) -> None:
    old, new = case
    folder.edit(old, new)
    assert card(folder, boot, camera="HV-01") == 78
    said = capsys.readouterr().err
    assert "changed since roster 1 was signed" in said
    assert "bodycamd fleet roster" in said
    assert sorted(path.name for path in boot.iterdir()) == ["cmdline.txt", "config.txt"]


@only_in_full
def test_what_the_roster_does_not_say_of_cameras_yet_is_told(folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.enrol("HV-02")
    assert card(folder, boot, camera="HV-01") == 0
    assert "does not say yet: new camera HV-02" in capsys.readouterr().err
