"""A month, and a day of it, are those of the municipality's clock."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.evidence.statements import wall_text, wall_us
from bodycamd.municipality.publish.transparency import count as month_counts
from bodycamd.municipality.publish.transparency import month_of
from bodycamd.municipality.words.times import LocalTime
from tests.kit.local_time import AMSTERDAM
from tests.kit.resting_camera import RestingCamera
from tests.kit.scale import count, only_in_full
from tests.retention.world import stated

UTC_TIME = LocalTime(ZoneInfo("UTC"))
LATE_IN_JUNE = "2026-06-30T22:30:00Z"
"""Half past midnight on 1 July, in the Netherlands."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    camera = RestingCamera(tmp_path_factory.mktemp("june"))
    camera.clock.wall_us = wall_us(LATE_IN_JUNE, "")
    camera.switch_on()
    camera.record()
    camera.store.close()
    return camera.store_folder


@only_in_full
def test_a_recording_after_midnight_is_of_the_new_month(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    july = month_of(store, "2026-07", AMSTERDAM)
    assert (july.recordings, july.recordings_by_days["1-7"], july.since, july.timezone) == (1, 1, "2026-07-01", "Europe/Amsterdam")
    june = month_of(store, "2026-06", UTC_TIME)
    assert (june.recordings, june.recordings_by_days["29-31"], june.since) == (1, 1, "2026-06-30")
    command = ["transparency", "--month", "2026-06", "--store", str(store)]
    assert main(command) == 66
    assert "from 2026-07-01 to 2026-07-01" in capsys.readouterr().err
    assert main([*command, "--timezone", "UTC"]) == 0
    assert "timezone,UTC" in capsys.readouterr().out


@only_in_full
def test_lists_and_log_state_local_time_with_utc_beside_it(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["list"], ["log"], ["show", "000001-0001"], ["log", "--since", "2026-07-01"]):
        assert main(["recordings", *command, "--store", str(store)]) == 0
        assert "2026-07-01 00:30:00 (2026-06-30 22:30:00 UTC)" in capsys.readouterr().out, command
    assert main(["recordings", "log", "--store", str(store), "--since", "2026-07-01", "--timezone", "UTC"]) == 0
    assert capsys.readouterr().out == ""


@only_in_full
def test_the_time_zone_of_the_configuration_counts_unless_another_is_named(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "bodycamd.yaml"
    config.write_text(f"device_id: cam-7\ntimezone: America/New_York\nstorage: {{directory: {store}}}\n")
    there = "2026-06-30 18:30:00 (22:30:00 UTC)"
    for command in (["recordings", "list"], ["recordings", "log"], ["recordings", "show", "000001-0001"]):
        assert main([*command, "--config", str(config)]) == 0
        assert there in capsys.readouterr().out, command
        assert main([*command, "--config", str(config), "--timezone", "Europe/Amsterdam"]) == 0
        assert "2026-07-01 00:30:00 (2026-06-30 22:30:00 UTC)" in capsys.readouterr().out, command
    monkeypatch.setattr("bodycamd.cli.place.DEFAULT_CONFIG", config)
    assert main(["recordings", "log", "--store", str(store)]) == 0
    assert there in capsys.readouterr().out
    config.write_text("timezone: [")
    assert main(["recordings", "log", "--store", str(store)]) == 0
    said = capsys.readouterr()
    assert "2026-07-01 00:30:00" in said.out
    assert "times are those of Europe/Amsterdam" in said.err


MOMENTS = st.integers(wall_us("2026-01-01T00:00:00Z", ""), wall_us("2027-12-31T00:00:00Z", ""))
SUNDAYS = st.sampled_from(["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", LATE_IN_JUNE])
MONTHS = [f"{year}-{month:02d}" for year in (2025, 2026, 2027, 2028) for month in range(1, 13)]


@settings(max_examples=count(200))
@given(
    walls=st.lists(MOMENTS | SUNDAYS.map(lambda wall: wall_us(wall, "")), min_size=1, max_size=6),
    zone=st.sampled_from(["Europe/Amsterdam", "UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"]),
)
def test_every_recording_counts_in_the_one_month_of_its_local_day(walls: list[int], zone: str) -> None:
    local = LocalTime(ZoneInfo(zone))
    entries = [
        stated("recording_opened", 1, "a", 1, at_us, {"recording": f"000001-{number:04d}"}) for number, at_us in enumerate(sorted(walls), 1)
    ]
    counted = {month: found for month in MONTHS if (found := month_counts(entries, month, local)).recordings}
    expected = [datetime.fromisoformat(wall_text(at_us)).astimezone(local.zone) for at_us in walls]
    assert {month: found.recordings for month, found in counted.items()} == {
        month: sum(f"{at:%Y-%m}" == month for at in expected) for month in {f"{at:%Y-%m}" for at in expected}
    }
    assert all(sum(found.recordings_by_days.values()) == found.recordings for found in counted.values())
