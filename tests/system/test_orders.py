"""A roster and signed orders at the real daemon: from the socket to the ledger, to whom footage is encrypted, and across a restart."""

from __future__ import annotations

import base64
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import pytest
from msgspec.structs import replace

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import Deliver
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.cli.main import main
from bodycamd.errors import DataError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.orders import Configuration, Hold, Order
from bodycamd.evidence.roster import Roster
from bodycamd.evidence.statements import wall_text
from bodycamd.linux.clock import SystemClock
from bodycamd.municipality.verify.verify import verify
from tests.evidence.ordering import HOLD, SETTINGS, SHIFT, ordered
from tests.evidence.rostering import FIRST, ROOT, camera, person, signed
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

DAY_US = 86_400_000_000


def roster_of(recipients: list[str]) -> Roster:
    """In force for the next days, by this machine's clock, with recipients that can be encrypted to."""
    now_us = SystemClock().read().wall_us
    people = tuple(replace(person(f"E-0{number}", "evidence"), recipient=name) for number, name in enumerate(recipients, 1))
    times = {"made_at": wall_text(now_us - DAY_US), "not_after": wall_text(now_us + 30 * DAY_US)}
    return replace(FIRST, cameras=(camera("test-1"),), people=(*people, *FIRST.people[2:]), **times)


def deliver(at: Camera, order: Order, *names: str) -> Delivered:
    with ControlClient(at.device / "control.sock") as client:
        return client.request(Deliver(document=ordered(order, *names).document.file_bytes), Delivered)


def now(order: Order, **changes: Any) -> Order:
    at_us = SystemClock().read().wall_us
    ends = wall_text(at_us + 3_600_000_000) if order.not_after else None
    return replace(order, cameras=("test-1",), made_at=wall_text(at_us), not_after=ends, **changes)


@only_in_full
def test_an_order_reaches_recording_and_ledger_and_is_not_carried_out_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identities = [pyrage.x25519.Identity.generate() for _ in range(2)]
    keys = {"recipients": "recipients.txt", "signing": "signing", "root": "root.json", "roster": "roster.txt"}
    at = Camera(tmp_path, {"keys": keys})
    (at.device / "root.json").write_bytes(msgspec.json.encode(ROOT))
    (at.device / "roster.txt").write_bytes(signed(roster_of([str(one.to_public()) for one in identities])).document.file_bytes)
    shift, body = now(SHIFT), HOLD.body
    assert isinstance(body, Hold)
    with at:
        told = at.status()["roster"]
        assert (told["version"], told["active"]) == (FIRST.version, True)
        assert deliver(at, shift).outcome == "shift_begun"
        assert at.status()["shift"]["officer"] == "H-12"
        at.skip_warning_and_record()
        name = at.recordings()[0]
        hold = now(HOLD, body=replace(body, recording=name))
        assert deliver(at, hold, "E-02").outcome == "not_signed"
        assert deliver(at, hold).outcome == "held", "while it is being recorded"
        at.stop_recording()
        with pytest.raises(DataError), ControlClient(at.device / "control.sock") as client:
            client.request(Deliver(document=b"junk"), Delivered)
        at.stop()
    (stated, other) = at.ledger("order")
    assert base64.b64decode(other["detail"]["document"]) == ordered(hold).document.file_bytes
    assert stated["detail"]["kind"] == "shift"
    (held,) = at.ledger("hold_added")
    assert held["detail"]["hold"] == ordered(hold).id
    (tmp_path / "hold.order").write_bytes(ordered(hold).document.file_bytes)
    with at:
        assert main(["order", "deliver", str(tmp_path / "hold.order"), "--socket", str(at.device / "control.sock")]) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'hold.order'}: held: it was carried out before: held\n"
        assert deliver(at, shift).outcome == "shift_begun"
        at.stop()
    assert len(at.ledger("order")) == len(at.ledger("order_done")) == 2
    assert len(at.ledger("roster_accepted")) == 2
    (sealed,) = at.segments(name)
    statement = msgspec.json.decode(_member(sealed, "000000.json"))
    assert statement["recipients"] == sorted(str(one.to_public()) for one in identities)
    assert verify(at.store, PublicKey.from_pem(at.device_pem)).exit_code in (0, 3), "gaps of a busy machine are stated"


def _member(tar: Path, name: str) -> bytes:
    with tarfile.open(tar) as archive:
        found = archive.extractfile(name)
        assert found is not None
        return found.read()


@only_in_full
def test_settings_by_order_come_into_force_while_it_rests_and_go_back_where_it_dies(tmp_path: Path) -> None:
    """The recorder ends by itself after the recording; the next start tries them; one that is killed while it tries has them put back."""
    identities = [pyrage.x25519.Identity.generate() for _ in range(2)]
    keys = {"recipients": "recipients.txt", "signing": "signing", "root": "root.json", "roster": "roster.txt"}
    at = Camera(tmp_path, {"keys": keys})
    (at.device / "root.json").write_bytes(msgspec.json.encode(ROOT))
    people = roster_of([str(one.to_public()) for one in identities])
    people = replace(people, people=(*people.people, person("T-01", "technician")))
    (at.device / "roster.txt").write_bytes(signed(people).document.file_bytes)

    def to_change(**changes: Any) -> Order:
        body = Configuration(base=at.status()["ordered"]["configuration"], changes=changes)
        return now(SETTINGS, body=body, nonce=f"{len(at.ledger('order')):032x}")

    with at:
        at.skip_warning_and_record()
        order = to_change(reminder_seconds=60)
        assert deliver(at, order).outcome == "accepted", "while it is being recorded"
        assert at.status()["ordered"]["waiting"] == ordered(order).id
        at.stop_recording()
        assert at.process.wait(90) == 0
    assert [entry["detail"]["reason"] for entry in at.ledger("leaving")] == ["shutdown"]
    with at:
        wait_for(lambda: at.ledger("order_done"), 30, "it is confirmed")
        told = at.status()["ordered"]
        assert (told["settings"], told["waiting"]) == (["reminder_seconds"], "")
        assert deliver(at, to_change(reminder_seconds=90)).outcome == "settings_wait", "ten minutes lie between them"
        at.stop()
    with at:
        deliver(at, to_change(reminder_seconds=90))
        assert at.process.wait(90) == 0
        (at.device / "ordered-settings" / "ready.json").rename(at.device / "ordered-settings" / "trial.json")  # as a start that is killed
    with at:
        wait_for(lambda: len(at.ledger("order_done")) == 2, 30, "it goes back")
        assert at.status()["ordered"]["settings"] == ["reminder_seconds"]
        at.stop()
    assert [entry["detail"]["outcome"] for entry in at.ledger("order_done")] == ["configured", "went_back"]
    assert len(at.ledger("settings_in_force")) == 3
    assert verify(at.store, PublicKey.from_pem(at.device_pem)).exit_code in (0, 3), "gaps of a busy machine are stated"
