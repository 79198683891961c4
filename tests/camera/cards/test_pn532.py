"""The PN532 on a serial port: a chip that is scripted frame by frame behind a pseudo-terminal."""

from __future__ import annotations

import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.cards import pn532
from bodycamd.camera.cards.pn532 import LONGEST_FRAME, Pn532Reader, frame, unframed
from bodycamd.errors import UnavailableError
from tests.camera.cards.chip import ACK, REFUSED, Chip, answer
from tests.camera.cards.test_codes import UID
from tests.kit.scale import count

GET_FIRMWARE_VERSION = bytes.fromhex("0000ff02fed4022a00")
NORMAL_MODE = bytes.fromhex("0000ff05fbd4140100001700")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine may be busy."""
    monkeypatch.setattr(pn532, "ANSWER_SECONDS", 30.0)


@pytest.fixture
def chip() -> Iterator[Chip]:
    made = Chip()
    yield made
    made.close()


@pytest.fixture
def reader(chip: Chip) -> Iterator[Pn532Reader]:
    made = Pn532Reader(chip.port)
    yield made
    made.close()


def test_frames_are_those_of_the_manual_and_of_nfcpy() -> None:
    assert frame(0x02, b"") == GET_FIRMWARE_VERSION
    assert frame(0x14, bytes([1, 0, 0])) == NORMAL_MODE


def test_a_card_comes_stays_and_goes(chip: Chip, reader: Pn532Reader) -> None:
    assert reader.look(0) is None
    for uid in (UID, bytes.fromhex("11223344"), bytes(range(1, 11))):
        chip.uid = uid
        assert reader.look(5) == uid
        assert reader.look(0) == uid
    chip.uid = None
    assert reader.look(5) is None


def test_the_field_is_off_between_two_looks(chip: Chip, reader: Pn532Reader) -> None:
    for uid in (None, UID):
        chip.uid = uid
        reader.look(0)
        assert not chip.field
    assert b"\xd4\x4a\x01\x00" in chip.commands
    assert chip.commands.index(b"\xd4\x32\x05\xff\x01\x02") < chip.commands.index(b"\xd4\x4a\x01\x00"), "it looks for a card for ever else"


def test_the_line_is_raw_and_of_the_chips_speed(chip: Chip, reader: Pn532Reader) -> None:
    reader.look(0)
    attributes = termios.tcgetattr(chip._given)
    assert attributes[4:6] == [termios.B115200] * 2
    assert attributes[3] & (termios.ICANON | termios.ECHO | termios.ISIG) == 0
    assert attributes[0] & (termios.IXON | termios.ICRNL) == 0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda _: b"", "no answer: check its wires"),
        (lambda said: said[: len(ACK)], "no answer"),
        (lambda said: said[len(ACK) :], "no answer"),
        (lambda said: ACK + REFUSED, "a command was refused"),
        (lambda said: said[:-2] + bytes([said[-2] ^ 1, 0]), "a frame of the PN532 is damaged"),
        (lambda _: ACK * 4000, "no answer|is damaged"),
        (lambda _: b"\x00\x01" * LONGEST_FRAME, "what answers is no PN532"),
    ],
)
def test_a_chip_that_answers_otherwise_is_one_line(spoil: object, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "no answer" in said:
        monkeypatch.setattr(pn532, "ANSWER_SECONDS", 0.1)
    chip = Chip(spoil=spoil)  # type: ignore[arg-type]
    reader = Pn532Reader(chip.port)
    try:
        for _ in range(2):  # it is opened anew
            with pytest.raises(UnavailableError, match=said):
                reader.look(0)
    finally:
        reader.close()
        chip.close()


def test_another_chip_is_none() -> None:
    chip = Chip(firmware=bytes.fromhex("33010607"))
    try:
        with pytest.raises(UnavailableError, match="is no PN532"):
            Pn532Reader(chip.port).look(0)
    finally:
        chip.close()


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("")])
def test_a_port_that_is_none(tmp_path: Path, make: object) -> None:
    port = tmp_path / "serial0"
    make(port)  # type: ignore[operator]
    with pytest.raises(UnavailableError, match=r"board.card_port: .*/serial0 cannot be opened as a serial port"):
        Pn532Reader(port).look(0)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 300))
@settings(max_examples=count(400))
def test_a_frame_is_read_whole_or_not_yet(body: bytes, cut: int) -> None:
    sent = b"\x00" + ACK + answer(body)
    cut = min(cut, len(sent))
    bodies, received = list[bytes](), b""
    for part in (sent[:cut], sent[cut:]):
        received += part
        while (one := unframed(received)) is not None:
            bodies.append(one[0])
            received = received[one[1] :]
    assert bodies == [b"", body]


@given(st.binary(max_size=600))
@settings(max_examples=count(400))
def test_whatever_comes_is_a_frame_more_to_wait_for_or_an_error(received: bytes) -> None:
    try:
        one = unframed(received)
    except UnavailableError:
        return
    if one is None:
        assert len(received) <= LONGEST_FRAME or b"\x00\xff" in received
    else:
        assert 0 < one[1] <= len(received)
