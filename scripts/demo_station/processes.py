"""What the demonstration of a station starts, waits for and prints."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 90.0


class DemonstrationError(Exception):
    """Something was not as it should be."""


@contextmanager
def started(path: Path, command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with this one; what it says is in the file at `path`."""
    with path.open("wb") as log:
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(done: Callable[[], bool], what: str, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait, while these run."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if gone := [process for process in processes if process.poll() is not None]:
            raise DemonstrationError(f"{what}: {shlex.join(gone[0].args)} ended with {gone[0].returncode}")  # type: ignore[arg-type]
        if time.monotonic() > end:
            raise DemonstrationError(f"{what}: not within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.2)


def free_port() -> int:
    """One that nobody listens at, nor at the next."""
    for port in range(8643, 8743, 2):
        if not listens(port) and not listens(port + 1):
            return port
    raise DemonstrationError("no port from 8643 to 8742 is free")


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def show(*command: str | Path, quiet: bool = False, codes: tuple[int, ...] = (0,)) -> str:
    """Print a command as it could be typed, and run it; what it printed. `quiet`: that is not shown."""
    print(f"  $ {shlex.join(str(word) for word in command)}")
    return run(*command, codes=codes, told=not quiet)


def run(*command: str | Path, codes: tuple[int, ...] = (0,), told: bool = False) -> str:
    """A command's output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode not in codes:
        raise DemonstrationError(f"{command[0]} {command[1]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    if told:
        for line in f"{done.stdout}{done.stderr}".splitlines():
            say(line)
    return done.stdout


def shell(line: str) -> None:
    """The same for a line of the shell's."""
    print(f"  $ {line}")
    say(run("bash", "-euo", "pipefail", "-c", line).rstrip())


def say(line: str) -> None:
    """What came of it."""
    for part in line.splitlines():
        print(f"    {part}", flush=True)


def title(text: str) -> None:
    """Of a part."""
    print(f"\n{text}", flush=True)
