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
from tests.hil.conftest import PREPARED
from tests.hil.remote_board import RemoteBoard
from tests.hil.virtual_camera import VirtualCamera
from tests.hil.virtual_fleet import VirtualFleet
from tests.kit import stock_tools
from tests.machine.virtual_machine import REPOSITORY
from tests.powercut.judge import Fragment, read_store

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(3600)]

CUTS = int(os.environ.get("CUTS", "6"))
FRAGMENTS = 4
"""So many are acknowledged before each cut."""
NEWEST_US = 2_000_000
"""So much of the newest footage a cut may cost."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The recording that was under way, and the camera's time when it was last asked for it, before the machine was killed."""

    recording: str
    at_us: int


@pytest.fixture(scope="module")
def cuts(prepared: VirtualCamera) -> list[Cut]:
    """One after the other; each is followed by a boot."""
    board = RemoteBoard(prepared)
    found: list[Cut] = []
    for _ in range(CUTS):
        board.until(lambda: board.status()["state"] == "standby", 600)
        before = len(promises(prepared))
        board.hold(0.15)
        board.until(lambda: len(promises(prepared)) >= before + FRAGMENTS, 600)  # noqa: B023 - called in this round
        at_us = board.now_us()
        prepared.cut_power()
        found.append(Cut(promises(prepared)[-1]["recording"], at_us))
        prepared.boot()
    board.until(lambda: board.status()["state"] == "standby", 600)
    (prepared.share / "offloaded").mkdir()
    done = prepared.run("bodycamd", "offload", "--to", "/bench/offloaded", seconds=1800)
    assert done["code"] == 0, done
    return found


def _application(camera: VirtualCamera) -> SignedApplication:
    """Who the camera is: what its first boot left on its card."""
    raw = camera.on_card(f"application-{PREPARED.lower()}.txt")
    assert raw is not None, "no application on the card"
    return application.decode(raw, "the application")


def promises(camera: VirtualCamera) -> list[dict[str, Any]]:
    """The fragments that were said to be on disk; the last line may be half written."""
    lines = (camera.share / "promises.jsonl").read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def test_no_cut_loses_what_was_acknowledged_and_little_of_what_was_not(
    cuts: list[Cut], prepared: VirtualCamera, fleet: VirtualFleet, made: Path, tmp_path: Path
) -> None:
    store = prepared.share / "offloaded"
    signed = _application(prepared)
    identity = tmp_path / "identity.txt"
    identity.write_text(fleet.identity() + "\n")
    opens = partial(pyrage.decrypt, identities=[fleet.folder.identities[0]])
    ledger, segments = read_store(store, bytes.fromhex(signed.application.first_key), opens)
    kept = {(recording, segment, index): part for (recording, segment), parts in segments.items() for index, part in parts.items()}
    promised = promises(prepared)
    lost = [one for one in promised if _of(kept, one) != (one["seq"], one["sha256"])]
    assert len(promised) >= CUTS * FRAGMENTS
    assert not lost, f"{len(lost)} of {len(promised)} acknowledged fragments"
    newest = {cut.recording: cut.at_us - max(part.end_us for key, part in kept.items() if key[0] == cut.recording) for cut in cuts}
    figures = f"{len(cuts)} cuts, {len(promised)} acknowledged fragments, 0 lost; the newest footage lost, us: {sorted(newest.values())}"
    (made / "power-cuts.txt").write_text(figures + "\n")
    assert max(newest.values()) <= NEWEST_US, newest
    closed = {entry["recording"]: entry["reason"] for entry in ledger.details("recording_closed")}
    assert {closed[cut.recording] for cut in cuts} == {"interrupted"}


def _of(kept: Mapping[tuple[str, int, int], Fragment], one: Mapping[str, Any]) -> tuple[int, str] | None:
    part = kept.get((one["recording"], one["segment"], one["index"]))
    return (part.seq, part.sha256) if part is not None else None


def test_the_footage_is_verified_and_played_with_stock_tools(
    cuts: list[Cut], prepared: VirtualCamera, fleet: VirtualFleet, tmp_path: Path
) -> None:
    store = prepared.share / "offloaded"
    signed = _application(prepared)
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
