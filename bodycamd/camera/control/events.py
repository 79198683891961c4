"""What may happen to the camera (events) and what the control asks for (actions).

Adapters post events to the one control loop; `machine.step(state, event, now_us)` turns each into a new state and a list of actions; the
loop hands the actions to the adapters. Times are CLOCK_BOOTTIME microseconds.
"""

from typing import Literal

from bodycamd.camera.control.card_outcome import CardOutcome as CardOutcome
from bodycamd.camera.control.card_outcome import CardRefusal as CardRefusal
from bodycamd.camera.control.check_events import CheckAsked as CheckAsked
from bodycamd.camera.control.check_events import CheckEnded as CheckEnded
from bodycamd.camera.control.check_events import CheckJudged as CheckJudged
from bodycamd.camera.control.check_events import EndCheck as EndCheck
from bodycamd.camera.control.check_events import Happening as Happening
from bodycamd.camera.control.check_events import Order as Order
from bodycamd.camera.control.help_events import CallHelp as CallHelp
from bodycamd.camera.control.help_events import HelpAnswered as HelpAnswered
from bodycamd.camera.control.help_events import HelpSent as HelpSent
from bodycamd.camera.control.resume_offer import AfterReset as AfterReset
from bodycamd.camera.control.resume_offer import ResumeOffer as ResumeOffer
from bodycamd.footage import ViewFacts

WarningOutcome = Literal["played_to_device", "skipped", "failed"]
StorageLevel = Literal["ok", "low", "full"]
BatteryLevel = Literal["ok", "low", "critical"]
BoardCondition = Literal["hot", "throttled", "under_voltage", "gauge_silent", "sensors_silent", "card_reader_silent", "worker_missing"]
StopReason = Literal["officer", "storage_full", "battery_critical", "shutdown"]
HapticName = Literal[
    "ready", "started", "reminder", "marker", "held", "asked", "continues", "missing", "low", "saved", "refused",
    "shift_begun", "shift_ended",
    "check_passed", "check_failed",
    "help_sent", "help_not_sent", "help_answered",
]  # fmt: skip

# --- events -----------------------------------------------------------------------------------------------------------------------------


class Ready(Happening, frozen=True):
    """The store is open and recovered, the worker's spare and the voice are prepared or known to fail."""

    resume: ResumeOffer | None = None


class ButtonDown(Happening, frozen=True):
    """Gesture: the button went down (bounce removed)."""

    at_us: int


class ButtonTapped(Happening, frozen=True):
    """Gesture: the button was released before the hold time."""

    at_us: int


class ButtonHeld(Happening, frozen=True):
    """Gesture: the button is still down at the hold time."""

    at_us: int


class ButtonReleased(Happening, frozen=True):
    """Gesture: a button that was held has come up, before it counted as stuck."""

    at_us: int


class ButtonStuck(Happening, frozen=True):
    """Gesture: the button has been down far longer than any hold; stated once, until it is released."""

    at_us: int


class ButtonFreed(Happening, frozen=True):
    """Gesture: a button that was stated stuck has come up."""

    at_us: int


class WarningEnded(Happening, frozen=True):
    """The voice finished, was silenced, or failed. `file_sha256` is of the WAV file; empty where no file could be read."""

    at_us: int
    outcome: WarningOutcome
    file_sha256: str
    detail: str = ""


class VoiceHealth(Happening, frozen=True):
    """The voice child is prepared (`ok`) or cannot speak, with the reason."""

    ok: bool
    detail: str = ""


class CaptureFlowing(Happening, frozen=True):
    """The first fragment of a generation has arrived in the ring."""

    generation: int
    encoder: str
    frame_rate: float


class ViewStated(Happening, frozen=True):
    """What the camera of a generation is set to and sees."""

    generation: int
    view: ViewFacts


class CaptureStalled(Happening, frozen=True):
    """Frames stopped or the worker failed: it is being killed and replaced."""

    generation: int
    reason: str
    last_frame_us: int | None


class CaptureClosed(Happening, frozen=True):
    """A generation ended as asked: its last fragment is in the ring and the camera is closed."""

    generation: int


class WorkerStuck(Happening, frozen=True):
    """The kernel does not end a capture worker that was killed (state D: it waits in a driver). It may hold the camera."""

    at_us: int


class WorkerFreed(Happening, frozen=True):
    """No worker is stuck any more."""


class AudioChanged(Happening, frozen=True):
    """The sound of the stream became live, off or lost."""

    generation: int
    audio: Literal["live", "off", "lost"]


class MicrophoneOpened(Happening, frozen=True):
    """Sound comes from this device: ALSA's name for it, and the card that it is."""

    generation: int
    device: str


class AudioSilent(Happening, frozen=True):
    """The microphone has given digital silence for seconds (every sample alike), or gives sound again."""

    generation: int
    silent: bool


class FragmentDurable(Happening, frozen=True):
    """Acknowledged: this fragment is on disk (after `fdatasync`, and `fsync` of its folder where it is new)."""

    recording: str
    segment: int
    index: int
    seq: int
    sha256: str
    pts_us: int
    duration_us: int
    at_us: int


class RecordingSealed(Happening, frozen=True):
    """The last segment is renamed and its `sealed` and `closed` entries are durable; or, where it is not `whole`, footage that belongs to
    the recording did not get onto the disk, or the disk did not take the seal. What was acknowledged is there either way."""

    recording: str
    duration_us: int
    at_us: int
    whole: bool = True


class WriteFailed(Happening, frozen=True):
    """A disk operation failed. The writer has abandoned the segment as it is and continues with a new one where it can."""

    operation: str
    reason: str


class DiskChanged(Happening, frozen=True):
    """The disk became unusable (gone, read-only, or the ledger's entries wait for it), or usable again."""

    usable: bool
    reason: str = ""


class RingOverflowed(Happening, frozen=True):
    """Fragments that were not yet on disk had to be dropped; the writer states the gap."""

    fragments: int
    dropped_us: int


class StorageChanged(Happening, frozen=True):
    """The room for footage crossed a threshold (with hysteresis, decided by the reporter)."""

    level: StorageLevel
    minutes_left: float


class BatteryChanged(Happening, frozen=True):
    """The battery crossed a threshold."""

    level: BatteryLevel
    percent: float | None


class BoardChanged(Happening, frozen=True):
    """Heat, a throttled processor, a supply that is too low, a gauge or a card reader that cannot be read began, or ended (with hysteresis,
    decided by the reporter)."""

    condition: BoardCondition
    present: bool
    detail: str = ""


class CardAnswered(Happening, frozen=True):
    """A card was shown, and the shift is as `outcome` says. Whose card it was is not the control's to know."""

    outcome: CardOutcome
    reason: CardRefusal | None = None


class ClockChanged(Happening, frozen=True):
    """The wall clock became trusted or lost trust, or was stepped."""

    trusted: bool
    source: str
    step_us: int = 0


class ShutdownRequested(Happening, frozen=True):
    """SIGTERM, or power-off: close, seal and end."""


class TimePassed(Happening, frozen=True):
    """A deadline that the state asked for has come."""


Event = (
    Ready
    | ButtonDown
    | ButtonTapped
    | ButtonHeld
    | ButtonReleased
    | ButtonStuck
    | ButtonFreed
    | WarningEnded
    | VoiceHealth
    | CaptureFlowing
    | ViewStated
    | CaptureStalled
    | CaptureClosed
    | WorkerStuck
    | WorkerFreed
    | AudioChanged
    | MicrophoneOpened
    | AudioSilent
    | FragmentDurable
    | RecordingSealed
    | WriteFailed
    | DiskChanged
    | RingOverflowed
    | StorageChanged
    | BatteryChanged
    | BoardChanged
    | CardAnswered
    | ClockChanged
    | ShutdownRequested
    | CheckAsked
    | CheckEnded
    | CheckJudged
    | HelpSent
    | HelpAnswered
    | TimePassed
)

# --- actions ----------------------------------------------------------------------------------------------------------------------------


class SpeakWarning(Order, frozen=True):
    """Play the warning from its start; the voice answers with `WarningEnded`."""


class SilenceVoice(Order, frozen=True):
    """Stop the warning now; the control has already decided to continue, so a late `WarningEnded` changes nothing."""


class OpenCapture(Order, frozen=True):
    """Open the camera into the ring (nothing happens if it is open). `microphone` says whether sound may be taken."""

    microphone: bool


class SetMicrophone(Order, frozen=True):
    """Open or close the microphone of the open capture."""

    open: bool


class CloseCapture(Order, frozen=True):
    """Flush the running fragment, then close the camera (nothing happens if it is closed)."""


class RetainFrom(Order, frozen=True):
    """From now on the ring must not evict fragments that end after this instant; `None`: back to the pre-event length.

    In force from the press until the recording is sealed. What the writer has already taken for the open recording may go.
    """

    from_us: int | None


class EmptyRing(Order, frozen=True):
    """Forget every fragment and init segment that is not part of a recording."""


class BeginRecording(Order, frozen=True):
    """Write every fragment that ends after `keep_from_us`, from the ring and from now on.

    `keep_from_us` is the earliest picture that belongs to the recording (the warning's end, or the press less the pre-event time); what the
    first fragment holds before it is stated as `pre_start_us`. `number` counts recordings within this start, from 1.
    """

    number: int
    pressed_us: int | None
    keep_from_us: int
    warning: WarningOutcome | Literal["none"]
    resumes: str | None
    officer: str | None = None
    """Of the open shift, where one is; the control loop fills it in."""


class EndRecording(Order, frozen=True):
    """Write up to and including the fragment that holds `end_us`, then seal. A second one for the same recording replaces the first."""

    end_us: int
    reason: StopReason


class ContinueRecording(Order, frozen=True):
    """The officer pressed during `closing`: the `EndRecording` of this recording is withdrawn, write on as if it had not come.

    If the recording is sealed by now, nothing happens: its `RecordingSealed` is on the way, and the control answers it with a new
    `BeginRecording` whose `resumes` names the sealed one and whose `keep_from_us` is the withdrawn end.
    """

    number: int


class SealNow(Order, frozen=True):
    """Frames did not come in time: seal with what is there. Repeated while the seal does not come; nothing happens if no recording ends."""


class Pulse(Order, frozen=True):
    """Move the haptic motor once in the named pattern."""

    name: HapticName


class Refuse(Order, frozen=True):
    """Show the refused pattern once on the lamp."""

    reason: str


class Note(Order, frozen=True):
    """Write an entry to the ledger: `type` and its fields (JSON values only)."""

    type: str
    fields: tuple[tuple[str, str | int | float | bool | None], ...] = ()


def note(type_: str, **fields: str | int | float | bool | None) -> Note:
    """An entry for the ledger."""
    return Note(type_, tuple(fields.items()))


class Exit(Order, frozen=True):
    """Everything is sealed: end the daemon; `power_off` also asks the system to shut down, `reboot` to begin anew. `resumes`: the number of
    the recording that is to continue then."""

    power_off: bool
    reboot: bool = False
    resumes: int | None = None


Action = (
    SpeakWarning | SilenceVoice | OpenCapture | SetMicrophone | CloseCapture | RetainFrom | EmptyRing | BeginRecording | EndRecording
    | ContinueRecording | SealNow | Pulse | Refuse | Note | EndCheck | CallHelp | Exit
)  # fmt: skip
