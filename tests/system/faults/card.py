"""A memory card that fails for real: ext4 on a loop device on a file that `qemu-storage-daemon` exports, with errors and a speed limit that
are set while it is in use. Needs root, FUSE and loop devices; `scripts/setup` brings the programs.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kit.waiting import wait_for

PROGRAMS = ("qemu-storage-daemon", "fusermount3", "mkfs.ext4", "e2fsck", "losetup")
BYTES = 192 * 1024 * 1024
SLOW = 2_000_000
"""Bytes a second of a card that is worn out."""


def missing() -> str:
    """Why no such card can be had here; empty where it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        return "needs /dev/fuse and loop devices"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"needs {', '.join(absent)}" if absent else ""


class Card:
    """Mounted at `disk` while the context lasts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.disk = folder / "disk"
        self.image, self._export, self._qmp = folder / "card.img", folder / "export.img", folder / "qmp"
        self._daemon: subprocess.Popen[bytes]
        self._loop = ""

    def __enter__(self) -> Self:
        with self.image.open("wb") as file:
            file.truncate(BYTES)
        _run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self.image))
        self._export.touch()
        command = ["qemu-storage-daemon", "--chardev", f"socket,id=q,path={self._qmp},server=on,wait=off", "--monitor", "chardev=q"]
        command += ["--object", "throttle-group,id=speed", "--blockdev", f"driver=file,node-name=file,filename={self.image}"]
        command += ["--blockdev", "driver=throttle,node-name=card,throttle-group=speed,file=file"]
        command += ["--export", f"type=fuse,id=e,node-name=card,mountpoint={self._export},writable=on"]
        self._daemon = subprocess.Popen(command)
        wait_for(lambda: self._export.stat().st_size == BYTES, 20, "the export")
        self._loop = _run("losetup", "-f", "--show", str(self._export)).strip()
        self.disk.mkdir()
        _run("mount", "-t", "ext4", "-o", "noatime", self._loop, str(self.disk))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._daemon.poll() is None:
            self.speed(0)
        if os.path.ismount(self.disk):
            _run("umount", str(self.disk))
        _run("losetup", "-d", self._loop)
        self._daemon.terminate()
        self._daemon.wait(20)

    def speed(self, bytes_per_second: int) -> None:
        """Limit what is written in a second; 0: no limit."""
        limits = {"bps-write": bytes_per_second, "bps-write-max": 0}
        self._ask("qom-set", path="/objects/speed", property="limits", value=limits)

    def fail_writes(self) -> None:
        """From now on every write to the card is an I/O error."""
        rules = [{"event": "none", "iotype": kind, "errno": 5, "once": False} for kind in ("write", "flush")]
        self._ask("blockdev-add", **{"driver": "blkdebug", "node-name": "errors", "image": "file", "inject-error": rules})
        card = {"driver": "throttle", "node-name": "card", "throttle-group": "speed", "file": "errors"}
        self._ask("blockdev-reopen", options=[card])

    def _ask(self, command: str, **arguments: Any) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self._qmp))
            with client.makefile("rw") as lines:
                lines.readline()
                for asked in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                    lines.write(json.dumps(asked) + "\n")
                    lines.flush()
                    answer = json.loads(lines.readline())
                    while "event" in answer:
                        answer = json.loads(lines.readline())
                    assert "return" in answer, answer


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
