"""A ledger that was shortened before anything of it was sent: what leads from the camera's first key to the first start that it has kept
goes before everything else."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.station_link import Reply, StationError, StationLink, told
from bodycamd.errors import StorageError

MOST_ASTRAY: Final = 5


class Patch(Protocol):
    """Sends a part of something that goes in parts, and counts it."""

    def __call__(self, path: str, at: int, part: bytes, *, last: bool) -> Reply:
        """The answer."""


def send_checkpoint(first: int, recorder: RecorderLink, station: StationLink, patch: Patch, most_bytes: Callable[[], int]) -> None:
    """Send the checkpoint before start `first`, where the station has not got all of it; `most_bytes` says how long the next part may be.
    Raises `StationError`, and as `patch`, `most_bytes` and the recorder do."""
    path, astray = f"checkpoint/{first}", 0
    reply = station.ask("HEAD", path)
    if reply.status == 204 and reply.headers.get("upload-complete") == "?1":
        return
    opened, file = recorder.open_checkpoint(first)
    with file:
        while True:
            at = reply.number("upload-offset")
            if at is None or at > opened.size_bytes or reply.status not in (204, 409) or astray > MOST_ASTRAY:
                raise StationError(f"{reply.status} to the checkpoint of start {first}: {told(reply)}")
            part = read_exactly(file, at, min(most_bytes(), opened.size_bytes - at))
            last = at + len(part) == opened.size_bytes
            reply = patch(path, at, part, last=last)
            if reply.status == 204 and last:
                return
            astray += reply.status != 204


def read_exactly(file: BinaryIO, at: int, size: int) -> bytes:
    """Exactly so many bytes. Raises `StorageError`."""
    try:
        found = os.pread(file.fileno(), size, at)
    except OSError as error:
        raise StorageError(f"what the recorder opened cannot be read: {error.strerror}") from error
    if len(found) != size:
        raise StorageError("what the recorder opened is shorter than it said")
    return found
