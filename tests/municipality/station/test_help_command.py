"""The command that reaches a person, and the configuration that names it."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from bodycamd.municipality.station import help_command
from bodycamd.municipality.station.station_file import judge_station
from tests.kit.waiting import wait_for


def script(folder: Path, text: str) -> str:
    path = folder / "call"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_command_has_its_words_as_they_stand(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [script(tmp_path, f'printf "%s\\n" "$#" "$@" > {out}; cat >> {out}; env | sort >> {out}'), "--to={to}", "{text}", "{x}"]
    hostile = "$(touch /tmp/no); `id` {to} \"quoted\" 'x'\n-rf"
    assert help_command.run(command, "+31 {text}", hostile, 5)
    lines = out.read_text()
    assert lines.startswith(f"3\n--to=+31 {{text}}\n{hostile}\n{{x}}\n{hostile}")
    assert "HOME=" not in lines


@pytest.mark.parametrize(("text", "reached"), [("exit 0", True), ("exit 3", False), ("kill -9 $$", False)])
def test_only_zero_is_reached(tmp_path: Path, text: str, reached: bool) -> None:
    assert help_command.run([script(tmp_path, text), "{to}"], "+31", "x", 5) == reached
    assert not help_command.run([str(tmp_path / "nowhere"), "{to}"], "+31", "x", 5)


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = [script(tmp_path, f"sleep 300 & echo $$ $! > {pids}; wait"), "{to}"]
    began = time.monotonic()
    assert not help_command.run(command, "+31", "x" * 1_000_000, 0.5)
    assert time.monotonic() - began < 5

    def gone(pid: int) -> bool:
        try:
            os.kill(pid, signal.SIG_DFL)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    for pid in map(int, pids.read_text().split()):
        wait_for(lambda pid=pid: gone(pid), 5, "it is gone")  # type: ignore[misc]


def test_what_a_command_that_ended_well_left_running_delivers(tmp_path: Path) -> None:
    """As `sendmail -odb` does: it forks, and the child sends the message after its parent has ended with 0."""
    go, out = tmp_path / "go", tmp_path / "out"
    command = [script(tmp_path, f"(exec </dev/null; while [ ! -e {go} ]; do sleep 0.05; done; echo sent > {out}) & exit 0"), "{to}"]
    assert help_command.run(command, "+31", "x", 5)
    go.touch()
    wait_for(out.exists, 5, "the message is sent")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # that it runs on is the case
def test_a_command_of_another_user_that_does_not_end_is_a_failure_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = list[int]()

    def refused(group: int, number: int) -> None:
        killed.append(group)
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "killpg", refused)
        began = time.monotonic()
        assert not help_command.run([script(tmp_path, "exec sleep 300"), "{to}"], "+31", "x", 0.3)
        assert time.monotonic() - began < 5
    os.killpg(killed[0], signal.SIGKILL)
    os.waitpid(killed[0], 0)


# --- the configuration --------------------------------------------------------------------------------------------------------------------

STATION = "name: s\nauthority: s.example\ndata: /d\nkeys: {signing: /s, root: /r, roster: /o}\nhelp:\n"


@pytest.mark.parametrize(
    ("help", "where"),
    [
        ('  command: [/bin/x, "{to}"]\n  to: ["+31600000001"]\n', "help.to"),
        ('  command: [/bin/x, "{to}"]\n  to: ["+31600000001", "+31600000001"]\n', "help.to"),
        ('  command: [/bin/x]\n  to: ["+31600000001", "+31600000002"]\n', "help.command"),
        ('  command: [x, "{to}"]\n  to: ["+31600000001", "+31600000002"]\n', "help.command"),
        ('  command: []\n  to: ["+31600000001", "+31600000002"]\n', "help.command"),
        ('  to: ["+31600000001", "+31600000002"]\n', "help.command"),
        ('  command: [/bin/x, "{to}"]\n  to: ["-rf", "+31600000002"]\n', "help.to"),
    ],
)
def test_help_needs_a_second_person_and_a_command(help: str, where: str) -> None:
    settings, problems = judge_station((STATION + help).encode())
    assert settings is None
    assert any(problem.key.startswith(where) for problem in problems), problems


def test_help_as_it_should_be() -> None:
    settings, problems = judge_station((STATION + '  command: [/bin/x, "{to}"]\n  to: ["+31600000001", "+31600000002"]\n').encode())
    assert problems == []
    assert settings is not None
    assert settings.help is not None
    assert settings.help.answer_seconds == 30
