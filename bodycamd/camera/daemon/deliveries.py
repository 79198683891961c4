"""What a courier brings over the control socket: orders, suspensions, rosters, a station's receipts and answers, confirmations of calls for
help. Nothing here believes the courier.

Bytes are read in a thread of their own, judged and stated in the one that writes the ledger; a shift is changed in the loop, as always.
What was begun is finished also where the courier does not wait for it. At most five requests a second are looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from bodycamd.camera.daemon.handing_out import HandingOut, Write
from bodycamd.camera.daemon.help_calling import HelpCalling
from bodycamd.camera.daemon.pace import Pace
from bodycamd.camera.daemon.protocol import Deliver
from bodycamd.camera.daemon.shifts import Shifts
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.orders import Orders
from bodycamd.camera.recorder.journal import Journal
from bodycamd.errors import DataError, UsageError
from bodycamd.evidence import answers, help_call, orders, receipts, roster, suspension
from bodycamd.evidence.answers import SignedAnswer
from bodycamd.evidence.help_call import SignedSent
from bodycamd.evidence.noted_entries import OrderOutcome
from bodycamd.evidence.orders import Answer, Hold, Release, ShiftChange, SignedOrder
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.roster import MAX_ROSTER_BYTES, SignedRoster
from bodycamd.evidence.statements import Caller
from bodycamd.evidence.suspension import SignedSuspension

MOST_A_SECOND = 5
MAX_DOCUMENT_BYTES = MAX_ROSTER_BYTES + 4096
"""With its signatures."""
Document: TypeAlias = SignedOrder | SignedSuspension | SignedRoster | SignedReceipt | SignedAnswer | SignedSent


class Deliveries:
    """In the loop's thread. `taken` is `None` where no roster is configured: then nothing is taken; `sent` where no station is: then no
    receipt is; `calling` where `help_call` is off."""

    def __init__(
        self, taken: Orders | None, shifts: Shifts, write: Write, sent: HandingOut | None = None, calling: HelpCalling | None = None
    ) -> None:
        self._orders, self._shifts, self._write, self._sent, self._calling = taken, shifts, write, sent, calling
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="deliveries")
        self._pace = Pace(MOST_A_SECOND, "deliveries")
        self._parts = bytearray()
        self._tasks: set[asyncio.Task[Delivered]] = set()

    def close(self) -> None:
        """Read nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def take(self, request: Deliver, caller: Caller) -> Awaitable[Delivered]:
        """What will have the answer. Raises `UsageError` where no roster is configured, and for a part out of place; `UnavailableError`
        beyond the pace. The answer raises `DataError` for what is no such document, and `StorageError`.
        """
        if self._orders is None or self._orders.rosters is None:
            raise UsageError("no roster is configured on this camera (keys.root): it takes no orders")
        loop = asyncio.get_running_loop()
        self._pace.keep(loop.time())
        raw = self._whole(request)
        task = loop.create_task(self._deliver(self._orders, raw, caller) if raw is not None else self._more(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)

    def _whole(self, request: Deliver) -> bytes | None:
        """The document, or `None` while parts of it are missing."""
        if request.size is None:
            if request.offset:
                raise UsageError("a part has the size of the whole beside its offset")
            return request.document
        if request.size > MAX_DOCUMENT_BYTES:
            raise UsageError(f"a document has at most {MAX_DOCUMENT_BYTES} bytes")
        if request.offset == 0:
            self._parts.clear()
        if request.offset != len(self._parts) or request.offset + len(request.document) > request.size:
            raise UsageError(f"{len(self._parts)} bytes of the document are here: send the part that follows them, or begin at 0")
        self._parts += request.document
        if len(self._parts) < request.size:
            return None
        whole = bytes(self._parts)
        self._parts.clear()
        return whole

    async def _more(self, request: Deliver) -> Delivered:
        return Delivered(id="", outcome="part", done=False, why=f"{len(self._parts)} of {request.size} bytes are here")

    async def _deliver(self, taken: Orders, raw: bytes, caller: Caller) -> Delivered:
        try:
            document = await asyncio.get_running_loop().run_in_executor(self._thread, _read, raw)
        except DataError:
            await self._write(lambda _, journal: taken.count_not_signed(journal.state_durably))
            raise
        if isinstance(document, SignedOrder):
            return await self._carry_out(taken, document, caller)
        if isinstance(document, SignedReceipt | SignedAnswer):
            if self._sent is None:
                raise UsageError("no station is configured on this camera (station.url): it takes no receipts")
            if isinstance(document, SignedAnswer):
                return await self._sent.take_answer(document)
            return await self._sent.take_receipt(document, taken.rosters)
        if isinstance(document, SignedSent):
            if self._calling is None:
                raise UsageError("help_call is off on this camera: it has called nobody")
            told = await self._calling.take_sent(document, taken.rosters)
            if told.outcome in ("not_signed", "not_a_station"):
                await self._write(lambda _, journal: taken.count_not_signed(journal.state_durably))
            return told
        return await self._write(lambda keeper, journal: _offer(taken, document, keeper, journal))

    async def _carry_out(self, taken: Orders, order: SignedOrder, caller: Caller) -> Delivered:
        told, change = await self._write(lambda keeper, journal: _judge(taken, order, caller, keeper, journal))
        while told.outcome == "accepted" and isinstance(order.order.body, Hold | Release):  # some at a time: footage comes in between
            told, change = await self._write(lambda keeper, journal: _judge(taken, order, caller, keeper, journal))
        if change is None:
            return told
        outcome = self._answered(change) if isinstance(change, Answer) else self._change_shift(change, caller)
        return await self._write(lambda _, journal: taken.finish(order.id, outcome, journal.state_durably))

    def _answered(self, answer: Answer) -> OrderOutcome:
        return "no_call" if self._calling is None else self._calling.answered(answer.call)

    def _change_shift(self, change: ShiftChange, caller: Caller) -> OrderOutcome:
        if change.change == "begin":
            if self._shifts.open is not None:
                return "shift_open"
            self._shifts.begin(change.officer, caller)
            return "shift_begun"
        if self._shifts.officer != change.officer:
            return "no_shift"
        self._shifts.end(caller)
        return "shift_ended"


def _read(raw: bytes) -> Document:
    """What is delivered, by its first line."""
    type = raw.partition(b"\n")[0]
    if type == orders.ORDER_TYPE.encode():
        return orders.decode(raw, "the order")
    if type == suspension.SUSPEND_TYPE.encode():
        return suspension.decode(raw, "the suspension")
    if type == roster.ROSTER_TYPE.encode():
        return roster.decode(raw, "the roster")
    if type == receipts.RECEIPT_TYPE.encode():
        return receipts.decode(raw, "the receipt")
    if type == answers.ANSWER_TYPE.encode():
        return answers.decode(raw, "the answer")
    if type == help_call.SENT_TYPE.encode():
        return help_call.decode_sent(raw, "the confirmation")
    known = "bodycam-order/1, bodycam-suspend/1, bodycam-roster/1, bodycam-receipt/1, bodycam-answer/1, bodycam-help-sent/1"
    raise DataError(f"line 1 is none of {known}")


def _judge(
    taken: Orders, order: SignedOrder, caller: Caller, keeper: Keeper, journal: Journal
) -> tuple[Delivered, ShiftChange | Answer | None]:
    told = taken.deliver(order, keeper.known_time(), caller, keeper.plan_order, journal.state_durably)
    if isinstance(order.order.body, Hold | Release):
        keeper.holds_changed()
    return told


def _offer(taken: Orders, document: SignedSuspension | SignedRoster, keeper: Keeper, journal: Journal) -> Delivered:
    assert taken.rosters is not None, "asked before"
    id, enter = document.document.sha256, journal.state_durably
    if isinstance(document, SignedRoster):
        decision = taken.rosters.offer(document, keeper.known_time(), enter)
        outcome, accepted, why = str(decision.outcome), decision.accepted, decision.why
    else:
        outcome = taken.rosters.suspend(document, enter)
        accepted, why = outcome == "accepted", "" if outcome == "accepted" else outcome.replace("_", " ")
    if outcome == "not_signed":
        taken.count_not_signed(enter)
    return Delivered(id=id, outcome=outcome, done=accepted, why=why)
