"""Says which extra to install where packages are missing: a camera has none of the municipality's, and the other way round."""

from __future__ import annotations

import re

from bodycamd.errors import UnavailableError

SIDES = ("camera", "municipality", "station", "s3")
"""The extras that name packages, each those of its own commands; `workshop` brings both."""
SIDE_OF = {
    **dict.fromkeys(("anchor", "contact-sheet", "export", "keys", "transparency", "verify"), "municipality"),
    "simulate": "workshop",
    "station": "station",
}
"""Whose a command is, where it is not the camera's."""


def as_error(error: ModuleNotFoundError, command: str) -> UnavailableError | None:
    """What to install for `command` (its first word); `None` where the module is none of a package that an extra of bodycamd brings: a
    defect, then."""
    missing = what_is_missing(error, SIDE_OF.get(command, "camera"))
    return None if missing is None else UnavailableError(f"this command needs {missing}")


def what_is_missing(error: ImportError, side: str) -> str | None:
    """The package and the extra that brings it, in words: that of `side` where it does, else the one that does; `None` as `as_error`."""
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    extras = _extras(package)
    if not package or package == "bodycamd" or not extras:
        return None
    extra = side if side == "workshop" or side in extras else min(extras)
    return f"the package {package}, which is not installed: from bodycamd's source: pip install '.[{extra}]'"


def _extras(package: str) -> set[str]:
    """The sides whose requirements name the package, as the installed metadata say."""
    from importlib import metadata  # slow to load, and needed where something is missing only

    required = metadata.metadata("bodycamd").get_all("Requires-Dist") or []
    name = re.escape(package).replace("_", "[-_]")
    pattern = re.compile(rf"{name}\b(?!-).*extra == ['\"](\w+)['\"]", re.IGNORECASE)
    return {match[1] for line in required if (match := pattern.match(line)) and match[1] in SIDES}
