"""Files that a command makes: new ones, whole and durable, and for this user alone.

A name that is taken may be that of the only private key there is: nothing that exists is replaced, whatever it is. Anchors, certificates
and pictures tell about people: other users get no rights, whatever the umask (where the file system knows rights).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from bodycamd.errors import BodycamError, OutputError
from bodycamd.linux import durable, foreign

FILM = b"ftyp"
PICTURE = b"\x89PNG\r\n\x1a\n"


def check_room(path: Path, beginning: bytes, what: str, overwrite: bool) -> None:
    """Raises `OutputError` where something has this name, unless `overwrite` allows it and it is a file of this kind: one that has
    `beginning` at its first bytes, or for a film behind the size of its first box.
    """
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise OutputError(f"{path}: exists already; choose another name, or --overwrite")
    try:
        with foreign.open_file(path) as file:
            first = file.read(16)
    except (BodycamError, OSError) as error:
        raise OutputError(f"{path}: exists already and is not overwritten: {error}") from error
    if not (first.startswith(beginning) or first[4:].startswith(beginning)):
        raise OutputError(f"{path}: exists already and is no {what}; it is not overwritten")


def check_new(path: Path) -> None:
    """Raises `OutputError` where something has this name, as `write_new` does: to be told before somebody types a passphrase."""
    if os.path.lexists(path):
        raise OutputError(f"{path}: exists already, and is never overwritten: choose another name")


def write_new(files: Mapping[Path, bytes]) -> None:
    """Write files that do not exist yet: all of them, or none, also where this is interrupted. Raises `OutputError`.

    Not guaranteed: that a power cut in between leaves none.
    """
    made: list[Path] = []
    try:
        for path, content in files.items():
            descriptor = durable.open_new(path)
            made.append(path)
            durable.fill(descriptor, content)
            durable.sync_folder(path.absolute().parent)
    except BaseException as error:
        for done in made:
            with contextlib.suppress(OSError):  # the disk may be gone
                done.unlink()
        if isinstance(error, FileExistsError):
            raise OutputError(f"{path}: exists already, and is never overwritten: choose another name") from error
        if isinstance(error, OSError):
            raise OutputError(f"{path}: cannot be created: {error.strerror}") from error
        raise
