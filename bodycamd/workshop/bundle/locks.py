"""The lock files of a bundle: which packages, which versions, which bytes. `config/locks/README.md` says how they are renewed.

camera-aarch64.txt, camera-x86_64.txt   wheels for that machine, as pip's requirements with hashes
debian-aarch64.txt, …                   Debian packages, one a line: package version architecture sha256 path-in-the-archive
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import DataError
from bodycamd.linux.foreign import read_named

MAX_LOCK_BYTES = 1024 * 1024
FROM_DEBIAN = frozenset({"numpy"})
"""Never as wheels on a camera: numpy 2 breaks Debian's simplejpeg, which picamera2 imports (raspberrypi/picamera2 #1170, #1211)."""
_WHEEL = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})==([A-Za-z0-9.+!]{1,60}) --hash=sha256:([0-9a-f]{64})")
_DEBIAN = re.compile(
    r"([a-z0-9][a-z0-9.+-]{1,99}) ([A-Za-z0-9.+:~-]{1,99}) (all|arm64|amd64) ([0-9a-f]{64}) ([A-Za-z0-9][A-Za-z0-9._+~%/-]{1,250}\.deb)"
)


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """A Python package; `name` as its index spells it."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A Debian package. `path` is below the archive's root."""

    name: str
    version: str
    architecture: str
    sha256: str
    path: str

    @property
    def line(self) -> str:
        """Its line in a lock file."""
        return f"{self.name} {self.version} {self.architecture} {self.sha256} {self.path}"

    @property
    def file(self) -> str:
        """Its name in the bundle; an epoch has no place in it, as in the archive."""
        return f"{self.name}_{self.version.rpartition(':')[2]}_{self.architecture}.deb"


def read_wheels(path: Path) -> tuple[LockedWheel, ...]:
    """The locked wheels, by name. Raises `DataError` with the line, `NotFoundError`, `StorageError`."""
    found: dict[str, LockedWheel] = {}
    for number, line in _lines(path):
        match = _WHEEL.fullmatch(line)
        if match is None:
            raise DataError(f"{path}: line {number}: not NAME==VERSION --hash=sha256:HASH")
        name = match[1].lower().replace("_", "-")
        if name in FROM_DEBIAN:
            raise DataError(f"{path}: line {number}: {match[1]} must come from Debian: as a wheel it hides or breaks Debian's own")
        if name in found:
            raise DataError(f"{path}: line {number}: {match[1]} is there twice")
        found[name] = LockedWheel(*match.groups())
    return tuple(found[name] for name in sorted(found))


def read_debian(path: Path) -> tuple[LockedPackage, ...]:
    """The locked Debian packages, in the file's order; none where it has none. Raises as `read_wheels` does."""
    found: dict[str, LockedPackage] = {}
    for number, line in _lines(path):
        match = _DEBIAN.fullmatch(line)
        if match is None or ".." in match[5]:
            raise DataError(f"{path}: line {number}: not PACKAGE VERSION ARCHITECTURE SHA256 PATH")
        if match[1] in found:
            raise DataError(f"{path}: line {number}: {match[1]} is there twice")
        found[match[1]] = LockedPackage(*match.groups())
    return tuple(found.values())


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = read_named(path, MAX_LOCK_BYTES).decode("ascii")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not ASCII") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line and not line.startswith("#")]
