"""Officers' cards: from a number to a code in the fleet file, and from there onto the cards of the team's cameras, as they read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.camera.cards.codes import MAX_CARDS, code_of, read_officers
from bodycamd.cli.main import main
from bodycamd.config.load import parse
from bodycamd.errors import DataError, UnavailableError
from bodycamd.linux.clock import SettableClock
from bodycamd.workshop.fleet.checks import check
from bodycamd.workshop.fleet.configurations import ON_CAMERA
from bodycamd.workshop.fleet.fleet_file import read_fleet
from bodycamd.workshop.fleet.new_fleet import fleet_file
from bodycamd.workshop.fleet.officer_cards import code_at_reader, code_from_number
from bodycamd.workshop.fleet.signing import sign_next
from tests.camera.cards.test_watch import Scripted
from tests.kit.scale import only_in_full, sample
from tests.workshop.fleet.fleets import REAL_NOW_US, ROOT_1, Folder, new_folder
from tests.workshop.fleet.test_card_strangers import card, new_boot

SALT = "000102030405060708090a0b0c0d0e0f"
NUMBER = "04:a1:b2:c3:d4:e5:f6"
UID = bytes.fromhex(NUMBER.replace(":", ""))
FIRST, SECOND = "11" * 32, "22" * 32


def with_reader(folder: Folder) -> Folder:
    """Cameras that read cards, and two officers, one of them of one team."""
    folder.edit("configuration:\n  timezone", f'configuration:\n  board: {{card_reader: pcsc}}\n  shift: {{salt: "{SALT}"}}\n  timezone')
    officers = f"officers:\n  - {{id: H-12, card: {FIRST}}}\n  - {{id: H-13, card: {SECOND}, teams: [inspectie]}}\n"
    folder.edit("stations:", f"{officers}stations:")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = with_reader(new_folder(tmp_path))
    sign_next(made.fleet, made.file, lambda *_: [ROOT_1], REAL_NOW_US, 90)
    return made


def reasons(folder: Folder) -> list[str]:
    return [f"{problem.key}: {problem.reason}" for problem in check(read_fleet(folder.file.read_bytes()))]


@only_in_full
@pytest.mark.parametrize("case", sample([("HV-01", {FIRST: "H-12"}), ("IN-01", {FIRST: "H-12", SECOND: "H-13"})], 2))
def test_a_camera_gets_the_cards_of_its_team(case: tuple[str, dict[str, str]], folder: Folder, tmp_path: Path) -> None:
    camera, officers = case
    boot = new_boot(tmp_path / "bootfs")
    assert card(folder, boot, camera=camera) == 0
    assert read_officers(boot / "bodycamd/cards.txt") == officers
    config = parse((boot / "bodycamd/bodycamd.yaml").read_bytes(), ON_CAMERA)
    assert (config.shift.cards, config.shift.salt) == ("/etc/bodycamd/cards.txt", SALT)
    assert main(["fleet", "show-card", "--boot-partition", str(boot)]) == 0
    (boot / "bodycamd/cards.txt").unlink()
    assert main(["fleet", "show-card", "--boot-partition", str(boot)]) == 65


@only_in_full
def test_a_card_without_a_reader_says_nothing_of_officers(folder: Folder, tmp_path: Path) -> None:
    folder.edit("  board: {card_reader: pcsc}\n", "")
    boot = new_boot(tmp_path / "bootfs")
    assert card(folder, boot, camera="HV-01") == 0
    assert not (boot / "bodycamd/cards.txt").exists()
    assert "shift:" not in (boot / "bodycamd/bodycamd.yaml").read_text(), "the salt is for who makes codes"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SECOND, FIRST, "officers[1].card: the card is that of officers[0]"),
        ("[inspectie]}", "[nobody]}", "officers[1].teams: team nobody is not listed"),
        (f'  shift: {{salt: "{SALT}"}}\n', "", "officers: the codes of their cards need the salt"),
        (SALT, SALT[1:], "configuration.shift.salt"),
        ("salt: ", "cards: /tmp/x, salt: ", "configuration.shift.cards: not set here: it is where a card puts it"),
        ("H-13", "Jansen", "officers[1].id"),
        (SECOND, "04a1b2c3", "officers[1].card"),
    ],
)
def test_a_mistake_is_told_where_it_is(folder: Folder, old: str, new: str, said: str) -> None:
    folder.edit(old, new)
    assert [reason for reason in reasons(folder) if reason.startswith(said)], reasons(folder)


@only_in_full
def test_a_team_has_no_salt_of_its_own_and_no_more_cards_than_a_camera_reads(folder: Folder) -> None:
    folder.edit("post_event_seconds: 30", f'shift: {{salt: "{SALT}"}}')
    many = "".join(f"  - {{id: X-{number}, card: a{number:063x}}}\n" for number in range(MAX_CARDS))
    folder.edit("\nofficers:\n", f"\nofficers:\n{many}")
    found = reasons(folder)
    assert len([reason for reason in found if "every team's codes are made with that of configuration.shift" in reason]) == 1
    assert any(f"teams[0]: {MAX_CARDS + 1} officers' cards" in reason for reason in found)


@only_in_full
def test_from_a_number_to_a_line_that_the_fleet_file_takes(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "number").write_text(f"{NUMBER}\n")
    words = ["fleet", "officer-card", "H-14", "--fleet", str(folder.file), "--number-file", str(tmp_path / "number")]
    assert main([*words, "--team", "handhaving"]) == 0
    line = capsys.readouterr().out
    assert line == f"  - {{id: H-14, card: {code_of(UID, SALT)}, teams: [handhaving]}}\n"
    folder.edit("\nofficers:\n", f"\nofficers:\n{line}")
    assert reasons(folder) == []
    assert main(words) == 2
    assert "this card is that of H-14 already" in capsys.readouterr().err
    assert main([*words, "--team", "nobody"]) == 2


@pytest.mark.parametrize("number", ["", "04a1b2", "zz", "00000000", "04a1b2c3" * 3, "08a1b2c3", "4a1b2c3", "04:a1::b2:c3"])
def test_what_is_no_number_is_refused_and_never_repeated(number: str) -> None:
    with pytest.raises(DataError) as refused:
        code_from_number(number, SALT)
    assert not number or number not in str(refused.value)


def test_a_card_at_the_reader_has_the_code_of_its_number() -> None:
    reader, clock = Scripted(), SettableClock(1_000_000)

    def now_us() -> int:
        clock.boottime_us += 400_000
        return clock.boottime_us

    def lay() -> None:
        reader.lies = UID

    assert code_at_reader(reader, SALT, 30, now_us, lay) == code_from_number(NUMBER, SALT) == code_of(UID, SALT)
    with pytest.raises(UnavailableError, match="must be taken away and laid down again"):
        code_at_reader(reader, SALT, 5, now_us, lambda: None)
    reader.lies = "no card reader is connected"
    with pytest.raises(UnavailableError, match="no card reader is connected"):
        code_at_reader(reader, SALT, 5, now_us, lambda: None)


def test_a_new_fleet_has_a_salt(folder: Folder, tmp_path: Path) -> None:
    folder.file.write_text(fleet_file("dordrecht", {"root-1": "ab" * 32}, 1, SALT))
    assert all("footage recipients" in reason for reason in reasons(folder))
    parsed = read_fleet(folder.file.read_bytes())
    assert parsed.configurations[("configuration",)]["shift"] == {"salt": SALT}
