"""A day of work: RECORDINGS recordings (300; 10 in CI), the parts failing at random, SEED for the order. Nothing grows, nothing is lost.

The first fifth restarts the daemon too; the rest is one life of one daemon, whose last tenth is compared with its first.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

import pyrage
import pytest

from bodycamd.linux.clock import boottime_us
from tests.bench.figures import FAIL_AT, percentile, spread
from tests.camera.recorder import judge
from tests.kit.camera import Camera
from tests.soak.day import GROUP, RATE, Day, Held, make_film, small_disk
from tests.system.load.officer import ANSWER_MS, untrue

RECORDINGS = int(os.environ.get("RECORDINGS", "300"))
SEED = int(os.environ.get("SEED", "1"))
GROWTH_MEGABYTES = 4.0
"""What the last tenth may hold more than the first: allocators differ by so much from one recording to the next."""

pytestmark = [
    pytest.mark.soak,
    pytest.mark.root,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a disk of its own"),
]


def test_a_day_of_work(tmp_path: Path) -> None:
    began = time.monotonic()
    film = tmp_path / "film.h264"
    make_film(film)
    with small_disk(tmp_path / "disk") as disk:
        settings = {
            "video": {"source": "file", "file": str(film), "width": 160, "height": 120, "frame_rate": RATE, "gop_seconds": GROUP / RATE},
            "storage": {"directory": str(disk / "store")},
        }
        with Camera(tmp_path / "camera", settings) as camera:
            camera.store = disk / "store"
            day = Day(camera, disk, SEED)
            restarts = max(2, RECORDINGS // 5)
            day.work(restarts, day.restarts)
            day.work(RECORDINGS - restarts, day.others)
            assert camera.stop() == 0, camera.journal
            lamp = sorted(camera.timeline("lamp") + day.deaths, key=lambda line: line["at_us"])
            lies = untrue(lamp, [event["at_us"] for event in camera.of("FragmentDurable")], boottime_us())
            checked = every_acknowledged_fragment_is_there(camera)
    life = day.held[restarts:]
    print(f"\n{RECORDINGS} recordings in {time.monotonic() - began:.0f} s, seed {SEED}: {day.done}")
    print(f"acknowledged {checked}, lost 0, wrong 0; button {spread(day.officer.answers)}; {len(lies)} untruths of the lamp")
    first, last = tenth(life, 0), tenth(life, -1)
    for name, (before, after) in {name: (getattr(first, name), getattr(last, name)) for name in vars(first)}.items():
        print(f"{name}: first tenth {before:.1f}, last tenth {after:.1f}")
    assert not lies, [(times, [name for at_us, name in day.log if at_us < times[1]][-1]) for times in lies]
    assert percentile(day.officer.answers, 0.99) <= FAIL_AT * ANSWER_MS
    assert last.megabytes <= first.megabytes + GROWTH_MEGABYTES
    assert last.descriptors <= first.descriptors + 1, "the connection that asked for the status may still be closing"
    assert (last.threads, last.children) == (first.threads, first.children)
    assert (first.ring_bytes, last.ring_bytes) == (0, 0)
    assert last.answer_ms <= first.answer_ms + ANSWER_MS


def tenth(life: list[Held], which: int) -> Held:
    """The median of the first (0) or the last (-1) tenth of a life, of three recordings at least."""
    number = max(3, len(life) // 10)
    part = life[:number] if which == 0 else life[-number:]
    return Held(**{name: statistics.median(getattr(held, name) for held in part) for name in vars(part[0])})


def every_acknowledged_fragment_is_there(camera: Camera) -> int:
    """Read, verify and decrypt all of the store with other eyes; `age` itself opens one fragment. Returns how many were acknowledged."""
    found = judge.read(camera.store)
    identity = pyrage.x25519.Identity.from_str(camera.identity.read_text().strip())
    for piece in found.pieces.values():
        assert pyrage.decrypt(piece.age, [identity])[4:8] in (b"ftyp", b"moof", b"styp", b"sidx")
    durable = camera.of("FragmentDurable")
    for event in durable:
        kept = found.pieces.get((event["recording"], event["segment"], event["index"]))
        assert kept is not None, f"acknowledged and lost: {event}"
        assert (kept.statement["sha256"], kept.statement["seq"]) == (event["sha256"], event["seq"])
    newest = max(found.pieces.items())[1].age
    opened = subprocess.run(["age", "-d", "-i", camera.identity], input=newest, capture_output=True, check=True)
    assert opened.stdout == pyrage.decrypt(newest, [identity])
    return len(durable)
