"""Who connects where the process has no descriptor left: it waits, the process does not spin, and the log has one line of it."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from bodycamd.camera.sensors.__main__ import serve
from bodycamd.camera.sensors.watch import Watch
from bodycamd.config.load import load
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.telling import Teller
from tests.camera.sensors.test_process import configuration
from tests.kit.waiting import wait_for


class Crowded:
    """A listening socket of a process at its limit: `refusals` times nobody is let in."""

    def __init__(self, listening: socket.socket, number: int, refusals: int) -> None:
        self._listening, self._number, self.left = listening, number, refusals
        self.tries = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.tries += 1
        if self.left:
            self.left -= 1
            raise OSError(self._number, os.strerror(self._number))
        return self._listening.accept()

    def fileno(self) -> int:
        return self._listening.fileno()

    def close(self) -> None:
        self._listening.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_without_a_descriptor_the_round_ends_and_is_logged_once(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    readers = Teller(tmp_path / "r", process="sensors", key="board.sensors")
    crowded = Crowded(readers._listening, number, 3)
    monkeypatch.setattr(readers, "_listening", crowded)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as reader:
        reader.connect(str(tmp_path / "r"))
        readers.publish(b"61 %")
        assert [readers.admit() for _ in range(3)] == [False] * 3
        assert crowded.tries == 3, "once a round"
        assert readers.admit()
        assert reader.recv(100) == b"61 %"
    assert [record.message for record in caplog.records] == [f"{tmp_path}/r: a reader cannot be let in ({os.strerror(number)})"]
    readers.close()


def test_the_process_sleeps_until_its_next_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(configuration(tmp_path, "{gauge: none}"))
    readers = Teller(tmp_path / "r", process="sensors", key="board.sensors")
    crowded = Crowded(readers._listening, errno.EMFILE, 1_000_000)
    monkeypatch.setattr(readers, "_listening", crowded)
    stop, wake = os.pipe()
    watch = Watch(config, boottime_us, tmp_path)
    serving = threading.Thread(target=serve, args=(watch, readers, stop))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as reader:
        reader.connect(str(tmp_path / "r"))
        serving.start()
        wait_for(lambda: crowded.tries)
        time.sleep(0.1)  # for a process that spins
        os.write(wake, b"x")
        serving.join(30)
    assert not serving.is_alive()
    assert crowded.tries < watch.look().sequence, "at most once for each reading"
    readers.close()
    os.close(stop)
    os.close(wake)
