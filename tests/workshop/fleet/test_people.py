"""A person's keys, root keys and the drill: sealed with passphrases that other programs open, and a lost key is found."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pyrage
import pytest

from bodycamd.cli import asked
from bodycamd.cli.main import main
from bodycamd.errors import DataError, PermissionDeniedError, UsageError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import PublicKey
from bodycamd.workshop.fleet import drill, root_keys
from bodycamd.workshop.fleet.differences import differences
from bodycamd.workshop.fleet.new_person import MadeKeys, make, wanted_roles
from bodycamd.workshop.fleet.roster_making import next_roster
from bodycamd.workshop.fleet.signing import sign_next
from tests.kit.scale import one_in, only_in_full
from tests.workshop.fleet.fleets import ROOT_1, Folder, new_folder

LONG = "correct horse battery staple"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return new_folder(tmp_path)


def identity(folder: Folder, number: int) -> Path:
    path = folder.file.with_name(f"identity-{number}.txt")
    path.write_text(f"{folder.identities[number]}\n")
    return path


@only_in_full
def test_everybody_who_can_open_is_told_from_who_cannot(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = tmp_path / "drill"
    assert main(["keys", "drill", "begin", "--out", str(asked), "--fleet", str(folder.file)]) == 0
    assert capsys.readouterr().out.split() == [str(asked / f"E-0{number}.probe.age") for number in (1, 2)]
    answers = []
    for number in (0, 1):
        probe = asked / f"E-0{number + 1}.probe.age"
        assert main(["keys", "drill", "answer", str(probe), "--identity", str(identity(folder, number))]) == 0
        answers.append(f"E-0{number + 1}={capsys.readouterr().out.strip()}")
    both = ["--answer", answers[0], "--answer", answers[1]]
    assert main(["keys", "drill", "check", str(asked), *both, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"E-01": True, "E-02": True}
    assert main(["keys", "drill", "check", str(asked), "--answer", answers[0]]) == 77
    said = capsys.readouterr()
    assert "E-02  no answer" in said.out
    assert "no answer: E-02: ask again" in said.err
    assert "new keys" not in said.err, "nothing is known of that key"
    crossed = answers[0].replace("E-01", "E-02")
    assert main(["keys", "drill", "check", str(asked), "--answer", answers[0], "--answer", crossed]) == 77
    said = capsys.readouterr()
    assert "E-02  WRONG ANSWER" in said.out
    assert "another answer: E-02: is it that of this drill" in said.err
    assert main(["keys", "drill", "check", str(asked), "--answer", f"X-01={'0' * 32}"]) == 65
    assert main(["keys", "drill", "check", str(asked), "--answer", "E-01"]) == 2


@only_in_full
def test_an_identity_that_is_another_ones_opens_nothing(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = tmp_path / "drill"
    assert main(["keys", "drill", "begin", "--out", str(asked), "--fleet", str(folder.file)]) == 0
    assert main(["keys", "drill", "answer", str(asked / "E-01.probe.age"), "--identity", str(identity(folder, 1))]) == 77


@one_in(3)
@pytest.mark.parametrize("mistyped", ["0", "0" * 31, "0" * 33, "O" * 32, f"{'0' * 31}l", f"{'0' * 16} {'0' * 16}"])
def test_a_mistyped_answer_says_nothing_of_a_key(folder: Folder, tmp_path: Path, mistyped: str) -> None:
    """It was told as a key that does not open, with the advice to replace it."""
    (tmp_path / drill.FILE).write_bytes(drill.prepared(folder.fleet)[drill.FILE])
    with pytest.raises(DataError, match="the answer of E-02 is mistyped or cut short"):
        drill.outcome(tmp_path, {"E-02": mistyped})
    assert drill.outcome(tmp_path, {"E-02": f" {'A0' * 16}\n"}) == {"E-01": False, "E-02": False}


def test_what_the_keeper_of_a_drill_has_answers_for_nobody_and_each_drill_is_another(folder: Folder) -> None:
    one, other = drill.prepared(folder.fleet), drill.prepared(folder.fleet)
    assert one.keys() == other.keys() == {"E-01.probe.age", "E-02.probe.age", "drill.json"}
    hashes = [{asked["answer_sha256"] for asked in json.loads(files["drill.json"])["asked"]} for files in (one, other)]
    assert len(hashes[0] | hashes[1]) == 4


def test_what_is_no_probe_is_not_answered(folder: Folder, tmp_path: Path) -> None:
    """Else who sends a piece of footage for a probe would get a hash of what is in it."""
    from bodycamd.camera.capture.worker.encrypt import encrypt, parse_recipients
    from bodycamd.municipality.film.identities import Identities

    path = tmp_path / "p.age"
    path.write_bytes(encrypt(b"x" * 48, parse_recipients(str(folder.identities[0].to_public()))))
    with pytest.raises(DataError, match="not a probe"):
        drill.answered(path, Identities.load(identity(folder, 0)))


def test_a_short_passphrase_seals_nothing() -> None:
    with pytest.raises(PermissionDeniedError, match="at least 12"):
        root_keys.sealed("short")
    with pytest.raises(PermissionDeniedError, match="at least 12"):
        make("E-03", ("evidence",), "short")


@pytest.mark.parametrize("roles", ["", "evidence,", "evidence,boss", "Evidence"])
def test_unknown_roles_are_wrong_use(roles: str) -> None:
    with pytest.raises(UsageError, match="one or more of"):
        wanted_roles(roles)


@only_in_full
def test_a_persons_fingerprint_is_over_key_and_recipient_and_the_same_wherever_it_is_printed(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before, a recipient that was swapped on the way to the fleet file was seen by nobody: its thief would open the footage."""
    person, stranger = folder.fleet.people[0], str(pyrage.x25519.Identity.generate().to_public())
    assert person.recipient is not None
    seen = []
    for recipient in (person.recipient, stranger):
        digest = subprocess.run(["sha256sum"], input=f"{person.key}\n{recipient}\n".encode(), capture_output=True, check=True).stdout[:64]
        seen.append(MadeKeys({}, PublicKey.from_hex(person.key), recipient).fingerprint)
        assert seen[-1].replace(" ", "").encode() == digest
        folder.edit(person.recipient, recipient)
        assert main(["fleet", "list", "--fleet", str(folder.file)]) == 0
        assert f"  recipient    {recipient}\n  fingerprint  {seen[-1]}\n" in capsys.readouterr().out
        [line] = [line for line in differences(None, next_roster(folder.fleet, folder.record, None, 0)) if "person E-01" in line]
        assert line.endswith(f"opens footage with {recipient}, fingerprint {seen[-1]}")
    assert seen[0] != seen[1]


@one_in(3)
@pytest.mark.parametrize("lines", ["", "\n", f"{LONG}\n"])
def test_a_passphrase_that_is_missing_makes_nothing(lines: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").write_text(lines)
    out = tmp_path / "out"
    out.mkdir()
    words = ["fleet", "init", "--out", str(out), "--municipality", "dordrecht", "--passphrase-file", str(tmp_path / "p")]
    assert main(words) == 2
    assert "no line for new passphrase of root-" in capsys.readouterr().err
    assert list(out.iterdir()) == []


@only_in_full
def test_two_root_keys_have_two_passphrases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").write_text(f"{LONG} 1\n{LONG} 2\n{LONG} 1\n")
    (out := tmp_path / "out").mkdir()
    words = ["fleet", "init", "--out", str(out), "--municipality", "dordrecht", "--roots", "3", "--passphrase-file", str(tmp_path / "p")]
    assert main(words) == 2
    assert "root-3: the passphrase of another root key" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_a_short_passphrase_is_refused_before_the_next_one_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").write_text("short\n")
    (out := tmp_path / "out").mkdir()
    assert main(["fleet", "init", "--out", str(out), "--municipality", "dordrecht", "--passphrase-file", str(tmp_path / "p")]) == 77
    assert "at least 12" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_a_repeat_that_is_mistyped_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed = iter([LONG, f"{LONG}r", "", LONG, LONG])
    monkeypatch.delenv(asked.VARIABLE, raising=False)
    monkeypatch.setattr(asked, "has_terminal", lambda: True)
    monkeypatch.setattr("bodycamd.cli.asked.getpass.getpass", lambda _: next(typed))
    assert asked.secret("new passphrase of root-1", twice=True) == LONG
    assert capsys.readouterr().err == "the two are not the same; type it anew\n"
    assert list(typed) == []


def test_wrong_use_of_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--municipality", "Den Haag"], ["--municipality", "dordrecht", "--threshold", "3"]):
        assert main(["fleet", "init", "--out", str(tmp_path), *words]) == 2
    assert list(tmp_path.iterdir()) == []


@only_in_full
@pytest.mark.parametrize(("content", "code", "said"), [(None, 66, "No such file"), (b"not sealed\n", 65, "not a root key")])
def test_a_root_key_is_looked_at_before_anybody_is_asked_for_its_passphrase(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, code: int, said: str
) -> None:
    """The file of passphrases is not there: whoever is asked ends with another word."""
    root = tmp_path / "root-1.key.age"
    if content is not None:
        root.write_bytes(content)
    passphrases = ["--passphrase-file", str(tmp_path / "nobody-is-asked")]
    draft, _ = sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], 1, 90, draft=True)
    for words in (["fleet", "roster", "--fleet", str(folder.file)], ["fleet", "cosign", str(draft)]):
        assert main([*words, "--root", str(root), *passphrases]) == code
        err = capsys.readouterr().err
        assert ("root-1.key.age: " in err, said in err, "in force until" in err) == (True, True, False), err


def test_the_first_commands_of_the_page_name_files_where_they_are() -> None:
    """A walk through the block: what each command makes, moves and reads."""
    page = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text(encoding="utf-8")
    there: set[str] = set()
    read: list[str] = []
    for line in page.split("```")[1].strip().splitlines():
        words = shlex.split(line, comments=True)
        options = dict(pairwise(words))
        if words[:3] == ["bodycamd", "fleet", "init"]:
            there |= {f"{options['--out']}/{name}" for name in ("fleet.yaml", "root-1.key.age", "root-2.key.age")}
        elif words[0] == "mv":
            there.remove(words[1])
            there.add(words[2] + Path(words[1]).name)
        else:
            named = [options[option] for option in ("--root", "--fleet", "check") if option in options]
            assert set(named) <= there, line
            read += named
    assert len(read) == 4
    assert not [name for name in there if name.startswith("fleet/root-")]


@only_in_full
def test_from_nothing_to_a_signed_roster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With sealed keys, each about a second of scrypt; other programs open them."""
    passphrases = tmp_path / "p"
    passphrases.write_text(f"{LONG} 1\n{LONG} 2\n")
    from_file = ["--passphrase-file", str(passphrases)]
    assert main(["fleet", "init", "--out", str(tmp_path), "--municipality", "dordrecht", *from_file]) == 0
    file = tmp_path / "fleet.yaml"
    people = ""
    printed: dict[str, str] = {}
    for name, roles in (("E-01", "evidence,coordinator"), ("E-02", "evidence"), ("P-01", "privacy")):
        capsys.readouterr()
        assert main(["keys", "person", "for-fleet", name, "--roles", roles, "--out", str(tmp_path), *from_file]) == 0
        said = capsys.readouterr()
        people += said.out
        printed[name] = said.err.partition("fingerprint  ")[2].strip()
    file.write_text(file.read_text().replace("people: []\n", f"people:\n{people}"))
    assert main(["fleet", "check", str(file)]) == 0
    capsys.readouterr()
    assert main(["fleet", "list", "--fleet", str(file), "--json"]) == 0
    assert {row["person"]: row["fingerprint"] for row in json.loads(capsys.readouterr().out)["people"]} == printed
    root = ["--root", str(tmp_path / "root-1.key.age"), "--fleet", str(file)]
    assert main(["fleet", "roster", *root, *from_file, "--json"]) == 0
    said = capsys.readouterr()
    assert all(f"fingerprint {fingerprint}" in said.err for fingerprint in printed.values())
    told = json.loads(said.out)
    signed = rosters.decode(Path(told["file"]).read_bytes(), "x")
    assert (signed.roster.version, signed.document.sha256) == (1, told["sha256"])
    assert len(rosters.footage_recipients(signed.roster, "handhaving")) == 2
    drilled = tmp_path / "drill"
    assert main(["keys", "drill", "begin", "--out", str(drilled), "--fleet", str(file)]) == 0
    capsys.readouterr()
    answers = []
    for name in ("E-01", "E-02"):
        probe = drilled / drill.probe_name(name)
        assert main(["keys", "drill", "answer", str(probe), "--identity", str(tmp_path / f"{name}.identity.txt"), *from_file]) == 0
        answers.append(f"--answer={name}={capsys.readouterr().out.strip()}")
    assert main(["keys", "drill", "check", str(drilled), *answers]) == 0
    shutil.rmtree(drilled)
    passphrases.write_text("another passphrase\n")
    assert main(["fleet", "roster", *root, *from_file]) == 77
    assert "this is not its passphrase" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.glob("*-0*.*")) == [
        "E-01.identity.txt",
        "E-01.key.pem",
        "E-02.identity.txt",
        "E-02.key.pem",
        "P-01.key.pem",
    ]
    opened = ["openssl", "pkey", "-in", str(tmp_path / "P-01.key.pem"), "-passin", f"pass:{LONG} 1", "-pubout", "-outform", "DER"]
    der = subprocess.run(opened, capture_output=True, check=True).stdout
    assert re.findall(rf"id: P-01\n    roles: \[privacy\]\n    key: {der[-32:].hex()}\n", people)
    assert all(not path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path not in (passphrases, file))
