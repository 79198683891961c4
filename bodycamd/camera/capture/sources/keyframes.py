"""When a frame must be a keyframe, whatever the encoder's own count says. Pure.

Encoders count frames from keyframe to keyframe (`iperiod`), and only a keyframe ends a fragment: at half the rate, as in the dark, a
fragment would last twice as long, and so would what a power cut costs. So the time decides where the count comes too late.
"""

from __future__ import annotations

from typing import Final

LATEST: Final = 1.2
"""A keyframe comes at the latest after so many times `gop_seconds`, at every rate at which that is possible."""
LATE: Final = 1.1
"""The encoder's own count is left alone up to here: frames that come a little late or early need no second rule."""


class KeyframeRule:
    """One stream's. Guarantee: from one keyframe to the next it is at most `LATEST` times `gop_us`, or one step from frame to frame; where
    a step is longer than the one before it, at most that much more, for nobody knows the next frame's time.
    """

    def __init__(self, gop_us: int, period_frames: int) -> None:
        """`period_frames`: the encoder makes a keyframe by itself where so many frames have passed since the last one."""
        self._gop_us, self._period_frames = gop_us, period_frames
        self._keyframe_us: int | None = None
        self._last_us = 0
        self._frames = 0

    def must(self, at_us: int) -> bool:
        """Whether the frame of this time must be made a keyframe; to be asked once for each frame, in their order."""
        step_us, self._last_us = at_us - self._last_us, at_us
        if self._keyframe_us is None:
            self._keyframe_us = at_us  # an encoder begins with one
            return False
        self._frames += 1
        passed_us = at_us - self._keyframe_us
        by_count = self._frames >= self._period_frames
        by_time = passed_us >= LATE * self._gop_us or passed_us + step_us > LATEST * self._gop_us
        if by_count or by_time:
            self._keyframe_us, self._frames = at_us, 0
        return by_time and not by_count
