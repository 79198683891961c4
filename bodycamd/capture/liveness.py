"""When a capture worker counts as hung, and how long to wait before the next try: pure decisions.

Camera drivers hang so that no call returns and no error comes. The only signs of life that count are new frames, which the worker reports
five times a second, and the fragments that they become. `overdue` looks at nothing but these and the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["preparing", "prepared", "open", "closing", "leaving", "killed"]
"""`leaving`: said its last message and has yet to exit. `killed`: SIGKILL was sent and the kernel has yet to end it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The deadlines, in microseconds."""

    stall_us: int = 800_000
    open_us: int = 8_000_000
    """From the opening to the first frame: sensors take seconds where the driver has to load its firmware first."""
    prepare_us: int = 60_000_000
    """From the start of the process to `Prepared`: imports from a cold, slow card."""
    close_us: int = 2_000_000
    leave_us: int = 1_000_000
    fragment_us: int = 5_000_000
    """Without a fragment for this long, frames that are reported do not count: whatever holds them up, they do not become footage."""
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
    late_us: int = 300_000
    """A recorder that comes back after such a pause reads what lies in the link before it judges."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the recorder knows of one worker. `since_us` is when the phase began."""

    phase: Phase
    since_us: int
    last_frame_us: int | None = None
    footage_us: int | None = None
    """When the last fragment, or before it the first frame, was heard of."""


def overdue(facts: Facts, now_us: int, timing: Timing) -> str | None:
    """Why this worker must be killed now, or `None`."""
    waited_us = now_us - facts.since_us
    match facts.phase:
        case "prepared" | "killed":
            return None
        case "preparing":
            return f"not prepared within {_seconds(timing.prepare_us)}" if waited_us > timing.prepare_us else None
        case "closing":
            return f"not closed within {_seconds(timing.close_us)}" if waited_us > timing.close_us else None
        case "leaving":
            return f"not ended within {_seconds(timing.leave_us)}" if waited_us > timing.leave_us else None
        case "open":
            if facts.last_frame_us is None:
                return f"no first frame within {_seconds(timing.open_us)}" if waited_us > timing.open_us else None
            age_us = now_us - facts.last_frame_us
            if age_us > timing.stall_us:
                return f"no new frame for {age_us // 1000} ms"
            barren_us = now_us - facts.footage_us if facts.footage_us is not None else 0
            return f"frames, but no fragment for {barren_us // 1000} ms" if barren_us > timing.fragment_us else None


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


class Attempts:
    """When the next worker may be started, and when the spare may be opened, after workers that gave no footage.

    After the first failure the spare is opened at once. Then the openings are spaced, and the spare waits prepared: what is absent is the
    camera. Only where workers fail before they are opened, or cannot be ended, the starts are spaced too.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self.failures = self.next_start_us = self.next_open_us = 0

    def failed(self, now_us: int, *, was_open: bool, rare: bool) -> None:
        """A worker ended without being asked."""
        self.failures += 1
        if was_open and self.failures > 1:
            self.next_open_us = now_us + backoff_us(self.failures - 1, self._timing, rare=rare)
        if rare or not was_open:
            self.next_start_us = now_us + backoff_us(self.failures, self._timing, rare=rare)


def _seconds(us: int) -> str:
    return f"{us / 1_000_000:g} s"
