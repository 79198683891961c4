"""What retention costs: a store of 28 days of full shifts, and several times as much beside it (BODYCAMD_TEST_SCALE=1: ten times)."""

from __future__ import annotations

import shutil
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.opening import keep
from bodycamd.camera.recorder.store import Store
from bodycamd.linux.clock import SettableClock
from bodycamd.retention.ledger_index import Facts
from bodycamd.retention.outlook import read_recordings
from bodycamd.retention.policy import Rules
from bodycamd.store.reader import StoreReader
from tests.bench import stores
from tests.bench.figures import Table
from tests.kit.scale import count

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The best of a few."""
    taken = []
    for _ in range(times):
        before = time.perf_counter()
        work()
        taken.append(time.perf_counter() - before)
    return min(taken)


def measure(root: Path) -> tuple[float, float, float, float]:
    """Seconds to open with retention, for an idle sweep and for the list; megabytes that retention holds."""
    clock = SettableClock()

    def open_kept() -> tuple[Store, Keeper]:
        """As the daemon does: the ledger is read once."""
        facts = Facts()
        store = Store.open(
            root / "store",
            signing=root / "signing",
            device_id="test-1",
            clock=clock,
            config_sha256="0" * 64,
            watch=lambda line: facts.take(line.entry, line.detail),
        )
        return store, keep(store, clock, Rules(), facts)

    opened = seconds(lambda: open_kept()[0].close())
    tracemalloc.start()
    store, keeper = open_kept()
    held = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    keeper.sweep(store.ledger.note)
    idle = seconds(lambda: keeper.sweep(store.ledger.note))
    store.close()

    def listing() -> None:
        read_recordings(StoreReader.open(root / "store"))

    return opened, idle, seconds(listing), held


def test_28_days_and_many_times_as_much(table: Table, memory_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bodycamd.evidence.keys import provision

    found = []
    times = max(2, count(10))
    for label, starts, recordings, fragments in (("28 days", 28, 24, 50), ("more", 14, 48 * times, 5)):
        # Times the recordings, segments and ledger lines, in few starts: each start that makes the store reads the whole ledger before.
        # The number of fragments in a segment is nothing to retention.
        monkeypatch.setattr(stores, "STARTS", starts)
        monkeypatch.setattr(stores, "RECORDINGS", recordings)
        monkeypatch.setattr(stores, "FRAGMENTS", fragments)
        root = memory_folder / label.replace(" ", "-")
        provision(root / "signing")
        stores.fill(root / "store", root / "signing", device_id="test-1")
        found.append(measure(root))
        shutil.rmtree(root)
    one, more = found
    for number, (what, limit, unit) in enumerate(
        (("opens, with retention", 1.0, "s"), ("an idle sweep", 0.1, "s"), ("recordings list", 1.0, "s"), ("memory held", 5.0, "MB"))
    ):
        table.add(
            f"retention: {what}, 28 days of shifts (2,016 segments)",
            one[number],
            f"{one[number]:.3f} {unit}; {times} times as much {more[number]:.3f} {unit}",
            at_most=limit,
            target=f"<= {limit:g} {unit}",
        )
