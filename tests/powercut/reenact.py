"""The same operations once more, on a logged device, with a step left out: a defective writer, in one second instead of fifteen.

The product's writer is one thread that waits for each step, so leaving one out changes nothing else in the order.
"""

from __future__ import annotations

import bisect
import os
import shutil
from dataclasses import replace
from pathlib import Path

from tests.powercut.device import LoggedDevice
from tests.powercut.steps import Operation
from tests.powercut.workload import Noted, secret_of


def reenact(device: LoggedDevice, base: Path, log: list[tuple[int, Operation]], noted: Noted, leave_out: str) -> Noted:
    """Do what stands in `log` on the device, from the state `base`. Gives `noted` with the device's positions."""
    shutil.copytree(base, device.disk, dirs_exist_ok=True)
    os.sync()
    start = device.position()
    open_files: dict[str, int] = {}
    positions: list[int] = []
    left_out: list[int] = []
    for _, operation in log:
        if operation.step == leave_out:
            left_out.append(device.position())
        else:
            _do(device.disk, operation, open_files)
        positions.append(device.position())
    for descriptor in open_files.values():
        os.close(descriptor)
    ends = [end for end, _ in log]

    def here(position: int) -> int:
        done = bisect.bisect_right(ends, position)
        return positions[done - 1] if done else start

    secrets = {start: set(found) for start, found in noted.secrets.items()}
    for _, operation in log:
        if operation.step == "write linux.durable.create" and operation.path.endswith(".key"):
            secrets.setdefault(int(Path(operation.path).stem), set()).add(secret_of(operation.data))
    return replace(
        noted,
        secrets=secrets,
        start_position=start,
        times=[],
        left_out=left_out,
        events=[(here(at), event) for at, event in noted.events],
        ready=[(here(at), number) for at, number in noted.ready],
    )


def _do(disk: Path, operation: Operation, open_files: dict[str, int]) -> None:
    path = str(disk / operation.path)
    if operation.kind in ("write", "truncate", "sync") and path not in open_files:
        open_files[path] = os.open(path, os.O_RDWR)
    match operation.kind:
        case "create":
            open_files[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        case "mkdir":
            os.mkdir(path, 0o700)
        case "write":
            os.pwrite(open_files[path], operation.data, operation.offset)
        case "truncate":
            os.ftruncate(open_files[path], operation.offset)
        case "sync":
            os.fdatasync(open_files[path])
        case "sync folder":
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)
        case "rename":
            os.rename(path, disk / operation.new)
            if path in open_files:
                os.close(open_files.pop(path))
        case "unlink":
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
            if path in open_files:
                os.close(open_files.pop(path))
