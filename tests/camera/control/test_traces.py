"""Traces of real runs: the control answers today as it did then. And whatever stands in a trace, it is repeated or refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from bodycamd import __version__
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.machine import initial, step
from bodycamd.camera.control.state import Policy
from bodycamd.camera.control.trace import FORMAT, Begin, Step, begin_line, read_trace, replay, step_line
from bodycamd.errors import DataError
from tests.camera.control.keep_trace import TRACES, main, with_todays_answers
from tests.camera.control.moves import event_of, random_moves, random_settings
from tests.camera.control.record_traces import STORIES, record
from tests.kit.scale import count, only_in_full

KEPT = sorted(path.stem for path in TRACES.glob("*.jsonl"))
TOLD = {
    "markers_and_a_hold": {"ButtonHeld", "WarningEnded", "FragmentDurable", "RecordingSealed"},
    "a_worker_that_dies": {"CaptureStalled", "CaptureFlowing", "RecordingSealed"},
    "a_resume": {"Ready", "FragmentDurable"},
    "an_empty_battery": {"BatteryChanged", "RecordingSealed"},
    "a_shutdown_while_recording": {"ShutdownRequested", "RecordingSealed"},
}


def made(seed: int, length: int = 60) -> bytes:
    """The trace of a random sequence."""
    chance = random.Random(seed)
    state, now_us = initial(random_settings(chance)), 1_000_000
    raw, gap = b"", True
    for kind, later_us, a, b in random_moves(chance, length):
        now_us = max(0, now_us + later_us)
        event, before = event_of(kind, a, b, state, now_us), state
        state, actions = step(before, event, now_us)
        line = step_line(now_us, event, state, actions)
        if line is not None:
            raw += (begin_line(before, "test") if gap else b"") + line
        gap = line is None
    return raw


@pytest.mark.parametrize("name", KEPT)
def test_the_control_answers_as_it_did(name: str) -> None:
    lines = read_trace((TRACES / f"{name}.jsonl").read_bytes(), name)
    assert list(replay(lines)) == []
    assert {type(line.event).__name__ for line in lines if isinstance(line, Step)} >= TOLD.get(name, set())


def test_every_story_is_kept() -> None:
    assert {*STORIES} == {*TOLD}
    assert {*STORIES} <= {*KEPT}
    resumed = [line for line in read_trace((TRACES / "a_resume.jsonl").read_bytes(), "") if isinstance(line, Step)]
    assert any(isinstance(line.event, ev.Ready) and line.event.resume is not None for line in resumed)


@pytest.mark.parametrize("name", STORIES)
@only_in_full
def test_a_story_of_today_is_traced_and_repeats(name: str, tmp_path: Path) -> None:
    raw = record(name, tmp_path).read_bytes()
    lines = read_trace(raw, name)
    assert list(replay(lines)) == []
    assert with_todays_answers(lines) == raw
    assert b"officer" not in raw.replace(b'"officer":null', b"").replace(b'"reason":"officer"', b"")


@settings(max_examples=count(400))
@given(seed=st.integers(0, 2**32))
def test_a_trace_repeats_what_was_traced(seed: int) -> None:
    raw = made(seed)
    lines = read_trace(raw, "made")
    assert list(replay(lines)) == []
    assert isinstance(lines[0], Begin)
    assert lines[0].format == FORMAT
    assert with_todays_answers(lines).replace(f'"software":"{__version__}"'.encode(), b'"software":"test"') == raw


@settings(max_examples=count(400))
@given(seed=st.integers(0, 2**32), pick=st.integers(0, 2**32))
def test_an_answer_that_is_another_one_is_told(seed: int, pick: int) -> None:
    lines = read_trace(made(seed), "made")
    steps = [number for number, line in enumerate(lines) if isinstance(line, Step)]
    at = steps[pick % len(steps)]
    line = lines[at]
    assert isinstance(line, Step)
    lines[at] = structs.replace(line, actions=[*line.actions, ev.Note("never")])
    (told,) = replay(lines)
    assert told.startswith(f"line {at + 1}: {type(line.event).__name__}: ")


@settings(max_examples=count(1000))
@given(seed=st.integers(0, 20), changes=st.lists(st.tuples(st.integers(0, 2**32), st.binary(max_size=6)), min_size=1, max_size=6))
def test_a_hostile_trace_is_a_data_error_or_is_repeated(seed: int, changes: list[tuple[int, bytes]]) -> None:
    raw = made(seed, 12)
    for place, new in changes:
        at = place % (len(raw) + 1)
        raw = raw[:at] + new + raw[at + len(new) :]
    try:
        lines = read_trace(raw, "hostile")
    except DataError:
        return
    assert all(len(told) < 3000 for told in replay(lines))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "begins with the state"),
        (b"\n", "line 1 is not of bodycamd-trace/1"),
        (b"[]\n", "line 1 is not of"),
        (b'{"trace":"step"}\n', "line 1 is not of"),
        (b"[" * 60_000, "line 1 is not of"),
        (b"x" * 70_000, "line 1: more than 65536 bytes"),
        (begin_line(initial(Policy()), "x").replace(b"trace/1", b"trace/2"), "Invalid enum value 'bodycamd-trace/2'"),
        (begin_line(initial(Policy()), "x")[:-20], "line 1 is not of"),
        (b"\n" * 1_000_002, "more than 1000000 lines"),
    ],
)
def test_what_is_no_trace_is_refused_in_one_line(raw: bytes, words: str) -> None:
    with pytest.raises(DataError) as refused:
        read_trace(raw, "trace.jsonl")
    assert words in str(refused.value)
    assert str(refused.value).startswith("trace.jsonl: ")


def test_states_that_no_control_has_are_told_and_do_not_end_it() -> None:
    """A reminder every 0 µs: `step` would divide by it."""
    state = initial(Policy())
    for event in (ev.Ready(), ev.ButtonDown(1), ev.ButtonDown(2)):
        state, _ = step(state, event, 10)
    begun = begin_line(state, "x")
    broken = begun.replace(b'"reminder_us":120000000', b'"reminder_us":0')
    assert broken != begun
    line = step_line(200_000_000, ev.TimePassed(), state, [])
    assert line is not None
    (told,) = replay(read_trace(broken + line, "x"))
    assert "TimePassed: step fails: ZeroDivisionError" in told


def test_a_trace_is_kept_with_todays_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tests.camera.control.keep_trace.TRACES", tmp_path)
    (tmp_path / "camera.jsonl").write_bytes(made(3))
    assert main([str(tmp_path / "camera.jsonl"), "kept"]) == 0
    assert list(replay(read_trace((tmp_path / "kept.jsonl").read_bytes(), "kept"))) == []
    (tmp_path / "other.jsonl").write_bytes((tmp_path / "kept.jsonl").read_bytes().replace(b'"deadline_us":null', b'"deadline_us":7', 1))
    assert main([str(tmp_path / "other.jsonl")]) == 1
    assert "1 answered otherwise" in capsys.readouterr().out
    (tmp_path / "none.jsonl").write_bytes(b"nonsense\n")
    assert main([str(tmp_path / "none.jsonl")]) == 65
    assert main([]) == 2
