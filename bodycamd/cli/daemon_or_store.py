"""Commands that write: asked of the running daemon, or, while none runs, carried out with the store's lock and a start of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.errors import UnavailableError

if TYPE_CHECKING:
    from bodycamd.camera.keeping.keeper import Keeper
    from bodycamd.camera.keeping.opening import Judge
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


def ask_or_do(
    config: Path,
    socket: Path | None,
    command: str,
    arguments: dict[str, Any],
    alone: Callable[[Keeper, Enter, Caller], Any],
    judge: Judge | None = None,
) -> tuple[Any, bool]:
    """The answer, and whether a daemon gave it. `alone` does the same without a daemon, in a start of its own, which
    is not begun for what `judge` refuses.

    Raises the `BodycamError` of either; `StoreBusyError` where a daemon holds the store but does not listen.
    """
    from bodycamd.config import load as configuration

    settings = None if socket is not None and not config.exists() else configuration.load(config)
    path = socket if socket is not None else Path(settings.control.socket) if settings is not None else Path()
    try:
        client = ControlClient(path, ANSWER_SECONDS)
    except UnavailableError as error:
        if settings is None or isinstance(error.__cause__, TimeoutError):
            raise
    else:
        with client:  # what it says counts, also that it has no place or no time now
            return client.request(command, **arguments), True
    from bodycamd.camera.keeping.opening import own_start
    from bodycamd.linux.clock import SystemClock

    with own_start(settings, SystemClock(), judge) as (keeper, ledger, caller):
        return alone(keeper, ledger.note, caller), False
