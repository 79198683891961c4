"""Who asks, and how a request is refused: what all of the station's routes have in common.

Every request is signed (`request_signature`) with a key of the roster and one of the station's nonces; a 401 brings a fresh nonce. That is
judged by the headers, before anything of a body is read: who has no key gets no memory here. Refusals are `application/problem+json` (RFC
9457): 401 not signed, 403 another's name or not allowed, 404 no such place, 408 a body that does not come, 409 not the end of what is here
(`Upload-Offset` says it) or the ledger is missing, 410 deleted here, 413 more than a part, 422 not what it should be, 503 try again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bodycamd.errors import ConfigError, DataError, NotFoundError, PermissionDeniedError, StorageError, StoreBusyError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.request_signing import NONCE_HEADER
from bodycamd.foreign_text import shown
from bodycamd.municipality.station import nonces
from bodycamd.municipality.station.answer_pace import TooSoonError
from bodycamd.municipality.station.index import DeletedError
from bodycamd.municipality.station.intake import LedgerFirstError, UndatedError
from bodycamd.municipality.station.ledger_copy import OffsetError, RestMissingError
from bodycamd.municipality.station.request_signature import SignedRequest, Signer, check_content, verify
from bodycamd.municipality.station.traffic import Traffic

RETRY_SECONDS: Final = 2
CLOCK_SECONDS: Final = 60
"""After which it is worth asking a station again whose clock is not confirmed."""
BODY_SECONDS: Final = 120.0
"""So long a body may take: a MiB over 100 kbit/s has come by then, and cameras send less at a time where the link is slower."""


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.headers = status, title, detail, dict(headers or {})

    def response(self) -> Response:
        """As it is sent."""
        body = msgspec.json.encode({"title": self.title, "status": self.status, "detail": shown(self.detail, 500)})
        return Response(body, self.status, self.headers, "application/problem+json")


class Door:
    """Knows a signed request. `authority` is the station's public name; `secret` is the same in all processes of a station."""

    def __init__(self, *, authority: str, secret: bytes, now_seconds: Callable[[], int] = lambda: int(time.time())) -> None:
        self._authority, self._secret, self._now_seconds = authority, secret, now_seconds
        self.traffic = Traffic()

    def refuse(self, refusal: Refusal) -> Response:
        """The answer, counted."""
        self.traffic.refused[refusal.title] += 1
        return refusal.response()

    async def content(self, request: Request, most_bytes: int) -> bytes:
        """The whole body, of who may ask, counted. Raises `Refusal`."""
        found = await _content_of(request, most_bytes)
        self.traffic.received_bytes += len(found)
        return found

    def signer(self, request: Request, key_of: Callable[[str], PublicKey | None], *, with_content: bool) -> Signer:
        """Who signed the headers; `key_of` and `with_content` as of `verify`. Raises `Refusal`."""
        with _signed():
            signer = verify(self._seen(request), key_of, with_content=with_content)
        now = self._now_seconds()
        if not nonces.holds(self._secret, signer.key_id, signer.nonce, now):
            fresh = nonces.nonce(self._secret, signer.key_id, now)
            raise Refusal(401, "Another nonce", "sign again with this nonce", {"WWW-Authenticate": "Signature", NONCE_HEADER: fresh})
        return signer

    def check_content(self, request: Request, signer: Signer, content: bytes) -> None:
        """That this is the body which the signer of the headers meant. Raises `Refusal`."""
        with _signed():
            check_content(self._seen(request), signer, content)

    def _seen(self, request: Request) -> SignedRequest:
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"https://{self._authority}{request.scope['raw_path'].decode('latin-1')}{query}"
        return SignedRequest(request.method, url, {name: ", ".join(request.headers.getlist(name)) for name in request.headers})


def not_any_more() -> Refusal:
    """Who signed the headers has been shut out while the body came."""
    return Refusal(401, "Not signed", "this key may not ask any more", {"WWW-Authenticate": "Signature"})


@contextmanager
def _signed() -> Iterator[None]:
    try:
        yield
    except PermissionDeniedError as error:
        raise Refusal(401, "Not signed", str(error), {"WWW-Authenticate": "Signature"}) from error


@contextmanager
def refusing() -> Iterator[None]:
    """What the work raises is an answer: a `Refusal`."""
    try:
        yield
    except OffsetError as error:
        raise Refusal(409, "Not the end", str(error), {"Upload-Offset": str(error.offset)}) from error
    except RestMissingError as error:
        torn = error.torn
        raise Refusal(409, "A rest is missing", str(error), {"Missing-Rest": f"{torn.file} {torn.torn_sha256}"}) from error
    except LedgerFirstError as error:
        raise Refusal(409, "The ledger first", str(error)) from error
    except DeletedError as error:
        raise Refusal(410, "Deleted here", str(error)) from error
    except TooSoonError as error:
        raise Refusal(429, "Too soon", str(error), {"Retry-After": str(math.ceil(error.after_seconds))}) from error
    except NotFoundError as error:
        raise Refusal(404, "Not here", str(error)) from error
    except DataError as error:
        raise Refusal(422, "Not what the ledger says", str(error)) from error
    except ConfigError as error:
        raise Refusal(503, "No roster", str(error), {"Retry-After": str(RETRY_SECONDS)}) from error
    except StoreBusyError as error:
        raise Refusal(503, "Busy with this camera", str(error), {"Retry-After": str(RETRY_SECONDS)}) from error
    except UndatedError as error:
        raise Refusal(503, "Not yet", str(error), {"Retry-After": str(CLOCK_SECONDS)}) from error
    except StorageError as error:
        raise Refusal(503, "Not now", "the station cannot store anything", {"Retry-After": str(RETRY_SECONDS)}) from error


async def _content_of(request: Request, most_bytes: int) -> bytes:
    found: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                found.append(chunk)
                size += len(chunk)
                if size > most_bytes:
                    raise Refusal(413, "More than a part", f"here are at most {most_bytes} bytes taken")
    except TimeoutError as error:
        raise Refusal(408, "Too slow", f"a body comes within {BODY_SECONDS:.0f} seconds", {"Connection": "close"}) from error
    return b"".join(found)
