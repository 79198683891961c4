"""Makes a card: writes it, reads it back and holds it against what was meant; then the record says so."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.config import load
from bodycamd.config.firmware import firmware_lines
from bodycamd.errors import ConfigError, DataError, OutputError, UsageError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.application import TOKEN_BYTES, token_signer
from bodycamd.evidence.roster import DAY_US, Roster, SignedRoster
from bodycamd.evidence.roster_acceptance import Now, has_ended
from bodycamd.evidence.statements import wall_text
from bodycamd.foreign_text import shown
from bodycamd.workshop.fleet import boot_strangers, cloud_init
from bodycamd.workshop.fleet.boot_partition import BootPartition
from bodycamd.workshop.fleet.card_files import (
    CMDLINE,
    CONTENTS,
    FIRMWARE,
    FOLDER,
    SUMS,
    TOKEN,
    Kind,
    bundle_name,
    card,
    command_line,
    firmware,
    sha256,
    sums,
)
from bodycamd.workshop.fleet.configurations import CARDS, ON_CAMERA
from bodycamd.workshop.fleet.differences import differences
from bodycamd.workshop.fleet.fleet_file import Fleet, FleetReading
from bodycamd.workshop.fleet.record import CardMade, Record
from bodycamd.workshop.fleet.roster_making import next_roster
from bodycamd.workshop.fleet.states import place_of

MAX_BUNDLE_BYTES = 1024 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
RELEASE = f"{FOLDER}/release.pem"
SOMETIMES = frozenset({RELEASE, f"{FOLDER}/{CARDS.name}"})
"""Not on every card: a roster may have no active release key, a camera no reader for officers' cards."""


class Bundle(Struct, frozen=True):
    """A bundle to put on cards; what is in it is not looked at here: the camera verifies it."""

    path: Path
    sha256: str
    size: int


class Held(Struct, frozen=True):
    """A file on a card."""

    name: str
    size: int
    what: str
    kind: Kind


class Contents(Struct, frozen=True):
    """Whose card it is, and its files. `token_key` is the public half of its token, in hex."""

    camera: str
    municipality: str
    roster_version: int
    token_key: str
    files: list[Held]


def read_bundle(path: Path) -> Bundle:
    """A bundle's file. Raises `DataError` for what cannot be one, `NotFoundError`, `StorageError`."""
    from bodycamd.linux.foreign import open_file

    bundle_name(path)
    digest = hashlib.sha256()
    with open_file(path) as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
        size = file.tell()
    if not 0 < size <= MAX_BUNDLE_BYTES:
        raise DataError(f"{path}: {size} bytes: not a bundle")
    return Bundle(path, digest.hexdigest(), size)


def check_may_have_card(fleet: Fleet, record: Record, camera: str) -> None:
    """Raises `NotFoundError` for a camera that is not there, `UsageError` for one that has been enrolled or is out of service."""
    place_of(fleet, record, camera)
    if camera in record.enrolled:
        on = record.enrolled[camera].on
        raise UsageError(f"{camera} is enrolled since {on}: a new card is a new camera: bodycamd fleet replace {camera} --by NEW")
    if camera in record.states:
        raise UsageError(f"{camera} is {record.state(camera)}: its name is not used again")


def make(
    target: BootPartition,
    reading: FleetReading,
    fleet: Fleet,
    record: Record,
    camera: str,
    roster: SignedRoster | None,
    bundle: Bundle | None,
    now_us: int,
    *,
    overwrite: bool = False,
) -> tuple[CardMade, Contents]:
    """Write the card of a camera, and return the line for the record and what the card holds. Another camera's card is left as it is,
    unless it may be overwritten. Done again it is another card, with another token: the one before is worth nothing any more.

    Raises `ConfigError` without a roster that is in force, `UsageError`, `NotFoundError`, `OutputError`, and `DataError` where what is read
    back is not what was written.
    """
    check_may_have_card(fleet, record, camera)
    if roster is None or has_ended(roster.roster, Now(now_us, trusted=True)):
        raise ConfigError("no roster is in force: sign one first (bodycamd fleet roster); a card takes its recipients from it")
    check_of_today(fleet, record, roster.roster, now_us)
    if not overwrite and (other := whose(target)) is not None and other.lower() != camera.lower():
        raise OutputError(
            f"this is the card of {other}, not of {camera}: take another one (bodycamd fleet card --overwrite makes it {camera}'s)"
        )
    boot_strangers.check_files(target.names(""))
    token = os.urandom(TOKEN_BYTES)
    made = card(reading, fleet, camera, place_of(fleet, record, camera), roster, token, os.urandom(8).hex())
    if bundle is not None and RELEASE not in made.files:
        raise ConfigError("the roster has no active release key: no camera would install this bundle (release_keys in the fleet file)")
    files = {**made.files, CMDLINE: command_line(target.read(CMDLINE) or b"")}
    files[FIRMWARE] = firmware(target.read(FIRMWARE) or b"", made.firmware_lines)
    hashes = {name.partition("/")[2]: sha256(content) for name, content in files.items() if name.startswith(f"{FOLDER}/")}
    del hashes[TOKEN]
    target.close_to_others()
    target.make_folder(FOLDER)
    if bundle is not None:
        hashes[bundle.path.name] = bundle.sha256
        target.copy(f"{FOLDER}/{bundle.path.name}", bundle.path)
    files[f"{FOLDER}/{SUMS}"] = sums(hashes)
    for name, content in files.items():
        target.write(name, content)
    target.finish()
    back = contents(target)
    for name, content in files.items():
        if back.get(name) != content:
            raise DataError(f"{name}: what is on the card is not what was written: is the card broken?")
    listed = held(back, target.names(FOLDER), target.names(""), target.size_bytes)
    until = now_us + fleet.cards.enrol_within_days * DAY_US
    on = datetime.fromtimestamp(now_us / 1_000_000, UTC).date().isoformat()
    return CardMade(camera=camera, token_key=token_signer(token).public.raw.hex(), until=wall_text(until), on=on), listed


def check_of_today(fleet: Fleet, record: Record, last: Roster, now_us: int) -> None:
    """Raises `ConfigError` where the fleet file says something else of people, root or teams than the last roster: a card would encrypt to
    who has left. Cameras are another matter (`unsigned_cameras`).
    """
    changed = list(differences(last, replace(next_roster(fleet, record, last, now_us), cameras=last.cameras)))
    if changed:
        more = f"; {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ConfigError(
            f"the fleet file was changed since roster {last.version} was signed ({changed[0]}{more}): sign the next one first "
            "(bodycamd fleet roster); a card takes its recipients from it"
        )


def unsigned_cameras(fleet: Fleet, record: Record, last: Roster, now_us: int) -> list[str]:
    """What the last roster does not say of cameras yet: enrolled, lost, replaced. Cards may be made all the same."""
    return list(differences(last, replace(last, cameras=next_roster(fleet, record, last, now_us).cameras)))


def contents(target: BootPartition) -> dict[str, bytes]:
    """The files of a card that are there, by name; the bundle is not read."""
    found = {name: target.read(name) for name in CONTENTS}
    return {name: content for name, content in found.items() if content is not None}


def whose(target: BootPartition) -> str | None:
    """Whose card this is, by its configuration, else by the application that its first boot left; `None` for no card. Looked at loosely: a
    broken card is somebody's too.
    """
    if (raw := target.read(f"{FOLDER}/bodycamd.yaml")) is not None:
        named = re.search(rb"^device_id: ['\"]?([A-Za-z0-9-]{1,63})['\"]?\s*$", raw, re.MULTILINE)
        return named[1].decode() if named else "a camera without a name"
    applied = (re.fullmatch(r"application-([A-Za-z0-9-]{1,63})\.txt", name) for name in target.names(""))
    return next((found[1].upper() for found in applied if found), None)


def held(found: Mapping[str, bytes], in_folder: Iterable[str], at_top: Iterable[str], size_bytes: Callable[[str], int]) -> Contents:
    """Whose card it is and what it holds, after a strict check of what it tells cloud-init, kernel and firmware; of its contents, the names
    in its folder, those at the top of the partition, and how long the bundle is. Raises `DataError` for anything else than a card has, and
    for one without its token.
    """
    boot_strangers.check_files(at_top)
    names = (cloud_init.USER_DATA, cloud_init.META_DATA, cloud_init.NETWORK_CONFIG)
    for name in names:
        if name not in found:
            raise DataError(f"{name}: not on this card: no card of `bodycamd fleet card`, or its camera has booted and cleaned up")
    host = cloud_init.read({name: found[name] for name in names}).user_data.hostname
    line = found.get(CMDLINE, b"")
    if command_line(line) != line:
        raise DataError(f"{CMDLINE}: the root partition would be grown over the room for footage, or somebody asked for a password")
    in_folder = sorted(in_folder)
    _check_whole(found, found.keys() | {f"{FOLDER}/{base}" for base in in_folder})
    listed = list(_listed(found, in_folder, size_bytes))
    settings = load.parse(found.get(f"{FOLDER}/bodycamd.yaml", b""), ON_CAMERA)
    told = found.get(FIRMWARE, b"")
    if firmware(told, firmware_lines(settings)) != told:
        raise DataError(f"{FIRMWARE}: not what this camera's parts need: make the card anew")
    if host != settings.device_id.lower():
        raise DataError(
            f"{cloud_init.USER_DATA}: the host is {host}, but the configuration is that of {settings.device_id}: make the card anew"
        )
    roster = rosters.decode(found[f"{FOLDER}/roster.txt"], f"{FOLDER}/roster.txt").roster
    token_key = token_signer(bytes.fromhex(found[f"{FOLDER}/{TOKEN}"].decode())).public.raw.hex()
    return Contents(settings.device_id, roster.municipality, roster.version, token_key, listed)


def _check_whole(found: Mapping[str, bytes], names: Set[str]) -> None:
    if (token := found.get(f"{FOLDER}/{TOKEN}")) is None:
        raise DataError(f"{FOLDER}/{TOKEN}: no token: the camera has been enrolled with this card, or somebody took it: make the card anew")
    if re.fullmatch(rb"[0-9a-f]{%d}\n" % (2 * TOKEN_BYTES), token) is None:
        raise DataError(f"{FOLDER}/{TOKEN}: not a token: make the card anew")
    stated = {f"{FOLDER}/{base}" for base in _stated(found.get(f"{FOLDER}/{SUMS}", b""))}
    for name in sorted((CONTENTS.keys() - SOMETIMES) | stated):
        if name not in names:
            raise DataError(f"{shown(name)}: missing on this card: make the card anew")


def _listed(found: Mapping[str, bytes], in_folder: Iterable[str], size_bytes: Callable[[str], int]) -> Iterator[Held]:
    stated = _stated(found.get(f"{FOLDER}/{SUMS}", b""))
    for name, content in found.items():
        what, kind = CONTENTS[name]
        base = name.partition("/")[2]
        if base and base not in (SUMS, TOKEN) and stated.get(base) != sha256(content):
            raise DataError(f"{name}: not the file that was written onto this card")
        yield Held(name, len(content), what, kind)
    for base in in_folder:
        if f"{FOLDER}/{base}" in found:
            continue
        if base not in stated or not base.endswith(".bundle"):
            raise DataError(f"{FOLDER}/{base}: no file of a card; make the card anew")
        name = f"{FOLDER}/{base}"
        yield Held(name, size_bytes(name), f"the program, signed; SHA-256 {stated[base]}", "public")


def _stated(raw: bytes) -> dict[str, str]:
    stated: dict[str, str] = {}
    for line in raw.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        stated[name] = digest
    return stated
