"""A resting camera with a roster and orders: what a courier delivers, with cuts of the power in between."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.orders import Orders
from bodycamd.camera.keeping.rosters import Prepared, Rosters
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.camera.keeping.update_orders import UpdateOrders
from bodycamd.errors import StorageError
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.orders import Answer, Hold, ShiftChange, SignedOrder
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import Caller, Stated, wall_text
from tests.evidence.ordering import HOLD, IN_FORCE, RELEASE, ordered
from tests.evidence.rostering import NOW_US
from tests.kit.resting_camera import RestingCamera

UPLINK = Caller(via="control_socket", uid=995)


class CutError(Exception):
    """The power is gone."""


class OrderedCamera(RestingCamera):
    """As a daemon opens it: roster and orders follow the ledger. `cut_after`: so many entries later the power goes."""

    def __init__(self, root: Path, roster: SignedRoster = IN_FORCE, *, name: str = "HV-01", keep_months: int = 24) -> None:
        super().__init__(root, keep_months=keep_months)
        self.name = name
        self.clock.wall_us = NOW_US
        self.roster = roster
        self.cut_after: int | None = None
        self.change: ShiftChange | Answer | None = None

    def switch_on(self, *, off_us: int = 0, same_boot: bool = False) -> OrderedCamera:
        super().switch_on(off_us=off_us, same_boot=same_boot)
        self.rosters = Rosters(Prepared(self.roster.roster.root, self.roster, self.root / "rosters"))
        self.orders = Orders(self.rosters, self.name, 28, self.clock, self.setting_orders(), self.update_orders())
        for line in VerifiedLedger(self.store_folder / "ledger"):
            self.orders.take(line.detail)
        self.rosters.begin(self.keeper.known_time(), self.enter)
        if self.orders.settings is not None:
            self.orders.settings.begin(self.enter)
        while self.orders.complete(self.keeper.plan_order, self.enter, self.keeper.known_time):
            pass
        self.keeper.first = lambda enter: self.orders.complete(self.keeper.plan_order, enter, self.keeper.known_time)
        return self

    def setting_orders(self) -> SettingOrders | None:
        """A camera without a configuration file takes no orders about it."""
        return None

    def update_orders(self) -> UpdateOrders | None:
        """A camera that no bundle is installed on takes no orders to update."""
        return None

    def close(self) -> None:
        """Where it is on."""
        if self._opened is not None:
            self.store.close()

    def enter(self, detail: Stated) -> None:
        if self.cut_after is not None:
            if self.cut_after == 0:
                raise CutError
            self.cut_after -= 1
        self.store.ledger.note(detail)

    def deliver(self, order: SignedOrder, now: Now | None = None) -> Delivered:
        """What a courier hears. Where the power goes meanwhile the camera is switched on again and raises `CutError`."""
        try:
            told, self.change = self.orders.deliver(order, now or self.keeper.known_time(), UPLINK, self.keeper.plan_order, self.enter)
        except CutError:
            self.cut_after = None
            self.store.close()
            self.switch_on()
            raise
        return told

    def disk_refuses(self, order: SignedOrder, after: int) -> None:
        """The ledger takes so many entries and then no more; the camera goes on."""

        def enter(detail: Stated) -> None:
            nonlocal after
            if after == 0:
                raise StorageError("no space left on device")
            after -= 1
            self.store.ledger.note(detail)

        try:
            self.orders.deliver(order, self.keeper.known_time(), UPLINK, self.keeper.plan_order, enter)
        except StorageError:
            return
        raise AssertionError("the ledger took it all")

    def to_hold(self, recording: str, nonce: int = 0) -> SignedOrder:
        body = HOLD.body
        assert isinstance(body, Hold)
        words = {"cameras": (self.name,), "nonce": f"{nonce:032x}"}
        return ordered(msgspec.structs.replace(HOLD, body=msgspec.structs.replace(body, recording=recording), **words))

    def to_release(self, *holds: str, nonce: int = 0) -> SignedOrder:
        body = msgspec.structs.replace(RELEASE.body, holds=holds)
        made_us = self.clock.wall_us
        times = {"made_at": wall_text(made_us), "not_after": wall_text(made_us + 7 * 86_400_000_000)}
        return ordered(msgspec.structs.replace(RELEASE, body=body, cameras=(self.name,), nonce=f"{nonce:032x}", **times))

    @property
    def held(self) -> list[tuple[str, str]]:
        """Recording and id of each hold."""
        return [(hold.recording, hold.hold) for hold in self.keeper.list_holds()]

    def details(self, kind: type[Stated]) -> list[Stated]:
        return [line.detail for line in VerifiedLedger(self.store_folder / "ledger") if isinstance(line.detail, kind)]
