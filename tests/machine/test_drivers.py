"""The image has the kernel's drivers that jobs stand on: sound cards, a chip on I2C, a watchdog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.machine.virtual_machine import VirtualMachine, make_share

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(600)]


def test_modules_load_and_are_seen(machine: VirtualMachine, tmp_path: Path) -> None:
    share = make_share(tmp_path, "device_id: camera-machine\n")
    machine.run(share, "drivers", devices=["-device", "i6300esb"], seconds=300)
    seen = json.loads((share / "seen.json").read_text())
    assert "plughw:CARD=Dummy,DEV=0" in seen["arecord"]
    assert "hw:CARD=Loopback,DEV=1" in seen["arecord"]
    assert seen["i2c"].strip() == "0x55"
    assert seen["watchdog"].startswith("i6300ESB timer")
    assert int(seen["bootstatus"]) == 0
