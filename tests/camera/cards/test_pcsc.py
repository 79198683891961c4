"""A reader that PC/SC knows: cards that come, stay, go and tell nothing, readers that are pulled out, a service that is restarted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from bodycamd.camera.cards.pcsc import PcscReader
from bodycamd.camera.cards.reader import UNREADABLE
from bodycamd.errors import UnavailableError
from tests.camera.cards import scard as fake
from tests.camera.cards.scard import Scard, Slot
from tests.camera.cards.test_codes import UID

DONE = b"\x90\x00"
Make = Callable[..., tuple[PcscReader, Scard]]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    def made(**slots: Slot) -> tuple[PcscReader, Scard]:
        package, module = ModuleType("smartcard"), Scard(**slots)
        package.scard = module  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "smartcard", package)
        return PcscReader(), module

    return made


def test_a_card_comes_stays_and_goes_and_is_asked_once(make: Make) -> None:
    slot = Slot()
    reader, _ = make(one=slot)
    assert reader.look(0.01) is None
    slot.lay(UID + DONE)
    assert [reader.look(0.01) for _ in range(3)] == [UID] * 3
    assert slot.asked == [bytes.fromhex("ffca000000")]
    slot.lay(None)
    assert reader.look(0.01) is None


def test_another_card_between_two_looks_is_seen(make: Make) -> None:
    slot = Slot()
    reader, _ = make(one=slot)
    slot.lay(UID + DONE)
    assert reader.look(0.01) == UID
    slot.lay(None)
    slot.lay(b"\x01\x02\x03\x04" + DONE)
    assert reader.look(0.01) == b"\x01\x02\x03\x04"


@pytest.mark.parametrize(
    ("slot", "uid"),
    [
        (Slot(b"\x6a\x81"), UNREADABLE),
        (Slot(b""), UNREADABLE),
        (Slot(DONE), UNREADABLE),
        (Slot(UID + DONE, connects=fake.SCARD_W_UNRESPONSIVE_CARD), UNREADABLE),
        (Slot(UID + DONE, transmits=fake.SCARD_W_UNRESPONSIVE_CARD), UNREADABLE),
        (Slot(UID + DONE, connects=fake.SCARD_W_REMOVED_CARD), None),
        (Slot(UID + DONE, connects=fake.SCARD_E_NO_SMARTCARD), None),
        (Slot(UID + DONE, transmits=fake.SCARD_W_REMOVED_CARD), None),
    ],
)
def test_a_card_that_tells_no_number_and_one_that_left_again(make: Make, slot: Slot, uid: bytes | None) -> None:
    reader, _ = make(one=slot)
    assert reader.look(0.01) == uid


def test_of_several_readers_all_are_watched_and_one_may_be_pulled_out(make: Make) -> None:
    first, second = Slot(), Slot()
    reader, module = make(first=first, second=second)
    second.lay(UID + DONE)
    assert reader.look(0.01) == UID
    del module.slots["second"]
    assert reader.look(0.01) is None
    module.slots["third"] = Slot(UID + DONE)
    assert reader.look(0.01) == UID


def test_without_a_reader_it_says_so_and_takes_the_one_that_comes(make: Make) -> None:
    reader, module = make()
    with pytest.raises(UnavailableError, match="no card reader is connected: check its cable"):
        reader.look(0.01)
    module.slots["one"] = Slot(UID + DONE)
    assert reader.look(0.01) == UID


def test_a_service_that_ends_and_comes_back_is_asked_anew(make: Make) -> None:
    reader, module = make(one=Slot(UID + DONE))
    assert reader.look(0.01) == UID
    module.serves = False
    for _ in range(2):
        with pytest.raises(UnavailableError, match=r"\(Error 0x8010001d\.\)"):
            reader.look(0.01)
    module.serves = True
    assert reader.look(0.01) == UID
    assert module.contexts == 2


def test_without_pyscard_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    with pytest.raises(UnavailableError, match="apt install pcscd python3-pyscard"):
        PcscReader()
