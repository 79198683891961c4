"""Calls for help in the recorder: stated before they are carried, whatever the card does; what comes back counts by its signature alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bodycamd.camera.control import events as ev
from bodycamd.camera.daemon import help_calling
from bodycamd.camera.daemon.deliveries import Deliveries
from bodycamd.camera.daemon.help_calling import HelpCalling, message_key
from bodycamd.camera.daemon.protocol import Deliver
from bodycamd.camera.daemon.shifts import Shifts
from bodycamd.errors import StorageError, UsageError
from bodycamd.evidence.help_call import HelpSent, SignedCall, check_call, decode_call, sign_sent
from bodycamd.evidence.noted_entries import HelpCalled, HelpConfirmed
from bodycamd.evidence.orders import Answer
from tests.camera.keeping.ordered_camera import UPLINK, OrderedCamera
from tests.evidence.ordering import ANSWER, IN_FORCE, ordered
from tests.evidence.rostering import key
from tests.evidence.test_help_call import MESSAGE_KEY, SENT, STATION


class Desk:
    """A resting camera whose writer does nothing while `card` is not set."""

    def __init__(self, root: Path, *, help: bool = True) -> None:
        self.camera = OrderedCamera(root).switch_on()
        self.felt: list[ev.HelpSent | ev.HelpAnswered] = []
        self.card = asyncio.Event()
        self.card.set()
        key_file = message_key(root / "signing")
        key_file.parent.mkdir()
        key_file.write_bytes(MESSAGE_KEY.file_bytes())
        self.key_file = key_file
        self.calling = HelpCalling("HV-01", key_file, self.camera.clock, self.felt.append)
        self.calling.attach(7, self.write)
        shifts = Shifts(self.camera.clock, lambda _: None)
        self.deliveries = Deliveries(self.camera.orders, shifts, self.write, None, self.calling if help else None)

    async def write(self, run: Callable[[Any, Any], Any]) -> Any:
        await self.card.wait()
        return run(self.camera.keeper, SimpleNamespace(state_durably=self.camera.enter, state=self.camera.enter))

    async def deliver(self, raw: bytes) -> str:
        self.deliveries._pace.forget()
        return (await self.deliveries.take(Deliver(document=raw), UPLINK)).outcome

    async def call(self, number: int = 1) -> SignedCall:
        self.calling.call(ev.CallHelp(number, 1, 5_000_000), "H-12")
        found = await asyncio.wait_for(self.calling.waiting(20), 10)
        assert found.document is not None
        return decode_call(found.document, "x")

    def confirmation(self, call: SignedCall, **changes: Any) -> HelpSent:
        return replace(SENT, call=call.id, **changes)


def stated(desk: Desk) -> list[HelpCalled]:
    return [detail for detail in desk.camera.details(HelpCalled) if isinstance(detail, HelpCalled)]


def run(tmp_path: Path, test: Callable[[Desk], Awaitable[None]], **words: Any) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, **words)
        try:
            await asyncio.wait_for(test(desk), 30)
        finally:
            desk.calling.close()
            desk.deliveries.close()

    asyncio.run(whole())


def test_a_call_is_signed_and_in_the_ledger_before_anybody_carries_it(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        waiting = asyncio.ensure_future(desk.calling.waiting(20))
        await asyncio.sleep(0)
        desk.card.clear()
        desk.calling.call(ev.CallHelp(1, 1, 5_000_000), "H-12")
        await asyncio.sleep(0.2)
        assert not waiting.done(), "the card has not taken the entry yet"
        desk.card.set()
        found = await waiting
        assert found.document is not None
        signed = decode_call(found.document, "x")
        check_call(signed, IN_FORCE, "HV-01")
        assert (signed.call.recording, signed.call.officer, signed.call.start) == ("000007-0001", "H-12", 7)
        [entry] = stated(desk)
        assert (entry.call, entry.number, entry.at_us, entry.test) == (signed.id, 1, 5_000_000, False)
        assert desk.calling.status().last == "calling"

    run(tmp_path, test)


def test_a_call_does_not_wait_for_a_card_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        monkeypatch.setattr(help_calling, "ENTRY_SECONDS", 0.1)
        desk.card.clear()
        await desk.call()
        assert stated(desk) == []
        desk.card.set()
        await asyncio.sleep(0.1)
        assert len(stated(desk)) == 1, "the entry follows"

    run(tmp_path, test)


def test_a_call_goes_though_the_card_fails_and_that_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_: Any) -> None:
        raise StorageError("the card is gone")

    async def test(desk: Desk) -> None:
        desk.calling.attach(7, cast(Any, fails))
        await desk.call()
        await asyncio.sleep(0)
        assert stated(desk) == []
        assert "no entry in the ledger: the card is gone" in caplog.text

    run(tmp_path, test)


def test_only_the_station_says_sent_and_only_once(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        call = await desk.call()
        for wrong, signer, outcome in (
            (desk.confirmation(call), key("HV-01 uplink_key"), "not_signed"),
            (desk.confirmation(call), MESSAGE_KEY, "not_signed"),
            (desk.confirmation(call, station="station-9"), STATION, "not_a_station"),
            (desk.confirmation(call, camera="HV-02"), STATION, "other_device"),
            (replace(desk.confirmation(call), call="00" * 32), STATION, "unknown_call"),
        ):
            assert await desk.deliver(sign_sent(wrong, signer).document.file_bytes) == outcome
        assert desk.felt == []
        good = sign_sent(desk.confirmation(call), STATION).document.file_bytes
        assert [await desk.deliver(good) for _ in range(3)] == ["accepted", "repeated", "repeated"]
        assert desk.felt == [ev.HelpSent(1)]
        assert [detail.test for detail in desk.camera.details(HelpConfirmed) if isinstance(detail, HelpConfirmed)] == [False]
        assert (desk.calling.status().last, desk.calling.status().people) == ("sent", 2)
        assert (await desk.calling.waiting(0)).awaited == call.id

    run(tmp_path, test)


def test_an_answer_is_felt_once_and_no_old_one_is_an_answer_to_a_new_call(tmp_path: Path) -> None:
    def answer(call: SignedCall, nonce: int, **changes: Any) -> bytes:
        return ordered(replace(ANSWER, body=Answer(call=call.id), nonce=f"{nonce:032x}", **changes)).document.file_bytes

    async def test(desk: Desk) -> None:
        first = await desk.call()
        await desk.deliver(sign_sent(desk.confirmation(first), STATION).document.file_bytes)
        assert await desk.deliver(answer(first, 0, person="E-01")) == "not_allowed"
        good = answer(first, 1)
        assert [await desk.deliver(good) for _ in range(2)] == ["answered", "answered"], "a repeat gives the first outcome"
        assert desk.felt == [ev.HelpSent(1), ev.HelpAnswered(1)]
        assert await desk.deliver(answer(first, 2)) == "no_call", "it is answered already"
        second = await desk.call(2)
        assert second.id != first.id
        assert await desk.deliver(good) == "answered"
        assert await desk.deliver(answer(first, 3)) == "no_call"
        assert desk.felt == [ev.HelpSent(1), ev.HelpAnswered(1)], "nothing of it is felt for the second call"
        assert await desk.deliver(answer(second, 4)) == "answered"
        assert desk.felt[-1] == ev.HelpAnswered(2)
        assert desk.calling.status().last == "answered"

    run(tmp_path, test)


def test_where_it_is_off_nothing_of_it_is_taken(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        with pytest.raises(UsageError, match="help_call is off"):
            await desk.deliver(sign_sent(SENT, STATION).document.file_bytes)
        assert await desk.deliver(ordered(ANSWER).document.file_bytes) == "no_call"
        assert desk.felt == []

    run(tmp_path, test, help=False)


def test_without_a_key_no_call_is_made_and_one_is_when_there_is_a_key(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        desk.key_file.unlink()
        desk.calling.call(ev.CallHelp(1, 1, 0), None)
        await asyncio.sleep(0.2)
        assert (await desk.calling.waiting(0)).document is None
        desk.key_file.write_bytes(MESSAGE_KEY.file_bytes())
        assert (await desk.call(2)).call.number == 2

    run(tmp_path, test)


def test_tests_are_made_by_themselves_and_not_felt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(help_calling, "FIRST_TEST_SECONDS", 0.0)
    monkeypatch.setattr(help_calling, "HELP_SENT_US", 300_000)
    monkeypatch.setattr(help_calling, "TEST_AGAIN_SECONDS", 0.1)

    async def test(desk: Desk) -> None:
        found = await desk.calling.waiting(20)
        assert found.document is not None
        first = decode_call(found.document, "x")
        assert first.call.test
        while len(stated(desk)) < 2:
            await asyncio.sleep(0.02)
        second = stated(desk)[1]
        assert second.number == 2, "one that nobody confirmed is made again"
        await desk.deliver(sign_sent(replace(SENT, call=second.call), STATION).document.file_bytes)
        await asyncio.sleep(0.6)
        assert desk.felt == []
        assert desk.calling.status().test == "sent"
        assert desk.calling.status().tested_at == SENT.sent_at
        assert [one.test for one in stated(desk)] == [True, True], "and not again for a day"
        [confirmed] = desk.camera.details(HelpConfirmed)
        assert isinstance(confirmed, HelpConfirmed)
        assert confirmed.test, "nobody was reached by it, and nothing states so"

    run(tmp_path, test)
