"""The card of a virtual camera that is off, read on this computer: what the next boot's kernel would find there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.waiting import wait_for

SECTOR_BYTES = 512


@contextmanager
def footage_partition(disk: Path, folder: Path) -> Iterator[Path]:
    """The file system for footage, mounted: its journal is played back as at a boot, onto the card itself. `folder` is an empty one, and
    not left. Needs root, FUSE, loop devices. Raises `CalledProcessError` or `TimeoutError`."""
    card, mounted = folder / "card.raw", folder / "mounted"
    card.touch()
    mounted.mkdir()
    kind = "qcow2" if disk.suffix == ".qcow2" else "raw"
    nodes = (f"driver=file,node-name=file,filename={disk}", f"driver={kind},node-name=card,file=file")
    export = f"type=fuse,id=e,node-name=card,mountpoint={card},writable=on"
    command = ["qemu-storage-daemon", *(word for node in nodes for word in ("--blockdev", node)), "--export", export]
    daemon = subprocess.Popen(command)
    try:
        wait_for(lambda: card.stat().st_size > 0, 60, "the card")
        [*_, last] = json.loads(_run("sfdisk", "--json", str(card)))["partitiontable"]["partitions"]
        _run("mount", "-t", "ext4", "-o", f"loop,noatime,offset={last['start'] * SECTOR_BYTES}", str(card), str(mounted))
        try:
            yield mounted
        finally:
            _run("umount", str(mounted))
    finally:
        daemon.terminate()
        daemon.wait(60)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
