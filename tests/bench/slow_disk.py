"""A slow card that others write to as well: ext4 on a loop device over a throttle of `qemu-storage-daemon`, exported by FUSE. As root."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.waiting import wait_for

BYTES = 1 << 30
OPERATIONS_PER_SECOND = 60
BYTES_PER_SECOND = 1_000_000
NEIGHBOUR_BYTES = 64 * 1024


class SlowDisk:
    """The file system is mounted at `disk`; a neighbour on it writes and syncs all the time. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"
        self._folder = folder
        self._daemon: subprocess.Popen[bytes] | None = None
        self._loop = ""
        self._stop = threading.Event()
        self._neighbour = threading.Thread(target=self._write, name="neighbour")
        self.sync_seconds: list[float] = []
        """How long each sync of the neighbour took."""

    def __enter__(self) -> Self:
        image, export = self._folder / "disk.img", self._folder / "export.img"
        with image.open("wb") as file:
            file.truncate(BYTES)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        export.touch()
        try:
            self._daemon = subprocess.Popen(
                [
                    "qemu-storage-daemon",
                    *("--object", f"throttle-group,id=card,limits.iops-total={OPERATIONS_PER_SECOND},limits.bps-total={BYTES_PER_SECOND}"),
                    *("--blockdev", f"driver=file,node-name=file,filename={image}"),
                    *("--blockdev", "driver=throttle,node-name=slow,throttle-group=card,file=file"),
                    *("--export", f"type=fuse,id=export,node-name=slow,mountpoint={export},writable=on"),
                ]
            )
            wait_for(lambda: export.stat().st_size == BYTES, 20, "the FUSE export")
            self._loop = _run("losetup", "-f", "--show", str(export)).strip()
            self.disk.mkdir()
            _run("mount", "-t", "ext4", "-o", "noatime", self._loop, str(self.disk))
        except BaseException:
            self._take_down()
            raise
        self._neighbour.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._neighbour.join()
        self._take_down()

    def _take_down(self) -> None:
        if os.path.ismount(self.disk):
            _run("umount", str(self.disk))
        if self._loop:
            _run("losetup", "-d", self._loop)
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait(60)

    def _write(self) -> None:
        block = os.urandom(NEIGHBOUR_BYTES)
        with (self.disk / "neighbour").open("wb", buffering=0) as file:
            while not self._stop.is_set():
                os.pwrite(file.fileno(), block, len(self.sync_seconds) % 64 * NEIGHBOUR_BYTES)
                before = time.monotonic()
                os.fdatasync(file.fileno())
                self.sync_seconds.append(time.monotonic() - before)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
