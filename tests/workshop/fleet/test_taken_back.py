"""A camera that was called lost or retired by mistake: asked after first, and taken back until a roster says it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from bodycamd.cli.main import main
from bodycamd.errors import ConfigError, DataError, UsageError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.roster import State
from bodycamd.workshop.fleet import signing
from bodycamd.workshop.fleet.record import appending, read_record, record_path, rosters_folder
from bodycamd.workshop.fleet.signing import sign_next, take_draft
from bodycamd.workshop.fleet.states import change, taken_back
from tests.evidence.rostering import NOW_US
from tests.workshop.fleet.fleets import DAY, ROOT_1, Folder, new_folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return new_folder(tmp_path)


def sign(folder: Folder) -> rosters.SignedRoster:
    return sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], NOW_US, 90)[1]


def test_a_camera_is_asked_after_and_a_mistake_is_taken_back_until_a_roster_says_it(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wrong digit burnt the name of a camera that works."""
    folder.enrol("HV-07")
    fleet = ["--fleet", str(folder.file)]
    before = record_path(folder.file).read_bytes()
    assert main(["fleet", "retire", "HV-07", *fleet]) == 2
    said = capsys.readouterr().err
    assert f"HV-07, team handhaving, active since {DAY}: it is retired, and its name is never used again" in said
    assert "--yes" in said
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    for answer, code in ((False, 2), (True, 0)):
        assert record_path(folder.file).read_bytes() == before
        monkeypatch.setattr(typer, "confirm", lambda *_, answer=answer, **__: answer)
        assert main(["fleet", "retire", "HV-07", *fleet]) == code
    assert "bodycamd fleet take-back HV-07" in capsys.readouterr().err
    assert main(["fleet", "take-back", "HV-07", *fleet]) == 0
    assert capsys.readouterr().out == f"HV-07: as before, team handhaving, active since {DAY}\n"
    assert [camera.state for camera in sign(folder).roster.cameras] == ["active"]
    assert main(["fleet", "take-back", "HV-07", *fleet]) == 2
    assert "nothing was said of it" in capsys.readouterr().err
    assert main(["fleet", "retire", "HV-07", "--yes", *fleet]) == 0
    assert [camera.state for camera in sign(folder).roster.cameras] == ["retired"]
    assert main(["fleet", "take-back", "HV-07", *fleet]) == 2
    assert "HV-07 is retired in roster 2, which was signed" in capsys.readouterr().err


def test_what_is_taken_back_leaves_what_was_said_before(folder: Folder) -> None:
    folder.enrol("HV-07")
    say, back = _saying(folder), _taking_back(folder)
    say("HV-07", "lost", None)
    say("HV-07", "retired", "HV-99")
    assert list(folder.record.added) == ["HV-99"]
    back("HV-07")
    assert (folder.record.state("HV-07"), folder.record.added) == ("lost", {})
    say("HV-07", "retired", "HV-98")
    folder.enrol("HV-98")
    with pytest.raises(UsageError, match="HV-98, which takes the place of HV-07, has a card or a state already"):
        back("HV-07")
    say("HV-06", "lost", None)
    back("HV-06")
    assert "HV-06" not in folder.record.states, "it may get a card"
    with record_path(folder.file).open("ab") as file:
        file.write(b'{"camera":"HV-06","on":"2026-03-10","type":"taken_back"}\n')
    with pytest.raises(DataError, match="takes back what it never said of HV-06"):
        read_record(record_path(folder.file))


def test_no_draft_and_no_roster_says_what_was_taken_back(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """None could follow it: nobody who was retired is listed as active again."""
    folder.enrol("HV-07")
    say, back = _saying(folder), _taking_back(folder)
    say("HV-07", "retired", None)
    draft, _ = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], NOW_US, 90, draft=True)
    back("HV-07")
    with pytest.raises(ConfigError, match="HV-07 is retired in it, and that was taken back since"):
        take_draft(folder.file, draft, lambda *_: None, NOW_US)
    say("HV-07", "lost", None)
    with monkeypatch.context() as crashing:
        crashing.setattr(signing, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sign(folder)
    with pytest.raises(UsageError, match=r"0001-000001\.roster was signed, and the record does not have it yet"):
        back("HV-07")


def _saying(folder: Folder) -> Callable[[str, State, str | None], None]:
    def say(camera: str, state: State, by: str | None) -> None:
        with appending(record_path(folder.file)) as writer:
            writer.add(*change(folder.fleet, writer.record, camera, state, by, DAY))

    return say


def _taking_back(folder: Folder) -> Callable[[str], None]:
    def back(camera: str) -> None:
        kept = [path.name for path in rosters_folder(folder.file).glob("*.roster")]
        with appending(record_path(folder.file)) as writer:
            writer.add(taken_back(folder.fleet, writer.record, camera, kept, DAY))

    return back
