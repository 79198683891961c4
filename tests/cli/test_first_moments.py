"""A Ctrl-C while a command loads, or at any other moment, ends it without a trace."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kit.scale import count, only_in_full
from tests.test_house import ROOT, tracked

PROGRAM = "import os, sys; os.write(int(sys.argv.pop(1)), b'.'); from bodycamd.cli.entry import run; sys.exit(run())"
LINES = {
    "keys new": ["keys", "new", "--out", "DIR/identity.txt"],
    "keys person new": ["keys", "person", "new", "--out", "DIR/key.pem", "--id", "E-03"],
    "keys check": ["keys", "check", "DIR/none"],
    "config check": ["config", "check", str(ROOT / "config/bodycamd.yaml")],
    "prune": ["prune", "--store", "DIR", "--device-key", "DIR/none", "--people", "DIR/none"],
    "export": ["export", "000001-0001", "--store", "DIR", "--identity", "DIR/none", "--out", "DIR/film.mp4"],
    "contact-sheet": ["contact-sheet", "DIR/none.mp4", "DIR/sheet.png"],
}
OUTSIDE = re.compile(r'Traceback .*\n  File "<string>", line 1, in <module>\n(?:    .*\n)*KeyboardInterrupt\n')
"""Before the first line of ours, or after the last."""
ENDS = {0, 2, 65, 66, 78, 130, -signal.SIGINT}
"""By itself, by what Python makes of it, or there and then."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in ("keys new", "prune") else only_in_full) for name in LINES])
def test_a_signal_at_any_moment_leaves_no_trace(name: str, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    for number in range(count(15)):
        folder = tmp_path / str(number)
        folder.mkdir()
        reading, writing = os.pipe()
        words = [word.replace("DIR", str(folder)) for word in LINES[name]]
        command = [sys.executable, "-c", PROGRAM, str(writing), *words]
        run = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(writing)
        os.read(reading, 1)  # the interpreter has started: what it makes of signals before is its own affair
        os.close(reading)
        time.sleep(chance.random() * 0.8)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
        if OUTSIDE.fullmatch(said):
            continue
        assert run.returncode in ENDS, (seed, number, said)
        assert not re.search("Traceback|panicked|Exception ignored|Error:", said), (seed, number, said)


def test_the_library_that_panics_has_one_door() -> None:
    importing = re.compile(r"^\s*(import|from) pyrage", re.MULTILINE)
    found = {str(path.relative_to(ROOT)) for path in tracked("bodycamd/*.py") if importing.search(path.read_text())}
    assert found == {"bodycamd/linux/age_library.py"}
