"""Power cuts of a station's disk while cameras send: what has a receipt is there, nothing has one that is not, and it goes on."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bodycamd.linux import durable
from tests.powercut import device
from tests.powercut.bench import AROUND, HOW, Figures, checked_image, cut_entries
from tests.powercut.device import Entry, LoggedDevice
from tests.powercut.judge import Verdict
from tests.powercut.posix import Unsynced
from tests.powercut.station import Sent, judge_station, take_turns

pytestmark = [pytest.mark.powercut, pytest.mark.root, pytest.mark.timeout(1800)]

CUTS = max(6, round(int(os.environ.get("CUTS", "150")) * 2 / 15))
"""20 of 150."""
ENOUGH = 2


def sent_to(folder: Path, *, cameras: int = 3, segments: int = 5) -> tuple[LoggedDevice, Sent]:
    with LoggedDevice(folder / "device") as logged:
        return logged, take_turns(folder, logged.disk, logged.position, cameras, segments, random.Random(1))


def station_places(sent: Sent, entries: list[Entry], cuts: int, chance: random.Random) -> list[tuple[int, Unsynced]]:
    """Half of them around a receipt, half anywhere."""
    ends = [entry.end for entry in entries]
    first = sum(end <= sent.begun for end in ends)
    chosen = []
    for number in range(cuts):
        if number % 2:
            position, _ = chance.choice(sent.given)
            chosen.append(sum(end <= position for end in ends) + chance.randint(-AROUND, AROUND))
        else:
            chosen.append(chance.randint(first, len(entries)))
    return sorted((min(max(first, 1, at), len(entries)), HOW[number % len(HOW)]) for number, at in enumerate(chosen))


def cut(logged: LoggedDevice, sent: Sent, cuts: int, folder: Path, chance: random.Random, enough: int = 0) -> Figures:
    def look(image: Path, mount: Path, position: int) -> Verdict:
        return checked_image(image, mount, lambda: judge_station(mount, sent, position))

    entries = device.read_log(logged.log)
    return cut_entries(logged, entries, station_places(sent, entries, cuts, chance), folder, chance, look, enough)


def test_a_station_keeps_what_it_gave_a_receipt_for(tmp_path: Path) -> None:
    logged, sent = sent_to(tmp_path)
    figures = cut(logged, sent, CUTS, tmp_path / "cuts", random.Random())
    print(f"\npower cuts of a station's disk: {figures.cuts} cuts, {len(sent.given)} receipts, {figures.checked} looked for; {figures}")
    assert not figures.complaints, figures.examples
    assert figures.cuts == CUTS
    assert figures.checked > 0


def test_it_misses_a_segment_that_was_not_synchronised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that step the same cuts find it."""
    with monkeypatch.context() as without:
        without.setattr(durable, "settle", lambda _: None)
        logged, sent = sent_to(tmp_path, cameras=2)
    figures = cut(logged, sent, 60, tmp_path / "cuts", random.Random(1), ENOUGH)
    print(f"\nwithout the synchronisation of a segment: {figures.complaints}")
    assert {"receipts", "footage"} & set(figures.complaints), figures
