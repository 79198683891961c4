"""A thread has the slack of what made it, and keeps it; who made it has its own back."""

from __future__ import annotations

import os
import select
import threading
import time
from pathlib import Path

from bodycamd.linux.timer_slack import timer_slack


def own() -> str:
    return Path(f"/proc/{threading.get_native_id()}/timerslack_ns").read_text()


def test_a_thread_keeps_the_slack_that_it_was_made_with() -> None:
    before, seen, go = own(), [], threading.Event()

    def look() -> None:
        go.wait(10)
        seen.append(own())

    with timer_slack(0.2):
        thread = threading.Thread(target=look)
        thread.start()
    assert own() == before
    go.set()
    thread.join()
    assert seen == ["200000000\n"] != [before]


def test_what_is_waited_for_comes_at_once() -> None:
    reads, writes = os.pipe()
    came_after = []
    with timer_slack(5), os.fdopen(reads, "rb"), os.fdopen(writes, "wb", 0) as end:
        end.write(b"x")
        begun = time.monotonic()
        came_after.append(select.select([reads], [], [], 0.0005)[0])
        assert came_after == [[reads]]
        assert time.monotonic() - begun < 1
