"""What a receiver puts in the way costs the station little, and no other receiver anything."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.cli.main import main
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.receiver_folder import ReceiverFolder
from bodycamd.municipality.station.retry_pace import RetryPace, pause_seconds
from bodycamd.municipality.station.standing_forwarding import Ran
from bodycamd.municipality.verify.verify import verify
from tests.evidence.ordering import STANDING, ordered
from tests.kit.fragments import RECIPIENT
from tests.kit.scale import count, only_in_full
from tests.municipality.station.conftest import FilmedStore
from tests.municipality.station.life import DAY_US, DEVICE, Life
from tests.municipality.station.prepared import Prepared, stop
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment
from tests.municipality.station.standing import ROOMS, Station, at_room, record, standing
from tests.municipality.station.test_forwarding import receiver


@settings(max_examples=count(200))
@given(st.lists(st.tuples(st.sampled_from(["fails", "waits", "goes"]), st.integers(0, 2), st.integers(1, 200_000)), max_size=40))
def test_each_waits_twice_as_long_every_time_up_to_a_day(deeds: list[tuple[str, int, int]]) -> None:
    now, times, until = 0.0, [0, 0, 0], [0.0, 0.0, 0.0]
    pace = RetryPace(lambda: now)
    for deed, which, seconds in deeds:
        what = ("meldkamer", DEVICE, f"00000{which}-0001")
        assert pace.is_due(what) == (now >= until[which])
        if deed == "fails":
            times[which] += 1
            waits = min(86_400.0, 60.0 * 2 ** (times[which] - 1))
            assert pace.failed(what) == waits
            until[which] = now + waits
        elif deed == "waits":
            now += seconds
        else:
            left = [f"00000{one}-0001" for one in range(3) if one != which]
            pace.keep("HV-99", [])
            pace.keep(DEVICE, left)
            times[which], until[which] = 0, 0.0
    assert pause_seconds(10_000) == 86_400.0


@only_in_full
def test_what_stands_in_the_way_for_months_is_tried_a_few_times_and_then_once_a_day(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    name = record(life, *ROOMS)
    life.send()
    life.order(standing(life))
    planted = life.root / "room" / DEVICE / "store" / "copy.jsonl"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"{" * 100_000 + b"\n")
    read, tries = 0, list[float]()
    station, chunks, has = Station(life), FolderStorage.segment_chunks, ReceiverFolder.has

    def counted(storage: FolderStorage, *words: str) -> Iterator[bytes]:
        nonlocal read
        read += 1
        return chunks(storage, *words)

    monkeypatch.setattr(FolderStorage, "segment_chunks", counted)

    def looked(place: ReceiverFolder, *words: Any, **more: Any) -> bool:
        tries.append(station.seconds)
        return has(place, *words, **more)

    monkeypatch.setattr(ReceiverFolder, "has", looked)
    until = 3 * 86_400.0
    while station.seconds < until:
        ran = station.standing.run()
        assert ran.forwarded == ()
        station.seconds += 60.0 if station.seconds < 2 * 3600 else 3600.0
    began = sorted(set(tries))
    assert began[:7] == [0.0, 60.0, 180.0, 420.0, 900.0, 1860.0, 3780.0]
    assert len(began) <= 14, "however often it looks"
    assert read <= 2 * (1 + len(began)), "two segments each, and two more to see to whom they are sealed"
    planted.unlink()
    assert station.run() == [name]


@only_in_full
def test_one_receiver_that_hangs_or_fails_stops_no_other_one(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [record(life, *ROOMS), record(life, *ROOMS)]
    life.send()
    (archive := life.root / "archive").mkdir()
    theirs = replace(receiver(life), name="archief", folder=str(archive))
    both = [receiver(life), theirs]
    life.order(standing(life))
    life.order(standing(life, 1, receiver="archief"))
    hangs, reached, checked = threading.Event(), threading.Event(), ReceiverFolder.check_arrived

    def check(place: ReceiverFolder, *words: Any) -> None:
        if place.named == archive:
            reached.set()
            assert hangs.wait(60)
        checked(place, *words)

    monkeypatch.setattr(ReceiverFolder, "check_arrived", check)
    ran = list[Ran]()
    hung, well = Station(life, both, "archief"), Station(life, both, "meldkamer")
    thread = threading.Thread(target=lambda: ran.append(hung.standing.run()))
    thread.start()
    assert reached.wait(60)
    assert well.run() == names, "also of the camera at which the other one hangs"
    hangs.set()
    thread.join(60)
    assert [recording for _, recording, _ in ran[0].forwarded] == names
    assert well.standing.run() == hung.standing.run() == Ran()
    assert at_room(life) == names


@only_in_full
def test_at_a_receiver_one_recording_that_fails_stops_no_other_one(life: Life) -> None:
    names = [record(life, *ROOMS) for _ in range(3)]
    life.send()
    life.order(standing(life))
    planted = life.root / "room" / DEVICE / "store" / "recordings" / names[0] / "000001.tar"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"something else")
    planted.parent.chmod(0o700)
    station = Station(life)
    ran = station.standing.run()
    assert [recording for _, recording, _ in ran.forwarded] == names[1:]
    assert "tried again after 60 s" in ran.problems[0]
    assert station.standing.run() == Ran(), "and nothing of it before"
    station.seconds += 60
    assert "tried again after 120 s" in station.standing.run().problems[0]


# --- the process ------------------------------


@only_in_full
def test_a_station_with_a_receiver_that_never_answers_forwards_to_the_other_and_stops(
    prepared: Prepared, filmed: FilmedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "STATION")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stationsecret")
    room, names = tmp_path / "room", sorted({file.parent.name for file in sealed(filmed.store)})
    room.mkdir()
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        at = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with prepared.file.open("a") as file:
            file.write("receivers:\n")
            file.write(f"  - {{name: archief, controller: Archief, s3: {{bucket: theirs, endpoint: '{at}'}}, keeps_days: 90}}\n")
            file.write(f"  - {{name: meldkamer, controller: Meldkamer Oost, folder: {room}, same_disk: true, keeps_days: 90}}\n")
        now_us = time.time_ns() // 1000
        made = {"made_at": wall_text(now_us), "not_after": wall_text(now_us + 20 * DAY_US), "cameras": ("cam-7",)}
        for name in ("archief", "meldkamer"):
            order = tmp_path / f"{name}.order"
            body = replace(STANDING.body, recipient=RECIPIENT, receiver=name)
            order.write_bytes(ordered(replace(STANDING, body=body, nonce=name.encode().hex().ljust(32, "0"), **made)).document.file_bytes)
        process = prepared.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{prepared.port}", timeout=30) as client:
            link = CameraLink(client, "cam-7", filmed.uplink_key)
            send_ledger(link, filmed.store)
            for segment in sealed(filmed.store):
                send_segment(link, segment)
        assert stop(process) == 0
        for name in ("archief", "meldkamer"):
            assert main(["station", "forward", str(tmp_path / f"{name}.order"), str(prepared.file)]) == 0
        process = prepared.start()
        silent.settimeout(60)
        asks, _ = silent.accept()
        deadline = time.monotonic() + 60
        while len(list(room.rglob("*.forwarded"))) < len(names) and time.monotonic() < deadline:
            time.sleep(0.05)
        begun = time.monotonic()
        assert stop(process) == 0
        assert time.monotonic() - begun < 12
        asks.close()
    assert [verify(room / "cam-7" / "store", filmed.first_key, only=name).recordings[0].verdict for name in names] == ["intact"] * 2
