"""The configuration: every key with its unit, default and bounds. `load` reads one."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import msgspec.inspect as mi
from msgspec import Meta

from bodycamd.config.board_settings import BatterySettings as BatterySettings
from bodycamd.config.board_settings import BoardSettings as BoardSettings
from bodycamd.config.board_settings import ClockSettings as ClockSettings
from bodycamd.config.board_settings import GpioSettings as GpioSettings
from bodycamd.config.board_settings import ShiftSettings as ShiftSettings
from bodycamd.config.bounds import ADDRESS_PATTERN, SALT_PATTERN, Name, Settings, Text
from bodycamd.config.paths import DEFAULT_SOCKET, DEFAULT_STORE
from bodycamd.config.station_settings import StationSettings as StationSettings
from bodycamd.config.timezone import DEFAULT_TIMEZONE
from bodycamd.foreign_text import Json


class WarningSettings(Settings, frozen=True, kw_only=True):
    """The spoken warning."""

    language: Annotated[Literal["nl", "en"], Meta(description="Which shipped warning is spoken: Dutch or English.")] = "nl"
    file: Annotated[
        Text | None,
        Meta(
            description="The municipality's own recording: WAV, PCM 16 bit, 48 kHz, mono or stereo, 0.5 to 30 s long. "
            "null: the shipped `warnings/LANGUAGE.wav` beside the configuration file."
        ),
    ] = None


class VideoSettings(Settings, frozen=True, kw_only=True):
    """Picture source and encoding: H.264."""

    source: Annotated[
        Literal["picamera2", "pattern", "file"],
        Meta(description="The camera module, a test pattern with a running clock, or an H.264 film in a loop."),
    ] = "picamera2"
    file: Annotated[Text | None, Meta(description="The film; with source: file only.")] = None
    camera: Annotated[int, Meta(ge=0, le=7, description="Number of the camera module, where there are several.")] = 0
    width: Annotated[int, Meta(ge=160, le=1920, multiple_of=2, description="Width of the picture in pixels.")] = 1920
    height: Annotated[int, Meta(ge=120, le=1080, multiple_of=2, description="Height of the picture in pixels.")] = 1080
    frame_rate: Annotated[int, Meta(ge=5, le=60, description="Frames per second.")] = 30
    bit_rate: Annotated[int, Meta(ge=200_000, le=10_000_000, description="Bits per second of the picture.")] = 6_000_000
    gop_seconds: Annotated[
        float, Meta(ge=0.5, le=2.0, description="Seconds from keyframe to keyframe: a fragment, and about what a power cut may cost.")
    ] = 1.0
    night_frame_rate: Annotated[
        Annotated[int, Meta(ge=5, le=60)] | None,
        Meta(
            description="In the dark the camera may fall to so many frames per second, for more light in each; "
            "null: never, dark pictures stay dark."
        ),
    ] = None
    rotation: Annotated[
        Literal[0, 180],
        Meta(description="Degrees by which the picture is turned, for a module that is built in upside down; a quarter turn no Pi can do."),
    ] = 0
    flip: Annotated[
        Literal["horizontal", "vertical"] | None, Meta(description="Mirrors the picture, for a module that sees through a mirror.")
    ] = None
    focus: Annotated[
        Annotated[float, Meta(ge=0, le=32)] | Literal["continuous"] | None,
        Meta(
            description="Where a module with a focus motor is focused: dioptres (1/metres: 1 is 1 m, 0.5 is 2 m), or continuous; "
            "null: the module's hyperfocal distance, so that everything from half of it to the horizon is sharp."
        ),
    ] = None
    tuning_file: Annotated[
        Text | None,
        Meta(
            description="libcamera's tuning file: the name of a shipped one (imx219_noir.json for Camera Module 2 NoIR), or an absolute "
            "path; null: libcamera's choice."
        ),
    ] = None
    module: Annotated[
        Literal["module-2", "module-2-noir", "module-3", "module-3-noir", "module-3-wide", "module-3-wide-noir", "global-shutter", "hq"]
        | None,
        Meta(description="The camera module that is fitted, for `config check`, and stated where another one is found; null: not said."),
    ] = None


MicrophoneChannel = Literal["mix", "left", "right"]


class MicrophoneSettings(Settings, frozen=True, kw_only=True):
    """Sound source and encoding: 48 kHz mono AAC-LC."""

    source: Annotated[Literal["alsa", "tone", "file"], Meta(description="The microphone, a test tone, or a WAV file in a loop.")] = "alsa"
    device: Annotated[
        Text | None,
        Meta(description="ALSA name of the microphone, as `arecord -L` prints it, or its card's id; null: the only one there is."),
    ] = None
    channel: Annotated[
        MicrophoneChannel,
        Meta(
            description="What of a stereo card is recorded: one side, or the mean of all. A single I2S microphone fills one side only: "
            "mix halves it (-6 dB), and the wrong side is digital silence."
        ),
    ] = "mix"
    gain_db: Annotated[
        float, Meta(ge=-20, le=30, description="Decibels by which sound is made louder; peaks are held below full scale.")
    ] = 0.0
    file: Annotated[Text | None, Meta(description="The WAV file; with source: file only.")] = None
    bit_rate: Annotated[int, Meta(ge=32_000, le=192_000, description="Bits per second of the sound.")] = 96_000


class SpeakerSettings(Settings, frozen=True, kw_only=True):
    """Where the warning is played."""

    output: Annotated[Literal["alsa", "simulated"], Meta(description="The sound card, or WAV files in simulation_directory.")] = "alsa"
    device: Annotated[
        Text | None,
        Meta(description="ALSA name of the speaker, as `aplay -L` prints it, or its card's id; null: the only card that is not HDMI."),
    ] = None


class GestureSettings(Settings, frozen=True, kw_only=True):
    """The officer's gestures."""

    stop: Annotated[
        Literal["hold_then_press", "hold"],
        Meta(
            description="What stops a recording. hold_then_press: hold, release, press within 5 s; a fall or a seat belt does not. "
            "hold: the hold alone; a press within 10 s of it resumes."
        ),
    ] = "hold_then_press"
    hold_seconds: Annotated[float, Meta(ge=1.5, le=4.0, description="Seconds until a press counts as held.")] = 2.0
    bounce_ms: Annotated[int, Meta(ge=5, le=50, description="Milliseconds after an edge in which the contact may bounce.")] = 20
    stuck_seconds: Annotated[float, Meta(ge=10, le=300, description="Seconds after which the button is reported as stuck.")] = 30.0


class RingSettings(Settings, frozen=True, kw_only=True):
    """The ring of sealed fragments in memory: pre-event buffer in standby, cushion for a slow card while recording."""

    seconds: Annotated[
        int, Meta(ge=10, le=300, description="Seconds of footage it may hold: pre_event_seconds, two GOPs and a cushion of 8 s must fit.")
    ] = 150
    megabytes: Annotated[int, Meta(ge=8, le=512, description="Megabytes (10^6 bytes) it may hold: the same must fit.")] = 128

    @property
    def max_bytes(self) -> int:
        """The bound in bytes."""
        return self.megabytes * 1_000_000


class StorageSettings(Settings, frozen=True, kw_only=True):
    """Where sealed footage and the ledger live."""

    directory: Annotated[Text, Meta(description="Folder of recordings/ and ledger/.")] = str(DEFAULT_STORE)
    when_full: Annotated[
        Literal["stop", "overwrite_sent"],
        Meta(
            description="With no room for footage: stop closes the recording and refuses presses. overwrite_sent: before it comes to that "
            "the oldest recordings go that the station has shown to have; what is held or not sent stays. Only with a station."
        ),
    ] = "stop"
    reserve_minutes: Annotated[int, Meta(ge=1, le=240, description="With less room than this many minutes the officer is told.")] = 30
    segment_seconds: Annotated[int, Meta(ge=10, le=300, description="Length of a segment file in seconds; at least ten GOPs.")] = 60


class KeySettings(Settings, frozen=True, kw_only=True):
    """The public keys that footage is sealed to, and the folder of the camera's own signing keys."""

    recipients: Annotated[
        Text, Meta(description="File of age recipients (age1…), one per line: the holders of the private keys. Public keys only.")
    ] = "/etc/bodycamd/recipients.txt"
    signing: Annotated[Text, Meta(description="Folder of the camera's own signing keys.")] = "/var/lib/bodycamd/device"
    root: Annotated[
        Text | None,
        Meta(
            description="File of the municipality's root, as a card brings it; null: no roster, no orders. With it footage recipients come "
            "from the roster alone."
        ),
    ] = None
    roster: Annotated[Text | None, Meta(description="File of the first roster; a newer one put there counts from the next start.")] = None


class SocketSettings(Settings, frozen=True, kw_only=True):
    """The control socket and the groups that may use it; the control's trace."""

    socket: Annotated[Text, Meta(description="Path of the control socket, at most 107 bytes.")] = str(DEFAULT_SOCKET)
    group: Annotated[
        Name,
        Meta(
            description="System group that may connect and read: status, events, an anchor, the holds, what a sweep would delete. "
            "The packaged unit opens the socket's folder to the group bodycam only."
        ),
    ] = "bodycam"
    admin_group: Annotated[
        Name,
        Meta(
            description="System group that may also begin and end shifts, place and release holds, sweep and log an offload. "
            "Its members must be in `group` too, or they cannot reach the socket."
        ),
    ] = "bodycam-admin"
    uplink_user: Annotated[
        Name | None,
        Meta(
            description="System user that may also deliver signed orders, rosters and receipts (docs/orders.md), and be handed what is to "
            "be sent to the station; it must be in `group`: bodycam-uplink where `station.url` is given. null: only members of admin_group "
            "deliver, and nothing is handed out."
        ),
    ] = None
    trace: Annotated[
        Text | None,
        Meta(
            description="File for a trace of what the control decides, for who looks for a fault; null: none. No footage, no names; "
            "at most 8 MB, in two files."
        ),
    ] = None


class RetentionSettings(Settings, frozen=True, kw_only=True):
    """How long footage is kept."""

    days: Annotated[int, Meta(ge=1, le=3650, description="Days until footage not on hold is deleted; above 28 only with legal_basis.")] = 28
    legal_basis: Annotated[Text | None, Meta(description="The written basis for more than 28 days: decree, article, date.")] = None


class LedgerSettings(Settings, frozen=True, kw_only=True):
    """How long the ledger is kept."""

    keep_months: Annotated[int, Meta(ge=1, le=240, description="Months that ledger entries are kept.")] = 24


class Config(Settings, frozen=True, kw_only=True):
    """The whole configuration."""

    device_id: Annotated[Name, Meta(description="Name of this camera in every statement: letters, digits, `.`, `_`, `-`; at most 64.")]
    pre_event_seconds: Annotated[
        int, Meta(ge=0, le=120, description="Seconds kept from before the press; 0: camera closed in standby. Needs record_warning.")
    ] = 0
    pre_event_audio: Annotated[bool, Meta(description="Whether sound is kept from before the press too.")] = False
    post_event_seconds: Annotated[int, Meta(ge=0, le=120, description="Seconds that are recorded on after the stop.")] = 0
    record_warning: Annotated[bool, Meta(description="Whether the recording holds the time of the spoken warning too.")] = False
    on_warning_failure: Annotated[
        Literal["record", "refuse"], Meta(description="When the warning cannot be spoken: record, show it, log it; or refuse.")
    ] = "record"
    audio: Annotated[bool, Meta(description="Whether sound is recorded.")] = True
    reminder_seconds: Annotated[int, Meta(ge=10, le=3600, description="While recording, one short pulse every so many seconds.")] = 120
    help_call: Annotated[
        bool,
        Meta(description="Whether holding the button for 10 s while recording calls for help, through the station (docs/help-call.md)."),
    ] = False
    timezone: Annotated[
        Text,
        Meta(description="Local time of reports, lists and pages, by its name in the IANA database; what is signed stays in UTC."),
    ] = DEFAULT_TIMEZONE
    simulation_directory: Annotated[
        Text | None, Meta(description="Folder of the simulated board's sockets and files; only where something is simulated.")
    ] = None
    warning: WarningSettings = WarningSettings()
    video: VideoSettings = VideoSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    speaker: SpeakerSettings = SpeakerSettings()
    board: BoardSettings = BoardSettings()
    clock: ClockSettings = ClockSettings()
    gestures: GestureSettings = GestureSettings()
    ring: RingSettings = RingSettings()
    storage: StorageSettings = StorageSettings()
    keys: KeySettings = KeySettings()
    control: SocketSettings = SocketSettings()
    retention: RetentionSettings = RetentionSettings()
    ledger: LedgerSettings = LedgerSettings()
    shift: ShiftSettings = ShiftSettings()
    station: StationSettings = StationSettings()

    @property
    def warning_path(self) -> Path:
        """The WAV that is spoken. Only for a `Config` from `load`."""
        if self.warning.file is None:
            raise ValueError("the configuration was not made by load()")
        return Path(self.warning.file)


PATH_KEYS = (
    "warning.file",
    "video.file",
    "microphone.file",
    "simulation_directory",
    "storage.directory",
    "keys.recipients",
    "keys.signing",
    "keys.root",
    "keys.roster",
    "control.socket",
    "control.trace",
    "board.sensors",
    "board.cards",
    "shift.cards",
    "station.ca",
)
"""The keys that hold paths: relative ones are relative to the configuration file's folder."""


def schema() -> dict[str, Json]:
    """The JSON Schema of the configuration, for editors."""
    made = msgspec.json.schema(Config)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "bodycamd configuration", **made}


@cache
def key_types() -> dict[str, mi.Field]:
    """Every key's path with its type and default, sections not counted."""
    return dict(_leaves(Config, ""))


def allowed(key: str) -> str:
    """What may stand at a key, in words; for a section or an unknown key, the keys that exist there."""
    types = key_types()
    if key in types:
        return _in_words(types[key].type)
    section = key
    while section and not any(k.startswith(section + ".") for k in types):
        section = section.rpartition(".")[0]
    prefix = section + "." if section else ""
    here = dict.fromkeys(k.removeprefix(prefix).partition(".")[0] for k in types if k.startswith(prefix))
    return ("a mapping of " if section == key else "") + ", ".join(here)


def literals(key: str) -> list[str]:
    """The words that may stand at a key; none where it takes any text, or no text."""
    field = key_types().get(key)
    return _words(field.type) if field is not None else []


def _words(kind: mi.Type) -> list[str]:
    match kind:
        case mi.Metadata():
            return _words(kind.type)
        case mi.UnionType():
            return [word for part in kind.types for word in _words(part)]
        case mi.LiteralType():
            return [str(value) for value in kind.values]
        case mi.BoolType():
            return ["true", "false"]
        case mi.NoneType():
            return ["null"]
        case _:
            return []


def _leaves(section: type[msgspec.Struct], prefix: str) -> list[tuple[str, mi.Field]]:
    found: list[tuple[str, mi.Field]] = []
    made = mi.type_info(section)
    assert isinstance(made, mi.StructType)
    for field in made.fields:
        if isinstance(field.type, mi.StructType):
            found += _leaves(field.type.cls, f"{prefix}{field.name}.")
        else:
            found.append((prefix + field.name, field))
    return found


def _in_words(kind: mi.Type) -> str:
    match kind:
        case mi.Metadata():
            return _in_words(kind.type)
        case mi.UnionType():
            return " or ".join(_in_words(t) for t in kind.types)
        case mi.LiteralType():
            return ", ".join(str(v) for v in kind.values)
        case mi.IntType():
            even = "an even whole number" if kind.multiple_of == 2 else "a whole number"
            return f"{even} from {kind.ge} to {kind.le}"
        case mi.FloatType():
            return f"a number from {kind.ge} to {kind.le}"
        case mi.BoolType():
            return "true or false"
        case mi.NoneType():
            return "null"
        case mi.StrType(pattern=pattern) if pattern == ADDRESS_PATTERN:
            return "an I2C address in quotes, from '0x08' to '0x77'"
        case mi.StrType(pattern=pattern) if pattern == SALT_PATTERN:
            return "32 hex digits in quotes"
        case mi.StrType(pattern=str()):
            return "1 to 64 letters, digits, dots, underscores, dashes (a letter or digit first)"
        case mi.StrType(min_length=int() as least, max_length=int() as most):
            return f"text of {least} to {most} characters"
        case _:
            return "text"
