"""Keeps this process's memory out of swap, and reads what the kernel says of swap. `bodycamd.linux.swap` judges.

`python -m bodycamd.linux.memory` says what would be in force for a service with the limits that it is run with (see `scripts/install`):
exit code 0 if memory cannot reach a disk, 1 if it can.

Sources: mlock(2), proc(5), the kernel's admin-guide on cgroup-v2 and zram.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from bodycamd.linux.swap import Area, Machine, judge

_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4
_UNLIMITED: Final = resource.RLIM_INFINITY


def lock() -> str | None:
    """Lock what this process has mapped and will map; gives `None`, or why that is not in force, for a person.

    Page by page as it is used: stacks and buffers that are only reserved cost nothing, which counts on 512 MB. Only where no limit binds:
    under one, some later allocation would fail, and footage is worth more than this. Not inherited by a child, ended by `execve`. What the
    kernel holds (a socket's buffer, a camera's dma-buf) is not swapped anyway.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(ValueError, OSError):  # then the limit stands; it does not bind who has CAP_IPC_LOCK
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (_UNLIMITED, _UNLIMITED))
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        why = os.strerror(ctypes.get_errno())
    elif limit == _UNLIMITED or _can_map(limit + 1):
        return None
    else:
        libc.munlockall()
        why = "what is mapped later would fail"
    return why if limit == _UNLIMITED else f"{why}: only {limit} bytes may be locked, LimitMEMLOCK=infinity is needed"


def _can_map(size: int) -> bool:
    """Whether so much may be mapped at once; nothing of it is used."""
    try:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ).close()
    except OSError:
        return False
    return True


def read_machine(root: Path = Path("/")) -> Machine:
    """What is in force now. A list of swaps that cannot be read counts as a swap on a disk: nothing is taken for granted."""
    return Machine(areas=_areas(root), limits=_limits(root))


def _text(file: str) -> str:
    """What stands in a file of the kernel's. It is looked at every few seconds, and `Path.read_text` takes four times as long."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
    finally:
        os.close(descriptor)
    return b"".join(parts).decode(errors="replace")


def _areas(root: Path) -> list[Area]:
    try:
        lines = _text(f"{root}/proc/swaps").splitlines()[1:]
    except FileNotFoundError:
        return []  # a kernel without swap
    except OSError as error:
        return [Area(f"a swap that is not told: {error}")]
    return [_area(root, line.split()[0]) for line in lines if line.strip()]


def _area(root: Path, name: str) -> Area:
    zram = re.fullmatch(r"/dev/(zram[0-9]+)", name)
    if zram is None:
        return Area(name)
    try:
        backing = (root / "sys/block" / zram[1] / "backing_dev").read_text(errors="replace").strip()
    except FileNotFoundError:
        backing = "none"  # a kernel without write-back
    except OSError as error:
        backing = f"not told: {error}"
    return Area(name if backing == "none" else f"{name} and from there to {backing}", backing)


def _limits(root: Path) -> list[str]:
    """Only what is there limits: whether the kernel knows of such a limit does not help."""
    try:
        groups = _text(f"{root}/proc/self/cgroup")
    except OSError:
        return []
    own = re.search(r"^0::(/.*)$", groups, re.MULTILINE)
    if own is None:
        return []
    found = []
    group = own[1].rstrip("/")
    while True:
        with suppress(OSError):  # the root has none, and nobody has where the controller is off
            found.append(_text(f"{root}/sys/fs/cgroup{group}/memory.swap.max").strip())
        if not group:
            return found
        group = group.rpartition("/")[0]


def main() -> int:
    """Lock, as recorder and worker do, and print one line."""
    unlocked = lock()
    found = judge(read_machine(), recorder=unlocked, worker=unlocked)
    told = found.because if found.to_do is None else f"{found.because}. To do: {found.to_do}"
    sys.stdout.write(f"{found.state}: {told}\n")
    return 0 if found.state == "closed" else 1


if __name__ == "__main__":
    sys.exit(main())
