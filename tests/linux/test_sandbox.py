"""The sandbox, in force: each case runs in a child that confines itself and then tries what it may not."""

from __future__ import annotations

import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bodycamd.linux import sandbox

ATTEMPTS = """
import ctypes, json, os, socket, subprocess, sys, threading, resource
from bodycamd.linux import sandbox
folder = sys.argv[1]
already = open(folder + '/already', 'r+b', buffering=0)
report = sandbox.harden_process() + sandbox.confine()

def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return 0

def in_thread(attempt):
    results = []
    thread = threading.Thread(target=lambda: results.append(outcome(attempt)))
    thread.start()
    thread.join()
    return results[0]

def raw(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *arguments) < 0:
        raise OSError(ctypes.get_errno(), 'refused')

attempts = {
    'create': lambda: open(folder + '/new', 'xb'),
    'overwrite': lambda: open(folder + '/already', 'r+b'),
    'append': lambda: open(folder + '/already', 'ab'),
    'truncate': lambda: os.truncate(folder + '/already', 0),
    'rename': lambda: os.rename(folder + '/already', folder + '/other'),
    'link': lambda: os.link(folder + '/already', folder + '/other'),
    'symlink': lambda: os.symlink('x', folder + '/other'),
    'unlink': lambda: os.unlink(folder + '/already'),
    'mkdir': lambda: os.mkdir(folder + '/d'),
    'fifo': lambda: os.mkfifo(folder + '/f'),
    'shared memory': lambda: open('/dev/shm/bodycamd-test', 'xb'),
    'inet': lambda: socket.socket(socket.AF_INET),
    'inet udp': lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    'inet6': lambda: socket.socket(socket.AF_INET6),
    'packet': lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    'exec': lambda: subprocess.run(['/bin/true'], check=True),
    'io_uring': lambda: raw(425, 8, None),
    'ptrace': lambda: raw(101 if sys.argv[2] == 'x86_64' else 117, 0, 0, 0, 0),
    'read a file': lambda: open(folder + '/already', 'rb').read(),
    'null': lambda: open('/dev/null', 'wb').write(b'x'),
    'unix': lambda: socket.socket(socket.AF_UNIX),
    'netlink': lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    'open descriptor': lambda: already.write(b'x'),
    'memfd': lambda: os.memfd_create('x'),
}
status = dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())
print(json.dumps({
    'report': report,
    'here': {name: outcome(attempt) for name, attempt in attempts.items()},
    'thread': {name: in_thread(attempt) for name, attempt in attempts.items()},
    'core': resource.getrlimit(resource.RLIMIT_CORE),
    'seccomp': status['Seccomp'].strip(),
    'privileges': status['NoNewPrivs'].strip(),
    'environ_owner': os.stat('/proc/self/environ').st_uid,
}))
"""


def confined(folder: Path, user: int | None = None) -> dict[str, Any]:
    (folder / "already").write_bytes(b"here before")
    (folder / "already").chmod(0o666)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ATTEMPTS, str(folder), platform.machine()],
        capture_output=True, text=True, timeout=30, check=True, user=user,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture
def folder() -> Iterator[Path]:
    """On the disk, wherever the tests' own folders are: /dev/shm lies in /dev, where devices must be written to."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


@pytest.fixture
def in_memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


def test_in_dev_nothing_is_made_or_taken_away(in_memory: Path) -> None:
    """The devices have no other names than those below /dev, and come and go; so what is there can be written to, and that is all."""
    refused = {name for name, code in confined(in_memory)["here"].items() if code == 13}
    assert {"create", "rename", "link", "symlink", "unlink", "mkdir", "fifo", "shared memory"} <= refused
    assert [path.name for path in in_memory.iterdir()] == ["already"]


def test_no_disk_no_network_no_exec(folder: Path) -> None:
    result = confined(folder)
    allowed = {"read a file", "null", "unix", "netlink", "open descriptor", "memfd"}
    for where in ("here", "thread"):
        refused = {name for name, code in result[where].items() if code == 13}
        assert refused == set(result[where]) - allowed, result[where]
        assert {name for name, code in result[where].items() if code == 0} == allowed
    assert (folder / "already").read_bytes() == b"xxre before", "only through the descriptor that was open before"
    assert sorted(path.name for path in folder.iterdir()) == ["already"]


def test_the_report_says_what_is_in_force(tmp_path: Path) -> None:
    result = confined(tmp_path)
    assert result["report"][:3] == ["not dumpable", "no new privileges", "dies with the recorder"]
    assert result["report"][3].startswith("no file outside /dev can be written (Landlock ")
    assert result["report"][4:] == ["no network, no exec (seccomp)"]
    assert (result["core"], result["seccomp"], result["privileges"]) == ([0, 0], "2", "1")


NOBODY = 65534
HARDENED = """
import ctypes, os, sys
from bodycamd.linux import sandbox
os.setgid(65534)
os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # changing the user has already made it not dumpable: begin as a process that was started so
if sys.argv[1] == "hardened":
    sandbox.harden_process()
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize(("how", "readable"), [("plain", True), ("hardened", False)])
def test_the_memory_is_closed_to_other_processes_of_the_same_user(how: str, readable: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", HARDENED, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        peeking = ["dd", f"if=/proc/{child.pid}/mem", "count=0"]
        peek = subprocess.run(peeking, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, cwd="/", check=False)
        child.communicate(b"")
    assert (peek.returncode == 0) is readable, peek.stderr


def test_a_kernel_without_the_calls_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(number: int, *arguments: object) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(sandbox, "_syscall", absent)
    landlock, seccomp = sandbox.confine()[:2]
    assert landlock == "FILES CAN BE WRITTEN (no Landlock: Function not implemented)"
    assert seccomp == "NETWORK AND EXEC POSSIBLE (no seccomp: Function not implemented)"
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert sandbox.confine()[1] == "NETWORK AND EXEC POSSIBLE (no seccomp filter for riscv64)"


def test_earlier_threads_are_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        monkeypatch.setattr(sandbox, "_landlock", lambda: "x")
        monkeypatch.setattr(sandbox, "_seccomp", lambda: "y")
        assert sandbox.confine()[2].startswith("NOT FOR ")
    finally:
        release.set()
        thread.join()


def run_filter(program: bytes, arch: int, number: int, first_argument: int) -> int:
    """A tiny interpreter of the classic BPF that the filter uses, so that the program of the other machine is judged too."""
    data = struct.pack("=iIQ6Q", number, arch, 0, first_argument, 0, 0, 0, 0, 0)
    accumulator, at = 0, 0
    while True:
        code, yes, no, value = struct.unpack_from("=HBBI", program, at * 8)
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif code == 0x15:
            at += yes if accumulator == value else no
        elif code == 0x35:
            at += yes if accumulator >= value else no
        elif code == 0x05:
            at += value
        else:
            assert code == 0x06
            return int(value)


@pytest.mark.parametrize(
    ("machine", "arch", "socket", "execve", "read"), [("x86_64", 0xC000003E, 41, 59, 0), ("aarch64", 0xC00000B7, 198, 221, 63)]
)
def test_the_filter_of_both_machines(machine: str, arch: int, socket: int, execve: int, read: int) -> None:
    program = sandbox.seccomp_program(machine)
    allow, refuse = 0x7FFF0000, 0x0005000D
    for family in range(64):
        assert run_filter(program, arch, socket, family) == (allow if family in (1, 16) else refuse)
    assert run_filter(program, arch, execve, 0) == refuse
    assert run_filter(program, arch, read, 0) == allow
    assert run_filter(program, 0x40000003, read, 0) == refuse, "the 32-bit convention"
    if machine == "x86_64":
        assert run_filter(program, arch, read + 0x40000000, 0) == refuse, "the x32 convention"


STEPPING_BACK = """
import os
from bodycamd.linux import sandbox
report = sandbox.step_back()
print(open('/proc/self/oom_score_adj').read().strip(), os.getpriority(os.PRIO_PROCESS, 0), *report)
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="makes a process worth more than others")
@pytest.mark.parametrize(("recorder", "worker"), [(("100", -10), "500 0"), (("900", 5), "1000 5")])
def test_the_worker_goes_before_the_recorder(recorder: tuple[str, int], worker: str) -> None:
    def as_the_unit_does() -> None:
        Path("/proc/self/oom_score_adj").write_text(recorder[0])
        os.setpriority(os.PRIO_PROCESS, 0, recorder[1])

    child = subprocess.run([sys.executable, "-c", STEPPING_BACK], capture_output=True, text=True, check=True, preexec_fn=as_the_unit_does)
    assert child.stdout.strip() == f"{worker} goes before the recorder when memory runs out"
