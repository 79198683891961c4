"""Which cameras may send: those that the roster in force lists as active, each by its uplink key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from bodycamd.errors import BodycamError, ConfigError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import MAX_ROSTER_BYTES, Camera, Root, Roster
from bodycamd.evidence.roster_acceptance import Now, has_ended, judge
from bodycamd.linux.foreign import read_named

MAX_ROOT_BYTES = 4096


class Sender(Struct, frozen=True):
    """A camera that may send, and its keys."""

    device: str
    uplink_key: PublicKey
    first_key: PublicKey


def load_roster(root_file: Path, roster_file: Path, now_us: int) -> Roster:
    """The roster in the file, signed by the root in the other one. Raises `ConfigError`, also for one that has ended."""
    try:
        root = msgspec.json.decode(read_named(root_file, MAX_ROOT_BYTES), type=Root)
        signed = rosters.decode(read_named(roster_file, 2 * MAX_ROSTER_BYTES), str(roster_file))
    except (BodycamError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"keys.root, keys.roster: {error}; allowed: the root and the roster in force") from error
    now = Now(now_us, trusted=True)
    decision = judge(signed, root, now)
    if not decision.accepted:
        ended = "; sign the next one: bodycamd fleet roster" if has_ended(signed.roster, now) else ""
        raise ConfigError(f"keys.roster: {roster_file}: {decision.why}{ended}")
    return signed.roster


def senders(roster: Roster) -> Mapping[str, Sender]:
    """The active cameras, by the ids of their uplink keys."""
    found = [_sender(camera) for camera in roster.cameras if camera.state == "active"]
    return {sender.uplink_key.id: sender for sender in found}


def _sender(camera: Camera) -> Sender:
    return Sender(camera.id, PublicKey.from_hex(camera.uplink_key), PublicKey.from_hex(camera.first_key))
