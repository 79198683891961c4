"""`config check` finds every mistake at once: its line, the value, what is allowed, what was meant."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.config import checks, load
from bodycamd.config.settings import key_types, literals
from bodycamd.errors import ConfigError
from tests.config.conftest import GOOD
from tests.kit.scale import count, only_in_full

SHIPPED = (Path(__file__).parents[2] / "config" / "bodycamd.yaml").read_text().splitlines()


@dataclass(frozen=True)
class Mistake:
    """What replaces a line of the shipped file, and what is said of it."""

    line: str
    told: tuple[str, ...]


def places() -> dict[int, tuple[str, str]]:
    """Of every line with a key that holds a value: its number from 1, the key's path, and what is before the value."""
    found: dict[int, tuple[str, str]] = {}
    sections: list[str] = []
    for number, line in enumerate(SHIPPED, 1):
        if match := re.match(r"( *)([a-z_]+):", line):
            sections = [*sections[: len(match[1]) // 2], match[2]]
            if (path := ".".join(sections)) in key_types():
                found[number] = (path, match[0])
    return found


PLACES = places()


def misspelled(path: str, before: str, chance: random.Random) -> Mistake | None:
    key = before.strip(" :")
    if len(key) < 6:
        return None
    at = chance.randrange(1, len(key) - 1)
    if key[at] == key[at - 1]:
        return None
    wrong = key[: at - 1] + key[at] + key[at - 1] + key[at + 1 :]
    section = path[: -len(key)]
    return Mistake(before.replace(key, wrong) + " null", (f"{section}{wrong}: unknown key", f"did you mean {path}?"))


def no_such_word(path: str, before: str, chance: random.Random) -> Mistake | None:
    words = [word for word in literals(path) if len(word) > 3 and word not in ("true", "false", "null")]
    if not words:
        return None
    word = chance.choice(words)
    return Mistake(f"{before} {word}x", (f"{path}: unknown value: {word}x", f"did you mean {word}?"))


def with_a_unit(path: str, before: str, chance: random.Random) -> Mistake | None:
    default = key_types()[path].default
    if isinstance(default, bool) or not isinstance(default, int | float):
        return None
    what = "unknown value" if any(not word.isdecimal() and word != "null" for word in literals(path)) else "text does not belong here"
    return Mistake(f"{before} {default} s", (f"{path}: {what}: {default} s", f"did you mean {default}?"))


def a_mapping(path: str, before: str, chance: random.Random) -> Mistake | None:
    return Mistake(f"{before} {{a: 1}}", (f"{path}: a mapping does not belong here: a mapping", "; allowed: "))


def doubtful(path: str, before: str, chance: random.Random) -> Mistake | None:
    return Mistake(f"{before} {chance.choice(['yes', 'off', '0x10', '1:30', '~'])}", (f"{path}: ", "means different things"))


KINDS: list[Callable[[str, str, random.Random], Mistake | None]] = [misspelled, no_such_word, with_a_unit, a_mapping, doubtful]


@only_in_full
@given(st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=12, unique=True), st.integers(0, 2**32))
@settings(max_examples=count(600))
def test_as_many_lines_as_mistakes_each_with_its_place(numbers: list[int], seed: int) -> None:
    chance = random.Random(seed)
    lines = list(SHIPPED)
    planted: dict[int, Mistake] = {}
    for number in numbers:
        path, before = PLACES[number]
        mistake = chance.choice(KINDS)(path, before, chance)
        if mistake is not None and path != "device_id":
            planted[number], lines[number - 1] = mistake, mistake.line
    found = load.judge("\n".join(lines).encode(), Path("/c/F")).problems
    assert [problem.line for problem in found] == sorted(planted)
    for problem in found:
        text = problem.text("F")
        assert text.startswith(f"F: line {problem.line}: ")
        for words in planted[problem.line or 0].told:
            assert words in text


def check(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    (folder / "c.yaml").write_text(text)
    assert main(["config", "check", str(folder / "c.yaml")]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert all(line.startswith(f"bodycamd: {folder / 'c.yaml'}: ") for line in err.splitlines())
    return [line.partition("c.yaml: ")[2] for line in err.splitlines()]


def test_a_key_in_the_wrong_section_is_sent_to_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [found] = check(folder, GOOD + "frame_rate: 25\n", capsys)
    assert found.startswith("line 3: frame_rate: unknown key; allowed: device_id, ")
    assert found.endswith("; did you mean video.frame_rate?")


def test_contradictions_and_mistakes_are_told_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD + "retention:\n  days: 90\nvideo:\n  width: wide\naudio: no\nledger:\n  keep_months: 0\n"
    assert [line.partition("; allowed")[0] for line in check(folder, text, capsys)] == [
        "line 4: retention.days: 90 days need a legal basis",
        "line 6: video.width: text does not belong here: wide",
        "line 7: audio: no means different things to different YAML readers",
        "line 9: ledger.keep_months: the value is out of bounds: 0",
    ]


def test_what_hangs_on_a_mistake_is_not_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the right words none of these would contradict another."""
    text = GOOD + "video: {source: fil, file: a.h264}\nring: {megabytes: 16}\nmicrophone: {bit_rate: 1}\nboard: {adapter: simulatd}\n"
    found = check(folder, text + "simulation_directory: x\n", capsys)
    assert [line.split(": ")[1] for line in found] == ["video.source", "microphone.bit_rate", "board.adapter"]


def test_every_file_that_is_not_there_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "device_id: camera-17\nkeys:\n  recipients: r.txt\nwarning:\n  file: w.wav\nvideo:\n  source: file\n  file: v.h264\n"
    assert [line.split(": ")[:2] for line in check(folder, text, capsys)] == [
        ["line 3", "keys.recipients"],
        ["line 5", "warning.file"],
        ["line 8", "video.file"],
    ]


def test_what_follows_a_line_that_is_not_yaml_is_not_guessed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = check(folder, GOOD + "audio: off\n- x\nvidoe: 3\n", capsys)
    assert len(found) == 2
    assert found[0].startswith("line 3: audio: off means")
    assert found[1].startswith("line 4: column 1: not YAML: ")


def test_of_thousands_of_mistakes_the_first_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = check(folder, GOOD + "".join(f"k{n}: 1\n" for n in range(2000)), capsys)
    assert [line.split(": ")[0] for line in found] == [f"line {number}" for number in range(3, 3 + load.MAX_PROBLEMS)]


def test_the_camera_says_how_many_more_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"F: line 2: adio: unknown key.*\(1 more: bodycamd config check\)$"):
        load.parse(b"device_id: a\nadio: true\nvdeo: {}\n", Path("F"))


def test_the_shipped_name_is_warned_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = next(line for line in SHIPPED if line.startswith("device_id: "))
    assert shipped == f"device_id: {checks.SHIPPED_DEVICE_ID}"
    (folder / "c.yaml").write_text(GOOD.replace("camera-17", checks.SHIPPED_DEVICE_ID))
    assert main(["config", "check", str(folder / "c.yaml")]) == 0
    assert capsys.readouterr().err.startswith(f"warning: {folder / 'c.yaml'}: line 1: device_id: camera-01 is the name in the shipped file")
    assert main(["config", "check", str(folder / "c.yaml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["problems"], [warning["line"] for warning in told["warnings"]]) == (True, [], [1])
