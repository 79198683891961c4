"""The client of the control socket, against servers that answer, refuse, lie, hang up and say nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bodycamd.camera.control.events import RecordingSealed
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import MAX_ANSWER_BYTES, AskStatus, EndShift, StateChanged, Sweep, encode_line
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.recorder.shift import Shift
from bodycamd.cli.daemon_or_store import ask_or_do
from bodycamd.cli.main import main
from bodycamd.cli.offload import _log
from bodycamd.cli.place import find_owner, find_place
from bodycamd.errors import BodycamError, DataError, PermissionDeniedError, UnavailableError
from bodycamd.retention.outlook import Plan
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.kit.statuses import recording

STATUS: dict[str, Any] = json.loads(msgspec.json.encode(recording(["storage_low", "voice_failed"])))


@contextmanager
def server(path: Path, answer: Callable[[bytes], bytes | None]) -> Iterator[None]:
    """Answers each line; `None` hangs up."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                for line in lines:
                    said = answer(line)
                    if said is None:
                        break
                    peer.sendall(said)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def ok(result: object) -> bytes:
    return json.dumps({"ok": True, "result": result}).encode() + b"\n"


def test_a_newer_daemon_may_say_more_and_an_older_one_is_told_by_its_silence(tmp_path: Path) -> None:
    with server(tmp_path / "s", lambda line: ok({**STATUS, "something_new": {"deep": [1, 2]}})), ControlClient(tmp_path / "s") as client:
        assert json.loads(msgspec.json.encode(client.request(AskStatus(), Status))) == STATUS
    older = {name: value for name, value in STATUS.items() if name != "swap"}
    told = pytest.raises(DataError, match=r"missing required field `swap`.*is the daemon of another version")
    with server(tmp_path / "t", lambda line: ok(older)), ControlClient(tmp_path / "t") as client, told:
        client.request(AskStatus(), Status)


@only_in_full
def test_shift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[dict[str, str]] = []

    def answer(line: bytes) -> bytes:
        asked.append(json.loads(line))
        return ok({"officer": "h-12", "since": "2025-06-01T08:00:00+00:00"})

    with server(tmp_path / "s", answer):
        assert main(["shift", "begin", "--officer", "h-12", "--socket", str(tmp_path / "s")]) == 0
        assert main(["shift", "end", "--json", "--socket", str(tmp_path / "s")]) == 0
    assert asked == [{"command": "shift_begin", "officer": "h-12"}, {"command": "shift_end"}]
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "the shift of officer h-12 has begun"
    assert json.loads(out[1])["officer"] == "h-12"


@pytest.mark.parametrize(("code", "kind"), [(77, PermissionDeniedError), (69, UnavailableError), (99, UnavailableError)])
def test_the_daemons_error_is_told_in_its_own_words(tmp_path: Path, code: int, kind: type[BodycamError]) -> None:
    refusal = json.dumps({"ok": False, "error": "needs group bodycam-admin", "exit_code": code}).encode() + b"\n"
    with server(tmp_path / "s", lambda line: refusal), ControlClient(tmp_path / "s") as client, pytest.raises(kind, match="bodycam-admin"):
        client.request(EndShift(), Shift)


def test_the_exit_code_of_a_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refusal = b'{"ok":false,"error":"no shift is\\nopen","exit_code":2}\n'
    with server(tmp_path / "s", lambda line: refusal):
        assert main(["shift", "end", "--socket", str(tmp_path / "s")]) == 2
    assert capsys.readouterr().err == "bodycamd: no shift is\\u000aopen\n"


@pytest.mark.parametrize(
    "refusal", [b'{"ok":false,"error":"too many clients: try again","exit_code":69}\n', None], ids=["no place", "hung up"]
)
def test_a_daemon_that_is_there_is_not_passed_by(tmp_path: Path, refusal: bytes | None) -> None:
    """Whoever works without the daemon because it has no place now would be told that the store is busy, or not theirs."""
    settings = Camera(tmp_path / "camera").config
    owner = find_owner(None, settings, tmp_path / "s")
    with server(tmp_path / "s", lambda line: refusal):
        with pytest.raises(UnavailableError, match=r"too many clients|hung up"):
            ask_or_do(owner, Sweep(), Plan, lambda _: pytest.fail("done without the daemon"))
        with pytest.raises(UnavailableError, match=r"too many clients|hung up"):
            _log(find_place(None, settings, tmp_path / "s"), settings)
    assert ask_or_do(owner, Sweep(), Plan, lambda config: config.device_id) == "test-1", "now that nobody listens"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (None, UnavailableError, "hung up"),
        (b"", UnavailableError, "no answer"),
        (b"HTTP/1.1 400\n", DataError, "not JSON"),
        (b"[1]\n", DataError, "not bodycamd's"),
        (b'{"ok":"yes"}\n', DataError, "not bodycamd's"),
        (b'{"ok":true,"result":{"device_id":7}}\n', DataError, "not what was asked for"),
        (b'{"ok":true,"result":' + b"[" * 5000 + b"]" * 5000 + b"}\n", DataError, "not JSON"),
        (b"x" * (MAX_ANSWER_BYTES + 1), DataError, "4194304 bytes"),
        (b"{}\n", UnavailableError, "without a reason"),
    ],
)
def test_servers_that_are_not_a_camera(tmp_path: Path, said: bytes | None, kind: type[BodycamError], words: str) -> None:
    with (
        server(tmp_path / "s", lambda line: said),
        ControlClient(tmp_path / "s", timeout_seconds=0.3) as client,
        pytest.raises(kind, match=words),
    ):
        client.request(AskStatus(), Status)


def test_events_arrive_and_end(tmp_path: Path) -> None:
    first, second = RecordingSealed("000001-0001", 3, 4), StateChanged("standby", 7)
    events = encode_line(first) + encode_line(second)
    with server(tmp_path / "s", lambda line: ok("subscribed") + events), ControlClient(tmp_path / "s", timeout_seconds=0.3) as client:
        client.subscribe()
        stream = client.events()
        assert [next(stream), next(stream)] == [first, second]
        assert not client.ready()
        with pytest.raises(TimeoutError):
            next(stream)


@pytest.mark.parametrize("line", [b'{"event":"Erased"}\n', b'{"event":"ButtonDown","at_us":"now"}\n', b"{}\n", b"nonsense\n"])
def test_what_is_no_event_is_refused(tmp_path: Path, line: bytes) -> None:
    with server(tmp_path / "s", lambda _: ok("subscribed") + line), ControlClient(tmp_path / "s", timeout_seconds=0.3) as client:
        client.subscribe()
        with pytest.raises(DataError, match="not the control socket of this version"):
            next(client.events())


def test_an_event_is_no_longer_than_a_request_may_be(tmp_path: Path) -> None:
    with server(tmp_path / "s", lambda _: ok("subscribed") + b"x" * 70_000), ControlClient(tmp_path / "s") as client:
        client.subscribe()
        with pytest.raises(DataError, match="more than 65536 bytes"):
            next(client.events())


@only_in_full
def test_nobody_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--socket", str(tmp_path / "none")]) == 69
    (tmp_path / "file").write_text("")
    assert main(["status", "--socket", str(tmp_path / "file")]) == 69
    assert main(["status", "--socket", str(tmp_path / ("x" * 200))]) == 66
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    for line in told[:2]:
        assert "systemctl status bodycamd" in line
        assert "journalctl -u bodycamd -b" in line
