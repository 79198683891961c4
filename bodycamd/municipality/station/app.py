"""The station's HTTP for cameras: who asks, what for, and what the answer means. What is done is in `intake`.

Who may ask, and how it is refused, is in `door`; orders are in `order_routes`.

    GET   /v1/health                                             200, of the process; unsigned
    HEAD  /v1/cameras/DEVICE/ledger/START                        204, Upload-Offset
    PATCH /v1/cameras/DEVICE/ledger/START                        204, whole lines from Upload-Offset on
    PUT   /v1/cameras/DEVICE/ledger/START/rest                   204, what a cut left behind the good lines
    HEAD  /v1/cameras/DEVICE/checkpoint/START                    204, Upload-Offset: what leads to the first start that a camera kept
    PATCH /v1/cameras/DEVICE/checkpoint/START                    204, a part of it
    HEAD  /v1/cameras/DEVICE/recordings/RECORDING/FILE           204, Upload-Offset; 200 once it is stored; GET: with its receipt
    PATCH /v1/cameras/DEVICE/recordings/RECORDING/FILE           204, a part; 200 and the receipt, with Upload-Complete: ?1 on the last
    POST  /v1/cameras/DEVICE/recordings/RECORDING/FILE/answer?nonce=N  200 and what only who has the segment can say; before it a receipt
    POST  /v1/cameras/DEVICE/receipts                            200 and a receipt for the ledger
    GET   /v1/cameras/DEVICE/receipts?after=N                    200 and receipts, one behind the other
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan

from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.door import Door, Refusal, not_any_more, refusing
from bodycamd.municipality.station.intake import Intake, Progress
from bodycamd.municipality.station.request_signature import Signer
from bodycamd.municipality.station.staging import MAX_PART_BYTES

RECEIPT_TYPE: Final = "application/vnd.bodycam.receipt"
ANSWER_TYPE: Final = "application/vnd.bodycam.answer"
CAMERA: Final = "/v1/cameras/{device}"
_START = re.compile(r"[0-9]{1,6}")
_RECORDING = re.compile(r"[0-9]{6}-[0-9]{4}")
_FILE = re.compile(r"[0-9]{6}(\.cut)?\.tar")
_NONCE = re.compile(r"[0-9a-f]{64}")
_COUNT = re.compile(r"[0-9]{1,15}")

Senders: TypeAlias = Callable[[], Mapping[str, Sender]]
Work: TypeAlias = Callable[[Request, Sender, bytes], Response]


class Admitted(Struct, frozen=True):
    """The camera that signed the headers of a request, and its signature."""

    sender: Sender
    signer: Signer


def application(routes: Sequence[Route], lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """The ASGI application of these routes; `lifespan` is around its running."""
    return Starlette(lifespan=lifespan, routes=[Route("/v1/health", _health, methods=["GET"]), *routes])


class CameraInterface:
    """`senders` is asked at each request: a roster may have changed."""

    def __init__(self, intake: Intake, door: Door, senders: Senders) -> None:
        self._intake, self._door, self._senders = intake, door, senders

    def routes(self) -> list[Route]:
        """What cameras send, and the receipts for it."""
        return [
            Route(f"{CAMERA}/ledger/{{start}}", self._signed(self._ledger_progress), methods=["HEAD"]),
            Route(f"{CAMERA}/ledger/{{start}}", self._signed(self._take_ledger), methods=["PATCH"]),
            Route(f"{CAMERA}/ledger/{{start}}/rest", self._signed(self._take_rest), methods=["PUT"]),
            Route(f"{CAMERA}/checkpoint/{{start}}", self._signed(self._checkpoint_progress), methods=["HEAD"]),
            Route(f"{CAMERA}/checkpoint/{{start}}", self._signed(self._take_checkpoint), methods=["PATCH"]),
            Route(f"{CAMERA}/recordings/{{recording}}/{{file}}", self._signed(self._segment_progress), methods=["GET"]),
            Route(f"{CAMERA}/recordings/{{recording}}/{{file}}", self._signed(self._take_segment), methods=["PATCH"]),
            Route(f"{CAMERA}/recordings/{{recording}}/{{file}}/answer", self._signed(self._answer), methods=["POST"]),
            Route(f"{CAMERA}/receipts", self._signed(self._ledger_receipt), methods=["POST"]),
            Route(f"{CAMERA}/receipts", self._signed(self._receipts_after), methods=["GET"]),
        ]

    def _signed(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """The work, done for who signed the request, in a thread; what it raises as an answer."""

        async def answer(request: Request) -> Response:
            if request.method in ("PATCH", "PUT"):
                return await take_signed(request, self._door, self._senders, MAX_PART_BYTES, work)
            try:
                return await run_in_threadpool(self._carry_out, work, request)
            except Refusal as refusal:
                return self._door.refuse(refusal)

        return answer

    def _carry_out(self, work: Work, request: Request) -> Response:
        with refusing():
            return work(request, sender_of(request, self._door, self._senders()), b"")

    def _ledger_progress(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _progress(self._intake.ledger_progress(sender.device, sender.first_key, _start(request)))

    def _take_ledger(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _progress(self._intake.take_ledger(sender.device, sender.first_key, _start(request), _offset(request), content))

    def _take_rest(self, request: Request, sender: Sender, content: bytes) -> Response:
        self._intake.take_rest(sender.device, sender.first_key, _start(request), content)
        return Response(status_code=204)

    def _checkpoint_progress(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _part_of(*self._intake.checkpoint_progress(sender.device, sender.first_key, _start(request)))

    def _take_checkpoint(self, request: Request, sender: Sender, content: bytes) -> Response:
        last = request.headers.get("upload-complete") == "?1"
        where = sender.device, sender.first_key, _start(request)
        return _part_of(*self._intake.take_checkpoint(*where, _offset(request), content, last=last))

    def _segment_progress(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _progress(self._intake.segment_progress(sender.device, *_segment(request)))

    def _take_segment(self, request: Request, sender: Sender, content: bytes) -> Response:
        last = request.headers.get("upload-complete") == "?1"
        recording, file = _segment(request)
        offset = _offset(request)
        return _progress(self._intake.take_segment(sender.device, sender.first_key, recording, file, offset, content, last=last))

    def _answer(self, request: Request, sender: Sender, content: bytes) -> Response:
        nonce = request.query_params.get("nonce", "")
        if not _NONCE.fullmatch(nonce):
            raise Refusal(404, "No such place", "nonce is 64 hex digits in small letters")
        newer, answer = self._intake.answer(sender.device, sender.first_key, *_segment(request), nonce)
        before = newer.document.file_bytes if newer is not None else b""
        return Response(before + answer.document.file_bytes, 200, media_type=ANSWER_TYPE)

    def _ledger_receipt(self, request: Request, sender: Sender, content: bytes) -> Response:
        return _receipts([self._intake.ledger_receipt(sender.device, sender.first_key)])

    def _receipts_after(self, request: Request, sender: Sender, content: bytes) -> Response:
        after = request.query_params.get("after", "0")
        if not _COUNT.fullmatch(after):
            raise Refusal(404, "No such place", "after is a number")
        return _receipts(self._intake.receipts_after(sender.device, int(after)))


def sender_of(request: Request, door: Door, senders: Mapping[str, Sender]) -> Sender:
    """The camera that signed a request without a body, which is the one whose name is in the path. Raises `Refusal`."""
    return _admitted(request, door, senders, with_content=False).sender


def _admitted(request: Request, door: Door, senders: Mapping[str, Sender], *, with_content: bool) -> Admitted:
    def key_of(key_id: str) -> PublicKey | None:
        sender = senders.get(key_id)
        return None if sender is None else sender.uplink_key

    signer = door.signer(request, key_of, with_content=with_content)
    sender = senders[signer.key_id]
    if request.path_params["device"] != sender.device:
        raise Refusal(403, "Another camera", "this key is another camera's")
    return Admitted(sender, signer)


async def take_signed(
    request: Request,
    door: Door,
    senders: Callable[[], Mapping[str, Sender]],
    most_bytes: int,
    take: Work,
) -> Response:
    """The answer to a body that is sent whole, in a thread: it is read once its headers are signed by the camera in the path, and taken
    where it is what they say and the camera may still ask. What `take` raises is an answer."""

    def check_headers() -> Admitted:
        with refusing():
            return _admitted(request, door, senders(), with_content=True)

    def check_and_take(admitted: Admitted, content: bytes) -> Response:
        with refusing():
            door.check_content(request, admitted.signer, content)
            if senders().get(admitted.signer.key_id) != admitted.sender:
                raise not_any_more()
            return take(request, admitted.sender, content)

    try:
        admitted = await run_in_threadpool(check_headers)
        return await run_in_threadpool(check_and_take, admitted, await door.content(request, most_bytes))
    except Refusal as refusal:
        return door.refuse(refusal)
    except ClientDisconnect:
        return Response(status_code=400)


async def _health(request: Request) -> Response:
    return JSONResponse({"ok": True})


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


def _part_of(size_bytes: int, whole: bool) -> Response:
    return Response(status_code=204, headers={"Upload-Offset": str(size_bytes), "Upload-Complete": "?1" if whole else "?0"})


def _progress(progress: Progress) -> Response:
    headers = {"Upload-Offset": str(progress.size_bytes), "Upload-Complete": "?1" if progress.receipt else "?0"}
    if progress.receipt is None:
        return Response(status_code=204, headers=headers)
    return Response(progress.receipt.document.file_bytes, 200, headers, RECEIPT_TYPE)


def _receipts(found: list[SignedReceipt]) -> Response:
    return Response(b"".join(one.document.file_bytes for one in found), 200, media_type=RECEIPT_TYPE)
