"""Debian's PostgreSQL in a cluster of its own, on a socket of its own, which can be killed. Needs root and the package `postgresql`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.kit.waiting import wait_for


class Postgres:
    """Started as a context; `url` is of an empty database. Every commit is synchronised, as PostgreSQL does by default."""

    def __enter__(self) -> Postgres:
        self._programs = next(Path("/usr/lib/postgresql").glob("*/bin"))
        made = subprocess.run(["mktemp", "-d", "/tmp/bodycamd-pg.XXXXXX"], check=True, capture_output=True, text=True)
        self._folder = Path(made.stdout.strip())
        shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "-A", "trust")
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(FileNotFoundError):  # it does not run
            self.kill()
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self._folder}"

    def start(self) -> None:
        """It recovers from its log, and answers. Backends that a kill just missed end by themselves, and it does not start before."""
        words = ("-o", f"-k {self._folder} -h ''", "-l", f"{self._folder}/log", "-w", "start")
        wait_for(lambda: self._run("pg_ctl", *words, check=False) == 0, 60, "PostgreSQL")

    def kill(self) -> None:
        """All of its processes, as they stand. Raises `FileNotFoundError` where there is none."""
        lock = self._folder / "data" / "postmaster.pid"
        first = int(lock.read_text().splitlines()[0])
        pids = (first, *children(first))
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: all(has_ended(pid) for pid in pids), 20, "the end of PostgreSQL")
        if Path(f"/proc/{first}").exists():
            lock.unlink()  # nobody has waited for it yet, so PostgreSQL would take it for alive

    def _run(self, program: str, *words: str, check: bool = True) -> int:
        command = ["runuser", "-u", "postgres", "--", str(self._programs / program), "-D", f"{self._folder}/data", *words]
        return subprocess.run(command, check=check, stdout=subprocess.DEVNULL, timeout=120).returncode


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            if path.read_text().rpartition(")")[2].split()[1] == str(parent):
                found.append(int(path.parent.name))
    return found


def has_ended(pid: int) -> bool:
    """Also one that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
