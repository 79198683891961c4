"""From the fleet file and its record to rosters that cameras take, one after the other."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import msgspec
import pyrage
import pytest
from msgspec.structs import replace

from bodycamd.cli.main import main
from bodycamd.errors import ConfigError, DataError, OutputError, StoreBusyError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.roster import DAY_US, Root, Roster
from bodycamd.evidence.roster_acceptance import Now, judge
from bodycamd.workshop.fleet import signing
from bodycamd.workshop.fleet.differences import differences
from bodycamd.workshop.fleet.fingerprints import person_fingerprint
from bodycamd.workshop.fleet.overview import MISSING
from bodycamd.workshop.fleet.record import appending, read_record, record_path, root_path, rosters_folder
from bodycamd.workshop.fleet.roster_making import last_roster, root_file
from bodycamd.workshop.fleet.signing import cosign, sign_next, take_draft
from bodycamd.workshop.fleet.states import change
from tests.evidence.rostering import NOW_US, key
from tests.kit.scale import one_in, only_in_full, sample
from tests.workshop.fleet.fleets import DAY, REAL_NOW_US, ROOT_1, ROOT_2, Folder, enrolled, new_folder
from tests.workshop.fleet.test_card_strangers import new_boot


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return new_folder(tmp_path)


def sign(folder: Folder, *signers: Signer, day: int = 0) -> rosters.SignedRoster:
    return sign_next(folder.fleet, folder.file, lambda *_: signers or (ROOT_1,), NOW_US + day * DAY_US, 90)[1]


def test_each_roster_is_taken_by_who_has_the_one_before(folder: Folder) -> None:
    first = sign(folder)
    folder.enrol("HV-07")
    second = sign(folder, ROOT_2, day=1)
    assert judge(first, Root(version=1, threshold=1, keys=first.roster.root.keys), Now(NOW_US, trusted=True)).accepted
    assert judge(second, first, Now(NOW_US + DAY_US, trusted=True)).outcome == "accepted"
    assert (first.roster.cameras, second.roster.order) == ((), (1, 2))
    [camera] = second.roster.cameras
    assert (camera.id, camera.team, camera.state) == ("HV-07", "handhaving", "active")
    kept = sorted(rosters_folder(folder.file).glob("*.roster"))
    assert [rosters.decode(path.read_bytes(), "x") for path in kept] == [first, second]
    assert last_roster(folder.record, rosters_folder(folder.file)) == second


def test_what_no_camera_would_take_is_not_signed_and_nothing_is_left(folder: Folder) -> None:
    folder.enrol("HV-07")
    sign(folder)
    before = sorted(rosters_folder(folder.file).iterdir()), record_path(folder.file).read_bytes()
    good = folder.file.read_text()
    for old, new, said in [
        ("  - id: P-01\n", "  - id: P-02\n", "person P-01 is not listed any more"),
        ("[HV-01..HV-26]", "[HV-08..HV-26]", "camera HV-07 is not listed any more"),
        ("municipality: voorbeeld", "municipality: elders", "of elders, not of voorbeeld"),
        ("threshold: 1", "threshold: 2", "fewer than|version 1 does not follow"),
    ]:
        folder.edit(old, new)
        with pytest.raises(ConfigError, match=said):
            sign(folder)
        folder.file.write_text(good)
    with pytest.raises(ConfigError, match="not a root key"):
        sign(folder, key("stranger"))
    assert (sorted(rosters_folder(folder.file).iterdir()), record_path(folder.file).read_bytes()) == before


def test_a_new_root_is_signed_by_both(folder: Folder) -> None:
    sign(folder)
    new = key("fleet root-3")
    folder.edit("  version: 1\n  threshold: 1", "  version: 2\n  threshold: 1")
    folder.edit(ROOT_2.public.raw.hex(), new.public.raw.hex())
    with pytest.raises(ConfigError, match="new root keys"):
        sign(folder, ROOT_2)
    assert _root_beside(folder).version == 1
    second = sign(folder, ROOT_2, new)
    assert second.roster.order == (2, 2)
    assert _root_beside(folder) == second.roster.root


def test_the_root_that_a_station_needs_lies_beside_the_rosters(folder: Folder) -> None:
    """It is made anew where it is missing, and is the same file that cards have."""
    first = sign(folder)
    assert judge(first, _root_beside(folder), Now(NOW_US, trusted=True)).accepted
    assert root_path(folder.file).read_bytes() == root_file(first.roster.root)
    root_path(folder.file).unlink()
    sign(folder)
    assert _root_beside(folder) == first.roster.root


def _root_beside(folder: Folder) -> Root:
    return msgspec.json.decode(root_path(folder.file).read_bytes(), type=Root)


@only_in_full
def test_check_tells_what_the_last_roster_forbids(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.enrol("HV-07")
    sign(folder)
    assert main(["fleet", "check", str(folder.file)]) == 0
    folder.edit("[HV-01..HV-26]", "[HV-08..HV-26]")
    folder.edit("  - id: P-01\n", "  - id: P-02\n")
    capsys.readouterr()
    assert main(["fleet", "check", str(folder.file)]) == 78
    err = capsys.readouterr().err
    assert "camera HV-07 is not listed any more" in err
    assert "person P-01 is not listed any more" in err


@only_in_full
def test_a_camera_that_is_missing_in_the_file_is_refused_before_anybody_is_asked(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.enrol("HV-07")
    last = sign(folder).roster
    folder.enrol("HV-06")
    folder.edit("[HV-01..HV-26]", "[HV-08..HV-26]")

    def nobody(*_: Roster | None) -> list[Signer]:
        raise AssertionError("asked for a passphrase")

    for draft in (False, True):
        with pytest.raises(ConfigError, match="camera HV-07 is not listed any more"):
            sign_next(folder.fleet, folder.file, nobody, NOW_US, 90, draft=draft)
    assert differences(last, replace(last, cameras=())) == ["camera HV-07: NOT LISTED ANY MORE (was active, team handhaving)"]
    assert main(["fleet", "check", str(folder.file)]) == 78
    err = capsys.readouterr().err
    assert (err.count("HV-07"), err.count("camera HV-06 is enrolled and not listed")) == (1, 1)
    assert main(["fleet", "list", "--fleet", str(folder.file), "--json"]) == 0
    rows = [row for row in json.loads(capsys.readouterr().out)["cameras"] if "remark" in row]
    assert [(row["camera"], row["state"], row["remark"]) for row in rows] == [(name, "active", MISSING) for name in ("HV-07", "HV-06")]


def test_a_crash_between_file_and_record_loses_no_version(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next roster would have the same version as one that somebody may have got: no camera with it would take any other."""
    with monkeypatch.context() as crashing:
        crashing.setattr(signing, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sign(folder)
    second = sign(folder)
    assert second.roster.version == 2
    assert [line.version for line in folder.record.rosters] == [1, 2]


def test_the_kept_roster_is_the_one_that_was_signed(folder: Folder) -> None:
    first = sign(folder)
    path = rosters_folder(folder.file) / folder.record.rosters[0].file
    other = rosters.sign(replace(first.roster, version=9), [ROOT_1])
    path.unlink()
    path.write_bytes(other.document.file_bytes)
    with pytest.raises(DataError, match="not the roster that was signed"):
        sign(folder)


@only_in_full
def test_what_becomes_of_a_camera_is_in_the_next_roster_and_nobody_is_removed(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.enrol("HV-07")
    folder.enrol("IN-01")
    sign(folder)
    assert main(["fleet", "lost", "HV-07", "--yes", "--fleet", str(folder.file)]) == 0
    assert main(["fleet", "replace", "IN-01", "--by", "IN-03", "--yes", "--fleet", str(folder.file)]) == 0
    folder.enrol("IN-03")
    states = {camera.id: (camera.team, camera.state) for camera in sign(folder).roster.cameras}
    assert states == {"HV-07": ("handhaving", "lost"), "IN-01": ("inspectie", "retired"), "IN-03": ("inspectie", "active")}
    capsys.readouterr()
    assert main(["fleet", "list", "--fleet", str(folder.file)]) == 0
    out = capsys.readouterr().out
    assert "HV-07   handhaving  lost" in out
    assert len(out.splitlines()) == 1 + 28 + 1 + (2 * 7 + 2) + 1


@only_in_full
def test_a_lost_camera_stays_lost_when_it_is_replaced(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.enrol("HV-08")
    fleet = ["--yes", "--fleet", str(folder.file)]
    assert main(["fleet", "lost", "HV-08", *fleet]) == 0
    capsys.readouterr()
    assert main(["fleet", "replace", "HV-08", "--by", "HV-09", *fleet]) == 0
    assert capsys.readouterr().out == "HV-08: lost; HV-09 takes its place\n"
    assert [camera.state for camera in sign(folder).roster.cameras] == ["lost"]
    assert main(["fleet", "replace", "HV-08", "--by", "HV-10", *fleet]) == 2
    assert "HV-09 takes its place" in capsys.readouterr().err
    assert main(["fleet", "retire", "HV-08", *fleet]) == 0
    assert (folder.record.states["HV-08"].state, folder.record.states["HV-08"].replaced_by) == ("retired", "HV-09")


@only_in_full
@one_in(3)
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["lost", "HV-99"], 66, "no camera of the fleet has this name; did you mean HV-"),
        (["replace", "HV-01", "--by", "IN-01"], 2, "it is of team inspectie"),
        (["replace", "HV-01", "--by", "hv-01"], 2, "a name of its own"),
        (["replace", "HV-01", "--by", "HV 30"], 2, "letters, digits"),
        (["replace", "HV-01", "--by", "HV-02"], 2, "a camera has had this name"),
        (["retire", "HV-03"], 2, "that is for good"),
        (["lost", "HV-03"], 2, "it cannot be lost any more; no camera takes a roster that says otherwise"),
        (["replace", "HV-03", "--by", "HV-30", "--lost"], 2, "it cannot be lost any more"),
        (["lost", "HV-04"], 2, "lost already"),
    ],
)
def test_what_cannot_become_of_a_camera(folder: Folder, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str) -> None:
    folder.enrol("HV-02")
    for state, camera in (("retired", "HV-03"), ("lost", "HV-04")):
        with appending(record_path(folder.file)) as writer:
            writer.add(*change(folder.fleet, writer.record, camera, "retired" if state == "retired" else "lost", None, DAY))
    before = record_path(folder.file).read_bytes()
    assert main(["fleet", *words, "--fleet", str(folder.file)]) == code
    assert said in capsys.readouterr().err
    assert record_path(folder.file).read_bytes() == before


@only_in_full
def test_the_example_as_it_is_shipped_cannot_be_used(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.workshop.fleet.fleets import EXAMPLE

    folder.file.write_text(EXAMPLE)
    assert main(["fleet", "check", str(folder.file)]) == 0
    assert main(["fleet", "list", "--fleet", str(folder.file)]) == 78
    assert "recipients of the shipped example" in capsys.readouterr().err


def test_a_record_that_was_cut_short_is_told_with_its_line(folder: Folder) -> None:
    folder.enrol("HV-01")
    path = record_path(folder.file)
    with path.open("ab") as file:
        file.write(b'{"type":"card_ma')
    with pytest.raises(DataError, match="line 3: cut short"):
        read_record(path)
    path.write_bytes(b'{"type":"no_such"}\n')
    with pytest.raises(DataError, match="line 1"):
        read_record(path)


@only_in_full
def test_two_commands_do_not_add_at_once(folder: Folder) -> None:
    with appending(record_path(folder.file)) as writer:
        writer.add(enrolled("HV-01"))
        with pytest.raises(StoreBusyError, match="another command"):
            folder.enrol("HV-02")
    folder.enrol("HV-02")
    assert sorted(folder.record.enrolled) == ["HV-01", "HV-02"]


def test_a_camera_is_not_enrolled_by_its_own_doing(folder: Folder) -> None:
    """What is in the record of cameras that the fleet does not have is in no roster."""
    folder.enrol("ZZ-99")
    assert sign(folder).roster.cameras == ()


def test_who_signs_sees_what_the_roster_changes(folder: Folder) -> None:
    seen: list[list[str]] = []

    def shown(unsigned: Roster, last: Roster | None) -> list[Signer]:
        seen.append(differences(last, unsigned))
        return [ROOT_1]

    def sign_shown() -> None:
        sign_next(folder.fleet, folder.file, shown, NOW_US, 90)

    sign_shown()
    folder.enrol("HV-07")
    folder.edit("roles: [privacy]", "roles: [privacy, administrator]")
    sign_shown()
    folder.edit("  - id: C-02", "  - id: C-02\n    state: retired")
    sign_shown()
    sign_shown()
    assert len(seen[0]) == 1 + 1 + 2 + 7 + 2
    assert seen[1] == [
        f"new camera HV-07: active, team handhaving, key {enrolled('HV-07').first_key[:16]}…",
        "person P-01: active, privacy, administrator, every team (was active, privacy, every team)",
    ]
    assert seen[2:] == [["person C-02: retired, coordinator, inspectie (was active, coordinator, inspectie)"], []]


def test_who_signs_sees_a_recipient_that_was_added_and_the_new_fingerprint(folder: Folder) -> None:
    sign(folder)
    last = last_roster(folder.record, rosters_folder(folder.file))
    assert last is not None
    person = last.roster.people[4]
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    changed = replace(person, roles=("evidence",), recipient=recipient)
    after = replace(last.roster, people=(*last.roster.people[:4], changed, *last.roster.people[5:]))
    before, now = (person_fingerprint(person.key, one) for one in (None, recipient))
    assert differences(last.roster, after) == [
        f"person P-01: active, evidence, every team, opens footage with {recipient} (was active, privacy, every team);"
        f" fingerprint {now} (was fingerprint {before})"
    ]
    swapped = str(pyrage.x25519.Identity.generate().to_public())
    [line] = differences(after, replace(after, people=(*after.people[:4], replace(changed, recipient=swapped), *after.people[5:])))
    assert f"opens footage with {swapped} (was active, evidence, every team, opens footage with {recipient})" in line


@only_in_full
def test_people_who_do_not_meet_sign_a_draft_one_after_the_other(folder: Folder, tmp_path: Path) -> None:
    folder.edit("threshold: 1", "threshold: 2")
    draft, first = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], NOW_US, 90, draft=True)
    assert folder.record.rosters == []
    with pytest.raises(ConfigError, match="fewer than 2"):
        take_draft(folder.file, draft, lambda *_: None, NOW_US)
    for signer, said in ((ROOT_1, "has signed it already"), (key("stranger"), "not a root key")):
        with pytest.raises(ConfigError, match=said):
            cosign(draft, lambda *_, signer=signer: [signer])
    elsewhere = tmp_path / "stick.draft"
    elsewhere.write_bytes(draft.read_bytes())
    both = cosign(elsewhere, lambda *_: [ROOT_2])
    shown: list[list[str]] = []
    path, taken = take_draft(folder.file, elsewhere, lambda now, last: shown.append(list(differences(last, now))), NOW_US)
    assert taken == both
    assert shown == [list(differences(None, both.roster))], "who takes it sees what it changes, as who signs"
    assert taken.document.sha256 == first.document.sha256
    assert path.name == folder.record.rosters[0].file
    with pytest.raises(OutputError, match="exists already"):
        take_draft(folder.file, elsewhere, lambda *_: None, NOW_US)


COMMANDS = [
    ["roster", "--root", "none"],
    ["list"],
    ["lost", "HV-01"],
    ["card", "HV-02", "--boot-partition", "bootfs"],
    ["roster", "--signed", "x.draft"],
]


@only_in_full
@pytest.mark.parametrize("case", sample(itertools.product(["copied", "moved"], COMMANDS), 7))
def test_a_fleet_file_without_its_record_does_not_start_over(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: tuple[str, list[str]]
) -> None:
    how, words = case
    sign(folder)
    (tmp_path / "x.draft").write_bytes(next(rosters_folder(folder.file).glob("*.roster")).read_bytes())
    new_boot(tmp_path / "bootfs")
    (tmp_path / "none").write_text("age-encryption.org/v1\n")
    file = folder.file
    if how == "copied":
        shutil.copy(file, file := file.with_name("other.yaml"))
    else:
        record_path(file).rename(tmp_path / "moved.jsonl")
    words = [str(tmp_path / word) if word in ("none", "x.draft", "bootfs") else word for word in words]
    before = sorted(tmp_path.rglob("*"))
    assert main(["fleet", *words, "--fleet", str(file)]) == 66
    said = capsys.readouterr().err
    assert str(record_path(file)) in said
    assert "bring all of them along" in said
    assert sorted(tmp_path.rglob("*")) == before
    assert main(["fleet", "check", str(file)]) == 0
    assert str(record_path(file)) in capsys.readouterr().err


def test_an_emptied_record_is_no_new_one(folder: Folder) -> None:
    record_path(folder.file).write_bytes(b"")
    with pytest.raises(DataError, match="emptied"), appending(record_path(folder.file)):
        pass


def test_a_draft_that_is_taken_is_shown_first(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], REAL_NOW_US, 90)
    folder.edit("roles: [privacy]", "roles: [privacy, administrator]")
    draft, _ = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], REAL_NOW_US, 90, draft=True)
    capsys.readouterr()
    assert main(["fleet", "roster", "--signed", str(draft), "--fleet", str(folder.file)]) == 0
    said = capsys.readouterr().err
    assert "roster 2 of root 1" in said
    assert "person P-01: active, privacy, administrator" in said
