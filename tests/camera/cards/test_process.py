"""The process itself, as its unit starts it: a card on the simulated reader, a clean end, one line and an exit code where it cannot run."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bodycamd.camera.board.cards_link import CardsLink
from bodycamd.camera.cards import __main__ as cards
from bodycamd.camera.cards.codes import code_of
from bodycamd.camera.cards.messages import Told
from bodycamd.config.load import load
from bodycamd.linux.clock import SystemClock
from tests.camera.cards.test_codes import SALT, UID
from tests.kit.scale import one_in, only_in_full
from tests.kit.waiting import wait_for


def start(config: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "bodycamd.camera.cards", "--config", str(config)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def configuration(folder: Path, board: str = "card_reader: simulated, cards: cards.sock") -> Path:
    path = folder / "bodycamd.yaml"
    path.write_text(
        "device_id: c\nsimulation_directory: .\nspeaker: {output: simulated}\n"
        f'board: {{adapter: simulated, {board}}}\nshift: {{cards: cards.txt, salt: "{SALT}"}}\n'
    )
    return path


@only_in_full
def test_it_tells_a_card_that_is_laid_down_never_its_number_and_ends_when_it_is_asked(tmp_path: Path) -> None:
    config = load(configuration(tmp_path))
    process = start(tmp_path / "bodycamd.yaml")
    link = CardsLink(Path(config.board.cards), SystemClock())
    found: list[Told] = []

    def told() -> list[Told]:
        link.begin_round()
        found.extend(link.look())
        return found

    wait_for(lambda: told() is not None and link.fault() is None)
    (tmp_path / "card.txt").write_text(UID.hex())
    wait_for(told)
    assert [one.card for one in found] == [code_of(UID, SALT)]
    (tmp_path / "card.txt").write_text("broken")
    wait_for(lambda: told() and "is no card's number" in (link.fault() or ""))
    link.close()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert not Path(config.board.cards).exists()
    assert UID.hex() not in said


@pytest.mark.parametrize(("reader", "code"), [("none", 1), ("simulated", 0), ("a reader", 78)])
def test_the_unit_asks_whether_it_is_wanted(reader: str, code: int, tmp_path: Path) -> None:
    assert cards.main(["--is-wanted", "--config", str(configuration(tmp_path, f"card_reader: {reader}"))]) == code


@one_in(3)
@pytest.mark.parametrize(
    ("board", "code", "words"),
    [
        ("card_reader: none", 78, "there is nothing to read"),
        ("card_reader: simulated, cards: none/cards.sock", 69, "check board.cards"),
        (f"card_reader: simulated, cards: {'x' * 120}", 78, "board.cards: the path"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(board: str, code: int, words: str, tmp_path: Path) -> None:
    process = start(configuration(tmp_path, board))
    _, said = process.communicate(timeout=60)
    assert (process.returncode, len(said.splitlines())) == (code, 1), said
    assert words in said
