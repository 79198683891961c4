"""Suspensions on their way to cameras: from a person by the station to the camera that takes them, and what they shut out at the
station."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.camera.uplink import fetching
from bodycamd.errors import ConfigError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.suspension import SignedSuspension, Suspension, sign
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.orders import Orders
from bodycamd.municipality.station.process import StationProcess
from bodycamd.municipality.station.rebuild import rebuild
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import key
from tests.kit.scale import only_in_full
from tests.municipality.station.at_station import Scene, hold
from tests.municipality.station.conftest import STATION_KEY
from tests.municipality.station.sending import send_ledger
from tests.municipality.station.test_cameras import Folder
from tests.municipality.station.test_rebuild import rows

WORDS: dict[str, Any] = {"roster": IN_FORCE.document.sha256, "by": "A-01", "made_at": "2026-03-10T12:00:00.000000Z"}


def suspension(signer: str = "A-01", **changes: Any) -> SignedSuspension:
    return sign(Suspension(**(WORDS | {"people": ("E-01",)} | changes)), key(signer))


def post(scene: Scene, made: SignedSuspension) -> int:
    scene.desk.key = key("P-01")._private
    return scene.desk.put("POST", "/v1/orders", made.document.file_bytes).status_code


def roster(scene: Scene) -> SignedRoster:
    return scene.station.roster


def test_every_camera_gets_it_behind_its_roster_until_its_ledger_states_it(scene: Scene) -> None:
    made = suspension()
    assert post(scene, made) == 201
    assert post(scene, made) == 200
    found, after = scene.poll()
    assert found[-1] == made.document.file_bytes
    assert fetching.split(b"".join(found)) == found, "the uplink carries it"
    assert scene.poll(after) == ([], after)
    assert made.document.file_bytes in scene.poll()[0], "from 0 it comes again"
    camera = scene.camera
    assert camera.rosters.suspend(made, camera.enter) == "accepted"
    send_ledger(scene.link, camera.store_folder)
    assert made.document.file_bytes not in scene.poll()[0]


def test_who_is_suspended_orders_nothing_here_either(scene: Scene) -> None:
    orders = scene.station.orders
    assert orders._counts(hold(), roster(scene)) == ["HV-01"]
    assert scene.post(hold()).status_code == 201
    assert post(scene, suspension()) == 201
    scene.desk.key = key("E-01")._private
    assert scene.post(hold(1)).status_code == 401
    assert orders._counts(hold(1), roster(scene)) == []


@only_in_full
def test_a_suspended_camera_is_shut_out(scene: Scene) -> None:
    senders, orders = scene.station.senders, scene.station.orders
    assert orders.not_suspended(senders, roster(scene)) == senders
    assert post(scene, suspension(people=(), cameras=("HV-01",))) == 201
    assert orders.not_suspended(senders, roster(scene)) == {}
    following = replace(IN_FORCE, document=replace(IN_FORCE.document, json=IN_FORCE.document.json + b" "))
    assert orders.not_suspended(senders, following) == senders, "with the next roster it is over"


@only_in_full
@pytest.mark.parametrize(
    "made",
    [
        suspension("E-01"),
        suspension(by="E-01", signer="E-01"),
        suspension(roster="ab" * 32),
        suspension(people=("X-99",)),
        suspension(cameras=("HV-99",)),
    ],
)
def test_what_no_camera_would_take_is_not_kept(made: SignedSuspension, scene: Scene) -> None:
    assert post(scene, made) == 422
    assert scene.station.orders.suspended(roster(scene)) == []


@only_in_full
def test_an_index_made_anew_has_it_too(scene: Scene) -> None:
    assert post(scene, suspension()) == 201
    scene.poll()
    send_ledger(scene.link, scene.camera.store_folder)
    file = scene.station.root / "again.sqlite"
    anew = Index.open(f"sqlite:///{file}")
    first = PublicKey.from_pem((scene.camera.root / "device.pem").read_bytes())
    assert rebuild(anew, scene.station.storage, {"HV-01": first}, STATION_KEY.public).problems == ()
    anew.close()
    old, new = rows(scene.station.root / "index.sqlite"), rows(file)
    assert old["documents"] == new["documents"]
    assert old["audit"] == new["audit"]


def test_who_is_suspended_gets_no_push_under_a_roster_that_has_ended_either(tmp_path: Path) -> None:
    """A call for help waits for no roster, and reaches nobody who was shut out."""
    folder = Folder(tmp_path)
    in_force, index = folder.open(), Index.open(f"sqlite:///{tmp_path}/index.sqlite")
    orders = Orders(FolderStorage(tmp_path / "data"), index, now_us=lambda: folder.now_us)
    made = suspension(people=("C-01",), roster=in_force.newest().document.sha256)
    orders.take(made.document.file_bytes, in_force.current(), "by A-01")
    folder.now_us += 90 * 86_400_000_000
    with pytest.raises(ConfigError):
        in_force.current()
    process: Any = SimpleNamespace(_kept_orders=orders, _in_force=in_force)
    assert [one for one in ("C-01", "E-01", "T-09", "X-01") if StationProcess._is_active(process, one)] == ["E-01"]
    index.close()
