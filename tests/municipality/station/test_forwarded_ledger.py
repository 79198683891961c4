"""What goes of a camera's ledger with a recording."""

from __future__ import annotations

from bodycamd.municipality.verify.verify import verify
from tests.kit.scale import only_in_full
from tests.municipality.station.life import DEVICE, STATION_KEY, Life
from tests.municipality.station.test_forwarding import forward, to_forward


@only_in_full
def test_a_ledger_that_a_cut_left_torn_goes_with_the_rest_of_it(life: Life) -> None:
    life.record()
    life.camera.store.close()
    with (life.camera.store_folder / "ledger" / "000001.jsonl").open("ab") as file:
        file.write(b"a line that a cut left")
    life.camera.switch_on()
    name = life.record()
    life.send()
    forward(life, to_forward(life, name))
    room = life.root / "room" / DEVICE / "store"
    assert (room / "ledger" / "000001.jsonl").read_bytes().endswith(b"a line that a cut left")
    people = {STATION_KEY.public.id: ("station-1", STATION_KEY.public)}
    report = verify(room, life.first_key, only=name, people=people)
    assert [one.verdict for one in report.recordings if one.recording == name] == ["intact"]
