"""Signed orders, carried out: judged, stated whole in the ledger, then acted upon.

    entry `order`, durable               the exact bytes of the order and its signatures
    hold_added, hold_released, …         what it does, each durable
    entry `order_done`, durable          from here on it is never carried out again: a repeat gives the first outcome

What a cut leaves stated and not done is completed: a hold at once, whatever else waits; a shift is `interrupted`; settings are tried by
the next start (`setting_orders`). The ledger is the only memory. What it loses by being shortened cannot come back: a hold's recording was
deleted before, and everything else has ended.

**The network cannot fill the ledger.** What nobody of the roster signed is counted, and stated once an hour. Of what somebody signed, ten
refusals and sixty orders an hour are stated for each signer; more are counted with the others, and their ids are not used up.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.rosters import Enter, Rosters
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.camera.keeping.update_orders import UpdateOrders, WaitingUpdates
from bodycamd.errors import DataError, UsageError
from bodycamd.evidence import orders, signed_document
from bodycamd.evidence.noted_entries import OrderAccepted, OrderDone, OrderOutcome, OrderRefused, OrdersNotSigned
from bodycamd.evidence.order_acceptance import UNSIGNED, Here, Verdict, judge_content, judge_order
from bodycamd.evidence.orders import Answer, Configuration, Hold, Release, ShiftChange, SignedOrder, Update
from bodycamd.evidence.retention_entries import HoldReleased
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import Caller, Stated, wall_us
from bodycamd.linux.clock import Clock
from bodycamd.retention.ordered_holds import Planned, Refusal

log = logging.getLogger(__name__)

HOUR_US = 3_600_000_000
AT_ONCE = 20
"""Entries of one order in one go: footage waits for them. An order for a stretch of time may hold all recordings of a month."""
MAX_REFUSALS, MAX_ACCEPTED = 10, 60
"""Stated of each signer in an hour."""
LATER: Final = frozenset({"configuration", "update"})
"""Kinds that are carried out by the next start, or by root's updater."""
WAITS: Final = "it comes into force when the camera rests: its ledger says what came of it"
WAITS_FOR_ROOT: Final = "it waits for root (bodycamd bundle update --ordered): the ledger says what came of it"
Plan: TypeAlias = Callable[[SignedOrder, bool, Caller | None], Planned | Refusal]
"""What an order to hold or release does to this camera's recordings; whether a release has named it; on whose word."""


class Orders:
    """The orders of one camera. `take` while the ledger is read; then, in the thread that writes the ledger, the rest. Without `rosters`
    none is taken, and what was stated before is still completed; but without `settings`, as in a command that stands in for the recorder,
    what the next start of the recorder has to do stays for it."""

    def __init__(
        self,
        rosters: Rosters | None,
        camera: str,
        retention_days: int,
        clock: Clock,
        settings: SettingOrders | None = None,
        updates: UpdateOrders | None = None,
    ) -> None:
        self.rosters = rosters
        self.settings = settings
        self.updates = updates
        self._here = Here(camera, retention_days)
        self._clock = clock
        self._done: dict[str, OrderOutcome] = {}
        self._begun: dict[str, OrderAccepted] = {}
        self._released: set[str] = set()
        self._ended: set[str] = set()
        """Holds that are over: so that a release that a cut interrupted is told as what it was."""
        self._handed_out: set[str] = set()
        """Changes of shift, and answers, that the caller is carrying out."""
        self._began_us = clock.now_us()
        self._hour_us: int | None = None
        self._accepted: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._not_signed = 0
        self._told_us: int | None = None

    def take(self, detail: Stated | None) -> None:
        """The detail of one verified entry, oldest first; the rosters hear of it too."""
        if self.rosters is not None:
            self.rosters.take(detail)
        if self.settings is not None:
            self.settings.take(detail)
        if isinstance(detail, OrderAccepted):
            self._begun[detail.order] = detail
        elif isinstance(detail, HoldReleased):
            self._ended.add(detail.id)
        elif isinstance(detail, OrderDone):
            begun = self._begun.pop(detail.order, None)
            self._done[detail.order] = detail.outcome
            if begun is not None and begun.kind == "release":
                self._remember(begun)

    def deliver(
        self, order: SignedOrder, now: Now, caller: Caller, plan: Plan, enter: Enter
    ) -> tuple[Delivered, ShiftChange | Answer | None]:
        """Judge an order and carry it out; a change of shift and an answer are the caller's to carry out, who then reports by `finish`.
        Raises `StorageError` where the ledger does not take it."""
        if order.id in self._handed_out:
            return Delivered(id=order.id, outcome="accepted", done=False, why="it is being carried out"), None
        if self._waits(order.id):
            why = WAITS if order.order.kind == "configuration" else WAITS_FOR_ROOT
            return Delivered(id=order.id, outcome="accepted", done=False, why=why), None
        if order.id in self._begun:
            told = self._complete(order.id, plan, enter)
            if not told.done:
                return told, None
        in_force = self.rosters.in_force if self.rosters is not None else None
        if self.rosters is None or in_force is None:
            return Delivered(id=order.id, outcome="no_roster", done=False, why="no roster is in force on this camera"), None
        verdict = judge_order(order, in_force, self._here, now, done=self._done, suspensions=self.rosters.suspended)
        if verdict.outcome == "repeated":
            return Delivered(id=order.id, outcome=verdict.first_outcome, done=True, why=verdict.why), None
        if verdict.outcome in UNSIGNED:
            self.count_not_signed(enter)
            return Delivered(id=order.id, outcome=verdict.outcome, done=False, why=verdict.why), None
        if not verdict.accepted:
            return self._refuse(order, verdict.outcome, verdict.why, enter), None
        match order.order.body:
            case Hold() | Release():
                return self._act(order, verdict, caller, plan, enter), None
            case ShiftChange() | Answer() as change:
                if refused := self._one_more(order, enter):
                    return refused, None
                self._state(order, verdict, caller, enter)
                self._handed_out.add(order.id)
                return Delivered(id=order.id, outcome="accepted", done=False), change
            case Configuration() as settings if self.settings is not None:
                return self._prepare(order, settings, verdict, caller, self.settings, enter), None
            case Update() as update if self.updates is not None:
                return self._wait_for_root(order, update, verdict, caller, self.updates, enter), None
            case _:
                why = f"this camera carries out no {order.order.kind} orders"
                return self._refuse(order, "not_carried_out", why, enter), None

    def finish(self, id: str, outcome: OrderOutcome, enter: Enter) -> Delivered:
        """What came of an order that was stated. Raises `StorageError`."""
        begun = self._begun[id]
        enter(OrderDone(order=id, outcome=outcome, roster_sha256=begun.roster_sha256))
        del self._begun[id]
        self._handed_out.discard(id)
        self._done[id] = outcome
        if begun.kind == "release":
            self._remember(begun)
        if self.settings is not None:
            self.settings.over(id)
        return Delivered(id=id, outcome=outcome, done=True)

    def confirm_settings(self, enter: Enter) -> None:
        """The camera is ready with the settings that this start tries, where it tries any. Raises `StorageError`."""
        order = self.settings.confirm(enter) if self.settings is not None else None
        if order is not None and order in self._begun:
            self.finish(order, "configured", enter)

    def settings_stand(self, now: Now, enter: Enter) -> bool:
        """Whether the recorder may end for the settings that wait: the order is judged once more, as it would be if it came now. One that
        does not stand any more is done with. Raises `StorageError`."""
        id = self.settings.waiting if self.settings is not None else None
        if self.settings is None or id is None or id not in self._begun:
            return False
        order = _read(self._begun[id])
        if order is None or not isinstance(order.order.body, Configuration):
            why: str | None = "it cannot be read"
        else:
            why = self._fallen(order, now) or self.settings.lapsed(order, order.order.body)
        if why is not None:
            self._lapse(id, why, self.settings, enter)
        return why is None

    def waiting_updates(self, now: Now, enter: Enter) -> WaitingUpdates:
        """The orders to update that wait and that would be accepted now: of who is suspended none, nor on a camera that is. Those that have
        ended do so no longer. Raises `StorageError`."""
        self._end_updates(now, enter)
        waiting = [order.document.file_bytes for order, _ in self._updates(now)]
        in_force = self.rosters.in_force if self.rosters is not None else None
        return WaitingUpdates(orders=waiting, roster=in_force.document.file_bytes if in_force is not None else None)

    def wanted_bundles(self, now: Now) -> list[str]:
        """The names of the bundles of these orders, each once. Nothing is stated: who is told of them only fetches."""
        return list(dict.fromkeys(body.bundle for _, body in self._updates(now)))

    def _updates(self, now: Now) -> Iterator[tuple[SignedOrder, Update]]:
        for begun in [begun for begun in self._begun.values() if begun.kind == "update"]:
            order = _read(begun)
            if order is not None and isinstance(order.order.body, Update) and self._fallen(order, now) is None:
                yield order, order.order.body

    def update_told(self, id: str, outcome: str, enter: Enter) -> Delivered:
        """What root's updater says of an order. Raises `UsageError` where none such waits, or it is not so, and `StorageError`."""
        if id in self._done:
            return Delivered(id=id, outcome=self._done[id], done=True)
        begun = self._begun.get(id)
        order = _read(begun) if begun is not None else None
        if order is None or not isinstance(order.order.body, Update) or self.updates is None:
            raise UsageError(f"no order to update waits under the id {id}")
        return self.finish(id, self.updates.believed(order.order.body, outcome), enter)

    def complete(self, plan: Plan, enter: Enter, now: Callable[[], Now]) -> bool:
        """Go on with what an earlier start, or a disk that did not write, left stated and not done; end what waited too long; state what
        was counted, once an hour. Returns whether something is left for the next call. Raises `StorageError`: then nothing may be deleted
        yet.
        """
        for id in [id for id in self._begun if id not in self._handed_out and not self._waits(id)]:
            if not self._complete(id, plan, enter).done:
                return True
        if any(begun.kind in LATER for begun in self._begun.values()):
            self._end_waiting(now(), enter)
        self._tell(enter)
        return False

    def count_not_signed(self, enter: Enter) -> None:
        """One document more that is no order, or that nobody of the roster signed. Raises `StorageError`."""
        self._not_signed += 1
        self._tell(enter)

    # --- carrying out ---------------------------------------------------------------------------------------------------------------------

    def _act(self, order: SignedOrder, verdict: Verdict, caller: Caller, plan: Plan, enter: Enter) -> Delivered:
        planned = plan(order, order.id in self._released, caller)
        if not isinstance(planned, Planned):
            return self._refuse(order, planned, planned.replace("_", " "), enter)
        if refused := self._one_more(order, enter):
            return refused
        self._state(order, verdict, caller, enter)
        return self._carry_on(order.id, planned, enter)

    def _prepare(
        self, order: SignedOrder, body: Configuration, verdict: Verdict, caller: Caller, settings: SettingOrders, enter: Enter
    ) -> Delivered:
        objection = settings.objection(order, body, self._clock.now_us() - self._began_us)
        if objection is not None:
            return self._refuse(order, *objection, enter)
        if refused := self._one_more(order, enter):
            return refused
        self._state(order, verdict, caller, enter)
        settings.prepare(order, enter)
        return Delivered(id=order.id, outcome="accepted", done=False, why=WAITS)

    def _wait_for_root(
        self, order: SignedOrder, body: Update, verdict: Verdict, caller: Caller, updates: UpdateOrders, enter: Enter
    ) -> Delivered:
        objection = updates.objection(body, sum(begun.kind == "update" for begun in self._begun.values()))
        if objection is not None:
            return self._refuse(order, *objection, enter)
        if refused := self._one_more(order, enter):
            return refused
        self._state(order, verdict, caller, enter)
        updates.came(order.id)
        return Delivered(id=order.id, outcome="accepted", done=False, why=WAITS_FOR_ROOT)

    def _waits(self, id: str) -> bool:
        """Whether an order that was stated is for another start to carry out, or for root, or to be reported by either."""
        begun = self._begun.get(id)
        return begun is not None and begun.kind in LATER and self._fate(begun) is None

    def _fallen(self, order: SignedOrder, now: Now) -> str | None:
        """Why an order that was stated would not be accepted now; `None` where it would."""
        in_force = self.rosters.in_force if self.rosters is not None else None
        if self.rosters is None or in_force is None:
            return "no roster is in force"
        verdict = judge_content(order.order, in_force, self._here, now, suspensions=self.rosters.suspended)
        return None if verdict.accepted else verdict.why

    def _end_waiting(self, now: Now, enter: Enter) -> None:
        if self.updates is not None and not self.updates.is_trying:
            self._end_updates(now, enter)
        id = self.settings.waiting if self.settings is not None else None
        order = _read(self._begun[id]) if id is not None and id in self._begun else None
        if self.settings is not None and order is not None and _is_over(order, now):
            self._lapse(order.id, f"it ended on {order.order.not_after}", self.settings, enter)

    def _end_updates(self, now: Now, enter: Enter) -> None:
        for id in [id for id, begun in self._begun.items() if begun.kind == "update"]:
            order = _read(self._begun[id])
            if order is None or _is_over(order, now):
                self.finish(id, "interrupted" if order is None else "ended", enter)

    def _lapse(self, id: str, why: str, settings: SettingOrders, enter: Enter) -> None:
        log.warning("the settings of order %s are not tried: %s", id[:16], why)
        settings.let_go()
        self.finish(id, "lapsed", enter)

    def _fate(self, begun: OrderAccepted) -> OrderOutcome | None:
        """What came of an order that is carried out later; `None` where it waits, or that is not known here."""
        if begun.kind == "configuration":
            return self.settings.fate(begun.order) if self.settings is not None else None
        return self.updates.fate(_read(begun)) if self.updates is not None else None

    def _carry_on(self, id: str, planned: Planned, enter: Enter) -> Delivered:
        for entry in planned.entries[:AT_ONCE]:
            enter(entry)
            if isinstance(entry, HoldReleased):
                self._ended.add(entry.id)
        if len(planned.entries) > AT_ONCE:
            return Delivered(id=id, outcome="accepted", done=False, why=f"{len(planned.entries) - AT_ONCE} recordings are to follow")
        return self.finish(id, planned.outcome, enter)

    def _state(self, order: SignedOrder, verdict: Verdict, caller: Caller, enter: Enter) -> None:
        accepted = OrderAccepted(
            order=order.id,
            kind=order.order.kind,
            by=order.order.person,
            second=order.order.second,
            document=signed_document.entry_text(order.document),
            roster_sha256=self._roster_sha256(),
            roster_ended=verdict.roster_ended,
            caller=caller,
        )
        enter(accepted)
        self._begun[order.id] = accepted

    def _complete(self, id: str, plan: Plan, enter: Enter) -> Delivered:
        begun = self._begun[id]
        if begun.kind in LATER:
            return self.finish(id, self._fate(begun) or "interrupted", enter)
        order = _read(begun)
        planned = plan(order, id in self._released, begun.caller) if order and isinstance(order.order.body, Hold | Release) else None
        if not isinstance(planned, Planned):
            return self.finish(id, "interrupted", enter)
        if planned.outcome == "noted" and order is not None and isinstance(order.order.body, Release):
            planned = Planned((), "released" if self._ended & set(order.order.body.holds) else "noted")
        return self._carry_on(id, planned, enter)

    def _remember(self, begun: OrderAccepted) -> None:
        order = _read(begun)
        if order is not None and isinstance(order.order.body, Release):
            self._released.update(order.order.body.holds)

    # --- what is stated -------------------------------------------------------------------------------------------------------------------

    def _refuse(self, order: SignedOrder, outcome: str, why: str, enter: Enter) -> Delivered:
        self._begin_hour()
        if self._refusals[order.order.person] < MAX_REFUSALS:
            self._refusals[order.order.person] += 1
            by, roster = order.order.person, self._roster_sha256()
            enter(OrderRefused(order=order.id, kind=order.order.kind, by=by, reason=outcome, roster_sha256=roster))
        else:
            self.count_not_signed(enter)
        return Delivered(id=order.id, outcome=outcome, done=False, why=why)

    def _roster_sha256(self) -> str:
        assert self.rosters is not None, "judged by it"
        assert self.rosters.in_force is not None, "judged by it"
        return self.rosters.in_force.document.sha256

    def _one_more(self, order: SignedOrder, enter: Enter) -> Delivered | None:
        """Count an order of this signer; where there were too many in this hour, the refusal."""
        self._begin_hour()
        if self._accepted[order.order.person] >= MAX_ACCEPTED:
            self.count_not_signed(enter)
            why = f"{MAX_ACCEPTED} orders of {order.order.person} were carried out within an hour: deliver it again later"
            return Delivered(id=order.id, outcome="too_many", done=False, why=why)
        self._accepted[order.order.person] += 1
        return None

    def _begin_hour(self) -> None:
        now_us = self._clock.now_us()
        if self._hour_us is None or now_us - self._hour_us >= HOUR_US:
            self._hour_us = now_us
            self._accepted.clear()
            self._refusals.clear()

    def _tell(self, enter: Enter) -> None:
        now_us = self._clock.now_us()
        if self._not_signed and (self._told_us is None or now_us - self._told_us >= HOUR_US):
            enter(OrdersNotSigned(documents=self._not_signed))
            self._not_signed, self._told_us = 0, now_us


def _is_over(order: SignedOrder, now: Now) -> bool:
    return order.order.not_after is None or now.at_us > wall_us(order.order.not_after, "not_after")


def _read(stated: OrderAccepted) -> SignedOrder | None:
    """The order as it was stated. The camera's own entry holds it; one that cannot be read was made by other software."""
    try:
        found = orders.decode(signed_document.from_entry(stated.document, "the order"), "the order")
    except DataError as error:
        log.error("a stated order cannot be read: %s", error)
        return None
    return found if found.id == stated.order else None
