"""Typed views of ledger entries that verification does not check and readers use: the fields that they rely on, with bounds.

Verification asks nothing of these types but strict JSON, and passes over fields that this version does not know. An entry that does not fit
its struct here stays verified, and untyped: no reader sees more in it than its words.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from bodycamd.evidence.pseudonyms import Pseudonym
from bodycamd.evidence.statements import Caller, Count, Officer, Positive, RecordingId, Sha256, ShiftCaller, ShortText, Stated, Wall
from bodycamd.footage import ViewFacts

OrderKind: TypeAlias = Literal["hold", "release", "shift", "configuration", "update", "answer", "forward"]
OrderOutcome: TypeAlias = Literal[
    "held", "released", "released_before", "noted", "shift_begun", "shift_ended", "shift_open", "no_shift", "answered", "no_call",
    "configured", "went_back", "updated", "not_installed", "ended", "lapsed", "interrupted",
]  # fmt: skip


class Noted(Stated, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Base of the free types that have readers."""


class Marked(Noted, frozen=True, kw_only=True):
    """`marker`: the officer marked the moment `at_us` (CLOCK_BOOTTIME). `officer` is the pseudonym of the shift that was open."""

    recording: RecordingId
    at_us: Count | None = None
    cause: ShortText = ""
    officer: Officer | None = None
    caller: Caller | None = None


class ButtonHeldLong(Noted, frozen=True, kw_only=True):
    """`button_held`: from `at_us` (CLOCK_BOOTTIME) the button was down for ten seconds while it recorded; that stops nothing."""

    recording: RecordingId
    at_us: Count | None = None
    officer: Officer | None = None
    caller: Caller | None = None


class WarningGiven(Noted, frozen=True, kw_only=True):
    """`warning`: how the spoken warning went (`played_to_device`, `skipped`, `failed`, `none`); `file_sha256` is of the sound file."""

    recording: RecordingId
    outcome: ShortText
    file_sha256: ShortText = ""
    pressed_us: Count | None = None
    ended_us: Count | None = None
    detail: ShortText = ""


class ShiftBegun(Noted, frozen=True, kw_only=True):
    """`shift_begin`: from here on the camera is worn by `officer`, a pseudonym."""

    officer: Officer
    caller: ShiftCaller | None = None


class ShiftEnded(Noted, frozen=True, kw_only=True):
    """`shift_end`: the camera is taken off."""

    officer: Officer | None = None
    caller: ShiftCaller | None = None


class CardRefused(Noted, frozen=True, kw_only=True):
    """`card_refused`: a card was shown and changed no shift: it is nobody's (`unknown_card`, `unreadable_card`, `random_card`), or it came
    while something was recorded, while the camera started, or while it ended. Which card it was is not said."""

    reason: Literal["unknown_card", "unreadable_card", "random_card", "recording", "starting", "leaving"]


class StoreRecovered(Noted, frozen=True, kw_only=True):
    """`store_recovered`: this start has stated what earlier ones left open. `complete`: all of it."""

    complete: bool
    segments: Count = 0


class CaptureStalled(Noted, frozen=True, kw_only=True):
    """`capture_stalled`: the capture worker of this generation was given up, and why."""

    generation: Count
    reason: ShortText = ""


class MicrophoneOpened(Noted, frozen=True, kw_only=True):
    """`microphone_opened`: from here on sound comes from `device`: a sound card's id and name, and ALSA's name for it."""

    generation: Count
    device: ShortText


class AudioSilent(Noted, frozen=True, kw_only=True):
    """`audio_silent`: for 5 s every sample of the microphone was alike (`silent`), or it gives sound again. Statements call it `live`."""

    generation: Count
    silent: bool


class ResumeDeclined(Noted, frozen=True, kw_only=True):
    """`resume_declined`: what the last start left open was not resumed, and why (`too_old`, `storage_full`, `power_loss`, `reset_unknown`,
    `clock_untrusted`). `age_us` is that of its end; absent or null where no trusted clock tells."""

    recording: RecordingId
    reason: ShortText
    age_us: int | None = None


class ResumedAfterReset(Noted, frozen=True, kw_only=True):
    """`resumed_after_reset`: the machine began anew while `recording` was open (`cause`: `recording`), or because the recorder asked for it
    (`reboot_asked`), and the next recording resumes it. `reset` is what the machine tells of its last reset."""

    recording: RecordingId
    cause: ShortText
    reset: ShortText
    age_us: Count


class ViewStated(Noted, ViewFacts, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """`view`: what the camera of this generation was set to and saw: as libcamera said it, where it says it, else as it was asked for.

    `module` is libcamera's name of it, `board` the kernel's of the Raspberry Pi. `sensor_*`: all pixels that it has; `mode_*` and
    `bit_depth`: how they are read; `crop_*`: the part of them that the picture shows, `seen_percent` its share. `dioptres`: where the lens
    stood. `tuning_file`: empty where libcamera chose. `differs`: where this is not what was configured, in words.
    """

    generation: Count


class FootageNotWritten(Noted, frozen=True, kw_only=True):
    """`footage_not_written`: footage of a recording that the disk never took."""

    recording: RecordingId
    fragments: Count = 0
    duration_us: Count = 0


class FragmentRefused(Noted, frozen=True, kw_only=True):
    """`fragment_refused`: a fragment that could not be stated."""

    recording: RecordingId
    seq: Count = 0
    reason: ShortText = ""


class BoardChanged(Noted, frozen=True, kw_only=True):
    """`board_changed`: heat, a throttled processor, a supply that is too low, a battery gauge or a card reader that cannot be read,
    sensors that report nothing, or a camera for which no capture worker can be had, began or ended."""

    condition: Literal["hot", "throttled", "under_voltage", "gauge_silent", "sensors_silent", "card_reader_silent", "worker_missing"]
    change: Literal["began", "ended"]
    detail: ShortText = ""


class SoftwareChanged(Noted, frozen=True, kw_only=True):
    """`software_changed`: since the start before, another bundle came into use (`installed`, `updated`), or one was left again because it
    was not healthy, the power went, or a technician wanted so (`rolled_back`).

    `number` counts the changes on this card; `left_*` is what was in use until then, absent where there was none. `configuration` has the
    keys that the new version reads otherwise than the camera's file has them, in an earlier version's form. The installer's word, who is
    root; what runs, each start states itself.
    """

    number: Count
    outcome: Literal["installed", "updated", "rolled_back"]
    version: ShortText
    bundle: Sha256
    left_version: ShortText = ""
    left_bundle: Sha256 | None = None
    reason: ShortText = ""
    configuration: ShortText = ""


class PartsChecked(Noted, frozen=True, kw_only=True):
    """`parts_checked`: for some seconds camera and microphone were opened for a check that records nothing, with the lamp dark."""

    caller: Caller | None = None


class SelfTested(Noted, frozen=True, kw_only=True):
    """`self_tested`: the parts of the camera were tried before a shift, and lamp and motor showed the outcome. `failed` names the checks
    that failed. It is the word of whoever ran the test, who measured beside the recorder."""

    outcome: Literal["passed", "failed"]
    failed: ShortText = ""
    caller: Caller | None = None


class RosterAccepted(Noted, frozen=True, kw_only=True):
    """`roster_accepted`: from here on this roster (`bodycam-roster/1`, by its id) is in force; stated again by each start."""

    sha256: Sha256
    root_version: Positive
    version: Positive
    municipality: ShortText
    not_after: Wall


class SuspensionAccepted(Noted, frozen=True, kw_only=True):
    """`suspension_accepted`: from here on this suspension (`bodycam-suspend/1`, by its id) is taken from the roster in force."""

    sha256: Sha256
    roster: Sha256
    by: Pseudonym


class OrderAccepted(Noted, frozen=True, kw_only=True):
    """`order`: an order that is carried out now: `order` is its id, `document` the exact bytes of its file in base64: all that it says, and
    who signed. `roster_sha256` is the roster that it was judged by; `roster_ended`: this had ended, and a hold counts all the same. What
    came of it is in `order_done`.
    """

    order: Sha256
    kind: OrderKind
    by: Pseudonym
    document: Annotated[str, Meta(max_length=32 * 1024)]
    roster_sha256: Sha256
    second: Pseudonym | None = None
    roster_ended: bool = False
    caller: Caller | None = None


class OrderDone(Noted, frozen=True, kw_only=True):
    """`order_done`: the order was carried out, with this outcome, and is never carried out again. `released_before`: the hold's release had
    come first; `noted`: a release of holds that are not here, which ends them when they come; `shift_open`, `no_shift`: another shift was
    open, or not the one that was to end; `no_call`: this start has made no such call for help, or somebody has answered it before;
    `configured`: its settings are in force; `updated`: its bundle is in use; `went_back`: either was tried, and the camera is as it was
    before; `not_installed`: the bundle does not fit this camera; `ended`: nobody brought the bundle in time; `lapsed`: before its settings
    were tried it stood no longer; `interrupted`: the power went meanwhile.
    """

    order: Sha256
    outcome: OrderOutcome
    roster_sha256: Sha256


class SettingsNext(Noted, frozen=True, kw_only=True):
    """`settings_next`: the settings of this order are to be tried by a start, once the camera rests; `sha256` is of the file of
    orders that would then be in force."""

    order: Sha256
    sha256: Sha256


class SettingsInForce(Noted, frozen=True, kw_only=True):
    """`settings_in_force`: from here on the settings of these orders count, over those of the configuration file; stated again by each
    start. `sha256` is of the file that holds the orders, absent where there are none any more: then the configuration file counts alone."""

    orders: Annotated[tuple[Sha256, ...], Meta(max_length=64)] = ()
    sha256: Sha256 | None = None


class OrderRefused(Noted, frozen=True, kw_only=True):
    """`order_refused`: an order that somebody of the roster signed, and why it is not carried out. At most ten an hour for each signer."""

    order: Sha256
    kind: OrderKind
    by: Pseudonym
    reason: ShortText
    roster_sha256: Sha256


class Uploaded(Noted, frozen=True, kw_only=True):
    """`uploaded`: a station's receipt (`bodycam-receipt/1`): `receipt` is its id, `document` the exact bytes of its file in base64.
    `roster_sha256` is the roster that it was judged by. With `recording` and `segment` it is for that segment, else for the ledger."""

    receipt: Sha256
    document: Annotated[str, Meta(max_length=8 * 1024)]
    roster_sha256: Sha256
    recording: RecordingId | None = None
    segment: Count | None = None


class HelpCalled(Noted, frozen=True, kw_only=True):
    """`help_call`: the officer called for help, or the camera tried by itself whether a call would arrive (`test`). `call` is its id,
    `document` the exact bytes of what was signed (`bodycam-help/1`) in base64, `number` counts within this start, `at_us` is when the
    button went down (CLOCK_BOOTTIME)."""

    call: Sha256
    number: Positive
    document: Annotated[str, Meta(max_length=8 * 1024)]
    test: bool = False
    recording: RecordingId | None = None
    at_us: Count | None = None
    officer: Officer | None = None
    caller: Caller | None = None


class HelpConfirmed(Noted, frozen=True, kw_only=True):
    """`help_sent`: a station has signed that it sent this call to somebody, or that a `test` came to it, for which nobody need be called:
    `document` is the exact bytes (`bodycam-help-sent/1`) in base64. An answer is an `order` of kind `answer`."""

    call: Sha256
    document: Annotated[str, Meta(max_length=8 * 1024)]
    test: bool = False


class HelpNotSent(Noted, frozen=True, kw_only=True):
    """`help_not_sent`: within 20 s no station had confirmed the call of this `number`, made at `called_us` (CLOCK_BOOTTIME): so it was
    felt."""

    number: Positive
    called_us: Count | None = None


class CopyShown(Noted, frozen=True, kw_only=True):
    """`copy_shown`: the station has shown that this segment is there, by an answer (`bodycam-answer/1`) that goes with the file here:
    `answer` is its id, `document` the exact bytes of its file in base64. `roster_sha256` is the roster that it was judged by."""

    answer: Sha256
    document: Annotated[str, Meta(max_length=8 * 1024)]
    roster_sha256: Sha256
    recording: RecordingId
    segment: Count


class OrdersNotSigned(Noted, frozen=True, kw_only=True):
    """`orders_not_signed`: so many documents came since the last such entry that are no orders, or that nobody of the roster signed, or
    that were beyond what is stated in an hour. At most one an hour."""

    documents: Count


NOTED: dict[str, type[Noted]] = {
    "marker": Marked,
    "button_held": ButtonHeldLong,
    "warning": WarningGiven,
    "shift_begin": ShiftBegun,
    "shift_end": ShiftEnded,
    "card_refused": CardRefused,
    "store_recovered": StoreRecovered,
    "capture_stalled": CaptureStalled,
    "microphone_opened": MicrophoneOpened,
    "audio_silent": AudioSilent,
    "resume_declined": ResumeDeclined,
    "resumed_after_reset": ResumedAfterReset,
    "view": ViewStated,
    "footage_not_written": FootageNotWritten,
    "fragment_refused": FragmentRefused,
    "board_changed": BoardChanged,
    "software_changed": SoftwareChanged,
    "parts_checked": PartsChecked,
    "self_tested": SelfTested,
    "roster_accepted": RosterAccepted,
    "suspension_accepted": SuspensionAccepted,
    "order": OrderAccepted,
    "order_done": OrderDone,
    "settings_next": SettingsNext,
    "settings_in_force": SettingsInForce,
    "order_refused": OrderRefused,
    "orders_not_signed": OrdersNotSigned,
    "uploaded": Uploaded,
    "help_call": HelpCalled,
    "help_sent": HelpConfirmed,
    "help_not_sent": HelpNotSent,
    "copy_shown": CopyShown,
}
NOTED_NAMES: dict[type[Stated], str] = {detail: name for name, detail in NOTED.items()}
