"""What holds for every test: signals as on a terminal, however the tests were started, and no descriptors left open.

What a shell starts with `&` ignores SIGINT, what `nohup` starts ignores SIGHUP, and all children inherit that. A handler, even one that
does nothing, is the default again in a child.

No example of hypothesis has a deadline, and none is too slow: how long one takes is said by the machine's other work.

A test that opens and never closes is told of by itself: by the thousandth descriptor it is another test that fails.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.repeats import without_repeats
from tests.kit.scale import leave_cases_out

MAX_LEFT_OPEN = 32
"""More than what a module's fixtures open for the tests that follow."""

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-repeats", action="store_true", help="leave out the tests that have the same cases in `make test`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_cases_out(items)
    if config.getoption("--no-repeats"):
        items[:], left = without_repeats(items)
        config.hook.pytest_deselected(items=left)


def pytest_collection_finish() -> None:
    """The collector looks no more at the modules and eight thousand tests that are there now, half a second each time."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    left = set(os.listdir("/proc/self/fd")) - before
    if len(left) > MAX_LEFT_OPEN:
        names = [os.readlink(f"/proc/self/fd/{number}") for number in sorted(left) if os.path.lexists(f"/proc/self/fd/{number}")]
        pytest.fail(f"{len(left)} descriptors were left open: {', '.join(names[:3])}, ...")
