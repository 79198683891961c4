"""What the recorder loads before it can record: an officer waits for it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"av", "pyrage", "picamera2", "numpy", "typer", "rich", "jinja2", "markupsafe", "babel", "pyaudio", "httpx", "requests"}
"""Of the worker, the voice, the commands and the municipality."""
FOR_FAULTS = {"importlib.metadata", "email.message", "zipfile", "csv", "tempfile", "difflib"}
"""What only a mistake or a missing package needs."""
SLOW = {"unittest", "xml", "sqlite3", "multiprocessing", "http.client", "urllib.request", "pydoc"}


def test_the_recorder_loads_nothing_that_only_others_or_faults_need() -> None:
    program = "import sys, bodycamd.camera.daemon.__main__; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert "bodycamd.camera.daemon.wiring" in loaded
    assert loaded & (HEAVY | FOR_FAULTS | SLOW) == set()
