"""The tests give the same answers under `nohup`, from a shell's `&`, and on a terminal."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_what_a_test_starts_hears_signals(number: signal.Signals) -> None:
    asked = [sys.executable, "-c", f"import signal; print(signal.getsignal({int(number)}) is signal.SIG_IGN)"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "False\n"
