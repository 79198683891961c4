"""What the recorder loads before it can record: an officer waits for it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"av", "pyrage", "picamera2", "numpy", "typer", "rich", "jinja2", "markupsafe", "babel", "pyaudio", "httpx", "requests"}
"""Of the worker, the voice, the commands and the municipality."""
FOR_FAULTS = {"importlib.metadata", "email.message", "zipfile", "csv", "tempfile", "difflib"}
"""What only a mistake or a missing package needs."""
SLOW = {"unittest", "xml", "sqlite3", "multiprocessing", "http.client", "urllib.request", "pydoc", "argparse", "dataclasses", "random"}
SSH = {"cryptography.hazmat.primitives.serialization"}
"""Brings SSH, RSA and more: 30 modules."""

LOADED = """
import runpy, sys
sys.argv[1:] = []  # the last word on how it is used comes after all imports
try:
    runpy.run_module("bodycamd.camera.daemon", run_name="__main__", alter_sys=True)
except SystemExit as ended:
    assert ended.code == 2
print(*(name for name, module in sys.modules.items() if module is not None))
"""

TEXTS = """
import sys
texts = []
def hook(event, arguments):
    if event == "compile" and arguments[0] is not None and sys._getframe(1).f_globals["__name__"] == "typing":
        texts.append(arguments[0])
import msgspec
sys.addaudithook(hook)
from pathlib import Path
import bodycamd.camera.daemon.__main__
from bodycamd.camera.daemon.protocol import decode_request
from bodycamd.config import load
from bodycamd.evidence.entries import TYPE_NAMES
decode_request(b'{"command":"status"}')
load.load(Path("config/bodycamd.yaml"))
for kind in TYPE_NAMES:
    msgspec.json.Decoder(kind)
print(texts)
"""


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_recorder_loads_nothing_that_only_others_or_faults_need() -> None:
    loaded = set(run(LOADED).split())
    assert "bodycamd.camera.daemon.wiring" in loaded
    assert loaded & (HEAVY | FOR_FAULTS | SLOW | SSH) == set()


def test_the_recorder_has_no_tls() -> None:
    assert set(run(LOADED).split()) & {"ssl", "_ssl"} == set()


def test_no_type_that_is_read_has_annotations_as_text() -> None:
    """`from __future__ import annotations` leaves texts, each of which is compiled and evaluated when a decoder is made."""
    assert run(TEXTS) == "[]"
