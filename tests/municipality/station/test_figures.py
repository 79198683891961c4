"""The figures: what is counted is what happened, no camera is named, and why a station cannot work is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, select

from bodycamd.municipality.station.database import Database, last_link
from bodycamd.municipality.station.figures import (
    Asked,
    Figures,
    Health,
    IndexFigures,
    StampFigures,
    SweepFigures,
    faults,
    index_answers,
    index_figures,
)
from bodycamd.municipality.station.metrics import exposition
from bodycamd.municipality.station.tables import chains
from tests.municipality.station.conftest import FilmedStore, Station
from tests.municipality.station.life import DAY_US, DEVICE, Life
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment

INDEX = IndexFigures(
    receipts=1,
    log_lines=2,
    log_head_us=3_000_000,
    stored=4,
    stored_bytes=5,
    undated=6,
    waiting=7,
    put_begun=8,
    going=9,
    deleted=10,
    holds=11,
    asked=(Asked(600, 12),),
)
WELL = Figures(
    now_us=10**15,
    version="1",
    received_bytes=13,
    refused={"Not signed": 14},
    index_errors=15,
    index=INDEX,
    sweep=SweepFigures(16_000_000, 17, 18, 19),
    stamps=StampFigures(25_000_000, 26),
    clock_confirmed=True,
    held_polls=20,
    staged_bytes=21,
    staged_files=22,
    free_bytes=23,
    cameras_active=24,
    roster_ends_us=2 * 10**15,
)


def read(raw: bytes) -> dict[str, float]:
    """By Prometheus' own parser: each value by its name, and the values of its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(raw.decode()):
        for sample in family.samples:
            found[" ".join([sample.name.removeprefix("bodycamd_station_"), *sample.labels.values()])] = sample.value
    return found


def test_each_figure_has_a_place_of_its_own() -> None:
    found = read(exposition(WELL))
    numbers = [value for name, value in found.items() if name not in ("build_info 1", "index_up", "clock_confirmed")]
    assert sorted(numbers) == [*range(1, 27), 2 * 10**9]
    assert (found["refused_total Not signed"], found["segments undated"], found["cameras_asked 600"]) == (14, 6, 12)
    without = read(exposition(replace(WELL, index=None, sweep=None, stamps=None, staged_bytes=None, free_bytes=None)))
    assert without["index_up"] == 0
    assert set(without) < set(found)


def test_of_what_came_and_what_was_refused(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    """By the real requests of a camera."""
    send_ledger(link, filmed.store)
    *files, last = sealed(filmed.store)
    for file in files:
        assert send_segment(link, file).status_code == 200
    link.part(f"recordings/{last.parent.name}/{last.name}", 0, last.read_bytes()[:100])
    assert link.part(f"recordings/{last.parent.name}/{last.name}", 7, b"x").status_code == 409
    assert station.client.get("/v1/cameras/cam-7/receipts").status_code == 401
    assert link.ask("GET", "orders?after=0&wait=0").status_code == 200
    answer = station.operator.get("/metrics")
    found = read(answer.content)
    size = sum(file.stat().st_size for file in files)
    sent = size + sum(file.stat().st_size for file in (filmed.store / "ledger").iterdir()) + 101
    expected = {
        "receipts_total": len(files),
        "segments stored": len(files),
        "segments waiting": 1,
        "stored_bytes": size,
        "received_bytes_total": sent,
        "refused_total Not the end": 1,
        "cameras_asked 600": 1,
        "held_polls": 0,
        "log_lines_total": 2 * len(files) + 1,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["refused_total Not signed"] >= 1
    assert "cam-7" not in answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_of_a_life_with_holds_and_deletions(tmp_path: Path) -> None:
    life = Life(tmp_path)
    first = life.record()
    life.send()
    life.off(29)
    second = life.record()
    life.send()
    assert life.sweep().deleted == ((DEVICE, first),)
    found = index_figures(life.index.database, life.now_us)
    assert (found.deleted, found.going, found.stored, found.undated) == (1, 0, 2, 0)
    assert found.receipts == 4
    assert found.log_head_us is not None
    assert life.now_us - found.log_head_us < DAY_US
    assert second in life.here
    life.close()


def test_what_a_station_cannot_work_with_is_told() -> None:
    well = Health(10**15, True, 1, 2 * 10**15)
    assert faults(well) == []
    changes: list[tuple[dict[str, Any], str]] = [
        ({"index_up": False}, "index"),
        ({"free_bytes": None}, "looked at"),
        ({"free_bytes": 0}, "no room"),
        ({"roster_ends_us": well.now_us}, "roster has ended"),
    ]
    for change, word in changes:
        (told,) = faults(replace(well, **change))
        assert word in told


def test_nobody_who_writes_waits_for_the_figures(tmp_path: Path) -> None:
    """While somebody counts, another transaction begins and ends."""
    url = f"sqlite:///{tmp_path}/index.sqlite"
    one, two = Database.open(url), Database.open(url)
    with one.reading() as counting:
        counting.execute(select(chains.c.n)).all()
        with two.transaction() as writing:
            last_link(writing, "x")
    assert index_answers(one)
    one.close()
    two.close()
    assert not index_answers(Database(create_engine("sqlite:////nowhere/at/all.sqlite")))
