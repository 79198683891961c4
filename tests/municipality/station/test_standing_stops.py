"""A standing order that counts no more forwards nothing more, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.standing_forwarding import Ran
from tests.kit.scale import sample
from tests.municipality.station.life import Life
from tests.municipality.station.standing import (
    ROOMS,
    Station,
    end_order,
    end_roster,
    next_roster,
    record,
    standing,
    suspend,
    suspend_camera,
    time_passes,
)
from tests.municipality.station.test_forwarding import logged


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    yield made
    made.close()


STOPS = [suspend, suspend_camera, end_roster, next_roster, end_order, time_passes]


@pytest.mark.parametrize("stop", sample(STOPS, 6))
@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "while it goes"])
def test_whoever_counts_no_more_forwards_nothing_more(life: Life, stop: Callable[[Life, Station], None], meanwhile: bool) -> None:
    record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    station = Station(life)
    if not meanwhile:
        stop(life, station)
        assert station.standing.run() == Ran()
        assert not (life.root / "room").exists()
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
    assert [event for event, _ in logged(life) if event in ("forwarding", "forwarded")] == ["forwarding"]
    assert station.standing.run() == Ran()
