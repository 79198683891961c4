"""Every check: what passes, and what makes it fail, with which sentence. A check that nothing here can fail is found out below."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.camera.capture.look import LookFacts, PictureFacts, SoundFacts, TargetFacts
from bodycamd.camera.selftest import judge_capture, judge_hands, judge_machine
from bodycamd.camera.selftest.measured import (
    BatteryFacts,
    ButtonFacts,
    ChannelFacts,
    ClockFacts,
    DiskFacts,
    HeatFacts,
    KeyFacts,
    OutputFacts,
    RecipientFacts,
    SandboxFacts,
    SpaceFacts,
    SwapFacts,
    VoiceFacts,
)
from bodycamd.camera.selftest.sentences import SENTENCES, SentenceName
from bodycamd.camera.selftest.verdict import CHECKS, CheckName, Verdict, go
from bodycamd.config.load import parse

PICTURE = PictureFacts(mean=90.0, spread=40.0, change=0.4)
TARGET = TargetFacts(likeness=0.9, turned=0, mirrored=False, edge_pixels=2.5)
SOUND = SoundFacts(state="live", device="Device (USB)", digital_silence=False, peak_dbfs=-12.0, rms_dbfs=-30.0, likeness=0.4)
WORKER = (
    "memory locked; not dumpable; no new privileges; dies with the recorder; "
    "no file outside /dev can be written (Landlock 6); no network, no exec (seccomp)"
)
LOOK = LookFacts(
    module="imx708",
    encoder="h264_v4l2m2m",
    width=1920,
    height=1080,
    frame_rate=30.0,
    frames=150,
    seconds=5.0,
    picture=PICTURE,
    target=TARGET,
    sound=SOUND,
    encrypted=6,
    opened=6,
    sandbox=WORKER,
)
SAID = VoiceFacts(outcome="played_to_device", detail="Device (USB)")
PRESS = ButtonFacts(down_at_rest=False, presses=1, released=True, bounce_ms=3.0, waited_seconds=2.0)
CLOCK = ClockFacts(trusted=True, source="ntp", year=2026, rtc="ds3231", rtc_agrees=True)
DISK = DiskFacts(bytes_per_second=20e6, worst_sync_ms=40.0, needed_bytes_per_second=0.8e6)
SPACE = SpaceFacts(minutes=600.0, reserve_minutes=30)
BATTERY = BatteryFacts(fitted=True, percent=95.0)
CONFINED = SandboxFacts(worker=WORKER, no_new_privileges=True, seccomp=True, exposure=1.2)


def picture(**broken: float) -> LookFacts:
    return replace(LOOK, picture=replace(PICTURE, **broken))


def sound(**broken: object) -> LookFacts:
    return replace(LOOK, sound=replace(SOUND, **broken))


def target(**broken: object) -> LookFacts:
    return replace(LOOK, target=replace(TARGET, **broken))


def microphone(look: LookFacts) -> Verdict:
    return judge_capture.microphone(look, audio=True)


SIMULATED = b"""\
device_id: simulated-01
simulation_directory: .
board: {adapter: simulated}
video: {source: pattern}
microphone: {source: tone, device: null}
speaker: {output: simulated, device: null}
"""

GOOD: dict[CheckName, Verdict] = {
    "button": judge_hands.button(PRESS, 20),
    "led": judge_hands.output("led", OutputFacts(noticed=True)),
    "ready_led": judge_hands.output("ready_led", OutputFacts(noticed=True)),
    "haptic": judge_hands.output("haptic", OutputFacts(noticed=True)),
    **{verdict.check: verdict for verdict in judge_capture.all_of(LOOK, SAID, audio=True)},
    "channel": judge_capture.channel(ChannelFacts(sides_dbfs=(-50.0, -96.0)), "left"),
    "disk": judge_machine.disk(DISK),
    "space": judge_machine.space(SPACE),
    "clock": judge_machine.clock(CLOCK),
    "rtc": judge_machine.rtc(CLOCK),
    "signing_keys": judge_machine.signing_keys(KeyFacts()),
    "recipients": judge_machine.recipients(RecipientFacts(recipients=2)),
    "battery": judge_machine.battery(BATTERY),
    "heat": judge_machine.heat(HeatFacts(celsius=45.0, throttled=False, under_voltage=False)),
    "swap": judge_machine.swap(SwapFacts(degraded=False, because="memory is locked", to_do=None)),
    "sandbox": judge_machine.sandbox(CONFINED),
}

BROKEN: list[tuple[SentenceName, Callable[[], Verdict]]] = [
    ("no_button", lambda: judge_hands.button(replace(PRESS, fault="GPIO 17 is taken"), 20)),
    ("button_stuck", lambda: judge_hands.button(replace(PRESS, down_at_rest=True), 20)),
    ("no_press", lambda: judge_hands.button(replace(PRESS, presses=0), 20)),
    ("not_released", lambda: judge_hands.button(replace(PRESS, released=False), 20)),
    ("bounces", lambda: judge_hands.button(replace(PRESS, bounce_ms=20.1), 20)),
    ("no_output", lambda: judge_hands.output("led", OutputFacts(noticed=None, fault="[Errno 16] Device or resource busy"))),
    ("not_noticed", lambda: judge_hands.output("led", OutputFacts(noticed=False))),
    ("not_noticed", lambda: judge_hands.output("ready_led", OutputFacts(noticed=False))),
    ("not_noticed", lambda: judge_hands.output("haptic", OutputFacts(noticed=False))),
    ("no_camera", lambda: judge_capture.camera(replace(LOOK, failure="No camera number 0 found"))),
    ("no_camera", lambda: judge_capture.camera(replace(LOOK, frames=0))),
    ("undecodable", lambda: judge_capture.camera(replace(LOOK, picture=None))),
    ("black", lambda: judge_capture.camera(picture(mean=17.0, spread=1.0))),
    ("other_parts", lambda: judge_capture.camera(replace(LOOK, differs="video.module is module-3, the camera says imx219"))),
    ("slow", lambda: judge_capture.frame_rate(replace(LOOK, frames=134))),
    ("frozen", lambda: judge_capture.movement(picture(change=0.03))),
    ("no_target", lambda: judge_capture.upright(target(likeness=0.4))),
    ("turned", lambda: judge_capture.upright(target(turned=180))),
    ("mirrored", lambda: judge_capture.upright(target(mirrored=True))),
    ("no_target", lambda: judge_capture.focus(target(likeness=0.4))),
    ("blurred", lambda: judge_capture.focus(target(edge_pixels=9.0))),
    ("other_encoder", lambda: judge_capture.encoder(replace(LOOK, encoder=""))),
    ("other_encoder", lambda: judge_capture.encoder(replace(LOOK, picture=None))),
    ("not_opened", lambda: judge_capture.encryption(replace(LOOK, opened=5))),
    ("open_to_all", lambda: judge_capture.encryption(replace(LOOK, opened_by_another_key=1))),
    ("no_voice", lambda: judge_capture.voice(VoiceFacts(outcome="failed", detail="no such device"))),
    ("no_voice", lambda: judge_capture.voice(VoiceFacts(outcome=None, detail=""))),
    ("unheard", lambda: judge_capture.speaker(sound(likeness=0.06), SAID)),
    ("microphone_lost", lambda: microphone(sound(state="lost"))),
    ("digital_silence", lambda: microphone(sound(digital_silence=True))),
    ("faint", lambda: microphone(sound(peak_dbfs=-41.0))),
    ("wrong_side", lambda: judge_capture.channel(ChannelFacts(sides_dbfs=(-50.0, -96.0)), "right")),
    ("halved", lambda: judge_capture.channel(ChannelFacts(sides_dbfs=(-96.0, -50.0)), "mix")),
    ("both_sides_silent", lambda: judge_capture.channel(ChannelFacts(sides_dbfs=(-120.0, -120.0)), "mix")),
    ("no_card", lambda: judge_capture.channel(ChannelFacts(fault="no such card"), "mix")),
    ("button_stuck", lambda: judge_hands.at_rest(True)),
    ("no_disk", lambda: judge_machine.disk_told("a write failed")),
    ("no_disk", lambda: judge_machine.disk(replace(DISK, fault="Read-only file system"))),
    ("slow_disk", lambda: judge_machine.disk(replace(DISK, bytes_per_second=1.5e6))),
    ("late_disk", lambda: judge_machine.disk(replace(DISK, worst_sync_ms=1501.0))),
    ("no_disk", lambda: judge_machine.space(replace(SPACE, fault="Input/output error"))),
    ("little_space", lambda: judge_machine.space(replace(SPACE, minutes=29.9))),
    ("clock_untrusted", lambda: judge_machine.clock(replace(CLOCK, trusted=False))),
    ("clock_wrong", lambda: judge_machine.clock(replace(CLOCK, year=1970))),
    ("no_rtc", lambda: judge_machine.rtc(replace(CLOCK, rtc_agrees=False))),
    ("no_key", lambda: judge_machine.signing_keys(KeyFacts(fault="000001.key is not there"))),
    ("no_recipients", lambda: judge_machine.recipients(RecipientFacts())),
    ("no_recipients", lambda: judge_machine.recipients(RecipientFacts(recipients=1, fault="line 1: a private key"))),
    ("no_gauge", lambda: judge_machine.battery(BatteryFacts(fitted=True, fault="no reading"))),
    ("battery_low", lambda: judge_machine.battery(replace(BATTERY, percent=49.0))),
    ("battery_low", lambda: judge_machine.battery(replace(BATTERY, level="low"))),
    ("hot", lambda: judge_machine.heat(HeatFacts(celsius=75.0))),
    ("throttled", lambda: judge_machine.heat(HeatFacts(celsius=60.0, throttled=True))),
    ("under_voltage", lambda: judge_machine.heat(HeatFacts(celsius=45.0, under_voltage=True))),
    ("swap", lambda: judge_machine.swap(SwapFacts(degraded=True, because="memory can be written to /swap", to_do="turn it off"))),
    ("worker_not_confined", lambda: judge_machine.sandbox(replace(CONFINED, worker=WORKER.replace("not dumpable", "DUMPABLE")))),
    ("worker_not_confined", lambda: judge_machine.sandbox(replace(CONFINED, worker="FILES CAN BE WRITTEN (no Landlock: ENOSYS)"))),
    ("daemon_not_confined", lambda: judge_machine.sandbox(replace(CONFINED, no_new_privileges=False))),
    ("daemon_not_confined", lambda: judge_machine.sandbox(replace(CONFINED, seccomp=False))),
    ("exposed", lambda: judge_machine.sandbox(replace(CONFINED, exposure=1.6))),
]

LEFT_OUT: list[tuple[SentenceName, Callable[[], Verdict]]] = [
    ("nobody_presses", lambda: judge_hands.button(None, 20)),
    ("clock_untrusted", lambda: judge_machine.clock(replace(CLOCK, trusted=False), on_the_bench=False)),
    ("held_by_the_daemon", lambda: judge_machine.disk_told("")),
    ("nobody_asked", lambda: judge_hands.output("led", OutputFacts(noticed=None))),
    ("not_fitted", lambda: judge_hands.output("haptic", None)),
    ("not_fitted", lambda: judge_machine.rtc(replace(CLOCK, rtc="none", rtc_agrees=None))),
    ("not_fitted", lambda: judge_machine.battery(BatteryFacts(fitted=False))),
    ("needs_target", lambda: judge_capture.upright(replace(LOOK, target=None))),
    ("needs_target", lambda: judge_capture.focus(replace(LOOK, target=None))),
    ("nothing_came", lambda: judge_capture.movement(LookFacts(failure="no camera"))),
    ("nothing_came", lambda: judge_capture.frame_rate(LookFacts(failure="no camera"))),
    ("nothing_came", lambda: judge_capture.encoder(LookFacts(failure="no camera"))),
    ("nothing_came", lambda: judge_capture.encryption(LookFacts(failure="no camera"))),
    ("nothing_came", lambda: microphone(LookFacts(failure="no camera"))),
    ("nothing_came", lambda: judge_machine.sandbox(SandboxFacts(worker=""))),
    ("tone_is_deaf", lambda: judge_capture.speaker(sound(likeness=0.04), SAID, deaf=True)),
    ("not_played", lambda: judge_capture.speaker(LOOK, VoiceFacts(outcome="failed", detail=""))),
    ("no_sound", lambda: judge_capture.speaker(sound(state="lost"), SAID)),
    ("sound_is_off", lambda: judge_capture.microphone(LOOK, audio=False)),
    ("no_sides", lambda: judge_capture.channel(ChannelFacts(), "mix")),
    ("no_sensors", lambda: judge_machine.heat(HeatFacts())),
]


def beginning(name: SentenceName, language: int) -> str:
    return SENTENCES[name][language].partition("{")[0]


@pytest.mark.parametrize("check", CHECKS)
def test_a_part_that_works_passes(check: CheckName) -> None:
    assert (GOOD[check].outcome, GOOD[check].check, GOOD[check].nl, GOOD[check].en) == ("passed", check, "", "")


@pytest.mark.parametrize(("sentence", "judge"), [*BROKEN, *LEFT_OUT])
def test_a_broken_part_fails_with_its_own_sentence_in_both_languages(sentence: SentenceName, judge: Callable[[], Verdict]) -> None:
    verdict = judge()
    assert verdict.outcome == ("failed" if (sentence, judge) in BROKEN else "not_checked")
    for language, said in enumerate((verdict.nl, verdict.en)):
        assert said.startswith(beginning(sentence, language))
        assert said.endswith(".")
        assert "{" not in said


def test_every_check_can_fail_and_every_sentence_is_used() -> None:
    assert {judge().check for _, judge in BROKEN} == set(CHECKS)
    assert {name for name, _ in [*BROKEN, *LEFT_OUT]} == set(SENTENCES)


@pytest.mark.parametrize("name", list(SENTENCES))
def test_both_languages_say_the_same_figures(name: SentenceName) -> None:
    nl, en = ({field for _, field, _, _ in string.Formatter().parse(text) if field} for text in SENTENCES[name])
    assert nl == en


@pytest.mark.parametrize("name", sorted({name for name, _ in BROKEN}))
def test_what_failed_says_what_to_do(name: SentenceName) -> None:
    """After the colon, or in a sentence of its own, stands an order to somebody."""
    for text in SENTENCES[name]:
        assert text.count(": ") + text.count(". ") >= 1, text


def test_the_camera_may_go_only_where_something_was_checked_and_nothing_failed() -> None:
    good, bad, left = GOOD["disk"], BROKEN[0][1](), LEFT_OUT[0][1]()
    assert go([good, left])
    assert not go([good, bad, left])
    assert not go([left])
    assert not go([])


def test_a_test_tone_is_no_microphone_on_a_board_that_is_not_simulated() -> None:
    """There it must not pass for one that nobody can hear."""
    simulated = parse(SIMULATED, Path("bodycamd.yaml"))
    assert judge_capture.is_deaf(simulated)
    heard = replace(simulated, microphone=replace(simulated.microphone, source="file"))
    real = replace(simulated, board=replace(simulated.board, adapter="pi"))
    assert not judge_capture.is_deaf(heard)
    assert not judge_capture.is_deaf(real)
    assert judge_capture.speaker(sound(likeness=0.04), SAID, deaf=judge_capture.is_deaf(real)).outcome == "failed"
