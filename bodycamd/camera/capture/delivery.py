"""Where a worker's footage goes in the recorder, and what becomes of its messages on the way."""

from __future__ import annotations

from typing import Protocol

from bodycamd.camera.capture.protocol import Fragment, Init
from bodycamd.footage import SealedFragment, SealedInit


class FootageSink(Protocol):
    """Where sealed footage goes; called from the link reader, must not wait."""

    def put_init(self, init: SealedInit) -> None:
        """Take the init segment of a generation, before its fragments."""

    def put(self, fragment: SealedFragment) -> None:
        """Take a fragment."""


def sealed_init(message: Init, age: bytes) -> SealedInit:
    """What the sink gets of an init segment."""
    size = (message.width, message.height)
    return SealedInit(message.generation, age, message.recipients, message.encoder, *size, message.frame_rate, message.audio_track)


def sealed_fragment(message: Fragment, seq: int, age: bytes) -> SealedFragment:
    """What the sink gets of a fragment; `seq` is the recorder's own count."""
    return SealedFragment(
        generation=message.generation,
        seq=seq,
        pts_us=message.pts_us,
        duration_us=message.duration_us,
        frames=message.frames,
        audio=message.audio,
        audio_pts_us=message.audio_pts_us,
        audio_samples=message.audio_samples,
        gap_us=message.gap_us,
        age=age,
    )
