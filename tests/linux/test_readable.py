"""linux/readable.py: descriptors of any number."""

from __future__ import annotations

import os
import resource
import socket
import time

import pytest

from bodycamd.linux.readable import readable


def test_bytes_and_the_end_can_be_read() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        assert not readable(ours)
        theirs.send(b"x")
        assert readable(ours)
        assert ours.recv(2) == b"x"
        assert not readable(ours)
        theirs.close()
        assert readable(ours)
        assert ours.recv(1) == b""


def test_a_number_above_1023() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip(f"this process may open {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    reader, writer = os.pipe()
    try:
        os.dup2(reader, 2000)
        assert not readable(2000)
        os.write(writer, b"x")
        assert readable(2000)
    finally:
        os.closerange(1999, 2001)
        os.close(reader)
        os.close(writer)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_waits_and_no_longer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        begin = time.monotonic()
        assert not readable(ours, 0.02)
        assert time.monotonic() - begin >= 0.02
