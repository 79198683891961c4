"""`bodycamd shift card`: one line for the file, from a card that is laid on this machine's reader; and what keeps there from being one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.camera.cards.codes import read_officers
from bodycamd.camera.cards.messages import Told, encode
from bodycamd.cli.main import main
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.telling import Teller
from tests.camera.cards.test_process import configuration
from tests.kit.scale import one_in, only_in_full
from tests.kit.waiting import wait_for

CODE = "c" * 64


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    made = Teller(tmp_path / "cards.sock", process="cards", key="board.cards")
    made.publish(encode(Told(sequence=1, at_us=boottime_us())))
    yield made
    made.close()


def shown(teller: Teller, told: Told, *arguments: str) -> int:
    """The exit code of the command, to which this is told as soon as it listens."""

    def tell() -> None:
        wait_for(lambda: teller.admit() and teller._hearers)
        teller.publish(encode(told), kept=False)

    telling = threading.Thread(target=tell)
    telling.start()
    try:
        return main(["shift", "card", "--officer", "H-12", *arguments])
    finally:
        telling.join()


def test_its_line_is_one_of_the_file(tmp_path: Path, teller: Teller, capsys: pytest.CaptureFixture[str]) -> None:
    config = configuration(tmp_path)
    assert shown(teller, Told(sequence=2, at_us=boottime_us(), card=CODE), "--config", str(config)) == 0
    line = capsys.readouterr().out
    assert line == f"H-12 {CODE}\n"
    (tmp_path / "cards.txt").write_text(line)
    assert read_officers(tmp_path / "cards.txt") == {CODE: "H-12"}


@one_in(3)
@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        (Told(sequence=2, at_us=0, trouble="random"), 65, "another number each time, as telephones and passports do"),
        (Told(sequence=2, at_us=0, trouble="unreadable"), 65, "tells no number"),
        (Told(sequence=2, at_us=0, fault="no card reader is connected"), 69, "no card reader is connected"),
    ],
)
def test_a_card_that_can_select_nobody_is_refused(
    tmp_path: Path, teller: Teller, capsys: pytest.CaptureFixture[str], told: Told, code: int, said: str
) -> None:
    assert shown(teller, told, "--config", str(configuration(tmp_path))) == code
    asked, line = capsys.readouterr().err.splitlines()
    assert asked == "hold the card to the reader"
    assert said in line


@only_in_full
def test_without_a_card_a_process_or_a_reader_it_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configuration(tmp_path)
    assert main(["shift", "card", "--officer", "H-12", "--config", str(config)]) == 69
    assert "systemctl status bodycamd-cards" in capsys.readouterr().err
    assert main(["shift", "card", "--officer", "Jan", "--config", str(config)]) == 2
    assert "never a name" in capsys.readouterr().err
    assert main(["shift", "card", "--officer", "H-12", "--config", str(configuration(tmp_path, "card_reader: none"))]) == 78
    assert "there is no reader to wait at" in capsys.readouterr().err


@only_in_full
def test_a_card_that_does_not_come_is_waited_for_so_long(tmp_path: Path, teller: Teller, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shift", "card", "--officer", "H-12", "--seconds", "1", "--config", str(configuration(tmp_path))]) == 69
    assert "no card was shown within 1 s" in capsys.readouterr().err


@only_in_full
def test_config_check_reads_the_cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configuration(tmp_path)
    (tmp_path / "cards.txt").write_text(f"H-12 {CODE}\nH-13 {CODE}\n")
    assert main(["config", "check", str(config)]) == 78
    assert "line 2: this card is already that of H-12; a card has one officer" in capsys.readouterr().err
