"""What may happen to the camera (events) and what the control asks for (actions).

Adapters post events to the one control loop; `machine.step(state, event, now_us)` turns each into a new state and a list of actions; the
loop hands the actions to the adapters. Times are CLOCK_BOOTTIME microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WarningOutcome = Literal["played_to_device", "skipped", "failed"]
StorageLevel = Literal["ok", "low", "full"]
BatteryLevel = Literal["ok", "low", "critical"]
StopReason = Literal["officer", "storage_full", "battery_critical", "shutdown", "write_failed"]
HapticName = Literal["ready", "started", "reminder", "missing", "low", "saved", "refused"]

# --- events -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResumeOffer:
    """A recording of this boot that the last run of the daemon left open."""

    recording: str
    last_durable_us: int
    recent_resumes: int
    """How many recordings of the last minute were themselves resumed ones."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The store is open and recovered, the worker's spare and the voice are prepared or known to fail."""

    resume: ResumeOffer | None = None


@dataclass(frozen=True, slots=True)
class ButtonDown:
    """Gesture: the button went down (bounce removed)."""

    at_us: int


@dataclass(frozen=True, slots=True)
class ButtonTapped:
    """Gesture: the button was released before the hold time."""

    at_us: int


@dataclass(frozen=True, slots=True)
class ButtonHeld:
    """Gesture: the button is still down at the hold time."""

    at_us: int


@dataclass(frozen=True, slots=True)
class ButtonStuck:
    """Gesture: the button has been down far longer than any hold; stated once, until it is released."""

    at_us: int


@dataclass(frozen=True, slots=True)
class ButtonFreed:
    """Gesture: a button that was stated stuck has come up."""

    at_us: int


@dataclass(frozen=True, slots=True)
class WarningEnded:
    """The voice finished, was silenced, or failed. `file_sha256` is of the WAV file; empty where no file could be read."""

    at_us: int
    outcome: WarningOutcome
    file_sha256: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class VoiceHealth:
    """The voice child is prepared (`ok`) or cannot speak, with the reason."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CaptureFlowing:
    """The first fragment of a generation has arrived in the ring."""

    generation: int
    encoder: str
    frame_rate: float


@dataclass(frozen=True, slots=True)
class CaptureStalled:
    """Frames stopped or the worker failed: it is being killed and replaced."""

    generation: int
    reason: str
    last_frame_us: int | None


@dataclass(frozen=True, slots=True)
class CaptureClosed:
    """A generation ended as asked: its last fragment is in the ring and the camera is closed."""

    generation: int


@dataclass(frozen=True, slots=True)
class AudioChanged:
    """The sound of the stream became live, off or lost."""

    generation: int
    audio: Literal["live", "off", "lost"]


@dataclass(frozen=True, slots=True)
class FragmentDurable:
    """Acknowledged: this fragment is on disk (after `fdatasync`, and `fsync` of its folder where it is new)."""

    recording: str
    segment: int
    index: int
    seq: int
    sha256: str
    pts_us: int
    duration_us: int
    at_us: int


@dataclass(frozen=True, slots=True)
class RecordingSealed:
    """The last segment is renamed and its `sealed` and `closed` entries are durable; or, where it is not `whole`, footage that belongs to
    the recording did not get onto the disk, or the disk did not take the seal. What was acknowledged is there either way."""

    recording: str
    duration_us: int
    at_us: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """A disk operation failed. The writer has abandoned the segment as it stands and goes on with a new one where it can."""

    operation: str
    reason: str


@dataclass(frozen=True, slots=True)
class DiskChanged:
    """The disk became unusable (gone, read-only, or the ledger's entries wait for it), or usable again."""

    usable: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RingOverflowed:
    """Fragments that were not yet on disk had to be dropped; the writer states the gap."""

    fragments: int
    dropped_us: int


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """The room for footage crossed a threshold (with hysteresis, decided by the reporter)."""

    level: StorageLevel
    minutes_left: float


@dataclass(frozen=True, slots=True)
class BatteryChanged:
    """The battery crossed a threshold."""

    level: BatteryLevel
    percent: float | None


@dataclass(frozen=True, slots=True)
class ClockChanged:
    """The wall clock became trusted or lost trust, or was stepped."""

    trusted: bool
    source: str
    step_us: int = 0


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """SIGTERM, or power-off: close, seal and end."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A deadline that the state asked for has come."""


Event = (
    Ready
    | ButtonDown
    | ButtonTapped
    | ButtonHeld
    | ButtonStuck
    | ButtonFreed
    | WarningEnded
    | VoiceHealth
    | CaptureFlowing
    | CaptureStalled
    | CaptureClosed
    | AudioChanged
    | FragmentDurable
    | RecordingSealed
    | WriteFailed
    | DiskChanged
    | RingOverflowed
    | StorageChanged
    | BatteryChanged
    | ClockChanged
    | ShutdownRequested
    | TimePassed
)

# --- actions ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeakWarning:
    """Play the warning from its start; the voice answers with `WarningEnded`."""


@dataclass(frozen=True, slots=True)
class SilenceVoice:
    """Stop the warning now; the control has already decided to go on, so a late `WarningEnded` changes nothing."""


@dataclass(frozen=True, slots=True)
class OpenCapture:
    """Open the camera into the ring (nothing happens if it is open). `microphone` tells whether sound may be taken."""

    microphone: bool


@dataclass(frozen=True, slots=True)
class SetMicrophone:
    """Open or close the microphone of the open capture."""

    open: bool


@dataclass(frozen=True, slots=True)
class CloseCapture:
    """Flush the running fragment, then close the camera (nothing happens if it is closed)."""


@dataclass(frozen=True, slots=True)
class RetainFrom:
    """From now on the ring must not evict fragments that end after this instant; `None`: back to the pre-event length.

    In force from the press until the recording is sealed. What the writer has already taken for the open recording may go.
    """

    from_us: int | None


@dataclass(frozen=True, slots=True)
class EmptyRing:
    """Forget every fragment and init segment that is not part of a recording."""


@dataclass(frozen=True, slots=True)
class BeginRecording:
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


@dataclass(frozen=True, slots=True)
class EndRecording:
    """Write up to and including the fragment that holds `end_us`, then seal. A second one for the same recording replaces the first."""

    end_us: int
    reason: StopReason


@dataclass(frozen=True, slots=True)
class ContinueRecording:
    """The officer pressed during `closing`: the `EndRecording` of this recording is withdrawn, write on as if it had not come.

    If the recording is sealed by now, nothing happens: its `RecordingSealed` is on the way, and the control answers it with a new
    `BeginRecording` whose `resumes` names the sealed one and whose `keep_from_us` is the withdrawn end.
    """

    number: int


@dataclass(frozen=True, slots=True)
class SealNow:
    """Frames did not come in time: seal with what is there. Repeated while the seal does not come; nothing happens if no recording ends."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Move the haptic motor once in the named pattern."""

    name: HapticName


@dataclass(frozen=True, slots=True)
class Refuse:
    """Show the refused pattern once on the lamp."""

    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Write an entry to the ledger: `type` and its fields (JSON values only)."""

    type: str
    fields: tuple[tuple[str, str | int | float | bool | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """Everything is sealed: end the daemon; `power_off` also asks the system to shut down."""

    power_off: bool


Action = (
    SpeakWarning
    | SilenceVoice
    | OpenCapture
    | SetMicrophone
    | CloseCapture
    | RetainFrom
    | EmptyRing
    | BeginRecording
    | EndRecording
    | ContinueRecording
    | SealNow
    | Pulse
    | Refuse
    | Note
    | Exit
)
