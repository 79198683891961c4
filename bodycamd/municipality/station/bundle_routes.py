"""The station's HTTP for bundles: a part of what an order names, for a camera that fetches it.

    GET /v1/cameras/DEVICE/bundles/NAME?offset=N&most=M    200 and the bytes from N on, at most M; Bundle-Bytes: how long all of it is

The place is in what the camera signs, where a `Range` header would not be. What is fetched the camera holds against NAME, which a signed
order states: nothing that comes from here is believed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bodycamd.municipality.station.answer_pace import AnswerPace
from bodycamd.municipality.station.app import CAMERA, sender_of
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.door import Door, Refusal, refusing
from bodycamd.municipality.station.storage import Storage

BUNDLE_TYPE: Final = "application/vnd.bodycam.bundle-part"
SIZE_HEADER: Final = "Bundle-Bytes"
MOST_BYTES: Final = 256 * 1024
"""In one answer."""
AT_ONCE, SECONDS = 4096, 5.0
"""Parts that a camera gets at once, at most a GiB, and after which it gets one more: a stolen key fetches 4.5 GB a day besides."""
_NAME = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,15}")


class BundleInterface:
    """`senders` is asked at each request: a roster may have changed."""

    def __init__(
        self,
        storage: Storage,
        door: Door,
        senders: Callable[[], Mapping[str, Sender]],
        now_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage, self._door, self._senders = storage, door, senders
        self._pace = AnswerPace(now_seconds, AT_ONCE, SECONDS)

    def routes(self) -> list[Route]:
        """Of cameras."""
        return [Route(f"{CAMERA}/bundles/{{bundle}}", self._part, methods=["GET"])]

    async def _part(self, request: Request) -> Response:
        try:
            return await run_in_threadpool(self._carry_out, request)
        except Refusal as refusal:
            return self._door.refuse(refusal)

    def _carry_out(self, request: Request) -> Response:
        with refusing():
            device = sender_of(request, self._door, self._senders()).device
            name = request.path_params["bundle"]
            if not _NAME.fullmatch(name):
                raise Refusal(404, "No such place", "a bundle is named by 64 hex digits in small letters")
            offset, most = _number(request, "offset", 0), min(_number(request, "most", MOST_BYTES), MOST_BYTES)
            with self._pace.one(device):
                size, part = self._storage.bundle_part(name, offset, most)
            return Response(part, 200, {SIZE_HEADER: str(size)}, BUNDLE_TYPE)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not _NUMBER.fullmatch(text):
        raise Refusal(404, "No such place", f"{name} is a number")
    return int(text)
