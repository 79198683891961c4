"""Prints the table of all rows that were measured, after everything else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.figures import Table
from tests.bench.film import Film, film
from tests.bench.long_store import LARGE_BYTES, SMALL_BYTES, LongStore, need_room

_table = Table()


@pytest.fixture(scope="session")
def table() -> Table:
    return _table


@pytest.fixture(scope="session", name="film")
def _film() -> Film:
    return film()


@pytest.fixture(scope="session")
def long_stores(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LongStore, LongStore]]:
    """A quarter, and the whole, of what this run verifies and exports; on the disk, and removed at the end."""
    folder = tmp_path_factory.mktemp("long")
    need_room(folder)
    try:
        yield LongStore(folder / "small", film, SMALL_BYTES), LongStore(folder / "large", film, LARGE_BYTES)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder on tmpfs."""
    folder = Path(f"/dev/shm/bodycamd-bench-{os.getpid()}")
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _table.rows:
        terminalreporter.section("bench")
        terminalreporter.write_line(_table.text())
