"""Where a command works: the store, and the daemon that owns it. Decided here for every command, in this order:

1. `--store`;
2. `storage.directory` of `--config`;
3. the environment's `BODYCAMD_STORE`: an option beats it;
4. `storage.directory` of the configuration of this machine, `/etc/bodycamd/bodycamd.yaml`; where there is none that this user may read,
   `/var/lib/bodycamd/store`.

The control socket is that of `--socket`, or of the configuration that names the store. Two options that name different stores are wrong
use. So is a `BODYCAMD_STORE` that is not the store of this machine's camera, for a command that acts on that camera with neither option.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.config.paths import DEFAULT_CONFIG, DEFAULT_SOCKET, DEFAULT_STORE
from bodycamd.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from bodycamd.config.settings import Config

STORE_VARIABLE = "BODYCAMD_STORE"
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="The store, or a copy: the folder of recordings/ and ledger/. Without it that of --config, "
        f"${STORE_VARIABLE}, or this machine's configuration.",
        readable=False,
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help=f"The camera's configuration: it names store and control socket. Without it: {DEFAULT_CONFIG}.", show_default=False
    ),
]
SocketOption = Annotated[
    Path | None,
    typer.Option("--socket", help="The daemon's control socket, where it is not the configured one.", readable=False, show_default=False),
]
"""Who may ask is said by `ControlClient`: a socket that one may not use is a matter of rights, not of usage."""


@dataclass(frozen=True, slots=True)
class Place:
    """A store, and the control socket of the daemon that owns it: `None` where that is not known, as for a copy."""

    store: Path
    socket: Path | None


@dataclass(frozen=True, slots=True)
class Owner:
    """A camera on this machine: where its daemon listens, and its configuration, `None` where only the daemon can be asked. `file`: where
    that is written, over which what orders have changed counts."""

    socket: Path
    config: Config | None
    file: Path | None = None


def find_place(store: Path | None, config: Path | None = None, socket: Path | None = None) -> Place:
    """Where a command reads. Raises `UsageError` where `store` and `config` disagree, and `ConfigError`."""
    if store is None and config is None and (named := os.environ.get(STORE_VARIABLE)):
        store = Path(named)
    if config is not None:
        settings = load(config)
        _check_same(settings, config, store, "--store")
        return Place(store or Path(settings.storage.directory), socket or Path(settings.control.socket))
    if store is not None:
        return Place(store, socket or _socket_of(store))
    here = of_this_machine()
    if here is None:
        return Place(DEFAULT_STORE, socket or DEFAULT_SOCKET)
    return Place(Path(here.storage.directory), socket or Path(here.control.socket))


def find_owner(store: Path | None, config: Path | None, socket: Path | None) -> Owner:
    """The camera that a command asks, or stands in for while no daemon runs. With `socket` alone, and no configuration on this machine,
    only the daemon can be asked. Raises `UsageError` where `store`, or the environment, names another store than the configuration, and
    `ConfigError`."""
    path = config or DEFAULT_CONFIG
    if socket is not None and config is None and not path.exists():
        return Owner(socket, None)
    settings = load(path)
    _check_same(settings, path, store, "--store")
    if store is None and config is None and (named := os.environ.get(STORE_VARIABLE)):
        _check_same(settings, path, Path(named), STORE_VARIABLE)
    return Owner(socket or Path(settings.control.socket), settings, path)


def find_socket(config: Path | None, socket: Path | None) -> Path:
    """Where the daemon of this machine listens, for commands that only ask. Raises `ConfigError`."""
    if socket is not None:
        return socket
    settings = load(config) if config is not None else of_this_machine()
    return Path(settings.control.socket) if settings is not None else DEFAULT_SOCKET


def load(path: Path) -> Config:
    """The configuration at `path`. Raises `ConfigError`."""
    from bodycamd.config import load as configuration

    return configuration.load(path)


def of_this_machine() -> Config | None:
    """The configuration of this machine; `None` where this user has none to go by: at the municipality, or for who may only ask the daemon.
    Raises `ConfigError`."""
    return load(DEFAULT_CONFIG) if os.access(DEFAULT_CONFIG, os.R_OK) else None


def _socket_of(store: Path) -> Path | None:
    """Of the daemon that owns this store, as far as this machine's configuration knows: if that is broken, the store that was named is read
    all the same."""
    try:
        here = of_this_machine()
    except ConfigError:
        here = None
    configured = (here.storage.directory, here.control.socket) if here is not None else (DEFAULT_STORE, DEFAULT_SOCKET)
    return Path(configured[1]) if _is_same(store, Path(configured[0])) else None


def _is_same(store: Path, other: Path) -> bool:
    """Whether two names lead to one folder; where one leads nowhere, whether they are written alike."""
    try:
        return os.path.samefile(store, other)
    except OSError:  # nothing is there, a circle of links, or no folder that a relative path could start from
        return os.path.normpath(store) == os.path.normpath(other)


def _check_same(settings: Config, path: Path, store: Path | None, named_by: str) -> None:
    configured = Path(settings.storage.directory)
    if store is not None and not _is_same(store, configured):
        raise UsageError(f"{named_by} is {store}, but {path} is about the store {configured}: give one of them, or make them agree")
