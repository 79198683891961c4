"""What a courier may do over the control socket: deliver, at a pace, and nothing by itself."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bodycamd.camera.daemon.deliveries import MOST_A_SECOND, Deliveries
from bodycamd.camera.daemon.protocol import MAX_PART_BYTES, AnyRequest, Deliver
from bodycamd.camera.daemon.shifts import Shifts
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.errors import DataError, PermissionDeniedError, UnavailableError, UsageError
from bodycamd.evidence import suspension
from bodycamd.evidence.noted_entries import OrdersNotSigned
from bodycamd.evidence.orders import Hold, Interval, Order, ShiftChange
from bodycamd.evidence.statements import Caller, wall_text
from bodycamd.evidence.suspension import Suspension
from tests.camera.keeping.ordered_camera import UPLINK, OrderedCamera
from tests.evidence.ordering import HOLD, IN_FORCE, SHIFT, ordered
from tests.evidence.rostering import camera as listed
from tests.evidence.rostering import key, signed


class Desk:
    """Deliveries of a resting camera, whose writer's thread is this one; `busy`: it does nothing before the test says so."""

    def __init__(self, root: Path) -> None:
        self.camera = OrderedCamera(root).switch_on()
        self.noted: list[str] = []
        self.shifts = Shifts(self.camera.clock, lambda _: None)
        self.shifts.attach(self, None)
        self.busy = asyncio.Event()
        self.busy.set()
        self.deliveries = Deliveries(self.camera.orders, self.shifts, self.write)

    def note(self, type: str, fields: Any) -> None:
        self.noted.append(type)

    async def write(self, run: Callable[[Any, Any], Any]) -> Any:
        await self.busy.wait()
        return run(self.camera.keeper, SimpleNamespace(state_durably=self.camera.enter))

    async def deliver(self, raw: bytes, **part: int) -> Delivered:
        self.deliveries._pace.forget()
        return await self.deliveries.take(Deliver(document=raw, **part), UPLINK)

    async def order(self, order: Order) -> str:
        return (await self.deliver(ordered(order).document.file_bytes)).outcome


def run(tmp_path: Path, test: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path)
        try:
            await asyncio.wait_for(test(desk), 30)
        finally:
            desk.deliveries.close()

    asyncio.run(whole())


def shift(change: str, officer: str = "H-12", nonce: int = 0) -> Order:
    return replace(SHIFT, body=ShiftChange(change=cast(Any, change), officer=officer), nonce=f"{nonce:032x}")


def test_a_shift_begins_and_ends_by_order_and_nobody_elses(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        assert await desk.order(shift("begin")) == "shift_begun"
        assert desk.shifts.officer == "H-12"
        assert await desk.order(shift("begin", "H-13")) == "shift_open"
        assert await desk.order(shift("end", "H-13")) == "no_shift"
        assert await desk.order(shift("begin")) == "shift_begun", "the first outcome"
        assert await desk.order(shift("end")) == "shift_ended"
        assert desk.shifts.officer is None
        assert await desk.order(shift("end", nonce=1)) == "no_shift"
        assert desk.noted == ["shift_begin", "shift_end"]

    run(tmp_path, test)


def test_what_was_begun_is_finished_also_where_the_courier_went_away(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        desk.busy.clear()
        waiting = asyncio.ensure_future(desk.deliver(ordered(SHIFT).document.file_bytes))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        desk.busy.set()
        assert await desk.order(SHIFT) in ("shift_begun", "accepted")
        while desk.deliveries._tasks:
            await asyncio.sleep(0.001)
        assert await desk.order(SHIFT) == "shift_begun"
        assert desk.noted == ["shift_begin"]

    run(tmp_path, test)


def test_a_courier_hears_of_many_holds_when_all_are_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bodycamd.camera.keeping.orders.AT_ONCE", 1)

    async def test(desk: Desk) -> None:
        desk.camera.settle()
        since_us = desk.camera.clock.wall_us
        names = [desk.camera.record(segments=1, fragments=1) for _ in range(3)]
        body = HOLD.body
        assert isinstance(body, Hold)
        meant = Interval(since=wall_text(since_us), until=wall_text(desk.camera.clock.wall_us))
        wanted = replace(HOLD, body=replace(body, recording=None, interval=meant), made_at=wall_text(desk.camera.clock.wall_us))
        assert await desk.order(wanted) == "held"
        assert [name for name, _ in desk.camera.held] == names

    run(tmp_path, test)


def test_a_roster_comes_whole_or_in_parts_and_a_suspension_too(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        known = desk.camera.rosters.in_force
        assert known is not None
        taken = suspension.sign(Suspension(roster=known.document.sha256, by="P-01", made_at=HOLD.made_at, people=("E-01",)), key("P-01"))
        assert await desk.deliver(taken.document.file_bytes) == Delivered(id=taken.document.sha256, outcome="accepted", done=True)
        assert await desk.order(replace(HOLD)) == "not_active"
        many = tuple(listed(f"X-{number}") for number in range(150))
        now = wall_text(desk.camera.clock.wall_us)
        following = signed(replace(IN_FORCE.roster, version=8, made_at=now, cameras=(*IN_FORCE.roster.cameras, *many)))
        raw = following.document.file_bytes
        assert len(raw) > MAX_PART_BYTES
        first, rest = raw[:45_000], raw[45_000:]
        assert (await desk.deliver(first, size=len(raw))).outcome == "part"
        with pytest.raises(UsageError, match="45000 bytes of the document are here"):
            await desk.deliver(rest, size=len(raw), offset=44_000)
        told = await desk.deliver(rest, size=len(raw), offset=45_000)
        assert (told.outcome, told.done, told.id) == ("accepted", True, following.document.sha256)
        assert (await desk.deliver(signed(IN_FORCE.roster, "root-1").document.file_bytes)).outcome == "older"
        with pytest.raises(UsageError, match="at most"):
            await desk.deliver(b"", size=2_000_000)

    run(tmp_path, test)


@pytest.mark.parametrize("raw", [b"", b"junk\n", b"bodycam-order/1\n{}\n", b"bodycam-copy/1\n{}\n", b"\xff" * 40_000])
def test_what_is_no_document_is_counted_and_told(tmp_path: Path, raw: bytes) -> None:
    async def test(desk: Desk) -> None:
        for _ in range(3):
            with pytest.raises(DataError):
                await desk.deliver(raw)
        assert desk.camera.details(OrdersNotSigned) == [OrdersNotSigned(documents=1)]

    run(tmp_path, test)


def test_five_a_second_are_looked_at(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        request = Deliver(document=ordered(HOLD).document.file_bytes)
        taken = [desk.deliveries.take(request, UPLINK) for _ in range(MOST_A_SECOND)]
        with pytest.raises(UnavailableError, match="5 deliveries a second"):
            desk.deliveries.take(request, UPLINK)
        assert {told.outcome for told in await asyncio.gather(*taken)} == {"unknown_recording"}

    run(tmp_path, test)


def test_without_a_roster_nothing_is_taken(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        alone = Deliveries(None, desk.shifts, desk.write)
        with pytest.raises(UsageError, match=r"keys\.root"):
            alone.take(Deliver(document=b"x"), UPLINK)
        alone.close()

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("user", "command", "may"),
    [
        ("me", {"command": "deliver", "document": ""}, True),
        ("me", {"command": "shift_begin", "officer": "H-12"}, False),
        ("me", {"command": "sweep"}, False),
        (None, {"command": "deliver", "document": ""}, False),
        ("nobody such", {"command": "deliver", "document": ""}, False),
        ("daemon", {"command": "deliver", "document": ""}, False),
    ],
)
def test_the_uplinks_user_may_deliver_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str | None, command: dict[str, str], may: bool
) -> None:
    """By the kernel's word: `me` is who runs this test, and no administrator here."""

    async def test() -> dict[str, Any]:
        named = pwd.getpwuid(os.getuid()).pw_name if user == "me" else user
        server = ControlSocket(tmp_path / "socket", _taken, group="none", admin_group="none", uplink_user=named)
        monkeypatch.setattr(server, "_is_admin", lambda *_: False)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "socket"))
        writer.write(json.dumps(command).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 5))
        writer.transport.abort()
        await server.stop()
        await asyncio.sleep(0.01)
        return answer

    answer = asyncio.run(test())
    assert answer["ok"] is may
    assert may or answer["exit_code"] == PermissionDeniedError.exit_code


def _taken(request: AnyRequest, caller: Caller) -> Delivered:
    return Delivered(id="", outcome="x", done=True)
