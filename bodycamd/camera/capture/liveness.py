"""When a capture worker counts as hung, and how long to wait before the next try: pure decisions.

Camera drivers hang so that no call returns and no error comes. The only signs of life that count are new frames, which the worker reports
four times a second, and the fragments that they become; before its first frame, that it answers. `overdue` looks at nothing but these and
the clock.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from bodycamd.camera.capture.sources.source import Group
from bodycamd.config.settings import VideoSettings

Phase = Literal["preparing", "prepared", "open", "closing", "leaving", "killed"]
"""`leaving`: said its last message and has yet to exit. `killed`: SIGKILL was sent and the kernel has yet to end it."""

DEFAULT_GROUP: Final = Group.of(VideoSettings())
GRACE_US: Final = 400_000
GRACE_EVERY_US: Final = 2_000_000


class Timing(Struct, frozen=True):
    """The deadlines, in microseconds."""

    stall_us: int = 800_000
    open_us: int = 8_000_000
    """From the opening to the first frame: sensors take seconds where the driver has to load its firmware first, and meanwhile the driver
    may hold the interpreter, so that nothing else comes either."""
    answer_us: int = 1_000_000
    """From `Open` to its answer, which comes before any device is touched."""
    ask_every_us: int = 5_000_000
    """A prepared spare is asked this often whether it is there."""
    spare_answer_us: int = 3_000_000
    """Nobody waits for this answer, and on a busy machine a spare's pages have to come from the card first."""
    prepare_us: int = 60_000_000
    """From the start of the process to `Prepared`: imports from a cold, slow card."""
    close_us: int = 2_000_000
    leave_us: int = 1_000_000
    seal_us: int = 1_000_000
    """What a fragment takes beyond its group of pictures: up to 0.5 s until its sound has caught up, then encryption and sending. Without a
    fragment for longer than a group and this, frames that are reported do not count: whatever holds them up, they do not become footage."""
    first_fragment_us: int = 5_000_000
    """The same before the first fragment, while the next spare is starting and microphone and encoder settle: at least this."""
    kill_us: int = 400_000
    """After this a killed worker that is still there sits in an uninterruptible call of its driver: it is counted and replaced anyway."""
    first_backoff_us: int = 100_000
    last_backoff_us: int = 1_000_000
    """A camera that comes back gives footage within this, the opening and one group of pictures."""
    many: int = 200
    """After so many failures in a row (some minutes) the pauses are `spared_backoff_us`: each attempt starts a process."""
    spared_backoff_us: int = 5_000_000
    rare_backoff_us: int = 60_000_000
    """Where a retry costs memory for good (workers that cannot be killed) or can hardly help (refused settings)."""
    late_us: int = 200_000
    """A recorder that looks so much later than it meant to reads what lies in the link before it judges."""
    look_us: int = 100_000
    """Between two looks at workers that begin, end or are replaced."""
    look_calm_us: int = 1_000_000
    """The same of a worker that gives footage, with a spare that is prepared; unless something is due earlier."""
    look_standby_us: int = 2_000_000
    """The same while no camera is open."""
    look_barren_us: int = 200_000
    """The same of a worker whose next fragment is late, though not too late."""


class Facts(Struct, frozen=True):
    """What the recorder knows of one worker. `since_us` is when the phase began."""

    phase: Phase
    since_us: int
    last_frame_us: int | None = None
    footage_us: int | None = None
    """When the last fragment, or before it the first frame, was heard of."""
    flowing: bool = False
    """A fragment has come."""
    waiting_frames: int = 0
    """Reported since the last fragment."""
    asked_us: int | None = None
    """When it was asked something that it has not answered yet."""
    group: Group = DEFAULT_GROUP


def overdue(facts: Facts, now_us: int, timing: Timing) -> str | None:
    """Why this worker must be killed now, or `None`."""
    waited_us = now_us - facts.since_us
    silent_us = now_us - facts.asked_us if facts.asked_us is not None else 0
    match facts.phase:
        case "killed":
            return None
        case "prepared":
            return f"the spare has not answered for {_seconds(timing.spare_answer_us)}" if silent_us > timing.spare_answer_us else None
        case "preparing":
            return f"not prepared within {_seconds(timing.prepare_us)}" if waited_us > timing.prepare_us else None
        case "closing":
            return f"not closed within {_seconds(timing.close_us)}" if waited_us > timing.close_us else None
        case "leaving":
            return f"not ended within {_seconds(timing.leave_us)}" if waited_us > timing.leave_us else None
        case "open":
            if silent_us > timing.answer_us:
                return f"no answer to its opening within {_seconds(timing.answer_us)}"
            if facts.last_frame_us is None:
                return f"no first frame within {_seconds(timing.open_us)}" if waited_us > timing.open_us else None
            age_us = now_us - facts.last_frame_us
            if age_us > timing.stall_us:
                return f"no new frame for {age_us // 1000} ms"
            return _barren(facts, now_us, timing)


def _barren(facts: Facts, now_us: int, timing: Timing) -> str | None:
    """More frames than a group has *and* longer than it takes at the pace at which they come, and then its encryption: a slow encoder may
    be at it still, and while a fragment is encrypted the frames of the next group come."""
    if facts.footage_us is None or facts.waiting_frames <= facts.group.frames:
        return None
    barren_us = now_us - facts.footage_us
    limit_us = max(facts.group.us, barren_us * facts.group.frames // facts.waiting_frames) + timing.seal_us
    if not facts.flowing:
        limit_us = max(limit_us, timing.first_fragment_us)
    return f"frames, but no fragment for {barren_us // 1000} ms" if barren_us > limit_us else None


def to_be_asked(facts: Facts, now_us: int, timing: Timing) -> bool:
    """Whether it is time to ask a spare that waits whether it is there."""
    return facts.phase == "prepared" and facts.asked_us is None and now_us - facts.since_us > timing.ask_every_us


def due_us(facts: Facts, timing: Timing) -> int:
    """The earliest instant at which there may be something to judge or to ask, for all that is known now: of a worker that gives footage,
    or of a spare. For any other, at once."""
    if facts.phase == "prepared":
        return facts.since_us + timing.ask_every_us if facts.asked_us is None else facts.asked_us + timing.spare_answer_us
    if facts.phase == "open" and facts.flowing and facts.asked_us is None and facts.last_frame_us is not None:
        return facts.last_frame_us + timing.stall_us
    return 0


def pause_us(current: Facts | None, spare: Facts | None, now_us: int, timing: Timing, *, wanted: bool) -> int:
    """How long nobody need look at the open worker and at the spare, as they are now: while footage comes, or while none is wanted, and
    the spare is prepared."""
    standby = current is None and not wanted
    flowing = current is not None and current.phase == "open" and current.flowing
    if not (standby or flowing) or spare is None or spare.phase != "prepared":
        return timing.look_us
    due = min(due_us(facts, timing) for facts in (current, spare) if facts is not None)
    pause = min(timing.look_standby_us if standby else timing.look_calm_us, max(timing.look_us // 4, due - now_us))
    if flowing:  # so early that who is held up until it is due knows by that how late it is
        ahead = pause - timing.late_us - timing.look_us // 2
        pause = ahead if ahead >= timing.look_us else min(pause, timing.look_us)
    if current is not None and current.footage_us is not None:  # from when on its frames may be told to become no footage
        pause = min(pause, max(timing.look_barren_us, current.footage_us + current.group.us + timing.seal_us - now_us))
    return pause


def unkillable(facts: Facts, now_us: int, timing: Timing) -> bool:
    """Whether the kernel does not end this worker although it was told to."""
    return facts.phase == "killed" and now_us - facts.since_us > timing.kill_us


def backoff_us(failures: int, timing: Timing, *, rare: bool) -> int:
    """The pause before the next attempt after `failures` workers in a row (at least 1) that gave no footage."""
    if rare:
        return timing.rare_backoff_us
    if failures > timing.many:
        return timing.spared_backoff_us
    return min(timing.last_backoff_us, timing.first_backoff_us << min(failures - 1, 30))


class Grace:
    """A recorder that was held up itself reads what lies in the links before it judges: for `GRACE_US`, and once in `GRACE_EVERY_US`."""

    def __init__(self, timing: Timing, now_us: int) -> None:
        self._timing, self._looked_us, self._given_us = timing, now_us, now_us - GRACE_EVERY_US - 1

    def looked(self, now_us: int, pause_us: int) -> bool:
        """The recorder looks around, as it meant to `pause_us` after the last look; whether it may judge. If it is late, it was held up."""
        late, self._looked_us = now_us - self._looked_us > pause_us + self._timing.late_us, now_us
        if late:
            self.give(now_us)
        return now_us - self._given_us >= GRACE_US

    def give(self, now_us: int) -> bool:
        """It was held up; whether there is grace for that."""
        if now_us - self._given_us <= GRACE_EVERY_US:
            return False
        self._given_us = now_us
        return True


class Attempts:
    """When the next worker may be started, and when the spare may be opened, after workers that gave no footage.

    After the first failure the spare is opened at once. Then the openings are spaced, and the spare waits prepared: what is absent is the
    camera. Only where workers fail before they are opened, or cannot be ended, the starts are spaced too; these say nothing of the camera.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self.failures = self.unopened = self.next_start_us = self.next_open_us = 0

    def flowed(self) -> None:
        """A worker gave footage."""
        self.failures = self.unopened = 0

    def answered(self) -> None:
        """A spare has waited for a while and is there."""
        self.unopened = 0

    def failed(self, now_us: int, *, was_open: bool, rare: bool) -> None:
        """A worker ended without being asked."""
        if was_open:
            self.failures += 1
        else:
            self.unopened += 1
        if was_open and self.failures > 1:
            self.next_open_us = now_us + backoff_us(self.failures - 1, self._timing, rare=rare)
        if rare or not was_open:
            self.next_start_us = now_us + backoff_us(self.failures if was_open else self.unopened, self._timing, rare=rare)


def _seconds(us: int) -> str:
    return f"{us / 1_000_000:g} s"
