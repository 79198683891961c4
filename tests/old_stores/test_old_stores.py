"""Stores of an earlier day are read by the code of today as they were then: same verdicts, same list, same packets (README.md)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.keeping.opening import keep
from bodycamd.camera.recorder.store import Store
from bodycamd.cli.main import main
from bodycamd.linux.clock import SettableClock
from bodycamd.retention.policy import Rules
from tests.kit.scale import IN_FULL, SCALE, one_in, only_in_full, sample
from tests.municipality.verify.attacks.second_verifier import run_second_verifier

HERE = Path(__file__).parent
NAMES = sorted(path.parent.name for path in HERE.glob("*/expected.json"))
QUICK = "power_cut"
"""The second verifier starts several programs for each entry: quick runs ask it about this store only."""


def expected(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((HERE / name / "expected.json").read_text())
    return read


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, Any]:
    """The exit code and the JSON of a command; none where it only says what is wrong."""
    capsys.readouterr()
    code = main([*map(str, arguments), "--json"])
    told = capsys.readouterr().out
    return code, json.loads(told) if told else None


def verdicts(capsys: pytest.CaptureFixture[str], folder: Path, anchor: str = "") -> dict[str, Any]:
    """Of `bodycamd verify`; and, in full runs, `scripts/verify.sh` says the same."""
    options: list[str | Path] = ["--store", folder / "store", "--device-key", folder / "device.pem"]
    if anchor:
        options += ["--anchor", folder / anchor]
    code, report = said(capsys, "verify", *options)
    found = {one["recording"]: one["verdict"] for one in report["recordings"]}
    if SCALE >= IN_FULL or folder == HERE / QUICK:
        assert run_second_verifier(*options) == (code, {"store": report["findings"]["worst"], **found})
    return {"exit_code": code, "store": report["findings"]["worst"], "recordings": found}


def test_they_lie_here_as_they_were_made() -> None:
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in (HERE / "SHA256SUMS").read_text().splitlines())}
    there = [path for name in NAMES for path in (HERE / name).rglob("*") if path.is_file() and path.name != "expected.json"]
    assert {str(path.relative_to(HERE)): hashlib.sha256(path.read_bytes()).hexdigest() for path in there} == sums


@only_in_full
@pytest.mark.parametrize("case", sample([(name, anchor) for name in NAMES for anchor in expected(name)["verify"]], 6))
def test_what_is_verified_is_what_was_verified_then(case: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    name, anchor = case
    assert verdicts(capsys, HERE / name, anchor) == expected(name)["verify"][anchor]


@one_in(5)
@pytest.mark.parametrize("name", NAMES)
def test_the_list_says_what_it_said_then(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Fields may have been added."""
    code, found = said(capsys, "recordings", "list", "--store", HERE / name / "store")
    then = expected(name)["list"]
    assert (code, len(found)) == (0, len(then))
    for now, before in zip(found, then, strict=True):
        assert {key: now.get(key) for key in before} == before


@only_in_full
@pytest.mark.parametrize(("name", "recording"), [(name, recording) for name in NAMES for recording in expected(name)["export"]])
def test_an_export_holds_the_same_packets(name: str, recording: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = HERE / name
    options: list[str | Path] = ["--store", folder / "store", "--identity", HERE / "identity.txt", "--device-key", folder / "device.pem"]
    code, report = said(capsys, "export", recording, *options, "--out", tmp_path / "package")
    found: dict[str, Any] = {"exit_code": code}
    if code == 0:
        assert report["binding"]["agree"]
        found["sealed"] = report["binding"]["sealed"]
        found["films"] = [{key: film[key] for key in ("frames", "shifts", "streamhash")} for film in report["films"]]
    assert found == expected(name)["export"][recording]


@one_in(5)
@pytest.mark.parametrize("name", NAMES)
def test_the_camera_goes_on_with_its_store(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next start after an upgrade: it recovers, completes deletions that were begun, and loses no hold."""
    camera = shutil.copytree(HERE / name, tmp_path / name)
    clock = SettableClock(wall_us=1_800_000_000_000_000)
    store = Store.open(
        camera / "store", signing=camera / "signing", device_id="cam-7", clock=clock, config_sha256="0" * 64, boot_id="a-later-boot"
    )
    keep(store, clock, Rules(28, 24, None))
    store.close()
    found = verdicts(capsys, camera)
    listed = said(capsys, "recordings", "list", "--store", camera / "store")[1]
    found["list"] = [{key: one[key] for key in ("recording", "state", "fragments", "held_for")} for one in listed]
    assert found == expected(name)["after_a_start"]
