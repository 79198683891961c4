"""The supervisor's deadlines against real processes: who is late is replaced in time, who only seems late is not."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from bodycamd.camera.capture.liveness import Timing
from bodycamd.camera.control.events import CaptureStalled
from bodycamd.footage import EncryptedFragment
from bodycamd.linux.clock import boottime_us
from tests.camera.capture.test_supervisor import alive, bench, scripted
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for


def test_a_stopped_worker_is_replaced_within_the_deadline(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal"), timing=Timing()) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        wait_for(lambda: made.supervisor.status().spare, what="a spare that could be opened")
        pid = made.supervisor.status().pid
        assert pid is not None
        begun = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        made.flowing(2)
        print(f"scripted worker stopped: footage again after {time.monotonic() - begun:.2f} s")
        assert time.monotonic() - begun < 3
        assert not alive(pid)


@only_in_full
def test_frames_that_become_no_footage_cost_less_than_three_seconds(tmp_path: Path) -> None:
    """As `Timing` has it by default, with groups of pictures of 1 s."""
    with bench(scripted(tmp_path, "mute", "normal"), timing=Timing()) as made:
        made.supervisor.open(microphone=False)
        made.flowing(2)
        gap_us = made.fragments(2)[0].facts.pts_us - made.fragments(1)[-1].facts.end_us
        print(f"frames that become no footage: the next worker's first frame {gap_us / 1e6:.2f} s after the last footage")
        assert gap_us < 3_000_000
        assert "frames, but no fragment" in made.of(CaptureStalled)[0].reason


@only_in_full
def test_a_worker_and_its_spare_that_are_both_stopped_are_replaced_within_the_deadline(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal"), timing=Timing()) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        wait_for(lambda: made.supervisor.status().spare, what="a spare that could be opened")
        assert made.supervisor._current is not None
        assert made.supervisor._spare is not None
        for child in (made.supervisor._spare, made.supervisor._current):
            os.kill(child.process.pid, signal.SIGSTOP)
        made.flowing(3)
        gap_us = made.fragments(3)[0].facts.pts_us - made.fragments(1)[-1].facts.end_us
        print(f"worker and spare stopped: the next worker's first frame {gap_us / 1e6:.2f} s after the last footage")
        assert gap_us < 3_000_000
        assert [stalled.reason for stalled in made.of(CaptureStalled)][1] == "no answer to its opening within 1 s"


@only_in_full
def test_a_slow_opening_is_no_silence(tmp_path: Path) -> None:
    """A worker that answered may take its time: the driver may hold the interpreter while it opens the sensor."""
    with bench(scripted(tmp_path, "opens-slowly"), timing=Timing(answer_us=300_000)) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
    assert made.of(CaptureStalled) == []


@only_in_full
def test_a_spare_that_does_not_answer_is_replaced_before_it_is_needed(tmp_path: Path) -> None:
    timing = Timing(ask_every_us=100_000, spare_answer_us=300_000, first_backoff_us=20_000)
    with bench(scripted(tmp_path, "deaf", "normal"), timing=timing) as made:
        wait_for(lambda: made.supervisor.status().restarts == 1, what="the end of the deaf spare")
        assert made.supervisor.status().last_failure == "the spare has not answered for 0.3 s"
        made.standby()
        spare = made.supervisor.status().pid
        time.sleep(1)  # the time that is looked at: it is asked ten times, and answers
        made.supervisor.open(microphone=False)
        made.flowing(1)
        assert made.supervisor.status().pid == spare
        assert made.supervisor.status().restarts == 1
    assert made.of(CaptureStalled) == []


@only_in_full
def test_the_recorder_held_up_does_not_blame_the_worker(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal"), timing=Timing(stall_us=300_000, late_us=100_000)) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        hold = threading.Event()
        put = made.put
        made.put = lambda fragment: (hold.wait(0.5), put(fragment))[1]  # type: ignore[method-assign]
        made.ticking = False
        made.loop.join()
        wait_for(lambda: boottime_us() - (made.supervisor.status().last_frame_us or 0) > 400_000)
        made.put = put  # type: ignore[method-assign]
        made.ticking = True
        made.loop = threading.Thread(target=made._tick)
        made.loop.start()
        seen = len(made.fragments())
        wait_for(lambda: len(made.fragments()) > seen + 10)
    assert made.of(CaptureStalled) == []


@only_in_full
def test_a_link_that_is_not_read_for_a_while_does_not_blame_the_worker(tmp_path: Path) -> None:
    """The loop looks around as ever; only the link reader is held up, and finds it all in the link afterwards."""
    with bench(scripted(tmp_path, "normal"), timing=Timing(stall_us=300_000)) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        put = made.put

        def put_late(fragment: EncryptedFragment) -> None:
            made.put = put  # type: ignore[method-assign]
            time.sleep(1)  # the fault
            put(fragment)

        seen = len(made.fragments())
        made.put = put_late  # type: ignore[method-assign]
        wait_for(lambda: len(made.fragments()) > seen + 20)
    assert made.of(CaptureStalled) == []


@only_in_full
def test_workers_are_looked_at_seldom_while_nothing_changes_and_often_while_something_does(tmp_path: Path) -> None:
    def pause() -> float:
        return made.supervisor.tick(boottime_us())

    with bench(scripted(tmp_path, "normal"), timing=Timing()) as made:
        wait_for(lambda: 1.0 < pause() <= 2.0, what="standby")
        made.supervisor.open(microphone=False)
        assert pause() == 0.1
        made.flowing(1)
        wait_for(lambda: 0.2 < pause() <= 0.55, what="a look before it may be overdue")
        made.supervisor.close()
        assert pause() == 0.1
        wait_for(lambda: 1.0 < pause() <= 2.0, what="standby again")
