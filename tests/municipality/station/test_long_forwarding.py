"""A recording that takes hours to read goes all the same: whoever is at it says so with every few pieces, wherever it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bodycamd.errors import PermissionDeniedError, StoreBusyError
from bodycamd.municipality.station import folder_storage, receiver_folder
from bodycamd.municipality.station import forwarding as forwarding_module
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.leases import Leases
from bodycamd.municipality.station.receiver_folder import ReceiverFolder
from bodycamd.municipality.verify import segment_check
from tests.evidence.ordering import IN_FORCE
from tests.kit.scale import only_in_full
from tests.municipality.station.life import DEVICE, Life
from tests.municipality.station.standing import ROOMS, Station, end_order, record, standing
from tests.municipality.station.test_forwarding import logged, receiver, to_forward

SECOND_US = 1_000_000


class Hours:
    """Time passes where something is read, and nowhere else; another process tries meanwhile to take the camera."""

    def __init__(self, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_us, self.seconds, self.taken = 0, 0, 0
        self.lease = forwarding_module.lease_of(DEVICE, receiver(life))
        self.other = Leases(life.index.database, lambda _: self.now_us)
        monkeypatch.setattr(forwarding_module, "Leases", lambda database: Leases(database, lambda _: self.now_us))
        monkeypatch.setattr(forwarding_module, "ASKED_CHUNKS", 2)
        monkeypatch.setattr(folder_storage, "CHUNK_BYTES", 600)
        monkeypatch.setattr(receiver_folder, "READ_BYTES", 600)
        chunks, triple = FolderStorage.segment_chunks, segment_check.check_triple

        def slow_chunks(storage: FolderStorage, *words: str) -> Iterator[bytes]:
            for chunk in chunks(storage, *words):
                self.reads()
                yield chunk

        def slow_triple(*words: Any) -> None:
            self.reads()
            triple(*words)

        monkeypatch.setattr(FolderStorage, "segment_chunks", slow_chunks)
        monkeypatch.setattr(segment_check, "check_triple", slow_triple)

    def reads(self) -> None:
        self.now_us += 100 * SECOND_US
        self.seconds += 100
        self.taken += self.other.take(self.lease, forwarding_module.LEASE_SECONDS) is not None


@only_in_full
@pytest.mark.parametrize("by_itself", [True, False], ids=["by itself", "by an order of its own"])
def test_what_takes_hours_goes_and_nobody_else_begins_it(life: Life, monkeypatch: pytest.MonkeyPatch, by_itself: bool) -> None:
    name = record(life, *ROOMS)
    life.send()
    hours = Hours(life, monkeypatch)
    station = Station(life)
    if by_itself:
        life.order(standing(life))
        assert station.run() == [name]
    else:
        station.forwarding.forward(to_forward(life, name).document.file_bytes, IN_FORCE)
        assert station.forwarding.forward(to_forward(life, name).document.file_bytes, IN_FORCE).new is False
    assert hours.seconds > 2 * forwarding_module.LEASE_SECONDS, "or this shows nothing"
    assert hours.taken == 0
    assert [event for event, _ in logged(life)] == ["forwarding", "forwarded"]


@only_in_full
def test_what_gave_no_sign_of_life_goes_on_unless_another_process_has_begun(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    name = record(life, *ROOMS)
    life.send()
    hours = Hours(life, monkeypatch)
    life.order(standing(life))
    arrived = ReceiverFolder.check_arrived

    def silent(place: ReceiverFolder, *words: Any) -> None:
        arrived(place, *words)
        hours.now_us += 2 * forwarding_module.LEASE_SECONDS * SECOND_US
        if other_begins:
            assert hours.other.take(hours.lease, forwarding_module.LEASE_SECONDS) is not None

    monkeypatch.setattr(ReceiverFolder, "check_arrived", silent)
    other_begins = True
    ran = Station(life).standing.run()
    assert (ran.forwarded, len(ran.problems)) == ((), 1)
    assert "another process goes on with it" in ran.problems[0]
    assert not list((life.root / "room").rglob("*.forwarded")), "it states nothing any more"
    other_begins = False
    hours.now_us += 2 * forwarding_module.LEASE_SECONDS * SECOND_US
    assert Station(life).run() == [name], "the other one has died"


def test_wherever_it_reads_it_ends_at_once(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that is ended, a station that stops: at every piece that is read, of the storage and at the receiver."""
    record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    monkeypatch.setattr(receiver_folder, "READ_BYTES", 600)
    station = Station(life)
    place = receiver_folder.ReceiverFolder(life.root / "room", DEVICE)
    copied = station.forwarding.recording(DEVICE, "000001-0001", life.first_key)
    assert station.run() == ["000001-0001"]
    for error in (PermissionDeniedError("ended"), StoreBusyError("it stops")):

        def ends(error: Exception = error) -> None:
            raise error

        for segment in copied.segments:
            with pytest.raises(type(error)):
                place.has(segment, "store", "recordings", "000001-0001", segment.file, still=ends)
        with pytest.raises(type(error)):
            place.check_arrived("000001-0001", copied.segments, life.first_key, {}, ends)
    asked = 0

    def asks() -> None:
        nonlocal asked
        asked += 1

    assert place.has(copied.segments[0], "store", "recordings", "000001-0001", "000000.tar", still=asks)
    assert asked == -(-copied.segments[0].good_bytes // 600)


@only_in_full
def test_an_order_that_ends_while_its_recipients_are_looked_at_leaves_nothing(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    monkeypatch.setattr(forwarding_module, "ASKED_CHUNKS", 1)
    station, chunks = Station(life), FolderStorage.segment_chunks

    def ending(storage: FolderStorage, *words: str) -> Iterator[bytes]:
        end_order(life, station)
        yield from chunks(storage, *words)

    monkeypatch.setattr(FolderStorage, "segment_chunks", ending)
    ran = station.standing.run()
    assert (ran.forwarded, ran.not_shown, len(ran.problems)) == ((), (), 1)
    assert list((life.root / "room").iterdir()) == []
    assert "not_forwarded" not in dict(life.log)
