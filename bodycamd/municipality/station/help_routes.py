"""The station's HTTP for calls for help. What is done is in `help_desk`.

POST /v1/cameras/DEVICE/help                 200 and the confirmation; 503 while nobody is reached; 404 where nobody can be called here
GET  /v1/cameras/DEVICE/help/CALL?wait=S     200 and the order that answers it; 204 where nobody has within S seconds (0 to 20)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bodycamd.evidence.help_call import MAX_FILE_BYTES
from bodycamd.evidence.roster import SignedRoster
from bodycamd.municipality.station.app import CAMERA, sender_of, take_signed
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.door import Door, Refusal, refusing
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.order_routes import DOCUMENTS_TYPE

CONFIRMATION_TYPE: Final = "application/vnd.bodycam.help-sent"
MAX_WAIT_SECONDS: Final = 20
LOOK_SECONDS: Final = 0.5
_CALL = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,3}")


class HelpInterface:
    """`desk` is `None` where nobody can be called. `senders` and `roster` are asked at each request."""

    def __init__(
        self, desk: HelpDesk | None, door: Door, senders: Callable[[], Mapping[str, Sender]], roster: Callable[[], SignedRoster]
    ) -> None:
        self._desk, self._door, self._senders, self._roster = desk, door, senders, roster
        self._over = False

    def routes(self) -> list[Route]:
        """Of cameras."""
        return [
            Route(f"{CAMERA}/help", self._post, methods=["POST"]),
            Route(f"{CAMERA}/help/{{call}}", self._wait, methods=["GET"]),
        ]

    def end_polls(self) -> None:
        """Answer all that are held: the station stops."""
        self._over = True

    async def _post(self, request: Request) -> Response:
        return await take_signed(request, self._door, self._senders, MAX_FILE_BYTES, self._take)

    def _asking(self, request: Request) -> str:
        """Which camera signed a request without a body. Raises `Refusal`."""
        with refusing():
            return sender_of(request, self._door, self._senders()).device

    def _open(self) -> HelpDesk:
        if self._desk is None:
            raise Refusal(404, "No such place", "nobody can be called here: station.yaml has no help")
        return self._desk

    def _take(self, request: Request, sender: Sender, content: bytes) -> Response:
        sent = self._open().take(content, self._roster(), sender.device)
        return Response(sent, 200, media_type=CONFIRMATION_TYPE)

    async def _wait(self, request: Request) -> Response:
        try:
            wait = request.query_params.get("wait", "0")
            if not _SECONDS.fullmatch(wait):
                raise Refusal(404, "No such place", "wait is a number")
            ends = asyncio.get_running_loop().time() + min(int(wait), MAX_WAIT_SECONDS)
            device = await run_in_threadpool(self._asking, request)
            while True:
                answer = await run_in_threadpool(self._answer, request.path_params["call"], device)
                if answer is not None:
                    return Response(answer, 200, media_type=DOCUMENTS_TYPE)
                if self._over or asyncio.get_running_loop().time() >= ends:
                    return Response(status_code=204)
                await asyncio.sleep(LOOK_SECONDS)
        except Refusal as refusal:
            return self._door.refuse(refusal)
        except ClientDisconnect:
            return Response(status_code=400)

    def _answer(self, call: str, device: str) -> bytes | None:
        with refusing():
            found = self._open().index.call(call) if _CALL.fullmatch(call) else None
            if found is None or found.device != device:
                raise Refusal(404, "No such place", "no call of this camera has this id")
            return found.answer
