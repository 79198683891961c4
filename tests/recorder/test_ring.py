"""The ring: bounds, pre-event length, claims, overflow, and a hostile order of calls."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.control.events import RingOverflowed
from bodycamd.recorder.ring import Batch, Claim, Ring
from tests.recorder.footage import SECOND, fragment, init
from tests.scale import count
from tests.waiting import wait_for


class Camera:
    """A ring with a list of its overflows, fed by one-second fragments."""

    def __init__(self, *, seconds: float = 150, max_bytes: int = 10_000_000, pre_event_seconds: float = 0) -> None:
        self.overflows: list[RingOverflowed] = []
        self.ring = Ring(seconds=seconds, max_bytes=max_bytes, pre_event_seconds=pre_event_seconds, on_overflow=self.overflows.append)
        self.seq = 0

    def film(self, fragments: int, *, generation: int = 1, size: int = 1000) -> None:
        self.ring.put_init(init(generation))
        for _ in range(fragments):
            self.seq += 1
            self.ring.put(fragment(self.seq, generation=generation, size=size))


def taken(ring: Ring, claim: Claim, max_bytes: int = 1 << 30) -> list[int]:
    batch = ring.take(claim, max_bytes=max_bytes)
    return [] if batch is None else [item.seq for item in batch.fragments]


def test_standby_with_a_pre_event_length_of_zero_keeps_nothing() -> None:
    camera = Camera()
    camera.film(50)
    stats = camera.ring.stats()
    assert (stats.fragments, stats.bytes, stats.seconds) == (0, 0, 0)
    assert camera.overflows == []


def test_the_film_begins_thirty_seconds_before_the_press_give_or_take_a_fragment() -> None:
    for lag_us in (0, 1, 400_000, 999_999, 1_400_000):
        camera = Camera(pre_event_seconds=30)
        camera.film(100)
        press_us = 101 * SECOND + lag_us
        keep_from_us = press_us - 30 * SECOND
        camera.ring.retain_from(keep_from_us)
        camera.film(8)
        claim = camera.ring.claim(keep_from_us)
        camera.ring.retain_from(None)
        batch = camera.ring.take(claim, max_bytes=1 << 30)
        assert batch is not None
        first = batch.fragments[0]
        assert first.pts_us <= keep_from_us < first.end_us
        assert batch.fragments[-1].seq == 108


def test_pre_event_seconds_are_evicted_by_age_and_by_the_clock() -> None:
    camera = Camera(pre_event_seconds=10)
    camera.film(100)
    assert camera.ring.stats().fragments == 10
    camera.ring.expire(106 * SECOND)
    assert camera.ring.stats().fragments == 5
    camera.ring.expire(500 * SECOND)
    assert camera.ring.stats().fragments == 0
    camera.film(1)
    assert camera.ring.stats().fragments == 0, "older than the pre-event length when it came"


def test_retain_from_keeps_what_standby_would_evict() -> None:
    camera = Camera()
    camera.ring.retain_from(5 * SECOND)
    camera.film(10)
    assert camera.ring.stats().fragments == 6, "4 ends at 5 s: not after it"
    camera.ring.retain_from(None)
    assert camera.ring.stats().fragments == 0


def test_what_a_recording_has_on_disk_is_not_retained_any_more() -> None:
    camera = Camera(seconds=5)
    camera.ring.retain_from(0)
    claim = camera.ring.claim(3 * SECOND)
    camera.film(4)
    assert taken(camera.ring, claim) == [3, 4], "1 and 2 are retained, but not this recording's"
    camera.ring.durable(claim, 3)
    assert camera.ring.stats().fragments == 3
    camera.ring.durable(claim, 4)
    camera.film(3)
    assert camera.overflows == []
    assert camera.ring.waits(claim)
    assert camera.ring.waits(claim, 6 * SECOND)
    assert not camera.ring.waits(claim, 5 * SECOND)
    assert camera.ring.release(claim, 6 * SECOND) == (1, SECOND)
    assert camera.ring.stats().fragments == 5, "what is not on disk is still retained"


def test_a_claim_keeps_fragments_until_they_are_durable_and_then_they_are_pre_event_content_only() -> None:
    camera = Camera(pre_event_seconds=3)
    claim = camera.ring.claim(0)
    camera.film(10)
    assert camera.ring.stats().fragments == 10
    assert camera.ring.stats().unwritten == 10
    assert taken(camera.ring, claim) == list(range(1, 11))
    assert taken(camera.ring, claim) == []
    camera.ring.durable(claim, 9)
    assert camera.ring.stats().fragments == 3
    assert camera.ring.stats().unwritten == 1
    assert camera.ring.release(claim) == (1, SECOND)
    assert camera.ring.release(claim) == (0, 0)
    assert camera.ring.stats().fragments == 3
    second = camera.ring.claim(0)
    assert taken(camera.ring, second) == [8, 9, 10], "a second recording takes the pre-event seconds again"


def test_what_failed_to_be_written_waits_again() -> None:
    camera = Camera()
    claim = camera.ring.claim(0)
    camera.film(4)
    assert taken(camera.ring, claim) == [1, 2, 3, 4]
    camera.ring.durable(claim, 2)
    camera.ring.give_back(claim)
    assert taken(camera.ring, claim) == [3, 4]


def test_a_batch_is_of_one_generation_and_about_the_asked_size() -> None:
    camera = Camera()
    claim = camera.ring.claim(0)
    camera.film(3, size=1000)
    camera.ring.ended(1)
    camera.film(3, generation=2, size=1000)
    assert taken(camera.ring, claim, 2000) == [1, 2]
    batch = camera.ring.take(claim, max_bytes=10_000)
    assert isinstance(batch, Batch)
    assert [item.seq for item in batch.fragments] == [3]
    assert batch.init == init(1)
    assert taken(camera.ring, claim, 1) == [4], "at least one, however large"
    assert taken(camera.ring, claim) == [5, 6]


def test_a_batch_ends_where_the_segment_or_the_recording_does() -> None:
    camera = Camera()
    claim = camera.ring.claim(0)
    camera.film(6)

    def take(before_us: int | None, until_us: int | None) -> list[int]:
        batch = camera.ring.take(claim, max_bytes=1 << 30, before_us=before_us, until_us=until_us)
        return [] if batch is None else [item.seq for item in batch.fragments]

    assert take(3 * SECOND, None) == [1, 2]
    assert take(3 * SECOND, None) == [3], "at least one"
    assert take(None, 5 * SECOND) == [4]
    assert take(None, 5 * SECOND) == [], "strict"
    assert take(None, 5 * SECOND + 1) == [5]


def test_a_batch_for_a_new_segment_is_not_longer_than_a_segment() -> None:
    camera = Camera()
    claim = camera.ring.claim(0)
    camera.film(9)

    def take(before_us: int | None) -> list[int]:
        batch = camera.ring.take(claim, max_bytes=1 << 30, before_us=before_us, span_us=3 * SECOND)
        return [] if batch is None else [item.seq for item in batch.fragments]

    assert take(None) == [1, 2, 3]
    assert take(4 * SECOND) == [4, 5, 6], "4 opens a new segment"
    assert take(9 * SECOND) == [7, 8], "the growing segment has room for two"


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


def test_fragments_that_cannot_be_used_are_refused_and_counted() -> None:
    camera = Camera(pre_event_seconds=30)
    camera.ring.put(fragment(1))
    camera.film(3)
    camera.ring.put(fragment(2))
    camera.ring.put(fragment(3))
    camera.ring.put(fragment(9, generation=7))
    stats = camera.ring.stats()
    assert (stats.fragments, stats.refused) == (3, 4)


def test_the_init_segment_of_an_ended_generation_lives_as_long_as_its_fragments() -> None:
    camera = Camera(pre_event_seconds=30)
    camera.film(2)
    camera.ring.ended(1)
    camera.film(2, generation=2)
    claim = camera.ring.claim(0)
    first, second = camera.ring.take(claim, max_bytes=1 << 30), camera.ring.take(claim, max_bytes=1 << 30)
    assert first is not None
    assert second is not None
    assert (first.init.generation, second.init.generation) == (1, 2)


def test_endings_are_counted_and_the_newest_generation_is_known() -> None:
    camera = Camera()
    assert camera.ring.endings() == (0, False)
    camera.film(1)
    assert camera.ring.endings() == (0, True)
    camera.ring.ended(1)
    assert camera.ring.endings() == (1, False)
    camera.film(1, generation=2)
    camera.ring.ended(1)
    assert camera.ring.endings() == (2, True)


def test_wait_returns_for_a_fragment_a_wake_and_a_time_out() -> None:
    camera = Camera()
    claim = camera.ring.claim(0)
    flag = threading.Event()
    woken: list[str] = []

    def waiter() -> None:
        camera.ring.wait(claim, 30, flag.is_set)
        woken.append("first")
        flag.clear()
        camera.ring.take(claim, max_bytes=1)
        camera.ring.wait(claim, 30, flag.is_set)
        woken.append("second")
        camera.ring.wait(None, 0.01, lambda: False)
        woken.append("third")

    thread = threading.Thread(target=waiter)
    thread.start()
    camera.film(1)
    wait_for(lambda: woken == ["first"])
    flag.set()
    camera.ring.wake()
    wait_for(lambda: len(woken) == 3)
    thread.join()


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


@pytest.mark.parametrize("pre_event_seconds", [0, 3])
@settings(max_examples=count(3000), deadline=None)
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
