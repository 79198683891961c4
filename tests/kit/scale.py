"""How many random cases a run takes, by BODYCAMD_TEST_SCALE: 0.05 for `make test`, 0.3 in CI, 10 in `make nightly`.

Cheap cases are run in full at 1 and above (`count`); those that take minutes are run in full in the nightly run (`nightly_count`). What
`make test` leaves out altogether begins with CI's scale (`only_in_full`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

T = TypeVar("T")
SCALE = float(os.environ.get("BODYCAMD_TEST_SCALE", "0.05"))
IN_FULL = 0.3


def count(full: int) -> int:
    """The number of cases for this run, where `full` is the number from a scale of 1."""
    return max(1, round(full * min(SCALE, 1.0)))


def nightly_count(full: int) -> int:
    """The number of cases for this run, where `full` is the number for the nightly run."""
    return max(1, round(full * min(SCALE / 10, 1.0)))


def sample(cases: Iterable[T], every: int) -> list[ParameterSet]:
    """Cases for `parametrize`, of which `make test` takes one in so many; CI takes all of them."""
    return [pytest.param(case, marks=() if number % every == 0 else only_in_full) for number, case in enumerate(cases)]


only_in_full = pytest.mark.skipif(SCALE < IN_FULL, reason="takes long: make test-full, make nightly")
"""For tests that `make test` leaves out to stay under three minutes."""


def one_in(every: int) -> pytest.MarkDecorator:
    """Of a test with parameters `make test` takes one case in so many, from the first on; CI takes all of them."""
    return pytest.mark.one_in(every)


def leave_cases_out(items: Iterable[pytest.Item]) -> None:
    """Skips what `one_in` leaves out of `make test`."""
    if SCALE >= IN_FULL:
        return
    seen: Counter[tuple[str, str]] = Counter()
    for item in items:
        mark = item.get_closest_marker("one_in")
        if mark is None:
            continue
        test = str(item.path), item.name.split("[")[0]
        if seen[test] % mark.args[0]:
            item.add_marker(only_in_full)
        seen[test] += 1
