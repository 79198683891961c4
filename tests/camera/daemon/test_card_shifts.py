"""Shifts by card in the recorder: a real socket, the real decisions, a ledger that keeps what it is to note."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

import pytest

from bodycamd.camera.board.cards_link import CardsLink
from bodycamd.camera.board.machine_health import SILENT_US
from bodycamd.camera.cards.messages import STALE_US, Told, Trouble, encode
from bodycamd.camera.control import events as ev
from bodycamd.camera.control import machine
from bodycamd.camera.control.shift_card import AGAIN_US, HOUR_US, MOST_ANSWERS
from bodycamd.camera.control.state import Policy, State
from bodycamd.camera.daemon.card_shifts import Cards, CardShifts
from bodycamd.camera.daemon.shifts import Shifts
from bodycamd.evidence.statements import Caller, JsonValue
from bodycamd.linux.clock import SettableClock
from bodycamd.linux.telling import Teller

ONE, OTHER, UNKNOWN = "1" * 64, "2" * 64, "3" * 64
OFFICERS = {ONE: "H-12", OTHER: "H-13"}
BY_CARD = {"via": "card"}


class Camera:
    """Inside a running loop: the process's end of the socket, the recorder's, and all that came of it."""

    def __init__(self, folder: Path) -> None:
        self.clock = SettableClock(1_000_000_000)
        self.noted: list[tuple[str, Mapping[str, JsonValue]]] = []
        self.worn: list[str | None] = []
        self.felt: list[ev.Action] = []
        self.state, _ = machine.step(machine.initial(Policy()), ev.Ready(), self.clock.boottime_us)
        self.teller = Teller(folder / "cards.sock", process="cards", key="board.cards")
        self.shifts = Shifts(self.clock, self.worn.append)
        self.shifts.attach(self, None)
        link = CardsLink(folder / "cards.sock", self.clock)
        self.cards = CardShifts(Cards(link, OFFICERS), self.shifts, self, self.clock)
        self._sequence = 0
        self.look()

    def look(self) -> None:
        self.cards.look()
        self.teller.admit()

    def note(self, type: str, fields: Mapping[str, JsonValue]) -> None:
        self.noted.append((type, dict(fields)))

    def handle(self, event: ev.Event) -> None:
        self.state, actions = machine.step(self.state, event, self.clock.boottime_us)
        self.felt += [action for action in actions if isinstance(action, ev.Pulse)]
        for action in actions:
            if isinstance(action, ev.Note):
                self.note(action.type, dict(action.fields))

    async def show(self, card: str | None, trouble: Trouble | None = None, later_us: int = AGAIN_US) -> None:
        """A card is laid down and told; nothing calls the recorder but its own loop."""
        self.clock.boottime_us += later_us
        self._sequence += 1
        told = Told(sequence=self._sequence, at_us=self.clock.boottime_us, card=card, trouble=trouble)
        self.teller.publish(encode(told), kept=False)
        for _ in range(3):
            await asyncio.sleep(0)

    def close(self) -> None:
        self.cards.close()
        self.teller.close()


@pytest.fixture
def tried(tmp_path: Path) -> Callable[[Callable[[Camera], Coroutine[None, None, None]]], Camera]:
    def run(scene: Callable[[Camera], Coroutine[None, None, None]]) -> Camera:
        async def within() -> Camera:
            camera = Camera(tmp_path)
            try:
                await scene(camera)
            finally:
                camera.close()
            return camera

        return asyncio.run(within())

    return run


Tried = Callable[[Callable[[Camera], Coroutine[None, None, None]]], Camera]


def test_a_card_begins_a_shift_and_ends_it(tried: Tried) -> None:
    async def scene(camera: Camera) -> None:
        await camera.show(ONE)
        assert camera.shifts.officer == "H-12"
        await camera.show(ONE)
        assert camera.shifts.officer is None

    camera = tried(scene)
    assert camera.noted == [("shift_begin", {"officer": "H-12", "caller": BY_CARD}), ("shift_end", {"officer": "H-12", "caller": BY_CARD})]
    assert camera.felt == [ev.Pulse("shift_begun"), ev.Pulse("shift_ended")]
    assert camera.worn == [None, "H-12", None]


def test_another_officers_card_ends_the_shift_and_begins_the_other(tried: Tried) -> None:
    async def scene(camera: Camera) -> None:
        await camera.show(ONE)
        await camera.show(OTHER, later_us=0)
        assert camera.shifts.officer == "H-13"

    camera = tried(scene)
    assert [(type, fields["officer"]) for type, fields in camera.noted] == [
        ("shift_begin", "H-12"),
        ("shift_end", "H-12"),
        ("shift_begin", "H-13"),
    ]
    assert camera.felt == [ev.Pulse("shift_begun")] * 2


@pytest.mark.parametrize(
    ("card", "trouble", "reason"),
    [(UNKNOWN, None, "unknown_card"), (None, "random", "random_card"), (None, "unreadable", "unreadable_card")],
)
def test_a_card_that_is_nobodys_changes_no_shift(tried: Tried, card: str | None, trouble: Trouble | None, reason: str) -> None:
    async def scene(camera: Camera) -> None:
        await camera.show(ONE)
        await camera.show(card, trouble)
        assert camera.shifts.officer == "H-12"

    camera = tried(scene)
    assert camera.noted[1:] == [("card_refused", {"reason": reason})]
    assert camera.felt[1:] == [ev.Pulse("refused")]


def test_while_it_records_the_shift_stays_whose_it_was(tried: Tried) -> None:
    async def scene(camera: Camera) -> None:
        await camera.show(ONE)
        camera.handle(ev.ButtonDown(camera.clock.boottime_us))
        for card in (OTHER, ONE, UNKNOWN):
            await camera.show(card)
            assert camera.shifts.officer == "H-12"

    camera = tried(scene)
    assert [fields for type, fields in camera.noted if type == "card_refused"] == [{"reason": "recording"}] * 3
    assert ev.Pulse("refused") not in camera.felt


def test_what_is_told_again_within_three_seconds_is_one_showing(tried: Tried) -> None:
    """Also by a process that does not keep to it."""

    async def scene(camera: Camera) -> None:
        await camera.show(ONE)
        for _ in range(10):
            await camera.show(ONE, later_us=AGAIN_US - 1)
        assert camera.shifts.officer == "H-12"

    assert len(tried(scene).noted) == 1


def test_a_stack_of_cards_does_not_fill_the_ledger(tried: Tried, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(camera: Camera) -> None:
        for number in range(4 * MOST_ANSWERS):
            camera.look()
            await camera.show(f"{number:064x}")
        assert [type for type, _ in camera.noted].count("card_refused") == MOST_ANSWERS
        camera.clock.boottime_us += HOUR_US
        camera.look()
        await camera.show(ONE)
        assert camera.shifts.officer == "H-12"

    tried(scene)
    assert [record.message for record in caplog.records if "within an hour" in record.message] == [
        "30 cards within an hour: for now no more are answered"
    ]


def test_a_reader_that_is_silent_is_a_condition_until_it_answers(tried: Tried) -> None:
    async def scene(camera: Camera) -> None:
        for _ in range(2):
            camera.look()
            camera.clock.boottime_us += SILENT_US
        assert camera.state.card_reader_silent
        assert "card_reader_silent" in camera.state.conditions(camera.clock.boottime_us)
        assert not camera.state.degraded, "no footage depends on it"
        camera.teller.publish(encode(Told(sequence=1, at_us=camera.clock.boottime_us)))
        camera.look()
        camera.look()
        assert not camera.state.card_reader_silent
        camera.clock.boottime_us += STALE_US
        camera.look()
        assert "no word of the card reader" in (camera.cards.fault() or "")

    camera = tried(scene)
    assert [(fields["condition"], fields["change"]) for _, fields in camera.noted] == [
        ("card_reader_silent", "began"),
        ("card_reader_silent", "ended"),
    ]


def test_a_shift_that_was_taken_over_is_ended_by_its_card(tried: Tried) -> None:
    async def scene(camera: Camera) -> None:
        camera.shifts.begin("H-12", Caller(via="control_socket", uid=1000))
        await camera.show(ONE)
        assert camera.shifts.officer is None

    assert [fields["caller"] for _, fields in tried(scene).noted] == [{"via": "control_socket", "uid": 1000}, BY_CARD]


def test_a_process_that_leaves_and_comes_back_is_followed(tried: Tried, tmp_path: Path) -> None:
    async def scene(camera: Camera) -> None:
        camera.teller.close()
        for _ in range(3):
            await asyncio.sleep(0)
        camera.teller = Teller(tmp_path / "cards.sock", process="cards", key="board.cards")
        camera.look()
        await camera.show(ONE)
        assert camera.shifts.officer == "H-12"

    tried(scene)


def test_starting_takes_no_card(tried: Tried) -> None:
    async def scene(camera: Camera) -> None:
        camera.state = State(Policy())
        await camera.show(ONE)
        assert camera.shifts.officer is None

    assert tried(scene).noted == [("card_refused", {"reason": "starting"})]
