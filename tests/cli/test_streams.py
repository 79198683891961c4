"""However its standard streams are broken, a command ends in one line, or in silence where nobody hears, and with a documented code."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.rich_utils  # noqa: F401 - here, once, and not in every child

from bodycamd.cli import main as program
from bodycamd.errors import EXIT_CODES
from tests.kit.command_tree import NODES
from tests.kit.scale import IN_FULL, SCALE, only_in_full, sample

MANY = "".join(f"k{number}: 1\n" for number in range(40))


@dataclass(frozen=True)
class Ran:
    """How one command line ended."""

    code: int
    out: bytes
    err: bytes


def closed(number: int) -> Callable[[], None]:
    return lambda: os.close(number)


def full(number: int) -> Callable[[], None]:
    return lambda: void(os.dup2(os.open("/dev/full", os.O_WRONLY), number))


def nobody_reads(number: int) -> Callable[[], None]:
    def work() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, number)

    return work


def void(_: int) -> None:
    pass


def ascii_only() -> None:
    """As PYTHONIOENCODING=ascii has it."""
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), encoding="ascii", errors="strict")
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), encoding="ascii", errors="strict")


def ran(words: Sequence[str], breaking: Callable[[], None], folder: Path) -> Ran:
    """In a child, as the process's own command line."""
    files = [os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC) for name in ("out", "err")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads: the child touches none of theirs
        pid = os.fork()
    if pid == 0:
        code = 99
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            for number, file in enumerate(files, 1):
                os.dup2(file, number)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
            sys.argv = ["bodycamd", *words]
            breaking()
            if breaking is not ascii_only:
                # As Python has it from its start.
                sys.stdout = None if is_closed(1) else sys.stdout
                sys.stderr = None if is_closed(2) else sys.stderr
            code = program.main()
            for stream in (sys.stdout, sys.stderr):
                assert stream is not None
                stream.flush()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for file in files:
        os.close(file)
    return Ran(code, (folder / "out").read_bytes(), (folder / "err").read_bytes())


def is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def lines(tmp_path: Path) -> list[tuple[str, ...]]:
    """What prints a word, a page, JSON, and errors."""
    (tmp_path / "c.yaml").write_text("device_id: x\n" + MANY)
    return [("--version",), ("config", "schema"), ("config", "check", str(tmp_path / "c.yaml")), ("no-such-command",), ("export",)]


HELP = [(*words.split(), "--help") for words in NODES]
BROKEN_OUTPUT = [("closed", closed(1), 74), ("full", full(1), 74), ("nobody reads", nobody_reads(1), 141)]


def check_output(words: Sequence[str], tmp_path: Path) -> None:
    whole = ran(words, lambda: None, tmp_path)
    assert whole.code in EXIT_CODES
    for name, breaking, code in BROKEN_OUTPUT:
        found = ran(words, breaking, tmp_path)
        assert found.code == (code if whole.out else whole.code), (name, words, found)
        assert found.err.count(b"\n") == (1 if whole.out else whole.err.count(b"\n")), (name, words, found)
        assert found.out == b""


def check_errors(words: Sequence[str], tmp_path: Path) -> None:
    whole = ran(words, lambda: None, tmp_path)
    for breaking in (closed(2), full(2), nobody_reads(2)):
        assert ran(words, breaking, tmp_path) == Ran(whole.code, whole.out, b""), words
    everything = ran(words, lambda: (closed(1)(), closed(2)())[0], tmp_path)
    assert everything == Ran(74 if whole.out else whole.code, b"", b"")


def check_ascii(words: Sequence[str], tmp_path: Path) -> None:
    whole, found = ran(words, lambda: None, tmp_path), ran(words, ascii_only, tmp_path)
    assert found.code == whole.code, words
    assert (found.out + found.err).isascii()
    assert bool(found.out) == bool(whole.out)
    assert found.err.count(b"\n") == whole.err.count(b"\n")


CHECKS = [check_output, check_errors, check_ascii]


@only_in_full
@pytest.mark.parametrize("check", sample(CHECKS, 3))
def test_whatever_a_command_prints(check: Callable[[Sequence[str], Path], None], tmp_path: Path) -> None:
    for words in lines(tmp_path)[:: 1 if SCALE >= IN_FULL else 3]:
        check(words, tmp_path)


@only_in_full
@pytest.mark.parametrize(("number", "words"), [*enumerate(HELP)])
def test_the_help_of_every_command(number: int, words: tuple[str, ...], tmp_path: Path) -> None:
    """One way of breaking for each: it is one printer that prints all of them."""
    CHECKS[number % len(CHECKS)](words, tmp_path)


@only_in_full
@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (">&-", 74, "cannot be written: Bad file descriptor"),
        (">/dev/full", 74, "cannot be written: No space left on device"),
        ("2>&- >/dev/full", 74, ""),
        ("<&- >/dev/null", 0, ""),
        ("| true", 141, "nobody reads standard output any more"),
    ],
)
def test_the_same_in_a_shell(line: str, code: int, told: str, tmp_path: Path) -> None:
    """From the first moment to the last, when Python flushes once more. The reader is gone before anything is written."""
    command = f"set -o pipefail; {{ sleep 0.3; exec {sys.executable} -m bodycamd.cli.entry config schema; }} {line}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert run.returncode == code, run.stderr
    assert run.stderr == (f"bodycamd: {'standard output ' if code == 74 else ''}{told}\n" if told else "")


def test_no_file_of_ours_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    seen = (
        "import os, sys; from bodycamd.cli import main\n"
        "main.app = lambda **_: os.write(int(sys.argv[1]), b'%d' % os.open('/dev/null', os.O_RDONLY)) and 0\n"
        "sys.exit(main.main())"
    )
    reading, writing = os.pipe()
    command = f'exec {sys.executable} -c "$0" {writing} <&- >&- 2>&-'
    run = subprocess.run(["bash", "-c", command, seen], pass_fds=[writing], timeout=60)
    assert run.returncode == 0
    assert int(os.read(reading, 10)) > 2
    os.close(reading)
    os.close(writing)
