"""Whether work grows with its input or with the square of it: the processor's time of this thread for an input, and for one that was
doubled three times.

A busy machine makes a measurement longer, never shorter, and seldom more than twice as long: the least of several counts, over three
doublings a quadratic reader is at 64 and a linear one at 8, and a reading is measured again before it is called quadratic. What takes less
than `FLOOR_SECONDS` is not compared: at the sizes here a quadratic reader takes longer than that.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable

from bodycamd.camera.board.voice.protocol import LinkError
from bodycamd.errors import BodycamError

FLOOR_SECONDS = 0.015
DOUBLINGS = 3
MOST = 2.6**DOUBLINGS
BOUND_SECONDS = 4.0
"""More than any linear reader needs for the sizes here, ten times over."""
ROUNDS = 6


def seconds(read: Callable[[bytes], object], data: bytes) -> float:
    """The processor's time of this thread to read or refuse. Anything but a refusal is raised on. Without garbage collections: each
    goes through all that the tests hold.
    """
    gc.disable()
    try:
        begun = time.thread_time()
        with contextlib.suppress(BodycamError, LinkError):
            read(data)
        return time.thread_time() - begun
    finally:
        gc.enable()


def growth(read: Callable[[bytes], object], shape: Callable[[int], bytes], size: int) -> str:
    """What is wrong with the work that `size` bytes of a shape make; empty where it is linear."""
    small, large = shape(size >> DOUBLINGS), shape(size)
    least_small = seconds(read, small)
    if least_small > BOUND_SECONDS / 2:
        return f"{len(small)} bytes take {least_small:.2f} s"
    least = seconds(read, large)
    for _ in range(ROUNDS):
        if least <= max(FLOOR_SECONDS, MOST * least_small) or least > BOUND_SECONDS:
            break
        least_small, least = min(least_small, seconds(read, small)), min(least, seconds(read, large))
    if least <= min(BOUND_SECONDS, max(FLOOR_SECONDS, MOST * least_small)):
        return ""
    return f"{len(large)} bytes take {least:.3f} s, {len(small)} take {least_small:.4f} s"
