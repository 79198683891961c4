"""Refuses an output whose name promises another kind of file."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from bodycamd.errors import UsageError

_SUFFIXES = frozenset(mimetypes.MimeTypes(filenames=()).types_map[1]) | {".mkv", ".mts", ".m4v", ".7z", ".gz", ".rar", ".xz"}
"""Endings of files, by the library's own table: that of the machine differs from one to the next."""


def is_film(out: Path) -> bool:
    """Whether `--out` names a film rather than a folder. Raises `UsageError` for the name of any other file."""
    if out.suffix == ".mp4":
        return True
    if out.suffix.lower() in _SUFFIXES:
        raise UsageError(f"--out {out}: a film ends in .mp4, in small letters, and a folder has no ending of a file")
    return False


def check_picture(what: str, path: Path) -> None:
    """Raises `UsageError` where a picture, which is a PNG, would have another ending. `what` names the option."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{what} {path}: the picture is a PNG: give it a name that ends in .png")
