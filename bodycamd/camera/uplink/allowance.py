"""How much was sent today away from the dock, kept across starts.

What is about to be sent is counted before it is sent, so much at a time that the file is not written for each part: an uplink that is
killed has counted too much, never too little. A day is one of UTC by the camera's clock; a clock that goes back begins no new day.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from bodycamd.errors import BodycamError, NotFoundError, StorageError
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file

FILE: Final = "sent-today.json"
AHEAD_BYTES: Final = 8_000_000
MEGABYTE: Final = 1_000_000


class Sent(Struct, frozen=True):
    """On the day with this number since 1970."""

    day: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    bytes: Annotated[int, Meta(ge=0, lt=2**53)] = 0

    def on(self, day: int) -> Sent:
        """As of this day: nothing yet where it is a later one."""
        return self if day <= self.day else Sent(day, 0)

    def left(self, allowance_bytes: int) -> int:
        """Of the allowance."""
        return max(0, allowance_bytes - self.bytes)


class Allowance:
    """`megabytes` a day; `None`: no limit, and nothing is kept."""

    def __init__(self, folder: Path, megabytes: int | None) -> None:
        """A file that cannot be read counts as used up for today: it was somebody's doing, or the disk's."""
        self._path = folder / FILE
        self._most = None if megabytes is None else megabytes * MEGABYTE
        self._ahead = 0
        self._sent = Sent()
        if self._most is not None:
            self._sent = _read(self._path, self._most)

    def left_bytes(self, now_seconds: float) -> int | None:
        """What may be sent today still."""
        if self._most is None:
            return None
        return self._sent.on(_day(now_seconds)).left(self._most) + self._ahead

    def take(self, size_bytes: int, now_seconds: float, ahead_bytes: int = AHEAD_BYTES) -> bool:
        """Count so many bytes, `ahead_bytes` at a time; `False`, and nothing counted, where today has not so many left. Raises
        `StorageError`."""
        if self._most is None:
            return True
        day = _day(now_seconds)
        if day > self._sent.day:
            self._sent, self._ahead = self._sent.on(day), 0
        if size_bytes > self._ahead:
            more = min(max(ahead_bytes, size_bytes - self._ahead), self._sent.left(self._most))
            if self._ahead + more < size_bytes:
                return False
            self._sent = Sent(self._sent.day, self._sent.bytes + more)
            self._ahead += more
            try:
                durable.replace(self._path, msgspec.json.encode(self._sent), 0o600)
            except OSError as error:
                raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._ahead -= size_bytes
        return True


def _read(path: Path, most: int) -> Sent:
    try:
        return msgspec.json.decode(read_file(path, 4096), type=Sent)
    except NotFoundError:
        return Sent()
    except (BodycamError, msgspec.MsgspecError, UnicodeDecodeError):
        return Sent(_day(datetime.now(UTC).timestamp()), most)


def _day(now_seconds: float) -> int:
    return int(now_seconds // 86_400)
