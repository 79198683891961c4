"""From the card to the roster: a token works once, a name belongs to one camera, and the fingerprint is compared."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bodycamd.camera.enrolment.apply import apply
from bodycamd.cli.main import main
from bodycamd.errors import PermissionDeniedError
from bodycamd.evidence.application import SignedApplication
from bodycamd.workshop.fleet import enrolling
from bodycamd.workshop.fleet.boot_partition import MountedPartition
from bodycamd.workshop.fleet.card_series import Series
from bodycamd.workshop.fleet.fleet_file import read_fleet
from bodycamd.workshop.fleet.signing import sign_next
from tests.kit.scale import only_in_full, sample
from tests.workshop.fleet.fleets import ROOT_1, Folder, new_folder

NOW_US = int(time.time() * 1_000_000)
DAY_US = 86_400_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = new_folder(tmp_path)
    sign_next(made.fleet, made.file, lambda *_: [ROOT_1], NOW_US, 90)
    return made


class Booted:
    """A camera that has booted from a new card of this name."""

    def __init__(self, folder: Folder, name: str, at: Path) -> None:
        at.mkdir()
        (at / "cmdline.txt").write_text("root=PARTUUID=1 rootwait resize\n")
        with Series.of(read_fleet(folder.file.read_bytes()), folder.fleet, folder.file, None, NOW_US) as series:
            series.make(name, MountedPartition(at))
        self.token = (at / "bodycamd/token").read_bytes()
        self.at, self.name = at, name

    def applied(self, as_name: str = "") -> tuple[Path, SignedApplication]:
        """Its application; made again, it is another computer that has got the same card."""
        home = self.at / f"home-{len(list(self.at.glob('home-*')))}"
        home.mkdir()
        (home / "token").write_bytes(self.token)
        out = home / "application.txt"
        return out, apply(as_name or self.name, home / "token", home / "signing", home / "own", out, home / "device.pem", home / "serial")


def enrol(folder: Folder, file: Path, fingerprint: str) -> int:
    return main(["fleet", "enrol", str(file), "--fingerprint", fingerprint, "--fleet", str(folder.file)])


def test_a_camera_that_applied_is_in_the_next_roster(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, signed = Booted(folder, "HV-07", tmp_path / "card").applied()
    capsys.readouterr()
    assert enrol(folder, file, signed.fingerprint) == 0
    assert capsys.readouterr().out == f"HV-07  {signed.fingerprint}\n"
    [camera] = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], NOW_US, 90)[1].roster.cameras
    assert camera.keys == (signed.application.first_key, signed.application.uplink_key, signed.application.message_key)
    [kept] = folder.file.with_name("fleet.applications").iterdir()
    assert kept.read_bytes() == file.read_bytes()


@only_in_full
def test_a_token_works_once_and_a_second_camera_of_a_name_is_refused(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    booted = Booted(folder, "HV-07", tmp_path / "card")
    file, signed = booted.applied()
    assert enrol(folder, file, signed.fingerprint) == 0
    again, second = booted.applied()
    assert signed.document.sha256 != second.document.sha256
    assert enrol(folder, again, second.fingerprint) == 77
    assert "a token works once" in capsys.readouterr().err
    assert enrol(folder, file, signed.fingerprint) == 77
    other, third = booted.applied("HV-08")
    assert enrol(folder, other, third.fingerprint) == 77
    assert list(folder.record.enrolled) == ["HV-07"]


@only_in_full
def test_a_token_is_worth_something_for_its_own_camera_alone(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    booted = Booted(folder, "HV-07", tmp_path / "card")
    for name, code in (("HV-08", 77), ("ZZ-1", 66)):
        file, signed = booted.applied(name)
        assert enrol(folder, file, signed.fingerprint) == code
    assert folder.record.enrolled == {}


@only_in_full
def test_the_token_of_an_older_card_is_worth_nothing(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, signed = Booted(folder, "HV-07", tmp_path / "old").applied()
    Booted(folder, "HV-07", tmp_path / "new")
    assert enrol(folder, file, signed.fingerprint) == 77
    assert "not the token of its newest card" in capsys.readouterr().err


@only_in_full
def test_a_token_ends(folder: Folder, tmp_path: Path) -> None:
    _, signed = Booted(folder, "HV-07", tmp_path / "card").applied()
    enrolling.check(folder.fleet, folder.record, signed, NOW_US + 13 * DAY_US)
    with pytest.raises(PermissionDeniedError, match="ended on"):
        enrolling.check(folder.fleet, folder.record, signed, NOW_US + 15 * DAY_US)


@only_in_full
def test_a_copied_camera_is_refused_under_another_name(folder: Folder, tmp_path: Path) -> None:
    """The same keys with the token of another card: a card that was copied after its camera had made its keys."""
    first, second = Booted(folder, "HV-07", tmp_path / "one"), Booted(folder, "HV-08", tmp_path / "two")
    file, signed = first.applied()
    assert enrol(folder, file, signed.fingerprint) == 0
    home = first.at / "home-0"
    (home / "token").write_bytes(second.token)
    out = home / "second.txt"
    copied = apply("HV-08", home / "token", home / "signing", home / "own", out, home / "device.pem", home / "serial")
    with pytest.raises(PermissionDeniedError, match="has a key of HV-07"):
        enrolling.check(folder.fleet, folder.record, copied, NOW_US)


@only_in_full
@pytest.mark.parametrize("said", sample(["0000 " * 16, "", "yes"], 3))
def test_nothing_is_enrolled_without_the_whole_fingerprint(
    said: str, folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, signed = Booted(folder, "HV-07", tmp_path / "card").applied()
    assert enrol(folder, file, said) == 2
    assert enrol(folder, file, signed.fingerprint[:-5]) == 2
    assert folder.record.enrolled == {}


@only_in_full
def test_an_application_that_was_changed_is_refused(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, signed = Booted(folder, "HV-07", tmp_path / "card").applied()
    file.write_bytes(file.read_bytes().replace(b"HV-07", b"HV-08"))
    assert enrol(folder, file, signed.fingerprint) == 65
    assert folder.record.enrolled == {}


@only_in_full
def test_a_camera_out_of_service_is_not_enrolled(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, signed = Booted(folder, "HV-07", tmp_path / "card").applied()
    assert main(["fleet", "lost", "HV-07", "--yes", "--fleet", str(folder.file)]) == 0
    assert enrol(folder, file, signed.fingerprint) == 2
    assert "its name is not used again" in capsys.readouterr().err
