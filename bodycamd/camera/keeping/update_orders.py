"""Orders to update the software: the recorder judges and states them, and root's updater, which asks for them, installs what they name.

    entry `order`, durable       as of any order: from here on the updater gets it (`waiting`), with the roster that it was judged by
    … root's updater looks at all of it by itself, installs the bundle, and tells what came of it …
    entry `order_done`           `updated`, `went_back`, `not_installed`, or `ended`, where nobody brought the bundle in time

The updater's word is taken for what it did not do. That the bundle is in use the recorder knows by itself: it runs from it. What a cut left
untold the next start states, from what runs and from the installer's record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from bodycamd.camera.installation.installed import Change, Installed
from bodycamd.errors import UsageError
from bodycamd.evidence.noted_entries import OrderOutcome
from bodycamd.evidence.orders import SignedOrder, Update
from bodycamd.foreign_text import shown

UpdateOutcome: TypeAlias = Literal["updated", "went_back", "not_installed"]
OUTCOMES: Final[tuple[UpdateOutcome, ...]] = ("updated", "went_back", "not_installed")
MAX_WAITING: Final = 8


class WaitingUpdates(Struct, frozen=True, kw_only=True):
    """The orders to update that wait, as the exact bytes of their files, and of the roster in force's; absent where none is."""

    orders: list[bytes]
    roster: bytes | None = None


class UpdateOrders:
    """`runs`: the bundle that this recorder runs from; `None`: of a checkout, which no bundle takes the place of. `trial`: whether a change
    of the software is under way that nobody has confirmed."""

    def __init__(self, runs: Installed | None, trial: Callable[[], bool]) -> None:
        self._runs, self._trial = runs, trial
        self._led_back: frozenset[str] = frozenset()
        self._new: set[str] = set()
        """Orders that came in this start: what was led back before is nothing of theirs."""

    def begin(self, came: Sequence[Change]) -> None:
        """The changes of the software since the start before."""
        self._led_back = frozenset(change.left_bundle for change in came if change.outcome == "rolled_back")

    @property
    def is_trying(self) -> bool:
        """Whether a change of the software is under way that nobody has confirmed."""
        return self._trial()

    def objection(self, body: Update, waiting: int) -> tuple[str, str] | None:
        """Why this camera does not take the order, as an outcome and a clause; `None` where it does."""
        if self._runs is None:
            return "not_carried_out", "this camera runs a development checkout, which no bundle takes the place of"
        if self._runs.bundle == body.bundle:
            return "in_use", f"bundle {body.bundle[:16]}… is in use already"
        if waiting >= MAX_WAITING:
            return "updates_wait", f"{waiting} orders to update wait: bring a bundle, or wait until they have ended"
        return None

    def fate(self, order: SignedOrder | None) -> OrderOutcome | None:
        """What came of an order that was stated; `None` while it waits, or is being tried."""
        if order is None or not isinstance(order.order.body, Update):
            return "interrupted"
        if self._trial():
            return None
        if self.is_in_use(order.order.body.bundle):
            return "updated"
        return "went_back" if order.order.body.bundle in self._led_back and order.id not in self._new else None

    def came(self, id: str) -> None:
        """An order was stated by this start."""
        self._new.add(id)

    def is_in_use(self, bundle: str) -> bool:
        """Whether this recorder runs from the bundle."""
        return self._runs is not None and self._runs.bundle == bundle

    def believed(self, body: Update, told: str) -> UpdateOutcome:
        """What the updater says. Raises `UsageError` for what is no outcome, or what the recorder knows not to be so."""
        outcome: UpdateOutcome | None = next((one for one in OUTCOMES if one == told), None)
        if outcome is None:
            raise UsageError(f"{shown(told, 40)}: one of {', '.join(OUTCOMES)}")
        if (outcome == "updated") != self.is_in_use(body.bundle):
            raise UsageError(f"bundle {body.bundle[:16]}… is {'' if self.is_in_use(body.bundle) else 'not '}in use: {outcome} is not so")
        return outcome
