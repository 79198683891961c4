"""A standing order that counts no more forwards nothing more, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycamd.errors import PermissionDeniedError, StoreBusyError
from bodycamd.municipality.station import folder_storage, forwarding
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.receiver_folder import ReceiverFolder
from bodycamd.municipality.station.standing_forwarding import Ran
from tests.evidence.ordering import IN_FORCE
from tests.kit.scale import only_in_full, sample
from tests.kit.step_cuts import Cut
from tests.municipality.station.life import DEVICE, Life
from tests.municipality.station.standing import (
    ROOMS,
    Station,
    check_rebuild,
    end_order,
    end_roster,
    next_roster,
    record,
    standing,
    suspend,
    suspend_camera,
    time_passes,
)
from tests.municipality.station.test_forwarding import logged, to_forward

STOPS = [suspend, suspend_camera, end_roster, next_roster, end_order, time_passes]


@only_in_full
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "while it goes"])
def test_whoever_counts_no_more_forwards_nothing_more(life: Life, stop: Callable[[Life, Station], None], meanwhile: bool) -> None:
    record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    station = Station(life)
    if not meanwhile:
        stop(life, station)
        assert station.standing.run() == Ran()
        assert list((life.root / "room").iterdir()) == []
        return
    copied: list[str] = []
    chunks = FolderStorage.segment_chunks
    with pytest.MonkeyPatch.context() as patch:

        def stopping(storage: FolderStorage, device: str, recording: str, file: str) -> Iterator[bytes]:
            copied.append(file)
            yield from chunks(storage, device, recording, file)
            if len(copied) == 3:  # two were read to see to whom they are sealed
                stop(life, station)

        patch.setattr(FolderStorage, "segment_chunks", stopping)
        ran = station.standing.run()
    assert (ran.forwarded, len(ran.problems)) == ((), 1)
    assert copied == ["000000.tar", "000001.tar", "000000.tar"], "the second segment never leaves"
    [what] = [what for event, what in logged(life) if event == "forwarding_stopped"]
    assert "1 of 2 segments" in what
    assert [event for event, _ in logged(life) if event != "forwarding_ended"] == ["forwarding", "forwarding_stopped"]
    assert station.standing.run() == Ran()


def files(life: Life) -> list[str]:
    return sorted(path.name for path in (life.root / "room").rglob("*") if path.is_file() and "recordings" in path.parts)


@pytest.mark.parametrize("stop", sample([end_order, time_passes, next_roster], 3))
def test_in_the_middle_of_a_segment_nothing_of_that_stays(
    life: Life, monkeypatch: pytest.MonkeyPatch, stop: Callable[[Life, Station], None]
) -> None:
    name = record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    station, chunks, looked = Station(life), FolderStorage.segment_chunks, list[str]()
    monkeypatch.setattr(forwarding, "ASKED_CHUNKS", 1)
    monkeypatch.setattr(folder_storage, "CHUNK_BYTES", 600)

    def stopping(storage: FolderStorage, device: str, recording: str, file: str) -> Iterator[bytes]:
        looked.append(file)
        for number, chunk in enumerate(chunks(storage, device, recording, file)):
            if len(looked) == 4 and number == 2:  # two were read to see to whom they are sealed
                assert files(life) == [".000001.tar.part", "000000.tar"]
                stop(life, station)
            yield chunk

    monkeypatch.setattr(FolderStorage, "segment_chunks", stopping)
    assert len(station.standing.run().problems) == 1
    assert files(life) == ["000000.tar"]
    first = (life.root / "room" / DEVICE / "store" / "recordings" / name / "000000.tar").stat().st_size
    [what] = [what for event, what in logged(life) if event == "forwarding_stopped"]
    assert what.startswith(f"{name} to meldkamer (Meldkamer Oost")
    assert f"1 of 2 segments, {first} bytes, are there" in what
    assert station.standing.run() == Ran()
    assert len(logged(life)) == (3 if stop is end_order else 2), "and it is said once"
    check_rebuild(life)


@only_in_full
def test_what_was_begun_before_a_kill_and_counts_no_more_afterwards_is_stated(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    name = record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    station, chunks, looked = Station(life), FolderStorage.segment_chunks, list[tuple[str, ...]]()

    def killed(storage: FolderStorage, *words: str) -> Iterator[bytes]:
        looked.append(words)
        if len(looked) == 4:
            raise Cut
        yield from chunks(storage, *words)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "segment_chunks", killed)
        with pytest.raises(Cut):
            station.standing.run()
    life.again()
    end_order(life, Station(life))
    for _ in range(2):
        assert Station(life).standing.run() == Ran()
        assert [event for event, _ in logged(life)] == ["forwarding", "forwarding_ended", "forwarding_stopped"]
    assert "1 of 2 segments" in logged(life)[2][1]
    life.order(standing(life, 1))
    assert Station(life).run() == [name], "another order goes on with it"
    check_rebuild(life)


@only_in_full
def test_an_order_of_its_own_that_ends_in_the_middle_says_what_went(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    name = record(life, *ROOMS)
    life.send()
    station, order, copies = Station(life), to_forward(life, name), list[tuple[str, ...]]()
    chunks = FolderStorage.segment_chunks

    def suspending(storage: FolderStorage, *words: str) -> Iterator[bytes]:
        copies.append(words)
        yield from chunks(storage, *words)
        suspend(life, station)

    monkeypatch.setattr(FolderStorage, "segment_chunks", suspending)
    for _ in range(2):
        with pytest.raises(PermissionDeniedError):
            station.forwarding.forward(order.document.file_bytes, IN_FORCE)
        assert [event for event, _ in logged(life)] == ["forwarding", "forwarding_stopped"]
    assert (len(copies), files(life)) == (1, ["000000.tar"])
    assert "1 of 2 segments" in logged(life)[1][1]


def test_a_part_that_another_process_has_made_anew_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    place = ReceiverFolder(tmp_path / "room", DEVICE)
    part = tmp_path / "room" / DEVICE / "store" / ".000000.tar.part"

    def overtaken(error: Exception | None) -> Iterator[bytes]:
        yield b"half"
        part.unlink()
        part.write_bytes(b"theirs")
        if error is not None:
            raise error

    for error in (None, StoreBusyError("another process goes on with it")):
        with pytest.raises(StoreBusyError, match="another process"):
            place.copy("store", "000000.tar", chunks=overtaken(error))
        assert part.read_bytes() == b"theirs"
        assert not part.with_name("000000.tar").exists()
        part.unlink()
