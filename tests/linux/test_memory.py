"""Swap: what is in force, judged; what is read; what is locked."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.linux.memory import read_machine
from bodycamd.linux.swap import Area, Machine, judge
from tests.kit.scale import only_in_full

FILE = Area("/var/swap")
ZRAM = Area("/dev/zram0", "none")
HYBRID = Area("/dev/zram0 and from there to /dev/loop0", "/dev/loop0")
NO = "only 0 bytes may be locked"


@pytest.mark.parametrize(
    ("areas", "limits", "recorder", "worker", "because"),
    [
        ([FILE], [], None, None, "memory is locked"),
        ([FILE], ["max", "max"], None, None, "memory is locked"),
        ([], [], NO, NO, "no swap on a disk"),
        ([ZRAM], [], NO, NO, "no swap on a disk"),
        ([FILE], ["0"], NO, NO, "the control group may not swap"),
        ([FILE], ["max", "0", "max"], NO, None, "the control group may not swap"),
        ([], ["0"], None, None, "memory is locked; no swap on a disk; the control group may not swap"),
    ],
)
def test_one_thing_in_force_is_enough(areas: list[Area], limits: list[str], recorder: str | None, worker: str | None, because: str) -> None:
    found = judge(Machine(areas, limits), recorder=recorder, worker=worker)
    assert (found.state, found.because, found.to_do) == ("closed", because, None)


@pytest.mark.parametrize(
    ("areas", "limits", "recorder", "worker", "because"),
    [
        ([FILE], [], NO, NO, ("/var/swap", "the recorder's memory is not locked", "the worker's memory", "cannot limit swap")),
        ([FILE], [], None, NO, ("the worker's memory is not locked (only 0 bytes may be locked)",)),
        ([FILE], [], NO, None, ("the recorder's memory is not locked",)),
        ([ZRAM, FILE], ["max"], NO, NO, ("/var/swap", "swap is not limited")),
        ([HYBRID], ["4096"], NO, NO, ("from there to /dev/loop0", "swap is not limited")),
        ([FILE], ["00", "0 "], NO, NO, ("swap is not limited",)),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    areas: list[Area], limits: list[str], recorder: str | None, worker: str | None, because: tuple[str, ...]
) -> None:
    found = judge(Machine(areas, limits), recorder=recorder, worker=worker)
    assert found.state == "degraded"
    assert all(part in found.because for part in because), found.because
    assert found.to_do is not None
    assert "LimitMEMLOCK=infinity" in found.to_do
    assert "cgroup_enable=memory" in found.to_do


whys = st.none() | st.text(min_size=1, max_size=20)
areas = st.builds(Area, st.text(min_size=1, max_size=20), st.sampled_from([None, "none", "/dev/loop0", ""]))


@only_in_full
@given(st.lists(areas, max_size=3), st.lists(st.sampled_from(["0", "max", "4096", ""]), max_size=3), whys, whys)
def test_closed_means_that_no_way_is_open(found: list[Area], limits: list[str], recorder: str | None, worker: str | None) -> None:
    """A page gets to a disk if somebody's memory may be moved, there is a place for it, and nothing forbids it."""
    open_way = (recorder is not None or worker is not None) and any(area.backing != "none" for area in found) and "0" not in limits
    assert (judge(Machine(found, limits), recorder=recorder, worker=worker).state == "degraded") is open_way


# --- what is read ------------------------------------------------------------------------------------------------------------------------

SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_raspberry_pi_with_a_swap_file_and_no_memory_controller(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/swaps": SWAPS + "/var/swap                               file\t\t524284\t\t0\t\t-2\n",
            "proc/self/cgroup": "0::/system.slice/bodycamd.service\n",
            "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n",
            "sys/fs/cgroup/system.slice/bodycamd.service/cgroup.controllers": "cpu pids\n",
        },
    )
    assert read_machine(root) == Machine([FILE], [])


def test_the_limits_of_the_group_and_of_those_above(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/swaps": SWAPS,
            "proc/self/cgroup": "1:name=systemd:/elsewhere\n0::/system.slice/bodycamd.service\n",
            "sys/fs/cgroup/system.slice/bodycamd.service/memory.swap.max": "0\n",
            "sys/fs/cgroup/system.slice/memory.swap.max": "max\n",
            "sys/fs/cgroup/elsewhere/memory.swap.max": "1\n",
        },
    )
    assert read_machine(root) == Machine([], ["0", "max"])


@pytest.mark.parametrize(("backing", "area"), [("none\n", ZRAM), ("/dev/loop0\n", HYBRID), (None, ZRAM)])
def test_zram_with_and_without_a_disk_behind_it(tmp_path: Path, backing: str | None, area: Area) -> None:
    """Raspberry Pi OS's hybrid swap writes idle pages of zram to a file; a kernel without write-back has no such word."""
    files = {"proc/swaps": SWAPS + "/dev/zram0                              partition\t416764\t\t0\t\t100\n"}
    assert read_machine(tree(tmp_path, files | ({} if backing is None else {"sys/block/zram0/backing_dev": backing}))).areas == [area]


def test_what_cannot_be_read_is_not_taken_for_granted(tmp_path: Path) -> None:
    assert read_machine(tmp_path) == Machine([], []), "a kernel without swap has no list of swaps"
    (tmp_path / "proc/swaps").mkdir(parents=True)
    found = judge(read_machine(tmp_path), recorder=NO, worker=None)
    assert found.state == "degraded"
    assert "a swap that is not told" in found.because


def test_this_machine_can_be_read() -> None:
    assert {area.name for area in read_machine().areas} >= {line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]}


# --- what is locked ----------------------------------------------------------------------------------------------------------------------

LOCKED = """
import mmap, re, resource, sys, threading
from bodycamd.linux import memory
unlocked = memory.lock()
locked_kb = lambda: int(re.search(r"VmLck:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = locked_kb()
room = mmap.mmap(-1, 200_000_000)  # under a limit of locked memory, this is what would fail
room[:5_000_000] = b"x" * 5_000_000
thread = threading.Thread(target=print)
thread.start()
thread.join()
resident_kb = int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(unlocked, before, locked_kb() - before, resident_kb, sep="|")
"""


def locking(*start: str) -> tuple[str, int, int, int]:
    """Why it is not locked; kB locked at first, kB locked of what came later, kB in memory."""
    done = subprocess.run([*start, sys.executable, "-c", LOCKED], capture_output=True, text=True, check=True)
    why, *numbers = done.stdout.strip().split("|")
    first, later, resident = map(int, numbers)
    return why, first, later, resident


WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-sys_resource,-ipc_lock", "--inh-caps=-all")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="sets limits and gives up rights")


def test_memory_of_now_and_later_is_locked_without_being_filled() -> None:
    why, first, later, resident = locking()
    if os.geteuid() != 0 and why.endswith("is needed"):
        pytest.skip("this user may not lock memory")
    assert why == "None"
    assert first > 1000
    assert later >= 200_000_000 // 1024
    assert resident < 100_000, "200 MB are reserved, 5 are used"


@only_in_full
@pytest.mark.root
@needs_root
@pytest.mark.parametrize("limit", [0, 64 * 1024, 8 * 1024 * 1024, 150_000_000])
def test_under_a_limit_nothing_is_locked_and_nothing_fails(limit: int) -> None:
    """A lock that makes a later allocation fail would cost the recording. 150 MB are enough for what is mapped at first."""
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    if hard != resource.RLIM_INFINITY and limit > hard and not may_raise(limit):
        pytest.skip(f"this machine allows no limit above {hard} bytes")
    why, first, later, _ = locking("prlimit", f"--memlock={limit}", *WITHOUT_RIGHTS)
    assert why.endswith(f": only {limit} bytes may be locked, LimitMEMLOCK=infinity is needed")
    assert (first, later) == (0, 0)


def test_a_limit_that_would_bind_later_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for machines whose limits cannot be raised: what could be locked is let go again."""
    code = LOCKED.replace("unlocked =", "memory._can_map = lambda size: False\nunlocked =")
    monkeypatch.setattr(sys.modules[__name__], "LOCKED", code)
    why, first, later, _ = locking()
    assert (why, first > 1000) == ("None", True) or (why.endswith("is needed") and (first, later) == (0, 0))


def may_raise(limit: int) -> bool:
    return subprocess.run(["prlimit", f"--memlock={limit}", "true"], capture_output=True).returncode == 0
