"""What holds for all commands: light imports, one-line errors, documented exit codes, help everywhere."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bodycamd.cli.export import DAMAGE_CODES
from bodycamd.cli.main import main
from bodycamd.cli.output import counted, duration
from bodycamd.cli.output_names import is_film
from bodycamd.cli.verify import VERDICT_CODES
from bodycamd.errors import EXIT_CODES
from bodycamd.municipality.verify.verdicts import EXIT_CODES as VERDICTS
from bodycamd.municipality.words.times import LocalTime
from tests.kit.command_tree import COMMANDS, NODES
from tests.kit.scale import one_in, only_in_full, sample

ROOT = Path(__file__).parents[2]


@only_in_full
@pytest.mark.parametrize("line", sample(["--help", "--version", "recordings --help", "simulate --help"], 4))
def test_help_imports_nothing_heavy(line: str) -> None:
    program = (
        "import sys\nfrom bodycamd.cli.main import main\ncode = main(sys.argv[1:])\n"
        "heavy = {'av', 'pyrage', 'cryptography', 'numpy', 'yaml', 'gpiozero', 'bodycamd.camera.daemon.wiring'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else code)"
    )
    run = subprocess.run([sys.executable, "-c", program, *line.split()], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout


@one_in(4)
@pytest.mark.parametrize("command", sample(NODES, 8))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    words = " ".join(re.sub(r"[╭╮╰╯│─]", " ", capsys.readouterr().out).split())
    assert f"Usage: bodycamd {command}".strip() in words
    for parameter in NODES[command].params:
        if parameter.param_type_name == "option":
            assert parameter.opts[0] in words


NO_IDS = ["1-1", "000001-00001", "000001_0001", "../../etc", "000001-0001 ", "\uff1000001-0001", "all!", ""]
TAKE_ONE = {words for words, command in COMMANDS.items() if any(parameter.name == "recording" for parameter in command.params)}


def test_the_commands_that_take_a_recording_are_these() -> None:
    assert {"export", "hold add", "recordings certificate", "recordings log", "recordings show", "station certificate"} == TAKE_ONE


@only_in_full
@one_in(2)
@pytest.mark.parametrize("command", sample(sorted(TAKE_ONE), 5))
def test_what_is_no_recordings_id_is_wrong_use_everywhere(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Told before anything else is looked at: none of the files that are named here exists."""
    needed = [
        word
        for parameter in COMMANDS[command].params
        if parameter.required and parameter.param_type_name == "option"
        for word in (parameter.opts[0], str(tmp_path / "nowhere"))
    ]
    for name in NO_IDS:
        named = ["--recording", name] if command == "recordings log" else [name]
        assert main([*command.split(), *needed, *named]) == 2, name
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("bodycamd: ")
        assert err.endswith(" is not the id of a recording; one looks like 000042-0001\n")
        assert err.count("\n") == 1


def test_exit_codes_are_documented_alike() -> None:
    page = (ROOT / "docs/exit-codes.md").read_text()
    table = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)}
    assert table == EXIT_CODES
    assert set(table) == {0, 1, 2, 65, 66, 69, 73, 74, 75, 77, 78, 129, 130, 141, 143}


def test_exit_codes_stand_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in words


def test_the_help_of_export_lists_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split()).partition("Exit codes: ")[2]
    for code, meaning in {**EXIT_CODES, **DAMAGE_CODES}.items():
        assert f"{code} {meaning}" in words


def test_the_help_of_verify_lists_its_own_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(VERDICT_CODES) == set(VERDICTS.values())
    assert main(["verify", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split()).partition("Exit codes: ")[2]
    for code, meaning in {**EXIT_CODES, **VERDICT_CODES}.items():
        assert f"{code} {meaning}" in words


def test_numbers_and_lengths_are_told_as_people_say_them() -> None:
    assert [counted(n, "recording") for n in (0, 1, 2)] == ["0 recordings", "1 recording", "2 recordings"]
    assert [duration(seconds) for seconds in (13, 125, 3725)] == ["13.0 s", "2 min 05 s", "1 h 02 min"]


@one_in(5)
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("no-such-command", 2),
        ("status --no-such-option", 2),
        ("export", 2),
        ("recordings list --store /nowhere", 66),
        ("recordings show 000001-0001 --store /nowhere", 66),
        ("export 000001-0001 --store /nowhere --identity /nowhere/i.txt --out /tmp/f.mp4", 66),
        ("contact-sheet /nowhere/film.mp4 /tmp/s.png", 66),
        ("simulate --dir /tmp/unused", 2),
        ("simulate --dir /tmp/unused --json", 2),
        ("simulate --dir /tmp/unused --script /nowhere/script", 66),
    ],
)
def test_wrong_lines(line: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err
    if code != 2:
        assert len(err.splitlines()) == 1
        assert err.startswith("bodycamd: ")


@only_in_full
def test_an_empty_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "ledger").mkdir()
    assert main(["recordings", "list", "--store", str(tmp_path), "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert main(["recordings", "list", "--store", str(tmp_path)]) == 0
    assert "no recordings" in capsys.readouterr().out
    assert main(["recordings", "show", "000001-0001", "--store", str(tmp_path)]) == 66


def test_what_may_not_be_read_is_one_line_wherever_it_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(store: Path, month: str, local: LocalTime) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(store / ".lock"))

    monkeypatch.setattr("bodycamd.municipality.publish.transparency.month_of", refuse)
    assert main(["transparency", "--month", "2026-01", "--store", str(tmp_path)]) == 77
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Permission denied; run this as its owner or with sudo" in said


@only_in_full
@one_in(7)
@pytest.mark.parametrize("name", ["FILM.MP4", "film.Mp4", "film.mov", "film.mkv", "case.zip", "report.html", "x.tar"])
def test_no_folder_gets_the_name_of_a_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for recording in ("000001-0001", "all"):
        line = ["export", recording, "--identity", "/nowhere/i.txt", "--out", str(tmp_path / name)]
        assert main(line) == 2
        assert capsys.readouterr().err.endswith(": a film ends in .mp4, in small letters, and a folder has no ending of a file\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["case", "case.2026", "Z-2026.00123", "mp4"])
def test_folders_have_any_other_name(name: str, tmp_path: Path) -> None:
    assert not is_film(tmp_path / name)


@only_in_full
@one_in(4)
@pytest.mark.parametrize("name", ["sheet.jpg", "sheet", "sheet.mp4", "png"])
def test_no_picture_gets_another_name_than_that_of_a_png(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = str(tmp_path / name)
    film = ["export", "000001-0001", "--identity", "/nowhere/i.txt", "--out", str(tmp_path / "film.mp4"), "--contact-sheet", sheet]
    for line in (film, ["contact-sheet", "/nowhere/film.mp4", sheet]):
        assert main(line) == 2
        assert capsys.readouterr().err.endswith(": the picture is a PNG: give it a name that ends in .png\n")
    assert list(tmp_path.iterdir()) == []
