"""A store that somebody meddled with, under the whole daemon: what is due goes, the rest is told; and each refused request to hold."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from bodycamd.cli.main import main
from bodycamd.evidence.retention_entries import RecordingDeleting
from tests.kit.camera import Camera
from tests.kit.resting_camera import DAY, HOUR, RestingCamera
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

HOLD = {"--ground": "complaint", "--reference": "K-2026-117", "--by": "coordinator", "--review-on": "2099-01-01"}
RELEASE = {"--reason": "settled", "--by": "coordinator"}


def older(root: Path) -> tuple[RestingCamera, list[str]]:
    """A camera that ran for 29 days after six recordings, and made one more; nothing has been swept. The fifth is held."""
    resting = RestingCamera(root).switch_on()
    names = [resting.record() for _ in range(6)]
    resting.hold(names[4], review_on="2099-01-01")
    resting.run(29 * DAY, pace_us=HOUR, sweep=False)
    names.append(resting.record())
    resting.store.ledger.note(RecordingDeleting(recording=names[5], reason="28 days have passed"))
    resting.switch_off(clean=False)
    return resting, names


def daemon(root: Path) -> Camera:
    """Not started. It goes on with the store and keys of the camera before it."""
    return Camera(root, {"device_id": "cam-7", "keys": {"recipients": "recipients.txt", "signing": "../signing"}})


@only_in_full
def test_what_does_not_belong_in_the_store_is_told_and_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resting, (stray, corrupt, linked, good, held, begun, young) = older(tmp_path)
    recordings = resting.store_folder / "recordings"
    (recordings / "lost+found").mkdir()
    (recordings / "notes.txt").write_text("stray")
    os.mkfifo(recordings / "pipe")
    (recordings / "000009-0001").symlink_to(tmp_path / "nowhere")
    (recordings / "000000-0001").mkdir()
    (recordings / stray / "holiday.jpg").write_bytes(b"stray")
    (recordings / corrupt / "000000.tar").write_bytes(b"corrupt")
    (recordings / corrupt / "000007.tar").mkdir()
    (recordings / young / "000001.tar").chmod(0)
    shutil.move(recordings / linked, tmp_path / "elsewhere")
    (recordings / linked).symlink_to(tmp_path / "elsewhere")
    precious = sorted((tmp_path / "elsewhere").iterdir())
    with daemon(tmp_path) as camera:
        camera.wait_state("standby")
        wait_for(lambda: {good, begun}.isdisjoint(camera.recordings()) and camera.status()["retention"]["problems"], 20, "the sweep")
        camera.skip_warning_and_record()
        new = camera.stop_recording()["recording"]
        told = "\n".join(camera.status()["retention"]["problems"])
        assert camera.stop() == 0, camera.journal
    assert [entry["detail"]["recording"] for entry in camera.ledger("deleted")] == [begun, stray, corrupt, good]
    assert sorted((tmp_path / "elsewhere").iterdir()) == precious
    left = {"lost+found", "notes.txt", "pipe", "000009-0001", "000000-0001"}
    assert set(camera.recordings()) == left | {stray, corrupt, linked, held, young, new}
    assert [path.name for path in (recordings / stray).iterdir()] == ["holiday.jpg"]
    assert [path.name for path in (recordings / corrupt).iterdir()] == ["000007.tar"]
    for name in (linked, stray, corrupt):
        assert name in told
    assert main(["recordings", "check", "--store", str(resting.store_folder)]) == 65
    found = capsys.readouterr().out
    for name in (*left, stray, corrupt, linked):
        assert f"\n{name}" in f"\n{found}", name
    assert young not in found
    assert held not in found


def command(name: str, *arguments: str, **options: str) -> list[str]:
    """A `hold` command; an option that is empty stays empty, `None` is none."""
    defaults = HOLD if name == "add" else RELEASE
    given = {**defaults, **{f"--{option.replace('_', '-')}": value for option, value in options.items()}}
    return ["hold", name, *arguments, *(part for option, value in given.items() for part in (option, value))]


def refusals(young: str, held: str, begun: str) -> list[tuple[list[str], int, str]]:
    """Commands, exit codes, and words of the message."""
    return [
        (command("add", "nonsense"), 2, "is not the id of a recording"),
        (command("add", "000001-0099"), 66, "there is no such recording"),
        (command("add", young, ground="curiosity"), 2, "one of complaint, criminal-investigation, access-request"),
        (command("add", young, reference=""), 2, "--reference: a case number such as Z-2026/00123"),
        (command("add", young, reference="1" * 41), 2, "at most 40 characters"),
        (command("add", young, reference="Dorpsstraat 12"), 2, "no name, no address"),
        (command("add", young, by="a\nb"), 2, "--by: a pseudonym with a digit, such as E-03"),
        (command("add", young, by="Jan de Vries"), 2, "never a name"),
        (command("add", young, review_on="tomorrow"), 2, "YYYY-MM-DD"),
        (command("add", young, review_on="2027-02-29"), 2, "is not a date"),
        (command("add", young, review_on="2020-01-01"), 2, "is past"),
        (command("add", held), 2, "already held for complaint (K-2026-117) by coordinator: hold"),
        (command("add", begun), 2, "its deletion has begun"),
        (command("release", young), 2, "is not held"),
        (command("release", "000001-0099"), 66, "there is no such recording"),
        (command("release", held, ground="access-request"), 2, "is not held for access-request, but for complaint"),
        (command("release", held, ground="curiosity"), 2, "one of complaint"),
        (command("release", "0123456789ab"), 66, "there is no such hold"),
        (command("release", held, reason="asked by J. de Vries"), 2, "one of settled, withdrawn, handed-over, not-needed, mistake"),
        (command("release", held, by=""), 2, "--by: a pseudonym"),
        (["hold", "add", young], 2, "Missing option"),
        (["hold", "release", held, "--by", "coordinator"], 2, "Missing option"),
        (["sweep", "now"], 2, "unexpected extra argument"),
    ]


@only_in_full
def test_refused_holds_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With no daemon not even a start is made; with one, no entry speaks of a hold."""
    resting, names = older(tmp_path)
    held, begun, young = names[4:]
    recordings = resting.store_folder / "recordings"
    shutil.move(recordings / begun, tmp_path / "elsewhere")
    (recordings / begun).symlink_to(tmp_path / "elsewhere")  # so that its deletion, which has begun, cannot be completed
    camera = daemon(tmp_path)
    config = ["--config", str(camera.config)]

    def refuse() -> None:
        for arguments, code, words in refusals(young, held, begun):
            assert main([*arguments, *config]) == code, arguments
            told = capsys.readouterr()
            assert words in told.err, (arguments, told.err)
            assert told.out == ""
            if "Missing" not in words and "unexpected" not in words:
                assert told.err.count("\n") == 1, told.err

    def files() -> dict[Path, Any]:
        return {path: path.lstat().st_mtime_ns for path in sorted(resting.store_folder.rglob("*"))}

    before = files()
    refuse()
    assert files() == before
    with camera:
        wait_for(lambda: len(camera.ledger("deleted")) == 4, 20, "the sweep")
        refuse()
        assert camera.stop() == 0, camera.journal
    assert [entry["detail"]["recording"] for entry in camera.ledger("hold_added")] == [held]
    assert camera.ledger("hold_released") == []
    assert {held, young} <= set(camera.recordings())
    capsys.readouterr()
    assert main([*command("release", held), *config]) == 0
    assert main(["hold", "list", *config]) == 0
    assert "nothing is held" in capsys.readouterr().out
