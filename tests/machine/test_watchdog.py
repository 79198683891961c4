"""A machine that hangs while it records is reset by its watchdog, and the camera records on, once; after a power cut it does not.

The kernel hangs for real: it has crashed and, as by default, waits for ever. The reset is that of QEMU's i6300esb.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.camera.capture.films import marked_film
from tests.kit.waiting import wait_for
from tests.machine.virtual_machine import VirtualMachine, make_share

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(1200)]

CONFIGURATION = """
device_id: camera-machine
simulation_directory: /var/lib/bodycamd
audio: false
video: { source: file, file: /bench/film.h264, frame_rate: 10 }
speaker: { output: simulated }
board: { adapter: simulated }
"""
DEVICES = ("-device", "i6300esb", "-action", "watchdog=reset")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, machine: VirtualMachine) -> dict[str, Any]:
    share = make_share(tmp_path_factory.mktemp("watchdog"), CONFIGURATION)
    marked_film(share / "film.h264", b"\x01" * 32, seconds=300)
    with machine.boot(share, "watchdog", devices=DEVICES) as running:
        wait_for(lambda: read(share, "cut") or running.poll() is not None, 600, "a recording")
    said = machine.run(share, "watchdog", kernel="panic=0", devices=DEVICES, seconds=900)
    found = {name: read(share, name) for name in ("cut", "hang", "resumed", "ledger")}
    assert all(found.values()), said[-4000:]
    return found


def read(share: Path, name: str) -> Any:
    """What the job told, or nothing yet: it may be half written."""
    try:
        return json.loads((share / f"{name}.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def noted(entries: list[dict[str, Any]], type_: str) -> list[dict[str, Any]]:
    return [entry["detail"] for entry in entries if entry["type"] == type_]


def test_systemd_feeds_the_watchdog_as_it_is_installed(told: dict[str, Any]) -> None:
    watchdog = told["cut"]["watchdog"]
    assert watchdog["identity"].startswith("i6300ESB timer")
    assert (watchdog["state"], watchdog["timeout"]) == ("active", "14")
    assert told["cut"]["flag"], "a recording has its flag"


def test_after_a_power_cut_nothing_is_recorded_until_somebody_presses(told: dict[str, Any]) -> None:
    after = told["hang"]
    assert int(after["watchdog"]["bootstatus"], 0) & 0x20 == 0
    assert after["at_start"]["state"] == "standby"
    cut = told["cut"]["recording"]["recording"]
    declined = noted(after["ledger"], "resume_declined")
    assert [(found["recording"], found["reason"]) for found in declined] == [(cut, "reset_unknown")]
    opened = noted(after["ledger"], "recording_opened")
    assert [found.get("resumes") for found in opened] == [None, None], "the second is that of the press"


def test_after_a_hang_the_watchdog_resets_and_the_recording_is_resumed_once(told: dict[str, Any]) -> None:
    after = told["resumed"]
    assert int(after["watchdog"]["bootstatus"], 0) & 0x20
    assert after["at_start"]["state"] == "recording", "without a press and without a warning"
    hung = told["hang"]["recording"]["recording"]
    (resumed,) = noted(after["ledger"], "resumed_after_reset")
    assert (resumed["recording"], resumed["cause"], resumed["reset"]) == (hung, "recording", "watchdog")
    assert 14_000_000 <= resumed["age_us"] <= 120_000_000
    last = noted(after["ledger"], "recording_opened")[-1]
    assert (last["recording"], last["resumes"], last["warning"]) == (after["recording"]["recording"], hung, "none")
    assert not after["flag"], "it served once, and what continues after a reset gets none"
    assert len({entry["boot_id"] for entry in after["ledger"]}) == 3


def test_what_was_resumed_is_closed_in_order(told: dict[str, Any]) -> None:
    closed = {found["recording"]: found["reason"] for found in noted(told["ledger"], "recording_closed")}
    assert list(closed.values()) == ["interrupted", "interrupted", "shutdown"]
