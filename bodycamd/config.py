"""The configuration: every key with its unit, default and bounds, and the strict loader.

`load(path)` gives a `Config` or raises `ConfigError`; nothing is ever guessed. YAML is read strictly: repeated keys, anchors, aliases, merge keys and the
YAML 1.1 booleans (`yes`, `no`, `on`, `off`) are refused, as are unknown keys, wrong types, values out of bounds and contradictions. Relative paths are
relative to the configuration file's folder.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, no unknown keys."""


class WarningSettings(Settings):
    """The spoken warning."""

    language: Literal["nl", "en"] = "nl"
    file: str | None = None


class VideoSettings(Settings):
    """Picture source and encoding."""

    source: Literal["picamera2", "pattern", "file"] = "picamera2"
    file: str | None = None
    camera: Annotated[int, Meta(ge=0, le=7)] = 0
    width: Annotated[int, Meta(ge=160, le=1920, multiple_of=2)] = 1920
    height: Annotated[int, Meta(ge=120, le=1080, multiple_of=2)] = 1080
    frame_rate: Annotated[int, Meta(ge=5, le=60)] = 30
    bit_rate: Annotated[int, Meta(ge=200_000, le=10_000_000)] = 6_000_000
    gop_seconds: Annotated[float, Meta(ge=0.5, le=2.0)] = 1.0


class MicrophoneSettings(Settings):
    """Sound source and encoding: 48 kHz mono AAC-LC."""

    source: Literal["alsa", "tone", "file"] = "alsa"
    device: str | None = None
    file: str | None = None
    bit_rate: Annotated[int, Meta(ge=32_000, le=192_000)] = 96_000


class SpeakerSettings(Settings):
    """Where the warning is played."""

    output: Literal["alsa", "simulated"] = "alsa"
    device: str | None = None


class GpioSettings(Settings):
    """BCM pin numbers; `null` where a part is not fitted."""

    button: Annotated[int, Meta(ge=0, le=27)] = 17
    led: Annotated[int, Meta(ge=0, le=27)] = 27
    ready_led: Annotated[int, Meta(ge=0, le=27)] | None = None
    haptic: Annotated[int, Meta(ge=0, le=27)] | None = 22


class BatterySettings(Settings):
    """The gauge: a name below /sys/class/power_supply, or `null` where there is none."""

    supply: str | None = None
    low_percent: Annotated[int, Meta(ge=5, le=50)] = 15
    critical_percent: Annotated[int, Meta(ge=1, le=20)] = 3


class BoardSettings(Settings):
    """Which hardware stands behind the ports."""

    adapter: Literal["pi", "simulated"] = "pi"
    gpio: GpioSettings = GpioSettings()
    battery: BatterySettings = BatterySettings()


class GestureSettings(Settings):
    """The officer's gestures."""

    hold_seconds: Annotated[float, Meta(ge=1.0, le=5.0)] = 2.0
    bounce_ms: Annotated[int, Meta(ge=5, le=50)] = 20
    stuck_seconds: Annotated[float, Meta(ge=10, le=300)] = 30.0


class RingSettings(Settings):
    """The ring of sealed fragments in memory: pre-event buffer in standby, cushion for a slow card while recording."""

    seconds: Annotated[int, Meta(ge=10, le=300)] = 150
    megabytes: Annotated[int, Meta(ge=8, le=512)] = 128


class StorageSettings(Settings):
    """Where sealed footage and the ledger live."""

    directory: str = "/var/lib/bodycamd/store"
    when_full: Literal["stop"] = "stop"
    reserve_minutes: Annotated[int, Meta(ge=1, le=240)] = 30
    segment_seconds: Annotated[int, Meta(ge=10, le=300)] = 60


class KeySettings(Settings):
    """The public keys that footage is sealed to, and the folder of the camera's own signing keys."""

    recipients: str = "/etc/bodycamd/recipients.txt"
    signing: str = "/var/lib/bodycamd/device"


class ControlSettings(Settings):
    """The control socket and the groups that may use it."""

    socket: str = "/run/bodycamd/control.sock"
    group: str = "bodycam"
    admin_group: str = "bodycam-admin"


class RetentionSettings(Settings):
    """How long footage is kept. More than 28 days needs a written legal basis."""

    days: Annotated[int, Meta(ge=1, le=3650)] = 28
    legal_basis: str | None = None


class LedgerSettings(Settings):
    """How long the ledger is kept."""

    keep_months: Annotated[int, Meta(ge=1, le=240)] = 24


class Config(Settings):
    """The whole configuration."""

    device_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    pre_event_seconds: Annotated[int, Meta(ge=0, le=120)] = 0
    pre_event_audio: bool = False
    post_event_seconds: Annotated[int, Meta(ge=0, le=120)] = 0
    record_warning: bool = False
    on_warning_failure: Literal["record", "refuse"] = "record"
    audio: bool = True
    reminder_seconds: Annotated[int, Meta(ge=10, le=3600)] = 120
    simulation_directory: str | None = None
    warning: WarningSettings = WarningSettings()
    video: VideoSettings = VideoSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    speaker: SpeakerSettings = SpeakerSettings()
    board: BoardSettings = BoardSettings()
    gestures: GestureSettings = GestureSettings()
    ring: RingSettings = RingSettings()
    storage: StorageSettings = StorageSettings()
    keys: KeySettings = KeySettings()
    control: ControlSettings = ControlSettings()
    retention: RetentionSettings = RetentionSettings()
    ledger: LedgerSettings = LedgerSettings()
