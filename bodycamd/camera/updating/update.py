"""An update by order: from the bundle's file to what the recorder is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bodycamd.camera.installation.archive import VerifiedBundle
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.update_orders import UpdateOutcome, WaitingUpdates
from bodycamd.camera.updating import order_check
from bodycamd.errors import BodycamError, ConfigError, DataError, PermissionDeniedError, UnavailableError
from bodycamd.evidence.roster import Root

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """What is asked of the recorder, over its control socket."""

    def waiting(self) -> WaitingUpdates:
        """The orders that it has stated and not done."""

    def told(self, order: str, outcome: UpdateOutcome) -> Delivered:
        """Have it state what came of one."""


def update_by_order(
    path: Path,
    recorder: Recorder,
    root: Root,
    camera: str,
    *,
    verify: Callable[[Path], VerifiedBundle],
    install: Callable[[str], str],
    led_back: Callable[[str], int],
    now_us: int,
) -> str:
    """Install the bundle that an order names, and have the recorder state what came of it; returns what `install` says.

    `verify` checks every byte against the release keys. `install` brings the bundle of that name into use, and no other one, while the
    camera is docked and in standby. `led_back` is the number of the newest change of this card where that led back from it, else 0. Raises
    what these raise, `NotFoundError` and `PermissionDeniedError` of `order_check`. Nothing of the order is used up by what may be otherwise
    later: not docked, not in standby, no room, nobody listens.
    """
    bundle = verify(path)
    waiting = recorder.waiting()
    order = order_check.ordered(waiting.orders, order_check.in_force(waiting.roster, root), camera, bundle.sha256, now_us)
    before = led_back(bundle.sha256)
    try:
        said = install(bundle.sha256)
    except (DataError, PermissionDeniedError, ConfigError):
        _tell(recorder, order.id, "not_installed")
        raise
    except UnavailableError:
        if led_back(bundle.sha256) > before:
            _tell(recorder, order.id, "went_back")
        raise
    _tell(recorder, order.id, "updated")
    return said


def _tell(recorder: Recorder, order: str, outcome: UpdateOutcome) -> None:
    """What the recorder does not hear now its next start states by itself, but for `not_installed`: then the order waits still."""
    try:
        recorder.told(order, outcome)
    except BodycamError as error:
        log.warning("the recorder was not told of order %s (%s): %s", order[:16], outcome, error)
