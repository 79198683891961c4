"""When a capture worker counts as hung, and how long to wait before the next try: pure decisions.

Camera drivers hang so that no call returns and no error comes. The only sign of life that counts is a new frame: the worker reports its
last frame's time five times a second, and `overdue` looks at nothing but that and the clock.
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
    kill_us: int = 1_000_000
    """After this a killed worker that is still there sits in an uninterruptible call of its driver: it is counted and replaced anyway."""
    first_backoff_us: int = 100_000
    last_backoff_us: int = 5_000_000
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
            return f"no new frame for {age_us // 1000} ms" if age_us > timing.stall_us else None


def unkillable(facts: Facts, now_us: int, timing: Timing) -> bool:
    """Whether the kernel does not end this worker although it was told to."""
    return facts.phase == "killed" and now_us - facts.since_us > timing.kill_us


def backoff_us(failures: int, timing: Timing, *, rare: bool) -> int:
    """The pause before the next start after `failures` workers in a row (at least 1) that gave no footage."""
    if rare:
        return timing.rare_backoff_us
    return min(timing.last_backoff_us, timing.first_backoff_us << min(failures - 1, 30))


def _seconds(us: int) -> str:
    return f"{us / 1_000_000:g} s"
