"""The sound fails, the heard and the spoken: never a missing picture. What is not heard is stated as `audio: lost`; what cannot be spoken
as a failed warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.camera.capture.liveness import Timing
from bodycamd.linux.clock import boottime_us
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for
from tests.system.faults.camera import FRAME_US, FaultyCamera, figure, long_one, missing_us, within

STALL_US = Timing().stall_us
SPEAKER_FAULTS = ("hung", "unplugged")
LOST_US: list[int] = []
"""When the sound was taken away, for the last look at the statements."""


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCamera]:
    """One recording, through all the microphone's faults."""
    made = FaultyCamera(tmp_path_factory.mktemp("camera"))
    made.tell("microphone", "missing")
    with made:
        yield made


@pytest.fixture
def recording(camera: FaultyCamera) -> FaultyCamera:
    if camera.status()["state"] == "standby":
        camera.recording()
    return camera


def audio(camera: FaultyCamera, state: str, at_us: int) -> float:
    """Wait until the sound is as said; gives how long that took."""
    number = len(camera.of("AudioChanged"))
    changed = wait_for(
        lambda: [event for event in camera.of("AudioChanged")[max(0, number - 1) :] if event["audio"] == state], what=f"sound: {state}"
    )
    assert changed
    return (boottime_us() - at_us) / 1e6


@only_in_full
def test_a_microphone_that_is_missing_at_the_start_is_used_when_it_comes(recording: FaultyCamera) -> None:
    audio(recording, "lost", boottime_us())
    recording.shown("low")
    seconds = audio(recording, "live", recording.heal("microphone"))
    figure("sound: a microphone comes", f"live after {seconds:.1f} s")
    recording.shown("recording")


@only_in_full
@pytest.mark.parametrize("how", ["hung", "unplugged"])
def test_a_microphone_that_fails_is_stated_and_costs_no_picture(recording: FaultyCamera, how: str) -> None:
    """`unplugged` and back is what a changed microphone looks like."""
    at_us = recording.tell("microphone", how)
    LOST_US.append(at_us)
    lost = audio(recording, "lost", at_us)
    recording.shown("low")
    back = audio(recording, "live", recording.heal("microphone"))
    figure(f"sound: microphone {how}", f"shown as lost after {lost:.1f} s, live {back:.1f} s after its return")
    recording.shown("recording")


@only_in_full
def test_an_overflow_is_silence_of_its_length(recording: FaultyCamera) -> None:
    """The stretch that the driver lost is stated as lost; sound and picture stay in step."""
    recording.durable_after(boottime_us() + 1_000_000)
    at_us = recording.tell("microphone", "overflow")
    LOST_US.append(at_us)
    recording.durable_after(at_us + 1_500_000)
    recording.heal("microphone")


@only_in_full
def test_not_one_picture_is_missing_and_every_loss_of_sound_is_stated(recording: FaultyCamera, tmp_path: Path) -> None:
    name = recording.status()["recording"]
    recording.stop_recording()
    recording.wait_state("standby")
    assert recording.stop() == 0
    found = recording.judged()
    fragments = found.fragments(name)
    assert {fragment["generation"] for fragment in fragments} == {1}
    times = recording.burned(name, tmp_path)
    stated = sum(fragment["gap_us"] for fragment in fragments)
    assert abs(stated - missing_us(times)) < FRAME_US
    longest_us = max(fragment["gap_us"] for fragment in fragments)
    assert longest_us < STALL_US, "a busy machine may drop a frame; a lost sound may not stop the picture"
    for at_us in LOST_US:
        around = [fragment["audio"] for fragment in fragments if at_us - 1_000_000 < fragment["pts_us"] < at_us + 2_500_000]
        assert "lost" in around, (at_us, fragments)
    assert fragments[-1]["audio"] == "live"
    samples = sum(fragment["audio_samples"] for fragment in fragments)
    length = fragments[-1]["pts_us"] + fragments[-1]["duration_us"] - fragments[0]["pts_us"]
    assert abs(samples / 48_000 - length / 1e6) < 0.3, "the sound's track has no hole: what is lost is silence"


# --- the loudspeaker --------------------------------------------------------------------------------------------------------------------


@long_one
def test_a_speaker_that_is_missing_hangs_or_is_unplugged_delays_no_recording_and_is_used_when_it_comes(tmp_path: Path) -> None:
    camera = FaultyCamera(tmp_path)
    camera.tell("speaker", "missing")
    with camera:
        wait_for(lambda: "voice_failed" in camera.status()["flags"], what="the flag")
        pressed_us = camera.tap()
        durable = camera.wait_event("FragmentDurable")
        figure("sound: speaker missing", f"footage durable {(durable['at_us'] - pressed_us) / 1e6:.1f} s after the press")
        assert durable["at_us"] - pressed_us < within(3) * 1e6
        camera.shown("low")
        camera.heal("speaker")
        wait_for(lambda: "voice_failed" not in camera.status()["flags"], what="a voice again")
        camera.shown("recording")
        camera.stop_recording()
        for number, how in enumerate(SPEAKER_FAULTS, 2):
            camera.wait_state("standby")
            camera.tell("speaker", how)
            pressed_us = camera.tap()
            ended = camera.wait_event("WarningEnded", number)
            assert ended["outcome"] == "failed"
            assert ended["at_us"] - pressed_us < within(1) * 1e6
            camera.durable_after(pressed_us)
            camera.shown("low")
            camera.heal("speaker")
            wait_for(lambda: "voice_failed" not in camera.status()["flags"], what="a voice again")
            camera.stop_recording()
        camera.wait_state("standby")
        assert camera.stop() == 0
    assert [entry["detail"]["outcome"] for entry in camera.ledger("warning")] == ["failed"] * (1 + len(SPEAKER_FAULTS))
    assert camera.ledger("voice_failed")
    assert camera.ledger("voice_ready")
    found = camera.judged()
    gaps = [fragment["gap_us"] for name in camera.recordings() for fragment in found.fragments(name)]
    assert max(gaps) < STALL_US, "a busy machine may drop a frame; a speaker may not stop the picture"
