"""What the daemon does when it is asked: shifts, checks, holds, orders, sweeps, anchors, and what it says of itself and of its store.

What writes the ledger runs in the writer's thread, like all that writes; its answer is a future. A hold is durable when it is answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from msgspec import structs

from bodycamd.camera.daemon.deliveries import Deliveries
from bodycamd.camera.daemon.handing_out import HandedOut, HandingOut
from bodycamd.camera.daemon.help_calling import HelpCalling
from bodycamd.camera.daemon.part_check import PartCheck
from bodycamd.camera.daemon.protocol import (
    AddHold,
    AnchorLine,
    Answer,
    AnyRequest,
    AskAnchor,
    AskBundles,
    AskCall,
    AskPlan,
    AskSegments,
    AskStatus,
    AskUpdates,
    AskWaiting,
    BeginShift,
    CheckParts,
    Deliver,
    EndShift,
    ListHolds,
    ListStore,
    Logged,
    LogOffload,
    Measure,
    OpenCheckpoint,
    OpenLedger,
    OpenSegment,
    PartsSeen,
    ReadLedger,
    ReleaseHold,
    ShowCheck,
    Subscribe,
    Sweep,
    TellUpdate,
)
from bodycamd.camera.daemon.shifts import Shifts
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.daemon.store_requests import StoreRequests
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.orders import Orders
from bodycamd.camera.keeping.sending import Sending
from bodycamd.camera.keeping.waiting import WantedBundles
from bodycamd.camera.recorder.journal import Journal
from bodycamd.camera.recorder.store import Store
from bodycamd.camera.recorder.writer import Writer
from bodycamd.errors import UsageError
from bodycamd.evidence.entries import detail_fields
from bodycamd.evidence.retention_entries import SweepRequested
from bodycamd.evidence.statements import Caller
from bodycamd.retention.outlook import Plan

log = logging.getLogger(__name__)
R = TypeVar("R")


class Commands:
    """Carries out requests, once the store is open: `attach` brings it."""

    def __init__(
        self,
        shifts: Shifts,
        check: PartCheck,
        orders: Orders | None = None,
        sending: Sending | None = None,
        calling: HelpCalling | None = None,
    ) -> None:
        self._calling = calling
        self._shifts = shifts
        self._check = check
        self._orders = orders
        self._store = StoreRequests()
        self.uplink = HandingOut(sending, self._write) if sending is not None else None
        """`None` where no station is configured."""
        self._deliveries = Deliveries(orders, shifts, self._write, self.uplink, calling)
        self._parts: tuple[Keeper, Writer] | None = None
        self._status: Callable[[], Status] | None = None

    def attach(self, store: Store, writer: Writer, keeper: Keeper, status: Callable[[], Status]) -> None:
        """From here on requests are carried out."""
        self._parts = keeper, writer
        self._status = status
        self._store.attach(store.directory)
        if self.uplink is not None:
            self.uplink.attach(store.directory)
        if self._calling is not None:
            self._calling.attach(store.start, self._write)

    def close(self) -> None:
        """Tell no more of the store; what is being read is not waited for."""
        self._store.close()
        self._deliveries.close()
        if self._calling is not None:
            self._calling.close()
        if self.uplink is not None:
            self.uplink.close()

    def confirm_settings(self) -> Awaitable[None]:
        """The camera is ready with the settings that this start tries. The answer raises `StorageError`."""
        orders = self._orders
        assert orders is not None, "settings are tried by orders alone"
        return self._write(lambda _, journal: orders.confirm_settings(journal.state_durably))

    def settings_stand(self) -> Awaitable[bool]:
        """Whether the recorder may end for the settings that wait. The answer raises `StorageError`."""
        orders = self._orders
        assert orders is not None, "settings wait by orders alone"
        return self._write(lambda keeper, journal: orders.settings_stand(keeper.known_time(), journal.state_durably))

    def answer(self, request: AnyRequest, caller: Caller) -> Answer | Awaitable[Answer | HandedOut]:
        """See `socket.Answering`."""
        match request:
            case AskStatus() if self._status is not None:
                return self._status()
            case CheckParts():
                return self._check_parts(caller)
            case ShowCheck(failed=failed):
                return self._show_check(failed, caller)
            case ListStore() | ReadLedger() | Measure():
                return self._store.answer(request)
            case AskAnchor():
                return self._anchor()
            case BeginShift(officer=officer):
                return self._shifts.begin(officer, caller)
            case EndShift():
                return self._shifts.end(caller)
            case LogOffload():
                return self._log_offload(request, caller)
            case AddHold():
                return self._write(lambda keeper, journal: keeper.add_hold(request, caller, journal.state_durably))
            case ReleaseHold():
                return self._write(lambda keeper, journal: keeper.release_hold(request, caller, journal.state_durably))
            case ListHolds():
                return self._write(lambda keeper, _: keeper.list_holds())
            case AskPlan():
                return self._write(lambda keeper, _: keeper.plan())
            case Sweep():
                return self._write(lambda keeper, journal: _sweep(keeper, journal, caller))
            case Deliver():
                self._open()
                return self._deliveries.take(request, caller)
            case AskWaiting() | AskSegments() | OpenLedger() | OpenCheckpoint() | OpenSegment():
                self._open()
                return self._sent_to().answer(request)
            case AskBundles(doing=doing):
                return self._wanted_bundles(doing)
            case AskCall(wait_seconds=wait_seconds):
                self._open()
                if self._calling is None:
                    raise UsageError("help_call is off on this camera: nobody calls")
                return self._calling.waiting(wait_seconds)
            case AskUpdates():
                orders = self._orders_here()
                return self._write(lambda keeper, journal: orders.waiting_updates(keeper.known_time(), journal.state_durably))
            case TellUpdate(order=order, outcome=outcome):
                orders = self._orders_here()
                return self._write(lambda _, journal: orders.update_told(order, outcome, journal.state_durably))
            case AskStatus() | Subscribe():
                raise UsageError("the store is not open yet")

    # --- what the writer's thread does ---------------------------------------------------------------------------------------------------

    def _open(self) -> tuple[Keeper, Writer]:
        if self._parts is None:
            raise UsageError("the store is not open yet")
        return self._parts

    def _orders_here(self) -> Orders:
        self._open()
        if self._orders is None:
            raise UsageError("no roster is configured on this camera (keys.root): it takes no orders")
        return self._orders

    def _sent_to(self) -> HandingOut:
        self._open()
        if self.uplink is None:
            raise UsageError("no station is configured on this camera (station.url): nothing is sent")
        return self.uplink

    def _wanted_bundles(self, doing: str) -> Awaitable[WantedBundles]:
        orders, status = self._orders_here(), self._status
        assert status is not None, "attached with the store"
        names = lambda: self._write(lambda keeper, _: orders.wanted_bundles(keeper.known_time()))  # noqa: E731
        return self._sent_to().wanted(doing, names, lambda: status().storage)

    def _log_offload(self, request: LogOffload, caller: Caller) -> Logged:
        _, writer = self._open()
        writer.note("offloaded", {**structs.asdict(request), "caller": detail_fields(caller)})
        return Logged(logged="offloaded")

    def _check_parts(self, caller: Caller) -> Awaitable[PartsSeen]:
        _, writer = self._open()
        return self._check.run(lambda: writer.note("parts_checked", {"caller": detail_fields(caller)}))

    def _show_check(self, failed: str, caller: Caller) -> Logged:
        _, writer = self._open()
        self._check.show(passed=not failed)
        outcome = "failed" if failed else "passed"
        writer.note("self_tested", {"outcome": outcome, "failed": failed, "caller": detail_fields(caller)})
        return Logged(logged="self_tested")

    def _anchor(self) -> Awaitable[AnchorLine]:
        _, writer = self._open()
        answered = _Answered[AnchorLine]()
        writer.anchor(lambda line: answered.give(AnchorLine(line=line)))
        return answered.future

    def _write(self, run: Callable[[Keeper, Journal], R]) -> Awaitable[R]:
        keeper, writer = self._open()
        answered = _Answered[R]()

        def work(journal: Journal) -> None:
            if answered.future.cancelled():  # nobody waits any more, and they were told that nothing came of it
                return
            try:
                result = run(keeper, journal)
            except Exception as failure:  # whoever waits hears of it
                answered.refuse(failure)
            else:
                answered.give(result)

        writer.work(work)
        return answered.future


class _Answered(Generic[R]):
    """What a thread hands to the loop, once. An answer that nobody waits for any more is dropped."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[R] = self._loop.create_future()

    def give(self, result: R) -> None:
        """From any thread: the answer."""
        self._hand_over(lambda: self.future.set_result(result))

    def refuse(self, error: Exception) -> None:
        """From any thread: why there is no answer."""
        self._hand_over(lambda: self.future.set_exception(error))

    def _hand_over(self, settle: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(lambda: None if self.future.done() else settle())
        except RuntimeError:
            log.debug("an answer that nobody waits for any more")


def _sweep(keeper: Keeper, journal: Journal, caller: Caller) -> Plan:
    """The daemon deletes at once, but in its own steps; what it will delete is the answer."""
    plan = keeper.plan()
    journal.state_durably(SweepRequested(caller=caller))
    keeper.sweep_soon()
    return plan
