"""The bounds within which the voice must answer, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VoiceTiming:
    """The bounds, in seconds."""

    prepare_seconds: float = 10.0
    start_seconds: float = 1.0
    end_margin_seconds: float = 0.9
    silence_seconds: float = 0.1
    settled_seconds: float = 10.0
    """Prepared this long without trouble: the next failure counts as the first again."""
    retry_seconds: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)


@dataclass(frozen=True, slots=True)
class VoiceStatus:
    """For `status`: the process and what it said of itself last."""

    pid: int | None
    prepared: bool
    detail: str
    starts: int
