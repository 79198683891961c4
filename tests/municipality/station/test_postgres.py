"""Several processes of a station on one PostgreSQL: Debian's, in a cluster of its own, on a socket of its own (mark `postgres`)."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from bodycamd.evidence import receipts
from bodycamd.evidence.receipts import Received, judge_receipt, received
from bodycamd.municipality.station import audit, copy_index, database
from bodycamd.municipality.station.copy_index import CopyIndex, Held
from bodycamd.municipality.station.database import Database, last_link, ledger_chain, set_link
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.orders import Orders
from bodycamd.municipality.station.term import Copy, Due
from tests.evidence import ordering
from tests.evidence.rostering import FIRST, NOW_US, signed
from tests.kit.postgres import Postgres
from tests.kit.scale import count
from tests.municipality.station import contending
from tests.municipality.station.at_station import hold
from tests.municipality.station.life import STATION_KEY

pytestmark = pytest.mark.postgres
PROCESSES = 4
EACH = 25


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of an empty database."""
    with Postgres() as started:
        yield started.url


def test_several_processes_at_once(url: str, tmp_path: Path) -> None:
    """Each order has one number, each receipt one place in its chain, and the log has every line once."""
    indexes = [Index.open(url) for _ in range(PROCESSES)]
    begin = threading.Barrier(PROCESSES)

    def work(number: int) -> None:
        index, orders = indexes[number], Orders(FolderStorage(tmp_path), indexes[number], now_us=lambda: NOW_US)
        begin.wait()
        for n in range(EACH):
            orders.take(hold(n // 2).document.file_bytes, ordering.IN_FORCE, f"by process {number}")
            index.sign_receipt("station-1", "cam-7", "ab" * 32, None, NOW_US, NOW_US, lambda receipt: receipts.sign(receipt, STATION_KEY))

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(PROCESSES)))
    lines = indexes[0].audit_lines()
    audit.check(lines)
    assert list(FolderStorage(tmp_path).audit_lines()) == lines[: len(list(FolderStorage(tmp_path).audit_lines()))]
    events = [audit.decode(line, "x").event for line in lines]
    assert (events.count("receipt_signed"), events.count("order_kept")) == (PROCESSES * EACH, len({n // 2 for n in range(EACH)}))
    assert indexes[0].newest_confirmed_us() == NOW_US
    stored = Orders(FolderStorage(tmp_path), indexes[1], now_us=lambda: NOW_US)
    assert [document.n for document in stored.waiting_for("HV-01", 0)[0]] == list(range(1, events.count("order_kept") + 1))
    so_far = Received()
    for n in range(1, PROCESSES * EACH + 1):
        indexes[2].receipt_is_kept("cam-7", n)
    for one in indexes[3].receipts_after("cam-7", 0, PROCESSES * EACH):
        assert judge_receipt(one, signed(FIRST), "cam-7", so_far) == "accepted"
        so_far = received(so_far, [one])
    assert so_far.n == PROCESSES * EACH
    for index in indexes:
        index.close()


def test_many_that_open_an_empty_database_at_once_make_its_tables_once(url: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    begin = threading.Barrier(PROCESSES)

    def opened(name: str) -> bool:
        begin.wait()
        one = Database.open(url.replace("/postgres?", f"/{name}?"))
        try:
            return one.is_empty()
        finally:
            one.close()

    with ThreadPoolExecutor(PROCESSES) as pool:
        for number in range(5):
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE empty{number}")
            assert all(pool.map(opened, [f"empty{number}"] * PROCESSES))
    engine.dispose()


@pytest.mark.timeout(1800)
def test_of_many_processes_that_try_one_has_the_lease(url: str, tmp_path: Path) -> None:
    times = count(10_000)
    contending.contend("leases", url, tmp_path / "work", PROCESSES, times)
    assert contending.doubled(tmp_path / "work") == []
    assert (tmp_path / "work" / "given").stat().st_size >= times


@pytest.mark.timeout(1800)
def test_of_many_processes_one_calls_a_person(url: str, tmp_path: Path) -> None:
    calls = count(300)
    contending.contend("calls", url, tmp_path / "work", PROCESSES, calls)
    assert contending.doubled(tmp_path / "work") == []
    assert contending.check_steps(tmp_path / "work", calls) >= 2 * calls


def due(recording: str) -> Due:
    return Due(Copy(recording, 1, 1, NOW_US, NOW_US), 28, "received")


def test_a_deletion_waits_for_lines_that_come_from_the_camera(url: str) -> None:
    """Another process is adding lines of the ledger: a hold may stand in them. The deletion does not begin beside them, nor behind them."""
    one, two = Database.open(url), Database.open(url)
    copies = CopyIndex(two)
    with one.transaction() as connection:
        last_link(connection, ledger_chain("cam-8"))
        set_link(connection, ledger_chain("cam-8"), 1, "ab" * 32)
    with ThreadPoolExecutor() as pool:
        with one.transaction() as connection:
            last_link(connection, ledger_chain("cam-8"))
            begun = pool.submit(copies.begin, "cam-8", due("000001-0001"), "ab" * 32, Held({}, frozenset()), NOW_US)
            assert not concurrent.futures.wait([begun], timeout=0.5).done
            set_link(connection, ledger_chain("cam-8"), 2, "cd" * 32)
        assert begun.result(30) is False
    assert copies.begun("cam-8") == []
    assert copies.begin("cam-8", due("000001-0001"), "cd" * 32, Held({}, frozenset()), NOW_US)
    for opened in (one, two):
        opened.close()


def test_lines_that_come_from_the_camera_wait_for_a_deletion(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round: the deletion is stated before the lines count, so that a hold in them is too late for certain."""
    one, two = Database.open(url), Database.open(url)
    copies, stated, go_on = CopyIndex(one), threading.Event(), threading.Event()
    with one.transaction() as connection:
        last_link(connection, ledger_chain("cam-9"))
        set_link(connection, ledger_chain("cam-9"), 1, "ab" * 32)
    real = database.log_line

    def slow(*words: Any) -> str:
        stated.set()
        assert go_on.wait(30)
        return real(*words)

    monkeypatch.setattr(copy_index, "log_line", slow)

    def note() -> None:
        with two.transaction() as connection:
            last_link(connection, ledger_chain("cam-9"))
            set_link(connection, ledger_chain("cam-9"), 2, "cd" * 32)

    with ThreadPoolExecutor() as pool:
        begun = pool.submit(copies.begin, "cam-9", due("000001-0001"), "ab" * 32, Held({}, frozenset()), NOW_US)
        assert stated.wait(30)
        noted = pool.submit(note)
        assert not concurrent.futures.wait([noted], timeout=0.5).done
        go_on.set()
        assert begun.result(30) is True
        noted.result(30)
    assert copies.begun("cam-9") == [("cam-9", "000001-0001")]
    for opened in (one, two):
        opened.close()
