"""What a cut left of holds and deletions, judged by the signed ledger and the files alone, before and after the next start; and what
becomes of it in the end."""

from __future__ import annotations

import collections
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.opening import keep
from bodycamd.camera.recorder.store import Store
from bodycamd.errors import BodycamError
from bodycamd.evidence.keys import PublicKey
from bodycamd.linux.clock import SettableClock
from bodycamd.municipality.verify.verify import verify
from bodycamd.retention.policy import Rules
from tests.powercut.judge import ZERO, Ledger, Segment, Verdict, WrongError, read_ledger
from tests.powercut.keeping import STRAY, Kept, stored
from tests.powercut.workload import Noted

MINUTE_US = 60_000_000
YEAR_US = 365 * 24 * 60 * MINUTE_US
Hold = tuple[str, str]
"""Recording and ground."""


@dataclass
class Said:
    """The entries about holds and deletions, one after the other."""

    holds: set[Hold] = field(default_factory=set)
    released: set[Hold] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


def said(ledger: Ledger) -> Said:
    """Raises `WrongError` where they contradict each other."""
    found = Said()
    for entry in ledger.entries:
        detail, kind = entry["detail"], entry["type"]
        recording, hold = detail.get("recording", ""), (detail.get("recording", ""), detail.get("ground", ""))
        if kind == "hold_added":
            if recording in found.deleting:
                raise WrongError(f"{hold} is held after its deletion began")
            found.holds.add(hold)
        elif kind == "hold_released":
            found.holds.remove(hold)
            found.released.add(hold)
        elif kind == "deleting":
            if recording in found.deleting or any(held == recording for held, _ in found.holds):
                raise WrongError(f"{recording} is deleted twice, or while it is held")
            found.deleting.add(recording)
        elif kind == "deleted":
            if recording not in found.deleting or recording in found.deleted:
                raise WrongError(f"{recording} is deleted, and nothing said that it would be")
            found.deleted.add(recording)
    return found


def judge_keeping(disk: Path, kept: Kept, noted: Noted, position: int, seen: collections.Counter[str]) -> Verdict:
    """Look, let the product start, look again, sweep; a year later the same. `seen` counts what the cut met."""
    verdict = Verdict()
    heard = [event for at, event in noted.events if at <= position]
    sealed = [event["recording"] for event in heard if event["event"] == "RecordingSealed"]
    try:
        cut_files, cut_footage = _files(disk), stored(disk / "store")
        ledger = read_ledger(cut_files, kept.registered)
        at_the_cut = said(ledger)
        seen["deletions to complete"] += len(at_the_cut.deleting - at_the_cut.deleted)
        seen["deletions done"] += len(at_the_cut.deleted)
        seen["torn lines"] += len(ledger.unstated)
        _judge_promises(at_the_cut, heard, verdict, seen)
        _judge_footage(at_the_cut, cut_footage, kept, sealed, verdict)
        _judge_folders(disk, at_the_cut, verdict)
        clock = SettableClock(wall_us=time.time_ns() // 1000 + YEAR_US)
        store, keeper = _start(disk, clock, "after-the-cut")
        _judge_started(disk, at_the_cut, cut_files, cut_footage, kept, sealed, keeper, verdict)
        _sweep(store, keeper, clock)
        left = stored(disk / "store")
        clock.wall_us += YEAR_US
        store, keeper = _start(disk, clock, "a-year-later")
        if stored(disk / "store") != left:
            verdict.add("unstable", "a second start changed recordings")
        _sweep(store, keeper, clock)
        _judge_end(disk, kept, keeper, verdict)
    except BodycamError as error:
        verdict.add("unopened", str(error))
    except WrongError as error:
        verdict.add("wrong", str(error))
    return verdict


def _judge_promises(now: Said, heard: Sequence[dict[str, Any]], verdict: Verdict, seen: collections.Counter[str]) -> None:
    for hold, event in {(e["recording"], e["ground"]): e["event"] for e in heard if e["event"].startswith("Hold")}.items():
        seen[event] += 1
        verdict.checked += 1
        if event == "HoldAdded" and hold not in now.holds:
            verdict.add("hold", f"{hold} was confirmed and is lost")
        elif event == "HoldReleasing" and hold not in now.holds | now.released:
            verdict.add("hold", f"{hold} was confirmed and is lost, with its release under way")
        elif event == "HoldReleased" and (hold in now.holds or hold not in now.released):
            verdict.add("hold", f"the release of {hold} was confirmed and is lost")


def _judge_footage(now: Said, footage: dict[Segment, bytes], kept: Kept, sealed: Sequence[str], verdict: Verdict) -> None:
    """Whole, or `deleting` stands; and nothing of it where `deleted` does."""
    for recording in sealed:
        whole, found = kept.of(recording), {key: content for key, content in footage.items() if key[0] == recording}
        if recording not in now.deleting and found != whole:
            verdict.add("footage", f"{recording} is not whole, and nothing says that it is deleted: {len(found)} of {len(whole)}")
        if recording in now.deleted and found:
            verdict.add("left", f"{recording} is said to be deleted, and {len(found)} segments are there")
        if any(whole.get(key) != content for key, content in found.items()):
            verdict.add("footage", f"{recording} has other bytes than were recorded")


def _judge_folders(disk: Path, now: Said, verdict: Verdict) -> None:
    """Only a stray keeps the folder of what is deleted."""
    for recording in now.deleted:
        folder = disk / "store" / "recordings" / recording
        if folder.exists() and not [path for path in folder.iterdir() if path.name == STRAY]:
            verdict.add("left", f"{recording} is said to be deleted, and its folder is there")


def _judge_started(
    disk: Path, before: Said, cut_files: dict[str, bytes], cut_footage: dict[Segment, bytes], kept: Kept, sealed: Sequence[str],
    keeper: Keeper, verdict: Verdict,
) -> None:  # fmt: skip
    """After the next start: what was begun is complete, and nothing else has changed; the product's own verification agrees."""
    files, footage = _files(disk), stored(disk / "store")
    now = said(read_ledger(files, kept.registered))
    if now.deleting != before.deleting or now.deleted != now.deleting:
        verdict.add("begun", f"{sorted(now.deleting - now.deleted)} are still being deleted: {keeper.problems}")
    if now.holds != before.holds:
        verdict.add("hold", f"{sorted(before.holds ^ now.holds)} changed with a start")
    if {name: files.get(name) for name in cut_files} != cut_files:
        verdict.add("wrong", "an earlier start's ledger was changed")
    if footage != {key: content for key, content in cut_footage.items() if key[0] not in before.deleting}:
        verdict.add("wrong", "a start changed footage that is not deleted")
    _judge_footage(now, footage, kept, sealed, verdict)
    _judge_folders(disk, now, verdict)
    report = verify(disk / "store", PublicKey(kept.registered))
    if report.verdict == "altered":
        verdict.add("chain", str(report))


def _judge_end(disk: Path, kept: Kept, keeper: Keeper, verdict: Verdict) -> None:
    """Only what is held is there, and all of it. (What the cut interrupted counts from the next start's clock, so it takes a year more.)"""
    now, left = said(read_ledger(_files(disk), kept.registered)), stored(disk / "store")
    held = {recording for recording, _ in now.holds}
    if {recording for recording, _ in left} != held or any(kept.footage[key] != content for key, content in left.items()):
        verdict.add("swept", f"in the end {sorted(left)} are there, held are {sorted(held)}: {keeper.problems}")
    if now.deleting != now.deleted:
        verdict.add("swept", f"in the end {sorted(now.deleting - now.deleted)} are still being deleted: {keeper.problems}")


def _sweep(store: Store, keeper: Keeper, clock: SettableClock) -> None:
    """Long enough for the clock to be believed."""
    for _ in range(5):
        clock.advance(10 * MINUTE_US)
        keeper.sweep(store.ledger.note)
    store.close()


def _files(disk: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((disk / "store" / "ledger").glob("*"))}


def _start(disk: Path, clock: SettableClock, boot: str) -> tuple[Store, Keeper]:
    """The product's own start, with retention as the daemon opens it."""
    store = Store.open(disk / "store", signing=disk / "signing", device_id="test-1", clock=clock, config_sha256=ZERO, boot_id=boot)
    return store, keep(store, clock, Rules())
