"""Orders that change settings, at work on one camera: judged, tried, confirmed or put back.

    entry `order`, durable               as of any order: all of it, with its signatures
    entry `settings_next`, durable       what would be in force with it, by the hash of the file
    next.json, durable                   waits for a quiet moment: never while something is recorded
    … the recorder ends: next.json becomes ready.json; and starts with the new settings: ready.json becomes trial.json …
    trial.json becomes in-force.json     once the camera is ready with them
    entry `settings_in_force`, durable   stated again by each start
    entry `order_done`                   `configured`; or `went_back`, where the try was not confirmed; or `lapsed`, before any try

A start that nobody ended the recorder for (a crash, the watchdog, an update, the power) tries nothing: what waits, waits on.

Whatever a cut leaves, the ledger says what counts: the file in force must be the one that it states, or the one of an order that it states
and that is not done. Any other file is set aside, and the recorder starts again without it, before anything was recorded.
"""

from __future__ import annotations

import logging
from typing import Final, NoReturn

from msgspec.structs import replace

from bodycamd.camera.keeping import ordered_settings
from bodycamd.camera.keeping.ordered_settings import IN_FORCE, NEXT, READY, SET_ASIDE, TRIAL, Found, Kept, digest
from bodycamd.camera.keeping.rosters import Enter
from bodycamd.config import load as configuration
from bodycamd.errors import ConfigError, StorageError
from bodycamd.evidence.noted_entries import OrderDone, OrderOutcome, SettingsInForce, SettingsNext
from bodycamd.evidence.order_acceptance import DAYS
from bodycamd.evidence.orders import Configuration, SignedOrder
from bodycamd.evidence.statements import Stated

log = logging.getLogger(__name__)

APART_US: Final = 600_000_000
"""So long after a start that an order has caused, no other settings are taken: what is counted for each signer begins anew with a start."""
REFUSALS_KEPT: Final = 64
"""Orders of which is remembered that they are not valid here: reading the configuration file takes time, in the writer's thread."""
OF_THE_VOICE: Final = ("warning.",)


class SettingOrders:
    """`take` while the ledger is read, then `begin`; from then on in the thread that writes the ledger. `config_sha256` is of the settings
    that this start uses. `waiting` and `on_trial` may be read from any thread."""

    def __init__(self, found: Found, config_sha256: str) -> None:
        self._found = found
        self._config_sha256 = config_sha256
        self._stated: str | None = None
        self._next: dict[str, str] = {}
        self._fates: dict[str, OrderOutcome] = {}
        self._not_valid: dict[str, str] = {}
        self._caused = found.trial is not None or found.left is not None
        self.waiting: str | None = None
        """The order that waits for the next start."""
        self.on_trial: str | None = found.trial.newest if found.trial is not None else None
        """The order that this start tries."""
        self.is_kept = False
        """Whether what is tried is the file in force already: from then on it cannot go back, and a later start states it."""

    @property
    def used(self) -> Kept | None:
        """The orders whose settings this start uses."""
        return self._found.used

    @property
    def config_sha256(self) -> str:
        """Of the settings in force: what an order must name."""
        return self._config_sha256

    @property
    def tries_the_voice(self) -> bool:
        """Whether what is tried has to do with what the officer hears."""
        return self._found.trial is not None and any(key.startswith(OF_THE_VOICE) for key in self._found.trial.changes)

    def take(self, detail: Stated | None) -> None:
        """The detail of one verified entry, oldest first."""
        if isinstance(detail, SettingsNext):
            self._next[detail.order] = detail.sha256
        elif isinstance(detail, SettingsInForce):
            self._stated = detail.sha256
        elif isinstance(detail, OrderDone):
            self._next.pop(detail.order, None)

    def begin(self, enter: Enter) -> None:
        """Hold the files against the ledger, and state again what is in force. Raises `StorageError`, also where a file was not the one
        that the ledger states: the next start does without it."""
        found = self._found
        if found.in_force is not None:
            if (order := self._open_order_of(found.in_force)) is not None:
                self._fates[order] = "configured"
            elif found.in_force.sha256 != self._stated:
                self._set_aside(IN_FORCE)
        if found.in_force is None and self._stated is not None:
            log.error("the settings that orders have changed are missing: the configuration file counts alone")
        if found.in_force is not None or self._stated is not None:
            self._state(found.in_force, enter)
        if found.trial is not None and self._open_order_of(found.trial) is None:
            self._set_aside(TRIAL)
        if found.waiting is not None:
            if (order := self._open_order_of(found.waiting)) is None:
                self._set_aside(NEXT)
            self.waiting = order
        if found.left is not None:
            if (order := self._open_order_of(found.left)) is not None:
                self._fates[order] = "went_back"
                log.error("the settings of order %s were tried and not confirmed: those before count", order[:16])
            else:
                ordered_settings.drop(found.folder, TRIAL)

    def fate(self, id: str) -> OrderOutcome | None:
        """What came of an order that an earlier start has stated; `None` while it is being tried, or waits."""
        return None if id in (self.on_trial, self.waiting) else self._fates.get(id, "interrupted")

    def objection(self, order: SignedOrder, body: Configuration, since_start_us: int) -> tuple[str, str] | None:
        """Why these settings do not come into force here, as an outcome and a clause; `None` where they do. `since_start_us`: how long this
        start has run."""
        if (before := self.waiting or self.on_trial) is not None:
            return "settings_wait", f"order {before[:16]}… comes into force first: then this one must name the configuration that it makes"
        if self._caused and since_start_us < APART_US:
            return "settings_wait", f"this start was made for other settings: deliver it again in {APART_US // 60_000_000} minutes"
        if DAYS in body.changes:
            return "not_carried_out", f"this camera changes no {DAYS} by an order"
        if body.base != self._config_sha256:
            has = self._config_sha256
            return "other_configuration", f"it is for configuration {body.base[:16]}…, and {has[:16]}… is in force: bodycamd status --json"
        if order.id not in self._not_valid:
            try:
                self._judge_with(order)
            except ConfigError as error:
                self._not_valid[order.id] = str(error)
                while len(self._not_valid) > REFUSALS_KEPT:
                    del self._not_valid[next(iter(self._not_valid))]
        return ("not_valid", self._not_valid[order.id]) if order.id in self._not_valid else None

    def lapsed(self, order: SignedOrder, body: Configuration) -> str | None:
        """Why what waits is not to be tried any more, in the moment in which the recorder would end for it; `None` where it is."""
        if body.base != self._config_sha256:
            return "it is for another configuration than the one in force"
        try:
            used = self._found.used.changes if self._found.used is not None else configuration.NOTHING
            if digest(configuration.load(self._found.file, used)) != body.base:
                return "the configuration file has changed since this start"
            self._judge_with(order)
        except ConfigError as error:
            return str(error)
        return None

    def let_go(self) -> None:
        """What waits is not to be tried. Raises `StorageError`."""
        ordered_settings.drop(self._found.folder, NEXT)
        self.waiting = None

    def release(self) -> None:
        """Have the next start try what waits. The recorder has ended for it, and has closed its store. Raises `StorageError`."""
        ordered_settings.move(self._found.folder, NEXT, READY)

    def _judge_with(self, order: SignedOrder) -> None:
        wanted = ordered_settings.with_order(self._found.used, order).changes
        configuration.check_files(configuration.load(self._found.file, wanted), self._found.file)

    def prepare(self, order: SignedOrder, enter: Enter) -> None:
        """Have the settings of an order that was stated wait. Raises `StorageError`."""
        following = ordered_settings.with_order(self._found.used, order)
        enter(SettingsNext(order=order.id, sha256=following.sha256))
        self._next[order.id] = following.sha256
        ordered_settings.write(self._found.folder, NEXT, following)
        self.waiting = order.id

    def confirm(self, enter: Enter) -> str | None:
        """The camera is ready with what it tries: it is in force from here on. Returns the order, which is done then; `None` where nothing
        is tried. Raises `StorageError`."""
        trial, order = self._found.trial, self.on_trial
        if trial is None or order is None:
            return None
        ordered_settings.move(self._found.folder, TRIAL, IN_FORCE)
        self.is_kept = True
        self._found = replace(self._found, in_force=trial, trial=None)
        self._fates[order] = "configured"
        self._state(trial, enter)
        self.on_trial = None
        return order

    def over(self, id: str) -> None:
        """`order_done` is stated: what is left of a try that was not confirmed goes. Raises `StorageError`."""
        self._next.pop(id, None)
        if self._fates.pop(id, None) == "went_back":
            ordered_settings.drop(self._found.folder, TRIAL)
            self._found = replace(self._found, left=None)

    def _open_order_of(self, what: Kept) -> str | None:
        """The order that is stated and not done, and would have brought this very file into force."""
        return what.newest if self._next.get(what.newest) == what.sha256 else None

    def _state(self, what: Kept | None, enter: Enter) -> None:
        ids = tuple(order.id for order in what.orders) if what is not None else ()
        enter(SettingsInForce(orders=ids, sha256=what.sha256 if what is not None else None))
        self._stated = what.sha256 if what is not None else None

    def _set_aside(self, name: str) -> NoReturn:
        ordered_settings.move(self._found.folder, name, SET_ASIDE)
        where = self._found.folder / name
        raise StorageError(f"{where}: not the settings that the ledger states; they were set aside: start again")
