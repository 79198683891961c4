"""Codes of cards, and the file that says whose they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.cards.codes import MAX_CARDS, code_of, line_of, read_officers
from bodycamd.camera.cards.reader import UNREADABLE, is_random, number
from bodycamd.errors import ConfigError
from tests.kit.scale import count, only_in_full

SALT = "00112233445566778899aabbccddeeff"
UID = bytes.fromhex("04a1b2c3d4e5f6")
ONE, OTHER = "1" * 64, "2" * 64


@only_in_full
def test_a_code_is_scrypt_of_number_and_salt_and_no_plain_hash() -> None:
    code = code_of(UID, SALT)
    assert code == hashlib.scrypt(UID, salt=bytes.fromhex(SALT), n=16_384, r=8, p=1, dklen=32).hex()
    assert code not in (hashlib.sha256(bytes.fromhex(SALT) + UID).hexdigest(), hashlib.sha256(UID + bytes.fromhex(SALT)).hexdigest())
    assert code != code_of(UID, SALT[::-1])
    assert code != code_of(UID[:4], SALT)


def test_what_is_printed_for_the_file_is_read_from_it(tmp_path: Path) -> None:
    file = tmp_path / "cards.txt"
    file.write_text(f"# team north\n\n{line_of('H-12', ONE)}\n  H-13\t{OTHER}  \n")
    assert read_officers(file) == {ONE: "H-12", OTHER: "H-13"}


def test_an_officer_may_have_two_cards_and_a_file_none(tmp_path: Path) -> None:
    file = tmp_path / "cards.txt"
    file.write_text(f"H-12 {ONE}\nH-12 {OTHER}\n")
    assert set(read_officers(file).values()) == {"H-12"}
    file.write_text("")
    assert read_officers(file) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"H-12 {ONE}\nH-13 {ONE}\n", "line 2: this card is already that of H-12"),
        ("H-12 04a1b2c3\n", "line 1: 'H-12 04a1b2c3' is no card; allowed: a pseudonym and the code"),
        (f"H-12 {ONE.upper().replace('1', 'A')}\n", "line 1: "),
        (f"H-12 {ONE} {OTHER}\n", "line 1: "),
        (f"Jan {ONE}\n", "line 1: the officer: a pseudonym such as H-12"),
        ("H-12 \u0661\n", "not ASCII at byte 5"),
        ("\n".join(f"H-{n} {n:064x}" for n in range(MAX_CARDS + 1)), f"allowed: at most {MAX_CARDS}"),
    ],
)
def test_what_is_no_card_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "cards.txt"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_officers(file)
    assert str(refused.value).startswith(f"{file}: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_officers(tmp_path / "cards.txt")


@given(st.binary(max_size=300))
@settings(max_examples=count(1000))
def test_whatever_the_file_holds_it_is_cards_or_one_line(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any-cards.txt"
    file.write_bytes(raw)
    try:
        officers = read_officers(file)
    except ConfigError as error:
        officers, said = {}, str(error)
        assert "\n" not in said
    assert all(len(code) == 64 for code in officers)


@pytest.mark.parametrize(
    ("found", "uid"),
    [
        (b"", UNREADABLE),
        (b"\x01\x02\x03", UNREADABLE),
        (bytes(7), UNREADABLE),
        (bytes(range(11)), UNREADABLE),
        (UID, UID),
        (b"\x01\x02\x03\x04", b"\x01\x02\x03\x04"),
    ],
)
def test_what_can_be_a_number(found: bytes, uid: bytes) -> None:
    assert number(found) == uid


def test_a_number_that_is_new_each_time() -> None:
    assert is_random(bytes.fromhex("08112233"))
    assert not is_random(bytes.fromhex("18112233"))
    assert not is_random(bytes.fromhex("08112233445566"))
