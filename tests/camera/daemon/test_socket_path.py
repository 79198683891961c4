"""The control socket's place on the disk: only what this daemon made is removed, and only what is left over is replaced."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from bodycamd.camera.daemon.protocol import Answer, AnyRequest
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.errors import ConfigError, StoreBusyError
from bodycamd.evidence.statements import Caller


def served(path: Path) -> ControlSocket:
    def answer(request: AnyRequest, caller: Caller) -> Answer:
        raise AssertionError("nobody asks")

    return ControlSocket(path, answer, group="no such group", admin_group="no such group")


def started_and_stopped(path: Path) -> None:
    async def run() -> None:
        control = served(path)
        try:
            await control.start()
        finally:
            await control.stop()

    asyncio.run(run())


def listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(1)
    return listener


def test_a_socket_that_was_left_is_replaced_and_its_own_is_gone_after_the_end(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    listening(path).close()
    assert path.exists()
    started_and_stopped(path)
    assert not path.exists()


def test_the_socket_of_a_running_daemon_stays(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with listening(path):
        with pytest.raises(StoreBusyError, match="another daemon listens"):
            started_and_stopped(path)
        assert stat.S_ISSOCK(path.lstat().st_mode)


def test_the_end_of_one_that_never_listened_removes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with listening(path):
        asyncio.run(served(path).stop())
        assert path.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "pipe", "below a file", "too long"])
def test_what_is_no_socket_is_never_removed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "notes.txt"
    precious = tmp_path / "precious"
    precious.write_text("mine")
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(precious)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "below a file":
        path = precious / "control.sock"
    else:
        path = tmp_path / ("x" * 120)
    before = sorted((found.name, found.lstat().st_mode) for found in tmp_path.iterdir())
    with pytest.raises(ConfigError, match=r"^control\.socket: "):
        started_and_stopped(path)
    assert sorted((found.name, found.lstat().st_mode) for found in tmp_path.iterdir()) == before
    assert precious.read_text() == "mine"


def test_what_took_its_place_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def run() -> None:
        control = served(path)
        await control.start()
        path.unlink()
        path.write_text("somebody else's")
        await control.stop()

    asyncio.run(run())
    assert path.read_text() == "somebody else's"
