"""What is asked of the recorder, over its control socket: a connection for each request, and no faster than it takes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import (
    MAX_PART_BYTES,
    AskBundles,
    AskCall,
    AskSegments,
    AskStatus,
    AskWaiting,
    Deliver,
    OpenCheckpoint,
    OpenLedger,
    OpenSegment,
    Request,
)
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.help_calls import CallWaiting
from bodycamd.camera.keeping.waiting import Opened, Waiting, WaitingSegment, WantedBundles

ANSWER_SECONDS: Final = 15.0
PACE_SECONDS: Final = 0.21
"""Between two requests of a kind of which five a second are taken."""
LONGEST_WORD: Final = 200
A = TypeVar("A")


class RecorderLink:
    """Each request raises as `ControlClient.request` does."""

    def __init__(self, path: Path, sleep: Callable[[float], object] = time.sleep) -> None:
        self._path, self._sleep = path, sleep
        self._last = {"asked": 0.0, "delivered": 0.0}
        self.doing = ""
        """What this process does: told with each look at what waits."""
        self.trouble = ""
        """What does not go on beside it; empty: nothing."""

    def status(self) -> Status:
        """How the camera is."""
        return self._ask(AskStatus(), Status)

    def waiting(self) -> Waiting:
        """What may be sent."""
        self._pace("asked")
        doing = "; ".join(one for one in (self.doing, self.trouble) if one)
        return self._ask(AskWaiting(doing=doing[:LONGEST_WORD]), Waiting)

    def segments(self, recording: str) -> list[WaitingSegment]:
        """Of a recording."""
        self._pace("asked")
        return self._ask(AskSegments(recording=recording), list[WaitingSegment])

    def open_ledger(self, start: int) -> tuple[Opened, BinaryIO]:
        """A start's ledger file; the caller closes it."""
        return self._open(OpenLedger(start=start))

    def open_checkpoint(self, start: int) -> tuple[Opened, BinaryIO]:
        """The file that leads to the first start of a shortened ledger; the caller closes it."""
        return self._open(OpenCheckpoint(start=start))

    def open_segment(self, recording: str, file: str) -> tuple[Opened, BinaryIO]:
        """A segment's file; the caller closes it."""
        return self._open(OpenSegment(recording=recording, file=file))

    def deliver(self, document: bytes) -> Delivered:
        """What becomes of a receipt, an order or a roster, whose bytes go in as many parts as it takes."""
        if len(document) <= MAX_PART_BYTES:
            self._pace("delivered")
            return self._ask(Deliver(document=document), Delivered)
        for offset in range(0, len(document), MAX_PART_BYTES):
            self._pace("delivered")
            part = document[offset : offset + MAX_PART_BYTES]
            found = self._ask(Deliver(document=part, offset=offset, size=len(document)), Delivered)
        return found

    def bundles(self, doing: str) -> WantedBundles:
        """Which bundles orders name; `doing` says what becomes of them."""
        self._pace("asked")
        return self._ask(AskBundles(doing=doing[:LONGEST_WORD]), WantedBundles)

    def call_waiting(self, wait_seconds: int) -> CallWaiting:
        """The call for help that is to be carried; held for so long while there is none."""
        with ControlClient(self._path, wait_seconds + ANSWER_SECONDS) as client:
            return client.request(AskCall(wait_seconds=wait_seconds), CallWaiting)

    def _ask(self, request: Request[A], answer: type[A]) -> A:
        with ControlClient(self._path, ANSWER_SECONDS) as client:
            return client.request(request, answer)

    def _open(self, request: Request[Opened]) -> tuple[Opened, BinaryIO]:
        with ControlClient(self._path, ANSWER_SECONDS) as client:
            return client.request_file(request, Opened)

    def _pace(self, kind: str) -> None:
        self._sleep(max(0.0, self._last[kind] + PACE_SECONDS - time.monotonic()))
        self._last[kind] = time.monotonic()
