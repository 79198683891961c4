"""The power is cut while a virtual camera records: QEMU is killed.

What was acknowledged before the cut was written outside the camera; after the next start it must be there, and be opened with stock tools.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyrage
import pytest

from bodycamd.evidence import application
from bodycamd.evidence.application import SignedApplication
from bodycamd.evidence.keys import PublicKey
from tests.hil.conftest import PREPARED, STANDBY_SECONDS
from tests.hil.remote_board import RemoteBoard
from tests.hil.virtual_camera import VirtualCamera
from tests.hil.virtual_fleet import VirtualFleet
from tests.kit import stock_tools
from tests.machine.virtual_machine import REPOSITORY
from tests.powercut.judge import Fragment, read_store

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(3600)]

CUTS = int(os.environ.get("CUTS", "6"))
SERIES = {"first": CUTS - CUTS // 2, "second": CUTS // 2}
"""Of one camera each, for two workers."""
FRAGMENTS = 4
"""So many are acknowledged before each cut."""
NEWEST_US = 2_000_000
"""So much of the newest footage a cut may cost."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The recording that was under way, and the camera's time when it was last asked for it, before the machine was killed."""

    recording: str
    at_us: int


def cut(camera: VirtualCamera, times: int) -> list[Cut]:
    """One after the other; each is followed by a boot. What was recorded is offloaded into the share."""
    board = RemoteBoard(camera)
    found: list[Cut] = []
    for _ in range(times):
        board.until(lambda: board.status()["state"] == "standby", STANDBY_SECONDS)
        before = len(promises(camera))
        board.hold(0.15)
        board.until(lambda: len(promises(camera)) >= before + FRAGMENTS, 600)  # noqa: B023 - called in this round
        at_us = board.now_us()
        camera.cut_power()
        found.append(Cut(promises(camera)[-1]["recording"], at_us))
        camera.boot()
    board.until(lambda: board.status()["state"] == "standby", STANDBY_SECONDS)
    (camera.share / "offloaded").mkdir()
    done = camera.run("bodycamd", "offload", "--to", "/bench/offloaded", seconds=1800)
    assert done["code"] == 0, done
    return found


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


@pytest.mark.parametrize("series", [name for name, times in SERIES.items() if times])
def test_power_cuts(series: str, prepared: VirtualCamera, fleet: VirtualFleet, made: Path, tmp_path: Path) -> None:
    cuts = cut(prepared, SERIES[series])
    figures = nothing_acknowledged_is_lost(cuts, prepared, fleet)
    (made / f"power-cuts-{series}.txt").write_text(figures + "\n")
    footage_is_verified_and_played(cuts, prepared, fleet, tmp_path)


def nothing_acknowledged_is_lost(cuts: list[Cut], camera: VirtualCamera, fleet: VirtualFleet) -> str:
    """And little of what was not. Returns the figures."""
    signed = _application(camera)
    opens = partial(pyrage.decrypt, identities=[fleet.folder.identities[0]])
    ledger, segments = read_store(camera.share / "offloaded", bytes.fromhex(signed.application.first_key), opens)
    kept = {(recording, segment, index): part for (recording, segment), parts in segments.items() for index, part in parts.items()}
    promised = promises(camera)
    lost = [one for one in promised if _of(kept, one) != (one["seq"], one["sha256"])]
    assert len(promised) >= len(cuts) * FRAGMENTS
    assert not lost, f"{len(lost)} of {len(promised)} acknowledged fragments"
    newest = {cut.recording: cut.at_us - max(part.end_us for key, part in kept.items() if key[0] == cut.recording) for cut in cuts}
    assert max(newest.values()) <= NEWEST_US, newest
    closed = {entry["recording"]: entry["reason"] for entry in ledger.details("recording_closed")}
    assert {closed[cut.recording] for cut in cuts} == {"interrupted"}
    return f"{len(cuts)} cuts, {len(promised)} acknowledged fragments, 0 lost; the newest footage lost, us: {sorted(newest.values())}"


def _of(kept: Mapping[tuple[str, int, int], Fragment], one: Mapping[str, Any]) -> tuple[int, str] | None:
    part = kept.get((one["recording"], one["segment"], one["index"]))
    return (part.seq, part.sha256) if part is not None else None


def footage_is_verified_and_played(cuts: list[Cut], camera: VirtualCamera, fleet: VirtualFleet, tmp_path: Path) -> None:
    """With stock tools."""
    store = camera.share / "offloaded"
    signed = _application(camera)
    pem = tmp_path / "device.pem"
    pem.write_bytes(PublicKey.from_hex(signed.application.first_key).pem())
    given: list[str | Path] = ["--store", store, "--device-key", pem]
    verified = subprocess.run([sys.executable, "-m", "bodycamd.cli.main", "verify", *given], check=False)
    stock = subprocess.run([REPOSITORY / "scripts/verify.sh", *given], stdout=subprocess.DEVNULL, check=False)
    assert (verified.returncode, stock.returncode) in ((0, 0), (3, 3)), "whole, or incomplete by the stated cause that is the cut"
    identity = tmp_path / "identity.txt"
    identity.write_text(fleet.identity() + "\n")
    for cut in cuts:
        segment = sorted((store / "recordings" / cut.recording).glob("*.tar"))[0]
        stock_tools.decodes(stock_tools.play(segment, identity, tmp_path / "film.mp4"))
