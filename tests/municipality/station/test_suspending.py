"""A suspension from the command that signs it to what it shuts out: at a station, at a camera, and on a request."""

from __future__ import annotations

import json
import time
from dataclasses import replace as changed
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from msgspec.structs import replace

from bodycamd.cli import fleet_option
from bodycamd.cli.main import main
from bodycamd.evidence import suspension as suspensions
from bodycamd.evidence.orders import MAX_ORDER_BYTES
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW_US, camera, key, signed
from tests.kit.scale import one_in, only_in_full
from tests.municipality.station.at_station import Scene, hold
from tests.municipality.station.conftest import FilmedStore
from tests.municipality.station.prepared import Prepared, stop
from tests.municipality.station.sending import CameraLink, send_ledger

PASSPHRASE = b"correct horse"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own computer: sealed keys, the roster, a passphrase."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "passphrase").write_bytes(PASSPHRASE + b"\n")
    (folder / "roster").write_bytes(IN_FORCE.document.file_bytes)
    for name in ("A-01", "P-01", "E-01", "C-01", "T-01"):
        private = key(name)._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE))
        (folder / f"{name}.pem").write_bytes(private)
        (folder / f"{name}.pem").chmod(0o600)
    monkeypatch.setattr(fleet_option, "now_us", lambda: NOW_US)
    monkeypatch.chdir(folder)
    return folder


def sign(*words: str, person: str = "A-01", by: str = "", roster: str = "roster") -> int:
    who = ["--person", person, "--key", f"{by or person}.pem", "--roster", roster, "--passphrase-file", "passphrase"]
    return main(["order", "sign", "suspension", *words, *who, "--out", "out.suspension"])


def written() -> bytes:
    return Path("out.suspension").read_bytes()


@only_in_full
def test_what_is_signed_is_shown_first_and_sent_and_obeyed(scene: Scene, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene.station.close()
    scene.station.authority = ""
    scene.station.open()
    scene.link.client = scene.desk.client = scene.station.client
    scene.link.authority = scene.desk.authority = address = f"127.0.0.1:{scene.station.port}"
    assert scene.post(hold()).status_code == 201, "E-01's word counts"

    assert sign("--suspend", "E-01", "--camera", "HV-01", person="P-01") == 0
    told = capsys.readouterr()
    sha256 = suspensions.decode(written(), "x").document.sha256
    for word in ("suspension", "E-01", "HV-01", "P-01", IN_FORCE.document.sha256, "with the next roster"):
        assert word in told.err
    assert told.out == f"out.suspension: suspension {sha256}\n"
    assert (Path("out.suspension").stat().st_mode & 0o777) == 0o600
    assert sign("--suspend", "E-01") == 73, "nothing is overwritten"

    capsys.readouterr()
    assert main(["order", "show", "out.suspension", "--roster", "roster"]) == 0
    assert capsys.readouterr().out.endswith("signed by all whom it names\n")
    assert main(["order", "show", "out.suspension", "--roster", "roster", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["missing"], shown["suspension"]["people"]) == (sha256, [], ["E-01"])

    Path("out.suspension").unlink()
    assert sign("--suspend", "E-01", "--station", f"http://{address}") == 0
    assert capsys.readouterr().out.endswith("the station has it\n")
    assert scene.post(hold(1)).status_code == 401, "… and counts no more at the station"
    assert scene.poll()[0][-1] == written()
    worn = scene.camera
    assert worn.deliver(hold(2)).outcome == "unknown_recording"
    assert worn.rosters.suspend(suspensions.decode(written(), "x"), worn.enter) == "accepted"
    assert worn.deliver(hold(3)).outcome == "not_active"
    send_ledger(scene.link, worn.store_folder)
    assert written() not in scene.poll()[0], "the ledger states it"


@one_in(2)
@pytest.mark.parametrize(
    ("words", "person", "by", "code", "said"),
    [
        (["--suspend", "P-01"], "E-01", "", 77, "needs administrator or privacy: E-01 is evidence"),
        (["--suspend", "P-01"], "C-01", "", 77, "needs administrator or privacy: C-01 is coordinator"),
        (["--suspend", "P-01"], "T-01", "", 77, "needs administrator or privacy: T-01 is technician"),
        (["--suspend", "P-01"], "A-01", "E-01", 77, "this key is not A-01's"),
        (["--suspend", "P-01"], "X-01", "E-01", 77, "X-01 is not in roster 7"),
        (["--suspend", "P-01"], "E-04", "E-01", 77, "E-04 is suspended in roster 7"),
        (["--suspend", "X-99"], "A-01", "", 77, "X-99: not in roster 7"),
        (["--camera", "HV-99"], "A-01", "", 77, "HV-99: not in roster 7"),
        (["--suspend", "Jansen, P."], "A-01", "", 2, "nobody would take this suspension"),
        ([], "A-01", "", 2, "give a camera (--camera) or a person (--suspend)"),
    ],
)
def test_what_nobody_would_take_is_not_signed(
    desk: Path, capsys: pytest.CaptureFixture[str], words: list[str], person: str, by: str, code: int, said: str
) -> None:
    assert sign(*words, person=person, by=by) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.splitlines()[-1].startswith("bodycamd: ")
    assert not Path("out.suspension").exists()


def test_another_roster_names_nobody_who_signed(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign("--suspend", "E-01") == 0
    altered = written().replace(b'"E-01"', b'"E-02"')
    Path("altered").write_bytes(altered)
    assert main(["order", "show", "altered", "--roster", "roster"]) == 65
    assert "does not hold" in capsys.readouterr().err


@only_in_full
def test_a_running_station_shuts_a_camera_out_at_its_next_request(
    prepared: Prepared, filmed: FilmedStore, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command on the station's computer for the camera, by the person's own computer for a person: with the very process."""
    monkeypatch.setattr(fleet_option, "now_us", lambda: time.time_ns() // 1000)
    address = f"127.0.0.1:{prepared.port}"
    lines = prepared.file.read_text().splitlines()
    prepared.file.write_text("\n".join(f"authority: {address}" if line.startswith("authority:") else line for line in lines) + "\n")
    process = prepared.start()
    roster = str(prepared.folder / "roster.txt")
    with httpx.Client(base_url=f"http://{address}", timeout=30) as client:
        link = CameraLink(client, "cam-7", filmed.uplink_key, authority=address)
        person = changed(link, key=key("E-01")._private)
        assert link.ask("HEAD", "ledger/1").status_code == 204
        assert person.put("POST", "/v1/orders", prepared.order().read_bytes()).status_code == 201

        assert sign("--suspend", "E-01", "--station", f"http://{address}", person="P-01", roster=roster) == 0
        assert person.put("POST", "/v1/orders", prepared.order().read_bytes()).status_code == 401
        assert link.ask("HEAD", "ledger/1").status_code == 204

        Path("out.suspension").unlink()
        assert sign("--camera", "cam-7", roster=roster) == 0
        capsys.readouterr()
        assert main(["station", "order", "out.suspension", str(prepared.file)]) == 0
        assert "kept, for" in capsys.readouterr().out
        assert link.ask("HEAD", "ledger/1").status_code == 401
    assert stop(process) == 0


def test_one_of_a_whole_fleet_is_taken(scene: Scene) -> None:
    """It is larger than any order."""
    name = "HV-" + "0" * 40
    roster = scene.station.roster = signed(replace(IN_FORCE.roster, cameras=(*IN_FORCE.roster.cameras, camera(name))))
    made = suspensions.Suspension(
        roster=roster.document.sha256, by="A-01", made_at="2026-03-10T12:00:00.000000Z", cameras=(name,) * 1000, people=("E-01",) * 1000
    )
    whole = suspensions.sign(made, key("A-01")).document.file_bytes
    assert len(whole) > 2 * MAX_ORDER_BYTES
    scene.desk.key = key("P-01")._private
    assert scene.desk.put("POST", "/v1/orders", whole).status_code == 201
    assert scene.station.orders.standing(roster).people.isdisjoint({"E-01"})
    assert scene.poll()[0][-1] == whole
