"""The supervisor against real processes that misbehave in every way a worker can."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from bodycamd.camera.capture.first_worker import start
from bodycamd.camera.capture.liveness import Timing
from bodycamd.camera.capture.protocol import Prepare
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.control.events import (
    AudioChanged,
    AudioSilent,
    CaptureClosed,
    CaptureFlowing,
    CaptureStalled,
    Event,
    MicrophoneOpened,
    ViewStated,
    WorkerFreed,
    WorkerStuck,
)
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.footage import EncryptedFragment, EncryptedInit
from bodycamd.linux.clock import SystemClock, boottime_us
from tests.kit.scale import one_in, only_in_full, sample
from tests.kit.waiting import wait_for

SCRIPTED = Path(__file__).with_name("scripted_worker.py")
QUICK = Timing(
    stall_us=300_000,
    open_us=700_000,
    prepare_us=3_000_000,
    close_us=500_000,
    leave_us=300_000,
    kill_us=500_000,
    first_backoff_us=20_000,
    last_backoff_us=80_000,
    rare_backoff_us=400_000,
)
E = TypeVar("E", bound=Event)


class Bench:
    """The recorder's surroundings: collects footage and events in the order in which they came, and ticks as the loop does."""

    def __init__(self, command: list[str], prepare: Prepare | None = None, timing: Timing = QUICK) -> None:
        self.heard: list[EncryptedInit | EncryptedFragment | Event] = []
        self.ticking = True
        default = Prepare(video=VideoSettings(), microphone=MicrophoneSettings(), audio=True, recipients_text="")
        self.supervisor = Supervisor(
            prepare=prepare or default, sink=self, post=self.heard.append, clock=SystemClock(), timing=timing, start=lambda: start(command)
        )
        self.loop = threading.Thread(target=self._tick)

    def put_init(self, init: EncryptedInit) -> None:
        self.heard.append(init)

    def put(self, fragment: EncryptedFragment) -> None:
        self.heard.append(fragment)

    def _tick(self) -> None:
        while self.ticking:
            self.supervisor.tick(boottime_us())
            time.sleep(0.02)

    def of(self, kind: type[E]) -> list[E]:
        return [item for item in self.heard if isinstance(item, kind)]

    def fragments(self, generation: int | None = None) -> list[EncryptedFragment]:
        found = [item for item in self.heard if isinstance(item, EncryptedFragment)]
        return [fragment for fragment in found if generation in (None, fragment.facts.generation)]

    def standby(self) -> None:
        wait_for(lambda: self.supervisor.status().state == "standby", what="standby")

    def flowing(self, generation: int) -> None:
        try:
            wait_for(lambda: len(self.fragments(generation)) > 1)
        except AssertionError:
            raise AssertionError(f"no footage of generation {generation}: {self.supervisor.status()}, {self.heard[-5:]}") from None


@contextmanager
def bench(command: list[str], prepare: Prepare | None = None, timing: Timing = QUICK) -> Iterator[Bench]:
    made = Bench(command, prepare, timing)
    made.supervisor.start()
    made.loop.start()
    try:
        yield made
    finally:
        made.ticking = False
        made.loop.join()
        made.supervisor.stop()
        assert made.supervisor.status().state == "stopped"
    check_order(made)


def check_order(made: Bench) -> None:
    """What must hold in every test: numbers are never reused, footage comes in order, nothing of a generation follows its end."""
    assert [fragment.seq for fragment in made.fragments()] == list(range(1, len(made.fragments()) + 1))
    inits = [item.generation for item in made.heard if isinstance(item, EncryptedInit)]
    assert inits == sorted(set(inits))
    ended: set[int] = set()
    for item in made.heard:
        if isinstance(item, EncryptedInit | EncryptedFragment | CaptureFlowing | ViewStated | AudioChanged):
            assert (item.facts.generation if isinstance(item, EncryptedFragment) else item.generation) not in ended
        if isinstance(item, CaptureStalled):
            assert item.generation not in ended
            ended.add(item.generation)
        if isinstance(item, CaptureClosed):
            ended.add(item.generation)


def scripted(tmp_path: Path, *behaviours: str) -> list[str]:
    return [sys.executable, str(SCRIPTED), str(tmp_path), ",".join(behaviours)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_opens_flows_closes_and_opens_again_with_the_next_generation(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal")) as made:
        made.standby()
        spare = made.supervisor.status().pid
        made.supervisor.open(microphone=True)
        made.flowing(1)
        assert made.supervisor.status().pid == spare, "the spare was opened, not a fresh process"
        made.supervisor.close()
        wait_for(lambda: made.of(CaptureClosed) == [CaptureClosed(1)])
        made.supervisor.open(microphone=False)
        made.flowing(2)
        made.supervisor.close()
        wait_for(lambda: made.of(CaptureClosed) == [CaptureClosed(1), CaptureClosed(2)])
        assert made.of(CaptureFlowing) == [CaptureFlowing(1, "scripted", 50.0), CaptureFlowing(2, "scripted", 50.0)]
        assert made.of(AudioChanged) == [AudioChanged(1, "live"), AudioChanged(2, "off")]
        assert made.supervisor.status().restarts == 0, made.supervisor.status().last_failure
        made.standby()
        stated = made.of(ViewStated)
        assert [(view.generation, view.view.module, view.view.dioptres) for view in stated] == [(1, "imx708", 0.27), (2, "imx708", 0.27)]
        assert made.supervisor.status().view == stated[1].view


def test_the_microphones_device_and_its_digital_silence_are_told_once(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "digital-silence")) as made:
        made.standby()
        made.supervisor.open(microphone=True)
        made.flowing(1)
        assert made.of(MicrophoneOpened) == [MicrophoneOpened(1, "Device"), MicrophoneOpened(1, "Device_1")]
        assert made.of(AudioSilent) == [AudioSilent(1, True), AudioSilent(1, False)]
        assert made.supervisor.status().microphone == "Device_1"


def test_open_before_the_first_worker_is_prepared_is_kept(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal")) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)


def test_close_before_anything_was_opened_is_answered(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "never-prepared")) as made:
        made.supervisor.open(microphone=False)
        made.supervisor.close()
        wait_for(lambda: made.of(CaptureClosed) == [CaptureClosed(0)])
        made.supervisor.close()
    assert made.of(CaptureClosed) == [CaptureClosed(0)]


def test_the_microphone_follows_and_the_replacement_has_it_too(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal")) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        made.supervisor.set_microphone(True)
        wait_for(lambda: made.of(AudioChanged) == [AudioChanged(1, "off"), AudioChanged(1, "live")])
        pid = made.supervisor.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        made.flowing(2)
        assert made.of(AudioChanged)[-1] == AudioChanged(2, "live")


@one_in(3)
@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("hangs", "no new frame for"),
        pytest.param("hangs-holding-term", "no new frame for", marks=only_in_full),
        ("ticks-without-frames", "frame"),
        ("garbage", "broke the rules of the link"),
        pytest.param("over-long", "payload of 2147483648 bytes", marks=only_in_full),
        pytest.param("half-message", "exit code 0", marks=only_in_full),
        pytest.param("future", "in the future", marks=only_in_full),
        pytest.param("exits", "exit code 3", marks=only_in_full),
        pytest.param("wrong-generation", "generation 2", marks=only_in_full),
        pytest.param("closes-unasked", "without being asked", marks=only_in_full),
        pytest.param("no-frame", "no first frame within 0.7 s", marks=only_in_full),
        ("dies-at-open", "signal 9"),
        ("closes-link", "not ended within 0.3 s"),
        ("fails", "no camera"),
    ],
)
def test_a_worker_that_misbehaves_when_open_is_killed_and_replaced(tmp_path: Path, behaviour: str, reason: str) -> None:
    with bench(scripted(tmp_path, behaviour, "normal")) as made:
        made.standby()
        bad = made.supervisor.status().pid
        assert bad is not None
        made.supervisor.open(microphone=False)
        made.flowing(2)
        [stalled] = made.of(CaptureStalled)
        assert stalled.generation == 1
        assert reason in stalled.reason
        assert (stalled.last_frame_us is not None) == (len(made.fragments(1)) > 0)
        assert not alive(bad)
        status = made.supervisor.status()
        assert (status.restarts, status.unkillable, status.state) == (1, 0, "flowing")


def test_footage_sent_before_a_worker_died_is_taken(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "exits", "normal")) as made:
        made.supervisor.open(microphone=False)
        made.flowing(2)
        assert len(made.fragments(1)) == 3


@only_in_full
@pytest.mark.parametrize("behaviour", sample(["never-prepared", "dies-early", "garbage-early", "tick-early"], 2))
def test_a_spare_that_misbehaves_is_replaced(tmp_path: Path, behaviour: str) -> None:
    timing = Timing(prepare_us=1_000_000, first_backoff_us=20_000, last_backoff_us=80_000)
    with bench(scripted(tmp_path, behaviour, "normal"), timing=timing) as made:
        wait_for(lambda: made.supervisor.status().restarts == 1, what="the end of the first spare")  # one of them is prepared for a moment
        made.standby()
        made.supervisor.open(microphone=False)
        made.flowing(1)
    assert made.of(CaptureStalled) == []


@only_in_full
def test_refused_settings_are_stated_and_seldom_retried(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "refuses", "normal")) as made:
        wait_for(lambda: made.supervisor.status().state == "refused")
        assert made.supervisor.status().refused == "bad recipients"
        begun = time.monotonic()
        made.standby()
        assert time.monotonic() - begun > 0.2
        assert made.supervisor.status().refused is None


@only_in_full
def test_an_absent_camera_is_retried_with_growing_pauses_until_it_is_there(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, *["fails"] * 4, "normal")) as made:
        made.supervisor.open(microphone=False)
        wait_for(lambda: made.supervisor.status().last_failure == "no camera")
        made.flowing(5)
        assert [stalled.generation for stalled in made.of(CaptureStalled)] == [1, 2, 3, 4]
        assert made.supervisor.status().prepared


@only_in_full
def test_wanting_no_more_footage_ends_the_retries(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "fails")) as made:
        made.supervisor.open(microphone=False)
        wait_for(lambda: len(made.of(CaptureStalled)) >= 2)
        made.supervisor.close()
        wait_for(lambda: made.of(CaptureClosed))
        made.standby()


@only_in_full
@pytest.mark.parametrize("behaviour", sample(["ignores-close", "dies-at-close", "lingers"], 2))
def test_close_is_answered_in_time_by_force_if_need_be(tmp_path: Path, behaviour: str) -> None:
    with bench(scripted(tmp_path, behaviour, "normal")) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        pid = made.supervisor.status().pid
        assert pid is not None
        begun = time.monotonic()
        made.supervisor.close()
        wait_for(lambda: made.of(CaptureClosed) == [CaptureClosed(1)], 2)
        assert time.monotonic() - begun < 1.5
        made.supervisor.open(microphone=False)
        made.flowing(2)
        assert not alive(pid), "the camera is opened again only when the last worker has let go of it"
    assert made.of(CaptureStalled) == []


@only_in_full
def test_closed_and_opened_again_at_once(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal")) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        made.supervisor.close()
        made.supervisor.open(microphone=False)
        made.flowing(2)
        assert made.of(CaptureClosed) == [CaptureClosed(1)]
    assert made.of(CaptureStalled) == []


def test_a_worker_that_does_not_read_its_commands_does_not_block_the_recorder(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal"), timing=Timing(stall_us=60_000_000)) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        pid = made.supervisor.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        for number in range(400):  # more than one worker's socket usually holds, less than two workers' do
            made.supervisor.set_microphone(number % 2 == 0)
        assert time.monotonic() - begun < 1

        def told_more() -> bool:
            """How much a socket holds is the kernel's business: one more, until it is full."""
            made.supervisor.set_microphone(open=True)
            return bool(made.of(CaptureStalled))

        wait_for(told_more, what="a full link")
        made.flowing(2)
        assert "does not read" in made.of(CaptureStalled)[0].reason


@only_in_full
def test_a_worker_that_cannot_be_killed_is_counted_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench(scripted(tmp_path, "hangs", "normal")) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        held = made.supervisor._current
        assert held is not None
        with monkeypatch.context() as patched:
            patched.setattr(held.process, "kill", lambda: None)  # what a driver's uninterruptible call does to SIGKILL
            made.flowing(2)
            assert made.supervisor.status().unkillable == 1
            wait_for(lambda: made.of(WorkerStuck) and not made.of(WorkerFreed), what="the word of it")
        held.process.kill()
        wait_for(lambda: made.supervisor.status().unkillable == 0, what="the late reaping")
        wait_for(lambda: made.of(WorkerFreed), what="the word of that")


def test_a_broken_sink_is_not_survived_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    made = Bench(scripted(tmp_path, "normal"))

    def broken(fragment: EncryptedFragment) -> None:
        raise ZeroDivisionError

    made.put = broken  # type: ignore[method-assign]
    made.supervisor.start()
    made.supervisor.open(microphone=False)
    wait_for(lambda: not made.supervisor._thread.is_alive())
    with pytest.raises(RuntimeError, match="link reader died"):
        made.supervisor.tick(boottime_us())
    made.supervisor.stop()


def test_a_worker_that_cannot_be_started_is_retried(tmp_path: Path) -> None:
    with bench([str(tmp_path / "missing")]) as made:
        wait_for(lambda: made.supervisor.status().restarts > 2)
        assert "cannot be started" in (made.supervisor.status().last_failure or "")


def test_stop_leaves_no_process(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "ignores-close")) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        wait_for(lambda: made.supervisor._spare is not None)
        assert made.supervisor._current is not None
        assert made.supervisor._spare is not None
        pids = [made.supervisor._current.process.pid, made.supervisor._spare.process.pid]
    assert not any(alive(pid) for pid in pids)


def test_a_tick_costs_next_to_nothing(tmp_path: Path) -> None:
    with bench(scripted(tmp_path, "normal"), timing=Timing()) as made:
        made.supervisor.open(microphone=False)
        made.flowing(1)
        begun = time.thread_time()
        for _ in range(1_000):
            made.supervisor.tick(boottime_us())
        each_us = (time.thread_time() - begun) * 1e6 / 1_000
        print(f"tick: {each_us:.1f} µs of processor time")
        assert each_us < 500
