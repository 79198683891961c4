"""A duty that hangs holds up nobody: not the loop, not another duty, and the process that stops for a moment only."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from bodycamd.municipality.station.own_thread import OwnThread, end_all


def test_one_that_hangs_is_left_and_the_others_go_on() -> None:
    hangs, worked, told = threading.Event(), threading.Semaphore(0), list[str]()

    def hang() -> None:
        hangs.wait(60)

    hung = OwnThread("hangs", hang, 0.001)
    other = OwnThread("works", worked.release, 0.001, lambda: told.append("end"))

    async def station() -> None:
        tasks = [asyncio.create_task(one.run()) for one in (hung, other)]
        for _ in range(3):
            assert await asyncio.to_thread(worked.acquire, timeout=30)
        for task in tasks:
            task.cancel()
        assert all(isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*tasks, return_exceptions=True))

    asyncio.run(station())
    begun = time.monotonic()
    assert end_all([hung, other], 0.2) == 1
    assert time.monotonic() - begun < 10
    assert told == ["end"]
    hangs.set()
    assert hung.join(30), "and it does nothing more"


def test_what_it_raises_reaches_whoever_waits() -> None:
    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(OwnThread("fails", fails, 60).run())


def test_one_that_never_began_is_not_waited_for_and_one_that_pauses_does_nothing_before() -> None:
    did = list[int]()
    never, pauses = OwnThread("never", lambda: did.append(1), 60), OwnThread("pauses", lambda: did.append(2), 60, pauses_first=True)

    async def station() -> None:
        task = asyncio.create_task(pauses.run())
        await asyncio.sleep(0)
        assert await asyncio.to_thread(end_all, [never, pauses], 30) == 0
        await task

    asyncio.run(station())
    assert did == []
