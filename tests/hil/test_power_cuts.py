"""The power is cut while a virtual camera records: QEMU is killed.

What was acknowledged before the cut was written outside the camera. A camera is switched on again after its first cut and records on the
store that it recovered, until its next one: what is there then, and what is left of a camera that was cut once, is found by the recorder's
own start on this computer, over the file system as the next boot's kernel has it. All of it is opened with stock tools.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyrage
import pytest

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence import application
from bodycamd.evidence.application import SignedApplication
from bodycamd.evidence.keys import PublicKey
from bodycamd.linux.clock import SystemClock
from tests.hil.card_on_host import footage_partition
from tests.hil.conftest import PREPARED, STANDBY_SECONDS
from tests.hil.remote_board import RemoteBoard
from tests.hil.virtual_camera import VirtualCamera
from tests.hil.virtual_fleet import VirtualFleet
from tests.kit import stock_tools
from tests.machine.virtual_machine import REPOSITORY
from tests.powercut.judge import Fragment, read_store

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(3600)]

CUTS = int(os.environ.get("CUTS", "6"))
AGAIN = ("first", "second")
"""The cameras that are switched on again: cut twice, where there are cuts enough."""
ONCE = ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def series(cuts: int) -> dict[str, int]:
    """How often each camera is cut, each of them from the same instant in standby."""
    again = dict.fromkeys(AGAIN[: max(1, min(len(AGAIN), cuts // 2))], min(2, cuts))
    left = cuts - sum(again.values())
    assert left <= len(ONCE), f"{cuts} cuts: at most {cuts - left + len(ONCE)}"
    return again | dict.fromkeys(ONCE[:left], 1)


FRAGMENTS = 4
"""So many are acknowledged before each cut."""
NEWEST_US = 2_000_000
"""So much of the newest footage a cut may cost."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The recording that was under way, and the camera's time when it was last asked for it, before the machine was killed."""

    recording: str
    at_us: int


def cut(camera: VirtualCamera) -> Cut:
    """While it records, after some fragments that it said are safe."""
    board = RemoteBoard(camera)
    board.until(lambda: board.status()["state"] == "standby", STANDBY_SECONDS)
    before = len(promises(camera))
    board.hold(0.15)
    board.until(lambda: len(promises(camera)) >= before + FRAGMENTS, 600)
    at_us = board.now_us()
    camera.cut_power()
    return Cut(promises(camera)[-1]["recording"], at_us)


def recovered_there(camera: VirtualCamera) -> Path:
    """Switched on again, it offloads what it recovered."""
    camera.boot()
    board = RemoteBoard(camera)
    board.until(lambda: board.status()["state"] == "standby", STANDBY_SECONDS)
    offloaded = camera.share / "offloaded"
    offloaded.mkdir()
    done = camera.run("bodycamd", "offload", "--to", "/bench/offloaded", seconds=1800)
    assert done["code"] == 0, done
    return offloaded


def recovered_here(camera: VirtualCamera, folder: Path) -> Path:
    """The recorder's start, on a copy of what is on the card: as root, for the store must be whose start it is."""
    folder.mkdir()
    with footage_partition(camera.disk, folder) as found:
        for name in ("store", "device"):
            shutil.copytree(found / name, folder / name)
    Store.open(
        folder / "store",
        signing=folder / "device",
        device_id=PREPARED,
        clock=SystemClock(),
        config_sha256="0" * 64,
        boot_id="after-the-cut",
    ).close()
    return folder / "store"


def _application(camera: VirtualCamera) -> SignedApplication:
    """Who the camera is: what its first boot left on its card."""
    raw = camera.on_card(f"application-{PREPARED.lower()}.txt")
    assert raw is not None, "no application on the card"
    return application.decode(raw, "the application")


def promises(camera: VirtualCamera) -> list[dict[str, Any]]:
    """The fragments that were said to be on disk; the last line may be half written."""
    kept = camera.share / "promises.jsonl"
    lines = kept.read_bytes().split(b"\n")[:-1] if kept.exists() else []
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", series(CUTS))
def test_power_cuts(name: str, prepared: VirtualCamera, fleet: VirtualFleet, made: Path, tmp_path: Path) -> None:
    cuts = [cut(prepared)]
    if name in AGAIN:
        figures = judge(recovered_there(prepared), cuts, prepared, fleet, tmp_path)
        cuts += [cut(prepared) for _ in range(series(CUTS)[name] - 1)]
    if name not in AGAIN or len(cuts) > 1:
        figures = judge(recovered_here(prepared, tmp_path / "here"), cuts, prepared, fleet, tmp_path)
    (made / f"power-cuts-{name}.txt").write_text(figures + "\n")


def judge(store: Path, cuts: list[Cut], camera: VirtualCamera, fleet: VirtualFleet, folder: Path) -> str:
    """Of what was recovered in `store`. Returns the figures."""
    figures = nothing_acknowledged_is_lost(store, cuts, camera, fleet)
    footage_is_verified_and_played(store, cuts, camera, fleet, folder)
    return figures


def nothing_acknowledged_is_lost(store: Path, cuts: list[Cut], camera: VirtualCamera, fleet: VirtualFleet) -> str:
    """And little of what was not. Returns the figures."""
    signed = _application(camera)
    opens = partial(pyrage.decrypt, identities=[fleet.folder.identities[0]])
    ledger, segments = read_store(store, bytes.fromhex(signed.application.first_key), opens)
    kept = {(recording, segment, index): part for (recording, segment), parts in segments.items() for index, part in parts.items()}
    promised = promises(camera)
    lost = [one for one in promised if _of(kept, one) != (one["seq"], one["sha256"])]
    assert len(promised) >= len(cuts) * FRAGMENTS
    assert not lost, f"{len(lost)} of {len(promised)} acknowledged fragments"
    newest = {cut.recording: cut.at_us - max(part.end_us for key, part in kept.items() if key[0] == cut.recording) for cut in cuts}
    assert max(newest.values()) <= NEWEST_US, newest
    closed = {entry["recording"]: entry["reason"] for entry in ledger.details("recording_closed")}
    assert {closed[cut.recording] for cut in cuts} == {"interrupted"}
    often = "1 cut" if len(cuts) == 1 else f"{len(cuts)} cuts"
    return f"{often}, {len(promised)} acknowledged fragments, 0 lost; the newest footage lost, us: {sorted(newest.values())}"


def _of(kept: Mapping[tuple[str, int, int], Fragment], one: Mapping[str, Any]) -> tuple[int, str] | None:
    part = kept.get((one["recording"], one["segment"], one["index"]))
    return (part.seq, part.sha256) if part is not None else None


def footage_is_verified_and_played(store: Path, cuts: list[Cut], camera: VirtualCamera, fleet: VirtualFleet, folder: Path) -> None:
    """With stock tools."""
    signed = _application(camera)
    pem = folder / "device.pem"
    pem.write_bytes(PublicKey.from_hex(signed.application.first_key).pem())
    given: list[str | Path] = ["--store", store, "--device-key", pem]
    verified = subprocess.run([sys.executable, "-m", "bodycamd.cli.main", "verify", *given], check=False)
    stock = subprocess.run([REPOSITORY / "scripts/verify.sh", *given], stdout=subprocess.DEVNULL, check=False)
    assert (verified.returncode, stock.returncode) in ((0, 0), (3, 3)), "whole, or incomplete by the stated cause that is the cut"
    identity = folder / "identity.txt"
    identity.write_text(fleet.identity() + "\n")
    for cut in cuts:
        segment = sorted((store / "recordings" / cut.recording).glob("*.tar"))[0]
        stock_tools.decodes(stock_tools.play(segment, identity, folder / "film.mp4"))
