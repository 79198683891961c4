"""`bodycamd offload`: sealed recordings and the ledger onto a mounted disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.output import counted, print_json, say, size
from bodycamd.cli.passphrases import PassphraseFile
from bodycamd.cli.people import KeyOption
from bodycamd.cli.place import ConfigOption, Place, SocketOption, StoreOption, find_owner, find_place
from bodycamd.cli.progress import progress_bar
from bodycamd.cli.signals import as_ctrl_c
from bodycamd.config.paths import DEFAULT_CONFIG, OFFLOAD_GROUP, OFFLOAD_SOCKET
from bodycamd.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from bodycamd.camera.daemon.protocol import LogOffload
    from bodycamd.camera.offloading.client import SealedSegments
    from bodycamd.store.reader import StoreReader


def offload(
    to: Annotated[Path, typer.Option(help="A folder on a mounted disk. It becomes a store of its own.")],
    store: StoreOption = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
    over_ssh: Annotated[
        str | None,
        typer.Option("--from", help="Of a camera elsewhere, by SSH: u-PSEUDONYM@HOST. Nobody is root there, nor here.", show_default=False),
    ] = None,
    key: KeyOption = None,
    passphrase_file: PassphraseFile = None,
    same_disk: Annotated[bool, typer.Option("--same-disk", help="The target may be on the store's own file system.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy what is sealed to a disk, read it back, compare it with the ledger's statements, and log it in the ledger.

    Nothing is decrypted and nothing is deleted. Done again, it continues where it stopped, and takes what has come since. What is still
    being recorded stays behind. Who may not read the store, and is in group bodycam-offload, has it read out by the camera. With --key what
    has come is stated and signed into copy.jsonl on the disk, so that later it can be told from what has been removed.
    """
    from bodycamd.camera.daemon.protocol import LogOffload
    from bodycamd.camera.keeping.offload import failure
    from bodycamd.camera.keeping.offload import offload as copy
    from bodycamd.cli.person import load
    from bodycamd.municipality.copies.copies import now_us
    from bodycamd.municipality.copies.copy_inventory import take_inventory

    if over_ssh is not None and (store is not None or config is not None or socket is not None):
        raise UsageError("--from is a camera elsewhere: --store, --config and --socket are of this machine")
    as_ctrl_c()
    signer = load(key, passphrase_file) if key is not None else None
    with _of_elsewhere(over_ssh) if over_ssh is not None else _of_here(find_place(store, config, socket), config) as origin:
        with progress_bar("offload", quiet=json) as progress:
            done = copy(origin.reader, to, same_disk=same_disk or origin.is_elsewhere, progress=progress, sealed=origin.sealed)
        if signer is not None:
            take_inventory(to, signer, now_us())
        origin.log(
            LogOffload(
                to=done.to[-200:],
                recordings=done.recordings,
                copied=done.copied,
                already_there=done.already_there,
                bytes=done.bytes,
                failed=len(done.failed),
                head=done.head,
            )
        )
    if json:
        print_json(done)
    else:
        there = f", {counted(done.already_there, 'file')} there already" if done.already_there else ""
        copied = f"{counted(done.copied, 'file')} of {counted(done.recordings, 'recording')} copied and verified ({size(done.bytes)})"
        say(f"{done.to}: {copied}{there}")
        for name in done.left_behind:
            say(f"{name}: not sealed yet; left behind", err=True)
    error = failure(done)
    if error is not None:
        raise error


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where it comes from: a reader of the store; who reads segments out, where this user may not; how it will be logged."""

    reader: StoreReader
    sealed: SealedSegments | None
    log: Callable[[LogOffload], None]
    is_elsewhere: bool = False


@contextmanager
def _of_here(place: Place, config: Path | None) -> Iterator[_Origin]:
    from bodycamd.camera.offloading.client import SealedSegments
    from bodycamd.cli.mirror import Mirror, readable_store

    with readable_store(place) as reader:
        sealed = SealedSegments(OFFLOAD_SOCKET) if isinstance(reader, Mirror) else None
        yield _Origin(reader, sealed, _log(place, config))


@contextmanager
def _of_elsewhere(where: str) -> Iterator[_Origin]:
    from bodycamd.camera.daemon.client import ControlClient
    from bodycamd.camera.daemon.protocol import AskStatus
    from bodycamd.camera.daemon.status_message import Status
    from bodycamd.camera.offloading.client import SealedSegments
    from bodycamd.cli.mirror import ANSWER_SECONDS, mirrored
    from bodycamd.cli.over_ssh import forwarded

    with forwarded(where) as (control, offloading):
        try:
            client = ControlClient(control, ANSWER_SECONDS)
            client.request(AskStatus(), Status)
            sealed = SealedSegments(offloading)
        except UnavailableError as error:
            raise UnavailableError(
                f"{where}: logged in, but nothing is told there ({error}): is that user in the groups bodycam and {OFFLOAD_GROUP}, and "
                "does bodycamd run?"
            ) from error
        with mirrored(client) as reader:
            yield _Origin(reader, sealed, _told_to(control), is_elsewhere=True)


def _log(place: Place, config: Path | None) -> Callable[[LogOffload], None]:
    """How it will be logged; found out before anything is copied. Raises `UsageError` where it could not be."""
    from bodycamd.camera.daemon.client import NobodyListensError
    from bodycamd.camera.daemon.protocol import AskStatus
    from bodycamd.camera.daemon.status_message import Status
    from bodycamd.cli.daemon_or_store import ask

    socket = place.socket
    if socket is None:
        return _log_ourselves(place, config)
    try:
        ask(socket, AskStatus(), Status)
    except NobodyListensError:
        return _log_ourselves(place, config)
    return _told_to(socket)


def _told_to(socket: Path) -> Callable[[LogOffload], None]:
    def log(done: LogOffload) -> None:
        from bodycamd.camera.daemon.protocol import Logged
        from bodycamd.cli.daemon_or_store import ask

        ask(socket, done, Logged)

    return log


def _log_ourselves(place: Place, config: Path | None) -> Callable[[LogOffload], None]:
    from bodycamd.cli.daemon_or_store import in_force

    if config is None and not DEFAULT_CONFIG.is_file():
        raise UsageError(
            f"{place.store}: no daemon answers for it, and there is no {DEFAULT_CONFIG}: it could not be logged; give --config"
        )
    camera = find_owner(place.store, config, None)
    assert camera.config is not None, "only with a socket there may be none"
    settings = in_force(camera.config, camera.file)

    def log(done: LogOffload) -> None:
        from msgspec import structs

        from bodycamd.camera.keeping.opening import own_start
        from bodycamd.evidence.entries import detail_fields
        from bodycamd.linux.clock import SystemClock

        with own_start(settings, SystemClock()) as (_, ledger, caller):
            ledger.append("offloaded", {**structs.asdict(done), "caller": detail_fields(caller)})

    return log
