"""What the station forwards by itself: only what was sealed to the receiver, only while a standing order counts, and each once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError
from bodycamd.evidence.orders import Interval, StandingForward
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.forwarded_note import decode
from bodycamd.municipality.station.forwarding import LEASE_SECONDS, lease_of
from bodycamd.municipality.station.leases import Leases
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.standing_forwarding import Ran
from bodycamd.municipality.verify.verify import verify
from tests.evidence.ordering import IN_FORCE
from tests.kit.fragments import RECIPIENT, SECOND
from tests.kit.scale import only_in_full, sample
from tests.kit.step_cuts import Cut, cut_after
from tests.municipality.station.life import DAY_US, DEVICE, STATION_KEY, Life
from tests.municipality.station.standing import (
    ROOM,
    ROOMS,
    Station,
    at_room,
    check_rebuild,
    cut_off,
    ending,
    in_its_age_header,
    nothing,
    of_nobody,
    record,
    said_otherwise,
    signed_by,
    standing,
    without_a_signature,
)
from tests.municipality.station.test_forwarding import forward, logged, receiver, to_forward, tree
from tests.municipality.station.test_rebuild import rows


def test_what_was_sealed_to_the_receiver_goes_and_nothing_else(life: Life) -> None:
    whole, none = record(life, *ROOMS), record(life, (RECIPIENT,), (RECIPIENT,))
    half, last = record(life, (ROOM,), (RECIPIENT,)), record(life, (RECIPIENT,), (RECIPIENT, ROOM))
    life.send()
    station = Station(life)
    assert station.standing.run() == Ran(), "nobody has ordered it"
    order = life.order(standing(life))
    ran = station.standing.run()
    assert ran.forwarded == ((DEVICE, whole, "meldkamer"),)
    assert ran.not_shown == tuple((DEVICE, name, "meldkamer") for name in sorted([none, half, last]))
    assert (at_room(life), ran.problems) == ([whole], ())
    people = {STATION_KEY.public.id: ("station-1", STATION_KEY.public)}
    report = verify(life.root / "room" / DEVICE / "store", life.first_key, people=people)
    assert {one.recording: one.verdict for one in report.recordings if one.recording == whole} == {whole: "intact"}
    place = life.root / "room" / DEVICE / "forwarded"
    note, document = decode((place / f"{order.id}-{whole}.forwarded").read_bytes(), "x")
    assert document.signers([STATION_KEY.public])
    assert (note.recording, note.order, note.by, note.keeps_days, note.segments) == (whole, order.id, "E-01", 90, 2)
    assert (place / f"{order.id}.order").read_bytes() == order.document.file_bytes
    said = logged(life) + [line for line in life.log if line[0] == "not_forwarded"]
    assert [event for event, _ in said] == ["forwarding", "forwarded", *["not_forwarded"] * 3]
    for word in (whole, "meldkamer", "Meldkamer Oost", "90 days", "criminal-investigation", "Z-2026/00123", "standing order of E-01"):
        assert word in said[0][1]
        assert word in said[1][1]
    for _, what in said[2:]:
        assert "not every segment of it was sealed to the order's recipient" in what
    before = tree(life.root / "room"), life.log
    for process in (station, Station(life)):
        assert process.standing.run() == Ran()
    assert (tree(life.root / "room"), life.log) == before, "and each is said once"
    check_rebuild(life)


@only_in_full
def test_what_grows_or_is_on_its_way_waits_and_then_goes(life: Life) -> None:
    life.order(standing(life))
    name, station = record(life, *ROOMS, close=False), Station(life)
    life.send()
    assert station.standing.run() == Ran()
    life.camera.close_recording(name, segments=2, duration_us=4 * SECOND)
    other = record(life, *ROOMS)
    life.send_ledger()
    assert station.run() == [name], "the segments of the other one have not come"
    life.send()
    assert station.run() == [other]
    assert [event for event, _ in logged(life)] == ["forwarding", "forwarded"] * 2


@only_in_full
@pytest.mark.parametrize("change", sample([of_nobody, in_its_age_header, said_otherwise, without_a_signature, cut_off, nothing], 6))
def test_what_the_camera_did_not_sign_counts_for_nothing(life: Life, change: Callable[[bytes], bytes]) -> None:
    life.camera.sealed_to = lambda segment: (ROOM,)
    name = life.camera.record(segments=1, fragments=2, close=False)
    signed_by(life, name, change, RECIPIENT if change in (in_its_age_header, said_otherwise) else ROOM)
    life.camera.close_recording(name, segments=2, duration_us=3 * SECOND)
    good = record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    ran = Station(life).standing.run()
    assert ran.forwarded == ((DEVICE, good, "meldkamer"),)
    assert (ran.not_yet, ran.not_shown, at_room(life)) == (((DEVICE, name, "meldkamer"),), (), [good])
    assert len(ran.problems) == 1


@only_in_full
def test_what_lies_altered_in_the_storage_shows_nothing(life: Life) -> None:
    """Whoever runs the station writes another recipient into its copy."""
    name = record(life, (RECIPIENT,))
    life.send()
    file = life.storage.camera(DEVICE) / "store" / "recordings" / name / "000000.tar"
    file.write_bytes(said_otherwise(file.read_bytes()))
    life.order(standing(life))
    assert Station(life).standing.run().not_yet == ((DEVICE, name, "meldkamer"),)
    assert "is not what the ledger states" in dict(life.log)["not_forwarded_yet"]
    assert at_room(life) == []


@only_in_full
def test_it_ends_at_once_and_for_good(life: Life) -> None:
    order, station = life.order(standing(life)), Station(life)
    first = record(life, *ROOMS)
    life.send()
    assert station.run() == [first]
    for who in ("C-01", "A-01"):
        life.order(ending(life, order, person=who))
    second = record(life, *ROOMS)
    life.send()
    assert station.run() == [second], "they may not end it"
    life.order(ending(life, order))
    record(life, *ROOMS)
    life.send()
    assert station.standing.run() == Ran()
    assert dict(life.log)["forwarding_ended"] == f"standing order {order.id}"
    check_rebuild(life)
    life.camera.clock.wall_us += 2 * DAY_US
    assert Station(life).standing.run() == Ran(), "also when the order that ended it has ended"
    assert life.order(order).id == order.id
    assert station.standing.run() == Ran(), "and when it is brought again"
    life.order(standing(life, 7))
    assert len(station.run()) == 1, "another one counts"


@only_in_full
def test_an_end_that_comes_before_its_order_ends_it(life: Life) -> None:
    order = standing(life)
    life.order(ending(life, order))
    life.order(order)
    record(life, *ROOMS)
    life.send()
    assert Station(life).standing.run() == Ran()


@only_in_full
def test_what_has_gone_by_any_order_goes_no_second_time(life: Life) -> None:
    by_hand, name = record(life, *ROOMS), record(life, *ROOMS)
    life.send()
    forward(life, to_forward(life, by_hand))
    life.order(standing(life))
    life.order(standing(life, 1))
    assert Station(life).run() == [name]
    assert [event for event, _ in logged(life)] == ["forwarding", "forwarded"] * 2
    assert len(list((life.root / "room").rglob("*.forwarded"))) == 2


@only_in_full
def test_cut_off_anywhere_it_goes_on_and_each_goes_once(life: Life) -> None:
    names = [record(life, *ROOMS), record(life, *ROOMS)]
    life.send()
    life.order(standing(life))
    cuts = 0
    while True:
        try:
            with cut_after(cuts):
                Station(life).run()
            break
        except Cut:
            cuts += 5
        life.again()
    assert cuts > 9
    for name in names:
        assert verify(life.root / "room" / DEVICE / "store", life.first_key, only=name).recordings[0].verdict == "intact"
        assert [event for event, what in logged(life) if what.startswith(name)] == ["forwarding", "forwarded"]
    assert Station(life).standing.run() == Ran()
    audit.check(life.index.audit_lines())
    check_rebuild(life)


@only_in_full
def test_of_two_processes_one_forwards(life: Life) -> None:
    names = [record(life, *ROOMS) for _ in range(3)]
    life.send()
    life.order(standing(life))
    other = Life.__new__(Life)
    other.__dict__.update(life.__dict__)
    other.open()
    found: list[str] = []
    together = threading.Barrier(2)

    def go(process: Station) -> None:
        together.wait()
        for _ in range(4):
            found.extend(process.run())

    threads = [threading.Thread(target=go, args=(Station(one),)) for one in (life, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.index.close()
    found += Station(life).run()
    assert sorted(found) == names
    assert [event for event, _ in logged(life)].count("forwarded") == 3


@only_in_full
def test_while_another_process_is_at_it_nothing_goes_and_what_took_too_long_stops(life: Life) -> None:
    record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    station, leases = Station(life), Leases(life.index.database)
    holder = leases.take(lease_of(DEVICE, receiver(life)), LEASE_SECONDS)
    assert holder is not None
    assert station.standing.run() == Ran()
    leases.give_back(lease_of(DEVICE, receiver(life)), holder)
    with station.forwarding.alone(DEVICE, receiver(life)) as still:
        still()
        with life.index.database.transaction() as connection:
            connection.execute(text("DELETE FROM leases"))
        with pytest.raises(Exception, match="another process goes on"):
            still()
    assert len(station.run()) == 1


@only_in_full
def test_of_an_interval_what_confirmed_clocks_show(life: Life) -> None:
    before = record(life, *ROOMS)
    life.camera.run(DAY_US // 4)
    since = life.now_us
    life.camera.run(DAY_US // 24)
    within = record(life, *ROOMS)
    life.camera.run(DAY_US // 24)
    until = life.now_us
    life.camera.run(DAY_US // 24)
    after = record(life, *ROOMS)
    across = Interval(since=wall_text(since - DAY_US // 4), until=wall_text(until))
    life.send()
    station = Station(life)
    life.order(standing(life, interval=Interval(since=wall_text(since), until=wall_text(until))))
    ran = station.standing.run()
    assert (ran.forwarded, ran.not_shown) == (((DEVICE, within, "meldkamer"),), ()), "the others are nothing that it is for"
    life.order(standing(life, 1, interval=across))
    assert station.standing.run().not_yet == ((DEVICE, before, "meldkamer"),), "it may have begun before"
    assert station.standing.run() == Ran()
    assert at_room(life) == [within]
    assert after not in dict(life.log).values()


@only_in_full
def test_after_a_restore_it_waits_for_the_orders(life: Life) -> None:
    record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RestoredIndex, "waits_for_orders", lambda _: True)
        [problem] = Station(life).standing.run().problems
    assert "orders-brought" in problem
    assert len(Station(life).run()) == 1


@only_in_full
def test_a_station_that_stops_goes_on_at_its_next_start(life: Life) -> None:
    name = record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    station = Station(life)
    chunks = FolderStorage.segment_chunks
    with pytest.MonkeyPatch.context() as patch:
        seen = []

        def stopping(storage: FolderStorage, *words: str) -> Iterator[bytes]:
            seen.append(words)
            if len(seen) == 3:
                station.standing.end()
            yield from chunks(storage, *words)

        patch.setattr(FolderStorage, "segment_chunks", stopping)
        assert station.run() == []
    assert len(seen) == 3
    assert Station(life).run() == [name]
    assert [event for event, _ in logged(life)] == ["forwarding", "forwarded"]


@only_in_full
def test_what_is_gone_here_is_forgotten_and_the_log_keeps_it(life: Life) -> None:
    name = record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    Station(life).run()
    life.off(29)
    assert life.sweep().deleted == ((DEVICE, name),)
    assert rows(life.root / "station" / "index.sqlite")["forwardings"] == []
    assert [event for event, _ in logged(life)] == ["forwarding", "forwarded"]
    check_rebuild(life)


@only_in_full
def test_an_index_of_before_knows_from_the_log_what_went(life: Life) -> None:
    name, gone = record(life, *ROOMS), record(life, *ROOMS)
    life.send()
    forward(life, to_forward(life, name))
    forward(life, to_forward(life, gone, 1))
    life.copies.finish(DEVICE, gone, life.now_us)
    life.copies.restore_deletion(DEVICE, gone, "2026-03-11")
    file = life.root / "station" / "index.sqlite"
    with life.index.database.transaction() as connection:
        for statement in ("DROP TABLE forwardings", "DROP TABLE ended_forwardings", "UPDATE alembic_version SET version_num = '0007'"):
            connection.execute(text(statement))
    life.again()
    [(device, recording, _, receiver_name, state)] = rows(file)["forwardings"]
    assert (device, recording, receiver_name, state) == (DEVICE, name, "meldkamer", "forwarded")
    life.order(standing(life))
    assert Station(life).standing.run() == Ran()


WRONG: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"person": "C-01"}, PermissionDeniedError),
    ({"person": "E-03"}, PermissionDeniedError),
    ({"receiver": "elsewhere"}, NotFoundError),
    ({"cameras": (DEVICE, "HV-02")}, PermissionDeniedError),
    ({"person": "E-99"}, DataError),
]


@only_in_full
@pytest.mark.parametrize("wrong", sample(WRONG, 5))
def test_who_brings_one_that_would_not_count_is_told(life: Life, wrong: tuple[dict[str, Any], type[Exception]]) -> None:
    station, (changes, error) = Station(life), wrong
    order = standing(life, **changes)
    with pytest.raises(error):
        station.forwarding.check_standing(order.document.file_bytes, IN_FORCE)
    station.forwarding.check_standing(standing(life).document.file_bytes, IN_FORCE)
    station.forwarding.check_standing(ending(life, order).document.file_bytes, IN_FORCE)
    with pytest.raises(DataError, match="no standing one"):
        station.forwarding.check_standing(to_forward(life, "000001-0001").document.file_bytes, IN_FORCE)
    with pytest.raises(DataError, match="forwards none"):
        forward(life, standing(life))


@only_in_full
def test_no_camera_gets_any_of_them(life: Life) -> None:
    order = life.order(standing(life))
    life.order(ending(life, order))
    assert life.orders.waiting_for(DEVICE, 0)[0] == []
    assert life.camera.deliver(order).outcome == "not_carried_out"
    assert isinstance(order.order.body, StandingForward)
