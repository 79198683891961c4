"""What a start offers to resume: part of the event `Ready`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class AfterReset(Struct, frozen=True):
    """That the machine itself began anew: by the one-use flag of a recording that was open (`recording`), or of one that was closed because
    a reboot was asked for. `reset`: what the machine tells of its last reset. `dated`: by a wall clock that was trusted then and is now."""

    cause: Literal["recording", "reboot_asked"]
    reset: Literal["watchdog", "power", "unknown"]
    dated: bool


class ResumeOffer(Struct, frozen=True):
    """A recording that the last run of the daemon left open, in this boot or (`after_reset`) in the one before."""

    recording: str
    last_durable_us: int
    """In CLOCK_BOOTTIME of this boot: negative for a fragment of the boot before."""
    recent_resumes: int
    """How many recordings of the last minute were themselves resumed ones."""
    after_reset: AfterReset | None = None
