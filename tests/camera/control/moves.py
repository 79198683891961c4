"""Random moves: which event comes when, plausible and adversarial, made by a seeded generator (many) or by hypothesis (fewer)."""

from __future__ import annotations

import random

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import Policy, State
from tests.kit.views import VIEW

S = 1_000_000
KINDS = 28
Move = tuple[int, int, int, int]
"""Which event, how much later (µs), and two numbers that vary it."""

STOP = ((0, 3 * S), (3, 2 * S), (24, S), (0, S), (2, 100_000), (22, S))
CALL = ((0, 3 * S), (3, 2 * S), (22, 8 * S), (26, S), (27, S))
LATER = (-400_000, 0, 1, 1_000, 20_000, 100_000, 300_000, 700_000, S, S, 2 * S, 3 * S, 5 * S, 17 * S, 70 * S)


def random_moves(chance: random.Random, length: int) -> list[Move]:
    weights = (6, 6, 4, 4, 6, 1, 1, 6, 1, 3, 2, 3, 2, 8, 4, 2, 1, 3, 1, 1, 1, 6, 4, 1, 4, 2, 1, 1)
    kinds = chance.choices(range(KINDS), weights, k=length)
    moves = [(kind, chance.choice(LATER), chance.randrange(8), chance.randrange(8)) for kind in kinds]
    if chance.random() < 0.2:  # a call for help
        at = chance.randrange(length)
        moves[at:at] = [(kind, later_us, 0, 0) for kind, later_us in CALL if chance.random() < 0.95]
    if chance.random() < 0.5:  # the officer's stop, with a move left out now and then, or one more
        at = chance.randrange(length)
        moves[at:at] = [(kind, later_us, 0, 0) for kind, later_us in STOP if chance.random() < 0.95]
    return moves


def random_settings(chance: random.Random) -> Policy:
    pre_event_us = chance.choice((0, 0, 30 * S))
    return Policy(
        pre_event_us=pre_event_us,
        pre_event_audio=chance.random() < 0.3,
        post_event_us=chance.choice((0, 0, 10 * S)),
        record_warning=pre_event_us > 0 or chance.random() < 0.3,
        on_warning_failure="refuse" if chance.random() < 0.3 else "record",
        audio=chance.random() < 0.7,
        stop="hold" if chance.random() < 0.4 else "hold_then_press",
        reminder_us=chance.choice((10 * S, 120 * S)),
        warning_us=chance.choice((5 * S, 12 * S)),
        help_call=chance.random() < 0.6,
    )


def event_of(kind: int, a: int, b: int, state: State, now_us: int) -> ev.Event:
    """The event of a move. Most fit what is going on; `b` in 6, 7 makes them late, stale or stamped wrongly."""
    odd = b >= 6
    at_us = (now_us, now_us - a * 300_000, now_us + a * S, 0)[b % 4] if odd else now_us - a * 1000
    number = state.number + (a % 3 - 1 if odd else 0)
    recording_id = ("", "junk", "7", f"000007-{number:04d}")[min(3, a)] if odd else f"000007-{number:04d}"
    generation = max(0, state.generation + (a % 4 - 2 if odd else (1 if state.generation_ended else 0)))
    match kind:
        case 0 | 1:
            return ev.ButtonDown(at_us)
        case 2:
            return ev.ButtonTapped(at_us)
        case 3:
            return ev.ButtonHeld(at_us)
        case 4:
            after = ev.AfterReset("recording", ("watchdog", "power")[b % 2], dated=b < 6) if a == 5 else None
            return ev.Ready(ev.ResumeOffer("000006-0001", now_us - a * 10 * S, b, after) if a >= 4 else None)
        case 5:
            return ev.ButtonStuck(at_us)
        case 6:
            return ev.ButtonFreed(at_us)
        case 7:
            return ev.WarningEnded(at_us, ("played_to_device", "played_to_device", "skipped", "failed")[a % 4], "cd" * 32, "")
        case 8:
            return ev.VoiceHealth(a % 2 == 0, "detail")
        case 9:
            return ev.CaptureFlowing(generation, "libx264", 30.0)
        case 10 if b == 3:
            return ev.ViewStated(generation, VIEW)
        case 10:
            return ev.CaptureStalled(generation, "no frame", now_us - S)
        case 11:
            return ev.CaptureClosed(generation)
        case 12 if odd:
            return ev.WorkerStuck(at_us) if a % 2 else ev.WorkerFreed()
        case 12:
            if b % 2:
                return ev.AudioSilent(generation, a % 4 < 2)
            return ev.AudioChanged(generation, ("live", "off", "lost")[a % 3])
        case 13 | 14:
            return ev.FragmentDurable(recording_id, 0, 1, 1, "00" * 32, at_us, S, at_us)
        case 15:
            return ev.RecordingSealed(recording_id, S, at_us, whole=not odd)
        case 16:
            return ev.DiskChanged(a % 4 < 2, "EROFS") if odd else ev.WriteFailed("fdatasync", "EIO")
        case 17:
            return ev.StorageChanged(("ok", "ok", "low", "full")[a % 4], float("nan") if odd else 3.0)
        case 18:
            return ev.BatteryChanged(("ok", "low", "ok", "critical")[a % 4] if b == 0 else "ok", None if odd else 40.0)
        case 19:
            return ev.ClockChanged(a % 2 == 0, "kernel-ntp", a)
        case 20:
            return ev.RingOverflowed(a, a * S)
        case 21:
            return ev.RecordingSealed(recording_id, S, at_us) if state.name == "closing" else ev.TimePassed()
        case 22:
            return ev.TimePassed()
        case 24:
            return ev.ButtonReleased(at_us)
        case 25:
            return (ev.CheckAsked(), ev.CheckAsked(), ev.CheckEnded(), ev.CheckJudged(b % 2 == 0))[a % 4]
        case 26 | 27:
            called = 0 if state.help is None else state.help.number
            return (ev.HelpSent, ev.HelpAnswered)[kind - 26](called + (a % 3 - 1 if odd else 0))
        case _:
            return ev.ShutdownRequested() if a == 0 else ev.TimePassed()
