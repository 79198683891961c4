"""What is told to whoever keeps the station running, at an address of its own (`metrics` in station.yaml), off unless it is given.

    GET /health     200, or 503 and why this process cannot do its work
    GET /metrics    200, the figures for Prometheus

Nothing here is signed, and no camera, person or recording is named. It is no part of what the proxy passes on: a stranger who reached it
would learn how many cameras there are and how busy they are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bodycamd.municipality.station.figures import Figures, Health, faults
from bodycamd.municipality.station.metrics import CONTENT_TYPE, exposition

FRESH_SECONDS: Final = 1.0
"""The figures are counted once for all who ask within this."""


class OperatorInterface:
    """`read` counts anew: it may take a while, and never runs twice at once. `look` costs little."""

    def __init__(self, read: Callable[[], Figures], look: Callable[[], Health]) -> None:
        self._read, self._look = read, look
        self._lock = asyncio.Lock()
        self._found: tuple[float, Figures] | None = None

    def routes(self) -> list[Route]:
        """Of the listener of its own."""
        return [Route("/health", self._health, methods=["GET"]), Route("/metrics", self._metrics, methods=["GET"])]

    def application(self) -> Starlette:
        """The ASGI application of these routes alone."""
        return Starlette(routes=self.routes())

    async def _figures(self) -> Figures:
        async with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > FRESH_SECONDS:
                figures = await run_in_threadpool(self._read)
                self._found = (time.monotonic(), figures)
            return self._found[1]

    async def _health(self, request: Request) -> Response:
        found = faults(await run_in_threadpool(self._look))
        return JSONResponse({"ok": not found, "faults": found}, 503 if found else 200)

    async def _metrics(self, request: Request) -> Response:
        return Response(exposition(await self._figures()), media_type=CONTENT_TYPE)
