"""Which cameras may send: those that the roster in force lists as active, each by its uplink key.

The roster's file is looked at again when it has changed; a roster takes the place of the one before as it does on a camera
(`roster_acceptance`). The newest one is kept beside the footage: an older one, or none, that is put in the file's place counts for nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from bodycamd.errors import BodycamError, ConfigError, StorageError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import MAX_ROSTER_BYTES, Camera, Root, Roster, SignedRoster
from bodycamd.evidence.roster_acceptance import Decision, Now, has_ended, judge
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_named

log = logging.getLogger(__name__)

MAX_ROOT_BYTES = 4096


class Sender(Struct, frozen=True):
    """A camera that may send, and its keys."""

    device: str
    uplink_key: PublicKey
    first_key: PublicKey


class RosterInForce:
    """The station's roster. `senders` may be asked from any thread."""

    def __init__(self, root_file: Path, roster_file: Path, kept: Path, now_us: Callable[[], int]) -> None:
        """Raises `ConfigError` for a root or a roster that is none or has ended; `StorageError`."""
        self._file, self._kept, self._now_us = roster_file, kept, now_us
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        root = load_root("keys.root", root_file)
        before = load_roster(kept) if kept.exists() else None
        given, now = load_roster(roster_file), self._now
        decision = judge(given, before or root, now)
        if not decision.accepted:
            raise refused(roster_file, given, decision, now)
        self._take(given)

    @property
    def roster(self) -> Roster:
        """The one in force, whether it has ended or not."""
        return self._in_force.roster

    def newest(self) -> SignedRoster:
        """The one in force, whether it has ended or not, as it was signed."""
        with self._lock:
            self._look()
            return self._in_force

    def senders(self) -> Mapping[str, Sender]:
        """The active cameras, by the ids of their uplink keys. Raises `ConfigError` once the roster has ended: until there is another one,
        nobody knows who has been shut out."""
        return self._current()[1]

    def current(self) -> SignedRoster:
        """The roster in force. Raises as `senders` does."""
        return self._current()[0]

    def _current(self) -> tuple[SignedRoster, Mapping[str, Sender]]:
        with self._lock:
            self._look()
            if has_ended(self._in_force.roster, self._now):
                raise ConfigError("the roster has ended: sign the next one: bodycamd fleet roster")
            return self._in_force, self._senders

    @property
    def _now(self) -> Now:
        return Now(self._now_us(), trusted=True)

    def _look(self) -> None:
        """Take the roster in the file, where it is another one and follows. What is none is said in the journal, once."""
        try:
            found = self._file.stat()
        except OSError:
            return
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            candidate = rosters.decode(read_named(self._file, 2 * MAX_ROSTER_BYTES), str(self._file))
            decision = judge(candidate, self._in_force, self._now)
            if decision.outcome == "accepted":
                self._take(candidate)
            elif not decision.accepted:
                log.error("%s is not taken: %s", self._file, decision.why)
        except BodycamError as error:
            log.error("%s is not taken: %s", self._file, error)

    def _take(self, signed: SignedRoster) -> None:
        """Durable first: what was in force once is never followed by an older one."""
        try:
            durable.make_folder(self._kept.parent)
            durable.replace(self._kept, signed.document.file_bytes)
        except OSError as error:
            raise StorageError(f"{self._kept}: cannot be kept: {error.strerror}") from error
        self._in_force = signed
        found = [_sender(camera) for camera in signed.roster.cameras if camera.state == "active"]
        self._senders = {sender.uplink_key.id: sender for sender in found}


def load_root(key: str, path: Path) -> Root:
    """The root of a municipality, in the file that `key` of the configuration names. Raises `ConfigError`."""
    allowed = "allowed: a municipality's root, as `bodycamd fleet roster` writes it"
    try:
        return msgspec.json.decode(read_named(path, MAX_ROOT_BYTES), type=Root)
    except BodycamError as error:
        raise ConfigError(f"{key}: {error}; {allowed}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {path}: this is no root; {allowed}") from error


def load_roster(path: Path) -> SignedRoster:
    """A roster, whoever signed it. Raises `ConfigError`."""
    try:
        return rosters.decode(read_named(path, 2 * MAX_ROSTER_BYTES), str(path))
    except BodycamError as error:
        raise ConfigError(f"keys.roster: {error}; allowed: the roster in force") from error


def refused(path: Path, given: SignedRoster, decision: Decision, now: Now) -> ConfigError:
    """Why the roster in this file is not taken, and what to do."""
    ended = "; sign the next one: bodycamd fleet roster" if has_ended(given.roster, now) else ""
    return ConfigError(f"keys.roster: {path}: {decision.why}{ended}")


def _sender(camera: Camera) -> Sender:
    return Sender(camera.id, PublicKey.from_hex(camera.uplink_key), PublicKey.from_hex(camera.first_key))
