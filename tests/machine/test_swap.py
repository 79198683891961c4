"""Plaintext and swap, on a machine that boots as Raspberry Pi OS does (`cgroup_disable=memory`), with a swap file on the card.

The worker's memory is full of a marker, another program wants all the memory there is, the kernel swaps; then the swap file's bytes are
searched on the disk. With locking switched off the marker is there: so the search can find it.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.camera.capture.films import marked_film
from tests.kit import stock_tools
from tests.machine.jobs.swap import HOG
from tests.machine.virtual_machine import VirtualMachine, make_share

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(2400)]

CONFIGURATION = """
device_id: camera-machine
simulation_directory: /var/lib/bodycamd
audio: false
video: { source: file, file: /bench/film.h264, frame_rate: 10 }
speaker: { output: simulated }
board: { adapter: simulated }
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the machine told, and what lay on its disk afterwards."""

    machine: dict[str, Any]
    open: dict[str, Any]
    locked: dict[str, Any]
    marks: dict[str, int]
    """How often the marker is in each swap file."""
    hogs: dict[str, int]
    """How many pages of the program that wanted all memory are there."""
    share: Path
    marker: bytes


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, machine: VirtualMachine) -> Iterator[Seen]:
    marker = bytes(byte or 1 for byte in secrets.token_bytes(32))
    share = make_share(tmp_path_factory.mktemp("swap"), CONFIGURATION)
    marked_film(share / "film.h264", marker, seconds=180)
    said = machine.run(share, "swap", kernel="cgroup_disable=memory")
    assert (share / "machine.json").exists(), said[-4000:]
    told = {name: json.loads((share / f"{name}.json").read_text()) for name in ("machine", "open", "locked")}
    swaps = {name: machine.file(f"/swap-{name}", share / f"swap-{name}") for name in ("open", "locked")}
    marks = {name: occurrences(file, marker) for name, file in swaps.items()}
    hogs = {name: occurrences(file, HOG) for name, file in swaps.items()}
    for name, run in told.items():
        print(name, *(f"\n  {key}: {run[key]}" for key in ("before", "under_pressure", "swapped_out_pages", "state") if key in run))
    print("marks:", marks, "pages of the other program:", hogs)
    yield Seen(**told, marks=marks, hogs=hogs, share=share, marker=marker)
    shutil.rmtree(share)


def occurrences(file: Path, marker: bytes) -> int:
    found, tail = 0, b""
    with file.open("rb") as opened:
        while chunk := opened.read(16_000_000):
            found += (tail + chunk).count(marker)
            tail = chunk[-len(marker) + 1 :]
    return found


def memory_of(run: dict[str, Any], process: str) -> list[dict[str, int]]:
    return [found for name, found in run["under_pressure"].items() if name.startswith(process)]


def stated(run: dict[str, Any]) -> list[str]:
    """What the newest start has in the ledger about swap."""
    start = max(entry["start"] for entry in run["ledger"])
    return [entry["detail"]["state"] for entry in run["ledger"] if entry["type"] == "swap_changed" and entry["start"] == start]


def test_the_machine_is_as_a_raspberry_pi(seen: Seen) -> None:
    """The unit asks for no swap, and gets it: nobody says that it is not so."""
    assert "cgroup_disable=memory" in seen.machine["cmdline"]
    assert "memory" not in seen.machine["controllers"].split()
    assert seen.machine["swap_max"] == "0"


def test_without_locking_the_footage_is_in_the_swap_file(seen: Seen) -> None:
    """The run that must find it, so that the other's finding nothing means something; and the camera said what could happen."""
    assert seen.open["limit"] == "0"
    assert seen.marks["open"] > 0
    assert max(found["VmSwap"] for found in memory_of(seen.open, "bodycamd.camera.capture.worker.main")) > 10_000
    told = seen.open["status"]["swap"]
    assert (told["state"], "swap_degraded" in seen.open["status"]["flags"]) == ("degraded", True)
    for part in ("/swap-open", "the recorder's memory", "the worker's memory", "no memory control group"):
        assert part in told["because"]
    assert "LimitMEMLOCK=infinity" in told["to_do"]
    assert seen.open["status"]["state"] == "recording", "it records all the same"
    assert stated(seen.open) == ["degraded"]
    assert "install: the camera records all the same" in seen.open["install"]
    assert "degraded: memory can be written to /swap-open" in seen.open["install"]


def test_with_locking_none_of_it_is_there(seen: Seen) -> None:
    assert seen.locked["limit"] == "infinity", "the unit as it is shipped"
    assert "closed: memory is locked" in seen.locked["install"]
    assert seen.locked["swapped_out_pages"] > seen.open["swapped_out_pages"], "under more pressure"
    assert seen.hogs["locked"] > 1000, "what was swapped is found in these bytes"
    assert seen.marks["locked"] == 0
    # A worker that has yet to lock itself may be swapped: it has no footage.
    locked_before = {name for name, found in seen.locked["before"].items() if found["VmLck"] > 0}
    assert {name.split()[0] for name in locked_before} == {"bodycamd.camera.daemon", "bodycamd.camera.capture.worker.main"}
    locked = {name: found for name, found in seen.locked["under_pressure"].items() if name in locked_before}
    assert any(name.startswith("bodycamd.camera.daemon") for name in locked)
    assert all(found["VmSwap"] == 0 < found["VmLck"] for found in locked.values()), locked
    assert seen.locked["status"]["swap"] == {"state": "closed", "because": "memory is locked", "to_do": None}
    assert "swap_degraded" not in seen.locked["status"]["flags"]
    assert stated(seen.locked) == []


def test_it_goes_on_recording_under_pressure_and_the_footage_holds_the_marker(seen: Seen, tmp_path: Path) -> None:
    assert seen.locked["state"] == "recording"
    segments = sorted((seen.share / "store/recordings").glob("*/*.tar"))
    film = stock_tools.play(segments[-1], seen.share / "identity.txt", tmp_path / "film.mp4")
    assert seen.marker in film.read_bytes()
