"""What the capture worker gives up before it loads the camera's libraries, so that plaintext footage has nowhere to go.

Three steps, all before anything else:

- `step_back`: the recorder lives longer and runs first.
- `harden_process`: not dumpable (no core file, no other process of the same user reads its memory or descriptors), core size 0, no new
  privileges, killed when the recorder's *thread that started it* ends (so start workers from a thread that lives as long as the recorder).
- `confine`, before any other thread exists, so before the imports: numpy's OpenBLAS and libcamera's LTTng start threads when they are
  loaded, and Landlock holds only for the thread that asks for it and those that it starts. Landlock lets the process create, write, rename
  and remove nothing, except writing to what exists under /dev (camera, sound card); seccomp leaves only unix and netlink sockets (sound
  server, hot-plug messages) and refuses `execve`, `io_uring`, reading other processes, and foreign system call conventions. Refused calls
  fail with EACCES.

Each gives the list of what is in force and what is not, for `status`; a kernel without Landlock or seccomp is stated, not hidden. Not
guaranteed: anything against root, or against a defect of the kernel. Descriptors that are open already keep working: the link does.

Sources: prctl(2), landlock(7), seccomp(2), linux/bpf_common.h, linux/seccomp.h.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
from pathlib import Path
from typing import Final

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG: Final = 1
_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38

_OOM_SCORE_ADJ: Final = Path("/proc/self/oom_score_adj")
_WORST_SCORE: Final = 1000
_OOM_STEP: Final = 400
"""Thousandths of all memory: more than the recorder with a full ring holds on a machine of 512 MB."""

# The Landlock system calls have the same numbers on all architectures.
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_ADD_RULE: Final = 445
_LANDLOCK_RESTRICT_SELF: Final = 446
_LANDLOCK_CREATE_RULESET_VERSION: Final = 1
_LANDLOCK_RULE_PATH_BENEATH: Final = 1
_FS_EXECUTE: Final = 1 << 0
_FS_WRITE_FILE: Final = 1 << 1
_FS_REMOVE_AND_MAKE: Final = 0x1FF0
"""REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM."""
_FS_REFER: Final = 1 << 13
_FS_TRUNCATE: Final = 1 << 14

_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1
_SECCOMP_RET_ERRNO: Final = 0x00050000
_SECCOMP_RET_ALLOW: Final = 0x7FFF0000
_X32_CALLS: Final = 0x40000000
_AF_UNIX: Final = 1
_AF_NETLINK: Final = 16

_CONVENTIONS: Final = {
    # machine: (AUDIT_ARCH, seccomp, socket, refused: execve, execveat, process_vm_readv, ptrace, io_uring_setup)
    "x86_64": (0xC000003E, 317, 41, (59, 322, 310, 101, 425)),
    "aarch64": (0xC00000B7, 277, 198, (221, 281, 270, 117, 425)),
}


def step_back() -> list[str]:
    """When memory runs out the kernel ends this process, not the recorder; of the processors it takes no more than anybody. To be called
    before `harden_process`, after which the files in /proc/self belong to root. Returns what is in force, in words."""
    if os.getpriority(os.PRIO_PROCESS, 0) < 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    try:
        score = min(_WORST_SCORE, int(_OOM_SCORE_ADJ.read_text()) + _OOM_STEP)
        _OOM_SCORE_ADJ.write_text(str(score))
    except OSError as error:
        return [f"SAME OOM PRIORITY AS THE RECORDER: {error.strerror}"]
    return ["goes before the recorder when memory runs out"]


def harden_process() -> list[str]:
    """No core, no peeking, no privileges, no life after the recorder. Returns what is in force, in words."""
    report = []
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)
    report.append("not dumpable" if _prctl(_PR_GET_DUMPABLE) == 0 else "DUMPABLE")
    report.append("no new privileges" if _prctl(_PR_SET_NO_NEW_PRIVS, 1) == 0 else "NEW PRIVILEGES POSSIBLE")
    report.append("dies with the recorder" if die_with_parent() else "MAY OUTLIVE THE RECORDER")
    return report


def die_with_parent() -> bool:
    """Be killed when the thread that started this process ends, also inside a call that hangs; whether the kernel agreed. A parent that has
    ended before that is not noticed.
    """
    return _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) == 0


def confine() -> list[str]:
    """No disk, no network, no other program. Returns what is in force and what is not, in words."""
    report = [_landlock(), _seccomp()]
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        report.append(f"NOT FOR {threads - 1} EARLIER THREADS (Landlock)")
    return report


def _prctl(option: int, value: int = 0) -> int:
    return int(_libc.prctl(ctypes.c_int(option), *(ctypes.c_ulong(argument) for argument in (value, 0, 0, 0))))


def _syscall(number: int, *arguments: object) -> int:
    """A raw system call. Raises `OSError`."""
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _landlock() -> str:
    try:
        version = _syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_CREATE_RULESET_VERSION))
        handled = _FS_EXECUTE | _FS_WRITE_FILE | _FS_REMOVE_AND_MAKE
        handled |= _FS_REFER if version >= 2 else 0
        handled |= _FS_TRUNCATE if version >= 3 else 0
        attributes = ctypes.create_string_buffer(struct.pack("=Q", handled), 8)
        ruleset = _syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(8), ctypes.c_uint32(0))
        try:
            _allow(ruleset, "/dev", _FS_WRITE_FILE)
            _syscall(_LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
        finally:
            os.close(ruleset)
    except OSError as error:
        return f"FILES CAN BE WRITTEN (no Landlock: {error.strerror})"
    return f"no file outside /dev can be written (Landlock {version})" + ("" if version >= 3 else ", BUT TRUNCATED")


def _allow(ruleset: int, path: str, access: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, folder), 12)
        _syscall(_LANDLOCK_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_LANDLOCK_RULE_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(folder)


def _seccomp() -> str:
    machine = platform.machine()
    if machine not in _CONVENTIONS:
        return f"NETWORK AND EXEC POSSIBLE (no seccomp filter for {machine})"
    program = seccomp_program(machine)
    code = ctypes.create_string_buffer(program, len(program))
    fprog = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    try:
        mode, flags = ctypes.c_uint(_SECCOMP_SET_MODE_FILTER), ctypes.c_uint(_SECCOMP_FILTER_FLAG_TSYNC)
        _syscall(_CONVENTIONS[machine][1], mode, flags, ctypes.byref(fprog))
    except OSError as error:
        return f"NETWORK AND EXEC POSSIBLE (no seccomp: {error.strerror})"
    return "no network, no exec (seccomp)"


def seccomp_program(machine: str) -> bytes:
    """The BPF program for `machine`: struct sock_filter, 8 bytes each; it loads from struct seccomp_data (nr 0, arch 4, args 16)."""
    arch, _, socket_call, refused = _CONVENTIONS[machine]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    # (code, value, what to do where the comparison is true; otherwise continue with the next)
    steps: list[tuple[int, int, str]] = [(load, 4, ""), (equal, arch, "+1"), (give, 0, "refuse"), (load, 0, "")]
    if machine == "x86_64":
        steps.append((at_least, _X32_CALLS, "refuse"))
    steps += [(equal, number, "refuse") for number in refused]
    steps += [(equal, socket_call, "+1"), (give, 0, "allow"), (load, 16, "")]
    steps += [(equal, family, "allow") for family in (_AF_UNIX, _AF_NETLINK)]
    ends = {"refuse": len(steps), "allow": len(steps) + 1}
    program = []
    for at, (code, value, then) in enumerate(steps):
        if code == give:  # an unconditional end in the middle is a jump to the common one
            program.append(struct.pack("=HBBI", 0x05, 0, 0, ends[then] - at - 1))
        else:
            jump = 0 if not then else 1 if then == "+1" else ends[then] - at - 1
            program.append(struct.pack("=HBBI", code, jump, 0, value))
    program.append(struct.pack("=HBBI", give, 0, 0, _SECCOMP_RET_ERRNO | 13))
    program.append(struct.pack("=HBBI", give, 0, 0, _SECCOMP_RET_ALLOW))
    return b"".join(program)
