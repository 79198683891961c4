"""Three years of a camera's life, by chance: days on and off, recordings, holds, releases, restarts, full disks, clocks that fail anyhow.

True time is known here, and only here. `World` drives the product's own trust, facts and policy on an in-memory ledger, at the pace of the
product's sweeps wherever something could be due; `check` is the promise, stated from true time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from bodycamd.evidence.entries import LEDGER_FORMAT, typed_detail
from bodycamd.evidence.statements import ZERO_HASH, Entry, Stated
from bodycamd.linux.clock import ClockReading
from bodycamd.retention.clock_trust import Trust
from bodycamd.retention.elapsed import Now
from bodycamd.retention.ledger_index import Facts
from bodycamd.retention.policy import Rules, decide
from tests.evidence.making import entry

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BEGIN = 1_767_225_600_000_000
"""2026-01-01."""
KEYS = {"public_key": ZERO_HASH, "next_public_key": ZERO_HASH, "ram_public_key": ZERO_HASH}
BESIDE: dict[str, dict[str, Any]] = {
    "start": {"format": LEDGER_FORMAT, **KEYS, "software": "", "config_sha256": ZERO_HASH},
    "recording_opened": {"keep_from_us": 0, "warning": "none"},
    "recording_closed": {"duration_us": 0, "segments": 0, "reason": "officer"},
    "time": {"trusted": True},
    "deleting": {"recording": "000001-0001", "reason": "28 days have passed"},
}
"""The fields that an entry must have and retention does not look at."""


def stated(type: str, start: int, boot_id: str, at_us: int, wall_us: int, detail: dict[str, Any]) -> tuple[Entry, Stated | None]:
    """An entry and its typed detail, as the ledger's reader yields them."""
    made = entry(type, BESIDE.get(type, {}) | detail, start=start, boot_id=boot_id, at_us=at_us, wall_us=wall_us)
    return made, typed_detail(made, "world")


@dataclass
class Clip:
    """One recording as it truly was."""

    end_us: int
    known_end_us: int
    """Its end as far as the ledger knows it: not before."""
    boot: int
    held: set[tuple[str, str]] = field(default_factory=set)
    """Id, empty where the ledger states none, and ground."""
    latest_us: int | None = None
    """The latest wall time that its end can have had, by this file's own reckoning from honest confirmed readings."""
    running_us: int = 0
    overdue_us: int = 0
    """Trusted running time since its deletion was provable and nothing held it."""
    deleting: bool = False


class World:
    """One life. `honest`: the clock is right whenever the kernel trusts it; otherwise it may be trusted and wrong for a while."""

    def __init__(self, seed: int, *, honest: bool) -> None:
        self.chance = random.Random(seed)
        self.honest = honest
        self.rules = Rules(days=self.chance.choice((28, 28, 14, 1)))
        self.true_us = BEGIN
        self.facts = Facts()
        self.entries: list[tuple[Entry, Stated | None]] = []
        self.clips: dict[str, Clip] = {}
        self.deleted: dict[str, int] = {}
        self.boot = -1
        self.start = 0
        self.boot_began_us = 0
        self.trust = Trust()
        self.floor: tuple[int, int] | None = None
        self.lie_us = 0
        self.trusted = True
        self.recorded = 0
        self.time_stated_us = -HOUR
        self.boot_confirmed = False
        self.unstated_us = 0
        """Running time that a power cut would leave unstated."""
        self.full_until_us = 0
        """Until then the disk is so full that even the ledger cannot be written."""
        self.refused = 0

    # --- the clock ------------------------------------------------------------------------------------------------------------------------

    @property
    def boot_us(self) -> int:
        return self.true_us - self.boot_began_us

    def reading(self) -> ClockReading:
        return ClockReading(self.boot_us, self.true_us + self.lie_us, self.trusted, "simulated", 5 if self.trusted else None)

    @property
    def full(self) -> bool:
        return self.true_us < self.full_until_us

    def look(self) -> None:
        floor_us = None if self.floor is None else self.floor[0] + self.boot_us - self.floor[1]
        self.trust = self.trust.step(self.boot_us, self.reading().synchronised_us, floor_us)

    def now(self) -> Now:
        reading = self.reading()
        return self.facts.timeline.now(f"boot-{self.boot}", reading.boottime_us, reading.wall_us if self.trust.confirmed else None)

    # --- the ledger -----------------------------------------------------------------------------------------------------------------------

    def enter(self, type: str, **detail: Any) -> None:
        assert not self.full, f"{type} was entered on a full disk"
        wall_us = max(0, self.true_us + self.lie_us)
        self.entries.append(stated(type, self.start, f"boot-{self.boot}", self.boot_us, wall_us, detail))
        self.facts.take(*self.entries[-1])
        self.unstated_us = 0

    def read_again(self) -> None:
        """As a start does: all that the ledger has, of which counts what is from the oldest recording on, and further back to a confirmed
        clock."""
        self.facts = Facts()
        for made, detail in self.entries:
            self.facts.take(made, detail)
        self.facts.begin_at(self.facts.first_start_of(min((int(name[:6]) for name in self.clips), default=self.start - 1)))

    def state_time(self) -> None:
        self.enter("time", trusted=self.trust.trusted, confirmed=self.trust.confirmed)
        self.time_stated_us = self.boot_us
        if self.trust.confirmed and self.honest:
            self.boot_confirmed = True
            for clip in self.clips.values():
                latest_us = clip.known_end_us if clip.boot == self.boot else self.true_us - clip.running_us
                clip.latest_us = latest_us if clip.latest_us is None else min(clip.latest_us, latest_us)

    # --- what happens ---------------------------------------------------------------------------------------------------------------------

    def switch_on(self) -> None:
        """Another boot, or only another start of the same boot."""
        if self.boot < 0 or self.chance.random() < 0.9:
            for clip in self.clips.values():
                clip.running_us = max(0, clip.running_us - self.unstated_us)
            self.boot += 1
            self.boot_confirmed = False
            self.boot_began_us = self.true_us
            self.true_us += self.chance.randrange(5, 60) * 1_000_000
            self.trusted = self.boot == 0 or self.chance.random() < 0.8
            self.lie_us = 0
            if not self.trusted:
                self.lie_us = self.chance.choice((0, -DAY * self.chance.randrange(1, 2000), DAY * self.chance.randrange(1, 2000)))
        self.start += 1
        self.full_until_us = 0  # without room for its first entry the daemon does not run
        if self.start % 10 == 0:
            self.read_again()
        self.enter("start")
        now = self.now()
        floor_us = self.facts.timeline.floor_us(now)
        self.floor = None if floor_us is None else (floor_us, now.moment.at_us)
        self.trust = Trust(confirmed_us=self.facts.timeline.confirmed_offset_us(now))
        self.time_stated_us = -HOUR
        for recording in self.facts.recordings():
            if recording.deleting:
                self.complete(recording.id)

    def session(self) -> None:
        """From switching on to switching off."""
        self.switch_on()
        end_us = self.true_us + self.chance.randrange(10 * MINUTE, 12 * HOUR)
        lying_until_us = 0
        if self.boot == 0:
            end_us += HOUR  # the first clock is right, and has its half hour: the camera is handed out
        while self.true_us < end_us:
            if self.true_us >= lying_until_us > 0:
                self.lie_us, lying_until_us = 0, 0
            if self.chance.random() < 0.02 and self.boot:
                self.trusted = not self.trusted
                if self.trusted:
                    self.lie_us = 0
            if not self.honest and self.trusted and not lying_until_us and self.boot and self.chance.random() < 0.02:
                forward = self.chance.random() < 0.5
                self.lie_us = self.chance.randrange(2, 3000) * DAY * (1 if forward else -1)
                lying_until_us = self.true_us + (20 * MINUTE if forward else self.chance.randrange(10 * MINUTE, 9 * HOUR))
            if self.chance.random() < 0.02 and self.boot and not self.full:
                self.full_until_us = self.true_us + self.chance.randrange(10 * MINUTE, 9 * HOUR)
            self.sweep()
            self.act()
            self.run(self.pace(end_us, lying_until_us))
        self.look()
        if self.trusted:
            self.lie_us = 0
        if self.chance.random() < 0.8 and not lying_until_us and not self.full:
            self.state_time()

    def pace(self, end_us: int, lying_until_us: int) -> int:
        """Ten minutes where something may be due or the clock is being judged; else up to four hours."""
        calm = self.trust.confirmed and not lying_until_us and not any(self.due(clip) > -4 * HOUR for clip in self.clips.values())
        step_us = 4 * HOUR if calm and self.chance.random() < 0.9 else 10 * MINUTE
        until_us = min(end_us, lying_until_us or end_us, self.full_until_us if self.full else end_us)
        return max(1_000_000, min(step_us, until_us - self.true_us))

    def run(self, duration_us: int) -> None:
        """Time passes with the camera on."""
        self.true_us += duration_us
        self.unstated_us += duration_us
        for clip in self.clips.values():
            clip.running_us += duration_us
            if self.due(clip) > 0 and not clip.held and self.trust.confirmed and not self.full:
                clip.overdue_us += duration_us
            else:
                clip.overdue_us = 0

    def due(self, clip: Clip) -> int:
        """How long ago, by this file's own reckoning, it was provable that the days had passed; negative: how long it takes yet."""
        age_us = clip.running_us
        if self.trust.confirmed and clip.latest_us is not None:
            age_us = max(age_us, self.true_us - clip.latest_us)
        return age_us - self.rules.days * DAY - 3 * MINUTE

    def act(self) -> None:
        """Recordings, holds, releases."""
        if self.full:  # a press, a hold and a release are refused, and change nothing
            return
        trusted_and_ahead = self.trusted and self.lie_us > 0  # for less than half an hour: nothing here may take time
        if self.chance.random() < 0.06 and not trusted_and_ahead:
            self.recorded += 1
            name = f"{self.start:06d}-{self.recorded % 9999 + 1:04d}"
            self.enter("recording_opened", recording=name)
            self.run(self.chance.randrange(10, 900) * 1_000_000)
            clip = self.clips[name] = Clip(self.true_us, self.true_us, self.boot)
            end_us = self.boot_us
            ends = self.chance.random()
            if ends > 0.1:
                self.enter("recording_closed", recording=name, end_us=end_us, reason="officer")
            else:
                self.switch_on()
                if ends > 0.03:  # recovered: a later start states where it ended
                    self.enter("recording_closed", recording=name, end_us=end_us, reason="interrupted")
                else:  # nobody knows more than that it ended before this start
                    clip.boot, clip.known_end_us, clip.running_us = self.boot, self.true_us, 0
            if self.boot_confirmed and clip.boot == self.boot:
                clip.latest_us = clip.known_end_us
        alive = [name for name, clip in self.clips.items() if not clip.deleting]
        if alive and self.chance.random() < 0.03:
            name = self.chance.choice(alive)
            ground = self.chance.choice(("complaint", "criminal-investigation", "access-request"))
            if self.chance.random() < 0.7:
                id = f"{self.chance.getrandbits(48):012x}"
                self.clips[name].held.add((id, ground))
                self.enter("hold_added", recording=name, ground=ground, reference="r", by="b", review_on="2030-01-01", hold=id)
            elif ("", ground) not in self.clips[name].held:  # of a ledger in which a hold had no id: one for each ground
                self.clips[name].held.add(("", ground))
                self.enter("hold_added", recording=name, ground=ground, reference="r", by="b", review_on="2030-01-01")
        held = [(name, *hold) for name, clip in self.clips.items() for hold in sorted(clip.held)]
        if held and self.chance.random() < 0.04:
            name, id, ground = self.chance.choice(held)
            self.clips[name].held.discard((id, ground))
            self.enter("hold_released", recording=name, ground=ground, reason="r", by="b", **({"hold": id} if id else {}))

    def sweep(self) -> None:
        """As `Keeper` does it."""
        self.look()
        if self.full:
            self.refused += 1
            self.check()
            return
        if self.boot_us - self.time_stated_us >= HOUR or self.facts.confirmed != self.trust.confirmed:
            self.state_time()
        decision = decide(self.facts.recordings(), frozenset(self.clips), self.facts.holds, self.facts.timeline, self.now(), self.rules)
        for deletion in decision.deletions:
            if not deletion.begun:
                self.enter("deleting", recording=deletion.recording)
            self.clips[deletion.recording].deleting = True
            if self.chance.random() < 0.05:
                return  # the disk refuses, or the power goes: completed later
            self.complete(deletion.recording)
        self.check()

    def complete(self, name: str) -> None:
        clip = self.clips.pop(name)
        assert not clip.held, f"{name} was deleted while held for {clip.held}"
        age_us = self.true_us - clip.end_us
        assert age_us >= self.rules.days * DAY, f"{name} was deleted after {age_us / DAY:.3f} days"
        self.deleted[name] = age_us
        self.enter("deleted", recording=name)

    def check(self) -> None:
        """Nothing stays that could have been proven to be due for more than an hour."""
        if self.honest:
            for name, clip in self.clips.items():
                assert clip.deleting or clip.overdue_us <= HOUR, f"{name} is overdue for {clip.overdue_us / HOUR:.2f} h of running time"
        assert {r.id for r in self.facts.recordings()} == set(self.clips)
        assert {name for name, held in self.facts.holds.items() if held} == {name for name, clip in self.clips.items() if clip.held}

    def live(self, years: float) -> None:
        """The whole life."""
        while self.true_us < BEGIN + round(years * 365 * DAY):
            self.session()
            self.true_us += self.chance.choice((HOUR, 14 * HOUR, 14 * HOUR, 15 * HOUR, 60 * HOUR, self.chance.randrange(1, 20 * 24) * HOUR))
