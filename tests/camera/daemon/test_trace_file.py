"""The trace's file: bounded, begun anew after what was left out, and never in the way of the camera."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

import pytest

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.machine import initial, step
from bodycamd.camera.control.state import Policy, State
from bodycamd.camera.control.trace import Begin, Step, read_trace, replay
from bodycamd.camera.daemon import trace_file
from bodycamd.camera.daemon.trace_file import TraceFile
from bodycamd.linux import durable
from tests.kit.waiting import wait_for


def trace(file: TraceFile, state: State, events: list[ev.Event]) -> State:
    for number, event in enumerate(events):
        before = state
        state, actions = step(before, event, before.at_us + 1000 + number)
        file.took(before, before.at_us + 1000 + number, event, state, actions)
    return state


STORY: list[ev.Event] = [ev.Ready(), ev.ButtonDown(5), ev.ButtonDown(9), ev.CaptureFlowing(1, "libx264", 30.0), ev.ButtonTapped(11)]


def test_what_was_traced_repeats_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file = TraceFile(tmp_path / "t.jsonl")
    trace(file, initial(Policy()), STORY)
    file.close()
    lines = read_trace((tmp_path / "t.jsonl").read_bytes(), "t")
    assert [type(line) for line in lines] == [Begin, *[Step] * len(STORY)]
    assert list(replay(lines)) == []
    assert (tmp_path / "t.jsonl").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "t.jsonl.1").exists()


def test_the_trace_of_the_run_before_is_the_second_file(tmp_path: Path) -> None:
    for _ in range(3):
        file = TraceFile(tmp_path / "t.jsonl")
        trace(file, initial(Policy()), STORY)
        file.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.jsonl", "t.jsonl.1"]
    for path in tmp_path.iterdir():
        assert list(replay(read_trace(path.read_bytes(), path.name))) == []


def used_bytes(folder: Path) -> int:
    """Of what is there: a file may get its other name meanwhile."""
    used = 0
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            used += path.stat().st_size
    return used


def test_it_stays_below_its_bound_and_each_file_repeats(tmp_path: Path) -> None:
    file = TraceFile(tmp_path / "t.jsonl", max_bytes=20_000)
    state = trace(file, initial(Policy()), STORY)
    for _ in range(60):
        wait_for(file._waiting.empty)
        state = trace(file, state, [ev.VoiceHealth(False, "x" * 50), ev.VoiceHealth(True)])
        assert used_bytes(tmp_path) <= 20_000
    file.close()
    for name in ("t.jsonl", "t.jsonl.1"):
        lines = read_trace((tmp_path / name).read_bytes(), name)
        assert len(lines) > 5
        assert list(replay(lines)) == []


def test_a_slow_disk_costs_lines_and_the_trace_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released, writing = threading.Event(), threading.Event()
    write_all = durable.write_all

    def slow(descriptor: int, buffers: list[bytes]) -> None:
        writing.set()
        assert released.wait(30)
        write_all(descriptor, buffers)

    monkeypatch.setattr(trace_file, "MAX_WAITING", 4)
    monkeypatch.setattr("bodycamd.linux.durable.write_all", slow)
    file = TraceFile(tmp_path / "t.jsonl")
    state = trace(file, initial(Policy()), STORY[:1])
    assert writing.wait(30)
    state = trace(file, state, [ev.VoiceHealth(bool(n % 2)) for n in range(20)])
    released.set()
    wait_for(file._waiting.empty)
    trace(file, state, STORY[1:])
    file.close()
    lines = read_trace((tmp_path / "t.jsonl").read_bytes(), "t")
    assert sum(isinstance(line, Begin) for line in lines) >= 2
    assert len(lines) < 20
    assert list(replay(lines)) == []


@pytest.mark.parametrize("part", ["open_new", "write_all"])
def test_a_disk_that_fails_ends_the_trace_and_nothing_else(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(f"bodycamd.linux.durable.{part}", fail)
    file = TraceFile(tmp_path / "t.jsonl")
    state = initial(Policy())
    for _ in range(3):
        state = trace(file, state, STORY)
    file.close()
    assert not file._thread.is_alive()
    assert [record.message for record in caplog.records] == [
        f"{tmp_path / 't.jsonl'}: the control is no longer traced: No space left on device"
    ]


def test_what_json_has_no_word_for_is_a_gap(tmp_path: Path) -> None:
    file = TraceFile(tmp_path / "t.jsonl")
    trace(file, initial(Policy()), [ev.Ready(), ev.StorageChanged("low", float("nan")), ev.ButtonDown(3)])
    file.close()
    lines = read_trace((tmp_path / "t.jsonl").read_bytes(), "t")
    assert [type(line) for line in lines] == [Begin, Step, Begin, Step]
    assert list(replay(lines)) == []


def test_a_link_in_the_place_of_the_trace_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "t.jsonl").symlink_to(tmp_path / "precious")
    file = TraceFile(tmp_path / "t.jsonl")
    trace(file, initial(Policy()), STORY)
    file.close()
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "t.jsonl").is_symlink()
