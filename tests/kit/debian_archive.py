"""Debian packages for tests: small ones, an archive of them that apt takes, and a system that has some of them."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SYSTEM = (
    "Package: dpkg\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22\nMaintainer: x\nDescription: x\n\n"
)
SYSTEM += "Package: python3\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.13.5-1\nMaintainer: x\nDescription: x\n\n"


def package(folder: Path, name: str, version: str = "1.0", **fields: str) -> Path:
    """Make a package without files. `fields` are those of its control file: `depends="b (>= 2)"`, `pre_depends=…`."""
    (control := folder / f"{name}-{version}/DEBIAN").mkdir(parents=True)
    (control / "control").write_text(stanza(name, version, fields))
    target = folder / f"{name}_{version.rpartition(':')[2]}_all.deb"
    subprocess.run(["dpkg-deb", "--build", "-Znone", control.parent, target], check=True, capture_output=True)
    return target


def stanza(name: str, version: str, fields: Mapping[str, str], status: str = "") -> str:
    """What says of a package what it is."""
    given = {
        "Package": name,
        "Version": version,
        "Architecture": "all",
        "Maintainer": "x <x@example.org>",
        **({"Status": status} if status else {}),
    }
    given |= {"-".join(word.capitalize() for word in key.split("_")): value for key, value in fields.items()}
    return "".join(f"{key}: {value}\n" for key, value in given.items()) + "Description: made by a test\n"


def archive(folder: Path, packages: Mapping[str, Mapping[str, str]]) -> Path:
    """An archive of packages, by name with their fields; `version` among them."""
    (pool := folder / "pool").mkdir(parents=True)
    index = ""
    for name, given in packages.items():
        fields = {"version": "1.0", **given}
        version = fields.pop("version")
        content = (deb := package(pool, name, version, **fields)).read_bytes()
        told = {**fields, "filename": f"pool/{deb.name}", "size": str(len(content)), "SHA256": hashlib.sha256(content).hexdigest()}
        index += stanza(name, version, told).replace("Sha256", "SHA256") + "\n"
    (folder / "Packages.gz").write_bytes(gzip.compress(index.encode()))
    return folder


def system(folder: Path, archive_folder: Path, installed: Sequence[str] = ()) -> Path:
    """The root of a Debian system that knows this archive and has these packages (stanzas)."""
    for place in ("etc/apt/sources.list.d", "usr/share/keyrings", "usr/lib", "var/lib/dpkg"):
        (folder / place).mkdir(parents=True)
    (folder / "usr/share/keyrings/a.gpg").write_bytes(b"")
    (folder / "etc/apt/sources.list.d/a.list").write_text(f"deb [trusted=yes] copy:{archive_folder} ./\n")
    (folder / "usr/lib/os-release").write_text('ID=debian\nPRETTY_NAME="Debian of a test"\n')
    (folder / "var/lib/dpkg/status").write_text(SYSTEM + "".join(f"{one}\n" for one in installed))
    return folder
