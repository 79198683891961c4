"""What the uplink is handed over the control socket: descriptors of what the ledger states, and of nothing else."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import pwd
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from bodycamd.camera.daemon import handing_out
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.commands import Commands
from bodycamd.camera.daemon.deliveries import Deliveries
from bodycamd.camera.daemon.handing_out import MOST_ASKED, MOST_OPENED, HandingOut
from bodycamd.camera.daemon.protocol import (
    AnyRequest,
    AskSegments,
    AskStatus,
    AskWaiting,
    Deliver,
    OpenLedger,
    OpenSegment,
    Request,
)
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.sending import Segment
from bodycamd.camera.keeping.waiting import Opened, Waiting, WaitingSegment
from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, UnavailableError, UsageError
from bodycamd.evidence.entries import SegmentRecovered
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.statements import ZERO_HASH, Caller
from tests.camera.keeping.sending_camera import ReceiptBook, SendingCamera
from tests.evidence.ordering import IN_FORCE

TOO_FAST = UnavailableError.exit_code
UPLINK = Caller(via="control_socket", uid=0)


class Desk:
    """A resting camera behind a real control socket, whose writer's thread is the loop's."""

    def __init__(self, root: Path, kind: type[SendingCamera] = SendingCamera) -> None:
        self.root = root
        self.camera = kind(root).switch_on()
        self.recording = self.camera.record(segments=2)
        self.handing = HandingOut(self.camera.sending, self.write)
        self.handing.attach(self.camera.store_folder)
        rosters: Any = SimpleNamespace(rosters=SimpleNamespace(in_force=IN_FORCE), count_not_signed=lambda _: None)
        self.deliveries = Deliveries(rosters, SimpleNamespace(), self.write, self.handing)  # type: ignore[arg-type]
        self.server = ControlSocket(root / "s", self.answer, group="none", admin_group="none", uplink_user=None)

    async def write(self, run: Callable[[Any, Any], Any]) -> Any:
        return run(self.camera.keeper, SimpleNamespace(state_durably=self.camera.store.ledger.note))

    def answer(self, request: AnyRequest, caller: Caller) -> Any:
        if isinstance(request, Deliver):
            self.deliveries._pace.forget()
            return self.deliveries.take(request, caller)
        assert isinstance(request, AskWaiting | AskSegments | OpenLedger | OpenSegment)
        return self.handing.answer(request)

    def cut_left(self, number: int) -> None:
        """A segment with something behind its good bytes."""
        file = self.camera.store_folder / "recordings" / self.recording / f"{number:06d}.cut.tar"
        file.write_bytes(b"goodtorn")
        good, torn = (hashlib.sha256(part).hexdigest() for part in (b"good", b"torn"))
        cut = SegmentRecovered(
            recording=self.recording,
            segment=number,
            file=file.name,
            good_bytes=4,
            sha256=good,
            torn_bytes=4,
            fragments=0,
            torn_sha256=torn,
        )
        self.camera.store.ledger.note(cut)

    async def ask(self, request: Request[Any], answer: type[Any]) -> Any:
        def asked() -> Any:
            with ControlClient(self.root / "s") as client:
                return client.request(request, answer)

        return await asyncio.to_thread(asked)

    async def open(self, request: Request[Opened]) -> tuple[Opened, bytes]:
        def asked() -> tuple[Opened, bytes]:
            with ControlClient(self.root / "s") as client:
                opened, file = client.request_file(request, Opened)
            with file:
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.write(file.fileno(), b"x")
                return opened, file.read()

        return await asyncio.to_thread(asked)

    async def refused(self, request: Request[Opened], error: type[BodycamError]) -> None:
        with pytest.raises(error):
            await self.open(request)


def run(tmp_path: Path, test: Callable[[Desk], Awaitable[None]], kind: type[SendingCamera] = SendingCamera) -> None:
    async def whole() -> None:
        desk = Desk(tmp_path, kind)
        await desk.server.start()
        try:
            await asyncio.wait_for(test(desk), 30)
        finally:
            await desk.server.stop()
            desk.handing.close()
            desk.deliveries.close()
            desk.camera.switch_off(clean=False)

    asyncio.run(whole())


def test_what_waits_is_told_and_opened(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        found = await desk.ask(AskWaiting(doing="sends \x1b[31m000001-0001"), Waiting)
        assert [one.recording for one in found.recordings] == [desk.recording]
        assert desk.handing.status().doing == r"sends \u001b[31m000001-0001"
        assert (desk.handing.status().segments, desk.handing.status().bytes) == (2, found.recordings[0].bytes)
        for segment in await desk.ask(AskSegments(recording=desk.recording), list[WaitingSegment]):
            opened, content = await desk.open(OpenSegment(recording=desk.recording, file=segment.file))
            assert content == (desk.camera.store_folder / "recordings" / desk.recording / segment.file).read_bytes(), segment.number
            assert (opened.size_bytes, opened.sha256) == (segment.size_bytes, hashlib.sha256(content).hexdigest())
        opened, content = await desk.open(OpenLedger(start=1))
        assert (opened.size_bytes, content) == (len(content), desk.camera.ledger_bytes())

    run(tmp_path, test)


def test_no_name_is_ever_a_path(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.ask(AskWaiting(), Waiting)
        secret = desk.camera.store_folder / "recordings" / desk.recording / "000007.tar"
        secret.write_bytes(b"secret")
        (desk.camera.store_folder / "recordings" / "000001-0009").mkdir()
        for recording, file in [
            (desk.recording, "000007.tar"),
            (desk.recording, "../../ledger/000001.jsonl"),
            (desk.recording, "000000.tar/"),
            (desk.recording, ""),
            ("..", "signing"),
            ("000001-0009", "000000.tar"),
            ("", ""),
            ("/etc", "passwd"),
        ]:
            desk.handing._opened.forget()
            await desk.refused(OpenSegment(recording=recording, file=file), NotFoundError)
        await desk.refused(OpenLedger(start=2), NotFoundError)

    run(tmp_path, test)


def test_what_is_not_what_the_ledger_states_is_not_handed_out(tmp_path: Path) -> None:
    """A link, a pipe, a folder in a segment's place; a file that grew; one that is gone."""

    async def test(desk: Desk) -> None:
        await desk.ask(AskWaiting(), Waiting)
        file = desk.camera.store_folder / "recordings" / desk.recording / "000000.tar"
        content = file.read_bytes()
        request = OpenSegment(recording=desk.recording, file=file.name)
        file.write_bytes(content + b"x")
        await desk.refused(request, DataError)
        file.unlink()
        await desk.refused(request, NotFoundError)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_bytes(content)
        file.symlink_to(elsewhere)
        await desk.refused(request, DataError)
        file.unlink()
        os.mkfifo(file)
        await desk.refused(request, DataError)
        file.unlink()
        file.mkdir()
        await desk.refused(request, DataError)
        file.rmdir()
        file.write_bytes(content)
        assert (await desk.open(request))[1] == content

    run(tmp_path, test)


def test_no_descriptor_stays_open_here(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.ask(AskWaiting(), Waiting)

        def of_the_store() -> list[str]:
            gc.collect()
            found = (os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd"))
            return sorted(path for path in found if path.endswith(".tar"))

        await desk.open(OpenSegment(recording=desk.recording, file="000000.tar"))
        line = msgspec.json.encode(OpenSegment(recording=desk.recording, file="000001.tar")) + b"\n"
        for _ in range(3):  # who asks and goes away, or reads the answer without the descriptor
            with socket.socket(socket.AF_UNIX) as client:
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, str(tmp_path / "s"))
                await asyncio.get_running_loop().sock_sendall(client, line)
                if _:
                    assert json.loads(await asyncio.get_running_loop().sock_recv(client, 65536))["ok"]
        while desk.server._tasks:
            await asyncio.sleep(0.001)
        await asyncio.get_running_loop().run_in_executor(desk.handing._thread, lambda: None)
        assert of_the_store() == []

    run(tmp_path, test)


def test_who_asks_too_often_waits(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        for _ in range(MOST_ASKED):
            await desk.handing.answer(AskWaiting())
        with pytest.raises(UnavailableError, match="5 such requests a second"):
            desk.handing.answer(AskSegments(recording=desk.recording))
        for _ in range(MOST_OPENED):
            answer: Any = await desk.handing.answer(OpenLedger(start=1))
            answer.file.close()
        with pytest.raises(UnavailableError, match="20 files a second"):
            desk.handing.answer(OpenSegment(recording=desk.recording, file="000000.tar"))

    run(tmp_path, test)


def test_a_receipt_comes_back_the_same_way(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        book = ReceiptBook(desk.camera)
        desk.cut_left(2)
        for number in (0, 1, 2):
            raw = book.next(desk.recording, number).document.file_bytes
            told = await desk.ask(Deliver(document=raw), Delivered)
            assert (told.outcome, told.done) == ("accepted", True)
            assert (await desk.ask(Deliver(document=raw), Delivered)).outcome == "repeated"
        assert (await desk.ask(AskWaiting(), Waiting)).recordings == []
        assert desk.handing.status().receipts == 3
        with pytest.raises(DataError):
            await desk.ask(Deliver(document=raw[:-20]), Delivered)

    run(tmp_path, test)


NOT_TAKEN: dict[str, dict[str, Any]] = {
    "not_a_station": {"station": "station-9"},
    "other_device": {"device": "cam-8"},
    "not_next": {"n": 9, "prev": "1" * 64},
    "other_ledger": {"head": "1" * 64},
    "other_bytes": {"size": 7},
}


class Reads:
    """Which whole files are read, each only when it may."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.may = threading.Event()
        self.may.set()
        self._read = handing_out._sha256

    def __call__(self, store: Path, recording: str, segment: Segment, before: bytes = b"") -> str:
        self.files.append(segment.file)
        assert self.may.wait(30)
        return self._read(store, recording, segment, before)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    found = Reads()
    monkeypatch.setattr(handing_out, "_sha256", found)
    return found


def test_no_footage_is_read_for_a_receipt_that_is_not_taken_anyway(tmp_path: Path, reads: Reads) -> None:
    """Whoever may deliver can bring five a second, and a segment has hundreds of megabytes. What a station did sign costs one reading."""

    async def test(desk: Desk) -> None:
        async def outcome_of(signed: SignedReceipt) -> str:
            return str((await desk.ask(Deliver(document=signed.document.file_bytes), Delivered)).outcome)

        desk.cut_left(2)
        book = ReceiptBook(desk.camera)
        for outcome, changes in NOT_TAKEN.items():
            assert await outcome_of(book.sign(book.unsigned(desk.recording, 2, **changes))) == outcome
        assert await outcome_of(book.sign(book.unsigned(desk.recording, 2), "station-2")) == "not_signed"
        assert reads.files == []
        for _ in range(2):
            assert await outcome_of(book.sign(book.unsigned(desk.recording, 2, sha256="1" * 64))) == "other_bytes"
            assert await outcome_of(book.next(desk.recording, 2)) == "accepted"
        assert reads.files == ["000002.cut.tar"], "once"

    run(tmp_path, test)


def test_one_segment_is_read_at_a_time_and_nothing_queues_behind_it(tmp_path: Path, reads: Reads) -> None:
    """Also where nobody waits for the answer any more: what was begun is finished."""

    async def test(desk: Desk) -> None:
        for number in (2, 3):
            desk.cut_left(number)
        book = ReceiptBook(desk.camera)
        first = Deliver(document=book.next(desk.recording, 2).document.file_bytes)
        reads.may.clear()
        try:
            waits = asyncio.ensure_future(desk.answer(first, UPLINK))
            while not reads.files:
                await asyncio.sleep(0.001)
            waits.cancel()
            for number in (2, 3) * 10:
                other = book.sign(book.unsigned(desk.recording, number, n=1, prev=ZERO_HASH))
                with pytest.raises(UnavailableError, match="for another receipt"):
                    await desk.answer(Deliver(document=other.document.file_bytes), UPLINK)
        finally:
            reads.may.set()
        while desk.deliveries._tasks:
            await asyncio.sleep(0.001)
        assert (await desk.ask(first, Delivered)).outcome == "repeated"
        last = Deliver(document=book.next(desk.recording, 3).document.file_bytes)
        assert (await desk.ask(last, Delivered)).outcome == "accepted"
        assert reads.files == ["000002.cut.tar", "000003.cut.tar"]

    run(tmp_path, test)


@pytest.mark.parametrize("command", ["uplink_waiting", "uplink_segments", "uplink_ledger", "uplink_checkpoint", "uplink_segment"])
@pytest.mark.parametrize(
    ("user", "admin", "may"), [("me", False, True), (None, True, False), (None, False, False), ("daemon", True, False)]
)
def test_the_uplinks_user_alone_is_handed_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, user: str | None, admin: bool, may: bool
) -> None:
    """By the kernel's word: `me` is who runs this test, and neither root nor the service's own user here."""
    words: dict[str, dict[str, Any]] = {
        "uplink_segments": {"recording": "x"},
        "uplink_ledger": {"start": 1},
        "uplink_checkpoint": {"start": 1},
        "uplink_segment": {"recording": "x", "file": "y"},
    }

    async def test() -> dict[str, Any]:
        named = pwd.getpwuid(os.getuid()).pw_name if user == "me" else user
        told = Delivered(id="", outcome="x", done=True)
        server = ControlSocket(tmp_path / "s", lambda *_: told, group="none", admin_group="none", uplink_user=named)
        monkeypatch.setattr("bodycamd.camera.daemon.socket._peer", lambda _: (os.getuid() if user == "me" else 12_345, 0))
        monkeypatch.setattr(server, "_is_admin", lambda *_: admin)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(json.dumps({"command": command, **words.get(command, {})}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 5))
        writer.transport.abort()
        await server.stop()
        await asyncio.sleep(0.01)
        return answer

    if may and os.getuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: 4_321)
    answer = asyncio.run(test())
    assert answer["ok"] is may
    assert may or answer["exit_code"] == PermissionDeniedError.exit_code


def test_where_no_station_is_configured_nothing_is_handed_out() -> None:
    commands = Commands(SimpleNamespace(), SimpleNamespace())  # type: ignore[arg-type]
    commands._parts = (SimpleNamespace(), SimpleNamespace())  # type: ignore[assignment]
    with pytest.raises(UsageError, match=r"station\.url"):
        commands.answer(AskWaiting(), Caller(via="control_socket", uid=0))
    with pytest.raises(UsageError):
        commands.answer(AskStatus(), Caller(via="control_socket", uid=0))
    commands.close()
