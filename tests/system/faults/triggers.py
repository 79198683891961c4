"""How a test tells the processes of a camera to fail: small files in one folder, which is named in the environment.

absent           no worker finds a camera
no worker        each ends as it begins
generation-N     what the worker of generation N does wrong, see `worker`
microphone       what the sound device does, see `worker`
speaker          what the loudspeaker does, see `voice`
disk             what the kernel answers, see `kernel`
clock            what the clocks show, see `clocks`
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "BODYCAMD_TEST_FAULTS"
"""The environment's variable."""
_open, _read, _close = os.open, os.read, os.close


def folder() -> Path:
    """Where the triggers are."""
    return Path(os.environ[FOLDER])


def told(name: str) -> str | None:
    """What a trigger says, or `None` if there is none. Not to be failed by `kernel`."""
    try:
        descriptor = _open(f"{os.environ[FOLDER]}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _read(descriptor, 65536).decode()
    finally:
        _close(descriptor)


def tell(where: Path, name: str, what: str) -> None:
    """Set a trigger, at once and whole."""
    new = where / f".{name}.new"
    new.write_text(what)
    new.rename(where / name)
