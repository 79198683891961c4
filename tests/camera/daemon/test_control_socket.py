"""The control socket under hostile clients: whatever they send, others are served and the loop goes on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import grp
import json
import os
import pwd
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bodycamd.camera.daemon import socket as control_socket
from bodycamd.camera.daemon.protocol import (
    MAX_LINE_BYTES,
    Answer,
    AnyRequest,
    AskStatus,
    AskUpdates,
    BeginShift,
    Logged,
    LogOffload,
    Request,
    StateChanged,
    TellUpdate,
)
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.camera.recorder.shift import Shift
from bodycamd.errors import PermissionDeniedError, UsageError
from bodycamd.evidence.statements import Caller
from tests.kit.scale import only_in_full

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
OPEN: list[Streams] = []


def answer(request: AnyRequest, _: Caller) -> Answer:
    """Of a daemon that has a shift to begin and none to end."""
    match request:
        case AskStatus():
            return Logged(logged="standby")
        case BeginShift(officer=officer):
            return Shift(officer, "now")
    raise UsageError("no shift is open")


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[ControlSocket]:
    del OPEN[:]
    server = ControlSocket(folder / "control.sock", answer, group="no such group", admin_group="no such group")
    await server.start()
    try:
        yield server
    finally:
        for _, writer in OPEN:
            writer.transport.abort()
        await server.stop()
        await asyncio.sleep(0.01)  # one turn of the loop for each end of the aborted connections


async def connect(folder: Path) -> Streams:
    streams = await asyncio.open_unix_connection(str(folder / "control.sock"), limit=4 * 1024 * 1024)
    OPEN.append(streams)
    return streams


async def ask(streams: Streams, request: bytes | dict[str, Any]) -> dict[str, Any]:
    reader, writer = streams
    writer.write(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
    answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 5))
    return answer


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


def test_a_request_gets_one_answer(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path):
            streams = await connect(tmp_path)
            assert await ask(streams, {"command": "status"}) == {"ok": True, "result": {"logged": "standby"}}
            begun = {"ok": True, "result": {"officer": "h-12", "since": "now"}}
            assert await ask(streams, {"command": "shift_begin", "officer": "h-12"}) == begun
            assert await ask(streams, {"command": "shift_end"}) == {"ok": False, "error": "no shift is open", "exit_code": 2}
            streams[1].close()

    run(test)


@pytest.mark.parametrize(
    "request_line",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"not json\n",
        b'{"command": 7}\n',
        b'{"command": "erase_everything"}\n',
        b'{"command": "status", "extra": 1}\n',
        b'{"command": "shift_begin"}\n',
        b'{"command": "shift_begin", "officer": 7}\n',
        b'{"command": "shift_begin", "officer": null}\n',
        b'{"command": "shift_begin", "officer": "' + b"x" * 201 + b'"}\n',
        b'{"command": "status", "command": "shift_end"}\n',
        b'{"command": "status", "admin": false}\n',
        b'{"command": "\xff"}\n',
        b"[" * 30_000 + b"\n",
        b'{"command": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}\n",
    ],
)
def test_nonsense_is_answered_and_the_connection_goes_on(tmp_path: Path, request_line: bytes) -> None:
    async def test() -> None:
        async with serving(tmp_path):
            streams = await connect(tmp_path)
            answer = await ask(streams, request_line)
            assert answer["ok"] is False
            assert answer["exit_code"] == 2
            assert (await ask(streams, {"command": "status"}))["ok"] is True
            streams[1].close()

    run(test)


def test_an_overlong_line_is_refused_and_the_client_dismissed(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path):
            streams = await connect(tmp_path)
            answer = await ask(streams, b"x" * (MAX_LINE_BYTES + 10) + b"\n")
            assert "at most 65536 bytes" in answer["error"]
            assert await streams[0].read() == b""
            streams[1].close()

    run(test)


def test_a_silent_client_is_dismissed_and_a_half_line_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_socket, "IDLE_SECONDS", 0.1)

    async def test() -> None:
        async with serving(tmp_path):
            reader, writer = await connect(tmp_path)
            writer.write(b'{"command": "status"')
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()

    run(test)


def test_the_ninth_client_is_told_to_try_again_and_a_place_becomes_free(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path):
            clients = [await connect(tmp_path) for _ in range(control_socket.MAX_CLIENTS)]
            for client in clients:
                assert (await ask(client, {"command": "status"}))["ok"]
            reader, writer = await connect(tmp_path)
            assert "too many clients" in json.loads(await reader.readline())["error"]
            writer.close()
            clients[0][1].close()
            await clients[0][1].wait_closed()
            while True:
                streams = await connect(tmp_path)
                if (await ask(streams, {"command": "status"}))["ok"]:
                    break
            for _, other in [*clients, streams]:
                other.close()

    run(test)


def test_subscribers_leave_places_for_requests(tmp_path: Path) -> None:
    """A technician's `status` is answered, and a hold can be made, however many programs want to listen."""

    async def test() -> None:
        async with serving(tmp_path):
            listening = [await connect(tmp_path) for _ in range(control_socket.MAX_SUBSCRIBERS)]
            for client in listening:
                assert (await ask(client, {"command": "subscribe"}))["ok"]
            for _ in range(2 * control_socket.MAX_CLIENTS):
                client = await connect(tmp_path)
                refused = await ask(client, {"command": "subscribe"})
                assert (refused["ok"], refused["exit_code"]) == (False, 69)
                assert "too many subscribers" in refused["error"]
                assert await asyncio.wait_for(client[0].read(), 5) == b"", "it keeps no place"
            assert (await ask(await connect(tmp_path), {"command": "status"}))["ok"]
            assert (await ask(listening[0], {"command": "subscribe"}))["ok"], "again, from one that is one already"
            listening[0][1].close()
            await listening[0][1].wait_closed()
            while not (await ask(await connect(tmp_path), {"command": "subscribe"}))["ok"]:
                continue

    run(test)


@only_in_full
def test_subscribers_get_events_and_one_that_does_not_read_costs_nothing_but_itself(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path) as server:
            deaf, listening = await connect(tmp_path), await connect(tmp_path)
            for client in (deaf, listening):
                assert (await ask(client, {"command": "subscribe"}))["result"] == "subscribed"
            deaf[1].transport.pause_reading()  # type: ignore[attr-defined]
            server.publish(StateChanged("standby", 7))
            assert json.loads(await listening[0].readline()) == {"event": "StateChanged", "state": "standby", "at_us": 7}
            for number in range(100_000):
                server.publish(StateChanged("standby", number))
                if number % 50 == 0:
                    assert json.loads(await listening[0].readline())["event"] == "StateChanged"
                    await asyncio.sleep(0)
            assert (await ask(await connect(tmp_path), {"command": "status"}))["ok"]
            assert len(server._subscribers) <= 1, "the deaf one is dismissed"
            deaf[1].close()
            listening[1].close()

    run(test)


def test_the_socket_is_for_owner_and_group_only_and_is_gone_after_the_end(tmp_path: Path) -> None:
    async def test() -> None:
        async with serving(tmp_path):
            assert stat.S_IMODE((tmp_path / "control.sock").stat().st_mode) == 0o660
        assert not (tmp_path / "control.sock").exists()

    run(test)


def test_a_user_outside_the_admin_group_may_ask_but_not_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ControlSocket, "_is_admin", lambda *_: False)

    async def test() -> None:
        async with serving(tmp_path):
            streams = await connect(tmp_path)
            assert (await ask(streams, {"command": "status"}))["ok"] is True
            assert (await ask(streams, {"command": "shift_begin", "officer": "x"}))["exit_code"] == 77
            streams[1].close()

    run(test)


def test_who_may_take_footage_off_may_log_it_and_change_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = {"bodycam-admin": 5001, "bodycam-offload": 5002}
    monkeypatch.setattr(grp, "getgrnam", lambda name: SimpleNamespace(gr_gid=groups[name]))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name="u-t-01"))
    monkeypatch.setattr(os, "getgrouplist", lambda _user, gid: [gid, 5002])
    server = ControlSocket(tmp_path / "s", answer, group="bodycam", admin_group="bodycam-admin")
    admin = [kind for kind in Request.__subclasses__() if kind.admin]
    assert [kind for kind in admin if server._is_admin(4242, 4242, kind.offload)] == [LogOffload]
    monkeypatch.setitem(groups, "bodycam-admin", 5002)
    assert all(server._is_admin(4242, 4242, kind.offload) for kind in admin)


@pytest.mark.parametrize("request_", [AskUpdates(), TellUpdate(order="ab" * 32, outcome="updated")])
def test_what_comes_of_an_update_root_alone_may_tell(tmp_path: Path, request_: AnyRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the recorder's own user, not its administrators, not the uplink."""
    server = ControlSocket(tmp_path / "s", answer, group="none", admin_group="none", uplink_user="uplink")
    monkeypatch.setattr(server, "_is_admin", lambda *_: True)
    monkeypatch.setattr(server, "_is_uplink", lambda _: True)
    monkeypatch.setattr(os, "geteuid", lambda: 990)
    server._check_may(request_, 0, 0)
    for uid in (990, 1000):
        with pytest.raises(PermissionDeniedError, match="only root may do this"):
            server._check_may(request_, uid, uid)


def test_stopping_with_clients_connected_ends_at_once_and_without_a_trace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with serving(tmp_path) as server:
            watching, silent = await connect(tmp_path), await connect(tmp_path)
            await ask(watching, {"command": "subscribe"})
            await asyncio.wait_for(server.stop(), 1)
            assert await watching[0].read() == b""
            assert await silent[0].read() == b""

    run(test)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_client_that_asks_without_end_is_answered_at_a_bounded_rate(tmp_path: Path) -> None:
    async def test() -> None:
        asked = 0

        def count(*_: object) -> Answer:
            nonlocal asked
            asked += 1
            return Logged(logged="")

        server = ControlSocket(tmp_path / "control.sock", count, group="no such group", admin_group="no such group")
        await server.start()
        try:
            _, writer = await asyncio.open_unix_connection(str(tmp_path / "control.sock"))
            writer.write(b'{"command":"status"}\n' * 2000)
            await asyncio.sleep(0.5)  # the time that is measured
            writer.transport.abort()
        finally:
            await server.stop()
        assert 2 <= asked <= 0.5 / control_socket.ANSWER_SECONDS + 2

    run(test)


def test_connections_are_taken_at_a_bounded_rate(tmp_path: Path) -> None:
    async def test() -> None:
        answered = 0

        def count(*_: object) -> Answer:
            nonlocal answered
            answered += 1
            return Logged(logged="")

        path = tmp_path / "control.sock"
        server = ControlSocket(path, count, group="no such group", admin_group="no such group")
        await server.start()
        end = asyncio.get_running_loop().time() + 0.5
        while asyncio.get_running_loop().time() < end:
            caller = socket.socket(socket.AF_UNIX)
            caller.setblocking(False)
            with caller, contextlib.suppress(BlockingIOError):
                caller.connect(str(path))
                caller.send(b'{"command":"status"}\n')
            await asyncio.sleep(0)
        await server.stop()
        assert 2 <= answered <= 0.5 / control_socket.ACCEPT_SECONDS + 2

    run(test)


@only_in_full
def test_what_a_client_sent_goes_with_it_and_not_with_the_next_full_garbage_collection(tmp_path: Path) -> None:
    """Eight clients that had sent 128 KiB each when they went cost the recorder 2 MB, again and again, until that came."""

    async def test() -> None:
        async with serving(tmp_path):
            loop = asyncio.get_running_loop()
            gc.collect()
            gc.disable()
            try:
                for _ in range(3):
                    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                        client.setblocking(False)
                        await loop.sock_connect(client, str(tmp_path / "control.sock"))
                        await loop.sock_sendall(client, b'{"command":"status"}\n' * 3000)
                        await loop.sock_recv(client, 10)
                while any(isinstance(thing, asyncio.StreamReader) for thing in gc.get_objects()):
                    await asyncio.sleep(0.01)  # the server hears of each end in its own time
            finally:
                gc.enable()

    run(test)
