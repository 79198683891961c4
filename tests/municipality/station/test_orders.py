"""Orders at the station: who may bring one, that none is lost or comes twice, and that only a camera's ledger says that one is done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import msgspec
import pytest

from bodycamd.evidence import orders
from bodycamd.evidence import roster as rosters
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.orders import MAX_ORDERS, Orders
from tests.evidence.ordering import IN_FORCE, RELEASE, SHIFT, ordered
from tests.evidence.rostering import key
from tests.kit.scale import one_in, only_in_full, sample
from tests.kit.waiting import wait_for
from tests.municipality.station.at_station import NOW, Scene, hold, only_orders, poll, private
from tests.municipality.station.sending import send_ledger


def test_an_order_comes_to_the_camera_and_is_done_when_its_ledger_says_so(scene: Scene) -> None:
    order = scene.camera.to_hold(scene.camera.record())
    answer = scene.post(order)
    assert (answer.status_code, answer.json()) == (201, {"order": order.id})
    (roster, brought), after = scene.poll()
    assert (roster, brought) == (IN_FORCE.document.file_bytes, order.document.file_bytes)
    assert scene.states() == [(order.id, "sent", False, "")]
    assert scene.poll(after) == ([], after)
    assert scene.states() == [(order.id, "seen", False, "")]
    scene.camera.deliver(orders.decode(brought, "x"))
    assert scene.states()[0][2] is False
    send_ledger(scene.link, scene.camera.store_folder)
    assert scene.states() == [(order.id, "seen", True, "held")]
    (told,) = scene.station.orders.index.deliveries()
    line = (scene.camera.store_folder / "ledger" / f"{told.start:06d}.jsonl").read_bytes().splitlines()[(told.line or 0) - 1]
    assert (order.id.encode() in line, b"order_done" in line) == (True, True)
    assert scene.poll() == ([], 0)


@only_in_full
def test_what_a_camera_refuses_is_given_again_and_told(scene: Scene) -> None:
    """It may hold the recording tomorrow."""
    order = hold()
    scene.post(order)
    scene.camera.deliver(order)
    send_ledger(scene.link, scene.camera.store_folder)
    assert scene.states() == [(order.id, "waiting", False, "unknown_recording")]
    assert only_orders(scene.poll()[0]) == [order.document.file_bytes]


@only_in_full
def test_a_poll_is_held_until_there_is_something(scene: Scene) -> None:
    _, after = scene.poll()
    with ThreadPoolExecutor() as pool, httpx.Client(base_url=scene.station.client.base_url, timeout=60) as client:
        held = pool.submit(poll, replace(scene.link, client=client), after, 50)
        wait_for(lambda: scene.station.ordering._polls._held, what="a held poll")
        assert scene.post(hold()).status_code == 201
        assert only_orders(held.result(40)[0]) == [hold().document.file_bytes]


@only_in_full
def test_an_order_that_another_process_took_ends_the_poll_too(scene: Scene) -> None:
    _, after = scene.poll()
    with ThreadPoolExecutor() as pool, httpx.Client(base_url=scene.station.client.base_url, timeout=60) as client:
        held = pool.submit(poll, replace(scene.link, client=client), after, 50)
        wait_for(lambda: scene.station.ordering._polls._held, what="a held poll")
        other = Index.open(f"sqlite:///{scene.station.root}/index.sqlite")
        Orders(FolderStorage(scene.station.root), other).take(hold().document.file_bytes, IN_FORCE, "by hand")
        assert only_orders(held.result(40)[0]) == [hold().document.file_bytes]
        other.close()


@only_in_full
def test_a_second_poll_of_a_camera_ends_the_first(scene: Scene) -> None:
    _, after = scene.poll()
    with ThreadPoolExecutor() as pool, httpx.Client(base_url=scene.station.client.base_url, timeout=60) as client:
        held = pool.submit(poll, replace(scene.link, client=client), after, 50)
        wait_for(lambda: scene.station.ordering._polls._held, what="a held poll")
        assert scene.poll(after) == ([], after)
        assert held.result(40) == ([], after)


@only_in_full
def test_a_station_that_stops_waits_for_no_poll(scene: Scene) -> None:
    _, after = scene.poll()
    with ThreadPoolExecutor() as pool, httpx.Client(base_url=scene.station.client.base_url, timeout=60) as client:
        held = pool.submit(poll, replace(scene.link, client=client), after, 50)
        wait_for(lambda: scene.station.ordering._polls._held, what="a held poll")
        scene.station.ordering.end_polls()
        assert held.result(40) == ([], after)


def test_the_order_of_another_camera_and_one_that_has_ended_are_not_given(scene: Scene) -> None:
    scene.post(hold(1, cameras=("IN-01",)))
    scene.post(ordered(SHIFT))
    assert only_orders(scene.poll()[0]) == [ordered(SHIFT).document.file_bytes]
    scene.station.now += 2 * 86_400
    assert only_orders(scene.poll()[0]) == []


@only_in_full
def test_a_newer_roster_comes_before_the_orders_until_the_ledger_states_it(scene: Scene) -> None:
    order = hold()
    scene.post(order)
    _, after = scene.poll()
    newer = rosters.sign(msgspec.structs.replace(IN_FORCE.roster, version=8, made_at="2026-03-10T00:00:00.000000Z"), [key("root-1")])
    scene.station.roster = newer
    assert scene.poll(after)[0] == [newer.document.file_bytes]
    assert scene.poll()[0] == [newer.document.file_bytes, order.document.file_bytes]
    scene.camera.rosters.offer(newer, scene.camera.keeper.known_time(), scene.camera.enter)
    send_ledger(scene.link, scene.camera.store_folder)
    assert scene.poll()[0] == [order.document.file_bytes]


@only_in_full
def test_more_than_fit_into_an_answer_come_with_the_next(scene: Scene) -> None:
    made = [hold(number) for number in range(MAX_ORDERS + 3)]
    for order in made:
        scene.post(order)
    first, after = scene.poll()
    second, last = scene.poll(after)
    assert only_orders(first) + only_orders(second) == [order.document.file_bytes for order in made]
    assert scene.poll(last) == ([], last)


def test_somebody_else_may_bring_it_and_the_log_says_who(scene: Scene) -> None:
    other = replace(scene.desk, key=private(key("C-01")))
    assert other.put("POST", "/v1/orders", hold().document.file_bytes).status_code == 201
    assert b"hold by E-01 for 1 cameras, brought by C-01" in b"".join(scene.station.index.audit_lines())


def test_another_camera_gets_nothing(scene: Scene) -> None:
    scene.post(hold())
    for path in ("orders", "state"):
        link = replace(scene.link, device="IN-01")
        answer = link.ask("GET", path) if path == "orders" else link.put("PUT", f"/v1/cameras/IN-01/{path}", b"{}")
        assert answer.status_code == 403


STATES = {
    b"{}": 204,
    b'{"battery_percent":71,"external_power":true,"free_bytes":1000000,"waiting_bytes":0,"later":1}': 204,
    b'{"battery_percent":101}': 422,
    b'{"battery_percent":"71"}': 422,
    b'{"free_bytes":-1}': 422,
    b'{"battery_percent":1,"battery_percent":2}': 422,
    b"[]": 422,
    b"": 422,
    b'{"later":"' + b"x" * 5000 + b'"}': 413,
}


@only_in_full
@one_in(3)
@pytest.mark.parametrize("content", sample(STATES, 3))
def test_what_a_camera_says_of_itself_is_bounded(content: bytes, scene: Scene) -> None:
    assert scene.link.put("PUT", "/v1/cameras/HV-01/state", content).status_code == STATES[content]
    assert [one.device for one in scene.station.orders.index.presences()] == (["HV-01"] if STATES[content] == 204 else [])


def test_it_was_there_when_it_asked_last(scene: Scene) -> None:
    scene.link.put("PUT", "/v1/cameras/HV-01/state", b'{"battery_percent":71}')
    scene.station.now += 61
    scene.poll()
    (seen,) = scene.station.orders.index.presences()
    assert (seen.seen_us, seen.state) == ((NOW + 61) * 1_000_000, b'{"battery_percent":71}')


@one_in(5)
@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=9999999999999999", "wait=x", "wait=-1"])
def test_a_place_that_is_none(query: str, scene: Scene) -> None:
    assert scene.link.ask("GET", f"orders?{query}").status_code == 404


def test_the_place_of_another_station_is_the_beginning(scene: Scene) -> None:
    scene.post(hold())
    assert only_orders(scene.poll(after=1000)[0]) == [hold().document.file_bytes]


def test_an_order_for_two_cameras_is_done_at_each_by_itself(scene: Scene) -> None:
    order = ordered(msgspec.structs.replace(RELEASE, cameras=("HV-01", "IN-01")))
    scene.post(order)
    scene.camera.deliver(order)
    send_ledger(scene.link, scene.camera.store_folder)
    assert [(one.device, one.done) for one in scene.station.orders.index.deliveries()] == [("HV-01", True), ("IN-01", False)]
