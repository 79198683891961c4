"""`--passphrase-file`: for scripts, where nobody can be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import asked
from bodycamd.errors import UsageError

MAX_BYTES = 64 * 1024
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="Take the passphrases from this file, one a line, instead of asking; /dev/stdin works too.",
        readable=False,
    ),
]


def asking(file: Path | None) -> Callable[[str, bool], str]:
    """Who is asked for a secret: called with what it is of, and whether it is asked twice. Without a file, the person, as `asked.secret`.

    A file has the answers in the order of the questions. Raises `UsageError` where one is missing, `NotFoundError`, `StorageError`.
    """
    if file is None:
        return lambda what, twice: asked.secret(what, twice=twice)
    from bodycamd.linux.foreign import read_named

    try:
        lines = iter(read_named(file, MAX_BYTES).decode().splitlines())
    except UnicodeDecodeError:
        raise UsageError(f"--passphrase-file {file}: not UTF-8") from None

    def answer(what: str, twice: bool) -> str:
        said = next(lines, "")
        if not said:
            raise UsageError(f"--passphrase-file {file}: no line for {what}")
        return said

    return answer
