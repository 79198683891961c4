"""The hand on a camera, without a camera: requests are answered, the kernel's trace is read, a board asks for what it should."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.hil.conftest import once
from tests.hil.guest.__main__ import serve
from tests.hil.guest.pins import was_set
from tests.hil.line import SocketLine
from tests.hil.monitor import Monitor
from tests.hil.remote_board import RemoteBoard
from tests.hil.test_power_cuts import AGAIN, series


@pytest.fixture
def line(tmp_path: Path) -> SocketLine:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "hil.sock"))
    server.listen()

    def answer() -> None:
        with server, server.accept()[0] as end, end.makefile("rb") as requests, end.makefile("wb") as answers:
            serve(requests, answers, {"add": lambda one, two: one + two, "fail": lambda: 1 // 0})

    threading.Thread(target=answer, daemon=True).start()
    return SocketLine(tmp_path / "hil.sock")


def test_each_request_is_answered_with_the_time_and_a_failure_ends_nothing(line: SocketLine) -> None:
    first, began_us = line.ask("add", one=1, two=2)
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        line.ask("fail")
    with pytest.raises(AssertionError, match="KeyError"):
        line.ask("nothing of the kind")
    second, ended_us = line.ask("add", one=[1], two=[2])
    assert (first, second) == (3, [1, 2])
    assert ended_us > began_us > 0
    line.close()


def test_what_the_kernel_says_of_a_line_that_was_set() -> None:
    said = "          python-812     [000] .....   249.139428: gpio_value: 539 set 1\n"
    assert was_set(said) == (539, 249_139_428, True)
    assert was_set(said.replace("set 1", "set 0")) == (539, 249_139_428, False)
    assert was_set(said.replace("set 1", "get 1")) is None, "somebody looked at it"
    assert was_set(said.replace("gpio_value: 539 set 1", "gpio_direction: 539 out (0)")) is None


class Told:
    """A camera that writes down what it is asked for; its clock goes on a second with each request."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers, self.cuts = answers, 0

    def ask_timed(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        self.asked.append((do, given))
        return self._answers.get(do, {"code": 0, "out": "", "err": ""}), len(self.asked) * 1_000_000

    def restart(self) -> None:
        self.cuts += 1

    def commands(self) -> list[list[str]]:
        return [given["command"] for do, given in self.asked if do == "run"]


def test_a_board_counts_from_its_own_start_and_breaks_what_it_is_told_to() -> None:
    camera = Told({"ledger": [{"type": "start"}], "changes": [["lamp", 5, True]], "status": {"state": "standby", "capture": {"pid": 7}}})
    with RemoteBoard(camera) as board:
        assert camera.asked[1] == ("ledger", {"skip": 0})
        assert board.ledger("start") == [{"type": "start"}]
        assert camera.asked[-1] == ("ledger", {"skip": 1}), "what was there before is not this scenario's"
        assert board.changes("lamp") == [(5, True)]
        board.fault("worker_hangs")
        assert camera.commands()[-1] == ["kill", "-STOP", "7"]
        board.fault("power_cut")
        assert (camera.cuts, board.began_us) == (1, 0)
        with pytest.raises(AssertionError, match=r"boards\.yaml"):
            board.fault("sunshine")
        with pytest.raises(AssertionError, match="not within 3 s"):
            board.until(lambda: False, 3)


def test_a_board_of_a_camera_that_was_just_switched_on_counts_from_its_boot() -> None:
    entries = [{"type": one} for one in ("start", "stop", "start", "shift")]
    camera = Told({"ledger": entries})
    with RemoteBoard(camera, fresh=True) as board:
        assert board.ledger() == entries
        assert camera.asked[-1] == ("ledger", {"skip": 2})
        assert board.began_us == 0, "what was shown since the boot is the scenario's"
    assert camera.commands() == [], "nothing is started, and nothing put right"


def test_a_monitor_passes_over_events_and_says_what_cannot_be_done(tmp_path: Path) -> None:
    said = [b'{"QMP": {}}', b'{"return": {}}', b'{"event": "STOP"}', b'{"return": {"status": "paused"}}', b'{"error": {"desc": "no"}}']
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "monitor.sock"))
        server.listen()

        def answer() -> None:
            with server.accept()[0] as end:
                end.sendall(b"\n".join(said) + b"\n")
                while end.recv(1 << 16):
                    pass

        threading.Thread(target=answer, daemon=True).start()
        with Monitor(tmp_path / "monitor.sock") as monitor:
            assert monitor.ask("query-status") == {"status": "paused"}
            with pytest.raises(AssertionError, match=r"migrate: .*no"):
                monitor.ask("migrate", uri="exec:false")


def test_what_one_worker_made_another_one_reads(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    assert str(once(tmp_path / "made", lambda _: identity)) == str(identity)
    assert str(once(tmp_path / "made", lambda _: pytest.fail("made twice"))) == str(identity)


@pytest.mark.parametrize("cuts", range(1, 13))
def test_each_cut_is_some_camera_s_and_one_of_them_is_switched_on_again(cuts: int) -> None:
    found = series(cuts)
    assert sum(found.values()) == cuts
    assert next(iter(found)) in AGAIN
