"""From cards that lie on a reader to cards that are shown: once each time, never the number, never one that was there before."""

from __future__ import annotations

import json

import pytest

from bodycamd.camera.cards import codes
from bodycamd.camera.cards.codes import code_of
from bodycamd.camera.cards.messages import HEARTBEAT_SECONDS, SHOWN_US, STALE_US, Told, believed, decode, encode
from bodycamd.camera.cards.watch import CardWatch
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import SettableClock
from tests.camera.cards.test_codes import SALT, UID

OTHER = bytes.fromhex("11223344")


class Scripted:
    """A reader on which a test lays cards; a text is a reader that fails."""

    def __init__(self) -> None:
        self.lies: bytes | str | None = None

    def look(self, seconds: float) -> bytes | None:
        if isinstance(self.lies, str):
            raise UnavailableError(self.lies)
        return self.lies

    def close(self) -> None: ...


class Desk:
    def __init__(self) -> None:
        self.reader, self.clock = Scripted(), SettableClock(1_000_000)
        self.watch = CardWatch(self.reader, SALT, lambda: self.clock.boottime_us)
        self.told: list[Told] = []

    def lay(self, card: bytes | str | None, seconds: float = 0.5) -> list[Told]:
        """For so long, looked at twice a second; the cards that were told."""
        self.reader.lies = card
        told: list[Told] = []
        for _ in range(max(1, round(seconds * 2))):
            told += self.watch.look()
            self.clock.boottime_us += 500_000
        self.told += told
        return [one for one in told if one.is_showing]


@pytest.fixture(autouse=True)
def cheap_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a code costs is not what is tried here."""
    monkeypatch.setattr(codes, "COST", 2)


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.lay(None)
    return made


def test_a_card_is_told_once_however_long_it_lies_there(desk: Desk) -> None:
    [shown] = desk.lay(UID, 60)
    assert shown.card == code_of(UID, SALT)
    assert desk.lay(None, 4) == []
    assert [told.card for told in desk.lay(UID, 2)] == [shown.card]


def test_one_that_flickers_was_shown_once(desk: Desk) -> None:
    shown = [told for _ in range(20) for card in (UID, None) for told in desk.lay(card)]
    assert len(shown) == 1


def test_two_in_one_purse_are_told_once_each(desk: Desk) -> None:
    shown = [told.card for _ in range(20) for card in (UID, OTHER) for told in desk.lay(card)]
    assert shown == [code_of(UID, SALT), code_of(OTHER, SALT)]


def test_one_that_lies_there_when_the_process_begins_is_not_shown() -> None:
    desk = Desk()
    assert desk.lay(UID, 10) == []
    desk.lay(None, 4)
    assert len(desk.lay(UID)) == 1


def test_nor_is_one_that_lay_there_while_the_reader_failed(desk: Desk) -> None:
    assert len(desk.lay(UID, 2)) == 1
    desk.lay("pulled out", 30)
    assert desk.lay(UID, 10) == []


@pytest.mark.parametrize(("uid", "trouble"), [(b"", "unreadable"), (bytes.fromhex("08010203"), "random")])
def test_a_card_that_cannot_be_told_again_has_no_code(desk: Desk, uid: bytes, trouble: str) -> None:
    [shown] = desk.lay(uid)
    assert (shown.card, shown.trouble) == (None, trouble)


def test_the_number_is_in_no_message(desk: Desk) -> None:
    for card in (UID, OTHER, "the reader failed"):
        desk.lay(card, 5)
    told = b"".join(map(encode, desk.told))
    assert UID.hex().encode() not in told
    assert OTHER.hex().encode() not in told


def test_it_says_that_it_lives_and_at_once_when_the_reader_fails_and_answers(desk: Desk) -> None:
    desk.told.clear()
    desk.lay(None, 20)
    assert len(desk.told) == 20 / HEARTBEAT_SECONDS
    desk.told.clear()
    desk.lay("x" * 300)
    desk.lay("x" * 300)
    desk.lay(None)
    assert [told.fault and len(told.fault) for told in desk.told] == [200, None]
    assert [told.sequence for told in desk.told] == sorted(told.sequence for told in desk.told)


def test_what_is_told_is_believed_for_its_time_only() -> None:
    shown, lives = Told(sequence=2, at_us=50, trouble="random"), Told(sequence=2, at_us=50)
    for told, stale_us in ((shown, SHOWN_US), (lives, STALE_US)):
        assert believed(told, 50, 1)
        assert believed(told, 50 + stale_us - 1, 1)
        assert not believed(told, 50 + stale_us, 1)
        assert not believed(told, 49, 1), "of the future"
        assert not believed(told, 50, 2), "told before"


@pytest.mark.parametrize(
    "wrong",
    [
        {"card": "A" * 64},
        {"card": "1" * 63},
        {"card": "1" * 64 + "\n"},
        {"officer": "H-12"},
        {"sequence": 0},
        {"trouble": "lost"},
        {"fault": "x" * 201},
    ],
)
def test_what_is_no_message_is_none(wrong: dict[str, object]) -> None:
    good = json.loads(encode(Told(sequence=1, at_us=1)))
    assert decode(json.dumps(good).encode()) is not None
    assert decode(json.dumps({**good, **wrong}).encode()) is None
    assert decode(b"[" * 600) is None
    assert decode(json.dumps(good).encode() + b" " * 600) is None
