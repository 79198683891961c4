"""What a station forwards by itself, whatever comes in whatever order, and as a process."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.cli.main import main
from bodycamd.evidence.orders import EndForward, Order
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.verify.verify import verify
from tests.evidence.ordering import STANDING, ordered
from tests.kit.fragments import RECIPIENT
from tests.kit.scale import count, only_in_full
from tests.kit.step_cuts import Cut, cut_after
from tests.municipality.station.conftest import FilmedStore
from tests.municipality.station.life import DAY_US, DEVICE, Life
from tests.municipality.station.prepared import Prepared, stop
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment
from tests.municipality.station.standing import ROOM, Station, at_room, check_rebuild, record, standing
from tests.municipality.station.test_forwarding import logged

# --- whatever comes, in whatever order ------------------------------


class Month:
    """What is done, and what must have come of it: the recordings that may have gone, and those that must have."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.sealed: dict[str, bool] = {}
        self.counting: dict[str, Order] = {}
        self.may: set[str] = set()
        self.made = 0

    def act(self, what: str, number: int) -> None:
        life = self.life
        if what == "record":
            sealed_to = [(ROOM, RECIPIENT) if number >> place & 1 else (RECIPIENT,) for place in range(1 + number % 2)]
            self.sealed[record(life, *sealed_to)] = all(ROOM in one for one in sealed_to)
        elif what == "send":
            life.send()
        elif what == "send some":
            life.send(*[name for place, name in enumerate(sorted(self.sealed)) if number >> place & 1])
        elif what == "order":
            self.made += 1
            made = life.order(standing(life, self.made, person="E-02" if number % 3 else "C-01"))
            if number % 3:
                self.counting[made.id] = made.order
        elif what == "end" and self.counting:
            id = sorted(self.counting)[number % len(self.counting)]
            self.made += 1
            order = ordered(
                replace(
                    self.counting.pop(id),
                    body=EndForward(order=id),
                    nonce=f"{self.made + 1000:032x}",
                    made_at=wall_text(life.now_us),
                    not_after=wall_text(life.now_us + DAY_US),
                )
            )
            life.order(order)
        elif what == "start again":
            life.again()
        elif what == "run":
            self.run(None)
        elif what == "killed":
            self.run(number * 2)

    def run(self, steps: int | None) -> None:
        if self.counting:
            self.may |= {name for name, sealed in self.sealed.items() if sealed}
        try:
            with cut_after(sys.maxsize if steps is None else steps):
                assert Station(self.life).standing.run().problems == ()
        except Cut:
            self.life.again()

    def check(self) -> None:
        life, here = self.life, set(at_room(self.life))
        assert here <= self.may
        went = [what[:11] for event, what in logged(life) if event == "forwarded"]
        assert len(set(went)) == len(went)
        told = [what[:11] for event, what in logged(life) if event == "forwarding"]
        assert len(set(told)) == len(told)
        audit.check(life.index.audit_lines())
        check_rebuild(life)


ACTS = ("record", "send", "send some", "order", "end", "start again", "run", "killed", "killed")


@only_in_full
@settings(max_examples=count(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 15)), max_size=14))
def test_whatever_comes_each_goes_once_and_only_what_may(tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]) -> None:
    life = Life(tmp_path_factory.mktemp("life"))
    try:
        month = Month(life)
        for what, number in acts:
            month.act(what, number)
        month.check()
        life.send()
        month.act("order", 1)
        month.run(None)
        assert set(at_room(life)) == {name for name, sealed in month.sealed.items() if sealed}
        month.check()
        refused = [what[:11] for event, what in life.log if event == "not_forwarded"]
        assert set(refused) >= {name for name, sealed in month.sealed.items() if not sealed}
        for name in at_room(life):
            report = verify(life.root / "room" / DEVICE / "store", life.first_key, only=name)
            assert report.recordings[0].verdict == "intact"
    finally:
        life.close()


# --- the process ------------------------------


@only_in_full
def test_a_station_that_runs_forwards_by_itself_and_after_a_kill(prepared: Prepared, filmed: FilmedStore, tmp_path: Path) -> None:
    room, names = tmp_path / "room", sorted({file.parent.name for file in sealed(filmed.store)})
    with prepared.file.open("a") as file:
        file.write(f"receivers: [{{name: meldkamer, controller: Meldkamer Oost, folder: {room}, same_disk: true, keeps_days: 90}}]\n")
    room.mkdir()
    now_us = time.time_ns() // 1000
    made = {"made_at": wall_text(now_us), "not_after": wall_text(now_us + 20 * DAY_US), "cameras": ("cam-7",)}
    order = tmp_path / "standing.order"
    order.write_bytes(ordered(replace(STANDING, body=replace(STANDING.body, recipient=RECIPIENT), **made)).document.file_bytes)
    process = prepared.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{prepared.port}", timeout=30) as client:
        link = CameraLink(client, "cam-7", filmed.uplink_key)
        send_ledger(link, filmed.store)
        for segment in sealed(filmed.store):
            send_segment(link, segment)
    assert stop(process, signal.SIGKILL) == -signal.SIGKILL
    assert main(["station", "forward", str(order), str(prepared.file)]) == 0
    assert list(room.iterdir()) == [], "the station that runs does it"
    process = prepared.start()
    deadline = time.monotonic() + 60
    while len(list(room.rglob("*.forwarded"))) < len(names) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stop(process) == 0
    assert [verify(room / "cam-7" / "store", filmed.first_key, only=name).recordings[0].verdict for name in names] == ["intact"] * 2
    with contextlib.closing(Index.open(f"sqlite:///{prepared.folder}/data/index.sqlite")) as index:
        said = [audit.decode(line, "x").event for line in index.audit_lines()]
    assert (said.count("forwarding"), said.count("forwarded")) == (2, 2)
