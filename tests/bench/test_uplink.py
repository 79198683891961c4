"""What it costs a camera to send: over TLS, to a station of this machine."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bodycamd.evidence.entries import SegmentSealed
from bodycamd.evidence.keys import PublicKey
from tests.bench.figures import Table
from tests.camera.keeping.sending_camera import SendingCamera
from tests.camera.uplink.sent import KEY
from tests.camera.uplink.served import ServedCamera, configured, start
from tests.camera.uplink.test_station_link import certificate
from tests.kit.waiting import wait_for
from tests.municipality.station.prepared import free_port

pytestmark = pytest.mark.bench

SEGMENTS, SEGMENT_BYTES = 12, 45_000_000
"""As of a minute at 6 Mbit/s."""


def test_sending_over_tls(table: Table, memory_folder: Path) -> None:
    """In memory: a disk that is synchronised for each part would be what is measured."""
    tmp_path = memory_folder
    camera = SendingCamera(tmp_path / "camera").switch_on()
    recording = camera.record(segments=1)
    content = random.Random(1).randbytes(SEGMENT_BYTES)
    sha256 = hashlib.sha256(content).hexdigest()
    for number in range(1, SEGMENTS + 1):
        file = camera.store_folder / "recordings" / recording / f"{number:06d}.tar"
        file.write_bytes(content)
        words: dict[str, Any] = {"last": "0" * 64, "sha256": sha256, "size": SEGMENT_BYTES, "fragments": 60}
        camera.store.ledger.note(SegmentSealed(recording=recording, segment=number, file=file.name, **words))
    certificate(tmp_path, "localhost")
    pem = tmp_path / "localhost-False.pem"
    first = PublicKey.from_pem((tmp_path / "camera" / "device.pem").read_bytes())
    with station_over_tls(tmp_path, pem, first) as (station, proxy, port), ServedCamera(HasOne(camera), tmp_path).served() as served:
        process = start(configured(tmp_path, f"https://localhost:{port}", served.path, ca=str(pem)))
        told = served.commands.uplink
        assert told is not None
        wait_for(lambda: told.status().receipts >= 1, 60, "the first receipt")
        began, before = time.monotonic(), [cpu_seconds(pid) for pid in (process.pid, station, proxy)]
        wait_for(lambda: told.status().doing == "everything is sent", 600, "everything is sent")
        took = time.monotonic() - began
        used, there, tls = (cpu_seconds(pid) - at for pid, at in zip((process.pid, station, proxy), before, strict=True))
        most = high_water_megabytes(process.pid)
        process.kill()
        process.wait(10)
    gigabytes = SEGMENTS * SEGMENT_BYTES / 1e9
    table.add(
        "uplink: speed over TLS, the station a process of its own",
        gigabytes / took * 1000,
        f"{gigabytes / took * 1000:.0f} MB/s",
        at_least=50,
        target=">= 50 MB/s",
        ratio=f"{1000 * gigabytes / (used + there + tls):.0f} MB/s by processor time of all",
    )
    table.add("uplink: processor time per GB sent over TLS", used / gigabytes, f"{used / gigabytes:.1f} s", at_most=6, target="<= 6 s")
    table.add("station: processor time per GB taken", there / gigabytes, f"{there / gigabytes:.1f} s, and {tls / gigabytes:.1f} s stunnel")
    table.add("uplink: most memory", most, f"{most:.1f} MB", at_most=40, target="<= 40 MB")
    here = {str(path.relative_to(camera.store_folder)): path.stat().st_size for path in camera.store_folder.rglob("*.tar")}
    copied = tmp_path / "station" / "cameras" / "cam-7" / "store"
    assert {str(path.relative_to(copied)): path.stat().st_size for path in copied.rglob("*.tar")} == here
    camera.switch_off(clean=False)


@dataclass
class HasOne:
    camera: SendingCamera


@contextmanager
def station_over_tls(root: Path, certificate: Path, first_key: PublicKey) -> Iterator[tuple[int, int, int]]:
    """Process id of the station, and of what ends TLS in front of it; the port."""
    (root / "station").mkdir()
    port = free_port()
    words = [str(root / "station"), f"localhost:{port}", "cam-7", KEY.public.raw.hex(), first_key.raw.hex()]
    command = [sys.executable, "-m", "tests.bench.station_process", *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    to = int(process.stdout.readline())
    conf = root / "stunnel.conf"
    lines = [
        "foreground = yes",
        "pid =",
        "syslog = no",
        "debug = err",
        "[station]",
        f"accept = 127.0.0.1:{port}",
        f"connect = 127.0.0.1:{to}",
    ]
    conf.write_text("\n".join([*lines, f"cert = {certificate}", f"key = {certificate.with_suffix('.key')}"]) + "\n")
    proxy = subprocess.Popen(["stunnel", str(conf)])
    try:
        wait_for(lambda: listens(port), 20, "stunnel listens")
        yield process.pid, proxy.pid, port
    finally:
        proxy.terminate()
        proxy.wait(10)
        process.communicate(timeout=30)


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def high_water_megabytes(pid: int) -> float:
    """The most that was resident, shared libraries included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("no VmHWM")
