"""The ring holds no more than it may: overflow, emptying, memory, many threads, a hostile order of calls."""

from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.camera.control.events import RingOverflowed
from bodycamd.camera.recorder.ring import Claim, Ring
from tests.camera.recorder.ring_camera import Camera, taken
from tests.kit.fragments import SECOND, fragment, init
from tests.kit.scale import count, one_in, only_in_full


def test_overflow_drops_the_oldest_unwritten_counts_it_and_says_so() -> None:
    camera = Camera(max_bytes=5000)
    claim = camera.ring.claim(0)
    camera.film(3)
    assert taken(camera.ring, claim, 2000) == [1, 2]
    camera.film(7)
    assert taken(camera.ring, claim) == [8, 9, 10], "1 and 2 are on their way to the disk, 3 to 7 had to go"
    assert sum(overflow.fragments for overflow in camera.overflows) == 5
    assert sum(overflow.dropped_us for overflow in camera.overflows) == 5 * SECOND
    assert camera.ring.stats().overflowed == 5
    assert camera.ring.stats().bytes <= 5000


def test_pre_event_content_goes_before_what_has_to_be_written() -> None:
    camera = Camera(seconds=10, pre_event_seconds=8)
    claim = camera.ring.claim(0)
    camera.film(8)
    assert len(taken(camera.ring, claim)) == 8
    camera.ring.durable(claim, 8)
    camera.film(9)
    assert camera.overflows == []
    assert taken(camera.ring, claim) == list(range(9, 18))


def test_everything_in_flight_means_that_the_newest_has_to_go() -> None:
    camera = Camera(max_bytes=3000)
    claim = camera.ring.claim(0)
    camera.film(3)
    assert taken(camera.ring, claim) == [1, 2, 3]
    camera.film(1)
    assert [overflow.fragments for overflow in camera.overflows] == [1]
    camera.ring.give_back(claim)
    assert taken(camera.ring, claim) == [1, 2, 3]


def test_empty_really_drops_everything() -> None:
    camera = Camera(pre_event_seconds=100)
    camera.ring.put_init(init(1))
    piece = fragment(1)
    held = sys.getrefcount(piece)
    camera.ring.put(piece)
    claim = camera.ring.claim(0)
    assert taken(camera.ring, claim) == [1]
    camera.ring.durable(claim, 1)
    camera.ring.release(claim)
    assert camera.ring.stats().fragments == 1
    camera.ring.retain_from(0)
    camera.ring.empty()
    assert camera.ring.stats().fragments == 0
    assert camera.ring.stats().bytes == 0
    assert sys.getrefcount(piece) == held, "nothing of the ring holds it"


def test_empty_during_a_recording_leaves_only_what_has_to_be_written_and_only_until_it_is() -> None:
    camera = Camera(pre_event_seconds=100)
    claim = camera.ring.claim(0)
    camera.film(6)
    assert taken(camera.ring, claim, 2000) == [1, 2]
    camera.ring.durable(claim, 2)
    camera.ring.empty()
    assert camera.ring.stats().fragments == 4
    assert taken(camera.ring, claim) == [3, 4, 5, 6]
    camera.ring.durable(claim, 6)
    assert camera.ring.stats().fragments == 0
    camera.film(1)
    assert camera.ring.stats().fragments == 1, "what comes after is pre-event content again"


def test_an_open_camera_stays_playable_after_empty_and_a_closed_one_leaves_nothing() -> None:
    camera = Camera()
    camera.film(3)
    camera.ring.empty()
    claim = camera.ring.claim(0)
    camera.seq += 1
    camera.ring.put(fragment(camera.seq))
    batch = camera.ring.take(claim, max_bytes=1 << 30)
    assert batch is not None
    assert batch.init == init(1)
    camera.ring.durable(claim, camera.seq)
    camera.ring.release(claim)
    camera.ring.ended(1)
    camera.ring.put(fragment(99))
    assert camera.ring.stats().refused == 1, "the init segment of an ended generation is gone"


def test_nothing_keeps_the_memory_of_evicted_fragments() -> None:
    camera = Camera(pre_event_seconds=2)
    camera.ring.put_init(init(1))
    ages = [fragment(seq).age for seq in range(1, 10)]

    def references() -> list[int]:
        return [sys.getrefcount(ages[index]) for index in range(9)]

    before = references()
    for seq in range(1, 10):
        camera.ring.put(replace(fragment(seq), age=ages[seq - 1]))
    assert [after - first for after, first in zip(references(), before, strict=True)] == [0] * 7 + [1] * 2


def test_many_threads_lose_and_double_nothing() -> None:
    camera = Camera(seconds=10_000, max_bytes=1 << 30)
    claim = camera.ring.claim(0)
    total = 1500
    got: list[int] = []
    done = threading.Event()

    def writer() -> None:
        while not (done.is_set() and not camera.ring.waits(claim)):
            camera.ring.wait(claim, 0.05, done.is_set)
            for seq in taken(camera.ring, claim, 5000):
                got.append(seq)
                camera.ring.durable(claim, seq)

    def nuisance() -> None:
        while not done.is_set():
            camera.ring.retain_from(None)
            camera.ring.empty()
            camera.ring.stats()

    threads = [threading.Thread(target=writer), threading.Thread(target=nuisance)]
    for thread in threads:
        thread.start()
    camera.film(total)
    done.set()
    camera.ring.wake()
    for thread in threads:
        thread.join()
    assert got == list(range(1, total + 1))
    assert camera.overflows == []


@only_in_full
@one_in(2)
@pytest.mark.parametrize("pre_event_seconds", [0, 3])
@settings(max_examples=count(3000))
@given(data=st.data())
def test_any_order_of_calls_keeps_the_bounds_and_the_order(pre_event_seconds: int, data: st.DataObject) -> None:
    overflows: list[RingOverflowed] = []
    ring = Ring(seconds=8, max_bytes=9000, pre_event_seconds=pre_event_seconds, on_overflow=overflows.append)
    claims: list[Claim] = []
    seen: dict[int, list[int]] = {}
    durable: dict[int, int] = {}
    controls = ["init", "retain", "forget", "empty", "expire", "claim", "release", "ended"]
    steps = st.sampled_from([*controls, "put", "put", "put", "take", "durable", "back"])
    seq = 0
    now = 0
    for step in data.draw(st.lists(steps, max_size=60)):
        claim = data.draw(st.sampled_from(claims)) if claims else None
        if step == "init":
            ring.put_init(init(data.draw(st.integers(0, 3))))
        elif step == "put":
            seq += data.draw(st.integers(0, 1))
            now += data.draw(st.integers(0, 3)) * SECOND
            ring.put(fragment(seq, pts_us=now, generation=data.draw(st.integers(0, 3)), size=data.draw(st.integers(100, 4000))))
        elif step == "retain":
            ring.retain_from(data.draw(st.integers(0, 60)) * SECOND)
        elif step == "forget":
            ring.retain_from(None)
        elif step == "empty":
            ring.empty()
        elif step == "expire":
            ring.expire(now)
        elif step == "ended":
            ring.ended(data.draw(st.integers(0, 3)))
        elif step == "claim":
            claims.append(ring.claim(data.draw(st.integers(0, 60)) * SECOND))
        elif claim is None:
            continue
        elif step == "take":
            got = taken(ring, claim, 3000)
            seen.setdefault(id(claim), []).extend(got)
        elif step == "durable" and seen.get(id(claim)):
            durable[id(claim)] = max(durable.get(id(claim), 0), seen[id(claim)][0])
            ring.durable(claim, seen[id(claim)].pop(0))
        elif step == "back":
            ring.give_back(claim)
            seen[id(claim)] = []
        elif step == "release":
            ring.release(claim)
        stats = ring.stats()
        assert stats.bytes <= 9000
        assert stats.seconds <= 8
        for key, sequence in seen.items():
            assert sequence == sorted(set(sequence)), "in order and once"
            assert all(number > durable.get(key, 0) for number in sequence), "what is durable is not handed out again"
    for claim in claims:
        ring.release(claim)
    ring.retain_from(None)
    ring.empty()
    assert ring.stats().fragments == 0
    assert ring.stats().overflowed == sum(overflow.fragments for overflow in overflows)
