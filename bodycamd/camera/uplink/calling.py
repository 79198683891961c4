"""Calls for help, from the recorder to the station and back. A thread and a connection of its own: no upload, and no poll for orders, is in
the way of a call.

    recorder: `uplink_call`, held while nobody calls  → the call's bytes, as they were signed
    POST help                                         → the station's signed confirmation → recorder (`deliver`), which judges it
    GET help/CALL, held for a moment                  → the order that answers it         → recorder (`deliver`), which judges it

Nothing is judged here and nothing remembered: the recorder says what is to be carried, and which answer it waits for. Neither charge nor
allowance holds a call up, and no network interface is asked for. A pause after what failed, a test for instance, ends as soon as another
call is to be carried.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from typing import Final

from bodycamd.camera.keeping.help_calls import CallWaiting
from bodycamd.camera.uplink.order import pause_seconds
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.station_link import Reply, StationError, StationLink, told
from bodycamd.errors import BodycamError, DataError
from bodycamd.evidence.help_call import MAX_FILE_BYTES, SENT_TYPE
from bodycamd.evidence.orders import MAX_ORDER_BYTES, ORDER_TYPE
from bodycamd.evidence.request_signing import Content
from bodycamd.foreign_text import shown

log = logging.getLogger(__name__)

HELD_SECONDS: Final = 20
"""So long the recorder holds the question while nobody calls."""
ANSWER_SECONDS: Final = 3
"""So long the station holds the question for an answer: a second call waits for its end."""
NETWORK_SECONDS: Final = 10.0
"""Each wait for the network: half of the time in which a call must be confirmed."""
LONGEST_PAUSE_SECONDS: Final = 8.0
LOOK_SECONDS: Final = 1.0
"""In a pause the recorder is asked so often whether another call is to be carried; and so long lies between two questions for an answer,
however soon the station says that there is none."""
_CALL = re.compile(r"[0-9a-f]{64}")


class Calling:
    """From one recorder to one station. `look` again and again; the recorder's question holds it while there is nothing to do."""

    def __init__(self, recorder: RecorderLink, station: StationLink, sleep: Callable[[float], object] = time.sleep) -> None:
        self._recorder, self._station, self._sleep = recorder, station, sleep
        self._failures = 0
        self._told = ""

    def serve(self) -> None:
        """For ever."""
        while True:
            self.look()

    def look(self) -> None:
        """Carry one call, or ask for one answer; what does not go is told once, and tried again after a pause."""
        waiting = CallWaiting()
        try:
            waiting = self._recorder.call_waiting(HELD_SECONDS)
            if waiting.document is not None:
                self._carry(waiting, waiting.document)
            elif waiting.awaited:
                self._fetch_answer(waiting.awaited)
        except BodycamError as error:
            if str(error) != self._told:
                log.warning("help: %s", shown(str(error), 500))
                self._told = str(error)
            self._failures += 1
            self._pause(pause_seconds(self._failures, 0.0, LONGEST_PAUSE_SECONDS), waiting.call)
        else:
            self._failures, self._told = 0, ""

    def _pause(self, seconds: float, call: str) -> None:
        while seconds > 0:
            self._sleep(min(seconds, LOOK_SECONDS))
            seconds -= LOOK_SECONDS
            if seconds > 0 and self._is_another_waiting(call):
                self._failures = 0
                return

    def _is_another_waiting(self, call: str) -> bool:
        try:
            waiting = self._recorder.call_waiting(0)
        except BodycamError:
            return False  # said when the pause is over, if it still cannot be asked then
        return waiting.document is not None and waiting.call != call

    def _carry(self, waiting: CallWaiting, document: bytes) -> None:
        self._station.timed = self._recorder.status().clock.trusted
        reply = self._station.ask("POST", "help", Content(document))
        if reply.status != 200 or not reply.body.startswith(f"{SENT_TYPE}\n".encode()) or len(reply.body) > MAX_FILE_BYTES:
            raise _unexpected(reply)
        self._deliver(reply.body, f"call {waiting.call[:16]}")

    def _fetch_answer(self, call: str) -> None:
        if not _CALL.fullmatch(call):
            raise DataError("the recorder waits for the answer to something that is no call")
        reply = self._station.ask("GET", f"help/{call}", query=f"wait={ANSWER_SECONDS}")
        if reply.status == 204:
            self._sleep(LOOK_SECONDS)
            return
        if reply.status != 200 or not reply.body.startswith(f"{ORDER_TYPE}\n".encode()) or len(reply.body) > 2 * MAX_ORDER_BYTES:
            raise _unexpected(reply)
        self._deliver(reply.body, f"answer to {call[:16]}")

    def _deliver(self, document: bytes, what: str) -> None:
        found = self._recorder.deliver(document)
        log.log(logging.INFO if found.done else logging.WARNING, "%s: %s %s", what, found.outcome, shown(found.why, 300))
        if not found.done:
            raise StationError(f"this camera does not take the {what}: {found.outcome} {found.why}")


def begin(calling: Calling, end: Callable[[int], object] = os._exit) -> threading.Thread:
    """In a thread that ends with the process; and the process with it, so that what nobody expected has the unit begin anew: an uplink
    that lives on and carries no calls would look well."""

    def serve() -> None:
        try:
            calling.serve()
        except BaseException:
            log.critical("help: calls are carried no more: the uplink ends, to begin anew", exc_info=True)
            end(BodycamError.exit_code)

    thread = threading.Thread(target=serve, name="calling", daemon=True)
    thread.start()
    return thread


def _unexpected(reply: Reply) -> StationError:
    return StationError(f"{reply.status} to a call for help: {told(reply)}")
