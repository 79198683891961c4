"""The judges of a scenario: they tell every row and every word from every other, and a scenario that says what it may not is refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from bodycamd.camera.control.events import HapticName
from bodycamd.camera.control.indicator import PULSES, TABLE, LampPattern, RowName
from bodycamd.errors import ConfigError
from tests.hil import judge, measured, table
from tests.hil.scenario import Need, boards, missing, read, scenarios

S = 1_000_000
ALIKE: set[frozenset[RowName]] = {frozenset(pair) for pair in (("off", "ready"), ("refused", "cannot_record"), ("low", "recording"))}
"""Rows whose lamp cannot be told apart for a while: dark is dark, and *low* is steady for most of its round."""


def played(pattern: LampPattern, lasts_us: int, jitter: random.Random | None = None) -> list[judge.Change]:
    changes: list[judge.Change] = [(0, False)]
    at_us = S
    while at_us < lasts_us:
        on, next_us = pattern.level(at_us - S)
        late_us = jitter.randrange(0, judge.LATE_US) if jitter is not None else 0
        if changes[-1][1] != on:
            changes.append((at_us + late_us, on))
        if next_us is None:
            break
        at_us += next_us
    return changes


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("row", get_args(RowName))
def test_a_row_is_recognised_by_its_times(row: RowName, seed: int | None) -> None:
    lasts_us = 25 * S
    changes = played(TABLE[row].lamp, lasts_us, random.Random(seed) if seed is not None else None)
    assert judge.shows(row, changes, lasts_us)


@pytest.mark.parametrize("row", get_args(RowName))
def test_no_row_is_taken_for_another(row: RowName) -> None:
    dark: set[RowName] = {"off", "ready"}
    for other in get_args(RowName):
        changes = played(TABLE[other].lamp, 9 * S)
        if other != row and frozenset((row, other)) not in ALIKE and row not in dark:
            assert not judge.shows(row, changes, 9 * S), (row, other)


def test_between_its_flashes_a_camera_that_cannot_record_is_not_taken_for_one_that_is_ready() -> None:
    dark_us = 5 * S
    changes = played(TABLE["cannot_record"].lamp, dark_us)
    assert judge.shows("ready", changes, dark_us + S)
    assert not judge.ready_lamp_fits("ready", [(0, True), (S, False)])
    assert judge.ready_lamp_fits("cannot_record", [(0, True), (S, False)])
    assert judge.ready_lamp_fits("ready", [(0, True), (S, False), (2 * S, True)])


def test_a_lamp_that_is_too_slow_is_not_what_it_should_be() -> None:
    slow = LampPattern(tuple((on, milliseconds + 60) for on, milliseconds in TABLE["blink"].lamp.steps))
    assert not judge.shows("blink", played(slow, 9 * S), 9 * S)


@pytest.mark.parametrize("name", get_args(HapticName))
def test_a_word_is_felt_as_itself_and_as_no_other(name: HapticName) -> None:
    assert judge.felt(played(PULSES[name], 20 * S), 20 * S) == [name]


def test_a_word_that_is_cut_is_none() -> None:
    changes = played(PULSES["missing"], 20 * S)
    assert judge.felt([*changes[:-1], (changes[-2][0] + 600_000, False)], 20 * S) == []


# --- the scenarios themselves -----------------------------------------------------------------------------------------------------------


def test_the_page_is_made_of_the_scenarios() -> None:
    page = Path(__file__).parents[2] / "docs" / "hil.md"
    assert page.read_text(encoding="utf-8") == "\n".join(table.page()) + "\n", "write it anew: python -m tests.hil.table > docs/hil.md"


def test_every_scenario_runs_somewhere_and_every_reason_is_of_use() -> None:
    found = boards()
    for scenario in scenarios():
        assert any(not missing(scenario, board) for board in found.values()), scenario.name
    runs = {name: {one.name for one in scenarios() if not missing(one, board)} for name, board in found.items()}
    assert all(set(board.seen or ()) <= runs[name] for name, board in found.items())
    needed = {need for scenario in scenarios() for need in scenario.needs}
    assert needed <= set(get_args(Need))
    assert {need for board in found.values() for need in board.cannot} <= needed


@pytest.mark.parametrize(
    "text",
    [
        "title: A title that is long enough\nsteps: []\n",
        "title: A title that is long enough\nsteps:\n  - press: 0.1\n    rest: 1\n",
        "title: A title that is long enough\nsteps:\n  - {}\n",
        "title: A title that is long enough\nsteps:\n  - pres: 0.1\n",
        "title: A title that is long enough\nneeds: [wings]\nsteps:\n  - press: 0.1\n",
        "title: A title that is long enough\nsteps:\n  - lamp: {row: purple, within: 1}\n",
        "title: A title that is long enough\nsteps:\n  - press: 0.1\nsteps:\n  - press: 0.2\n",
    ],
)
def test_what_a_scenario_may_not_say_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises((msgspec.ValidationError, ConfigError, AssertionError)):
        read(path)


REPORT = """<testsuites><testsuite errors="0" failures="{failures}" skipped="0" time="61.6">
<testcase name="test_scenario[press]" time="40.2"/><testcase name="test_power_cuts[first]" time="21.4"/></testsuite></testsuites>"""


def test_what_a_run_took_is_kept_where_all_passed(tmp_path: Path) -> None:
    (tmp_path / "power-cuts-first.txt").write_text("1 cuts, 5 acknowledged fragments, 0 lost\n")
    (tmp_path / "report.xml").write_text(REPORT.format(failures=0))
    found = measured.figures(tmp_path)
    assert found["seconds"] == {"press": 40, "power_cuts[first]": 21}
    assert (found["waited_seconds"], found["power_cuts"]) == (62, ["1 cuts, 5 acknowledged fragments, 0 lost"])
    (tmp_path / "report.xml").write_text(REPORT.format(failures=1))
    with pytest.raises(AssertionError, match="failures"):
        measured.figures(tmp_path)
