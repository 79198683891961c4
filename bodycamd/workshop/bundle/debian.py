"""The Debian packages that an image lacks of what a camera needs: resolved by apt, against the image's own packages, from its own sources.

apt runs here, with a state of its own: neither this machine's packages nor its sources count, nothing is installed, and nothing of the
image is run. What it downloads it checks by the image's own keys, as the image would.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import DataError
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import read_named
from bodycamd.workshop.bundle.image import Image, read_image, read_root
from bodycamd.workshop.bundle.locks import MAX_LOCK_BYTES, LockedPackage
from bodycamd.workshop.bundle.packages import run

_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]{1,99}")
_INSTALLED = re.compile(r"^Inst (\S+)(?: \[[^\]]*\])? \((\S+) .*\[(\w+)\]\)", re.MULTILINE)
_REMOVED = re.compile(r"^Remv (\S+)", re.MULTILINE)
_FIELD = re.compile(r"^(Package|Version|Filename): (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DebianSet:
    """A set of packages: their lock file, and the folder that holds them by their paths in the archive."""

    lock: Path
    archive: Path


def read_manifest(path: Path, groups: Sequence[str]) -> tuple[str, ...]:
    """The packages of these groups of a manifest (config/debian-packages.toml). Raises `DataError`, `NotFoundError`, `StorageError`."""
    try:
        found = tomllib.loads(read_named(path, MAX_LOCK_BYTES).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: not TOML: {shown(error)}") from error
    names: list[str] = []
    for group in groups:
        packages = found.get(group)
        if not isinstance(packages, list) or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in packages):
            raise DataError(f"{path}: {group}: not a list of Debian packages")
        names += packages
    return tuple(dict.fromkeys(names))


def resolve_on(file: Path, packages: Sequence[str], machine: str, python: str, into: Path) -> DebianSet:
    """As `resolve`, on an image or the folder where one is mounted. Raises `DataError` also where the image is of another machine or Python
    than the bundle."""
    image = (read_root if file.is_dir() else read_image)(file, into / "image")
    if (image.machine, image.python or python) != (machine, python):
        raise DataError(f"{file}: an image of {image.machine} with Python {image.python}, and the bundle is for {machine} and {python}")
    return resolve(image, packages, into)


def resolve(image: Image, packages: Sequence[str], into: Path) -> DebianSet:
    """Have apt find and download what the image lacks of these packages. Raises `DataError` where the image would lose a package,
    `UnavailableError` with apt's last words."""
    archive, lock = into / "archive", into / f"debian-{image.machine}.txt"
    apt = _Apt(image, into / "apt")
    apt.get("update", "--error-on=any")
    plan = apt.get("install", "--simulate", "--no-upgrade", *packages)
    if removed := _REMOVED.findall(plan):
        raise DataError(f"the image would lose {shown(', '.join(removed), 200)}: these packages do not fit it")
    apt.get("install", "--yes", "--download-only", "--no-upgrade", *packages)
    wanted = _INSTALLED.findall(plan)
    places = apt.places([f"{name}={version}" for name, version, _ in wanted]) if wanted else {}
    locked = []
    for name, version, architecture in wanted:
        name = name.partition(":")[0]
        file = apt.archives / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
        place = places.get((name, version))
        if place is None or not file.is_file():
            raise DataError(f"{name}: apt did not download it: the image's sources must be on a network")
        content = file.read_bytes()
        package = LockedPackage(name, version, architecture, hashlib.sha256(content).hexdigest(), place)
        target = archive / package.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        locked.append(package)
    archive.mkdir(exist_ok=True)
    title = f"# What {', '.join(packages)} take beside an image of {image.title}, {image.architecture}."
    lock.write_text("\n".join([title, *(package.line for package in locked), ""]), encoding="ascii", errors="replace")
    return DebianSet(lock, archive)


class _Apt:
    """apt with the packages, sources and keys of an image, and a state in `folder`."""

    def __init__(self, image: Image, folder: Path) -> None:
        self.archives = folder / "cache/archives"
        for place in (self.archives / "partial", folder / "state/lists/partial"):
            place.mkdir(parents=True)
        for file in (*image.folder.glob("etc/apt/sources.list"), *image.folder.glob("etc/apt/sources.list.d/*")):
            here = re.sub(r"(?<=[\s=])/(?=(usr/share|etc/apt)/keyrings/)", f"{image.folder}/", file.read_text(encoding="utf-8"))
            file.write_text(here, encoding="utf-8")
        settings = {
            "APT::Architecture": image.architecture,
            "APT::Architectures": image.architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Dir::Cache": f"{folder}/cache",
            "Dir::Etc": f"{image.folder}/etc/apt",
            "Dir::State": f"{folder}/state",
            "Dir::State::status": f"{image.folder}/var/lib/dpkg/status",
        }
        self._options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def get(self, *words: str) -> str:
        """`apt-get`, and what it printed."""
        return run("apt-get", *self._options, *words)

    def places(self, packages: Sequence[str]) -> dict[tuple[str, str], str]:
        """The path in the archive of each of these packages (`NAME=VERSION`), by name and version."""
        fields = [dict(_FIELD.findall(stanza)) for stanza in run("apt-cache", *self._options, "show", *packages).split("\n\n")]
        return {
            (found["Package"], found["Version"]): found["Filename"]
            for found in fields
            if found.keys() >= {"Package", "Version", "Filename"}
        }
