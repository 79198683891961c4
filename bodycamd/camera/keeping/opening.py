"""A store with its retention, opened the same way by the daemon and by commands that write while no daemon runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bodycamd.camera.installation.installed import recorded_changes, running
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.making_room import MakingRoom, need_of
from bodycamd.camera.keeping.ordered_settings import digest as digest
from bodycamd.camera.keeping.orders import Orders
from bodycamd.camera.keeping.sending import Sending
from bodycamd.camera.keeping.software_changes import UnstatedChanges
from bodycamd.camera.recorder.space import LEDGER_RESERVE_BYTES
from bodycamd.camera.recorder.store import Store
from bodycamd.config.settings import Config
from bodycamd.errors import PermissionDeniedError, StorageError
from bodycamd.evidence.ledger import Ledger
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.retention_entries import TimeStated
from bodycamd.evidence.statements import Caller
from bodycamd.linux.clock import Clock
from bodycamd.linux.disk import Disk
from bodycamd.retention.ledger_index import Facts, LedgerIndex
from bodycamd.retention.outlook import read_facts
from bodycamd.retention.policy import Rules
from bodycamd.store.names import RECORDINGS_FOLDER

log = logging.getLogger(__name__)

Judge = Callable[[Facts, Caller, int], object]
"""Looks at a request before anything is begun: what the ledger states, on whose word, the wall clock in microseconds."""


def rules_of(config: Config) -> Rules:
    """How long this configuration keeps footage and ledger."""
    return Rules(config.retention.days, config.ledger.keep_months, config.retention.legal_basis)


def expected_bytes_per_second(config: Config) -> float:
    """How much footage is, before any was measured."""
    bits_per_second = config.video.bit_rate + (config.microphone.bit_rate if config.audio else 0)
    return bits_per_second / 8 * 1.02  # the container, age and the statements add about two per cent


def making_room_of(config: Config, clock: Clock, orders: Orders | None, sending: Sending | None) -> MakingRoom | None:
    """`None` where nothing goes for room: the configuration says so, or there is no station or no roster that would show what may."""
    if config.storage.when_full != "overwrite_sent" or sending is None or orders is None or orders.rosters is None:
        return None
    recordings = Path(config.storage.directory) / RECORDINGS_FOLDER
    need = need_of(config, expected_bytes_per_second(config))
    reserve = LEDGER_RESERVE_BYTES
    return MakingRoom(orders.rosters, config.device_id, recordings, disk=Disk(), need=need, reserve_bytes=reserve, clock=clock)


def open_kept_store(config: Config, clock: Clock, orders: Orders | None = None, sending: Sending | None = None) -> tuple[Store, Keeper]:
    """Open the store (`Store.open`), complete the deletions and the orders that an earlier start began, and bring the roster into force,
    where the `orders` have one; `sending` follows the ledger. Raises as `Store.open` does, `Rosters.begin` and `SettingOrders.begin`."""
    facts, changes, runs = Facts(), UnstatedChanges(recorded_changes()), running()
    ordered = orders or Orders(None, config.device_id, config.retention.days, clock)
    making_room = making_room_of(config, clock, orders, sending)

    def follow(line: Line) -> None:
        if sending is not None:
            sending.take(line)
        if making_room is not None:
            making_room.sent.take(line.entry, line.detail)

    def watch(line: Line) -> None:
        facts.take(line.entry, line.detail)
        changes.take(line.detail)
        ordered.take(line.detail)
        follow(line)

    store = Store.open(
        Path(config.storage.directory),
        signing=Path(config.keys.signing),
        device_id=config.device_id,
        clock=clock,
        config_sha256=digest(config),
        bundle=runs.bundle if runs is not None else None,
        watch=watch,
    )
    if ordered.updates is not None:
        ordered.updates.begin(changes.unstated)
    changes.state(store.ledger.append)
    if sending is not None:
        sending.attach(lambda: (store.start, store.ledger.durable_bytes))
    keeper = keep(store, clock, rules_of(config), facts, follow)
    keeper.making_room = making_room
    keeper.first = lambda enter: ordered.complete(keeper.plan_order, enter, keeper.known_time)
    if ordered.rosters is not None:
        try:
            ordered.rosters.begin(keeper.known_time(), store.ledger.note)
            if ordered.settings is not None:
                ordered.settings.begin(store.ledger.note)
        except BaseException:
            store.close()
            raise
    try:
        while keeper.first(store.ledger.note):
            pass
    except StorageError as error:  # a disk that is full: nothing is deleted before they are carried out (`Keeper.first`)
        log.error("orders that were stated are not carried out yet: %s", error)
    return store, keeper


def keep(store: Store, clock: Clock, rules: Rules, facts: Facts | None = None, watch: Callable[[Line], object] = lambda _: None) -> Keeper:
    """Retention for an open store. `facts` are those of the ledger as it was read when the store was opened (`Store.open`, `watch`);
    without them it is read once more. `watch` hears of each line that is read from here on."""
    past = VerifiedLedger(store.ledger.path.parent) if facts is None else store.past
    keeper = Keeper(
        recordings=store.recordings_folder,
        ledger_folder=store.ledger.path.parent,
        index=LedgerIndex(past, facts, watch),
        clock=clock,
        start=store.start,
        boot_id=store.ledger.start.boot_id,
        rules=rules,
        disk=store.disk,
    )
    keeper.begin(store.ledger.note)
    return keeper


@contextmanager
def own_start(config: Config, clock: Clock, judge: Judge | None = None) -> Iterator[tuple[Keeper, Ledger, Caller]]:
    """A start of a command's own, while no daemon runs: as the service user, with the store's lock; and on whose word it writes: that of
    the user who started the command. `judge` looks first: what it refuses, by raising, leaves the store as it was.

    Raises `StoreBusyError` where a daemon runs, `PermissionDeniedError` where the store belongs to somebody else, as `Store.open` does
    besides.
    """
    caller = Caller(via="command", uid=os.getuid())
    _become_owner(Path(config.storage.directory))
    if judge is not None:
        judge(read_facts(Path(config.storage.directory)), caller, clock.read().wall_us)
    store, keeper = open_kept_store(config, clock)
    try:
        yield keeper, store.ledger, caller
        store.ledger.note(TimeStated(trusted=keeper.trust.trusted, confirmed=keeper.trust.confirmed))
    finally:
        store.close()


def _become_owner(store: Path) -> None:
    """Files of root in the store would lock the daemon out: root continues as the store's owner."""
    try:
        found = store.stat()
    except FileNotFoundError as error:
        raise StorageError(f"{store}: there is no store yet") from error
    except OSError as error:
        raise PermissionDeniedError(f"{store}: {error.strerror}; run this as the service's user, or as root") from error
    if os.geteuid() == found.st_uid:
        return
    if os.geteuid() != 0:
        raise PermissionDeniedError(f"{store}: it belongs to another user; run this as the service's user, or as root")
    os.setgroups([])
    os.setresgid(found.st_gid, found.st_gid, found.st_gid)
    os.setresuid(found.st_uid, found.st_uid, found.st_uid)
