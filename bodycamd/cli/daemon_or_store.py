"""Commands for a camera: its daemon is asked; while none runs, some are carried out without it, on the store itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from bodycamd.camera.daemon.protocol import Request
    from bodycamd.camera.keeping.keeper import Keeper
    from bodycamd.camera.keeping.opening import Judge
    from bodycamd.cli.place import Owner
    from bodycamd.config.settings import Config
    from bodycamd.evidence.statements import Caller
    from bodycamd.retention.deletion import Enter

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ANSWER_SECONDS = 15.0
A = TypeVar("A")
B = TypeVar("B")


def ask(socket: Path, request: Request[A], answer: type[A]) -> A:
    """The daemon's answer. Raises its error, and `UnavailableError` with where to look where none listens."""
    from bodycamd.camera.daemon.client import ControlClient

    with ControlClient(socket, ANSWER_SECONDS) as client:
        return client.request(request, answer)


def ask_or_do(camera: Owner, request: Request[A], answer: type[A], alone: Callable[[Config], B]) -> A | B:
    """The daemon's answer; where none listens, what `alone` makes of the request.

    Raises the `BodycamError` of either. A daemon that is there is not passed by: also that it has no place or no time now is its answer.
    """
    from bodycamd.camera.daemon.client import ControlClient, NobodyListensError

    try:
        client = ControlClient(camera.socket, ANSWER_SECONDS)
    except NobodyListensError:
        if camera.config is None:
            raise
        config = in_force(camera.config, camera.file)
    else:
        with client:
            return client.request(request, answer)
    return alone(config)


def in_force(config: Config, file: Path | None) -> Config:
    """The configuration of `file` with the settings that orders have changed. Raises `ConfigError`, `PermissionDeniedError`."""
    from bodycamd.camera.keeping import ordered_settings

    return config if file is None else ordered_settings.in_force(config, file)


def with_own_start(work: Callable[[Keeper, Enter, Caller], B], judge: Judge | None = None) -> Callable[[Config], B]:
    """For `ask_or_do`: `work` with the store's lock and a start of the command's own, which is not begun for what `judge` refuses. Raises
    as `opening.own_start` does; `StoreBusyError` where a daemon holds the store but does not listen."""

    def alone(config: Config) -> B:
        from bodycamd.camera.keeping.opening import own_start
        from bodycamd.linux.clock import SystemClock

        with own_start(config, SystemClock(), judge) as (keeper, ledger, caller):
            return work(keeper, ledger.note, caller)

    return alone
