"""What the control knows: its policy, its flags, the open recording.

Immutable values without behaviour; `machine.step` makes the next one. All times are CLOCK_BOOTTIME microseconds, all lengths microseconds.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from bodycamd.camera.control.events import Action, StopReason

StateName = Literal["starting", "standby", "warning", "recording", "closing", "ended"]
StopRule = Literal["hold_then_press", "hold"]
"""What the officer stops a recording with: a hold, its release and a press; or the hold alone."""
WhenFull = Literal["stop", "overwrite_sent"]
"""With no room for footage: close the recording, refuse presses. Nothing else until receipts show what is safe elsewhere."""
Condition = Literal[
    "failing",
    "capture_stalled",
    "disk_failing",
    "disk_unusable",
    "voice_failed",
    "audio_lost",
    "storage_low",
    "storage_full",
    "battery_low",
    "clock_untrusted",
    "button_stuck",
    "hot",
    "throttled",
    "under_voltage",
    "gauge_silent",
    "sensors_silent",
    "card_reader_silent",
    "audio_silent",
    "worker_stuck",
    "worker_missing",
]
"""What may be wrong with the camera, as far as the control knows: each is a field of `State`, but for `failing`."""

LeaveReason = Literal["shutdown", "battery_critical", "worker_stuck"]
"""`worker_stuck` ends in a reboot."""
DURABLE_US = 3_000_000
"""The LED says *recording* for so long after a fragment of the open recording became durable."""
FIRST_DURABLE_US = 5_000_000
"""So long after its beginning a recording may blink before its first durable fragment is called missing: opening a camera, one GOP and one
disk operation take up to 2 + 2 + 1 s on the smallest board. A stall or a failed write that is known is shown at once."""
SEAL_US = 3_000_000
"""So long after its end a recording may wait for its last fragment before it is sealed by force."""
SEAL_AGAIN_US = 10_000_000
"""The pause between attempts to seal."""
LEAVE_US = 10_000_000
"""So long an exit waits for the seal. The next start recovers what could not be sealed."""
VOICE_ANSWER_US = 2_000_000
"""So long after the warning's length the voice may stay silent before the warning counts as failed."""
RESUME_US = 60_000_000
"""A recording whose last durable fragment is older than this is not resumed."""
RESET_RESUME_US = 120_000_000
"""The same after a reset of the machine: 15 s of the watchdog and a boot of half a minute, on a slow card twice that, fit in."""
RESUMES_FAILING = 5
"""So many resumes within a minute are shown as failing."""
FAILING_US = 60_000_000
"""For so long failing is shown."""
BURST_US = 700_000
"""A down that follows the last one sooner than this belongs to the same nervous press. The window slides with each down."""
CONFIRM_US = 5_000_000
"""For so long after the release that asked to stop a press can confirm it."""
CALM_US = 2_000_000
"""A hold asks to stop only where no other down came so shortly before its own."""
ALONE_US = 1_000_000
"""The press that confirms a stop lasts no longer than this, and is followed by no other for so long."""
HELD_PULSE_US = 1_000_000
"""Between the pulses of a hold that will ask to stop."""
HELD_LONG_US = 10_000_000
"""A button that is down for so long is no officer's who wants to stop."""
HELP_SENT_US = 20_000_000
"""A call for help that the station has not confirmed by then is felt as not sent."""
GOES_ON_US = 10_000_000
"""For so long after a stop by `hold` a press goes on without a warning."""
SAME_PRESS_US = 300_000
"""Markers, and refusals, that follow the last one sooner than this are the same one: a chattering button must not fill the ledger."""
STUCK_US = 60_000_000
"""So long a stuck worker may keep the camera before a reboot is asked for."""
REBOOT_US = 300_000_000
"""No reboot is asked for sooner after the machine began: a driver that always hangs costs a reboot in five minutes, not all of them."""
SIGN_US = 3_000_000
"""For so long a refusal is on the lamp."""


class Policy(Struct, frozen=True):
    """The policy that the control follows; the daemon fills it from the configuration and the warning's file."""

    pre_event_us: int = 0
    pre_event_audio: bool = False
    post_event_us: int = 0
    record_warning: bool = False
    on_warning_failure: Literal["record", "refuse"] = "record"
    audio: bool = True
    stop: StopRule = "hold_then_press"
    reminder_us: int = 120_000_000
    warning_us: int = 15_000_000
    """The length of the spoken warning."""
    when_full: WhenFull = "stop"
    help_call: bool = False
    """Whether a hold beyond `HELD_LONG_US` calls for help."""
    warning_sha256: str = ""
    """Of the warning's file, for ledger entries about warnings that the voice did not end itself."""


class Ending(Struct, frozen=True):
    """How a recording that was stopped comes to its seal."""

    end_us: int
    """Where it ends (in the future during the post-event time)."""
    reason: StopReason
    seal_us: int
    """When it is sealed by force, or next tried again."""
    forced: bool = False


class Recording(Struct, frozen=True):
    """The recording that is open: begun, and not known to be sealed."""

    number: int
    began_us: int
    keep_from_us: int
    reminder_us: int
    """When the next reminder is due."""
    durable_us: int | None = None
    """When the newest durable fragment became durable."""
    marked_us: int | None = None
    withdrawn_end_us: int | None = None
    """The end that a press during `closing` withdrew last."""
    ending: Ending | None = None
    """Set in `closing`."""

    def awaits_footage(self, now_us: int) -> bool:
        """It has no end yet, or one that lies ahead."""
        return self.ending is None or now_us < self.ending.end_us


class Hold(Struct, frozen=True):
    """The button is down beyond the hold time; released in time it asks to stop."""

    down_us: int
    pulse_us: int
    """When the next pulse is due."""
    asks: bool = True
    """Else it can only call for help: it came too soon after another press to ask, or in the place of the press that answers."""


class Help(Struct, frozen=True):
    """The officer's newest call for help in this start."""

    number: int
    called_us: int
    outcome: Literal["calling", "sent", "not_sent"] = "calling"
    answered: int = 0
    """The number of the newest call that somebody has answered."""


class Question(Struct, frozen=True):
    """Asked by the release of a hold: stop? A press, alone, says yes."""

    asked_us: int
    """The release that asks; of a release that bounced, the last one."""
    pressed_us: int | None = None
    """The down that may say yes."""
    released_us: int | None = None
    """When it came up again, before the hold time."""
    twice: bool = False
    """It has made contact twice, as a glove does."""


class Stopped(Struct, frozen=True):
    """The recording that a hold stopped, where the hold alone stops."""

    recording: str
    at_us: int
    """When the officer stopped it."""


class Leaving(Struct, frozen=True):
    """The daemon is to end once everything is sealed."""

    reason: LeaveReason
    power_off: bool
    not_before_us: int
    """The sign that says so is on show until then."""
    give_up_us: int
    resumes: int | None = None
    """The recording that is to continue after the reboot."""


class Judged(Struct, frozen=True):
    """The verdict of a check, and when it came."""

    at_us: int
    passed: bool


class State(Struct, frozen=True):
    """The whole state of the control."""

    policy: Policy
    at_us: int = 0
    """The latest instant that `step` has seen. Everything that was due by then is done."""
    name: StateName = "starting"
    number: int = 0
    """Of the newest recording of this start."""
    recording: Recording | None = None
    latched_us: int | None = None
    """The first press during `starting`."""
    pressed_us: int | None = None
    """The press that the present warning or recording goes back to."""
    spoken_us: int | None = None
    """Set in `warning`: when the voice was told to speak."""
    down_us: int | None = None
    """The down that began in `recording` and has had no tap or hold yet: only this one can mark, ask or stop."""
    last_down_us: int | None = None
    """The newest down of all, in any state: where the burst window slides to."""
    calm: bool = False
    """The down of `down_us` came long enough after the one before to ask to stop."""
    hold: Hold | None = None
    """Set in `recording`, of a down that began there."""
    question: Question | None = None
    """Set in `recording`."""
    stopped: Stopped | None = None
    """Set in `standby`."""
    help: Help | None = None
    refused_us: int | None = None
    """When the latest refusal was shown."""
    failing_until_us: int | None = None
    checking: bool = False
    """A check has camera and voice. Only in standby."""
    judged: Judged | None = None
    """The latest verdict of a check."""
    leaving: Leaving | None = None
    capture_open: bool = False
    """What was asked for last, not what is."""
    microphone_open: bool = False
    """What was asked for last, not what is."""
    generation: int = 0
    """The newest generation that was heard of."""
    generation_ended: bool = True
    flowing: bool = False
    """Fragments of the newest generation arrive."""
    capture_stalled: bool = False
    gave_nothing: bool = False
    """The newest generation that ended unasked had given no footage: the camera is absent, refused, or held."""
    disk_failing: bool = False
    """A write failed, or footage was dropped, and no fragment has become durable since."""
    disk_unusable: bool = False
    """As the writer said last: gone, read-only, or not taking the ledger's entries."""
    voice_failed: bool = False
    audio_lost: bool = False
    audio_silent: bool = False
    """The microphone gives digital silence: it is recorded as it comes."""
    storage_low: bool = False
    storage_full: bool = False
    battery_low: bool = False
    clock_untrusted: bool = True
    """True until the clock is known."""
    button_stuck: bool = False
    hot: bool = False
    throttled: bool = False
    under_voltage: bool = False
    gauge_silent: bool = False
    """A gauge is configured, and the battery cannot be read."""
    sensors_silent: bool = False
    """The sensors process reports nothing: heat and supply are unknown."""
    card_reader_silent: bool = False
    """A card reader is configured, and no card can be read."""
    worker_stuck: bool = False
    """A killed worker has not ended, and may hold the camera: since `stuck_us`."""
    stuck_us: int = 0
    worker_missing: bool = False
    """For seconds there has been none that could be opened: the next press would give no footage."""

    @property
    def unable(self) -> bool:
        """A press would give no recording: shown in standby as `cannot_record`."""
        silent = self.voice_failed and self.policy.on_warning_failure == "refuse"
        footage = self.storage_full or self.disk_unusable or self.capture_stalled or self.worker_missing
        return footage or self.button_stuck or silent

    @property
    def degraded(self) -> bool:
        """It records, but something wants attention soon: shown as `low`."""
        footage = self.storage_low or self.voice_failed or self.audio_lost or self.audio_silent or self.disk_unusable or self.worker_stuck
        board = self.battery_low or self.hot or self.throttled or self.under_voltage or self.gauge_silent or self.sensors_silent
        return footage or board

    def failing(self, now_us: int) -> bool:
        """The daemon has died and resumed so often that a person must look."""
        return self.failing_until_us is not None and now_us < self.failing_until_us

    def conditions(self, now_us: int) -> list[Condition]:
        """What is wrong now."""
        return [name for name in get_args(Condition) if (self.failing(now_us) if name == "failing" else getattr(self, name))]


Step = tuple[State, list[Action]]
