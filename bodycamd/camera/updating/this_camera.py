"""An update by order on the camera that this is: its configuration, its root, its recorder's control socket, its versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import AskUpdates, TellUpdate
from bodycamd.camera.installation import commands
from bodycamd.camera.installation.archive import VerifiedBundle, verify
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.rosters import MAX_ROOT_BYTES
from bodycamd.camera.keeping.update_orders import UpdateOutcome, WaitingUpdates
from bodycamd.camera.updating import order_check
from bodycamd.camera.updating.fetched import drop, taken
from bodycamd.camera.updating.update import Recorder, update_by_order
from bodycamd.config.load import load
from bodycamd.config.paths import DEFAULT_CONFIG
from bodycamd.config.settings import Config
from bodycamd.errors import BodycamError, ConfigError, DataError, PermissionDeniedError, UsageError
from bodycamd.evidence.roster import Root
from bodycamd.linux.clock import SystemClock
from bodycamd.linux.foreign import read_named

ANSWER_SECONDS = 15.0


class AtTheSocket:
    """The recorder, asked anew each time: an update ends it in between."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def waiting(self) -> WaitingUpdates:
        """See `Recorder`. Raises what `ControlClient` raises."""
        with ControlClient(self._socket, ANSWER_SECONDS) as client:
            return client.request(AskUpdates(), WaitingUpdates)

    def told(self, order: str, outcome: UpdateOutcome) -> Delivered:
        """See `Recorder`."""
        with ControlClient(self._socket, ANSWER_SECONDS) as client:
            return client.request(TellUpdate(order=order, outcome=outcome), Delivered)


def update(bundle: Path | None, *, docked: bool, config: Path = DEFAULT_CONFIG) -> str:
    """Bring a bundle into use that an order names; without `bundle` the one that the uplink has fetched. Raises as `update_by_order` and
    `taken` do, `UsageError` where no roster is configured, and `StoreBusyError` also while somebody else installs: one at a time takes a
    copy and installs it."""
    settings = load(config)
    if settings.keys.root is None:
        raise UsageError(f"{config}: no roster is configured (keys.root): no order counts on this camera; update without --ordered")
    try:
        root = msgspec.json.decode(read_named(Path(settings.keys.root), MAX_ROOT_BYTES), type=Root)
    except (BodycamError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config}: keys.root: {error}; allowed: the root that the card brought") from error
    recorder, now_us = AtTheSocket(Path(settings.control.socket)), SystemClock().read().wall_us
    with commands.at_work(), _at_hand(bundle, recorder, root, settings, now_us, docked=docked) as path:
        return update_by_order(
            path,
            recorder,
            root,
            settings.device_id,
            verify=lambda one: _verified(one, was_fetched=bundle is None),
            install=lambda named: commands.install_at_work(path, None, docked=docked, named=named),
            led_back=commands.led_back,
            now_us=now_us,
        )


def _verified(path: Path, *, was_fetched: bool) -> VerifiedBundle:
    """As `verify` does. What was fetched and is no bundle of ours goes, or the same file would be offered for ever."""
    keys = read_release_keys(commands.RELEASE_KEYS)
    try:
        return verify(path, keys)
    except (DataError, PermissionDeniedError):
        if was_fetched:
            drop(path.name)
        raise


@contextmanager
def _at_hand(bundle: Path | None, recorder: Recorder, root: Root, settings: Config, now_us: int, *, docked: bool) -> Iterator[Path]:
    """The bundle that somebody brought, or a copy of what the uplink fetched, made only once the camera is docked and rests."""
    if bundle is not None:
        yield bundle
        return
    waiting = recorder.waiting()
    names = order_check.bundles(waiting.orders, order_check.in_force(waiting.roster, root), settings.device_id, now_us)
    commands.check_rests(docked=docked)
    with taken(names, Path(settings.storage.directory)) as copy:
        yield copy
