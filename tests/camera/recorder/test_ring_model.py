"""The ring keeps, drops and gives out what its model does, in any order of calls; and what it costs does not grow with what it holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.control.events import RingOverflowed
from bodycamd.camera.recorder.ring import Claim, Ring
from bodycamd.footage import EncryptedFragment
from tests.camera.recorder.ring_camera import Camera, taken
from tests.camera.recorder.ring_model import ModelRing
from tests.kit.fragments import SECOND, fragment, init
from tests.kit.scale import count, one_in

STEPS = ("init", "retain", "forget", "empty", "expire", "claim", "release", "ended", "put", "put", "put", "put", "take", "durable", "back")


@one_in(4)
@pytest.mark.parametrize("in_order", [True, False], ids=["ends in order", "ends in any order"])
@pytest.mark.parametrize("pre_event_seconds", [0, 3])
@settings(max_examples=count(1500))
@given(data=st.data())
def test_it_does_what_its_model_does(pre_event_seconds: int, in_order: bool, data: st.DataObject) -> None:
    bounds = {"seconds": data.draw(st.sampled_from([5, 12])), "max_bytes": 9000, "pre_event_seconds": pre_event_seconds}
    overflows: list[RingOverflowed] = []
    ring, model = Ring(**bounds, on_overflow=overflows.append), ModelRing(**bounds)
    both: tuple[Ring | ModelRing, ...] = (ring, model)
    claims: list[tuple[Claim, Claim]] = []
    seq = now = 0
    for it in both:
        it.put_init(init(1))

    for step in data.draw(st.lists(st.sampled_from(STEPS), max_size=60)):
        at_us = data.draw(st.integers(0, 40)) * SECOND
        chosen = data.draw(st.sampled_from(claims)) if claims else None
        match step:
            case "init" | "ended":
                generation = data.draw(st.integers(0, 3))
                for it in both:
                    it.put_init(init(generation)) if step == "init" else it.ended(generation)
            case "put":
                seq += data.draw(st.sampled_from([0, 1, 1, 1]))
                now = now + data.draw(st.integers(0, 2)) * SECOND if in_order else at_us
                piece = fragment(seq, pts_us=now, generation=data.draw(st.sampled_from([1, 1, 2])), size=data.draw(st.integers(100, 4000)))
                for it in both:
                    it.put(piece)
            case "retain":
                for it in both:
                    it.retain_from(at_us)
            case "forget":
                for it in both:
                    it.retain_from(None)
            case "empty":
                for it in both:
                    it.empty()
            case "expire":
                for it in both:
                    it.expire(now)
            case "claim":
                claims.append((ring.claim(at_us), model.claim(at_us)))
            case _ if chosen is None:
                continue
            case "take":
                waiting = model.waiting(chosen[1])
                got = taken(ring, chosen[0], 3000)
                assert got == waiting[: len(got)]
                assert bool(got) == bool(waiting)
                if got:
                    chosen[1].taken_seq = got[-1]
            case "durable":
                done = data.draw(st.integers(chosen[0].done_seq, max(chosen[0].done_seq, chosen[0].taken_seq)))
                ring.durable(chosen[0], done)
                model.durable(chosen[1], done)
            case "back":
                ring.give_back(chosen[0])
                model.give_back(chosen[1])
            case "release":
                assert ring.release(chosen[0]) == model.release(chosen[1])
        assert ring.stats() == model.stats(), step
        for mine, theirs in claims:
            assert ring.waits(mine) == bool(model.waiting(theirs))
    assert [(overflow.fragments, overflow.dropped_us) for overflow in overflows] == model.overflows


def looks(camera: Camera, do: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many fragments are judged meanwhile."""
    kept, judged = camera.ring._kept, list[EncryptedFragment]()

    def counting(piece: EncryptedFragment) -> bool:
        judged.append(piece)
        return kept(piece)

    with monkeypatch.context() as patch:
        patch.setattr(camera.ring, "_kept", counting)
        do()
    return len(judged)


@pytest.mark.parametrize("recording", [False, True], ids=["standby", "recording"])
def test_what_a_second_costs_does_not_grow_with_the_pre_event_buffer(recording: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for seconds in (10, 120):
        camera = Camera(seconds=150, pre_event_seconds=seconds)
        camera.film(130)
        begin_us = (131 - seconds) * SECOND
        claim = camera.ring.claim(begin_us if recording else 1000 * SECOND)
        if recording:
            camera.ring.retain_from(begin_us)

        def a_second(camera: Camera = camera, claim: Claim = claim) -> None:
            camera.film(1)
            camera.ring.expire((camera.seq + 1) * SECOND)
            camera.ring.durable(claim, (taken(camera.ring, claim) or [0])[-1])

        a_second()
        found.append(looks(camera, a_second, monkeypatch))
        assert camera.ring.stats().fragments == seconds
    assert found[0] == found[1] <= 8


def test_who_waits_is_woken_by_what_it_waits_for_and_by_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = Camera(pre_event_seconds=30)
    claim = camera.ring.claim(50 * SECOND)
    woken: list[int] = []
    monkeypatch.setattr(camera.ring._changed, "notify_all", lambda: woken.append(camera.seq))
    camera.film(20)  # before what the claim wants
    camera.ring.expire(21 * SECOND)
    camera.ring.retain_from(None)
    camera.ring.empty()
    assert woken == []
    camera.ring.wake()
    camera.seq = 60
    camera.film(1)
    camera.ring.ended(1)
    assert woken == [20, 61, 61], "by wake, by a fragment that is wanted, by the end of a generation"
    assert taken(camera.ring, claim) == [61]
    camera.ring.durable(claim, 61)
    camera.ring.release(claim)
    assert len(woken) == 3
