"""What cloud-init is told on a new card, and the check that it is exactly this.

cloud-init passes over keys that it does not know, with a warning in a log that nobody reads: a misspelt `ssh_pwauth` leaves passwords on.
So what stands on a card is held against the types below, which have no room for anything else: no password in any spelling, no way to root,
no packages from a network, no other commands than the one script. That is started by `bootcmd`, at every boot until the script is done:
`runcmd` is started once, whether it comes to its end or not.

Keys as in cloud-init's reference (https://docs.cloud-init.io/en/latest/reference/modules.html), network configuration version 2. Raspberry
Pi OS reads them from the boot partition since trixie (pi-gen, stage2/04-cloud-init).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

import msgspec
import yaml
from msgspec import Meta, Struct

from bodycamd.errors import DataError
from bodycamd.foreign_text import shown
from bodycamd.workshop.fleet.fleet_file import SshKey

USER_DATA, META_DATA, NETWORK_CONFIG = "user-data", "meta-data", "network-config"
HEAD: Final = "#cloud-config\n"
FIRST_BOOT: Final = "/boot/firmware/bodycamd/first-boot"
MAX_BYTES: Final = 64 * 1024
HostName = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")]
UserName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,30}\Z")]


class _Exact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: nothing but these keys, and all of them."""


class Growpart(_Exact, frozen=True, kw_only=True):
    """The root partition keeps the size that the script gives it: the rest of the card is for footage."""

    mode: Literal["off"]


class User(_Exact, frozen=True, kw_only=True):
    """Somebody who may log in by SSH key: to ask the camera, and to take sealed footage off it. No password (`lock_passwd`), and no way to
    root.
    """

    name: UserName
    groups: tuple[Literal["bodycam"], Literal["bodycam-offload"]]
    shell: Literal["/bin/bash"]
    lock_passwd: bool
    ssh_authorized_keys: tuple[SshKey]


class UserData(_Exact, frozen=True, kw_only=True):
    """All of `user-data`."""

    hostname: HostName
    manage_etc_hosts: bool
    timezone: Annotated[str, Meta(min_length=1, max_length=64)]
    ssh_pwauth: bool
    disable_root: bool
    users: Annotated[tuple[User, ...], Meta(max_length=50)]
    growpart: Growpart
    resize_rootfs: bool
    package_update: bool
    package_upgrade: bool
    bootcmd: tuple[tuple[Literal["sh"], Literal["/boot/firmware/bodycamd/first-boot"], Literal["prepare"]]]


class MetaData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """All of `meta-data`. A new instance id for each card that is made: cloud-init does its work once for each."""

    instance_id: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,63}\.[0-9a-f]{16}\Z")]
    local_hostname: HostName


class Ethernet(_Exact, frozen=True, kw_only=True):
    """A cable that may be there: the boot does not wait for it."""

    dhcp4: bool
    optional: bool


class NetworkConfig(_Exact, frozen=True, kw_only=True):
    """All of `network-config`: a cable, or nothing. No wireless network: its key would lie on the card."""

    version: Literal[2]
    ethernets: Annotated[dict[Literal["eth0"], Ethernet], Meta(max_length=1)]


class CloudInit(Struct, frozen=True):
    """The three files."""

    user_data: UserData
    meta_data: MetaData
    network_config: NetworkConfig


def told(hostname: str, instance: str, timezone: str, users: tuple[User, ...]) -> CloudInit:
    """What a card for this host says; `instance` are 16 hex digits. With nobody to log in, no network is configured."""
    user_data = UserData(
        hostname=hostname,
        manage_etc_hosts=True,
        timezone=timezone,
        ssh_pwauth=False,
        disable_root=True,
        users=users,
        growpart=Growpart(mode="off"),
        resize_rootfs=False,
        package_update=False,
        package_upgrade=False,
        bootcmd=(("sh", FIRST_BOOT, "prepare"),),
    )
    cable: dict[Literal["eth0"], Ethernet] = {"eth0": Ethernet(dhcp4=True, optional=True)} if users else {}
    return CloudInit(
        user_data, MetaData(instance_id=f"{hostname}.{instance}", local_hostname=hostname), NetworkConfig(version=2, ethernets=cable)
    )


def files(cloud_init: CloudInit) -> dict[str, bytes]:
    """The files by name; `read` returns the same from them."""
    parts = {USER_DATA: cloud_init.user_data, META_DATA: cloud_init.meta_data, NETWORK_CONFIG: cloud_init.network_config}
    made = {name: yaml.safe_dump(msgspec.to_builtins(part), sort_keys=False, width=1000) for name, part in parts.items()}
    return {name: ((HEAD if name == USER_DATA else "") + text).encode() for name, text in made.items()}


def read(found: dict[str, bytes]) -> CloudInit:
    """What the files on a card say. Raises `DataError`, with file and place, for anything that `told` would not say."""
    if not found[USER_DATA].startswith(HEAD.encode()):
        raise DataError(f"{USER_DATA}: it does not begin with {HEAD.strip()}: cloud-init would pass it over")
    user_data = _read(found, USER_DATA, UserData)
    meta_data = _read(found, META_DATA, MetaData)
    network = _read(found, NETWORK_CONFIG, NetworkConfig)
    cloud_init = CloudInit(user_data, meta_data, network)
    if any(not user.lock_passwd for user in user_data.users):
        raise DataError(f"{USER_DATA}: users: somebody could log in with a password")
    instance = meta_data.instance_id.rpartition(".")[2]
    if cloud_init != told(user_data.hostname, instance, user_data.timezone, user_data.users):
        raise DataError(f"{USER_DATA}, {META_DATA}, {NETWORK_CONFIG}: not what a card says of {user_data.hostname}")
    return cloud_init


T = TypeVar("T", bound=Struct)


def _read(found: dict[str, bytes], name: str, kind: type[T]) -> T:
    raw = found[name]
    if len(raw) > MAX_BYTES:
        raise DataError(f"{name}: longer than {MAX_BYTES} bytes")
    try:
        return msgspec.convert(yaml.safe_load(raw), kind)
    except yaml.YAMLError as error:
        raise DataError(f"{name}: not YAML: {shown(' '.join(str(error).split()))}") from error
    except msgspec.ValidationError as error:
        raise DataError(f"{name}: {shown(error)}: cloud-init would be told something else than a card says") from error
