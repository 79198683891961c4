"""The look as it is: the real process, the real worker, a key that nobody keeps; what it measures of parts that work, and of
broken ones."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from bodycamd.camera.capture.look import LookFacts, LookOrder, LookProcess
from bodycamd.camera.capture.sources.pattern import x264
from bodycamd.camera.selftest import judge_capture, judge_machine
from bodycamd.camera.selftest.measured import SandboxFacts, VoiceFacts
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from bodycamd.errors import UnavailableError
from tests.camera.selftest.test_pictures import HEIGHT, RATE, WIDTH, frame, held, scene
from tests.kit.camera import WARNING
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for

SECONDS = 0.6
"""Of the warning that is spoken here."""
VIDEO = VideoSettings(source="pattern", width=320, height=240, frame_rate=15, bit_rate=400_000, gop_seconds=0.5)
SAID = VoiceFacts(outcome="played_to_device", detail="")


@pytest.fixture
def warning(tmp_path: Path) -> Path:
    """The first words of the warning."""
    path = tmp_path / "warning.wav"
    with wave.open(str(WARNING)) as whole, wave.open(str(path), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(round(SECONDS * whole.getframerate())))
    return path


@pytest.fixture
def order(warning: Path) -> LookOrder:
    """A microphone that hears the warning again and again."""
    return LookOrder(
        video=VIDEO,
        microphone=MicrophoneSettings(source="file", file=str(warning)),
        audio=True,
        board=None,
        warning=str(warning),
        listen_seconds=2 * SECONDS + 0.3,
        give_up_seconds=30.0,
    )


def looked(order: LookOrder) -> LookFacts:
    with closing(LookProcess(order)) as process:
        process.listening()
        return process.facts()


@only_in_full
def test_a_camera_that_works_is_seen_and_heard_to_work(order: LookOrder) -> None:
    facts = looked(order)
    verdicts = [*judge_capture.all_of(facts, SAID, audio=True), judge_machine.sandbox(SandboxFacts(worker=facts.sandbox))]
    assert {verdict.check: verdict.en for verdict in verdicts if verdict.outcome == "failed"} == {}
    assert {verdict.check for verdict in verdicts if verdict.outcome == "not_checked"} == {"upright", "focus"}
    assert facts.sound is not None
    assert facts.sound.likeness is not None
    assert facts.sound.likeness >= 0.9, "through AAC, of 0.6 s in a loop"
    assert facts.opened == facts.encrypted >= 4


@only_in_full
def test_a_loudspeaker_that_is_not_heard_is_told_from_one_that_is(order: LookOrder) -> None:
    facts = looked(replace(order, microphone=MicrophoneSettings(source="tone")))
    assert judge_capture.speaker(facts, SAID).outcome == "failed"
    assert judge_capture.microphone(facts, audio=True).outcome == "passed"


@only_in_full
def test_a_microphone_that_gives_nothing_but_zeros_fails(order: LookOrder, tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    with wave.open(str(silence), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(2 * 48_000))
    verdict = judge_capture.microphone(looked(replace(order, microphone=MicrophoneSettings(source="file", file=str(silence)))), audio=True)
    assert verdict.en.startswith("The microphone gives digital silence")


@only_in_full
def test_a_microphone_that_is_not_there_fails_and_the_picture_is_judged_all_the_same(order: LookOrder) -> None:
    facts = looked(replace(order, microphone=MicrophoneSettings(source="alsa", device="plughw:CARD=Nowhere,DEV=0")))
    assert judge_capture.microphone(facts, audio=True).en.startswith("The microphone gives no sound")
    assert judge_capture.camera(facts).outcome == "passed"


@only_in_full
def test_a_camera_that_cannot_be_opened_fails_with_its_reason(order: LookOrder) -> None:
    facts = looked(replace(order, video=VideoSettings(source="file", file="/nowhere.h264")))
    verdict = judge_capture.camera(facts)
    assert verdict.outcome == "failed"
    assert "nowhere.h264" in verdict.en
    assert judge_capture.encryption(facts).outcome == "not_checked"


def film(path: Path, pictures: Iterable[np.ndarray]) -> VideoSettings:
    """A camera that sees these, again and again."""
    settings = VideoSettings(
        source="file", file=str(path), width=WIDTH, height=HEIGHT, frame_rate=RATE, bit_rate=2_000_000, gop_seconds=0.5
    )
    encoder = x264(settings)
    packets = []
    for number, luma in enumerate(pictures):
        shown = frame(luma)
        shown.pts, shown.time_base = number * 1_000_000 // RATE, Fraction(1, 1_000_000)
        packets += [bytes(packet) for packet in encoder.encode(shown)]
    path.write_bytes(b"".join(packets))
    return settings


def alive(luma: np.ndarray) -> Iterator[np.ndarray]:
    """With the noise of a sensor."""
    chance = np.random.default_rng(1)
    return (luma + chance.normal(0, 1.5, luma.shape) for _ in range(3 * RATE))


@only_in_full
def test_a_covered_lens_fails(order: LookOrder, tmp_path: Path) -> None:
    facts = looked(replace(order, video=film(tmp_path / "black.h264", alive(np.full((HEIGHT, WIDTH), 17.0)))))
    assert judge_capture.camera(facts).en.startswith("The picture is black")


@only_in_full
def test_a_sensor_that_stands_still_fails(order: LookOrder, tmp_path: Path) -> None:
    """A long film of one picture, so that the loop itself changes nothing while it is looked at."""
    still = film(tmp_path / "still.h264", (scene() for _ in range(20 * RATE)))
    assert judge_capture.movement(looked(replace(order, video=still))).en.startswith("The picture stands still")
    moves = film(tmp_path / "alive.h264", alive(scene()))
    assert judge_capture.movement(looked(replace(order, video=moves))).outcome == "passed"


@only_in_full
@pytest.mark.parametrize(("turned", "blur", "failed"), [(0, 1, ""), (180, 1, "upright"), (0, 15, "focus")])
def test_the_target_is_judged_as_the_camera_encodes_it(order: LookOrder, tmp_path: Path, turned: int, blur: int, failed: str) -> None:
    sheet = held(turned, blur=blur).to_ndarray(format="gray").astype(float)
    facts = looked(replace(order, video=film(tmp_path / "target.h264", alive(sheet)), target=True))
    for verdict in (judge_capture.upright(facts), judge_capture.focus(facts)):
        assert verdict.outcome == ("failed" if verdict.check == failed else "passed"), verdict


@only_in_full
def test_what_is_ended_says_so_and_leaves_no_process(order: LookOrder) -> None:
    with closing(LookProcess(order)) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        workers = wait_for(lambda: children.read_text().split(), 10, "its worker")
        process.end()
        with pytest.raises(UnavailableError, match="was ended"):
            process.listening() or process.facts()
    wait_for(lambda: not any(Path("/proc", worker).exists() for worker in workers), 10, "the end of its worker")
