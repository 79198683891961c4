"""The recorder's end of the card reader's process: real sockets, lies, a flood, a process that is not there or begins anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.board.cards_link import MESSAGES_A_ROUND, CardsLink
from bodycamd.camera.cards.messages import SHOWN_US, STALE_US, Told, decode, encode
from bodycamd.linux.clock import SettableClock
from bodycamd.linux.telling import Teller
from tests.kit.scale import count

NOW_US = 1_000_000_000
CODE = "1" * 64
SHOWN = Told(sequence=2, at_us=NOW_US, card=CODE)
LIVES = Told(sequence=1, at_us=NOW_US)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOW_US)


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    made = Teller(tmp_path / "cards.sock", process="cards", key="board.cards")
    yield made
    made.close()


@pytest.fixture
def link(tmp_path: Path, clock: SettableClock) -> Iterator[CardsLink]:
    made = CardsLink(tmp_path / "cards.sock", clock)
    yield made
    made.close()


def connect(link: CardsLink, teller: Teller) -> None:
    link.look()
    teller.admit()


def test_a_card_is_told_once_and_the_reader_answers_until_it_is_silent(link: CardsLink, teller: Teller, clock: SettableClock) -> None:
    assert "no word of the card reader for 20 s; look at: systemctl status bodycamd-cards" in (link.fault() or "")
    connect(link, teller)
    teller.publish(encode(LIVES))
    teller.publish(encode(SHOWN), kept=False)
    assert [link.look(), link.look()] == [[SHOWN], []]
    assert link.fault() is None
    clock.boottime_us += STALE_US
    assert "no word" in (link.fault() or "")


def test_a_recorder_that_begins_anew_is_not_told_of_the_card_before(link: CardsLink, teller: Teller) -> None:
    """It would end the shift that the card has just begun."""
    teller.publish(encode(LIVES))
    teller.publish(encode(SHOWN), kept=False)
    connect(link, teller)
    assert link.look() == []
    assert link.fault() is None


def test_a_showing_that_waited_too_long_is_none(link: CardsLink, teller: Teller, clock: SettableClock) -> None:
    connect(link, teller)
    teller.publish(encode(SHOWN))
    clock.boottime_us += SHOWN_US
    assert link.look() == []


def test_the_same_message_twice_is_one(link: CardsLink, teller: Teller) -> None:
    connect(link, teller)
    for _ in range(3):
        teller.publish(encode(SHOWN))
    assert link.look() == [SHOWN]


def test_a_process_that_begins_anew_is_heard(tmp_path: Path, link: CardsLink) -> None:
    for _ in range(2):
        serving = Teller(tmp_path / "cards.sock", process="cards", key="board.cards")
        connect(link, serving)
        serving.publish(encode(SHOWN))
        assert link.look() == [SHOWN]
        serving.close()
        assert link.look() == []


def test_why_the_reader_does_not_answer_is_its_own_word(link: CardsLink, teller: Teller) -> None:
    connect(link, teller)
    teller.publish(encode(msgspec.structs.replace(LIVES, fault="pulled out")))
    link.look()
    assert link.fault() == "pulled out"


def test_a_flood_is_hung_up_on_until_the_next_round(link: CardsLink, teller: Teller) -> None:
    connect(link, teller)
    heard = 0
    for sequence in range(1, 1000):
        teller.publish(encode(Told(sequence=sequence, at_us=NOW_US, card=CODE)))
        heard += len(link.look())
    assert heard <= MESSAGES_A_ROUND
    assert link.fileno() is None, "nothing wakes the recorder"
    assert link.look() == []
    link.begin_round()
    connect(link, teller)
    shown = msgspec.structs.replace(SHOWN, sequence=1000)
    teller.publish(encode(shown))
    assert shown in link.look()


fields = st.sampled_from(["sequence", "at_us", "card", "trouble", "fault", "officer"])
objects = st.dictionaries(fields, st.none() | st.integers() | st.text(max_size=70))


@given(st.binary(max_size=700) | objects.map(lambda found: json.dumps(found).encode("utf-8", "surrogatepass")))
@settings(max_examples=count(2000))
def test_whatever_a_message_holds_it_is_bounded_or_none(message: bytes) -> None:
    told = decode(message)
    if told is not None:
        assert told.card is None or len(told.card) == 64
        assert told.fault is None or len(told.fault) <= 200
        encode(told)
