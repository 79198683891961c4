"""The support bundle: a tar of a few JSON and text files about a camera, made to be sent to somebody outside.

Guarantees
- It holds no footage, no key, and no text that came from a person, a disk or a device, except as `redaction` says.
- Its first member, `CONTENTS.txt`, lists the others, and why one is not there.
- Members have neither time nor owner.
"""

from __future__ import annotations

import io
import os
import platform
import subprocess
import tarfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

import msgspec
import msgspec.inspect as mi

from bodycamd import __version__
from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import AskStatus
from bodycamd.camera.daemon.status_message import Status
from bodycamd.config import load
from bodycamd.config.problems import Problem
from bodycamd.config.settings import Config, key_types
from bodycamd.errors import BodycamError, UnavailableError
from bodycamd.foreign_text import Json
from bodycamd.municipality.verify.past import ledger_of
from bodycamd.municipality.words.sentence_words import WORDS
from bodycamd.workshop.support.redaction import chosen, message

JOURNALS = {
    "journal.txt": "bodycamd.service",
    "journal-sensors.txt": "bodycamd-sensors.service",
    "journal-cards.txt": "bodycamd-cards.service",
    "journal-offload.txt": "bodycamd-offload.service",
    "journal-uplink.txt": "bodycamd-uplink.service",
}
JOURNAL_LINES = 5000
JOURNAL_SECONDS = 60
PACKAGES = ("av", "cryptography", "gpiozero", "msgspec", "pyrage", "pyyaml", "rich", "typer", "picamera2")
HEAD = """bodycamd support bundle: how a camera is, for whoever helps. No footage, no keys, no names.
Text that came from people, files or devices was left out, and stands as an ellipsis.

"""


def bundle(store: Path, socket: Path | None, config: Path) -> tuple[bytes, list[str]]:
    """The tar, and the lines of its `CONTENTS.txt`. What cannot be had is named there, with the exit code that a command of its own would
    end with."""
    parts: dict[str, Callable[[], bytes]] = {
        "versions.json": _versions,
        "status.json": lambda: _status(socket),
        "ledger.json": lambda: _ledger(store),
        "configuration.json": lambda: _configuration(config),
        **{name: partial(_journal, unit) for name, unit in JOURNALS.items()},
    }
    told: list[str] = []
    members: dict[str, bytes] = {}
    for name, make in parts.items():
        try:
            members[name] = make()
            told.append(f"{name}: {len(members[name])} bytes")
        except BodycamError as error:
            told.append(f"{name}: not there; asking for it ended with {error.exit_code}")
    contents = (HEAD + "\n".join(told) + "\n").encode()
    return _tar({"CONTENTS.txt": contents, **members}), told


def _tar(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def _json(value: Json) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _versions() -> bytes:
    there = {name: _version(name) for name in PACKAGES}
    found: dict[str, Json] = {"bodycamd": __version__, "python": platform.python_version(), "kernel": os.uname().release.split("-")[0]}
    return _json({**found, "machine": os.uname().machine, "packages": {**there}})


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _status(socket: Path | None) -> bytes:
    if socket is None:
        raise UnavailableError("no daemon is known for this store")
    with ControlClient(socket) as client:
        return _json(chosen(client.request(AskStatus(), Status), mi.type_info(Status)))


def _ledger(store: Path) -> bytes:
    """Types and counts of what verifies."""
    ledger = ledger_of(store)
    counted: Counter[str] = Counter()
    starts: set[int] = set()
    for line in ledger:
        counted[line.entry.type if line.entry.type in WORDS else "of another version"] += 1
        starts.add(line.entry.start)
    entries: dict[str, Json] = dict(sorted(counted.items()))
    return _json({"entries": entries, "starts": len(starts), "verifies_to_its_end": not ledger.broken})


def _configuration(config: Path) -> bytes:
    """Numbers and words of fixed lists; of text only whether it is the default. Of mistakes the line, and the key where there is one."""
    found = load.judge(load.read(config), config)
    if found.config is None:
        return _json({"mistakes": [_mistake(problem) for problem in found.problems]})
    kept = chosen(found.config, mi.type_info(Config))
    return _json({"settings": kept, "mistakes": []})


def _mistake(problem: Problem) -> Json:
    return {"line": problem.line, "key": problem.key if problem.key in key_types() else None}


def _journal(unit: str) -> bytes:
    """The unit's last lines: when, how grave, and the words that are ours. Raises `UnavailableError` where this user may not read them."""
    command = ["journalctl", f"--unit={unit}", "--output=json", f"--lines={JOURNAL_LINES}", "--no-pager", "--quiet"]
    try:
        run = subprocess.run(command, capture_output=True, timeout=JOURNAL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError("journalctl does not answer") from error
    if run.returncode != 0:
        raise UnavailableError("journalctl refuses")
    return "".join(f"{_journal_line(line)}\n" for line in run.stdout.splitlines()).encode()


def _journal_line(raw: bytes) -> str:
    try:
        line: dict[str, str | list[int] | None] = msgspec.json.decode(raw, type=dict[str, str | list[int] | None])
    except msgspec.MsgspecError:
        return "a line that is not understood"
    said = line.get("MESSAGE")
    at, grave = (_digits(line.get(name)) for name in ("__REALTIME_TIMESTAMP", "PRIORITY"))
    return f"{at} {grave} {message(said) if isinstance(said, str) else 'a line that is no text'}"


def _digits(value: str | list[int] | None) -> str:
    """A number that the journal gave as text."""
    return value if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20 else "-"
