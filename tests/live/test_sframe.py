"""SFrame as the RFC has it, and never a key and a counter twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.errors import DataError
from bodycamd.live import sframe
from bodycamd.live.sframe import MAX_ID, Opener, Sealer, read_head, write_head

RFC: dict[str, Any] = json.loads((Path(__file__).parent / "rfc9605.json").read_text(encoding="utf-8"))
NUMBERS = st.one_of(st.integers(0, 300), st.integers(0, MAX_ID))
KEY = bytes(range(16))


@pytest.mark.parametrize(("kid", "counter", "encoded"), RFC["heads"])
def test_heads_are_the_rfcs(kid: int, counter: int, encoded: str) -> None:
    assert write_head(kid, counter).hex() == encoded
    found = read_head(bytes.fromhex(encoded) + b"rest")
    assert (found.kid, found.counter, found.size) == (kid, counter, len(encoded) // 2)


@pytest.mark.parametrize("case", RFC["packets"])
def test_packets_are_the_rfcs(case: dict[str, Any]) -> None:
    base_key, metadata, plain, packet = (bytes.fromhex(case[name]) for name in ("base_key", "metadata", "pt", "ct"))
    assert Opener(base_key, case["kid"]).open(metadata, packet) == plain
    sealer = Sealer(base_key, case["kid"])
    sealer._next = case["ctr"]
    assert sealer.seal(metadata, plain) == packet


@given(NUMBERS, NUMBERS)
def test_a_head_is_read_as_it_was_written_and_has_one_spelling(kid: int, counter: int) -> None:
    raw = write_head(kid, counter)
    assert (read_head(raw).kid, read_head(raw).counter, read_head(raw).size) == (kid, counter, len(raw))
    for size in range(len(raw)):
        with pytest.raises(DataError):
            read_head(raw[:size])


@given(st.binary(max_size=20))
def test_whatever_comes_is_a_head_in_its_one_spelling_or_an_error(raw: bytes) -> None:
    try:
        found = read_head(raw)
    except DataError:
        return
    assert write_head(found.kid, found.counter) == raw[: found.size]


@pytest.mark.parametrize("spelling", ["8000", "0807", "f00000000000000001", "0f0000000000000001", "8001"])
def test_a_longer_spelling_is_refused(spelling: str) -> None:
    with pytest.raises(DataError, match="longer than it need be"):
        read_head(bytes.fromhex(spelling))


@given(st.lists(st.tuples(st.binary(max_size=50), st.binary(max_size=200)), min_size=1, max_size=20), NUMBERS)
def test_each_packet_has_a_counter_of_its_own_and_opens(packets: list[tuple[bytes, bytes]], kid: int) -> None:
    sealer, opener = Sealer(KEY, kid), Opener(KEY, kid)
    sealed = [sealer.seal(metadata, plain) for metadata, plain in packets]
    assert [read_head(packet).counter for packet in sealed] == list(range(len(packets)))
    assert [opener.open(metadata, packet) for (metadata, _), packet in zip(packets, sealed, strict=True)] == [p for _, p in packets]


@given(st.data())
def test_what_is_altered_anywhere_does_not_open(data: st.DataObject) -> None:
    metadata, plain = data.draw(st.binary(min_size=1, max_size=24)), data.draw(st.binary(max_size=40))
    packet = Sealer(KEY, 1 << 32).seal(metadata, plain)
    whole = metadata + packet
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    changed = whole[:at] + bytes((whole[at] ^ 1 << bit,)) + whole[at + 1 :]
    with pytest.raises(DataError):
        Opener(KEY, 1 << 32).open(changed[: len(metadata)], changed[len(metadata) :])
    with pytest.raises(DataError):
        Opener(KEY, 1 << 32).open(metadata, packet[: data.draw(st.integers(0, len(packet) - 1))])


def test_another_key_opens_nothing() -> None:
    packet = Sealer(KEY, 5).seal(b"head", b"picture")
    for opener in (Opener(KEY, 6), Opener(KEY[::-1], 5)):
        with pytest.raises(DataError):
            opener.open(b"head", packet)


def test_a_key_that_is_used_up_seals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sframe, "MOST_PACKETS", 3)
    sealer = Sealer(KEY, 0)
    for _ in range(3):
        assert not sealer.used_up
        sealer.seal(b"", b"")
    assert sealer.used_up
    with pytest.raises(ValueError, match="used up"):
        sealer.seal(b"", b"")


@pytest.mark.parametrize("wrong", [b"", bytes(15), bytes(32)])
def test_a_key_of_another_length_is_none(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Sealer(wrong, 0)
