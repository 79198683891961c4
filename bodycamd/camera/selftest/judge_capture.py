"""Judges camera, encoder, encryption, loudspeaker and microphone by what a look measured. Pure."""

from __future__ import annotations

from typing import Final

from bodycamd.camera.capture.look import LookFacts
from bodycamd.camera.selftest.measured import ChannelFacts, VoiceFacts
from bodycamd.camera.selftest.verdict import Verdict, failed, not_checked, passed
from bodycamd.config.settings import Config, MicrophoneChannel

BLACK: Final = 24.0
BLACK_SPREAD: Final = 4.0
"""Luma of black is 16. A covered lens stays below both; a street at night has lights in it."""
FROZEN: Final = 0.05
"""Change from one picture to the next. Encoded at 6 Mbit/s and decoded, a still scene with a sensor's noise of 0.7 to 1.5 levels changes by
0.2 to 0.5, the same picture again and again by 0.008 to 0.03 (x264, 1280x720)."""
LEAST_RATE: Final = 0.9
"""Of the pictures that were asked for."""
HEARD: Final = 0.1
"""Likeness to the warning from which it counts as heard: three times what noise reaches, a third of the warning in noise of its own
loudness (see `hearing`). In a room with echo and a small loudspeaker it is far below 1: not tried on a real one."""
FAINT_DBFS: Final = -40.0
"""The highest peak while the warning is spoken, a hand's breadth away."""
FOUND: Final = 0.75
"""Likeness of the printed target, at a hundred points of it."""
SHARP_PIXELS: Final = 6.0
SILENT_DBFS: Final = -84.0
"""A side with less is not wired: the noise of a microphone lies above."""
MORE_DB: Final = 20.0


def camera(look: LookFacts) -> Verdict:
    """It gives pictures, they are not black, and it is the configured one."""
    if look.failure is not None or not look.frames:
        return failed("camera", "no_camera", fault=look.failure or "0")
    if look.picture is None:
        return failed("camera", "undecodable")
    if look.picture.mean <= BLACK and look.picture.spread <= BLACK_SPREAD:
        return failed("camera", "black", mean=look.picture.mean)
    if look.differs:
        return failed("camera", "other_parts", differs=look.differs)
    return passed("camera", module=look.module, brightness=look.picture.mean)


def movement(look: LookFacts) -> Verdict:
    """Pictures differ: the sensor is read anew each time."""
    if look.picture is None:
        return not_checked("movement", "nothing_came")
    if look.picture.change < FROZEN:
        return failed("movement", "frozen", change=look.picture.change)
    return passed("movement", change=look.picture.change)


def frame_rate(look: LookFacts) -> Verdict:
    """As many pictures come as were asked for."""
    if look.failure is not None or look.seconds <= 0 or not look.frames:
        return not_checked("frame_rate", "nothing_came")
    measured = look.frames / look.seconds
    if measured < LEAST_RATE * look.frame_rate:
        return failed("frame_rate", "slow", measured=measured, asked=look.frame_rate)
    return passed("frame_rate", frames_per_second=round(measured, 2))


def upright(look: LookFacts) -> Verdict:
    """The printed target is seen as it is held."""
    target = look.target
    if target is None:
        return not_checked("upright", "needs_target")
    if target.likeness < FOUND:
        return failed("upright", "no_target", likeness=target.likeness)
    if target.mirrored:
        return failed("upright", "mirrored", likeness=target.likeness)
    if target.turned:
        return failed("upright", "turned", turned=target.turned, likeness=target.likeness)
    return passed("upright", likeness=target.likeness)


def focus(look: LookFacts) -> Verdict:
    """The edges of the printed target are sharp."""
    target = look.target
    if target is None:
        return not_checked("focus", "needs_target")
    if target.likeness < FOUND:
        return failed("focus", "no_target", likeness=target.likeness)
    if target.edge_pixels > SHARP_PIXELS:
        return failed("focus", "blurred", edge_pixels=target.edge_pixels)
    return passed("focus", edge_pixels=target.edge_pixels)


def encoder(look: LookFacts) -> Verdict:
    """What was encoded can be decoded."""
    if look.failure is not None and not look.encrypted:
        return not_checked("encoder", "nothing_came")
    if not look.encoder or not look.width or look.picture is None:
        return failed("encoder", "other_encoder")
    return passed("encoder", encoder=look.encoder, width=look.width, height=look.height)


def encryption(look: LookFacts) -> Verdict:
    """Every piece opens with the key that it was encrypted to, and with no other."""
    if not look.encrypted:
        return not_checked("encryption", "nothing_came")
    if look.opened_by_another_key:
        return failed("encryption", "open_to_all")
    if look.opened < look.encrypted:
        return failed("encryption", "not_opened", encrypted=look.encrypted, opened=look.opened)
    return passed("encryption", pieces=look.encrypted)


def voice(said: VoiceFacts) -> Verdict:
    """The sound system took the warning."""
    if said.outcome == "played_to_device":
        return passed("voice", device=said.detail)
    return failed("voice", "no_voice", detail=said.detail or "no answer in time")


def is_deaf(config: Config) -> bool:
    """Whether the microphone is the simulation's test tone. On a board that is none a tone is a mistake, and the warning is not heard."""
    return config.board.adapter == "simulated" and config.microphone.source == "tone"


def speaker(look: LookFacts, said: VoiceFacts, *, deaf: bool = False) -> Verdict:
    """The microphone heard the warning."""
    if said.outcome != "played_to_device":
        return not_checked("speaker", "not_played")
    if look.sound is None or look.sound.state != "live" or look.sound.likeness is None:
        return not_checked("speaker", "no_sound")
    if deaf:
        return not_checked("speaker", "tone_is_deaf")
    if look.sound.likeness < HEARD:
        return failed("speaker", "unheard", likeness=look.sound.likeness)
    return passed("speaker", likeness=look.sound.likeness)


def microphone(look: LookFacts, *, audio: bool) -> Verdict:
    """It gives sound, and enough of it."""
    if not audio:
        return not_checked("microphone", "sound_is_off")
    if look.sound is None:
        return not_checked("microphone", "nothing_came")
    if look.sound.state != "live":
        return failed("microphone", "microphone_lost")
    if look.sound.digital_silence:
        return failed("microphone", "digital_silence")
    if look.sound.peak_dbfs < FAINT_DBFS:
        return failed("microphone", "faint", peak_dbfs=look.sound.peak_dbfs)
    return passed("microphone", device=look.sound.device, peak_dbfs=look.sound.peak_dbfs)


def channel(sides: ChannelFacts, chosen: MicrophoneChannel) -> Verdict:
    """The side of the card that is recorded is the one that has the microphone."""
    if sides.fault is not None:
        return failed("channel", "no_card", fault=sides.fault)
    if len(sides.sides_dbfs) < 2:
        return not_checked("channel", "no_sides")
    left, right = sides.sides_dbfs[:2]
    if max(left, right) < SILENT_DBFS:
        return failed("channel", "both_sides_silent", left_dbfs=left, right_dbfs=right)
    better = "left" if left > right else "right"
    one_sided = abs(left - right) >= MORE_DB
    if one_sided and chosen == "mix":
        return failed("channel", "halved", better=better, left_dbfs=left, right_dbfs=right)
    if one_sided and chosen != better:
        return failed("channel", "wrong_side", better=better, left_dbfs=left, right_dbfs=right)
    return passed("channel", left_dbfs=left, right_dbfs=right)


def all_of(look: LookFacts, said: VoiceFacts, *, audio: bool, deaf: bool = False) -> list[Verdict]:
    """Every verdict that one look with the spoken warning allows. `deaf`: see `is_deaf`."""
    return [
        camera(look),
        frame_rate(look),
        movement(look),
        upright(look),
        focus(look),
        encoder(look),
        encryption(look),
        voice(said),
        speaker(look, said, deaf=deaf),
        microphone(look, audio=audio),
    ]
