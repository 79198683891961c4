"""The station's HTTP for cameras: who asks, what for, and what the answer means. What is done is in `intake`.

Every request is signed (`request_signature`) with the camera's uplink key and one of the station's nonces; a 401 brings a fresh nonce.

    GET   /v1/health                                             200, of the process; unsigned
    HEAD  /v1/cameras/DEVICE/ledger/START                        204, Upload-Offset
    PATCH /v1/cameras/DEVICE/ledger/START                        204, whole lines from Upload-Offset on
    PUT   /v1/cameras/DEVICE/ledger/START/rest                   204, what a cut left behind the good lines
    HEAD  /v1/cameras/DEVICE/recordings/RECORDING/FILE           204, Upload-Offset; 200 once it is stored; GET: with its receipt
    PATCH /v1/cameras/DEVICE/recordings/RECORDING/FILE           204, a part; 200 and the receipt, with Upload-Complete: ?1 on the last
    POST  /v1/cameras/DEVICE/receipts                            200 and a receipt for the ledger
    GET   /v1/cameras/DEVICE/receipts?after=N                    200 and receipts, one behind the other

Refusals are `application/problem+json` (RFC 9457): 401 not signed, 403 another camera's name, 404 no such place, 409 not the end of what is
here (`Upload-Offset` says it) or the ledger is missing, 413 more than a part, 422 not what the ledger says, 503 try again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan

from bodycamd.errors import ConfigError, DataError, NotFoundError, PermissionDeniedError, StorageError, StoreBusyError
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.foreign_text import shown
from bodycamd.municipality.station import nonces
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.intake import Intake, LedgerFirstError, Progress
from bodycamd.municipality.station.ledger_copy import OffsetError, RestMissingError
from bodycamd.municipality.station.request_signature import SignedRequest, verify
from bodycamd.municipality.station.staging import MAX_PART_BYTES

NONCE_HEADER: Final = "Station-Nonce"
RECEIPT_TYPE: Final = "application/vnd.bodycam.receipt"
RETRY_SECONDS: Final = 2
_START = re.compile(r"[0-9]{1,6}")
_RECORDING = re.compile(r"[0-9]{6}-[0-9]{4}")
_FILE = re.compile(r"[0-9]{6}(\.cut)?\.tar")
_COUNT = re.compile(r"[0-9]{1,15}")

Senders: TypeAlias = Callable[[], Mapping[str, Sender]]
Work: TypeAlias = Callable[[Request, Sender, bytes], Response]


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.headers = status, title, detail, dict(headers or {})


class CameraInterface:
    """The routes. `senders` is asked at each request: a roster may have changed. `secret` is the same in all processes of a station."""

    def __init__(
        self,
        intake: Intake,
        senders: Senders,
        *,
        authority: str,
        secret: bytes,
        now_seconds: Callable[[], int] = lambda: int(time.time()),
    ) -> None:
        self._intake, self._senders = intake, senders
        self._authority, self._secret, self._now_seconds = authority, secret, now_seconds

    def application(self, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
        """The ASGI application; `lifespan` is around its running."""
        camera = "/v1/cameras/{device}"
        return Starlette(
            lifespan=lifespan,
            routes=[
                Route("/v1/health", _health, methods=["GET"]),
                Route(f"{camera}/ledger/{{start}}", self._signed(self._ledger_progress), methods=["HEAD"]),
                Route(f"{camera}/ledger/{{start}}", self._signed(self._take_ledger), methods=["PATCH"]),
                Route(f"{camera}/ledger/{{start}}/rest", self._signed(self._take_rest), methods=["PUT"]),
                Route(f"{camera}/recordings/{{recording}}/{{file}}", self._signed(self._segment_progress), methods=["GET"]),
                Route(f"{camera}/recordings/{{recording}}/{{file}}", self._signed(self._take_segment), methods=["PATCH"]),
                Route(f"{camera}/receipts", self._signed(self._ledger_receipt), methods=["POST"]),
                Route(f"{camera}/receipts", self._signed(self._receipts_after), methods=["GET"]),
            ],
        )

    def _signed(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """The work, done for who signed the request, in a thread; what it raises as an answer."""

        async def answer(request: Request) -> Response:
            try:
                content = await _content(request)
                return await run_in_threadpool(self._carry_out, work, request, content)
            except Refusal as refusal:
                return _problem(refusal)
            except ClientDisconnect:
                return Response(status_code=400)

        return answer

    def _carry_out(self, work: Work, request: Request, content: bytes) -> Response:
        sender = self._sender(request, content)
        try:
            return work(request, sender, content)
        except OffsetError as error:
            raise Refusal(409, "Not the end", str(error), {"Upload-Offset": str(error.offset)}) from error
        except RestMissingError as error:
            torn = error.torn
            raise Refusal(409, "A rest is missing", str(error), {"Missing-Rest": f"{torn.file} {torn.torn_sha256}"}) from error
        except LedgerFirstError as error:
            raise Refusal(409, "The ledger first", str(error)) from error
        except NotFoundError as error:
            raise Refusal(404, "Not here", str(error)) from error
        except DataError as error:
            raise Refusal(422, "Not what the ledger says", str(error)) from error
        except StoreBusyError as error:
            raise Refusal(503, "Busy with this camera", str(error), {"Retry-After": str(RETRY_SECONDS)}) from error
        except StorageError as error:
            raise Refusal(503, "Not now", "the station cannot store anything", {"Retry-After": str(RETRY_SECONDS)}) from error

    def _sender(self, request: Request, content: bytes) -> Sender:
        """Who signed. Raises `Refusal`."""
        try:
            senders = self._senders()
        except ConfigError as error:
            raise Refusal(503, "No roster", str(error), {"Retry-After": str(RETRY_SECONDS)}) from error
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"https://{self._authority}{request.scope['raw_path'].decode('latin-1')}{query}"
        headers = {name: ", ".join(request.headers.getlist(name)) for name in request.headers}
        try:
            signer = verify(
                SignedRequest(request.method, url, headers),
                {key_id: sender.uplink_key for key_id, sender in senders.items()},
                content=content if request.method in ("PATCH", "PUT") else None,
            )
        except PermissionDeniedError as error:
            raise Refusal(401, "Not signed", str(error), {"WWW-Authenticate": "Signature"}) from error
        now = self._now_seconds()
        if not nonces.holds(self._secret, signer.key_id, signer.nonce, now):
            fresh = nonces.nonce(self._secret, signer.key_id, now)
            raise Refusal(401, "Another nonce", "sign again with this nonce", {"WWW-Authenticate": "Signature", NONCE_HEADER: fresh})
        sender = senders[signer.key_id]
        if request.path_params["device"] != sender.device:
            raise Refusal(403, "Another camera", "this key is another camera's")
        return sender

    def _ledger_progress(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _progress(self._intake.ledger_progress(sender.device, sender.first_key, _start(request)))

    def _take_ledger(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _progress(self._intake.take_ledger(sender.device, sender.first_key, _start(request), _offset(request), content))

    def _take_rest(self, request: Request, sender: Sender, content: bytes) -> Response:
        self._intake.take_rest(sender.device, sender.first_key, _start(request), content)
        return Response(status_code=204)

    def _segment_progress(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _progress(self._intake.segment_progress(sender.device, *_segment(request)))

    def _take_segment(self, request: Request, sender: Sender, content: bytes) -> Response:
        last = request.headers.get("upload-complete") == "?1"
        recording, file = _segment(request)
        offset = _offset(request)
        return _progress(self._intake.take_segment(sender.device, sender.first_key, recording, file, offset, content, last=last))

    def _ledger_receipt(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _receipts([self._intake.ledger_receipt(sender.device, sender.first_key)])

    def _receipts_after(self, request: Request, sender: Sender, content: bytes) -> Response:
        after = request.query_params.get("after", "0")
        if not _COUNT.fullmatch(after):
            raise Refusal(404, "No such place", "after is a number")
        return _receipts(self._intake.receipts_after(sender.device, int(after)))


async def _health(request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _content(request: Request) -> bytes:
    """The whole body, which is a part of something. Raises `Refusal`."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MAX_PART_BYTES:
            raise Refusal(413, "More than a part", f"a part has at most {MAX_PART_BYTES} bytes")
    return bytes(found)


def _start(request: Request) -> int:
    text: str = request.path_params["start"]
    if not _START.fullmatch(text) or int(text) == 0:
        raise Refusal(404, "No such place", "a start is a number from 1 to 999999")
    return int(text)


def _segment(request: Request) -> tuple[str, str]:
    recording, file = request.path_params["recording"], request.path_params["file"]
    if not _RECORDING.fullmatch(recording) or not _FILE.fullmatch(file):
        raise Refusal(404, "No such place", "a segment is RECORDING/NNNNNN.tar or RECORDING/NNNNNN.cut.tar")
    return recording, file


def _offset(request: Request) -> int:
    text = request.headers.get("upload-offset", "")
    if not _COUNT.fullmatch(text):
        raise Refusal(422, "No offset", "Upload-Offset is a number of bytes")
    return int(text)


def _progress(progress: Progress) -> Response:
    headers = {"Upload-Offset": str(progress.size_bytes), "Upload-Complete": "?1" if progress.receipt else "?0"}
    if progress.receipt is None:
        return Response(status_code=204, headers=headers)
    return Response(progress.receipt.document.file_bytes, 200, headers, RECEIPT_TYPE)


def _receipts(found: list[SignedReceipt]) -> Response:
    return Response(b"".join(one.document.file_bytes for one in found), 200, media_type=RECEIPT_TYPE)


def _problem(refusal: Refusal) -> Response:
    body = msgspec.json.encode({"title": refusal.title, "status": refusal.status, "detail": shown(refusal.detail, 500)})
    return Response(body, refusal.status, refusal.headers, "application/problem+json")
