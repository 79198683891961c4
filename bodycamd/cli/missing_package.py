"""Says which extra to install where a command's packages are missing: a camera has none of the municipality's, and the other way round."""

from __future__ import annotations

import re
from importlib import metadata

from bodycamd.errors import UnavailableError

PREFERRED = ("camera", "municipality", "workshop")
"""The sides, each with the packages of its own commands; where several would do, the first is named."""


def as_error(error: ModuleNotFoundError) -> UnavailableError | None:
    """What to install; `None` where the module is none of a package that an extra of bodycamd brings: a defect, then."""
    package = (error.name or "").partition(".")[0]
    extras = _extras(package)
    if not package or package == "bodycamd" or not extras:
        return None
    side = min(extras, key=PREFERRED.index)
    return UnavailableError(f"this command needs the package {package}, which is not installed: pip install 'bodycamd[{side}]'")


def _extras(package: str) -> set[str]:
    """The sides whose requirements name the package, as the installed metadata say."""
    required = metadata.metadata("bodycamd").get_all("Requires-Dist") or []
    pattern = re.compile(rf"{re.escape(package)}\b(?!-).*extra == ['\"](\w+)['\"]", re.IGNORECASE)
    return {match[1] for line in required if (match := pattern.match(line)) and match[1] in PREFERRED}
