"""`bodycamd station check` looks at what the file names, as the station does at its start: every mistake at once."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.municipality.station.opening import make_key
from bodycamd.municipality.station.push_key import make
from tests.evidence.rostering import FIRST
from tests.municipality.station.prepared import Prepared

ROOT = Path(__file__).parents[3]


def checked(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], list[str]]:
    """The code, and the keys of the problems and of the warnings."""
    code = main(["station", "check", str(file), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] == (code == 0)
    return code, [one["key"] for one in found["problems"]], [one["key"] for one in found["warnings"]]


def test_a_station_that_can_run_is_valid_and_looking_makes_nothing(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(prepared.folder.rglob("*"))
    assert checked(prepared.file, capsys) == (0, [], [])
    assert sorted(prepared.folder.rglob("*")) == before


def test_the_example_where_nothing_is_there_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All three at once, each with its line, and each path once."""
    file = tmp_path / "station.yaml"
    example = (ROOT / "config" / "station.example.yaml").read_text()
    file.write_text(example.replace("/etc/bodycamd-station", str(tmp_path / "etc")))
    assert main(["station", "check", str(file)]) == 78
    lines = capsys.readouterr().err.splitlines()
    for line, (key, name) in zip(lines, {"signing": "station-1.key", "root": "root.json", "roster": "roster.txt"}.items(), strict=True):
        at = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if text.startswith(f"  {key}:"))
        assert line.startswith(f"bodycamd: {file}: line {at}: keys.{key}: {tmp_path}/etc/{name}: No such file"), line
        assert line.count(name) == 1


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("root.json", b"{}", ["keys.root"]),
        ("root.json", b"\xff", ["keys.root"]),
        ("roster.txt", b"x", ["keys.roster"]),
        ("roster.txt", None, ["keys.roster"]),
        ("station-1.key", b"x", ["keys.signing"]),
        ("data", b"", ["data"]),
    ],
)
def test_a_file_that_is_not_what_it_should_be(
    prepared: Prepared, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, keys: list[str]
) -> None:
    (prepared.folder / name).unlink(missing_ok=True)
    if content is not None:
        (prepared.folder / name).write_bytes(content)
    assert checked(prepared.file, capsys) == (78, keys, [])
    assert main(["station", "check", str(prepared.file), "--text-only"]) == 0
    assert main(["station", "check", str(prepared.file)]) == 78
    told = capsys.readouterr().err
    assert not re.search(r"msgspec|`\$|cryptography|PEM file\. See", told), told


def test_what_the_roster_does_not_say_of_it(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    key = prepared.folder / "station-1.key"
    key.unlink()
    make_key(key)
    assert checked(prepared.file, capsys) == (78, ["keys.signing"], [])
    prepared.roster(stations=())
    assert checked(prepared.file, capsys) == (78, ["name"], [])
    prepared.roster(stations=(), not_after="2026-01-01T00:00:00.000000Z", made_at="2025-12-01T00:00:00.000000Z")
    assert checked(prepared.file, capsys) == (78, ["name", "keys.roster"], [])


def test_who_is_called_and_how(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that is not there, a key that is not there, somebody whom the roster does not list; then all of it."""
    person, folder = next(one for one in FIRST.people if one.state == "active").id, prepared.folder
    plain = prepared.file.read_text()

    def called(command: str, to: str) -> None:
        push = f"push: {{key: {folder}/push.key, contact: 'mailto:a@example.nl', subscriptions: {folder}/push, test: {to}}}"
        prepared.file.write_text(f"{plain}help: {{command: [{command}, '{{to}}'], to: ['push:{to}', '+31600000001'], {push}}}\n")

    called("/usr/local/bin/no-such-program", "C-99")
    wrong = ["help.command", "help.push.key", "help.push.subscriptions", "help.to", "help.push.test"]
    assert checked(prepared.file, capsys) == (78, wrong, [])
    make(folder / "push.key")
    (folder / "push").mkdir()
    called("/bin/true", person)
    assert checked(prepared.file, capsys) == (0, [], ["help.to"]), "there is no subscription yet"
    (folder / "program").write_text("#!/bin/sh\n")
    called(f"{folder}/program", person)
    assert checked(prepared.file, capsys)[1] == ["help.command"], "nobody may run it"


def test_others_disks_and_roots(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    """A disk that is not mounted is told, and keeps nothing from starting; a root that is none does."""
    folder = prepared.folder
    with prepared.file.open("a") as file:
        file.write(f"receivers: [{{name: room, controller: C, folder: {folder}/none, keeps_days: 9}}]\n")
        file.write(f"forwarded_from: [{{name: a, receiver: b, root: {folder}/their.json, folder: {folder}/theirs, keeps_days: 9}}]\n")
    warned = ["receivers.[0].folder", "forwarded_from.[0].folder"]
    assert checked(prepared.file, capsys) == (78, ["forwarded_from.[0].root"], warned)
    shutil.copy(folder / "root.json", folder / "their.json")
    os.mkdir(folder / "theirs")
    os.mkdir(folder / "none")
    assert checked(prepared.file, capsys) == (0, [], warned[:1]), "an empty mount point"
