"""A real camera and a real station: footage arrives while it is recorded, whatever becomes of uplink and station, and the recorder is not
held up by either."""

from __future__ import annotations

import contextlib
import getpass
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import pyrage
import pytest
from msgspec.structs import replace

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import AskSegments, AskWaiting, Deliver, OpenLedger, encode_line
from bodycamd.camera.keeping.waiting import Opened
from bodycamd.cli.main import main
from bodycamd.errors import BodycamError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.orders import Hold
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.verify.verify import verify
from tests.camera.uplink.sent import KEY
from tests.camera.uplink.served import start
from tests.evidence.ordering import HOLD, ordered
from tests.evidence.rostering import ROOT, key, signed
from tests.evidence.rostering import camera as listed
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for
from tests.municipality.station.conftest import STATION_KEY, Station
from tests.system.test_orders import now, roster_of


class SendingCamera(Camera):
    """Enrolled at a station; its uplink can be started, killed and stopped dead."""

    uplink: subprocess.Popen[bytes] | None = None

    def send(self) -> None:
        self.uplink = start(self.config)

    def kill_uplink(self) -> None:
        if self.uplink is not None:
            self.uplink.kill()
            self.uplink.wait(10)

    def wait_sent(self) -> None:
        """Every sealed segment has its receipt in the ledger, and nothing is left to do."""
        sealed = len(self.segments())
        wait_for(lambda: len([one for one in self.ledger("uploaded") if "segment" in one["detail"]]) == sealed, 60, "a receipt for each")
        wait_for(self._has_sent_all, 60, "everything is sent")

    def _has_sent_all(self) -> bool:
        """As of the uplink's last look, which may be older than the newest segment."""
        uplink = self.status()["uplink"]
        return bool(uplink["doing"] == "everything is sent" and uplink["segments"] == 0)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[SendingCamera, Station]]:
    (tmp_path / "station").mkdir()
    with Station(tmp_path / "station", {}, authority="") as station:
        settings = {
            "keys": {"recipients": "recipients.txt", "signing": "signing", "root": "root.json", "roster": "roster.txt"},
            "control": {"socket": "control.sock", "uplink_user": getpass.getuser()},
            "station": {"url": f"http://127.0.0.1:{station.port}", "id": "station-1", "upload": "always", "longest_pause_seconds": 5},
            "storage": {"segment_seconds": 10},
        }
        at = SendingCamera(tmp_path, settings)
        first = PublicKey.from_pem(at.device_pem)
        station.senders = {KEY.public.id: Sender("test-1", KEY.public, first)}
        identities = [pyrage.x25519.Identity.generate() for _ in range(2)]
        (at.device / "station.key").write_bytes(STATION_KEY.file_bytes())
        own = replace(listed("test-1"), first_key=first.raw.hex(), uplink_key=KEY.public.raw.hex())
        roster = replace(roster_of([str(one.to_public()) for one in identities]), cameras=(own,))
        (at.device / "root.json").write_bytes(msgspec.json.encode(ROOT))
        station.roster = signed(roster)
        (at.device / "roster.txt").write_bytes(station.roster.document.file_bytes)
        (at.device / "uplink.key").write_bytes(KEY.file_bytes())
        try:
            yield at, station
        finally:
            at.kill_uplink()


def everything_is_there(at: SendingCamera, station: Station) -> None:
    there = station.copy("test-1") / "recordings"
    for file in at.segments():
        assert (there / file.parent.name / file.name).read_bytes() == file.read_bytes(), file.name
    assert len(list(there.glob("*/*"))) == len(at.segments())


@only_in_full
def test_footage_arrives_while_it_is_recorded_whoever_is_killed(pair: tuple[SendingCamera, Station]) -> None:
    at, station = pair
    with at:
        at.skip_warning_and_record()
        at.wait_event("FragmentDurable", 12)
        at.send()
        wait_for(lambda: at.status()["uplink"]["receipts"] >= 1, 60, "a receipt while it records")
        assert at.status()["state"] == "recording"
        for kill in range(4):
            at.kill_uplink()
            if kill == 2:
                station.close()
                station.open()
            at.send()
            count = len(at.of("FragmentDurable"))
            at.wait_event("FragmentDurable", count + 4)
        assert at.uplink is not None
        at.uplink.send_signal(signal.SIGSTOP)  # it hangs
        count = len(at.of("FragmentDurable"))
        at.wait_event("FragmentDurable", count + 4)
        at.stop_recording()
        at.uplink.send_signal(signal.SIGCONT)
        at.wait_sent()
        assert not at.of("WriteFailed")
        at.kill_uplink()
        at.stop()
    everything_is_there(at, station)
    assert at.segments()
    for store in (at.store, station.copy("test-1")):
        assert verify(store, PublicKey.from_pem(at.device_pem)).exit_code in (0, 3), "gaps of a busy machine are stated"


@only_in_full
def test_the_daemon_starts_again_and_goes_on_sending_what_is_left(pair: tuple[SendingCamera, Station]) -> None:
    """Also what a kill left open, which the next start recovers."""
    at, station = pair
    with at:
        at.skip_warning_and_record()
        at.wait_event("FragmentDurable", 3)
    at.send()
    with at:
        at.wait_state("standby", "recording")
        if at.status()["state"] == "recording":
            at.stop_recording()
        at.wait_sent()
        at.kill_uplink()
        at.stop()
    everything_is_there(at, station)


@only_in_full
def test_an_uplink_that_has_gone_mad_does_not_hold_up_the_recorder(pair: tuple[SendingCamera, Station]) -> None:
    """It asks as fast as it can, from all places at once, brings junk, and keeps every file that it is handed."""
    at, _ = pair
    kept: list[BinaryIO] = []
    over = threading.Event()

    def ask() -> None:
        lines = [encode_line(AskWaiting(doing="\0" * 200)), encode_line(Deliver(document=b"\xff" * 40_000))]
        lines += [encode_line(AskSegments(recording=".."))]
        while not over.is_set():
            for line in [*lines, b""]:
                with contextlib.suppress(BodycamError, OSError), ControlClient(at.device / "control.sock", 2) as client:
                    if line:
                        client.ask(line)
                    else:
                        kept.append(client.request_file(OpenLedger(start=1), Opened)[1])

    with at:
        at.skip_warning_and_record()
        mad = [threading.Thread(target=ask) for _ in range(6)]
        for thread in mad:
            thread.start()
        try:
            at.wait_event("FragmentDurable", len(at.of("FragmentDurable")) + 8)
            at.stop_recording()
        finally:
            over.set()
            for thread in mad:
                thread.join(30)
            for file in kept:
                file.close()
        assert not at.of("WriteFailed")
        assert not at.of("RingOverflowed")
        at.stop()
    assert len(kept) > 3
    assert len(at.ledger("orders_not_signed")) == 1, "the network cannot fill the ledger"
    assert verify(at.store, PublicKey.from_pem(at.device_pem)).exit_code in (0, 3), "gaps of a busy machine are stated"


def station_file(at: SendingCamera, station: Station) -> str:
    """For the commands at the station's computer."""
    device = at.device
    keys = f"{{signing: {device}/station.key, root: {device}/root.json, roster: {device}/roster.txt}}"
    (file := at.folder / "station.yaml").write_text(f"name: station-1\nauthority: s.example\ndata: {station.root}\nkeys: {keys}\n")
    return str(file)


@only_in_full
def test_an_order_and_a_grown_roster_reach_a_camera_that_records(
    pair: tuple[SendingCamera, Station], capsys: pytest.CaptureFixture[str]
) -> None:
    """Told as done at the station once the camera's ledger says so; and not done again by an uplink that remembers nothing."""
    at, station = pair
    body = HOLD.body
    assert isinstance(body, Hold)
    file = station_file(at, station)
    cameras = (*station.roster.roster.cameras, *(listed(f"X-{number}") for number in range(300)))
    station.roster = rosters.sign(replace(station.roster.roster, version=8, cameras=cameras), [key("root-1")])

    def told() -> dict[str, str]:
        assert main(["station", "orders", file, "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        assert isinstance(found, dict)
        return found

    with at:
        at.skip_warning_and_record()
        name = at.recordings()[0]
        hold = ordered(now(HOLD, body=replace(body, recording=name)))
        (at.folder / "hold.order").write_bytes(hold.document.file_bytes)
        assert main(["station", "order", str(at.folder / "hold.order"), file]) == 0
        capsys.readouterr()
        assert told()["state"] == "waiting"
        at.send()
        wait_for(lambda: at.ledger("order_done"), 60, "it is carried out")
        assert at.status()["roster"]["version"] == 8
        assert at.status()["state"] == "recording"
        wait_for(lambda: told()["state"] == "done", 60, "the ledger is up")
        at.stop_recording()
        at.kill_uplink()
        at.send()
        at.wait_sent()
        at.kill_uplink()
        at.stop()
    assert told()["outcome"] == "held"
    assert [one["detail"]["order"] for one in at.ledger("order")] == [hold.id]
    assert [one["detail"]["hold"] for one in at.ledger("hold_added")] == [hold.id]
    assert len(at.ledger("order_done")) == 1
