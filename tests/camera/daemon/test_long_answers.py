"""A store of many holds and recordings has long lists: they arrive whole, and what is too long is told as that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bodycamd.camera.control.events import Event
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import MAX_ANSWER_BYTES, MAX_LINE_BYTES, ListHolds, StateChanged
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.errors import UnavailableError
from bodycamd.retention.holds import HoldInfo


def holds(count: int) -> list[HoldInfo]:
    return [
        HoldInfo(
            hold=f"h-{number:06d}",
            recording=f"000001-{number:04d}",
            ground="incident",
            reference=f"2025-{number:05d}",
            by="h-12",
            since="2025-06-01T08:00:00.000000Z",
            review_on="2025-09-01",
        )
        for number in range(count)
    ]


def asked(folder: Path, answer: list[HoldInfo], ask: Callable[[ControlSocket, ControlClient], Awaitable[None]]) -> None:
    async def test() -> None:
        server = ControlSocket(folder / "s", lambda *_: answer, group="no such group", admin_group="no such group")
        await server.start()
        try:
            with await asyncio.to_thread(ControlClient, folder / "s") as client:
                await ask(server, client)
        finally:
            await server.stop()

    asyncio.run(asyncio.wait_for(test(), 30))


@pytest.mark.parametrize("count", [1, 500, 1000, 20_000])
def test_a_long_list_arrives_whole(tmp_path: Path, count: int) -> None:
    async def ask(_: ControlSocket, client: ControlClient) -> None:
        assert await asyncio.to_thread(client.request, ListHolds(), list[HoldInfo]) == holds(count)

    asked(tmp_path, holds(count), ask)


def test_a_list_that_is_too_long_says_so_and_the_connection_goes_on(tmp_path: Path) -> None:
    answer = holds(40_000)

    async def ask(_: ControlSocket, client: ControlClient) -> None:
        with pytest.raises(UnavailableError, match=rf"was carried out.* at most {MAX_ANSWER_BYTES} are sent: stop the daemon"):
            await asyncio.to_thread(client.request, ListHolds(), list[HoldInfo])
        del answer[3:]
        assert await asyncio.to_thread(client.request, ListHolds(), list[HoldInfo]) == holds(3)

    asked(tmp_path, answer, ask)


def test_who_listens_is_not_dismissed_for_a_list_that_was_not_read_yet(tmp_path: Path) -> None:
    """The daemon tells by what waits to be read who does not read: a list of megabytes before the events would look the same."""

    def next_event(client: ControlClient) -> Event | StateChanged:
        return next(client.events())

    async def ask(server: ControlSocket, client: ControlClient) -> None:
        await asyncio.to_thread(client.subscribe)
        with pytest.raises(UnavailableError, match=rf"at most {MAX_LINE_BYTES} are sent: ask on a connection of its own"):
            await asyncio.to_thread(client.request, ListHolds(), list[HoldInfo])
        server.publish(StateChanged("standby", 7))
        assert await asyncio.to_thread(next_event, client) == StateChanged("standby", 7)

    asked(tmp_path, holds(20_000), ask)
