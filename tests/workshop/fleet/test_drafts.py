"""A draft at the second signer's desk: what is shown there, and which roster it is held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.cli.fleet_roster import _show
from bodycamd.cli.main import main
from bodycamd.errors import DataError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.roster import Roster
from bodycamd.workshop.fleet.signing import cosign, sign_next
from tests.evidence.rostering import NOW_US, key
from tests.workshop.fleet.fleets import ROOT_1, ROOT_2, Folder, new_folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return new_folder(tmp_path)


def test_the_second_signer_sees_what_changes_where_the_roster_before_lies_beside(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, first = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], NOW_US, 90)
    folder.edit("roles: [privacy]", "roles: [privacy, administrator]")
    draft, _ = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], NOW_US, 90, draft=True)
    desk = tmp_path / "desk"
    desk.mkdir()

    def shown() -> str:
        """What the second signer sees of the draft on this desk."""
        (desk / draft.name).write_bytes(draft.read_bytes())

        def ask(unsigned: Roster, last: Roster | None) -> list[Signer]:
            _show(unsigned, last)
            return [ROOT_2]

        cosign(desk / draft.name, ask)
        return capsys.readouterr().err

    everything = shown()
    assert "no roster 1 of this root is here, so all of it" in everything
    assert "new person E-01" in everything
    (desk / path.name).write_bytes(path.read_bytes())
    heading, *lines = shown().splitlines()
    assert heading.endswith("; changes since roster 1:")
    assert len(lines) == 1
    assert "person P-01: active, privacy, administrator" in lines[0]
    for signers, roster in (([key("stranger")], first.roster), ([ROOT_1], replace(first.roster, version=3))):
        (desk / path.name).write_bytes(rosters.sign(roster, signers).document.file_bytes)
        with pytest.raises(DataError, match="not the roster before"):
            shown()


def test_the_first_roster_is_shown_whole_and_called_the_first(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    draft, _ = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], NOW_US, 90, draft=True)

    def shown_and_signed(unsigned: Any, last: Any) -> list[Signer]:
        _show(unsigned, last)
        return [ROOT_2]

    cosign(draft, shown_and_signed)
    assert "; the first one, all of it:" in capsys.readouterr().err


def test_a_fleet_file_is_named_either_way_and_a_missing_one_says_how(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", "check", str(folder.file)]) == 0
    assert main(["fleet", "check", "--fleet", str(folder.file)]) == 0
    assert main(["fleet", "check", str(folder.file), "--fleet", str(folder.file)]) == 2
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for words in (["check"], ["list"]):
        capsys.readouterr()
        assert main(["fleet", *words]) == 78
        assert "fleet.yaml: there is none in this folder: cd to the fleet's folder, or name it with --fleet FILE" in capsys.readouterr().err
