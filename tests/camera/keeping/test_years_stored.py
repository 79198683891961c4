"""Simulated years (three; one in CI) with the real store, ledger and keeper: days on and off, holds, releases, restarts, cuts, clocks
without worth, disks that refuse and disks that are full. True time is known here, and only here.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bodycamd.errors import StorageError
from bodycamd.linux import durable
from bodycamd.municipality.verify.store_check import inventory
from tests.camera.recorder.faults import Fault
from tests.kit.resting_camera import DAY, HOUR, MINUTE, RefusingDisk, RestingCamera
from tests.kit.scale import SCALE, nightly_count, only_in_full

pytestmark = only_in_full

YEARS = 3 if SCALE >= 1 else 1
STEP = 10 * MINUTE
GROUNDS = ("complaint", "criminal-investigation", "access-request")


@dataclass
class Clip:
    """One recording as it truly was."""

    ended_us: int
    boot: int
    """The boot in which its end is known: the next one, where nobody closed it."""
    latest_us: int | None = None
    """The latest that its end can have been, as far as confirmed clocks tell."""
    overdue_us: int = 0


class Life:
    """One camera; `live` is its life."""

    def __init__(self, root: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(seed)
        self.disk = RefusingDisk()
        self.camera = RestingCamera(root, days=28, keep_months=6, disk=self.disk)
        self.clips: dict[str, Clip] = {}
        self.held: dict[str, set[str]] = {}
        self.deleted = self.refused = 0
        self.lie_us = self.boot_began_us = 0
        self.full = False
        real = durable.write_all

        def write_all(descriptor: int, buffers: Sequence[bytes], offset: int | None = None) -> None:
            if self.full:
                real(descriptor, (buffers[0][: len(buffers[0]) // 2],), offset)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(descriptor, buffers, offset)

        monkeypatch.setattr(durable, "write_all", write_all)

    @property
    def true_us(self) -> int:
        return self.camera.clock.wall_us - self.lie_us

    def live(self) -> None:
        end_us = self.true_us + YEARS * 365 * DAY
        self.camera.switch_on()
        self.run(40 * MINUTE)
        while self.true_us < end_us:
            self.session()
            self.rest()
        self.disk.faults.clear()
        self.run(2 * HOUR)
        assert inventory(self.camera.store_folder)[0] == []
        self.camera.switch_off()

    # --- what happens ---------------------------------------------------------------------------------------------------------------------

    def session(self) -> None:
        self.full = self.chance.random() < 0.05
        if self.full:
            self.refuse()
        else:
            self.record()
            self.hold_and_release()
        if self.chance.random() < 0.1:
            self.disk.faults.append(Fault("remove", self.disk.removals() + self.chance.randrange(1, 3), errno.EIO))
        self.run(self.chance.randrange(2, 10) * STEP)
        if self.chance.random() < 0.2:
            began = "its deletion has begun"
            assert [f for f in inventory(self.camera.store_folder)[0] if not f.problem.startswith(began)] == []

    def rest(self) -> None:
        """Off, or only another start of the same boot; then on again, whatever state the disk is in."""
        again = self.chance.random() < 0.1
        self.camera.switch_off(clean=not self.full and self.chance.random() < 0.8)
        self.disk.faults.clear()
        self.disk.calls.clear()
        off_us = self.chance.choice((14 * HOUR, 60 * HOUR, self.chance.randrange(1, 12) * DAY))
        if not again:
            clock = self.camera.clock
            clock.wall_us -= self.lie_us
            clock.trusted = self.chance.random() < 0.85
            self.lie_us = 0 if clock.trusted else self.chance.choice((-1, 0, 1)) * self.chance.randrange(1, 400) * DAY
            clock.wall_us += self.lie_us
        if self.full:
            with pytest.raises(StorageError):
                self.camera.switch_on(off_us=off_us, same_boot=again)
            self.full, again = False, True
            self.boot_began_us = self.true_us
        self.camera.switch_on(off_us=off_us, same_boot=again)
        if not again:
            self.boot_began_us = self.true_us
        self.check(0)

    def record(self) -> None:
        for _ in range(self.chance.randrange(3)):
            closed = self.chance.random() < 0.9
            name = self.camera.record(segments=self.chance.randrange(1, 3), fragments=2, close=closed)
            self.clips[name] = Clip(self.true_us, self.camera.boot if closed else self.camera.boot + 1)

    def hold_and_release(self) -> None:
        going = self.camera.keeper._facts().known
        alive = [name for name in self.clips if not going[name].deleting]
        if alive and self.chance.random() < 0.2:
            name, ground = self.chance.choice(alive), self.chance.choice(GROUNDS)
            if ground not in self.held.get(name, ()):
                self.camera.hold(name, ground)
                self.held.setdefault(name, set()).add(ground)
        if self.held and self.chance.random() < 0.25:
            name = self.chance.choice(sorted(self.held))
            ground = self.chance.choice(sorted(self.held[name]))
            self.camera.release(name, ground)
            self.held[name].discard(ground)
            if not self.held[name]:
                del self.held[name]

    def refuse(self) -> None:
        """A hold and a release that the disk does not take have not happened."""
        head = self.camera.store.ledger.head
        for name in list(self.clips)[-1:]:
            if not self.camera.keeper._facts().known[name].deleting and "complaint" not in self.held.get(name, ()):
                with pytest.raises(StorageError):
                    self.camera.hold(name)
        for name in list(self.held)[-1:]:
            with pytest.raises(StorageError):
                self.camera.release(name, min(self.held[name]))
        assert self.camera.store.ledger.head == head
        self.refused += 1

    # --- the promise ----------------------------------------------------------------------------------------------------------------------

    def run(self, duration_us: int) -> None:
        for _ in range(duration_us // STEP):
            self.camera.clock.advance(STEP)
            try:
                self.camera.sweep()
            except StorageError:
                assert self.full
            self.check(STEP)

    def check(self, passed_us: int) -> None:
        present = set(self.camera.present())
        confirmed = self.camera.keeper.trust.confirmed and not self.full
        for name, clip in list(self.clips.items()):
            if name not in present:
                assert not self.held.get(name), f"{name} was deleted while held for {self.held[name]}"
                age_us = self.true_us - clip.ended_us
                assert age_us >= 28 * DAY, f"{name} was deleted after {age_us / DAY:.3f} days"
                del self.clips[name]
                self.deleted += 1
                continue
            if confirmed and clip.boot <= self.camera.boot:
                latest_us = clip.ended_us if clip.boot == self.camera.boot and clip.ended_us >= self.boot_began_us else self.boot_began_us
                clip.latest_us = latest_us if clip.latest_us is None else min(clip.latest_us, latest_us)
            due = clip.latest_us is not None and self.true_us - clip.latest_us > 28 * DAY + 3 * MINUTE
            clip.overdue_us = clip.overdue_us + passed_us if due and confirmed and not self.held.get(name) else 0
            assert clip.overdue_us <= HOUR, f"{name} is overdue for {clip.overdue_us / HOUR:.2f} h of running time"
        assert present == set(self.clips), "the store has what it should"
        if not self.full:
            facts = self.camera.keeper._facts()
            assert {name: {hold.ground for hold in held} for name, held in facts.holds.items()} == self.held
            assert {recording.id for recording in facts.recordings()} == present


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(nightly_count(20)))
def test_years_with_a_real_store(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(tmp_path, seed, monkeypatch)
    life.live()
    assert life.deleted > 15 * YEARS
    assert life.refused >= 2 * YEARS
    assert "ledger_shortened" in life.camera.verified_types()
