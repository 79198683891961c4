"""A camera with a roster, versions and a release key: orders to update, root's updater, and restarts of the recorder as both have them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from bodycamd.camera.installation import change
from bodycamd.camera.installation.archive import VerifiedBundle, verify
from bodycamd.camera.installation.installed import TRIAL_FILE, Change, Installed, read_changes
from bodycamd.camera.installation.release_key import ReleaseKey, read_release_keys
from bodycamd.camera.installation.versions import Versions
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.update_orders import UpdateOrders, UpdateOutcome, WaitingUpdates
from bodycamd.camera.updating.update import update_by_order
from bodycamd.evidence.noted_entries import OrderDone
from bodycamd.evidence.orders import SignedOrder, Update
from bodycamd.evidence.statements import wall_text
from tests.camera.installation.fake_system import FakeSystem
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.evidence.ordering import IN_FORCE, UPDATE, ordered
from tests.kit.bundles import Release
from tests.kit.resting_camera import DAY


class Machine(FakeSystem):
    """Its recorder is the camera of the test: what starts, runs from the version in use."""

    camera_of_test: UpdatedCamera

    def stop(self) -> None:
        super().stop()
        self.camera_of_test.close()
        self.camera_of_test.off()

    def start(self) -> None:
        super().start()
        if self.running not in self.dead:
            self.camera_of_test.switch_on(same_boot=True)


class UpdatedCamera(OrderedCamera):
    """`told_is_lost`: the updater dies before it tells the recorder what came of an order."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.publisher = Release(root)
        self.opt = root / "opt"
        self.versions = Versions(self.opt)
        self.machine = Machine(self.opt)
        self.machine.camera_of_test = self
        self.told_is_lost = False
        self._stated = 0
        self.machine.dead.add("0.2.0")  # nobody's order: the first version is there before the camera is
        change.update(self.versions, _Quiet(self.opt), self.publisher.bundle("0.2.0"), self.keys)
        self.machine.dead.clear()

    @property
    def keys(self) -> tuple[ReleaseKey, ...]:
        return read_release_keys(self.publisher.public)

    def update_orders(self) -> UpdateOrders | None:
        made = UpdateOrders(self.runs, lambda: (self.opt / TRIAL_FILE).exists())
        changes = read_changes(self.opt)
        made.begin([one for one in changes if one.number > self._stated])
        self._stated = changes[-1].number if changes else 0
        return made

    @property
    def runs(self) -> Installed | None:
        return self.versions.installed()

    @property
    def changes(self) -> tuple[Change, ...]:
        return read_changes(self.opt)

    def off(self) -> None:
        self._opened = None

    def name_of(self, version: str) -> str:
        return verify(self.publisher.bundle(version), self.keys).sha256

    def to_update(self, version: str = "0.3.0", nonce: int = 0) -> SignedOrder:
        made_us = self.clock.wall_us
        times = {"made_at": wall_text(made_us), "not_after": wall_text(made_us + 7 * DAY)}
        return ordered(replace(UPDATE, body=Update(bundle=self.name_of(version)), cameras=(self.name,), nonce=f"{nonce:032x}", **times))

    # --- as the updater's recorder -------------------------------------------------------------------------------------------------------

    def waiting(self) -> WaitingUpdates:
        return self.orders.waiting_updates(self.keeper.known_time(), self.enter)

    def told(self, order: str, outcome: UpdateOutcome) -> Delivered:
        if self.told_is_lost:
            raise KeyboardInterrupt
        return self.orders.update_told(order, outcome, self.enter)

    def update(self, path: Path, *, docked: bool = False, roster: bytes | None = None) -> str:
        """What root's updater does with a bundle's file."""

        def install(named: str) -> str:
            came = change.update(self.versions, self.machine, path, self.keys, docked=docked, named=named)
            return f"{came.version} is in use" if came is not None else "in use already"

        def led_back(bundle: str) -> int:
            newest = self.changes[-1]
            return newest.number if newest.outcome == "rolled_back" and newest.left_bundle == bundle else 0

        def verified(file: Path) -> VerifiedBundle:
            return verify(file, self.keys)

        root = IN_FORCE.roster.root
        at_us = self.clock.wall_us
        return update_by_order(path, self, root, self.name, verify=verified, install=install, led_back=led_back, now_us=at_us)

    def outcomes(self, order: SignedOrder) -> list[str]:
        return [one.outcome for one in self.details(OrderDone) if isinstance(one, OrderDone) and one.order == order.id]


class _Quiet(FakeSystem):
    """A machine whose recorder nobody looks at."""
