"""A child on a link: started whole or not at all, killed without a mistake, and nothing is left of it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.camera.capture import first_worker
from bodycamd.linux.child import LinkedChild
from bodycamd.linux.readable import readable

ECHO = "import socket, sys; link = socket.socket(fileno=int(sys.argv[1])); link.sendall(link.recv(9) + b'!'); sys.exit(int(sys.argv[2]))"
SLEEPS = ["sleep", "3600"]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before, others = sorted(os.listdir("/proc/self/fd")), children()
    yield
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert children() <= others


def children() -> set[int]:
    """Of this process: running, or ended and not reaped."""
    return {int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def test_it_speaks_over_its_link_and_tells_how_it_ended() -> None:
    child = LinkedChild(lambda link: [sys.executable, "-c", ECHO, str(link), "7"])
    assert not child.link.getblocking()
    child.link.sendall(b"hello")
    assert readable(child.link, 20)
    assert child.link.recv(9) == b"hello!"
    assert readable(child.exit_fd, 20)
    assert child.exit_code is None, "not reaped yet"
    assert child.reap()
    assert child.exit_code == 7
    assert child.end() == 0, "it has ended already"
    child.kill()  # reaches nobody
    child.close()
    child.close()


def test_a_killed_one_can_still_be_asked_what_it_used() -> None:
    child = LinkedChild(lambda link: SLEEPS, socket.SOCK_SEQPACKET)
    assert not child.reap()
    assert not child.wait(0)
    child.kill()
    assert readable(child.exit_fd, 20)
    assert child.end() > 0
    assert child.exit_code == -signal.SIGKILL
    assert child.wait(0)
    child.close()


def test_a_session_and_an_environment_of_its_own() -> None:
    told = "import os, sys; os.write(int(sys.argv[1]), b'%d %s' % (os.getsid(0) == os.getpid(), os.environb.get(b'WORD', b'-')))"
    for own, environment, said in ((True, {"WORD": "x"}, b"1 x"), (False, None, b"0 -")):
        child = LinkedChild(lambda link: [sys.executable, "-c", told, str(link)], own_session=own, environment=environment)
        assert readable(child.link, 20)
        assert child.link.recv(99) == said
        assert child.wait(20)
        child.close()


def test_what_cannot_be_started_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        LinkedChild(lambda link: ["/nowhere/at/all"])

    def full(pid: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pidfd_open", full)
    with pytest.raises(OSError, match="Too many open files"):
        LinkedChild(lambda link: SLEEPS, stdout=subprocess.PIPE)


def test_a_worker_that_cannot_be_watched_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(pid: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pidfd_open", full)
    with pytest.raises(OSError, match="Too many open files"):
        first_worker.start(["/bin/sh", "-c", "sleep 3600"])
    assert first_worker.FirstWorker()._process is None, "the supervisor's own attempt tells"
