"""SIGKILL at every step of open, append, rotate, seal, rename and recover. The next start finds everything acknowledged, states everything
there is, and a second one changes nothing."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.evidence.keys import PublicKey, provision
from tests.camera.recorder.rig import open_store
from tests.kit.fragments import fragment
from tests.kit.scale import SCALE, count, only_in_full
from tests.powercut.judge import key_files, read_ledger, read_store, snapshot

pytestmark = only_in_full

WHENS = ("before", "halfway", "after")


class Recorder:
    """Recorders in one root, one after the other, each of which dies when it is told to."""

    def __init__(self, server: subprocess.Popen[str], root: Path, acknowledgements: Path) -> None:
        self._server = server
        self.root = root
        self.acknowledgements = acknowledgements
        if not root.exists():
            self.registered = PublicKey.from_pem(provision(root / "keys")).raw
            acknowledgements.touch()

    def copy(self, name: str) -> Recorder:
        target = self.root.with_name(name)
        shutil.copytree(self.root, target)
        heard = shutil.copy(self.acknowledgements, target.with_suffix(".txt"))
        copied = Recorder(self._server, target, Path(heard))
        copied.registered = self.registered
        return copied

    def run(self, number: int = 0, when: str = "before") -> tuple[int, bool]:
        """The steps that were taken, and whether it died (it does not, where there are fewer than `number`)."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{self.root} {self.acknowledgements} {number} {when}\n")
        self._server.stdin.flush()
        steps, status = map(int, self._server.stdout.readline().split())
        assert status in (0, signal.SIGKILL)
        assert status == signal.SIGKILL or steps > 0, "it failed instead of dying"
        return steps, status == signal.SIGKILL

    def heard(self) -> list[list[str]]:
        """Every whole line of what was acknowledged."""
        return [line.split() for line in self.acknowledgements.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def judge(self) -> None:
        """Start in order, twice, and look with other eyes."""
        before = snapshot(self.root / "store") if (self.root / "store/ledger").exists() else ({}, {})
        expected = self._interrupted(before[0])
        store = open_store(self.root)
        assert (store.resume.recording if store.resume else None) == expected
        assert store.strays == ()
        store.close()
        ledger_files, segments = snapshot(self.root / "store")
        assert {key: content for key, (_, content) in segments.items()} == {key: content for key, (_, content) in before[1].items()}
        assert {name: ledger_files[name] for name in before[0]} == before[0]
        ledger, found = read_store(self.root / "store", self.registered, lambda age: None)
        assert list(key_files(self.root / "keys").values()) == [ledger.next_key]
        closed = {detail["recording"] for detail in ledger.details("recording_closed")}
        assert closed == {detail["recording"] for detail in ledger.details("recording_opened")}
        self._judge_acknowledged(found, {name for name, _ in ledger_closed(ledger.entries)})
        again = open_store(self.root)
        again.close()
        assert again.recovered_segments == 0
        assert snapshot(self.root / "store")[1] == segments, "a second recovery changes nothing"

    def _judge_acknowledged(self, found: object, closed: set[str]) -> None:
        assert isinstance(found, dict)
        for kind, recording, *rest in self.heard():
            if kind == "sealed":
                assert recording in closed
                continue
            segment, index, seq, sha256 = rest
            piece = found[recording, int(segment)][int(index)]
            assert (piece.seq, piece.sha256) == (int(seq), sha256)

    def _interrupted(self, ledger_files: dict[str, bytes]) -> str | None:
        """The recording that must be offered: the newest that was opened, unless it was closed by anything but an interruption."""
        ledger = read_ledger(ledger_files, self.registered)
        opened = [detail["recording"] for detail in ledger.details("recording_opened")]
        in_order = {name for name, reason in ledger_closed(ledger.entries) if reason != "interrupted"}
        return opened[-1] if opened and opened[-1] not in in_order else None


def ledger_closed(entries: list[dict[str, object]]) -> list[tuple[str, str]]:
    details = [entry["detail"] for entry in entries if entry["type"] == "recording_closed"]
    return [(detail["recording"], detail["reason"]) for detail in details if isinstance(detail, dict)]


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.camera.recorder.dying"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def chosen(steps: int) -> list[tuple[int, str]]:
    """Every step in every way at full scale; by default a tenth of them, each time others."""
    every = [(number, when) for number in range(1, steps + 1) for when in WHENS]
    return every if SCALE >= 1 else sorted(random.sample(every, count(len(every))))


def test_killed_at_every_step_of_a_first_start(server: subprocess.Popen[str], tmp_path: Path) -> None:
    fresh = Recorder(server, tmp_path / "fresh", tmp_path / "fresh.txt")
    whole = fresh.copy("whole")
    steps, died = whole.run()
    assert not died
    whole.judge()
    assert len([line for line in whole.heard() if line[0] == "durable"]) == 8
    print(f"\n{steps} steps of open, append, rotate, seal; killed at {len(chosen(steps))} instants")
    ended = 0
    for number, when in chosen(steps):
        recorder = fresh.copy(f"{number}-{when}")
        ended += not recorder.run(number, when)[1]
        recorder.judge()
        shutil.rmtree(recorder.root)
    assert ended <= len(chosen(steps)) // 10, "fragments that wait are one batch, so that a run may have some steps less"


def test_killed_at_every_step_of_a_start_that_recovers(server: subprocess.Popen[str], tmp_path: Path) -> None:
    """The store that it finds was itself left by one that died halfway through a write of footage."""
    first = Recorder(server, tmp_path / "first", tmp_path / "first.txt")
    steps, _ = first.copy("whole").run()
    killed = next(
        candidate
        for number in range(steps // 2, steps)
        if (candidate := first.copy(f"first-{number}")).run(number, "halfway")[1] and list(candidate.root.glob("store/recordings/*/*.part"))
    )
    steps, _ = killed.copy("second").run()
    print(f"\n{steps} steps of recover, open, append, rotate, seal; killed at {len(chosen(steps))} instants")
    ended = 0
    for number, when in chosen(steps):
        recorder = killed.copy(f"second-{number}-{when}")
        ended += not recorder.run(number, when)[1]
        recorder.judge()
        shutil.rmtree(recorder.root)
    assert ended <= len(chosen(steps)) // 10, "fragments that wait are one batch, so that a run may have some steps less"


def test_deaths_upon_deaths(server: subprocess.Popen[str], tmp_path: Path) -> None:
    chance = random.Random()
    fresh = Recorder(server, tmp_path / "fresh", tmp_path / "fresh.txt")
    for case in range(count(60)):
        recorder = fresh.copy(f"case-{case}")
        for _ in range(chance.randint(2, 8)):
            recorder.run(chance.randint(1, 70), chance.choice(WHENS))
        recorder.judge()
        recorder.run()
        recorder.judge()
        shutil.rmtree(recorder.root)


def test_the_footage_is_the_footage_that_was_filmed(server: subprocess.Popen[str], tmp_path: Path) -> None:
    recorder = Recorder(server, tmp_path / "fresh", tmp_path / "fresh.txt")
    recorder.run(40, "halfway")
    recorder.judge()
    for kind, *rest in recorder.heard():
        if kind == "durable":
            size = 70_000 if int(rest[3]) % 4 == 0 else 5_000
            assert hashlib.sha256(fragment(int(rest[3]), size=size).age).hexdigest() == rest[4]
