"""Whose card it is: no camera's card is overwritten by another's, and what is printed says it first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.evidence.statements import wall_us
from bodycamd.workshop.fleet.boot_partition import MountedPartition
from bodycamd.workshop.fleet.card_making import contents, held
from bodycamd.workshop.fleet.card_tokens import token_of
from tests.kit.scale import one_in, only_in_full
from tests.workshop.fleet.fleets import REAL_NOW_US, Folder, enrolled
from tests.workshop.fleet.test_card_strangers import card, new_boot, show


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    return new_boot(tmp_path / "bootfs")


@only_in_full
def test_the_card_of_another_camera_is_left_as_it_is(folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert card(folder, boot, camera="HV-01") == 0
    before = {path: path.read_bytes() for path in boot.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert card(folder, boot, camera="HV-02") == 73
    assert "this is the card of HV-01, not of HV-02" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in boot.rglob("*") if path.is_file()} == before
    assert folder.record.cards.keys() == {"HV-01"}
    assert card(folder, boot, "--overwrite", camera="HV-02") == 0
    assert folder.record.cards.keys() == {"HV-01", "HV-02"}


@only_in_full
@one_in(3)
@pytest.mark.parametrize(
    ("name", "content", "whose"),
    [
        ("application-hv-01.txt", "x", "HV-01"),
        ("bodycamd/bodycamd.yaml", "half a file", "a camera without a name"),
        ("bodycamd/bodycamd.yaml", "device_id: HV-01\nmore: of a later version\n", "HV-01"),
    ],
)
def test_a_card_that_booted_or_is_broken_is_somebodys_too(
    name: str, content: str, whose: str, folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (boot / name).parent.mkdir(exist_ok=True)
    (boot / name).write_text(content)
    assert card(folder, boot, camera="HV-02") == 73
    assert f"the card of {whose}, not of HV-02" in capsys.readouterr().err


@only_in_full
def test_whose_card_it_is_is_said_first(folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert card(folder, boot, "--json") == 0
    told, lines = capsys.readouterr()
    said = json.loads(told)
    until = folder.record.cards["HV-07"].until
    assert list(said) == ["camera", "municipality", "roster_version", "token", "token_until", "files"]
    assert list(said.values())[:5] == ["HV-07", folder.fleet.municipality, 1, "usable", until]
    assert all(list(file) == ["name", "size", "what", "kind"] for file in said["files"])
    assert lines.splitlines() == ["no bundle was put on it: the first boot needs one (--bundle), or an image that has the program already"]
    assert show(boot, "--json") == 0
    assert list(json.loads(capsys.readouterr().out).values())[:5] == ["HV-07", folder.fleet.municipality, 1, "unknown", None]
    assert show(boot, "--fleet", str(folder.file)) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"the card of HV-07, {folder.fleet.municipality}; roster 1; its token: worth something until {until}"


@only_in_full
def test_what_a_token_is_worth_is_by_the_record(folder: Folder, boot: Path) -> None:
    assert card(folder, boot) == 0
    target = MountedPartition(boot)
    found = held(contents(target), target.names("bodycamd"), target.names(""), target.size_bytes)
    record, now = folder.record, REAL_NOW_US
    until = record.cards["HV-07"].until
    assert token_of(found, record, now).state == "usable"
    assert token_of(found, record, wall_us(until, "until")).state == "usable"
    assert token_of(found, record, wall_us(until, "until") + 1).state == "over"
    assert token_of(replace(found, token_key="0" * 64), record, now).state == "replaced"
    record.take(replace(enrolled("HV-07"), token_key=found.token_key))
    assert token_of(found, record, now).state == "used"


@only_in_full
def test_a_host_that_is_not_the_configurations_camera_is_refused(folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert card(folder, boot) == 0
    for name in ("user-data", "meta-data"):
        (boot / name).write_text((boot / name).read_text().replace("hv-07", "hv-08"))
    assert show(boot) == 65
    assert "the host is hv-08, but the configuration is that of HV-07" in capsys.readouterr().err
