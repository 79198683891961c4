"""From one municipality's station to another's: what is taken, for whose term it is kept, and how that is receipted."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from bodycamd.errors import ConfigError
from bodycamd.evidence import receipts
from bodycamd.evidence.statements import wall_text as wall
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station import forwarded_intake
from bodycamd.municipality.station.forwarded_intake import TakenIn, place_of
from bodycamd.municipality.station.receiver_receipts import Receipted
from bodycamd.municipality.station.station_file import (
    judge_station,
)
from bodycamd.municipality.verify.verify import verify
from tests.evidence.rostering import signed
from tests.kit.scale import only_in_full
from tests.kit.step_cuts import Cut, cut_after
from tests.municipality.station.life import DAY_US, DEVICE, Life
from tests.municipality.station.prepared import Prepared, stop
from tests.municipality.station.room import THEIR_KEY, Room
from tests.municipality.station.test_forwarding import forward, to_forward
from tests.municipality.station.test_rebuild import rows


def test_what_is_forwarded_is_taken_kept_and_receipted(life: Life) -> None:
    other, name = life.record(), life.record()
    life.send()
    room = Room(life)
    assert room.take() == TakenIn(), "nothing is there yet"
    order = room.forward(name)
    assert room.receipts() == Receipted(), "nothing was taken yet"
    assert room.take() == TakenIn(((DEVICE, name),))
    assert room.here == [name]
    for file in (life.camera.store_folder / "recordings" / name).iterdir():
        assert (room.storage.camera(DEVICE) / "store" / "recordings" / name / file.name).read_bytes() == file.read_bytes()
    report = verify(room.storage.camera(DEVICE) / "store", life.first_key, only=name)
    assert [one.verdict for one in report.recordings if one.recording == name] == ["intact"]
    given = [receipts.decode(path.read_bytes(), "x") for path in sorted(room.forwarded.glob("*.taken"))]
    assert [(one.receipt.station, one.receipt.recording, one.receipt.segment) for one in given] == [
        ("station-9", name, 0),
        ("station-9", name, 1),
    ]
    for one in given:
        assert one.document.signers([THEIR_KEY.public])
        kept_us = wall_us(one.receipt.kept_until, "x") - life.now_us
        assert 89 * DAY_US < kept_us <= 90 * DAY_US, "their own term, and not the camera's 28 days"
    taken = [what for event, what in room.log if event == "forward_taken"]
    assert taken == [f"{name} from alphen (station-1), criminal-investigation Z-2026/00123, by E-01"]
    assert room.receipts() == Receipted(((DEVICE, name, "meldkamer"),))
    said = dict(life.log)["forward_receipted"]
    for word in (f"{name} to meldkamer (Meldkamer Oost)", "2 receipts of station-9", given[-1].id, "kept there until"):
        assert word in said
    kept = life.storage.small_files(f"cameras/{DEVICE}/forwarded")
    assert [raw for _, raw in kept] == [one.document.file_bytes for one in given]
    before = life.log, room.log
    assert (room.take(), room.receipts()) == (TakenIn(), Receipted()), "each once"
    forward(life, to_forward(life, name), room.roster, receivers=[room.receiver])
    assert (life.log, room.log) == before
    assert order
    with life.rebuilt() as (done, file):
        assert done.problems == ()
        assert rows(file)["forwardings"] == rows(life.root / "station" / "index.sqlite")["forwardings"]
    room.check_rebuild()
    assert other not in room.here


@only_in_full
def test_a_second_one_goes_beside_the_first_with_what_the_ledger_has_grown(life: Life) -> None:
    room, first = Room(life), life.record()
    life.send()
    room.forward(first)
    assert room.take().taken == ((DEVICE, first),)
    life.camera.store.close()
    with (life.camera.store_folder / "ledger" / "000001.jsonl").open("ab") as file:
        file.write(b"a line that a cut left")
    life.camera.switch_on()
    second = life.record()
    life.send()
    room.forward(second, 1)
    assert room.take() == TakenIn(((DEVICE, second),))
    assert room.here == [first, second]
    assert verify(room.storage.camera(DEVICE) / "store", life.first_key).recordings[0].verdict == "intact"
    room.check_rebuild()


@only_in_full
def test_cut_off_anywhere_it_goes_on_and_ends_alike(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarded_intake, "MAX_PART_BYTES", 1500)
    name = life.record()
    life.send()
    room = Room(life)
    room.forward(name)
    cuts = 0
    while True:
        try:
            with cut_after(cuts, ("open_new", "sync", "sync_names", "create", "replace", "write_all")):
                found = room.take()
            break
        except Cut:
            cuts += 7
    assert cuts > 30
    assert found.problems == ()
    assert room.here == [name]
    assert [event for event, _ in room.log].count("forward_taken") == 1
    assert verify(room.storage.camera(DEVICE) / "store", life.first_key, only=name).recordings[0].verdict == "intact"
    assert room.receipts().recordings == ((DEVICE, name, "meldkamer"),)
    room.check_rebuild()


@only_in_full
def test_it_is_kept_for_their_own_term_and_not_a_day_longer(life: Life) -> None:
    name = life.record()
    life.camera.hold(name)
    life.send()
    room = Room(life)
    room.forward(name)
    room.take()
    for days in (30, 30, 29):
        life.off(days)
        with room.opened() as one:
            assert one.sweep().deleted == ()
        assert room.here == [name]
    life.off(2)
    with room.opened() as one:
        assert one.sweep().deleted == ((DEVICE, name),), "what the sender holds is the sender's"
        for path in room.forwarded.glob("*.taken"):
            path.unlink()
        assert one.run().taken == ()
    assert room.here == []
    room.check_rebuild()


@only_in_full
def test_one_process_takes_at_a_time(life: Life) -> None:
    room = Room(life)
    with room.opened(), pytest.raises(Exception, match="a station runs here"):
        room.take()


STATION = "name: s\nauthority: s.example\ndata: /d\nkeys: {signing: /s, root: /r, roster: /o}\n"
FROM = "  - {name: alphen, receiver: meldkamer, root: /r, folder: /mnt/alphen, keeps_days: 90}\n"
ROOM = f"receivers: [{{name: m, controller: M, folder: /m, keeps_days: 9, station: {{name: station-9, key: {'ab' * 32}}}}}]\n"


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("forwarded_from:\n" + FROM, False),
        ("forwarded_from:\n" + FROM + FROM, True),
        ("forwarded_from:\n" + FROM.replace(", root: /r", ""), True),
        ("forwarded_from:\n" + FROM.replace("/mnt", "mnt"), True),
        (ROOM, False),
        (ROOM.replace("ab" * 32, "ab"), True),
        (ROOM.replace("folder: /m,", "s3: {bucket: their-bucket},"), True),
    ],
)
def test_who_forwards_here_has_a_name_a_root_a_place_and_a_term(lines: str, wrong: bool) -> None:
    settings, problems = judge_station((STATION + lines).encode())
    assert (settings is None, bool(problems)) == (wrong, wrong), problems


def test_a_root_that_is_none_ends_the_start(life: Life) -> None:
    room = Room(life)
    room.settings = replace(room.settings, root=str(life.root / "nothing"))
    with pytest.raises(ConfigError, match="forwarded_from: root"):
        room.take()


@only_in_full
def test_a_station_that_runs_takes_it_by_itself(prepared: Prepared, life: Life) -> None:
    now_us = time.time_ns() // 1000
    life.camera.clock.wall_us = now_us
    name = life.record()
    life.send()
    room = Room(life)
    times = {"made_at": wall(now_us - DAY_US), "not_after": wall(now_us + 30 * DAY_US)}
    room.roster = signed(replace(room.roster.roster, **times))
    room.forward(name)
    with prepared.file.open("a") as file:
        file.write(
            f"forwarded_from: [{{name: alphen, receiver: meldkamer, root: {room.settings.root}, folder: {room.folder}, keeps_days: 90}}]\n"
        )
    process = prepared.start()
    deadline = time.monotonic() + 60
    while len(list(room.forwarded.glob("*.taken"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stop(process) == 0
    store = place_of(prepared.folder / "data", "alphen") / "cameras" / DEVICE / "store"
    assert verify(store, life.first_key, only=name).recordings[0].verdict == "intact"
