"""What the probes measure beside camera and microphone (`camera.capture.look`): values without judgement. A part that could not be
measured says why in `fault`."""

from __future__ import annotations

from msgspec import Struct

from bodycamd.camera.control.events import BatteryLevel, WarningOutcome


class ButtonFacts(Struct, frozen=True, kw_only=True):
    """What the button did in `waited_seconds`, bounce included."""

    down_at_rest: bool
    presses: int
    released: bool
    bounce_ms: float
    """From the first to the last edge of the worst contact."""
    waited_seconds: float
    fault: str | None = None


class OutputFacts(Struct, frozen=True, kw_only=True):
    """A lamp or the motor was switched. `noticed`: what the person said of it; `None` where nobody was asked."""

    noticed: bool | None
    fault: str | None = None


class VoiceFacts(Struct, frozen=True, kw_only=True):
    """What the voice process said of the warning; `None` where it said nothing in time."""

    outcome: WarningOutcome | None
    detail: str


class ChannelFacts(Struct, frozen=True, kw_only=True):
    """The level of each side of the microphone's card, in dBFS, as the card gives it. One side alone: a mono card."""

    sides_dbfs: tuple[float, ...] = ()
    fault: str | None = None


class DiskFacts(Struct, frozen=True, kw_only=True):
    """Pieces of the size of a fragment, each written and synchronised."""

    bytes_per_second: float = 0.0
    worst_sync_ms: float = 0.0
    needed_bytes_per_second: float
    fault: str | None = None


class SpaceFacts(Struct, frozen=True, kw_only=True):
    """How long the card can still record, and what the configuration wants at least."""

    minutes: float = 0.0
    reserve_minutes: int
    fault: str | None = None


class ClockFacts(Struct, frozen=True, kw_only=True):
    """The wall clock, as the daemon would trust it, and the real-time clock that is configured. `rtc_agrees` is `None` without one."""

    trusted: bool
    source: str
    year: int
    rtc: str = "none"
    rtc_agrees: bool | None = None


class KeyFacts(Struct, frozen=True, kw_only=True):
    """Whether the signing key that the ledger names is there."""

    fault: str | None = None


class RecipientFacts(Struct, frozen=True, kw_only=True):
    """How many recipients the file holds."""

    recipients: int = 0
    fault: str | None = None


class BatteryFacts(Struct, frozen=True, kw_only=True):
    """The gauge's word; `fitted` is false where none is configured."""

    fitted: bool
    level: BatteryLevel = "ok"
    percent: float | None = None
    charging: bool | None = None
    fault: str | None = None


class HeatFacts(Struct, frozen=True, kw_only=True):
    """`None`: this machine does not tell."""

    celsius: float | None = None
    throttled: bool | None = None
    under_voltage: bool | None = None


class SwapFacts(Struct, frozen=True, kw_only=True):
    """The judgement of `bodycamd.linux.swap`."""

    degraded: bool
    because: str
    to_do: str | None


class SandboxFacts(Struct, frozen=True, kw_only=True):
    """What the worker reported of itself; and of the daemon, where one runs as the unit starts it, what the kernel says of the process.
    `exposure`: what `systemd-analyze security` says of the unit; `None` where there is none."""

    worker: str
    no_new_privileges: bool | None = None
    seccomp: bool | None = None
    exposure: float | None = None
