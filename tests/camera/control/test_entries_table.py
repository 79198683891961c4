"""What the ledger is told, word for word: evidence is read years later, by people who were not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs

from bodycamd.camera.control.events import (
    AudioChanged,
    AudioSilent,
    BatteryChanged,
    ButtonDown,
    ButtonFreed,
    ButtonHeld,
    ButtonStuck,
    ButtonTapped,
    CaptureFlowing,
    CaptureStalled,
    ClockChanged,
    DiskChanged,
    Event,
    MicrophoneOpened,
    Note,
    Ready,
    ResumeOffer,
    RingOverflowed,
    ShutdownRequested,
    StorageChanged,
    TimePassed,
    ViewStated,
    VoiceHealth,
    WarningEnded,
    WriteFailed,
)
from bodycamd.camera.control.state import Policy
from tests.camera.control.camera import Camera, S, recording, standby, stopped, warning
from tests.kit.views import VIEW

SPOKEN = Policy(warning_us=5 * S, warning_sha256="ef" * 32)
STRICT = Policy(warning_us=5 * S, warning_sha256="ef" * 32, on_warning_failure="refuse")
PRESSED = 101 * S
"""When the press of `warning()` was made. `recording()` and `stopped()` go back to it too."""


def latched() -> Camera:
    """Starting, with a press just now."""
    camera = Camera()
    camera.down()
    return camera


def full(make: Callable[[], Camera] = standby) -> Camera:
    """With full storage since before."""
    camera = make()
    camera.storage("full")
    return camera


def pressed_while_recording() -> Camera:
    camera = recording()
    camera.down()
    return camera


def stuck() -> Camera:
    camera = standby()
    camera.handle(ButtonStuck(100 * S))
    return camera


def voiceless() -> Camera:
    camera = standby()
    camera.handle(VoiceHealth(False, "no device"))
    return camera


def leaving() -> Camera:
    """Told to end while recording."""
    camera = recording()
    camera.handle(ShutdownRequested())
    return camera


def spoken(recording: int | None, outcome: str, sha256: str, ended_us: int, detail: str) -> dict[str, str | int | None]:
    at = {"pressed_us": PRESSED, "ended_us": ended_us}
    return {"recording": recording, "outcome": outcome, "file_sha256": sha256, **at, "detail": detail}


@pytest.mark.parametrize(
    ("make", "seconds", "event", "entries"),
    [
        # the warning: played, failed, skipped, unanswered, abandoned
        (
            lambda: warning(SPOKEN),
            4,
            WarningEnded(104 * S, "played_to_device", "ab" * 32, "hw:0"),
            [("warning", spoken(1, "played_to_device", "ab" * 32, 104 * S, "hw:0"))],
        ),
        (
            lambda: warning(SPOKEN),
            4,
            WarningEnded(104 * S, "failed", "ab" * 32, "broken pipe"),
            [("warning", spoken(1, "failed", "ab" * 32, 104 * S, "broken pipe"))],
        ),
        (
            lambda: warning(STRICT),
            4,
            WarningEnded(104 * S, "failed", "ab" * 32, "broken pipe"),
            [
                ("warning", spoken(None, "failed", "ab" * 32, 104 * S, "broken pipe")),
                ("press_refused", {"reason": "warning_failed", "at_us": PRESSED}),
            ],
        ),
        (
            lambda: warning(SPOKEN),
            4,
            ButtonDown(104 * S),
            [("warning", spoken(1, "skipped", "ef" * 32, 104 * S, "pressed again during the warning"))],
        ),
        (
            lambda: warning(SPOKEN),
            7,
            TimePassed(),
            [("warning", spoken(1, "failed", "ef" * 32, 108 * S, "the voice did not answer"))],
        ),
        (
            lambda: warning(STRICT),
            7,
            TimePassed(),
            [
                ("warning", spoken(None, "failed", "ef" * 32, 108 * S, "the voice did not answer")),
                ("press_refused", {"reason": "warning_failed", "at_us": PRESSED}),
            ],
        ),
        (
            lambda: warning(SPOKEN),
            4,
            StorageChanged("full", 0.0),
            [("storage_changed", {"level": "full", "minutes_left": 0.0}), ("press_refused", {"reason": "storage_full", "at_us": PRESSED})],
        ),
        # what the officer does besides
        (pressed_while_recording, 1, ButtonTapped(106 * S), [("marker", {"recording": 1, "at_us": 105 * S, "cause": "tap"})]),
        (stopped, 1, ButtonDown(108 * S), [("marker", {"recording": 1, "at_us": 108 * S, "cause": "continued"})]),
        (full, 1, ButtonDown(101 * S), [("press_refused", {"reason": "storage_full", "at_us": 101 * S})]),
        (leaving, 1, ButtonDown(106 * S), [("press_refused", {"reason": "shutdown", "at_us": 106 * S})]),
        (lambda: full(stopped), 1, ButtonDown(108 * S), [("press_refused", {"reason": "storage_full", "at_us": 108 * S})]),
        # the start
        (latched, 4, Ready(), [("press_latched", {"at_us": 100 * S, "waited_us": 4 * S})]),
        (
            latched,
            4,
            Ready(ResumeOffer("000006-0003", 99 * S, 4)),
            [
                ("failing", {"resumes": 5}),
                ("press_latched", {"at_us": 100 * S, "waited_us": 4 * S}),
                ("marker", {"recording": 1, "at_us": 100 * S, "cause": "latched_press"}),
            ],
        ),
        (
            Camera,
            0,
            Ready(ResumeOffer("000006-0003", 39 * S, 0)),
            [("resume_declined", {"recording": "000006-0003", "reason": "too_old", "age_us": 61 * S})],
        ),
        (
            lambda: full(latched),
            1,
            Ready(ResumeOffer("000006-0003", 99 * S, 0)),
            [
                ("resume_declined", {"recording": "000006-0003", "reason": "storage_full", "age_us": 2 * S}),
                ("press_latched", {"at_us": 100 * S, "waited_us": S}),
                ("press_refused", {"reason": "storage_full", "at_us": 100 * S}),
            ],
        ),
        # the end
        (standby, 1, ShutdownRequested(), [("leaving", {"reason": "shutdown", "power_off": False})]),
        (recording, 1, ShutdownRequested(), [("leaving", {"reason": "shutdown", "power_off": False})]),
        (
            recording,
            1,
            BatteryChanged("critical", 2.0),
            [
                ("battery_changed", {"level": "critical", "percent": 2.0}),
                ("leaving", {"reason": "battery_critical", "power_off": True}),
            ],
        ),
        (
            latched,
            1,
            ShutdownRequested(),
            [("leaving", {"reason": "shutdown", "power_off": False}), ("press_refused", {"reason": "shutdown", "at_us": 100 * S})],
        ),
        (
            warning,
            1,
            ShutdownRequested(),
            [("leaving", {"reason": "shutdown", "power_off": False}), ("press_refused", {"reason": "shutdown", "at_us": PRESSED})],
        ),
        (
            standby,
            1,
            BatteryChanged("critical", 2.0),
            [
                ("battery_changed", {"level": "critical", "percent": 2.0}),
                ("leaving", {"reason": "battery_critical", "power_off": True}),
            ],
        ),
        (
            warning,
            1,
            BatteryChanged("critical", 2.0),
            [
                ("battery_changed", {"level": "critical", "percent": 2.0}),
                ("leaving", {"reason": "battery_critical", "power_off": True}),
                ("press_refused", {"reason": "battery_critical", "at_us": PRESSED}),
            ],
        ),
        (leaving, 10, TimePassed(), [("seal_forced", {"recording": 1, "end_us": 105 * S}), ("left_unsealed", {"recording": 1})]),
        (stopped, 3, TimePassed(), [("seal_forced", {"recording": 1, "end_us": 107 * S})]),
        # the camera's parts
        (
            recording,
            1,
            CaptureFlowing(2, "libx264", 29.5),
            [("capture_flowing", {"generation": 2, "encoder": "libx264", "frame_rate": 29.5})],
        ),
        (
            recording,
            1,
            CaptureFlowing(2, "libx264", float("nan")),
            [("capture_flowing", {"generation": 2, "encoder": "libx264", "frame_rate": None})],
        ),
        (recording, 1, ViewStated(2, VIEW), [("view", {"generation": 2, **structs.asdict(VIEW)})]),
        (
            recording,
            1,
            CaptureStalled(2, "no frame", 104 * S),
            [("capture_stalled", {"generation": 2, "reason": "no frame", "last_frame_us": 104 * S})],
        ),
        (recording, 1, AudioChanged(2, "lost"), [("audio_changed", {"generation": 2, "audio": "lost"})]),
        (recording, 1, AudioSilent(2, True), [("audio_silent", {"generation": 2, "silent": True})]),
        (recording, 1, AudioSilent(2, False), []),
        (recording, 1, MicrophoneOpened(2, "Device"), [("microphone_opened", {"generation": 2, "device": "Device"})]),
        (standby, 1, VoiceHealth(False, "no device"), [("voice_failed", {"detail": "no device"})]),
        (voiceless, 1, VoiceHealth(True, "restarted"), [("voice_ready", {"detail": "restarted"})]),
        (recording, 1, WriteFailed("fdatasync", "EIO"), [("write_failed", {"operation": "fdatasync", "reason": "EIO"})]),
        (standby, 1, DiskChanged(False, "read-only"), [("disk_changed", {"usable": False, "reason": "read-only"})]),
        (recording, 1, RingOverflowed(3, 7 * S), [("ring_overflowed", {"fragments": 3, "dropped_us": 7 * S})]),
        (standby, 1, StorageChanged("low", 9.5), [("storage_changed", {"level": "low", "minutes_left": 9.5})]),
        (standby, 1, StorageChanged("low", float("inf")), [("storage_changed", {"level": "low", "minutes_left": None})]),
        (standby, 1, BatteryChanged("low", 11.5), [("battery_changed", {"level": "low", "percent": 11.5})]),
        (standby, 1, BatteryChanged("low", None), [("battery_changed", {"level": "low", "percent": None})]),
        (standby, 1, BatteryChanged("low", float("nan")), [("battery_changed", {"level": "low", "percent": None})]),
        (standby, 1, ClockChanged(True, "gnss", -5), [("clock_changed", {"trusted": True, "source": "gnss", "step_us": -5})]),
        (standby, 1, ButtonStuck(99 * S), [("button_stuck", {"at_us": 99 * S})]),
        (stuck, 1, ButtonFreed(101 * S), [("button_freed", {"at_us": 101 * S})]),
        (stuck, 1, ButtonDown(101 * S), [("button_freed", {"at_us": 101 * S})]),
        # nothing new is no entry
        (recording, 1, ButtonHeld(106 * S), []),
        (voiceless, 1, VoiceHealth(False, "no device"), []),
        (standby, 1, VoiceHealth(True, "restarted"), []),
        (standby, 1, DiskChanged(True, ""), []),
        (standby, 1, StorageChanged("ok", 99.0), []),
        (full, 1, StorageChanged("full", 0.0), []),
        (stuck, 1, ButtonStuck(101 * S), []),
        (standby, 1, ButtonFreed(101 * S), []),
        (leaving, 1, ShutdownRequested(), []),
    ],
)
def test_entries(make: Callable[[], Camera], seconds: int, event: Event, entries: list[tuple[str, dict[str, object]]]) -> None:
    camera = make()
    camera.now_us += seconds * S
    actions = camera.handle(event)
    assert [(action.type, dict(action.fields)) for action in actions if isinstance(action, Note)] == entries
