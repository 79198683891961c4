"""A bundle from a commit: the same commit and the same lock files make the same bytes, on another machine and on another day.

The release key changes nothing but `bundle.sig`: who has no key builds with a throw-away one and compares the bundle's name with that in a
ledger or a report.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bodycamd.camera.installation import layout, manifest
from bodycamd.camera.installation.manifest import Manifest, Member
from bodycamd.errors import DataError, OutputError
from bodycamd.evidence.keys import Signer
from bodycamd.foreign_text import shown
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_named
from bodycamd.workshop.bundle import locks, packages
from bodycamd.workshop.bundle.locks import LockedWheel

INSTALLER = (
    "bodycamd/__init__.py",
    "bodycamd/errors.py",
    "bodycamd/linux/__init__.py",
    "bodycamd/linux/durable.py",
    "bodycamd/linux/python.py",
    "bodycamd/camera/__init__.py",
)
DEBIAN_LOCK = "debian.txt"
"""In a bundle: the lock file of its Debian packages, so that who has no such image builds it again."""
INSTALLER_FOLDER = "bodycamd/camera/installation"
INSTALLER_MAIN = b"from bodycamd.camera.installation.__main__ import main\n\nraise SystemExit(main())\n"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build. `locks` is the folder of lock files, `debian_lock` another one of Debian packages than that folder's;
    `debian_archives` are where these come from.
    """

    repository: Path
    machine: str
    python: str
    locks: Path
    commit: str = "HEAD"
    debian_lock: Path | None = None
    debian_archives: Sequence[str] = field(default=())
    pip_options: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle that was written."""

    path: Path
    version: str
    sha256: str
    """Its name."""
    size: int


@dataclass(frozen=True, slots=True)
class Source:
    """What a bundle is made from: the commit and its time in seconds since 1970, and for which machine and Python."""

    version: str
    machine: str
    python: str
    commit: str
    commit_time: int


def build(recipe: Recipe, key: Signer, out: Path) -> Built:
    """Build, sign and write `OUT/bodycamd-VERSION.bundle`. Raises `DataError`, `UnavailableError`, `OutputError`."""
    commit = packages.run("git", "-C", str(recipe.repository), "rev-parse", "--verify", f"{recipe.commit}^{{commit}}").strip()
    commit_time = int(packages.run("git", "-C", str(recipe.repository), "show", "-s", "--format=%ct", commit))
    with tempfile.TemporaryDirectory(prefix="bodycamd-bundle-") as made:
        old_mask = os.umask(0o022)
        try:
            source = _collect(recipe, commit, commit_time, Path(made))
        finally:
            os.umask(old_mask)
        return assemble(Path(made) / "bundle", source, key, out)


def assemble(folder: Path, source: Source, key: Signer, out: Path) -> Built:
    """Write the bundle of the files in `folder`. What it holds follows from their names and their content, and from `source`."""
    members = sorted(
        (Member(str(path.relative_to(folder)), path.stat().st_size, _sha256(path)) for path in folder.rglob("*") if path.is_file()),
        key=lambda member: member.path,
    )
    made = Manifest(source.version, source.machine, source.python, source.commit, source.commit_time, tuple(members))
    raw = manifest.encode(made)
    return _write(out / f"bodycamd-{made.version}.bundle", folder, made, raw, key.sign(manifest.SIGNED_PREFIX + raw))


def _collect(recipe: Recipe, commit: str, commit_time: int, made: Path) -> Source:
    """Everything that goes into the bundle, in `made/bundle`."""
    folder, source = made / "bundle", made / "source"
    wheels, debian = folder / "wheels", folder / "debian"
    for place in (folder, wheels, debian):
        place.mkdir()
    packages.export_commit(recipe.repository, commit, source)
    lock = recipe.locks / f"camera-{recipe.machine}.txt"
    debian_lock = recipe.debian_lock or recipe.locks / f"debian-{recipe.machine}.txt"
    locked, locked_debian = locks.read_wheels(lock), locks.read_debian(debian_lock)
    packages.download_wheels(lock, recipe.machine, recipe.python, wheels, recipe.pip_options)
    own = packages.build_wheel(source, commit_time, wheels)
    version = own.name.split("-")[1]
    packages.fetch_debian(locked_debian, recipe.debian_archives, debian)
    durable.create(folder / DEBIAN_LOCK, read_named(debian_lock, locks.MAX_LOCK_BYTES), 0o644)
    durable.create(folder / "install.pyz", _installer(source), 0o644)
    from bodycamd.workshop.bundle.parts_list import parts_list

    parts = (*locked, LockedWheel("bodycamd", version, _sha256(own)))
    durable.create(folder / "sbom.cdx.json", parts_list(version, commit, commit_time, parts, locked_debian, recipe.machine), 0o644)
    return Source(version, recipe.machine, recipe.python, commit, commit_time)


def _installer(source: Path) -> bytes:
    """`install.pyz`, started by Debian's Python on a camera that has nothing else yet: this package's own code, nothing retold."""
    names = [*INSTALLER, *(str(path.relative_to(source)) for path in (source / INSTALLER_FOLDER).glob("*.py"))]
    files = {name: (source / name).read_bytes() for name in names if (source / name).exists()}
    files["__main__.py"] = INSTALLER_MAIN
    return packages.stored_zip(files, b"#!/usr/bin/python3 -I\n")


def _write(target: Path, folder: Path, made: Manifest, raw: bytes, signature: bytes) -> Built:
    """Whole or not at all; a bundle that exists is never replaced."""
    part = target.with_name(target.name + ".part")
    if os.path.lexists(target):
        raise OutputError(f"{target}: exists already, and is never overwritten: choose another --out")
    try:
        part.unlink(missing_ok=True)
        descriptor = durable.open_new(part, 0o644)
        try:
            durable.write_all(descriptor, (layout.beginning(made, raw, signature),))
            for member in made.files:
                content = (folder / member.path).read_bytes()
                start = layout.header(member.path, member.size, made.commit_time)
                durable.write_all(descriptor, (start, content, layout.padding(member.size)))
            durable.write_all(descriptor, (layout.END,))
            durable.sync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(part, target)
        durable.sync_folder(target.parent)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror}") from error
    return Built(target, made.version, manifest.bundle_sha256(raw), target.stat().st_size)


def check_clean(repository: Path) -> None:
    """Raises `DataError` where the working tree is not the commit that would be built: what builds must be what is built."""
    changed = packages.run("git", "-C", str(repository), "status", "--porcelain", "--untracked-files=no")
    if changed:
        first = re.sub(r"\s+", " ", changed.split("\n")[0]).strip()
        raise DataError(f"{repository}: uncommitted changes ({shown(first, 100)}): a bundle is built from a commit")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
