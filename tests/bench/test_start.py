"""How long the officer waits after switching on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.keys import provision
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.segment import recover
from bodycamd.linux.clock import SystemClock
from tests.bench import stores
from tests.bench.camera_environment import camera_environment
from tests.bench.figures import Table
from tests.kit.camera import Camera

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

ROUNDS = 15


def start_seconds(command: list[str], ends_with: int) -> tuple[float, float]:
    """Processor and wall time of a process."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == ends_with
    return usage.ru_utime + usage.ru_stime, wall


def test_imports(table: Table, tmp_path: Path) -> None:
    python = camera_environment(tmp_path / "camera")
    ours, peers = [], []
    for _ in range(ROUNDS):
        peers.append(start_seconds([python, "-c", "import asyncio, ssl"], 0))
        ours.append(start_seconds([python, "-P", "-s", "-m", "bodycamd.camera.daemon"], 2))  # says how it is used, after all imports
    mine, peer = min(ours), min(peers)
    table.add(
        "start: the recorder's imports, CPU",
        mine[0] / peer[0],
        f"{mine[0] * 1000:.0f} ms ({min(wall for _, wall in ours) * 1000:.0f} by the clock)",
        peer=f"import asyncio, ssl {peer[0] * 1000:.0f} ms ({min(wall for _, wall in peers) * 1000:.0f})",
        ratio=f"{mine[0] / peer[0]:.1f}x",
        at_most=2.2,
        target="<= 2.2x",
    )


def ready_seconds(camera: Camera, notify: socket.socket) -> float:
    """From the start of the process to `READY=1`."""
    before = time.perf_counter()
    camera.start(ready=False)
    while b"READY=1" not in notify.recv(4096):
        pass
    return time.perf_counter() - before


def test_store_of_28_days_and_ready(table: Table, memory_folder: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.settimeout(60)
        notify.bind(str(memory_folder / "notify"))
        camera = Camera(memory_folder / "camera", environment={"NOTIFY_SOCKET": str(memory_folder / "notify")})
        empty = []
        for _ in range(3):
            empty.append(ready_seconds(camera, notify))
            assert camera.stop() == 0, camera.journal
        shutil.rmtree(camera.store)
        shutil.rmtree(camera.device / "signing")

        provision(camera.device / "signing")
        fragments = stores.fill(camera.store, camera.device / "signing", device_id="test-1")
        on_disk = Path(shutil.copytree(camera.store, tmp_path / "store"))
        signing = Path(shutil.copytree(camera.device / "signing", tmp_path / "signing"))
        chain = Chain(on_disk / "ledger")
        in_force = [chain.key for line in chain if line.entry.start == 28]
        keys = {key.id: key for key in in_force if key is not None}
        checked = recover(on_disk / "recordings" / "000028-0024" / "000002.tar", keys)
        assert (checked.fragments, checked.ended, checked.torn_bytes) == (stores.FRAGMENTS, True, 0)
        opened = []
        for _ in range(3):
            before = time.perf_counter()
            store = Store.open(on_disk, signing=signing, device_id="test-1", clock=SystemClock(), config_sha256="0" * 64)
            opened.append(time.perf_counter() - before)
            assert (store.recovered_segments, store.strays) == (0, ())
            store.close()
        segments = sum(1 for _ in on_disk.glob("recordings/*/*.tar"))
        full = ready_seconds(camera, notify)
        assert camera.stop() == 0, camera.journal
    table.add(
        f"start: a store of 28 days opens ({segments} segments, {fragments} fragments)",
        max(opened),
        f"{', '.join(f'{seconds:.2f}' for seconds in opened)} s",
        at_most=1.0,
        target="<= 1 s",
    )
    table.add("start: daemon -> ready", min(empty), f"{min(empty):.2f} s; with that store {full:.2f} s", at_most=0.7, target="<= 0.7 s")
