"""How the station's HTTP is served: by uvicorn, behind a proxy; and beside it what whoever keeps it running asks, in the same loop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

STOP_SECONDS: Final = 10
MAX_CONNECTIONS: Final = 900
"""At once: more get a 503. A process may have 1,024 files open where nobody said otherwise, and needs some for itself."""
OPERATOR_CONNECTIONS: Final = 16
"""Of the listener for figures."""


def server_config(application: Starlette, address: str, port: int) -> uvicorn.Config:
    """How the station's HTTP is served."""
    return uvicorn.Config(
        application,
        host=address,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        loop="uvloop",
        http="h11",  # it bounds a request's headers, which httptools does not
    )


class StationServer(uvicorn.Server):
    """For cameras and people; `ready` hears when it listens, `stopping` when it has been told to stop."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._stopping = ready, stopping

    async def startup(self, sockets: object = None) -> None:
        """It listens."""
        await super().startup()
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What is held is answered first: it would else be waited for."""
        self._stopping()
        await super().shutdown(sockets)


class OperatorServer(uvicorn.Server):
    """On a socket that listens already, beside the station's own server, which hears the signals for both."""

    def __init__(self, application: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                log_level="warning",
                access_log=False,
                lifespan="off",
                server_header=False,
                limit_concurrency=OPERATOR_CONNECTIONS,
                timeout_graceful_shutdown=1,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None of them."""
        yield
