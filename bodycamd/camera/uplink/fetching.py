"""Orders, suspensions and newer rosters, from the station to the recorder: each document as the exact bytes that were signed. Nothing is
judged here.

    GET orders?after=N    at most 17 documents, and the number to ask with next
    each of them          → recorder (`deliver`), which judges it, carries it out and states it durably, before the next one goes
    PUT state             now and then: how the camera is

The place N is kept in memory alone, and moves only once the recorder has said of every document what becomes of it: what it refuses is not
asked for again before tomorrow. A process that is killed anywhere begins at 0 and gets again what the camera's ledger, as far as the
station has it, does not state as done; the recorder gives a repeated order its first outcome. From 0 it begins too once a day, and when a
newer roster came into force, by which refused orders may be good.

Orders are asked for wherever there is a network, whatever `station.upload`, charge and allowance say: a hold must come before the term of
what it holds. In the dock, with nothing to send, a poll is held at the station; else one is asked in between.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Final

import msgspec

from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.uplink.allowance import Allowance
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.station_link import StationError, StationLink, told
from bodycamd.errors import DataError
from bodycamd.evidence.request_signing import Content
from bodycamd.foreign_text import shown

log = logging.getLogger(__name__)

HELD_SECONDS: Final = 20
"""So long the station holds a poll; shorter than `station_link.TIMEOUT_SECONDS`. What is recorded meanwhile waits for its end."""
DOCK_SECONDS, FIELD_SECONDS = 20.0, 300.0
"""Between two polls while something is sent, and away from the dock."""
STATE_SECONDS: Final = 900.0
ANEW_SECONDS: Final = 86_400.0
LATER_SECONDS: Final = 3600.0
"""After which an order comes again that was one too many in its hour."""
MOST_DOCUMENTS: Final = 17
"""In one answer: a roster and 16 orders."""
MOST_IN_A_ROW: Final = 64
"""Answers that bring something: more than a thousand orders at once are no station's."""
REQUEST_BYTES: Final = 2000
"""What a request counts for the allowance, besides what it brings: about what its headers are."""
COUNTED_AHEAD_BYTES: Final = 64_000
NEXT_HEADER: Final = "orders-after"
_NAMES = {b"bodycam-order/": "order", b"bodycam-roster/": "roster", b"bodycam-suspend/": "suspension"}
_BEGIN = re.compile(rb"^(?=bodycam-)", re.MULTILINE)
_TYPES = tuple(_NAMES)


class _State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    battery_percent: int | None = None
    external_power: bool | None = None
    free_bytes: int | None = None
    waiting_bytes: int | None = None


class Fetching:
    """From one station to one recorder. `look` as often as there is time."""

    def __init__(
        self,
        recorder: RecorderLink,
        station: StationLink,
        allowance: Allowance,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._recorder, self._station, self._allowance = recorder, station, allowance
        self._monotonic, self._now_seconds = monotonic, now_seconds
        self._after = 0
        self._anew_at = self._monotonic() + ANEW_SECONDS
        self._due_at = self._state_at = self._rest_until = 0.0
        self._in_a_row = self._uncounted = 0
        self.steps = 0
        """Grows with each document that the recorder has taken or refused."""

    def look(self, *, docked: bool, idle: bool) -> bool:
        """Ask, where it is time to; in the dock a poll is held while there is nothing to send (`idle`). Returns whether something came.
        Raises `BodycamError` where something does not go on: say by `rest` when to try again."""
        now = self._monotonic()
        held = docked and idle
        if now < self._rest_until or (now < self._due_at and not held):
            return False
        came = self._ask(HELD_SECONDS if held else 0)
        now = self._monotonic()
        self._due_at = now if came else now + (DOCK_SECONDS if docked else FIELD_SECONDS)
        if now >= self._state_at:
            self._state_at = now + STATE_SECONDS
            self._tell()
        if not docked:
            self._allowance.take(self._uncounted, self._now_seconds(), COUNTED_AHEAD_BYTES)
        self._uncounted = 0
        return came

    def rest(self, seconds: float) -> None:
        """Do not ask before."""
        self._rest_until = self._monotonic() + seconds

    def _ask(self, wait_seconds: int) -> bool:
        if self._monotonic() >= self._anew_at:
            self._begin_anew()
        after = self._after
        reply = self._station.ask("GET", "orders", query=f"after={after}&wait={wait_seconds}")
        self._uncounted += REQUEST_BYTES + len(reply.body)
        following = reply.number(NEXT_HEADER)
        if reply.status not in (200, 204) or following is None or (reply.status == 204) != (reply.body == b""):
            raise StationError(f"{reply.status} to a poll for orders: {told(reply)}")
        if reply.status == 204:
            self._after, self._in_a_row = following, 0
            return False
        self._in_a_row += 1
        documents = split(reply.body)
        if following == after:
            raise StationError("an answer brings orders and leads no further")
        if self._in_a_row > MOST_IN_A_ROW:
            self._in_a_row = 0
            raise StationError(f"{MOST_IN_A_ROW} answers in a row bring orders: no station has so many")
        self._after = following
        try:
            unread = [why for why in map(self._deliver, documents) if why]
        except BaseException:
            self._after = 0 if self._after == 0 else after  # all of them again: what was done gives its first outcome
            raise
        if unread:
            raise StationError(f"this camera cannot read {len(unread)} of the station's {len(documents)} documents: {unread[0]}")
        return True

    def _deliver(self, document: bytes) -> str:
        """Hand it to the recorder; why it cannot be read, where it cannot."""
        try:
            found = self._recorder.deliver(document)
        except DataError as error:
            return str(error)
        self.steps += 1
        what = next(name for begin, name in _NAMES.items() if document.startswith(begin))
        if found.outcome != "unchanged":
            taken = found.done or found.outcome == "accepted"
            log.log(logging.INFO if taken else logging.WARNING, "%s %s: %s", what, found.id[:16], _words(found))
        if what == "roster" and found.outcome == "accepted":
            self._begin_anew()
        elif found.outcome in ("too_many", "no_roster"):
            self._anew_at = min(self._anew_at, self._monotonic() + LATER_SECONDS)
        return ""

    def _begin_anew(self) -> None:
        self._after, self._anew_at = 0, self._monotonic() + ANEW_SECONDS

    def _tell(self) -> None:
        state = state_of(self._recorder.status())
        reply = self._station.ask("PUT", "state", Content(state, 0, True))
        self._uncounted += REQUEST_BYTES + len(state)
        if reply.status != 204:
            raise StationError(f"{reply.status} to how this camera is: {told(reply)}")


def split(raw: bytes) -> list[bytes]:
    """Documents one behind the other, as a station answers with them: each one's bytes. Raises `StationError` for what no station sends.
    Whether one of them is an order or a roster is for the recorder to say."""
    found = [one for one in _BEGIN.split(raw) if one]
    if len(found) > MOST_DOCUMENTS:
        raise StationError(f"an answer has {len(found)} orders: at most {MOST_DOCUMENTS} come at a time")
    if not found or not all(one.startswith(_TYPES) for one in found):
        raise StationError("an answer to a poll for orders holds something that is no order")
    return found


def state_of(status: Status) -> bytes:
    """What the station is told of the camera."""
    percent = status.battery.percent
    state = _State(
        battery_percent=None if percent is None else max(0, min(100, round(percent))),
        external_power=status.battery.charging,
        free_bytes=status.storage.footage_bytes,
        waiting_bytes=status.uplink.bytes if status.uplink is not None else None,
    )
    return msgspec.json.encode(state)


def _words(found: Delivered) -> str:
    return shown(f"{found.outcome}: {found.why}" if found.why else found.outcome, 300)
