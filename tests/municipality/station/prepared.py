"""A station's files as an operator has them, and its process started by its command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from bodycamd.evidence import roster as rosters
from bodycamd.evidence.roster import Camera, KeyHolder, Roster
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.opening import make_key
from tests.evidence.ordering import HOLD, ordered
from tests.evidence.rostering import FIRST, ROOT, camera, key
from tests.municipality.station.sending import AUTHORITY

if TYPE_CHECKING:
    from tests.municipality.station.conftest import FilmedStore

DAY_US = 86_400_000_000


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@dataclass
class Prepared:
    """A station's files, and how to start it."""

    folder: Path
    port: int
    program: str = "bodycamd.cli.entry"

    @property
    def file(self) -> Path:
        return self.folder / "station.yaml"

    def roster(self, **changes: object) -> None:
        """Today's, signed by the root."""
        now_us = time.time_ns() // 1000
        made: Roster = replace(FIRST, made_at=wall_text(now_us - DAY_US), not_after=wall_text(now_us + 30 * DAY_US))
        by_root = rosters.sign(replace(made, **changes), [key("root-1")])
        (self.folder / "roster.txt").write_bytes(by_root.document.file_bytes)

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", self.program, "station", "run", str(self.file)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert "listens at 127.0.0.1" in process.stdout.readline()
        return process

    def order(self) -> Path:
        """A hold of now for the camera, signed."""
        now = wall_text(time.time_ns() // 1000)
        made = replace(HOLD, cameras=("cam-7",), made_at=now, nonce=os.urandom(16).hex())
        file = self.folder / "hold.order"
        file.write_bytes(ordered(made).document.file_bytes)
        return file


@pytest.fixture
def prepared(tmp_path: Path, filmed: FilmedStore) -> Prepared:
    found = Prepared(tmp_path, free_port())
    signing = make_key(tmp_path / "station-1.key")
    (tmp_path / "root.json").write_bytes(msgspec.json.encode(ROOT))
    uplink = filmed.sender.uplink_key.raw.hex()
    own: Camera = replace(camera("HV-05"), id="cam-7", uplink_key=uplink, first_key=filmed.first_key.raw.hex())
    found.roster(cameras=(*FIRST.cameras, own), stations=(KeyHolder(id="station-1", key=signing.public.raw.hex(), state="active"),))
    lines = ["name: station-1", f"authority: {AUTHORITY}", f"data: {tmp_path}/data", f"listen: {{port: {found.port}}}", "keys:"]
    lines += [
        f"  {which}: {tmp_path}/{name}" for which, name in (("signing", "station-1.key"), ("root", "root.json"), ("roster", "roster.txt"))
    ]
    found.file.write_text("\n".join(lines) + "\n")
    return found


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    code = process.wait(20)
    assert process.stdout is not None
    process.stdout.close()
    return code
