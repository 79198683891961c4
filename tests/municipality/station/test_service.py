"""The station as a process: started by its command, killed, started again, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from bodycamd.cli.main import main
from bodycamd.evidence import receipts
from bodycamd.evidence.receipts import Received, judge_receipt, received
from bodycamd.evidence.roster import KeyHolder
from bodycamd.municipality.station.opening import load_key
from bodycamd.municipality.station.order_routes import NEXT_HEADER
from tests.evidence.ordering import HOLD, ordered
from tests.evidence.rostering import FIRST, ROOT, key, signed
from tests.kit.scale import one_in, only_in_full
from tests.municipality.station.conftest import FilmedStore
from tests.municipality.station.prepared import Prepared, free_port, stop
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment
from tests.municipality.station.test_figures import read as read_metrics


@pytest.fixture
def link(prepared: Prepared, filmed: FilmedStore) -> Iterator[CameraLink]:
    with httpx.Client(base_url=f"http://127.0.0.1:{prepared.port}", timeout=30) as client:
        yield CameraLink(client, "cam-7", filmed.uplink_key)


@only_in_full
def test_killed_and_started_again_it_goes_on_where_it_was(prepared: Prepared, filmed: FilmedStore, link: CameraLink) -> None:
    given: dict[str, bytes] = {}
    for file in sealed(filmed.store):
        process = prepared.start()
        send_ledger(link, filmed.store)
        path = f"recordings/{file.parent.name}/{file.name}"
        assert link.part(path, 0, file.read_bytes()[:1000]).status_code == 204
        assert stop(process, signal.SIGKILL) == -signal.SIGKILL
        process = prepared.start()
        assert link.ask("HEAD", path).headers["upload-offset"] == "1000"
        given[path] = send_segment(link, file).content
        assert stop(process, signal.SIGKILL) == -signal.SIGKILL
    process = prepared.start()
    for path, receipt in given.items():
        assert link.ask("GET", path).content == receipt
    public = load_key(prepared.folder / "station-1.key").public
    in_force = signed(replace(FIRST, stations=(KeyHolder(id="station-1", key=public.raw.hex(), state="active"),)))
    so_far = Received()
    for raw in given.values():
        one = receipts.decode(raw, "x")
        assert judge_receipt(one, in_force, "cam-7", so_far) == "accepted"
        so_far = received(so_far, [one])
    assert stop(process) == 0


def test_it_starts_answers_and_stops_in_order(prepared: Prepared, link: CameraLink) -> None:
    process = prepared.start()
    assert link.client.get("/v1/health").json() == {"ok": True}
    assert link.ask("HEAD", "ledger/1").headers["upload-offset"] == "0"
    started = time.monotonic()
    assert stop(process) == 0
    assert time.monotonic() - started < 15
    assert (prepared.folder / "data" / "nonce-secret").stat().st_mode & 0o777 == 0o600


WRONG: dict[str, tuple[Callable[[Prepared], object], int, str]] = {
    "a roster that does not list it": (lambda p: p.roster(stations=()), 78, "does not list it"),
    "a roster with another key for it": (lambda p: p.roster(), 78, "lists another key"),
    "a roster that has ended": (
        lambda p: p.roster(made_at="2026-01-01T00:00:00.000000Z", not_after="2026-02-01T00:00:00.000000Z"),
        78,
        "sign the next one",
    ),
    "a roster by somebody else": (
        lambda p: (p.folder / "root.json").write_bytes(msgspec.json.encode(replace(ROOT, keys=(key("x").public.raw.hex(),)))),
        78,
        "root keys in force",
    ),
    "a key that is none": (lambda p: (p.folder / "station-1.key").write_text("x"), 78, "keys.signing"),
    "a database that is none": (lambda p: p.file.write_text(p.file.read_text() + "index: mysql://x\n"), 78, "sqlite"),
    "a word that it does not know": (lambda p: p.file.write_text(p.file.read_text() + "dayz: 28\n"), 78, "days"),
    "a longer term": (lambda p: p.file.write_text(p.file.read_text() + "days: 29\n"), 78, "1 to 28"),
    "figures for everybody": (lambda p: p.file.write_text(p.file.read_text() + 'metrics: {address: "0.0.0.0"}\n'), 78, "not all of them"),
    "figures at no address": (lambda p: p.file.write_text(p.file.read_text() + 'metrics: {address: "0.0"}\n'), 78, "allowed"),
    "no file": (lambda p: p.file.unlink(), 78, "readable configuration file"),
}


@only_in_full
@one_in(3)
@pytest.mark.parametrize("what", WRONG)
def test_it_does_not_start_with(what: str, prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    change, code, told = WRONG[what]
    change(prepared)
    assert main(["station", "run", str(prepared.file)]) == code
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@only_in_full
def test_a_process_tells_at_an_address_of_its_own(prepared: Prepared, link: CameraLink) -> None:
    port = free_port()
    prepared.file.write_text(prepared.file.read_text() + f"metrics: {{port: {port}}}\n")
    process = prepared.start()
    try:
        assert link.ask("HEAD", "ledger/1").headers["upload-offset"] == "0"
        health = httpx.get(f"http://127.0.0.1:{port}/health")
        assert (health.status_code, health.json()) == (200, {"ok": True, "faults": []})
        found = read_metrics(httpx.get(f"http://127.0.0.1:{port}/metrics").content)
        assert found["index_up"] == 1
        assert found["free_bytes"] > 0
        assert found["cameras_active"] >= 1
        assert httpx.get(f"http://127.0.0.1:{port}/v1/health").status_code == 404
        assert link.client.get("/metrics").status_code == link.client.get("/health").status_code == 404
    finally:
        assert stop(process) == 0


@only_in_full
def test_an_order_by_command_reaches_a_camera_that_waits(prepared: Prepared, link: CameraLink, capsys: pytest.CaptureFixture[str]) -> None:
    process = prepared.start()
    first = link.ask("GET", "orders")
    assert link.put("PUT", "/v1/cameras/cam-7/state", b'{"battery_percent":71,"free_bytes":12000000000}').status_code == 204
    file = prepared.order()
    with ThreadPoolExecutor() as pool:
        held = pool.submit(link.ask, "GET", f"orders?after={first.headers[NEXT_HEADER]}&wait=50")
        assert main(["station", "order", str(file), str(prepared.file)]) == 0
        assert held.result(55).content == file.read_bytes()
        after = held.result().headers[NEXT_HEADER]
        pool.submit(link.ask, "GET", f"orders?after={after}&wait=50")
        started = time.monotonic()
        assert main(["station", "order", str(file), str(prepared.file)]) == 0
        assert stop(process) == 0
        assert time.monotonic() - started < 15
    told = capsys.readouterr().out
    assert told.count(": kept, for cam-7") == told.count("was kept already") == 1
    assert main(["station", "orders", str(prepared.file)]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert [word in row for word in ("hold", "E-01", "cam-7", "se")] == [True] * 4
    assert main(["station", "orders", str(prepared.file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] in ("sent", "seen")
    assert main(["station", "cameras", str(prepared.file)]) == 0
    assert "71 %" in capsys.readouterr().out


def test_an_order_that_the_roster_does_not_know_is_not_kept(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    file = prepared.folder / "hold.order"
    file.write_bytes(ordered(HOLD, "nobody").document.file_bytes)
    assert main(["station", "order", str(file), str(prepared.file)]) == 65
    assert "E-01 has not signed it" in capsys.readouterr().err
    assert main(["station", "orders", str(prepared.file)]) == 0
    assert capsys.readouterr().out == "no orders\n"


@only_in_full
def test_a_port_that_is_taken(prepared: Prepared) -> None:
    with socket.create_server(("127.0.0.1", prepared.port)):
        done = subprocess.run(
            [sys.executable, "-m", "bodycamd.cli.entry", "station", "run", str(prepared.file)], capture_output=True, text=True, check=False
        )
    assert (done.returncode, "is another station running?" in done.stderr) == (75, True)


def test_a_key_is_made_once_and_its_line_is_one_of_the_fleet_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["station", "init", str(tmp_path), "--name", "station-2"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == f"  - {{id: station-2, key: {load_key(tmp_path / 'station-2.key').public.raw.hex()}}}"
    assert os.stat(tmp_path / "station-2.key").st_mode & 0o777 == 0o600
    assert main(["station", "init", str(tmp_path), "--name", "station-2"]) == 65


def test_the_file_as_it_is_shipped_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    shipped = str(Path(__file__).parents[3] / "config" / "station.example.yaml")
    assert main(["station", "check", shipped, "--text-only"]) == 0
    assert "is valid" in capsys.readouterr().out
