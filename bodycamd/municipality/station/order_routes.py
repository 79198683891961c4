"""The station's HTTP for orders, and for what cameras say of themselves. What is done is in `orders`.

    POST /v1/orders                                   201 it is kept, 200 it was; signed by a person of the roster, whose it need not be
    GET  /v1/cameras/DEVICE/orders?after=N&wait=S     200 and what follows number N; 204 where nothing has come in S seconds
    PUT  /v1/cameras/DEVICE/state                     204, JSON of at most 4,096 bytes

A poll holds no thread: it waits for the loop to see a new number in the index, which any process may have added. Of one camera one poll is
held; a second one ends the first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bodycamd.errors import StorageError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import SignedRoster
from bodycamd.municipality.station.app import CAMERA, sender_of, take_signed
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.door import Door, Refusal, not_any_more, refusing
from bodycamd.municipality.station.order_index import Document
from bodycamd.municipality.station.orders import MAX_STATE_BYTES, MAX_TAKEN_BYTES, Orders
from bodycamd.municipality.station.request_signature import Signer

DOCUMENTS_TYPE: Final = "application/vnd.bodycam.documents"
NEXT_HEADER: Final = "Orders-After"
MAX_WAIT_SECONDS: Final = 50
"""Proxies wait for a minute, where nobody told them otherwise."""
LOOK_SECONDS: Final = 0.5
"""Between two looks for what another process has added."""
_NUMBER = re.compile(r"[0-9]{1,15}")


class OrderInterface:
    """`senders` and `roster` are asked at each request: a roster may have changed."""

    def __init__(self, orders: Orders, door: Door, senders: Callable[[], Mapping[str, Sender]], roster: Callable[[], SignedRoster]) -> None:
        self._orders, self._door, self._senders, self._roster = orders, door, senders, roster
        self._polls = Polls(orders.index.devices_after)

    def routes(self) -> list[Route]:
        """Of people, and of cameras."""
        return [
            Route("/v1/orders", self._post, methods=["POST"]),
            Route(f"{CAMERA}/orders", self._poll, methods=["GET"]),
            Route(f"{CAMERA}/state", self._put_state, methods=["PUT"]),
        ]

    @property
    def held_polls(self) -> int:
        """How many cameras wait now."""
        return self._polls.count

    def end_polls(self) -> None:
        """Answer all that are held: the station stops."""
        self._polls.end()

    async def _post(self, request: Request) -> Response:
        try:
            signer = await run_in_threadpool(self._person, request)
            content = await self._door.content(request, MAX_TAKEN_BYTES)
            return await run_in_threadpool(self._take, request, signer, content)
        except Refusal as refusal:
            return self._door.refuse(refusal)
        except ClientDisconnect:
            return Response(status_code=400)

    def _people(self, in_force: SignedRoster) -> dict[PublicKey, str]:
        """Who may bring an order, by their keys."""
        counts = self._orders.standing(in_force).people
        return {PublicKey.from_hex(person.key): person.id for person in in_force.roster.people if person.id in counts}

    def _person(self, request: Request) -> Signer:
        """One of the people signed the headers. Raises `Refusal`."""
        with refusing():
            keys = {key.id: key for key in self._people(self._roster())}
            return self._door.signer(request, keys.get, with_content=True)

    def _take(self, request: Request, signer: Signer, content: bytes) -> Response:
        with refusing():
            self._door.check_content(request, signer, content)
            in_force = self._roster()
            person = {key.id: person for key, person in self._people(in_force).items()}.get(signer.key_id)
            if person is None:
                raise not_any_more()
            taken = self._orders.take(content, in_force, f"by {person}")
            return JSONResponse({"order": taken.id}, 201 if taken.new else 200)

    async def _poll(self, request: Request) -> Response:
        try:
            after, wait = _number(request, "after"), min(_number(request, "wait"), MAX_WAIT_SECONDS)
            device, given, until = await run_in_threadpool(self._asked, request, after)
            ends = asyncio.get_running_loop().time() + wait
            with self._polls.held(device) as poll:
                if not given and wait:
                    await poll.ready()
                    given, until = await run_in_threadpool(self._waiting_for, device, after)
                while not given and not poll.ended and (left := ends - asyncio.get_running_loop().time()) > 0:
                    await poll.woken(left)
                    given, until = await run_in_threadpool(self._waiting_for, device, after)
            if given:
                if await request.is_disconnected():
                    return Response(status_code=400)
                await run_in_threadpool(self._sent, device, given)
            body = b"".join(document.file_bytes for document in given)
            return Response(body, 200 if given else 204, {NEXT_HEADER: str(until)}, DOCUMENTS_TYPE if given else None)
        except Refusal as refusal:
            return self._door.refuse(refusal)
        except ClientDisconnect:
            return Response(status_code=400)

    def _asked(self, request: Request, after: int) -> tuple[str, list[Document], int]:
        with refusing():
            device = sender_of(request, self._door, self._senders()).device
            self._orders.offer_roster(self._roster())
            return device, *self._orders.asked(device, after)

    def _waiting_for(self, device: str, after: int) -> tuple[list[Document], int]:
        with refusing():
            return self._orders.waiting_for(device, after)

    def _sent(self, device: str, given: list[Document]) -> None:
        with refusing():
            self._orders.sent(device, given)

    async def _put_state(self, request: Request) -> Response:
        return await take_signed(request, self._door, self._senders, MAX_STATE_BYTES, self._take_state)

    def _take_state(self, request: Request, sender: Sender, content: bytes) -> Response:
        self._orders.state(sender.device, content)
        return Response(status_code=204)


class Poll:
    """One that is held."""

    def __init__(self, polls: Polls) -> None:
        self._polls, self._event = polls, asyncio.Event()
        self.ended = False

    async def ready(self) -> None:
        """From here on nothing that is added is missed. Raises `Refusal`."""
        await self._polls.looking()

    async def woken(self, seconds: float) -> None:
        """Until something may be there for the camera, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()

    def wake(self) -> None:
        """Something may be there."""
        self._event.set()

    def end(self) -> None:
        """It is answered with what is there."""
        self.ended = True
        self._event.set()

    def __enter__(self) -> Poll:
        return self

    def __exit__(self, *_: object) -> None:
        self._polls.leave(self)


class Polls:
    """Those that are held now, and the one look for all of them: while there are any, twice a second. `devices_after` as
    `OrderIndex.devices_after`."""

    def __init__(self, devices_after: Callable[[int | None], tuple[int, frozenset[str] | None]]) -> None:
        self._devices_after = devices_after
        self._held: dict[str, Poll] = {}
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._over = False

    def held(self, device: str) -> Poll:
        """A new poll of this camera; one that was held before ends."""
        if (before := self._held.get(device)) is not None:
            before.end()
        self._held[device] = poll = Poll(self)
        if self._over:
            poll.end()
        return poll

    def leave(self, poll: Poll) -> None:
        """It is answered."""
        for device in [device for device, held in self._held.items() if held is poll]:
            del self._held[device]

    @property
    def count(self) -> int:
        """How many are held."""
        return len(self._held)

    def end(self) -> None:
        """Answer all of them, and those to come at once."""
        self._over = True
        for poll in self._held.values():
            poll.end()

    async def looking(self) -> None:
        """The look is under way, from a number on that it has read."""
        if self._task is None or self._task.done():
            self._begun.clear()
            self._task = asyncio.create_task(self._look())
        await self._begun.wait()

    async def _look(self) -> None:
        newest: int | None = None
        while self._held:
            try:
                newest, devices = await run_in_threadpool(self._devices_after, newest)
            except StorageError:
                newest, devices = None, frozenset()  # whoever asks next is told so; all look again once it is over
            for device, poll in self._held.items():
                if devices is None or device in devices:
                    poll.wake()
            self._begun.set()
            await asyncio.sleep(LOOK_SECONDS)


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not _NUMBER.fullmatch(text):
        raise Refusal(404, "No such place", f"{name} is a number")
    return int(text)
