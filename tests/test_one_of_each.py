"""What there is one of: the clock, the boot id, the door to the disk, the new file, the safe open, the start of a child on a link, the
reading of a signed line. A second one somewhere else is found by walking the syntax trees.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bodycamd"

CLOCK, DURABLE, FOREIGN, CHILD = "linux/clock.py", "linux/durable.py", "linux/foreign.py", "linux/child.py"
SIMULATED_SPEAKER, SIMULATED_BOARD = "camera/board/voice/output.py", "camera/board/board_log.py"
HELP_COMMAND = "municipality/station/help_command.py"
LOCK, PIPE, STANDARD_OUTPUT = "camera/recorder/store.py", "municipality/film/film_maker.py", "cli/streams.py"

ONLY_IN: Mapping[str, set[str]] = {
    "time.CLOCK_BOOTTIME": {CLOCK},
    "time.clock_gettime": set(),
    "time.clock_gettime_ns": {CLOCK},
    "protocol Clock": {CLOCK},
    "class ClockReading": {CLOCK},
    "def boottime_us": {CLOCK},
    "def boot_id": {CLOCK},
    "'/proc/sys/kernel/random/boot_id'": {CLOCK},
    "os.fsync": {DURABLE},
    "os.fdatasync": {DURABLE},
    "os.sync": set(),
    "os.O_SYNC": set(),
    "os.O_DSYNC": set(),
    "os.writev": {DURABLE},
    "os.pwritev": {DURABLE},
    "os.write": {PIPE, STANDARD_OUTPUT, SIMULATED_BOARD},
    "os.pwrite": {SIMULATED_SPEAKER},
    "os.ftruncate": {DURABLE, SIMULATED_SPEAKER},
    "os.O_EXCL": {DURABLE},
    "os.O_CREAT": {DURABLE, LOCK, SIMULATED_BOARD},
    "os.O_TMPFILE": {"linux/unnamed.py"},
    "open for a new file": set(),
    "tempfile.mkstemp": set(),
    "tempfile.NamedTemporaryFile": set(),
    "tempfile.TemporaryFile": set(),
    "os.O_NOFOLLOW": {FOREIGN, DURABLE, LOCK},
    "os.pidfd_open": {CHILD},
    "socket.socketpair": {CHILD},
    "subprocess.Popen": {CHILD, HELP_COMMAND, "workshop/simulation/process.py", "cli/over_ssh.py"},
    "base64.b64decode": {"evidence/signed_document.py"},
}
"""Where alone each may stand, below `bodycamd`. Simulations show what they do, and owe nobody a file after a power cut."""


def dotted(node: ast.expr) -> str:
    """A name, or an attribute of one; empty for what is neither. `ast.unparse` takes twenty times as long."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def parts(source: str) -> Iterator[str]:
    """What a module defines and uses, by the names of `ONLY_IN`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            yield dotted(node)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ClassDef):
            yield f"class {node.name}"
            if any(dotted(base.value if isinstance(base, ast.Subscript) else base).endswith("Protocol") for base in node.bases):
                yield f"protocol {node.name}"
        elif isinstance(node, ast.FunctionDef):
            yield f"def {node.name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield repr(node.value)
        elif isinstance(node, ast.Call) and (node.func.attr if isinstance(node.func, ast.Attribute) else dotted(node.func)) == "open":
            modes = [*node.args[:2], *(word.value for word in node.keywords if word.arg == "mode")]
            if any(isinstance(mode, ast.Constant) and isinstance(mode.value, str) and mode.value in ("x", "xb", "x+b") for mode in modes):
                yield "open for a new file"


def found_in(modules: Mapping[str, str]) -> set[tuple[str, str]]:
    """What there is one of, by the modules in which it stands."""
    return {(module, part) for module, source in modules.items() for part in parts(source) if part in ONLY_IN}


def strays(modules: Mapping[str, str]) -> set[tuple[str, str]]:
    """What stands in a module where it may not stand."""
    return {(module, part) for module, part in found_in(modules) if module not in ONLY_IN[part]}


def test_there_is_one_of_each() -> None:
    modules = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    there = found_in(modules)
    allowed = {(module, part) for part, places in ONLY_IN.items() for module in places}
    assert there - allowed == set()
    assert allowed - there == set(), "named, and not there any more"


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("import time\nnow = time.clock_gettime_ns(time.CLOCK_BOOTTIME)", "time.clock_gettime_ns"),
        ("from time import CLOCK_BOOTTIME", "time.CLOCK_BOOTTIME"),
        ("class Clock(Protocol):\n    def now_us(self) -> int: ...", "protocol Clock"),
        ("class Life:\n    def boot_id(self): ...", "def boot_id"),
        ("BOOT = Path('/proc/sys/kernel/random/boot_id')", "'/proc/sys/kernel/random/boot_id'"),
        ("def put(d):\n    os.fdatasync(d)", "os.fdatasync"),
        ("from os import fsync as settle", "os.fsync"),
        ("os.open(path, os.O_WRONLY | os.O_EXCL)", "os.O_EXCL"),
        ("with open(path, 'xb') as file: ...", "open for a new file"),
        ("path.open(mode='x')", "open for a new file"),
        ("signature = base64.b64decode(line[:88])", "base64.b64decode"),
    ],
)
def test_a_second_one_is_found(source: str, part: str) -> None:
    assert ("evidence/elsewhere.py", part) in strays({"evidence/elsewhere.py": source})
