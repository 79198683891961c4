"""A ring and the camera that feeds it, without a writer."""

from __future__ import annotations

from bodycamd.camera.control.events import RingOverflowed
from bodycamd.camera.recorder.ring import Claim, Ring
from tests.kit.fragments import fragment, init


class Camera:
    """A ring with a list of its overflows, fed by one-second fragments."""

    def __init__(self, *, seconds: float = 150, max_bytes: int = 10_000_000, pre_event_seconds: float = 0) -> None:
        self.overflows: list[RingOverflowed] = []
        self.ring = Ring(seconds=seconds, max_bytes=max_bytes, pre_event_seconds=pre_event_seconds, on_overflow=self.overflows.append)
        self.seq = 0

    def film(self, fragments: int, *, generation: int = 1, size: int = 1000) -> None:
        self.ring.put_init(init(generation))
        for _ in range(fragments):
            self.seq += 1
            self.ring.put(fragment(self.seq, generation=generation, size=size))


def taken(ring: Ring, claim: Claim, max_bytes: int = 1 << 30) -> list[int]:
    batch = ring.take(claim, max_bytes=max_bytes)
    return [] if batch is None else [item.seq for item in batch.fragments]
