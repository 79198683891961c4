"""Settings that orders changed, over those of the configuration file: which count, in files beside the folder of signing keys.

    ordered-settings/in-force.json     the orders whose settings count, each as the exact bytes that people signed
    ordered-settings/next.json         those that wait: no start tries them
    ordered-settings/ready.json        the same, once the recorder has ended for them: the next start tries them
    ordered-settings/trial.json        those that are being tried; a start that finds them here follows a try that was not confirmed

The recorder cannot write its configuration file, and no order has it do so: what an order changes stands here. A file counts only if it is
the very one that the ledger states, where each order stands whole, as it was judged by the roster then (`SettingOrders`); it is read before
the ledger is, since that is opened by the configuration, and nothing is recorded before the two were held together.

A cut at any step leaves the settings that were in force, whole: a file comes whole or not at all, becomes `ready` by one rename when the
recorder has ended for it, `trial` by one when the start after that begins to try it, and `in-force` by one when the camera is ready with
it. So settings with which no recorder starts are tried once, and only by a start that was made for them.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from bodycamd.config import load as configuration
from bodycamd.config.settings import Config
from bodycamd.errors import BodycamError, ConfigError, DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence import orders, signed_document
from bodycamd.evidence.order_acceptance import CHANGEABLE
from bodycamd.evidence.orders import Configuration, SettingValue, SignedOrder
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file

log = logging.getLogger(__name__)

FOLDER: Final = "ordered-settings"
IN_FORCE, NEXT, READY, TRIAL, SET_ASIDE = "in-force.json", "next.json", "ready.json", "trial.json", "set-aside.json"
MAX_BYTES: Final = 1024 * 1024
"""Each setting that may be changed by an order of its own, of the longest: less than half of it."""


def digest(config: Config) -> str:
    """SHA-256 of the settings in force, for the ledger's start entry."""
    return hashlib.sha256(msgspec.json.encode(config, order="sorted")).hexdigest()


class Kept(Struct, frozen=True):
    """The orders of one file, the oldest first, and its bytes."""

    orders: tuple[SignedOrder, ...]
    raw: bytes

    @property
    def sha256(self) -> str:
        """Of the file, in hex: by this the ledger names it."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def changes(self) -> dict[str, SettingValue]:
        """What they come to, by the settings' dotted keys: of two orders about one setting the later one counts."""
        return {key: value for order in self.orders for key, value in _changes(order).items()}

    @property
    def newest(self) -> str:
        """The id of the order that came last."""
        return self.orders[-1].id


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    orders: tuple[str, ...]


class Found(Struct, frozen=True):
    """What a start has found. `in_force` was in force before; `trial` is being tried by this start; `left` by an earlier one, which did not
    come so far as to confirm it: the camera goes on with `in_force`. `waiting` is for a start to come."""

    folder: Path
    file: Path
    """The configuration file."""
    in_force: Kept | None = None
    trial: Kept | None = None
    left: Kept | None = None
    waiting: Kept | None = None

    @property
    def used(self) -> Kept | None:
        """The orders whose settings this start uses."""
        return self.trial or self.in_force

    def config(self) -> Config:
        """The configuration with these settings, judged as a whole. Raises `ConfigError`."""
        return configuration.load(self.file, self.used.changes if self.used is not None else configuration.NOTHING)


def kept(of: Iterable[SignedOrder]) -> Kept:
    """The file of these orders to change settings."""
    found = tuple(of)
    return Kept(found, msgspec.json.encode(_File(tuple(signed_document.entry_text(order.document) for order in found))) + b"\n")


def with_order(before: Kept | None, order: SignedOrder) -> Kept:
    """The file with this order as the newest; those of which no change counts any more are left out."""
    changed = set(_changes(order))
    staying: list[SignedOrder] = []
    for one in reversed(before.orders if before is not None else ()):
        if not _changes(one).keys() <= changed:
            staying.append(one)
        changed |= _changes(one).keys()
    return kept((*reversed(staying), order))


def read(raw: bytes, where: str) -> Kept:
    """The orders in the bytes of a file. Raises `DataError` for what `kept` would not write."""
    try:
        texts = msgspec.json.decode(raw, type=_File).orders
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{where}: no orders: {error}") from error
    found = kept(orders.decode(signed_document.from_entry(text, where), where) for text in texts)
    if found.raw != raw or not 0 < len(found.orders) <= len(CHANGEABLE):
        raise DataError(f"{where}: not as it is written, or not 1 to {len(CHANGEABLE)} orders")
    for order in found.orders:
        if not isinstance(order.order.body, Configuration) or not _changes(order).keys() <= CHANGEABLE:
            raise DataError(f"{where}: order {order.id[:16]}… changes what no order changes")
    return found


def find(config: Config, file: Path) -> Found | None:
    """What the folder has beside this configuration, read from `file`; `None` where no roster is configured, by which orders count. One
    that is damaged counts as none. Raises `PermissionDeniedError` where this user may not look."""
    if config.keys.root is None or config.keys.roster is None:
        return None
    folder = Path(config.keys.signing).parent / FOLDER
    names = {"in_force": IN_FORCE, "trial": READY, "left": TRIAL, "waiting": NEXT}
    return Found(folder, file, **{part: _read(folder, name) for part, name in names.items()})


def begin(config: Config, file: Path) -> Found | None:
    """As `find`, for a start of the recorder: what the recorder before it has ended for is being tried from here on, unless an earlier try
    was left, or the file, or the version that reads it, is another one meanwhile: then it is put back. Raises `StorageError`."""
    found = find(config, file)
    if found is None:
        return None
    if found.left is not None or found.trial is None:
        return msgspec.structs.replace(found, trial=None)
    move(found.folder, READY, TRIAL)
    why = _is_for_another(found, found.trial.orders[-1])
    if why is not None:
        log.error("the settings of order %s are not tried: %s", found.trial.newest[:16], why)
        return msgspec.structs.replace(found, trial=None, left=found.trial)
    return found


def _is_for_another(found: Found, newest: SignedOrder) -> str | None:
    try:
        base = digest(msgspec.structs.replace(found, trial=None).config())
        if not isinstance(newest.order.body, Configuration) or newest.order.body.base != base:
            return "the configuration is another one than the one that it is for"
        found.config()
    except ConfigError as error:
        return str(error)
    return None


def in_force(config: Config, file: Path) -> Config:
    """The configuration of `file` with the settings in force, for a command that stands in for the recorder: nothing is tried by it. Raises
    `ConfigError`, `PermissionDeniedError`."""
    found = find(config, file)
    return config if found is None else msgspec.structs.replace(found, trial=None).config()


def write(folder: Path, name: str, what: Kept) -> None:
    """Durable when this returns. Raises `StorageError`."""
    try:
        durable.make_folder(folder)
        durable.replace(folder / name, what.raw, 0o600)
    except OSError as error:
        raise StorageError(f"{folder / name}: cannot be written: {error.strerror}") from error


def move(folder: Path, old: str, new: str) -> None:
    """Give a file another name, durably. Raises `StorageError`."""
    try:
        os.rename(folder / old, folder / new)
        durable.sync_folder(folder)
    except OSError as error:
        raise StorageError(f"{folder / old}: cannot be renamed: {error.strerror}") from error


def drop(folder: Path, name: str) -> None:
    """Remove a file, durably; one that is not there is none. Raises `StorageError`."""
    try:
        if os.path.lexists(folder / name):
            os.unlink(folder / name)
            durable.sync_folder(folder)
    except OSError as error:
        raise StorageError(f"{folder / name}: cannot be removed: {error.strerror}") from error


def _read(folder: Path, name: str) -> Kept | None:
    try:
        return read(read_file(folder / name, MAX_BYTES), name)
    except NotFoundError:
        return None
    except PermissionDeniedError:
        raise
    except BodycamError as error:
        log.error("settings by order cannot be read and do not count: %s", error)
        return None


def _changes(order: SignedOrder) -> Mapping[str, SettingValue]:
    body = order.order.body
    return body.changes if isinstance(body, Configuration) else {}
