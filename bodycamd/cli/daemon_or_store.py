"""Commands for a camera: its daemon is asked; while none runs, some are carried out without it, on the store itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bodycamd.errors import UnavailableError

if TYPE_CHECKING:
    from bodycamd.camera.daemon.protocol import Request
    from bodycamd.camera.keeping.keeper import Keeper
    from bodycamd.camera.keeping.opening import Judge
    from bodycamd.config.settings import Config
    from bodycamd.evidence.statements import Caller
    from bodycamd.retention.deletion import Enter

ConfigOption = Annotated[Path, typer.Option("--config", help="The camera's configuration: it names the control socket and the store.")]
SocketOption = Annotated[
    Path | None, typer.Option("--socket", help="The daemon's control socket, where it is not the configured one.", readable=False)
]
"""Who may ask is said by `ControlClient`: a socket that one may not use is a matter of rights, not of usage."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEFAULT_CONFIG = Path("/etc/bodycamd/bodycamd.yaml")
ANSWER_SECONDS = 15.0
A = TypeVar("A")
B = TypeVar("B")


def ask_or_do(config: Path, socket: Path | None, request: Request[A], answer: type[A], alone: Callable[[Config], B]) -> A | B:
    """The daemon's answer; where none listens, what `alone` makes of the request. With `socket`, and no configuration, only the daemon can
    be asked.

    Raises the `BodycamError` of either. A daemon that is there is not passed by: also that it has no place or no time now is its answer.
    """
    from bodycamd.camera.daemon.client import ControlClient
    from bodycamd.config import load as configuration

    settings = None if socket is not None and not config.exists() else configuration.load(config)
    path = socket if socket is not None else Path(settings.control.socket) if settings is not None else Path()
    try:
        client = ControlClient(path, ANSWER_SECONDS)
    except UnavailableError as error:
        if settings is None or isinstance(error.__cause__, TimeoutError):
            raise
    else:
        with client:
            return client.request(request, answer)
    return alone(settings)


def with_own_start(work: Callable[[Keeper, Enter, Caller], B], judge: Judge | None = None) -> Callable[[Config], B]:
    """For `ask_or_do`: `work` with the store's lock and a start of the command's own, which is not begun for what `judge` refuses. Raises
    as `opening.own_start` does; `StoreBusyError` where a daemon holds the store but does not listen."""

    def alone(config: Config) -> B:
        from bodycamd.camera.keeping.opening import own_start
        from bodycamd.linux.clock import SystemClock

        with own_start(config, SystemClock(), judge) as (keeper, ledger, caller):
            return work(keeper, ledger.note, caller)

    return alone
