"""A disk whose every write and flush is logged in order: `qemu-storage-daemon` with `blklogwrites`, FUSE, a loop device, ext4.

Needs root, FUSE, loop devices; `scripts/setup` brings the programs.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.waiting import wait_for

PROGRAMS = ("qemu-storage-daemon", "fusermount3", "mkfs.ext4", "e2fsck", "losetup")
BYTES = 192 * 1024 * 1024
"""64 MB are the ledger's reserve, which footage never uses."""
LOG_SECTOR = 512
_MAGIC = 0x6A736677736872
_ENTRY = struct.Struct("<QQQQ")
FLUSH, FUA, DISCARD = 1, 2, 4


def missing() -> str:
    """Why the bench cannot run here; empty where it can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        return "needs /dev/fuse and loop devices"
    return f"needs {', '.join(absent)}" if absent else ""


class LoggedDevice:
    """An ext4 file system, mounted at `disk`, on a device whose log grows in `log`. A context manager; raises
    `RuntimeError` where there cannot be one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.base, self.log, self._export = folder / "base.img", folder / "log.img", folder / "export.img"
        self.disk = folder / "disk"
        self._folder = folder
        self._daemon: subprocess.Popen[bytes] | None = None
        self._loop = ""

    def __enter__(self) -> Self:
        if why := missing():
            raise RuntimeError(f"the power-cut bench {why}")
        make_file_system(self.base)
        live = self._folder / "live.img"
        copy_sparse(self.base, live)
        self.log.touch()
        self._export.touch()
        nodes = [
            f"driver=file,node-name=file,filename={live}",
            f"driver=file,node-name=log,filename={self.log}",
            f"driver=blklogwrites,node-name=logged,file=file,log=log,log-sector-size={LOG_SECTOR}",
        ]
        command = ["qemu-storage-daemon", *(word for node in nodes for word in ("--blockdev", node))]
        self._daemon = subprocess.Popen([*command, "--export", f"type=fuse,id=e,node-name=logged,mountpoint={self._export},writable=on"])
        wait_for(lambda: self._export.stat().st_size == BYTES, 20, "the FUSE export")
        self._loop = _run("losetup", "-f", "--show", str(self._export)).strip()
        self.disk.mkdir()
        _run("mount", "-t", "ext4", "-o", "noatime", self._loop, str(self.disk))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if os.path.ismount(self.disk):
            _run("umount", str(self.disk))
        if self._loop:
            _run("losetup", "-d", self._loop)
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait(20)

    def position(self) -> int:
        """The size of the log: everything that was flushed by now stands before it."""
        return self.log.stat().st_size


def make_file_system(image: Path) -> None:
    """An ext4 as on a camera's card, only smaller."""
    with image.open("wb") as file:
        file.truncate(BYTES)
    options = ["-b", "4096", "-J", "size=4", "-N", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    _run("mkfs.ext4", "-q", "-F", *options, str(image))


@dataclass(frozen=True)
class Entry:
    """One entry of the log: data for a place on the device, or a flush. `end` is the log's size with it."""

    offset: int
    length: int
    flags: int
    data_at: int
    end: int


def read_log(log: Path) -> list[Entry]:
    """All whole entries."""
    entries: list[Entry] = []
    size = log.stat().st_size
    with log.open("rb") as file:
        (magic,) = struct.unpack("<Q", file.read(8))
        assert magic == _MAGIC
        at = LOG_SECTOR
        while at + LOG_SECTOR <= size:
            file.seek(at)
            sector, sectors, flags, _ = _ENTRY.unpack(file.read(_ENTRY.size))
            length = 0 if flags & (FLUSH | DISCARD) and not flags & FUA else sectors * LOG_SECTOR
            end = at + LOG_SECTOR + length
            if end > size:
                break
            entries.append(Entry(sector * LOG_SECTOR, length, flags, at + LOG_SECTOR, end))
            at = end
    return entries


def copy_sparse(source: Path, target: Path) -> None:
    """A copy that leaves the holes out."""
    _run("cp", "--sparse=auto", str(source), str(target))


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
