"""Every `bodycamd …` of the pages exists: its command, its options, and no more words than it takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from bodycamd.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("hardware/*.md")])
SHELL = re.compile(r"[|&;<>()]+")
DROPPED = "…"
WHOLE = typer.main.get_command(app)


def command_lines(text: str) -> Iterator[list[str]]:
    """The words behind `bodycamd` in a page's blocks and code spans, without comments and what a shell does with them."""
    blocks = re.findall(r"^ *```[a-z]*\n(.*?)^ *```", text, re.M | re.S)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    commands = [re.sub(r"(^|\s)#.*", "", line) for line in "".join(blocks).replace("\\\n", " ").splitlines()]
    for line in [*commands, *spans]:
        for said in re.findall(r"(?:^|[\s(])bodycamd (?=[a-z])(?!bodycamd-)(.*?)(?= bodycamd |$)", line):
            lexer = shlex.shlex(said, posix=True, punctuation_chars="|&;<>()")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in lexer:
                if SHELL.fullmatch(word):
                    words = words[:-1] if words and words[-1].isdigit() and word[0] in "<>" else words
                    break
                words.append(word.strip("[]") if word != "[]" else word)
            yield words


def mistake(words: list[str]) -> str:
    """What the program would refuse of this line, whatever its files; empty where nothing."""
    command, name, rest = WHOLE, "bodycamd", list(words)
    while rest and rest[0] != DROPPED and (commands := getattr(command, "commands", None)):
        if rest[0] not in commands:
            return f"{name} has no {rest[0]}"
        name, command = f"{name} {rest[0]}", commands[rest.pop(0)]
    context = command.context_class(command, info_name=name)
    try:
        _, left, _ = command.make_parser(context).parse_args(rest)
    except Exception as error:  # click's, or that of the click within typer
        return f"{name}: {error}"
    more = [word for word in left if word != DROPPED]
    return f"{name}: one word too many: {more[0]}" if more else ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("recordings log --recording 000042-0001", ""),
        ("recordings log 000042-0001", "one word too many: 000042-0001"),
        ("fleet lots HV-07", "has no lots"),
        ("fleet card HV-07 --imgae x", "--imgae"),
        ("fleet card HV-07 --image", "--image"),
        ("order sign hold --camera HV-08 …", ""),
    ],
)
def test_a_mistake_of_a_line_is_found(line: str, said: str) -> None:
    found = mistake(line.split())
    assert found if said else not found
    assert said in found


def test_the_words_of_a_page_are_found() -> None:
    block = "sudo -u c -H bodycamd station check && bodycamd d \\\n  --e f   # bodycamd no\nbodycamd g 3< <(x) | y\n"
    text = f"`bodycamd a b` and `x`\n```sh\n{block}```\n"
    assert list(command_lines(text)) == [["station", "check"], ["d", "--e", "f"], ["g"], ["a", "b"]]


def test_every_command_of_the_pages_exists_with_its_options() -> None:
    found = [(page.relative_to(ROOT), words) for page in PAGES for words in command_lines(page.read_text(encoding="utf-8"))]
    assert len(found) > 200
    wrong = [f"{page}: bodycamd {shlex.join(words)}: {said}" for page, words in found if (said := mistake(words))]
    assert wrong == []
