"""The packages of a bundle as files: wheels by pip, the product's own wheel from a commit, Debian packages from an archive.

What comes from elsewhere is believed by its locked hash alone; indexes and mirrors are the builder's own (pip's configuration, the address
that is given), and no address gets into the bundle.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bodycamd.errors import BodycamError, DataError, UnavailableError
from bodycamd.foreign_text import shown
from bodycamd.linux import durable
from bodycamd.linux.python import python_command
from bodycamd.workshop.bundle.locks import LockedPackage

DOWNLOAD_SECONDS = 60
MAX_PACKAGE_BYTES = 256 * 1024 * 1024
FIRST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
PLATFORMS = ("manylinux2014_{}", "manylinux_2_17_{}", "manylinux_2_28_{}", "manylinux_2_31_{}", "manylinux_2_34_{}")
"""Of wheels that run on Debian 13, whose C library is 2.41: PEP 600."""


def download_wheels(lock: Path, machine: str, python: str, into: Path, pip_options: Sequence[str] = ()) -> None:
    """Have pip fetch exactly what the lock file names, for another machine. Raises `UnavailableError` with pip's last words."""
    platforms = [word for form in PLATFORMS for word in ("--platform", form.format(machine))]
    target = [*platforms, "--python-version", python, "--implementation", "cp", "--only-binary=:all:"]
    pip("download", "--no-deps", "--require-hashes", *target, "-d", str(into), "-r", str(lock), *pip_options)


def export_commit(repository: Path, commit: str, into: Path) -> None:
    """The files of a commit as they are in it, whatever lies in the working tree. Raises `UnavailableError`."""
    into.mkdir()
    archive = into.with_suffix(".tar")
    run("git", "-C", str(repository), "archive", "--format=tar", f"--output={archive}", commit)
    run("tar", "--no-same-owner", "--no-same-permissions", "-xf", str(archive), "-C", str(into))


def build_wheel(source: Path, commit_time: int, into: Path) -> Path:
    """The product's own wheel. Its bytes follow from the source and setuptools' version, not from this machine: see `repacked`."""
    built = source.with_name("built")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(commit_time), "PYTHONHASHSEED": "0"}
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(built), str(source), environment=environment)
    [wheel] = built.glob("*.whl")
    target = into / wheel.name
    durable.create(target, repacked(wheel), 0o644)
    return target


def repacked(archive: Path) -> bytes:
    """A zip with the same files, not compressed: what a compressor makes differs between machines, zlib and zlib-ng."""
    with zipfile.ZipFile(archive) as found:
        return stored_zip({name: found.read(name) for name in found.namelist() if not name.endswith("/")})


def stored_zip(files: Mapping[str, bytes], beginning: bytes = b"") -> bytes:
    """A zip of these files, sorted, not compressed, all of the same time and mode 0644, after `beginning`."""
    target = io.BytesIO()
    target.write(beginning)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as made:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, FIRST_ZIP_TIME)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            made.writestr(entry, files[name])
    return target.getvalue()


def fetch_debian(packages: Sequence[LockedPackage], archives: Sequence[str], into: Path) -> None:
    """Fetch Debian packages from the first of these archives that has them: addresses of their roots, or folders. Raises
    `UnavailableError`, `DataError` where all that is found is other bytes than the locked ones."""
    for package in packages:
        durable.create(into / package.file, _from_an_archive(package, archives), 0o644)


def _from_an_archive(package: LockedPackage, archives: Sequence[str]) -> bytes:
    refusal: BodycamError = UnavailableError(f"{package.path}: give --debian-archive")
    for archive in archives:
        try:
            content = _download(f"{archive.rstrip('/')}/{package.path}") if "://" in archive else _read(Path(archive, package.path))
        except UnavailableError as error:
            refusal = error
            continue
        if hashlib.sha256(content).hexdigest() == package.sha256:
            return content
        refusal = DataError(f"{package.path}: not the bytes that the lock file names: renew the lock, or use the archive it was made with")
    raise refusal


def pip(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Run pip of this Python. Raises `UnavailableError`."""
    options = ("--quiet", "--disable-pip-version-check", "--no-input")
    run(*python_command("pip", arguments[0], *options, *arguments[1:]), environment=environment)


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed. Raises `UnavailableError` with its last line."""
    name = Path(command[0]).name
    if shutil.which(command[0]) is None:
        raise UnavailableError(f"{name} is not installed")
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)
    if ended.returncode:
        said = [line for line in ended.stderr.split("\n") if line.strip() and not line.startswith(("hint:", "note:"))]
        last = said[-1] if said else f"exit code {ended.returncode}"
        what = " ".join(word for word in command[1:] if not word.startswith("-"))
        raise UnavailableError(f"{name} {shown(what, 80)}: {shown(last, 400)}")
    return ended.stdout


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}; give --debian-archive") from error


def _download(address: str) -> bytes:
    name = address.rpartition("/")[2]
    if not address.startswith(("http://", "https://")):
        raise UnavailableError(f"{shown(address)}: not an address of an archive")
    try:
        with urllib.request.urlopen(address, timeout=DOWNLOAD_SECONDS) as answer:  # noqa: S310 - the scheme is checked above
            content: bytes = answer.read(MAX_PACKAGE_BYTES + 1)
    except (urllib.error.URLError, OSError) as error:
        raise UnavailableError(f"{name}: cannot be downloaded: {shown(error)}") from error
    if len(content) > MAX_PACKAGE_BYTES:
        raise DataError(f"{name}: longer than {MAX_PACKAGE_BYTES} bytes")
    return content
