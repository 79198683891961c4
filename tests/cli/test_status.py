"""`bodycamd status`: one screen, whatever is wrong, with what to do about it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from bodycamd.camera.control.state import Condition, State
from bodycamd.camera.daemon.status_message import BatteryStatus, Flag, MachineStatus, Status
from bodycamd.camera.keeping.summary import Summary
from bodycamd.cli.main import main
from bodycamd.cli.remedies import REMEDIES
from bodycamd.cli.status_details import details, rows
from bodycamd.cli.status_screen import screen
from bodycamd.municipality.words.times import LocalTime
from tests.camera.daemon.test_client import ok, server
from tests.kit.scale import count, only_in_full
from tests.kit.statuses import AT_REST, recording

AMSTERDAM = LocalTime(ZoneInfo("Europe/Amsterdam"))
STATUS: dict[str, Any] = json.loads(msgspec.json.encode(recording(["storage_low", "voice_failed"])))
FLAGS: list[Flag] = sorted(REMEDIES)
NO_PROBLEMS = {"capture_open", "microphone_open", "generation_ended", "gave_nothing", "flowing", "calm", "checking"}
"""What of the control's state is true or false, and says nothing of what is wrong."""


def test_every_condition_that_the_control_knows_has_a_remedy() -> None:
    assert set(REMEDIES) == {*get_args(Condition), "swap_degraded", "roster_missing", "roster_ended", "roster_ending", "help_unconfirmed"}
    known = {name for name, kind in State.__annotations__.items() if kind == "bool"}
    assert {*get_args(Condition)} == (known - NO_PROBLEMS) | {"failing"}


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("flag", FLAGS)
def test_each_problem_is_told_with_what_to_do(flag: Flag, columns: int) -> None:
    lines = screen(recording([flag]), AMSTERDAM, columns, 24)
    told = " ".join(" ".join(lines).split())
    assert "1 problem: - " + REMEDIES[flag].problem in told
    assert "> " + REMEDIES[flag].to_do in told
    assert max(map(len, lines)) <= columns
    assert len(lines) < 24


TEXT = st.text(st.characters(codec="utf-8"), max_size=400)
WRONG = st.lists(TEXT, max_size=20).map(tuple)


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    changed = structs.replace(AT_REST, flags=draw(st.lists(st.sampled_from(FLAGS), unique=True)), device_id=draw(TEXT))
    kept = Summary(draw(TEXT), True, draw(st.integers(0, 2**53)), draw(WRONG), draw(WRONG), draw(TEXT), draw(TEXT), draw(WRONG))
    return structs.replace(changed, retention=kept)


@only_in_full
@settings(max_examples=count(400))
@given(status=statuses(), columns=st.sampled_from([60, 80]))
def test_it_is_one_screen_whatever_is_wrong(status: Status, columns: int) -> None:
    lines = screen(status, AMSTERDAM, columns, 24)
    assert max(map(len, lines)) <= columns
    everything = screen(status, AMSTERDAM, columns, None)
    problems = len(status.flags) + len(status.retention.problems) + len(status.retention.reviews_due)
    assert (f"{problems} problem" in " ".join(everything)) == (problems > 0)
    if lines != everything:
        assert len(lines) <= 23, "and the prompt"
        assert lines[-1].startswith("and ")
    assert max(map(len, details(status, columns))) <= columns


def test_nothing_wrong() -> None:
    assert screen(AT_REST, AMSTERDAM, 80, 24) == [
        "camera    camera-01, standby",
        "officer   H-12, since 2026-11-21 09:00:00 (08:00:00 UTC)",
        "card      room for 19 h 59 min (40.0 GB)",
        "clock     trusted (kernel-ntp), within 7 ms",
        "battery   ok, 83 %",
        "machine   54 °C, not throttled, under-voltage not measurable here",
        "swap      closed",
        "kept      14 recordings, at the last sweep",
        "problems  none",
    ]


@pytest.mark.parametrize(
    ("battery", "words"),
    [
        (BatteryStatus(level="ok", percent=None, gauge="none"), "battery   no gauge"),
        (BatteryStatus(level="low", percent=12.0, gauge="silent"), "battery   no reading; the last was low, 12 %"),
        (BatteryStatus(level="ok", percent=None, gauge="silent"), "battery   no reading; the last was ok"),
        (BatteryStatus(level="ok", percent=64.2, estimated=True, minutes_left=95), "battery   ok, about 64 %, about 1 h 35 min left"),
        (BatteryStatus(level="low", percent=2, charging=True), "battery   low, 2 %, charging"),
    ],
)
def test_the_battery_is_never_ok_by_silence(battery: BatteryStatus, words: str) -> None:
    assert words in screen(structs.replace(AT_REST, battery=battery), AMSTERDAM, 80, 24)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (None, "machine   no reading"),
        (MachineStatus(celsius=None, throttled=None, under_voltage=None), "temperature unknown, throttling unknown, under-voltage unknown"),
        (MachineStatus(celsius=81.7, throttled=True, under_voltage=True), "machine   82 °C, throttled, under-voltage"),
        (MachineStatus(celsius=40, throttled=False, under_voltage=False), "machine   40 °C, not throttled, supply in order"),
    ],
)
def test_the_machine_is_told_as_it_is(machine: MachineStatus | None, words: str) -> None:
    assert words in "\n".join(screen(structs.replace(AT_REST, machine=machine), AMSTERDAM, 80, 24))


def test_what_is_kept_is_as_old_as_the_last_sweep() -> None:
    """A figure of before is never shown as one of now."""
    never = structs.replace(AT_REST, retention=Summary())
    assert "kept      not known before the first sweep" in screen(never, AMSTERDAM, 80, 24)
    assert not [line for line in details(never, 80) if "0 recordings" in line]
    held = structs.replace(AT_REST, retention=Summary("2026-11-21T23:57:17.307590Z", True, 1, ("000001-0001",), held_recordings=1))
    assert "kept      1 recording, 1 held, at the last sweep" in screen(held, AMSTERDAM, 80, 24)


def test_status_for_people_and_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with server(tmp_path / "s", lambda line: ok(STATUS)):
        assert main(["status", "--socket", str(tmp_path / "s")]) == 0
        people = " ".join(capsys.readouterr().out.split())
        assert main(["status", "--json", "--socket", str(tmp_path / "s")]) == 0
        assert json.loads(capsys.readouterr().out) == STATUS
        assert main(["status", "--verbose", "--socket", str(tmp_path / "s")]) == 0
        assert "storage low, voice failed" in " ".join(capsys.readouterr().out.split())
    for words in ("camera-01", "the card is nearly full", "Check the loudspeaker", "1 min 03 s", "40.0 GB", "19 h 59 min", "7 ms"):
        assert words in people, words


def test_status_tells_of_retention_in_words() -> None:
    retention = {
        "swept_at": "2026-11-21T23:57:17.307590Z",
        "clock_confirmed": False,
        "recordings": 14,
        "held": ["000002-0001", "000006-0001"],
        "reviews_due": ["000006-0001: the hold for complaint (K-1) was to be reviewed on 2026-10-26"],
        "next_recording": "000008-0001",
        "next_deletes_on": "2026-11-24T01:46:14.917616Z",
        "problems": [],
    }
    capture = {"state": "standby", "versions": {"python": "3.11.7", "av": "18.1.0"}}
    ring = {"fragments": 0, "seconds": 0.0, "bytes": 0}
    found: dict[str, Any] = {"retention": retention, "capture": capture, "ring": ring}
    assert dict(rows(found)) == {
        "retention": "14 recordings at the last sweep; 000008-0001 goes next, on 2026-11-24T01:46:14Z; swept at 2026-11-21T23:57:17Z; "
        "the clock is not confirmed: running time counts",
        "held": "000002-0001; 000006-0001",
        "reviews due": "000006-0001: the hold for complaint (K-1) was to be reviewed on 2026-10-26",
        "capture": "state standby, versions (python 3.11.7, av 18.1.0)",
        "ring": "fragments 0, 0.0 s, 0 bytes",
    }


def test_the_width_of_the_terminal_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for columns, longest in ((60, 60), (200, 80)):
        monkeypatch.setitem(os.environ, "COLUMNS", str(columns))
        with server(tmp_path / str(columns), lambda line: ok(STATUS)):
            assert main(["status", "--socket", str(tmp_path / str(columns))]) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= longest
