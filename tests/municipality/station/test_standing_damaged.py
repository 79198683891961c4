"""What is damaged or missing at the station keeps a recording back until it is whole, and not for good."""

from __future__ import annotations

import pytest

from bodycamd.municipality.station.standing_forwarding import Ran
from tests.kit.fragments import RECIPIENT
from tests.kit.scale import only_in_full
from tests.municipality.station.life import DEVICE, Life
from tests.municipality.station.standing import ROOMS, Station, check_rebuild, record, said_otherwise, standing


@only_in_full
@pytest.mark.parametrize("missing", [False, True], ids=["altered", "missing"])
def test_what_is_damaged_in_the_storage_shows_nothing_until_it_is_whole(life: Life, missing: bool) -> None:
    name = record(life, *ROOMS)
    other = record(life, (RECIPIENT,))
    life.send()
    files = [life.storage.camera(DEVICE) / "store" / "recordings" / one / "000000.tar" for one in (name, other)]
    before = [file.read_bytes() for file in files]
    for file in files:
        if missing:
            file.unlink()
        else:
            file.write_bytes(said_otherwise(file.read_bytes())[:-1] + b"x")
    life.order(standing(life))
    station = Station(life)
    ran = station.standing.run()
    assert (ran.not_yet, ran.not_shown) == (((DEVICE, name, "meldkamer"), (DEVICE, other, "meldkamer")), ())
    assert len(ran.problems) == 2
    assert [event for event, _ in life.log if event.startswith("not_forwarded")] == ["not_forwarded_yet"] * 2
    station.seconds += 60
    assert len(station.standing.run().problems) == 2, "it looks again, and says nothing twice"
    check_rebuild(life)
    for file, raw in zip(files, before, strict=True):
        file.write_bytes(raw)
    assert station.standing.run() == Ran(), "not before its time"
    assert station.run() == [name]
    said = [(event, what[:11]) for event, what in life.log if "forward" in event]
    yet = [("not_forwarded_yet", name), ("not_forwarded_yet", other)]
    assert said == [*yet, ("forwarding", name), ("forwarded", name), ("not_forwarded", other)]
    assert dict(life.log)["not_forwarded"].endswith("not every segment of it was sealed to the order's recipient")
    assert Station(life).standing.run() == Ran(), "and that is for good"
    check_rebuild(life)
