"""Several processes of a station on one PostgreSQL: Debian's, in a cluster of its own, on a socket of its own (mark `postgres`)."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bodycamd.evidence import receipts
from bodycamd.evidence.receipts import Received, judge_receipt, received
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.orders import Orders
from tests.evidence import ordering
from tests.evidence.rostering import FIRST, NOW_US, signed
from tests.municipality.station.at_station import hold
from tests.municipality.station.life import STATION_KEY

pytestmark = pytest.mark.postgres
PROCESSES = 4
EACH = 25


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of an empty database."""
    programs = next(Path("/usr/lib/postgresql").glob("*/bin"))
    folder = Path(subprocess.run(["mktemp", "-d", "/tmp/bodycamd-pg.XXXXXX"], check=True, capture_output=True, text=True).stdout.strip())
    shutil.chown(folder, "postgres", "postgres")

    def as_postgres(*words: str) -> None:
        subprocess.run(["runuser", "-u", "postgres", "--", *words], check=True, stdout=subprocess.DEVNULL, timeout=120)

    as_postgres(str(programs / "initdb"), "-D", f"{folder}/data", "-A", "trust")
    listening = f"-k {folder} -h ''"
    as_postgres(str(programs / "pg_ctl"), "-D", f"{folder}/data", "-o", listening, "-l", f"{folder}/log", "-w", "start")
    try:
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        as_postgres(str(programs / "pg_ctl"), "-D", f"{folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(folder)


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
