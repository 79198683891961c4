"""How soon the camera answers: the lamp and the first sample of the warning after a press, footage after a hang."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from bodycamd.camera.control.state import BURST_US
from bodycamd.linux.clock import boottime_us
from tests.bench.bare import BareProcess
from tests.bench.figures import Table, percentile, spread
from tests.camera.board.conftest import Loudspeaker, alsa_config, loudspeaker, paced, tone_wav  # noqa: F401  (fixtures)
from tests.kit.camera import Camera, wait_until_us
from tests.kit.scale import count
from tests.kit.waiting import wait_for

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

PRESS_SECONDS = 0.3
PAUSE_SECONDS = 0.1
"""Between a release and the next press: what follows a release within 20 ms is contact bounce."""
SETTLED_US = 2_500_000
"""After the first fragment of a generation: time for the next spare to be prepared."""


def test_press_to_lamp_and_to_the_first_sample(table: Table, paced: Loudspeaker, tmp_path: Path) -> None:  # noqa: F811
    """A whole camera; its speaker is a paced ALSA device whose monitor is read. The tone is loud from its first sample."""
    settings = {"speaker": {"output": "alsa", "device": "default"}, "warning": {"file": str(tone_wav(tmp_path / "tone.wav", 2.0))}}
    lamp: list[float] = []
    sound: list[float] = []
    presses = max(15, count(50))
    with BareProcess(tmp_path) as bare, Camera(tmp_path / "camera", settings) as camera:
        for _ in range(presses):
            shown = len(camera.timeline("lamp"))
            paced.blocks.clear()
            pressed_us = camera.hand.down()
            time.sleep(PRESS_SECONDS)  # nothing is looked at meanwhile: looking costs processor time too
            camera.hand.up()
            first_us = wait_for(lambda since=pressed_us: (paced.loud(since) or [0])[0], 3, "the first sample")  # type: ignore[misc]
            sound.append((first_us - pressed_us) / 1000)
            lamp.append((camera.timeline("lamp")[shown]["at_us"] - pressed_us) / 1000)
            wait_until_us(camera.felt_us(pressed_us) + BURST_US)
            camera.tap()
            wait_until_us(boottime_us() + 50_000)
            sealed = len(camera.of("RecordingSealed"))
            camera.stop_by_hand()
            camera.wait_event("RecordingSealed", sealed + 1)
            camera.wait_state("standby")
            paced.wait_for_silence()
            time.sleep(PAUSE_SECONDS)
    assert len(lamp) == presses
    peer, machine = f"a bare process {spread(bare.answers)}", percentile(bare.answers, 0.99)
    for what, answers, bound in (("press -> LED", lamp, 20), ("press -> first warning sample at the device", sound, 150)):
        worst = percentile(answers, 0.99)
        table.add(what, worst, spread(answers), peer=peer, machine=machine, at_most=bound, target=f"{bound} ms p99")


@pytest.mark.parametrize("kind", [signal.SIGSTOP, signal.SIGKILL])
def test_hang_to_footage(table: Table, tmp_path: Path, kind: signal.Signals) -> None:
    waited: list[float] = []
    with Camera(tmp_path) as camera:
        camera.skip_warning_and_record()
        for number in range(3):
            flowing = camera.wait_event("CaptureFlowing", number + 1)
            settled_us = boottime_us() + SETTLED_US
            wait_until_us(settled_us)
            pid = camera.status()["capture"]["pid"]
            at_us = boottime_us()
            os.kill(pid, kind)
            again = camera.wait_event("FragmentDurable", where=lambda event, at_us=at_us: event["pts_us"] > at_us)  # type: ignore[misc]
            waited.append((again["at_us"] - at_us) / 1e6)
            assert flowing["generation"] == number + 1
        camera.stop_recording()
    word = "stopped" if kind == signal.SIGSTOP else "killed"
    measured = f"{', '.join(f'{seconds:.2f}' for seconds in sorted(waited))} s"
    table.add(f"camera hang (worker {word}) -> durable footage again", max(waited), measured, at_most=3.0, target="<= 3 s")
