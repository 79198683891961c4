"""The boot partition of a card: the FAT file system that a Raspberry Pi reads first, in an image or where it is mounted.

In an image it is read and written by mtools (mtype, mcopy, mmd, mdel): no mount, no root.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Protocol

from bodycamd.errors import DataError, NotFoundError, OutputError, StorageError, UnavailableError
from bodycamd.foreign_text import shown

SECTOR_BYTES = 512
FAT_TYPES = frozenset({0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E})
MTOOLS_SECONDS = 300
MAX_READ_BYTES = 4 * 1024 * 1024
PRIVATE = 0o600
OTHERS = 0o077
_ONE_FILE = re.compile(rb"^ +1 file +([0-9 ]+) bytes$", re.MULTILINE)


class BootPartition(Protocol):
    """Where the files go. Names have forward slashes, at most one."""

    def read(self, name: str) -> bytes | None:
        """The content of a small file; `None` where there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, in place of one that has the name. Raises `OutputError`."""

    def copy(self, name: str, source: Path) -> None:
        """Write a large file from another one. Raises `OutputError`."""

    def make_folder(self, name: str) -> None:
        """Make a folder, empty: what is in one of that name goes."""

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted."""

    def size_bytes(self, name: str) -> int:
        """How long a file is, whatever its size. Raises `DataError` where it cannot be told."""

    def close_to_others(self) -> None:
        """An image that others may read is its owner's alone from here on: a token follows. Raises `OutputError` where it cannot be."""

    def finish(self) -> None:
        """Everything is on the disk when this returns."""


class MountedPartition:
    """A boot partition that is mounted, such as /media/NAME/bootfs."""

    def __init__(self, folder: Path) -> None:
        """Raises `NotFoundError` where it is none."""
        if not (folder / "cmdline.txt").is_file():
            raise NotFoundError(f"{folder}: not the boot partition of Raspberry Pi OS: no cmdline.txt in it")
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """As `BootPartition`."""
        from bodycamd.linux.foreign import read_file

        try:
            return read_file(self._folder / name, MAX_READ_BYTES)
        except NotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """As `BootPartition`."""
        from bodycamd.linux import durable

        try:
            (self._folder / name).unlink(missing_ok=True)
            durable.create(self._folder / name, content)
        except OSError as error:
            raise OutputError(f"{self._folder / name}: cannot be written: {error.strerror}") from error

    def copy(self, name: str, source: Path) -> None:
        """As `BootPartition`."""
        _run(["cp", "--", str(source), str(self._folder / name)], f"{self._folder / name}: cannot be written")

    def make_folder(self, name: str) -> None:
        """As `BootPartition`."""
        try:
            (self._folder / name).mkdir(exist_ok=True)
            for path in (self._folder / name).iterdir():
                path.unlink()
        except OSError as error:
            raise OutputError(f"{self._folder / name}: cannot be made empty: {error.strerror}") from error

    def names(self, folder: str) -> list[str]:
        """As `BootPartition`."""
        try:
            return sorted(path.name for path in (self._folder / folder).iterdir())
        except OSError:
            return []

    def size_bytes(self, name: str) -> int:
        """As `BootPartition`."""
        try:
            return (self._folder / name).stat().st_size
        except OSError as error:
            raise DataError(f"{self._folder / name}: cannot be looked at: {error.strerror}") from error

    def close_to_others(self) -> None:
        """A mounted partition is a FAT file system, without modes of its own: who may read it was decided when it was mounted."""

    def finish(self) -> None:
        """As `BootPartition`."""
        _run(["sync", "--file-system", str(self._folder)], f"{self._folder}: cannot be written out")


class ImagePartition:
    """The boot partition within the image of a whole card."""

    def __init__(self, image: Path) -> None:
        """Raises `NotFoundError`, `DataError` for what is no image of a card, `StorageError`."""
        self._image = image
        self._drive = f"{image}@@{fat_offset(image)}"
        if self.read("cmdline.txt") is None:
            raise DataError(f"{image}: its first FAT partition has no cmdline.txt: not an image of Raspberry Pi OS")

    def read(self, name: str) -> bytes | None:
        """As `BootPartition`."""
        done = self._mtools("mtype", f"::{name}", check=False)
        if done.returncode != 0:
            return None
        if len(done.stdout) > MAX_READ_BYTES:
            raise DataError(f"{self._image}: {name}: longer than {MAX_READ_BYTES} bytes")
        return done.stdout

    def write(self, name: str, content: bytes) -> None:
        """As `BootPartition`."""
        self._mtools("mcopy", "-o", "-", f"::{name}", given=content)

    def copy(self, name: str, source: Path) -> None:
        """As `BootPartition`."""
        self._mtools("mcopy", "-o", str(source), f"::{name}")

    def make_folder(self, name: str) -> None:
        """As `BootPartition`."""
        if self.names(name):
            self._mtools("mdeltree", f"::{name}")
        elif self._mtools("mdir", "-b", f"::{name}", check=False).returncode == 0:
            return
        self._mtools("mmd", f"::{name}")

    def names(self, folder: str) -> list[str]:
        """As `BootPartition`."""
        done = self._mtools("mdir", "-b", f"::{folder}", check=False)
        if done.returncode != 0:
            return []
        return sorted(line.rstrip("/").rpartition("/")[2] for line in done.stdout.decode(errors="replace").splitlines() if line.strip())

    def size_bytes(self, name: str) -> int:
        """As `BootPartition`: by the listing's last lines, which have its digits in groups."""
        found = _ONE_FILE.search(self._mtools("mdir", f"::{name}", check=False).stdout)
        if found is None:
            raise DataError(f"{self._image}: {name}: cannot be looked at")
        return int(found[1].replace(b" ", b""))

    def close_to_others(self) -> None:
        """As `BootPartition`. The mode is set rather than the image refused: nothing secret was in it yet, and `unxz` makes what all may
        read.
        """
        try:
            if stat.S_IMODE(self._image.stat().st_mode) & OTHERS:
                self._image.chmod(PRIVATE)
            mode = stat.S_IMODE(self._image.stat().st_mode)
        except OSError as error:
            raise OutputError(f"{self._image}: others may read it, and it cannot be made private: {error.strerror}") from error
        if mode & OTHERS:
            raise OutputError(
                f"{self._image}: others may read it, and its file system keeps no modes: put the image into a folder of yours"
            )

    def finish(self) -> None:
        """As `BootPartition`."""
        _run(["sync", "--", str(self._image)], f"{self._image}: cannot be written out")

    def _mtools(self, program: str, *words: str, given: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return _run([program, "-i", self._drive, *words], f"{self._image}", given, check)


def fat_offset(image: Path) -> int:
    """Where the first FAT partition of an image begins, in bytes, by its partition table (MBR). Raises `NotFoundError`, `DataError`,
    `StorageError`.
    """
    try:
        with image.open("rb") as file:
            table = file.read(SECTOR_BYTES)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError as error:
        raise NotFoundError(f"{image}: no such image") from error
    except OSError as error:
        raise StorageError(f"{image}: cannot be read: {error.strerror}") from error
    if len(table) < SECTOR_BYTES or table[510:] != b"\x55\xaa":
        raise DataError(f"{image}: no partition table: not the image of a card (unpack it first: unxz FILE.img.xz)")
    for at in range(446, 510, 16):
        entry = table[at : at + 16]
        start = int.from_bytes(entry[8:12], "little") * SECTOR_BYTES
        if entry[4] in FAT_TYPES and 0 < start < size:
            return start
    raise DataError(f"{image}: no FAT partition in it: not an image of Raspberry Pi OS")


def _run(command: list[str], what: str, given: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLSRC": "/dev/null"}
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=MTOOLS_SECONDS, env=environment, check=False)
    except FileNotFoundError as error:
        raise UnavailableError(f"{command[0]} is needed to write into an image: apt install mtools") from error
    except subprocess.TimeoutExpired as error:
        raise StorageError(f"{what}: {command[0]} did not end in {MTOOLS_SECONDS} s") from error
    if check and done.returncode != 0:
        raise OutputError(f"{what}: {command[0]}: {shown(done.stderr.decode(errors='replace').strip(), 200)}")
    return done
