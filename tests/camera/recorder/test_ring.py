"""The ring: pre-event length, claims, batches, generations, waiting."""

from __future__ import annotations

import threading

from bodycamd.camera.recorder.ring import Batch
from tests.camera.recorder.ring_camera import Camera, taken
from tests.kit.fragments import SECOND, fragment, init
from tests.kit.waiting import wait_for


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
        assert first.facts.pts_us <= keep_from_us < first.facts.end_us
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
