"""What retention tells, and what the commands do, case by case: on a keeper whose ledger is in memory (`kept`)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bodycamd.camera.keeping.summary import Summary
from bodycamd.errors import UsageError
from bodycamd.evidence.retention_entries import HoldReviewDue
from bodycamd.evidence.statements import Caller, wall_text
from bodycamd.retention.holds import HoldInfo, HoldRequest, ReleasedHold, ReleaseRequest
from tests.retention.kept import DAY, END, ID, MARGIN, MINUTE, ONE, RULES, SECOND, THREE, TWO, Kept, begun, held, kept, recorded
from tests.retention.telling import WALL, say

WHO = Caller(via="control_socket", uid=1000)


# --- reviews ---

REVIEW = 2 * DAY - 10 * MINUTE - SECOND
"""So long off, 3 January begins when boot `b` is a second old."""


@pytest.mark.parametrize(("off_us", "due"), [(REVIEW - 1, False), (REVIEW, True)])
def test_a_review_is_told_once_when_its_day_begins(tmp_path: Path, off_us: int, due: bool) -> None:
    early = (say("time", 1, "a", 10 * MINUTE + 1, wall_us=WALL + REVIEW - DAY // 2, confirmed=True),)
    reviewed = (held(ONE, review_on="2026-01-03"), held(ONE, "b" * 12, "2026-01-04"))
    camera = kept(tmp_path, ONE, beside=(*reviewed, *early), off_us=off_us)
    camera.step()
    stated = [detail for detail in camera.entered if isinstance(detail, HoldReviewDue)]
    assert stated == ([HoldReviewDue(recording=ONE, ground="complaint", review_on="2026-01-03", hold=ID)] if due else [])
    camera.types()
    camera.step(after_us=10 * MINUTE)
    assert camera.types() == ([] if due else ["hold_review_due"])
    assert len(camera.keeper.summary.reviews_due) == 1
    assert camera.present() == [ONE]


# --- commands ---

ADD = {"recording": ONE, "ground": "complaint", "reference": "K-1", "by": "E-03", "review_on": "2026-01-03"}


def test_to_hold_and_to_release(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, TWO, off_us=0)
    made = camera.keeper.add_hold(HoldRequest(**ADD), WHO, camera.enter)
    since = wall_text(camera.clock.wall_us)
    assert made == HoldInfo(**ADD, hold=made.hold, since=since)
    assert camera.keeper.summary.held == (ONE,), "status knows at once"
    other = camera.keeper.add_hold(HoldRequest(**{**ADD, "ground": "access-request"}), WHO, camera.enter)
    third = camera.keeper.add_hold(HoldRequest(**{**ADD, "recording": TWO}), WHO, camera.enter)
    assert camera.keeper.list_holds() == [made, other, third]
    end = ReleaseRequest(hold=made.hold, reason="settled", by="E-03")
    released = camera.keeper.release_hold(end, WHO, camera.enter)
    assert released == ReleasedHold(hold=made.hold, recording=ONE, ground="complaint", still_held_for=["access-request"])
    end = ReleaseRequest(recording=TWO, reason="settled", by="E-03")
    assert camera.keeper.release_hold(end, WHO, camera.enter).still_held_for == []
    assert camera.keeper.list_holds() == [other]
    assert camera.keeper.summary.held == (ONE,)
    assert camera.types() == ["hold_added"] * 3 + ["hold_released"] * 2


def test_whoever_asks_stands_in_the_ledger(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, off_us=0)
    made = camera.keeper.add_hold(HoldRequest(**ADD), WHO, camera.enter)
    camera.keeper.release_hold(ReleaseRequest(hold=made.hold, reason="settled", by="E-03"), WHO, camera.enter)
    assert [detail.caller for detail in camera.entered] == [WHO, WHO]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("off_us", "past"), [(3 * DAY - 10 * MINUTE - SECOND - 1, False), (3 * DAY - 10 * MINUTE - SECOND, True)])
def test_a_day_of_review_is_past_by_the_clock_as_it_stands(tmp_path: Path, off_us: int, past: bool) -> None:
    """Confirmed or not: it is what the person at the camera sees."""
    camera = kept(tmp_path, ONE, off_us=off_us)
    if past:
        with pytest.raises(UsageError, match="is past, by this camera's clock"):
            camera.keeper.add_hold(HoldRequest(**ADD), WHO, camera.enter)
    else:
        camera.keeper.add_hold(HoldRequest(**ADD), WHO, camera.enter)
    assert camera.types() == ([] if past else ["hold_added"])


def test_holds_are_listed_by_recording(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, TWO, beside=(held(TWO, "b" * 12), held(ONE)), off_us=0)
    since = wall_text(WALL + 20)
    beside = {"ground": "complaint", "reference": "K-1", "by": "E-03", "since": since, "review_on": "2030-01-01"}
    assert camera.keeper.list_holds() == [HoldInfo(hold=ID, recording=ONE, **beside), HoldInfo(hold="b" * 12, recording=TWO, **beside)]


# --- what is told ---


def test_the_summary(tmp_path: Path) -> None:
    """Of three recordings one is held, one is no longer there, and a folder is there that nobody knows."""
    at_end = say("recording_closed", 1, "a", 40, recording=THREE, end_us=40)
    beside = (held(ONE, review_on="2026-01-02"), say("recording_opened", 1, "a", 30, recording=THREE), at_end, held(THREE, "c" * 12))
    camera = kept(tmp_path, ONE, TWO, beside=beside, present=(ONE, THREE, "000009-0001"), off_us=DAY - MINUTE)
    assert camera.keeper.summary == Summary()
    camera.step()
    assert camera.keeper.summary == Summary(
        swept_at=wall_text(WALL + DAY + 9 * MINUTE + SECOND),
        clock_confirmed=True,
        recordings=2,
        held=(ONE, THREE),
        held_recordings=2,
        reviews_due=(f"{ONE}: the hold for complaint (K-1) was to be reviewed on 2026-01-02",),
        problems=(
            "000009-0001: the ledger does not know this recording: it is never deleted by itself",
            f"{TWO}: the ledger states footage that is not in the store",
        ),
    )


def test_the_summary_names_what_goes_next(tmp_path: Path) -> None:
    """Neither what is held nor what nothing tells about, and of what is left the first to go, not the first by name."""
    opened = [say("recording_opened", 1, "a", 30, recording=name) for name in (TWO, THREE)]
    closed = [say("recording_closed", 1, "a", at_us, recording=name, end_us=at_us) for name, at_us in ((THREE, 40), (TWO, 50))]
    camera = kept(tmp_path, ONE, beside=(*opened, *closed, held(ONE)), present=(ONE, TWO, THREE), off_us=0)
    camera.step()
    assert camera.keeper.summary.next_recording == THREE
    assert camera.keeper.summary.next_deletes_on == wall_text(WALL + 40 + DAY + MARGIN)
    camera.tell("hold_added", recording=THREE, hold="d" * 12)
    camera.step(after_us=10 * MINUTE)
    assert camera.keeper.summary.next_recording == TWO
    camera.tell("hold_added", recording=TWO, hold="e" * 12)
    camera.step(after_us=10 * MINUTE)
    assert (camera.keeper.summary.next_recording, camera.keeper.summary.next_deletes_on) == ("", "")


def test_where_no_clock_tells_when_nothing_is_named_as_next(tmp_path: Path) -> None:
    told = [said for said in recorded(ONE) if said[0].type != "time"]
    camera = Kept(tmp_path, *told, off_us=0, present=(ONE,), rules=RULES)
    camera.step()
    assert camera.keeper.summary.recordings == 1
    assert camera.keeper.summary.next_recording == ""
    assert not camera.keeper.summary.clock_confirmed


def test_the_summary_lists_twenty_of_each(tmp_path: Path) -> None:
    names = tuple(f"000001-{number:04d}" for number in range(1, 23))
    unknown = tuple(f"000009-{number:04d}" for number in range(1, 23))
    beside = tuple(held(name, f"{number:012x}", "2026-01-01") for number, name in enumerate(names))
    camera = kept(tmp_path, *names, beside=beside, present=(*names, *unknown), off_us=0)
    camera.step()
    summary = camera.keeper.summary
    assert [len(listed) for listed in (summary.held, summary.reviews_due, summary.problems)] == [20, 20, 20]
    assert summary.recordings == 22
    assert (summary.held, summary.held_recordings) == (names[:20], len(names))


def test_a_plan_says_what_would_go_and_changes_nothing(tmp_path: Path) -> None:
    camera = kept(tmp_path, ONE, TWO, THREE, beside=(held(TWO), held(TWO, "b" * 12, ground="access-request"), *begun(THREE)), begin=False)
    age_us = DAY + MARGIN
    goes_on = wall_text(WALL + END + age_us)
    listed = {"age_days": round(age_us / DAY, 3), "deletes_on": None, "remaining_days": None, "held_for": ["complaint", "access-request"]}
    camera.keeper._floor = (camera.clock.wall_us, SECOND)  # as `begin` finds it
    assert msgspec.to_builtins(camera.keeper.plan()) == {
        "days": 1,
        "clock_confirmed": True,
        "deletions": [
            {"recording": THREE, "begun": True, "proof": None},
            {"recording": ONE, "begun": False, "proof": "wall_clock"},
        ],
        "upcoming": [
            {"recording": ONE, "age_days": 1.001, "deletes_on": goes_on, "remaining_days": 0.0, "held_for": []},
            {"recording": TWO, **listed},
        ],
        "warnings": [{"kind": "held_past_days", "recording": TWO, "text": "kept beyond 1 days by a hold"}],
    }
    assert camera.types() == []
    assert camera.present() == [ONE, TWO, THREE]


def test_a_plan_looks_at_the_clock_and_tells_what_remains(tmp_path: Path) -> None:
    told = [said for said in recorded(TWO, ONE) if said[0].type != "time"]
    camera = Kept(tmp_path, *told, off_us=0, present=(ONE, TWO), rules=RULES)
    camera.clock.advance(DAY // 4 + 20 * SECOND)
    camera.clock.trusted = False
    plan = camera.keeper.plan()
    assert not camera.keeper.trust.trusted
    assert [(each.recording, each.age_days, each.deletes_on, each.remaining_days) for each in plan.upcoming] == [
        (ONE, 0.25, None, 0.75),
        (TWO, 0.25, None, 0.75),
    ]
    assert not plan.clock_confirmed
    assert [warning.kind for warning in plan.warnings] == ["not_provable", "not_provable"]
