"""What is on a camera's card: everything that the first boot needs, and nothing that is worth stealing once the camera is enrolled."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from bodycamd.camera.cards.codes import line_of
from bodycamd.config import load
from bodycamd.config.firmware import firmware_lines
from bodycamd.errors import ConfigError, DataError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import SignedRoster, footage_recipients
from bodycamd.workshop.fleet import boot_strangers, cloud_init
from bodycamd.workshop.fleet.checks import cards_of
from bodycamd.workshop.fleet.cloud_init import User
from bodycamd.workshop.fleet.configurations import CARDS, ON_CAMERA, configuration
from bodycamd.workshop.fleet.fleet_file import Fleet, FleetReading
from bodycamd.workshop.fleet.roster_making import Place, root_file

FOLDER: Final = "bodycamd"
TOKEN: Final = "token"  # noqa: S105 - the file's name
SUMS: Final = "SHA256SUMS"
CMDLINE: Final = "cmdline.txt"
FIRMWARE: Final = "config.txt"
BEGIN, END = b"# bodycamd: begin", b"# bodycamd: end"
"""What a card adds to the firmware's configuration is between these."""
BUNDLE = re.compile(r"bodycamd-[0-9A-Za-z][0-9A-Za-z.+-]{0,60}\.bundle\Z")
FIRST_BOOT_FILE: Final = Path(__file__).with_name("first-boot.sh")
MASKED: Final = ("rpi-resize.service", "systemd-growfs-root.service", "userconfig.service")
"""Units of Raspberry Pi OS's first boot: two grow the root partition to the end of the card, one asks at the console for a user with a
password. `systemd.mask=` is an option of the kernel's command line: systemd-debug-generator(8). Growing itself begins in the initramfs,
where the command line says `resize` (RPi-Distro/pi-gen #861; RPi-Distro/raspberrypi-sys-mods #103)."""
_GROWING: Final = frozenset({"resize", "init=/usr/lib/raspberrypi-sys-mods/firstboot", "init=/usr/lib/raspi-config/init_resize.sh"})
_IMAGERS_INSTANCE: Final = re.compile(r"ds=nocloud;i=[0-9A-Za-z-]+")
"""Raspberry Pi Imager's, which wins over `instance-id` in meta-data: a card that is made anew would be no new instance."""

Kind: TypeAlias = Literal["public", "personal", "one-time secret"]
CONTENTS: Mapping[str, tuple[str, Kind]] = {
    cloud_init.USER_DATA: ("host name, SSH keys if any, no password; starts the script", "public"),
    cloud_init.META_DATA: ("a new instance id for each card that is made", "public"),
    cloud_init.NETWORK_CONFIG: ("a cable if anybody may log in, else nothing; no wireless network", "public"),
    CMDLINE: ("the kernel's command line: the root partition is not grown, nobody is asked for a password", "public"),
    FIRMWARE: ("the firmware's configuration: the buses and pins of this camera's parts are added", "public"),
    f"{FOLDER}/first-boot": ("the script of the first boot", "public"),
    f"{FOLDER}/bodycamd.yaml": ("this camera's configuration", "public"),
    f"{FOLDER}/recipients.txt": ("whose keys open its footage, from the roster", "public"),
    f"{FOLDER}/roster.txt": ("the roster", "public"),
    f"{FOLDER}/root.json": ("the root that rosters are believed by", "public"),
    f"{FOLDER}/release.pem": ("whose releases are installed", "public"),
    f"{FOLDER}/{CARDS.name}": ("the officers' pseudonyms and the codes of their cards; the first boot erases it here", "personal"),
    f"{FOLDER}/{TOKEN}": (
        "worth something once, until the camera is enrolled or the term ends; the first boot erases it",
        "one-time secret",
    ),
    f"{FOLDER}/{SUMS}": ("the SHA-256 of the files in this folder", "public"),
}
"""Every file that a card gets, but the bundle: what it is for, and who may know it."""


class Card(Struct, frozen=True):
    """The files of a card by name, without those that the image has already (`command_line`, `firmware`) and the bundle."""

    hostname: str
    files: Mapping[str, bytes]
    firmware_lines: tuple[str, ...]


def card(reading: FleetReading, fleet: Fleet, camera: str, place: Place, roster: SignedRoster, token: bytes, instance: str) -> Card:
    """A card for this camera. `token` is the seed of its token's key, `instance` 16 hex digits that no card had before.

    Raises `ConfigError` where the configuration is wrong, or nobody would be able to open the footage.
    """
    settings = configuration(reading, fleet.municipality, place.number, camera)
    recipients = footage_recipients(roster.roster, place.team)
    if not recipients:
        raise ConfigError(f"team {place.team} is not in the last roster: sign a new one first (bodycamd fleet roster)")
    hostname = camera.lower()
    root = root_file(roster.roster.root)
    releases = [PublicKey.from_hex(holder.key).pem() for holder in roster.roster.release_keys if holder.state == "active"]
    in_folder = {
        "first-boot": FIRST_BOOT_FILE.read_bytes(),
        "bodycamd.yaml": settings,
        "recipients.txt": "".join(f"{recipient}\n" for recipient in recipients).encode(),
        "roster.txt": roster.document.file_bytes,
        "root.json": root,
        **({"release.pem": b"".join(releases)} if releases else {}),
        TOKEN: token.hex().encode() + b"\n",
    }
    config = load.parse(settings, ON_CAMERA)
    files = cloud_init.files(cloud_init.told(hostname, instance, config.timezone, users(fleet)))
    if config.board.card_reader != "none":
        in_folder[CARDS.name] = "".join(f"{line_of(one.id, one.card)}\n" for one in cards_of(fleet, place.team)).encode()
    in_folder_named = {f"{FOLDER}/{name}": content for name, content in in_folder.items()}
    return Card(hostname, {**files, **in_folder_named}, tuple(firmware_lines(config)))


def users(fleet: Fleet) -> tuple[User, ...]:
    """Who may log in at a camera: active people whose SSH key the fleet file has."""
    return tuple(
        User(  # noqa: S604 - a shell that a person gets
            name=re.sub(r"[^a-z0-9-]", "-", f"u-{person.id.lower()}")[:31],
            groups=("bodycam", "bodycam-offload"),
            shell="/bin/bash",
            lock_passwd=True,
            ssh_authorized_keys=(person.ssh_key,),
        )
        for person in fleet.people
        if person.ssh_key is not None and person.state == "active"
    )


def command_line(before: bytes) -> bytes:
    """The kernel's command line of the image, with nothing in it that grows the root partition, asks for a user, or says another
    instance id than the card's. Raises `DataError` for what is none, and for a word that is not of Raspberry Pi OS (`boot_strangers`).
    """
    try:
        words = before.decode("ascii").split()
    except UnicodeDecodeError as error:
        raise DataError(f"{CMDLINE}: not ASCII") from error
    if not any(word.startswith("root=") for word in words):
        raise DataError(f"{CMDLINE}: it names no root: not that of Raspberry Pi OS")
    masks = [f"systemd.mask={unit}" for unit in MASKED]
    kept = [word for word in words if word not in _GROWING and word not in masks and _IMAGERS_INSTANCE.fullmatch(word) is None]
    boot_strangers.check_words(kept, CMDLINE)
    return " ".join([*kept, *masks]).encode() + b"\n"


def firmware(before: bytes, lines: Iterable[str]) -> bytes:
    """The firmware's configuration of the image with these lines at its end, for every model; what an earlier card added goes. Raises
    `DataError` where that has no end.
    """
    boot_strangers.check_firmware(before, FIRMWARE)
    head, begun, rest = before.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if begun and not ended:
        raise DataError(f"{FIRMWARE}: {BEGIN.decode()!r} without its end: take out what follows it, or write the image anew")
    kept = head + tail.lstrip(b"\n")
    added = "".join(f"{line}\n" for line in lines).encode()
    if not added:
        return kept
    return kept.rstrip(b"\n") + b"\n" + BEGIN + b"\n[all]\n" + added + END + b"\n"


def sums(files: Mapping[str, str]) -> bytes:
    """The file that the first boot checks the others by: `sha256sum --check`. Hashes by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items())).encode()


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def bundle_name(path: Path) -> str:
    """The name of a bundle's file. Raises `DataError` for another name: the first boot looks for it."""
    if BUNDLE.match(path.name) is None:
        raise DataError(f"{path}: not named as a bundle is: bodycamd-VERSION.bundle")
    return path.name
