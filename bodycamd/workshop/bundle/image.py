"""What an image says of its Debian packages: which it has, and where more come from. Nothing of it is mounted, run or changed.

An image is a file with partitions, as Raspberry Pi OS comes (unpacked: `unxz`), or the folder where one is mounted.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from bodycamd.errors import DataError, UnavailableError
from bodycamd.foreign_text import shown
from bodycamd.workshop.bundle.packages import run

PLACES = ("etc/apt", "usr/share/keyrings", "usr/lib/os-release", "var/lib/dpkg/status")
"""What is read of it."""
MACHINES = {"arm64": "aarch64", "amd64": "x86_64"}
LINUX_PARTITIONS = ("83", "0FC63DAF-8483-4772-8E79-3D69D8477DE4")
"""The types of a partition with a Linux file system: of the old table, as Raspberry Pi OS has it, and of GPT."""


@dataclass(frozen=True, slots=True)
class Image:
    """A copy of `PLACES` below `folder`. `title` is the system's own name, `architecture` Debian's name of the processor, `python` the
    version of Debian's Python (`3.13`), empty where there is none.
    """

    folder: Path
    title: str
    architecture: str
    python: str

    @property
    def machine(self) -> str:
        """The processor as `uname -m` names it."""
        return MACHINES[self.architecture]


def read_image(file: Path, into: Path) -> Image:
    """Read the largest Linux partition of an image, by `debugfs`. Raises `DataError`, `UnavailableError`."""
    table = json.loads(run("sfdisk", "--json", str(file)))["partitiontable"]
    linux = [part for part in table.get("partitions", ()) if part["type"] in LINUX_PARTITIONS]
    if not linux:
        raise DataError(f"{file}: no Linux partition: not an image of a system")
    offset = max(linux, key=lambda part: int(part["size"]))["start"] * int(table.get("sectorsize", 512))
    for place in PLACES:
        target = into / place
        target.parent.mkdir(parents=True, exist_ok=True)
        what = f"rdump /{place} {target.parent}" if place in PLACES[:2] else f"dump /{place} {target}"
        run("debugfs", "-R", what, f"{file}?offset={offset}")
    return _found(into, file)


def read_root(root: Path, into: Path) -> Image:
    """Read an image that is mounted at `root`. Raises `DataError`, `UnavailableError`."""
    for place in PLACES:
        source, target = root / place, into / place
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copyfile(source, target)
        except OSError as error:
            raise UnavailableError(f"{error.filename or source}: {error.strerror or error}") from error
    return _found(into, root)


def _found(folder: Path, image: Path) -> Image:
    try:
        system = (folder / "usr/lib/os-release").read_text(encoding="utf-8")
        status = (folder / "var/lib/dpkg/status").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{image}: no Debian system is in it: {shown(error)}") from error
    title = re.search(r'^PRETTY_NAME="?([^"\n]+)', system, re.MULTILINE)
    stanzas = [f"\n{stanza}\n" for stanza in status.split("\n\n") if "\nStatus: install ok installed\n" in stanza]
    named = {stanza.partition("\nPackage: ")[2].partition("\n")[0]: stanza for stanza in stanzas}
    architecture = re.search(r"^Architecture: (\S+)$", named.get("dpkg", ""), re.MULTILINE)
    python = re.search(r"^Version: (3\.[0-9]+)\.", named.get("python3", ""), re.MULTILINE)
    if title is None or architecture is None or architecture[1] not in MACHINES:
        raise DataError(f"{image}: not a Debian system of {' or '.join(MACHINES)}")
    return Image(folder, shown(title[1], 100), architecture[1], python[1] if python else "")
