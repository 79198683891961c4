"""No order is lost and none comes twice: over crashes, starts, several processes, and an index that is made anew."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import StorageError
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.orders import MAX_ORDERS, Orders
from bodycamd.municipality.station.rebuild import rebuild
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW_US, key
from tests.kit.scale import count, only_in_full
from tests.municipality.station.at_station import Scene, hold, only_orders
from tests.municipality.station.sending import send_ledger


def failing(*_: object) -> None:
    raise StorageError("no space left")


@only_in_full
def test_what_a_crash_came_in_between_of_is_given_after_the_next_start(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the index, and not in the storage: nobody gets it, nor what came after it, until the storage has it."""
    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "put_document", failing)
        assert scene.post(hold(1)).status_code == 503
        assert scene.post(hold(2)).status_code == 503
        assert scene.link.ask("GET", "orders").status_code == 503
    scene.again()
    assert only_orders(scene.poll()[0]) == [hold(1).document.file_bytes, hold(2).document.file_bytes]
    assert scene.post(hold(1)).status_code == 200
    assert len(only_orders(scene.poll()[0])) == 2


def test_one_that_was_added_before_and_is_kept_after_another_is_not_passed_over(scene: Scene) -> None:
    """Two processes: who added the first is slow."""
    scene.station.orders.index.add_order(hold(1), "slow", NOW_US)
    scene.station.orders.index.add_order(hold(2), "fast", NOW_US)
    scene.station.orders.index.is_kept(2)
    found, after = scene.station.orders.waiting_for("HV-01", 0)
    assert (found, after) == ([], 0)
    scene.station.orders.index.is_kept(1)
    assert [document.n for document in scene.station.orders.waiting_for("HV-01", after)[0]] == [1, 2]


@settings(max_examples=count(30))
@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from(["poll", "restart", "forget"])), max_size=25))
def test_a_camera_that_follows_gets_each_order_once(tmp_path_factory: pytest.TempPathFactory, steps: list[int | str]) -> None:
    """Whoever brings it how often, over restarts and a rebuild's numbers; who has lost its place gets all of it again."""
    root = tmp_path_factory.mktemp("orders")
    index = Index.open(f"sqlite:///{root}/index.sqlite")
    station = Orders(FolderStorage(root), index, now_us=lambda: NOW_US)
    taken: list[bytes] = []
    got: list[bytes] = []
    after = 0

    def asks() -> None:
        nonlocal after
        while True:
            found, after = station.waiting_for("HV-01", after)
            got.extend(document.file_bytes for document in found)
            if not found:
                return

    for step in steps:
        match step:
            case int():
                order = hold(step)
                assert station.take(order.document.file_bytes, IN_FORCE, "by hand").new == (order.document.file_bytes not in taken)
                if order.document.file_bytes not in taken:
                    taken.append(order.document.file_bytes)
            case "poll":
                asks()
            case "restart":
                index.close()
                index = Index.open(f"sqlite:///{root}/index.sqlite")
                station = Orders(FolderStorage(root), index, now_us=lambda: NOW_US)
            case _:
                got, after = [], 0
    asks()
    assert got == taken
    index.close()


@only_in_full
def test_two_processes_take_the_same_orders_at_once(tmp_path: Path) -> None:
    """Each order has one number, and a camera gets all of them."""
    indexes = [Index.open(f"sqlite:///{tmp_path}/index.sqlite") for _ in range(2)]
    stations = [Orders(FolderStorage(tmp_path), index, now_us=lambda: NOW_US) for index in indexes]
    made = [hold(number) for number in range(6)]
    begin = threading.Barrier(len(stations))

    def take(station: Orders) -> list[bool]:
        begin.wait()
        found = []
        for order in made:
            found.append(station.take(order.document.file_bytes, IN_FORCE, "by hand").new)
        return found

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(take, stations)
    assert all(not (one and other) for one, other in zip(first, second, strict=True))
    for station in stations:
        found, _ = station.waiting_for("HV-01", 0)
        assert [one.file_bytes for one in found] == [order.document.file_bytes for order in made[:MAX_ORDERS]]
        assert [one.n for one in found] == list(range(1, len(found) + 1))
    for index in indexes:
        index.close()


@only_in_full
def test_a_rebuilt_index_has_the_orders_and_what_ledgers_state_of_them(scene: Scene, tmp_path: Path) -> None:
    """Not what nobody signed: to whom they were sent."""
    order = scene.camera.to_hold(scene.camera.record())
    scene.post(order)
    scene.post(hold(7))
    _, after = scene.poll()
    scene.camera.deliver(order)
    send_ledger(scene.link, scene.camera.store_folder)
    index = Index.open(f"sqlite:///{tmp_path}/new.sqlite")
    first_keys = {sender.device: sender.first_key for sender in scene.station.senders.values()}
    done = rebuild(index, scene.station.storage, first_keys, key("station-1").public)
    assert (done.documents, done.problems) == (3, ())
    again = Orders(scene.station.storage, index, now_us=lambda: NOW_US)
    before = scene.station.orders.index.deliveries()
    assert again.index.deliveries() == [msgspec.structs.replace(one, sent_us=None, seen_us=None) for one in before]
    assert again.index.newest() == scene.station.orders.index.newest()
    assert again.waiting_for("HV-01", after) == scene.station.orders.waiting_for("HV-01", after)
    index.close()


def test_a_document_that_is_none_does_not_come_back(scene: Scene, tmp_path: Path) -> None:
    scene.post(hold(1))
    scene.post(hold(2))
    (scene.station.root / "documents" / "000000001.document").write_bytes(b"bodycam-order/1\n{}\n")
    index = Index.open(f"sqlite:///{tmp_path}/new.sqlite")
    done = rebuild(index, scene.station.storage, {}, key("station-1").public)
    assert (done.documents, [problem.startswith("document 1") for problem in done.problems]) == (1, [True])
    index.close()
