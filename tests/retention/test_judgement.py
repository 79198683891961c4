"""Judging deletions by the ledger alone: three years of an honest camera, whatever its clocks did, never make an accusation; one deletion
in those years that is a day too early, or of a held recording, always does.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bodycamd.evidence.retention_entries import RecordingDeleting
from bodycamd.evidence.statements import wall_text
from bodycamd.retention.judgement import DeletionJudge, Judged
from bodycamd.retention.policy import Deletion, decide
from tests.kit.scale import count, only_in_full
from tests.retention.world import DAY, World, stated

LIVES = count(60)
YEARS = 0.4


class JudgedWorld(World):
    """A camera that reads its ledger at every start and states its deletions as `sweep` does; each is judged as it is stated."""

    def __init__(self, seed: int, *, honest: bool) -> None:
        self.judge = DeletionJudge()
        self.judged: list[tuple[str, Judged]] = []
        super().__init__(seed, honest=honest)

    def enter(self, type: str, **detail: Any) -> None:
        if type == "deleting":
            detail |= self.proof(detail["recording"])
        super().enter(type, **detail)
        entry, typed = self.entries[-1]
        if type == "deleting":
            self.judged.append((detail["recording"], self.judge.deleting(entry, RecordingDeleting(reason="", **detail))))
        elif type == "deleted":
            self.judged.append((detail["recording"], self.judge.deleted(detail["recording"])))
        self.judge.take(entry, typed)
        if type == "start":
            if self.start == 1:
                self.enter("retention_rules", days=self.rules.days, keep_months=24)
            self.read_again()

    def proof(self, recording: str) -> dict[str, Any]:
        deletion = self.decided(recording)
        before_us = deletion.ended_before_us
        fields = {"days": self.rules.days, "proof": deletion.proof, "age_seconds": deletion.age_us // 1_000_000}
        return fields | ({} if before_us is None else {"ended_before": wall_text(before_us)})

    def decided(self, recording: str) -> Deletion:
        facts = self.facts
        decision = decide(facts.recordings(), frozenset(self.clips), facts.holds, facts.timeline, self.now(), self.rules)
        return next(deletion for deletion in decision.deletions if deletion.recording == recording)


@only_in_full
@pytest.mark.parametrize("seed", range(LIVES))
def test_a_camera_that_keeps_its_rules_is_never_accused(seed: int) -> None:
    world = JudgedWorld(seed, honest=seed % 2 == 0)
    world.live(YEARS)
    assert world.judged
    assert [(name, found) for name, found in world.judged if found != Judged()] == []


@pytest.mark.parametrize("seed", range(count(60)))
@pytest.mark.parametrize("proof", ["wall_clock", "running_time"])
def test_a_deletion_that_is_too_early_or_of_held_footage_is_always_found(seed: int, proof: str) -> None:
    """Whatever is in the store at the end of such a life, and at the moment of its switching off, is deleted by a camera that lies."""
    world = JudgedWorld(seed, honest=True)
    world.live(0.15)
    entry, _ = stated("deleting", world.start, f"boot-{world.boot}", world.boot_us, world.true_us, {})
    days = world.rules.days
    for name, clip in world.clips.items():
        claim = {"recording": name, "reason": "", "days": days, "proof": proof, "age_seconds": days * 86_400}
        found = world.judge.deleting(entry, msgspec.convert(claim, RecordingDeleting))
        if clip.held or world.true_us - clip.end_us < days * DAY:
            assert found.wrong, name
        bare = world.judge.deleting(entry, RecordingDeleting(recording=name, reason="its days have passed"))
        assert bare.wrong, name


def test_days_that_no_rule_states_are_no_rule() -> None:
    judge = DeletionJudge()
    for type, at_us, detail in (
        ("start", 0, {}),
        ("recording_opened", 1, {"recording": "000001-0001"}),
        ("recording_closed", 2, {"recording": "000001-0001", "end_us": 2}),
    ):
        judge.take(*stated(type, 1, "boot", at_us, at_us, detail))
    claim = RecordingDeleting(recording="000001-0001", reason="", days=1, proof="running_time", age_seconds=86_400)
    late, _ = stated("deleting", 1, "boot", 2 * DAY, 0, {})
    assert judge.deleting(late, claim) == Judged(("deleted, and no entry before it states how long footage is kept",))
    judge.take(*stated("retention_rules", 1, "boot", 3, 3, {"days": 1, "keep_months": 1}))
    assert judge.deleting(late, claim) == Judged()
    judge.shortened = True
    dropped = RecordingDeleting(recording="000000-0001", reason="", days=1, proof="running_time", age_seconds=86_400)
    assert judge.deleting(late, dropped).not_judged
    assert not judge.deleting(late, dropped).wrong


def test_a_shortened_ledger_is_judged_by_what_it_still_shows() -> None:
    """Two confirmed clocks contradict each other, and what would tell which is right was dropped: not judged. With all entries: wrong."""
    judge = DeletionJudge()
    for start, (boot, wall_us) in enumerate((("a", 50 * DAY), ("b", 10 * DAY), ("c", 55 * DAY)), 1):
        for type, detail in (
            ("start", {}),
            ("retention_rules", {"days": 28, "keep_months": 1}),
            ("time", {"confirmed": True}),
            ("recording_opened", {"recording": f"{start:06d}-0001"}),
            ("recording_closed", {"recording": f"{start:06d}-0001", "end_us": 5}),
        ):
            judge.take(*stated(type, start, boot, 5, wall_us + 5, detail))
    claim = RecordingDeleting(recording="000001-0001", reason="", days=28, proof="wall_clock", age_seconds=28 * 86_400)
    now, _ = stated("deleting", 3, "c", 6, 55 * DAY + 6, {})
    assert judge.deleting(now, claim).wrong
    judge.shortened = True
    assert judge.deleting(now, claim).not_judged
    newest = RecordingDeleting(recording="000003-0001", reason="", days=28, proof="wall_clock", age_seconds=28 * 86_400)
    assert judge.deleting(now, newest).wrong, "whichever clock was right, this one is seconds old"
