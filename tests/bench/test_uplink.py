"""What it costs a camera to send: over TLS, to a station of this machine."""

from __future__ import annotations

import hashlib
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from bodycamd.evidence.entries import SegmentSealed
from bodycamd.evidence.keys import PublicKey
from bodycamd.municipality.station.cameras import Sender
from tests.bench.figures import Table
from tests.camera.keeping.sending_camera import SendingCamera
from tests.camera.uplink.sent import KEY, Pair
from tests.camera.uplink.served import ServedCamera, configured, start
from tests.camera.uplink.test_station_link import certificate
from tests.kit.waiting import wait_for
from tests.municipality.station.conftest import Station

pytestmark = pytest.mark.bench

SEGMENTS, SEGMENT_BYTES = 12, 45_000_000
"""As of a minute at 6 Mbit/s."""


def test_sending_over_tls(table: Table, tmp_path: Path) -> None:
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
    (tmp_path / "station").mkdir()
    first = PublicKey.from_pem((tmp_path / "camera" / "device.pem").read_bytes())
    senders = {KEY.public.id: Sender("cam-7", KEY.public, first)}
    with Station(tmp_path / "station", senders, authority="", certificate=pem) as station:
        sent = Pair(camera, station, tmp_path)
        with ServedCamera(sent, tmp_path).served() as served:
            process = start(configured(tmp_path, f"https://localhost:{station.port}", served.path, ca=str(pem)))
            told = served.commands.uplink
            assert told is not None
            wait_for(lambda: told.status().receipts >= 1, 60, "the first receipt")
            began, before = time.monotonic(), cpu_seconds(process.pid)
            wait_for(lambda: told.status().doing == "everything is sent", 600, "everything is sent")
            took, used = time.monotonic() - began, cpu_seconds(process.pid) - before
            most = high_water_megabytes(process.pid)
            process.kill()
            process.wait(10)
        gigabytes = SEGMENTS * SEGMENT_BYTES / 1e9
        table.add(
            "uplink: processor time per GB sent over TLS",
            used / gigabytes,
            f"{used / gigabytes:.1f} s ({gigabytes / took * 1000:.0f} MB/s with the station beside it)",
            at_most=6,
            target="<= 6 s",
        )
        table.add("uplink: most memory", most, f"{most:.1f} MB", at_most=50, target="<= 50 MB")
        sent.check_all_there()
    camera.switch_off(clean=False)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def high_water_megabytes(pid: int) -> float:
    """The most that was resident, shared libraries included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("no VmHWM")
