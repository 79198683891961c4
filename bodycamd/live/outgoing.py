"""What waits for a slow link: never an old picture as if it were now, and never a picture that nothing can be made of.

Pictures wait as whole groups. Once the oldest that waits is too old, all go but the newest group; where that began too long ago as well, it
goes too, and a keyframe is wanted. Sound waits longer, since a gap in it is heard. Words about keys always go, and first. Pure: the time
comes with each call.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct

from bodycamd.live.objects import CONTROL, VIDEO, Head

PICTURE_AGE_US: Final = 400_000
GROUP_AGE_US: Final = 1_500_000
"""Of the newest group's first picture: a second of pictures, and what a link may hold."""
SOUND_AGE_US: Final = 1_000_000
MOST_BYTES: Final = 8 * 1024 * 1024
"""Of pictures and sound that wait: more than what is young enough takes at 25 Mbit/s."""


class _Waiting(Struct, frozen=True):
    head: Head
    raw: bytes


class Outgoing:
    """For one receiver. `now_us` is the camera's clock, CLOCK_BOOTTIME, or what the station takes for it."""

    def __init__(self) -> None:
        self._words: deque[bytes] = deque()
        self._pictures: deque[_Waiting] = deque()
        self._sound: deque[_Waiting] = deque()
        self._bytes = 0
        self._last: Head | None = None
        """The picture that was taken or put last, where the next one may follow it."""
        self.dropped = 0
        """Pictures and packets of sound that did not go."""

    @property
    def wants_group(self) -> bool:
        """No picture can go before a group begins."""
        return self._last is None

    def put(self, head: Head, raw: bytes, now_us: int) -> None:
        """`raw` is all of the object."""
        if head.kind == CONTROL:
            self._words.append(raw)
            return
        if head.kind == VIDEO:
            if not head.begins_group and not self._follows(head):
                self._last = None
                self.dropped += 1
                return
            self._last = head
            self._pictures.append(_Waiting(head, raw))
        else:
            self._sound.append(_Waiting(head, raw))
        self._bytes += len(raw)
        self._prune(now_us)

    def take(self, now_us: int) -> bytes | None:
        """What goes next; `None` where nothing waits."""
        if self._words:
            return self._words.popleft()
        self._prune(now_us)
        # In the order of their capture: neither runs ahead of the other.
        waiting = [kind for kind in (self._sound, self._pictures) if kind]
        if not waiting:
            return None
        first = min(waiting, key=lambda kind: kind[0].head.capture_us).popleft()
        self._bytes -= len(first.raw)
        return first.raw

    def _follows(self, head: Head) -> bool:
        last = self._last
        return last is not None and (last.session, last.stream, last.group, last.number + 1) == (
            head.session,
            head.stream,
            head.group,
            head.number,
        )

    def _prune(self, now_us: int) -> None:
        while self._sound and now_us - self._sound[0].head.capture_us > SOUND_AGE_US:
            self._drop(self._sound)
        if self._pictures and now_us - self._pictures[0].head.capture_us > PICTURE_AGE_US:
            self._drop_groups(now_us)
        while self._bytes > MOST_BYTES and self._sound:
            self._drop(self._sound)
        if self._bytes > MOST_BYTES:
            self._drop_groups(now_us)
        if self._bytes > MOST_BYTES:
            self._drop_pictures(len(self._pictures))

    def _drop_groups(self, now_us: int) -> None:
        """All but the newest group; that one too where it began too long ago, or where its beginning has gone already."""
        begins = [place for place, waiting in enumerate(self._pictures) if waiting.head.begins_group]
        newest = begins[-1] if begins else None
        if newest is not None and now_us - self._pictures[newest].head.capture_us <= GROUP_AGE_US:
            self._drop_pictures(newest)
        else:
            self._drop_pictures(len(self._pictures))

    def _drop_pictures(self, count: int) -> None:
        for _ in range(count):
            self._drop(self._pictures)
        if not self._pictures:
            self._last = None

    def _drop(self, kind: deque[_Waiting]) -> None:
        self._bytes -= len(kind.popleft().raw)
        self.dropped += 1
