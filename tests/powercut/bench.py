"""Cuts of a watched disk, mounted, checked, recovered and judged; and their figures."""

from __future__ import annotations

import bisect
import collections
import errno
import os
import random
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.powercut.device import Entry, LoggedDevice, read_log
from tests.powercut.judge import Promised, Truth, Verdict, judge
from tests.powercut.posix import PosixDisk, Unsynced
from tests.powercut.replay import Replay
from tests.powercut.steps import Operation
from tests.powercut.workload import Noted

HOW: Sequence[Unsynced] = ("lost", "kept", "torn")
AROUND = 10
"""So many entries before and after an acknowledgement are cut at one by one."""
SOON = 40
"""So many entries after a step that was left out are cut at one by one: the ledger must have had the time to state what it is not so."""


@dataclass
class Figures:
    """What the cuts showed. `complaints` counts cuts by kind of complaint, with the first of each kind."""

    cuts: int = 0
    checked: int = 0
    in_the_air: int = 0
    newest_lost_us: int = 0
    complaints: collections.Counter[str] = field(default_factory=collections.Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, verdict: Verdict, where: str) -> None:
        self.cuts += 1
        self.checked += verdict.checked
        self.newest_lost_us = max(self.newest_lost_us, verdict.newest_lost_us)
        for kind, complaints in verdict.complaints.items():
            self.complaints[kind] += 1
            self.examples.setdefault(kind, f"{where}: {complaints[0]}")

    def __str__(self) -> str:
        found = ", ".join(f"{kind} {number}" for kind, number in self.complaints.items()) or "none"
        return (
            f"{self.cuts} cuts, {self.checked} acknowledged fragments looked for, {self.in_the_air} unflushed writes in the air, "
            f"newest footage lost at most {self.newest_lost_us / 1e6:.2f} s; complaints: {found}"
        )


def promised_at(noted: Noted, position: int, cut_us: int | None = None) -> Promised:
    """What had been promised when the log had this size."""
    heard = [event for at, event in noted.events if at <= position]
    return Promised(
        durable=[event for event in heard if event["event"] == "FragmentDurable"],
        sealed=[event["recording"] for event in heard if event["event"] == "RecordingSealed"],
        ready=[start for at, start in noted.ready if at <= position],
        cut_us=cut_us,
    )


# --- the logged device ------------------------------------------------------------------------------------------------------------------


def cut_device(
    device: LoggedDevice, noted: Noted, truth: Truth, cuts: int, folder: Path, chance: random.Random, enough: int = 0
) -> Figures:
    """Cut the device's log in `cuts` places; stop early once `enough` cuts have brought complaints (0: never)."""
    entries = read_log(device.log)
    ends = [entry.end for entry in entries]
    first = bisect.bisect_right(ends, noted.start_position)
    times = sorted(noted.times)

    def look(image: Path, mount: Path, position: int) -> Verdict:
        return judge_image(image, mount, truth, promised_at(noted, position, _instant(times, position)), noted)

    return cut_entries(device, entries, places(noted, ends, first, cuts, chance), folder, chance, look, enough)


def cut_entries(
    device: LoggedDevice, entries: list[Entry], where: Iterable[tuple[int, Unsynced]], folder: Path, chance: random.Random,
    look: Callable[[Path, Path, int], Verdict], enough: int = 0,
) -> Figures:  # fmt: skip
    """Cut after `at` entries for each of `where` (growing), and `look` at each image: (image, folder to mount it on, the log's size)."""
    figures = Figures()
    replay = Replay(device.base, device.log, entries, folder)
    mount = folder / "mount"
    mount.mkdir()
    try:
        for at, how in where:
            # A new file for each cut: a loop device that another process still looks at may keep the blocks of an old one.
            image = folder / f"cut-{figures.cuts}.img"
            in_the_air = replay.cut(at, how, chance, image)
            figures.add(look(image, mount, entries[at - 1].end), f"entry {at} of {len(entries)}, unflushed {how}")
            figures.in_the_air += in_the_air
            image.unlink()
            if enough and figures.complaints.total() >= enough:
                break
    finally:
        replay.close()
    return figures


def places(noted: Noted, ends: list[int], first: int, cuts: int, chance: random.Random) -> list[tuple[int, Unsynced]]:
    """Where to cut, growing: half at every entry around some acknowledgements, half anywhere, by the log and
    by the clock; what is unflushed lost, kept and torn in turn. Where steps were left out, each entry soon after some of them instead."""
    if noted.left_out:
        places = [bisect.bisect_right(ends, position) for position in _some(sorted(set(noted.left_out)))]
        soon = {at + more for at in places for more in range(SOON) if first <= at + more <= len(ends)}
        return [(max(1, at), how) for at in sorted(soon) for how in HOW]
    around: list[int] = []
    heard = [at for at, event in noted.events if event["event"] in ("FragmentDurable", "RecordingSealed")] + [at for at, _ in noted.ready]
    chance.shuffle(heard)
    for position in heard:
        if len(around) >= cuts // 2:
            break
        middle = bisect.bisect_right(ends, position)
        around.extend(at for at in range(middle - AROUND, middle + AROUND) if first <= at <= len(ends))
    chosen = around[: cuts // 2]
    while len(chosen) < cuts:
        if noted.times and len(chosen) % 2:
            at = bisect.bisect_right(ends, chance.choice(noted.times)[0])
        else:
            at = chance.randint(first, len(ends))
        chosen.append(max(first, at))
    return sorted((max(1, at), HOW[number % len(HOW)]) for number, at in enumerate(chosen))


def judge_image(image: Path, mount: Path, truth: Truth, promised: Promised, noted: Noted) -> Verdict:
    """The file system, what is in it, and what its blocks may not hold."""
    verdict = checked_image(image, mount, lambda: judge(mount, truth, promised))
    content = written_parts(image)
    for start in promised.ready:
        if any(secret in part for part in content for secret in noted.secrets[start]):
            verdict.add("keys", f"the private key of start {start} still stands on the disk")
    return verdict


def checked_image(image: Path, mount: Path, look: Callable[[], Verdict]) -> Verdict:
    """The first mount replays the file system's journal, as a camera's next boot would: only then `e2fsck -fn` can say whether it is whole
    (without it, it would report the very changes that the journal holds). The second mount is for `look`."""
    with mounted(image, mount):
        pass
    checked = subprocess.run(["e2fsck", "-fn", str(image)], capture_output=True, text=True)
    with mounted(image, mount):
        verdict = look()
    if checked.returncode:
        verdict.add("file system", checked.stdout[-500:])
    return verdict


def written_parts(image: Path) -> list[bytes]:
    """The image without its holes."""
    parts, end, size = [], 0, image.stat().st_size
    with image.open("rb") as file:
        while end < size:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole follows
                    break
                raise
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            parts.append(os.pread(file.fileno(), end - begin, begin))
    return parts


class mounted:
    """The file system of an image, as long as the context lasts."""

    def __init__(self, image: Path, mount: Path) -> None:
        self._image, self._mount = image, mount

    def __enter__(self) -> None:
        subprocess.run(["mount", "-t", "ext4", "-o", "loop,noatime", self._image, self._mount], check=True, capture_output=True)

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", self._mount], check=True, capture_output=True)


def _instant(times: list[tuple[int, int]], position: int) -> int | None:
    """The latest instant at which the log was not longer than this: the cut may have come as late as that."""
    index = bisect.bisect_right(times, (position, 1 << 62))
    return times[index][1] if index < len(times) else None


# --- the disk that keeps no more than POSIX promises --------------------------------------------------------------------------------------


def cut_posix(
    base: Path, log: list[tuple[int, Operation]], cuts: Iterable[tuple[int, Unsynced]], noted: Noted, truth: Truth, folder: Path,
    chance: random.Random, *, leave_out: str = "", enough: int = 0,
) -> Figures:  # fmt: skip
    """Cut after operation number `at` for each of `cuts` (growing), as if the steps named `leave_out` had not been there."""
    return cut_operations(
        base, log, cuts, folder, chance, lambda into, position: judge(into, truth, promised_at(noted, position)), leave_out, enough
    )


def cut_operations(
    base: Path, log: list[tuple[int, Operation]], cuts: Iterable[tuple[int, Unsynced]], folder: Path, chance: random.Random,
    look: Callable[[Path, int], Verdict], leave_out: str = "", enough: int = 0,
) -> Figures:  # fmt: skip
    """The same with another `look`: (folder, the log's size)."""
    disk, done, figures = PosixDisk(base), 0, Figures()
    for number, (at, how) in enumerate(cuts):
        disk.do(operation for _, operation in log[done:at] if operation.step != leave_out)
        done = at
        into = folder / f"cut-{number}"
        disk.cut(into, how, chance)
        figures.add(look(into, log[at - 1][0]), f"after operation {at} ({log[at - 1][1].step}), unsynced {how}")
        subprocess.run(["rm", "-rf", into], check=True)
        if enough and figures.complaints.total() >= enough:
            break
    return figures


def after_each(log: list[tuple[int, Operation]], step: str, following: int = 12) -> Iterator[tuple[int, Unsynced]]:
    """Where the lack of a step can show: at each operation soon after each place where it is missing."""
    where = _some([i for i, (_, operation) in enumerate(log) if operation.step == step])
    for at in sorted({i + more for i in where for more in range(1, following + 1) if i + more <= len(log)}):
        for how in HOW:
            yield at, how


def _some(places: Sequence[int]) -> Sequence[int]:
    """Twelve of them, or a few more, over the whole length."""
    return places[:: max(1, len(places) // 12)]
