"""A camera with a configuration file and orders about it: each start tries what waits, as the recorder does, with cuts anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from bodycamd.camera.keeping import ordered_settings
from bodycamd.camera.keeping.opening import digest
from bodycamd.camera.keeping.setting_orders import APART_US, SettingOrders
from bodycamd.config import load as configuration
from bodycamd.config.settings import Config
from bodycamd.errors import StorageError
from bodycamd.evidence.noted_entries import OrderDone, SettingsInForce
from bodycamd.evidence.orders import Configuration, SettingValue, SignedOrder
from bodycamd.evidence.statements import wall_text
from tests.camera.keeping.ordered_camera import CutError, OrderedCamera
from tests.evidence.ordering import IN_FORCE, SETTINGS, ordered
from tests.kit.camera import WARNING
from tests.kit.resting_camera import DAY

STEPS = ("write", "move", "drop")


class ConfiguredCamera(OrderedCamera):
    """`steps`: after so many durable steps, entries of the ledger and changes of files alike, the power goes."""

    def __init__(self, root: Path, patch: Callable[[object, str, Any], None] | None = None) -> None:
        super().__init__(root)
        self.file = root / "bodycamd.yaml"
        (root / "root.json").write_bytes(msgspec.json.encode(IN_FORCE.roster.root))
        (root / "roster.txt").write_bytes(IN_FORCE.document.file_bytes)
        (root / "recipients.txt").write_text("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\n")
        self.write_file()
        self.config: Config
        self.done = 0
        if patch is not None:
            for name in STEPS:
                patch(ordered_settings, name, self._step_before(getattr(ordered_settings, name)))

    def write_file(self, **settings: object) -> None:
        """The configuration file, by root."""
        keys = {"recipients": "recipients.txt", "signing": "signing", "root": "root.json", "roster": "roster.txt"}
        basis: dict[str, object] = {
            "device_id": self.name,
            "warning": {"file": str(WARNING)},
            "simulation_directory": ".",
            "board": {"adapter": "simulated"},
            "speaker": {"output": "simulated"},
            "microphone": {"source": "tone"},
            "video": {"source": "pattern"},
            "storage": {"directory": "store"},
            "keys": keys,
            "control": {"socket": "control.sock"},
        }
        self.file.write_text(yaml.safe_dump({**basis, **settings}))

    def setting_orders(self) -> SettingOrders | None:
        found = ordered_settings.begin(configuration.load(self.file), self.file)
        assert found is not None
        self.config = found.config()
        return SettingOrders(found, digest(self.config))

    @property
    def settings(self) -> SettingOrders:
        assert self.orders.settings is not None
        return self.orders.settings

    @property
    def folder(self) -> Path:
        return self.root / ordered_settings.FOLDER

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def enter(self, detail: Any) -> None:
        super().enter(detail)
        self.done += 1

    def to_change(self, nonce: int = 0, base: str | None = None, **changes: SettingValue) -> SignedOrder:
        """`gestures__hold_seconds=2.5`."""
        return self.ordering({key.replace("__", "."): value for key, value in changes.items()}, nonce, base)

    def ordering(self, changes: dict[str, SettingValue], nonce: int = 0, base: str | None = None) -> SignedOrder:
        """Signed, for the configuration that is in force, some time after the last start: so far apart are settings taken."""
        self.clock.advance(APART_US)
        made_us = self.clock.wall_us
        body = Configuration(base=base or digest(self.config), changes=changes)
        times = {"made_at": wall_text(made_us), "not_after": wall_text(made_us + 7 * DAY)}
        return ordered(replace(SETTINGS, body=body, cameras=(self.name,), nonce=f"{nonce:032x}", **times))

    def start_again(self) -> None:
        """The recorder ends in an orderly way, for what waits where something does, and starts."""
        stand = self.orders.settings_stand(self.keeper.known_time(), self.enter)
        self.store.close()
        if stand:
            self.settings.release()
        self.switch_on(same_boot=True)

    def until_it_starts(self) -> None:
        """After a cut: systemd starts the recorder until it is ready."""
        for _ in range(3):
            self.close()
            try:
                self.switch_on()
            except StorageError:
                continue
            return
        raise AssertionError("the recorder does not start")

    @property
    def hold_seconds(self) -> float:
        return self.config.gestures.hold_seconds

    def settings_in_force(self) -> list[SettingsInForce]:
        """As the ledger states them."""
        return [one for one in self.details(SettingsInForce) if isinstance(one, SettingsInForce)]

    def outcomes(self, order: SignedOrder) -> list[str]:
        return [one.outcome for one in self.details(OrderDone) if isinstance(one, OrderDone) and one.order == order.id]

    def _step_before(self, does: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: object) -> None:
            if self.cut_after is not None:
                if self.cut_after == 0:
                    raise CutError
                self.cut_after -= 1
            self.done += 1
            does(*arguments)

        return step


def switched_on(root: Path) -> Iterator[ConfiguredCamera]:
    """For a fixture: one that runs, and is closed at the end."""
    camera = ConfiguredCamera(root)
    camera.switch_on()
    yield camera
    camera.close()
