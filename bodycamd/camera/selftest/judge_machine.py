"""Judges storage, clocks, keys, supply and confinement. Pure."""

from __future__ import annotations

from typing import Final

from bodycamd.camera.selftest.measured import (
    BatteryFacts,
    ClockFacts,
    DiskFacts,
    HeatFacts,
    KeyFacts,
    RecipientFacts,
    SandboxFacts,
    SpaceFacts,
    SwapFacts,
)
from bodycamd.camera.selftest.verdict import Verdict, failed, not_checked, passed

SPARE: Final = 2.0
"""A card writes this many times what footage needs: it also has to clear blocks, and it ages."""
LATE_MS: Final = 1500.0
"""The ring holds at least 8 s of cushion; a card that needs this long on the bench needs longer when it is full."""
SOFTWARE_YEAR: Final = 2025
"""This software is no older."""
FULL_SHIFT_PERCENT: Final = 50.0
HOT_CELSIUS: Final = 75.0
"""Before work: from 80 °C on the firmware slows the processor down."""
MOST_EXPOSURE: Final = 1.5
CONFINED: Final = (
    "not dumpable",
    "no new privileges",
    "dies with the recorder",
    "no file outside /dev can be written",
    "no network, no exec",
)
"""What the worker reports where it is in force (`linux.sandbox`)."""


def disk(facts: DiskFacts) -> Verdict:
    """It takes footage fast enough, and durably in time."""
    if facts.fault is not None:
        return failed("disk", "no_disk", fault=facts.fault)
    if facts.bytes_per_second < SPARE * facts.needed_bytes_per_second:
        needed = SPARE * facts.needed_bytes_per_second / 1e6
        return failed("disk", "slow_disk", measured=facts.bytes_per_second / 1e6, needed=needed)
    if facts.worst_sync_ms > LATE_MS:
        return failed("disk", "late_disk", worst_sync_ms=facts.worst_sync_ms)
    return passed("disk", bytes_per_second=round(facts.bytes_per_second), worst_sync_ms=round(facts.worst_sync_ms, 1))


def disk_told(wrong: str) -> Verdict:
    """What the daemon says of it: while it runs, its card is not written for a test."""
    return failed("disk", "no_disk", fault=wrong) if wrong else not_checked("disk", "held_by_the_daemon")


def space(facts: SpaceFacts) -> Verdict:
    """There is room for more than the reserve."""
    if facts.fault is not None:
        return failed("space", "no_disk", fault=facts.fault)
    if facts.minutes < facts.reserve_minutes:
        return failed("space", "little_space", minutes=facts.minutes, reserve_minutes=facts.reserve_minutes)
    return passed("space", minutes=round(facts.minutes))


def clock(facts: ClockFacts, *, on_the_bench: bool = True) -> Verdict:
    """The wall clock can be trusted. In the field, away from every time server, that is no reason to stay in."""
    if facts.year < SOFTWARE_YEAR:
        return failed("clock", "clock_wrong", year=facts.year)
    if not facts.trusted:
        return (failed if on_the_bench else not_checked)("clock", "clock_untrusted", source=facts.source)
    return passed("clock", source=facts.source)


def rtc(facts: ClockFacts) -> Verdict:
    """The battery-backed clock is there and agrees."""
    if facts.rtc == "none" or facts.rtc_agrees is None:
        return not_checked("rtc", "not_fitted")
    return passed("rtc", rtc=facts.rtc) if facts.rtc_agrees else failed("rtc", "no_rtc", rtc=facts.rtc)


def signing_keys(facts: KeyFacts) -> Verdict:
    """The one that the ledger names can be read."""
    if facts.fault is not None:
        return failed("signing_keys", "no_key", fault=facts.fault)
    return passed("signing_keys")


def recipients(facts: RecipientFacts) -> Verdict:
    """The file holds recipients, and nothing else."""
    if facts.fault is not None or not facts.recipients:
        return failed("recipients", "no_recipients", fault=facts.fault or "0")
    return passed("recipients", recipients=facts.recipients)


def battery(facts: BatteryFacts) -> Verdict:
    """The gauge answers, and the charge is enough to go out with."""
    if not facts.fitted:
        return not_checked("battery", "not_fitted")
    if facts.fault is not None or facts.percent is None:
        return failed("battery", "no_gauge", fault=facts.fault or "-")
    if facts.level != "ok" or facts.percent < FULL_SHIFT_PERCENT:
        return failed("battery", "battery_low", percent=facts.percent)
    return passed("battery", percent=round(facts.percent))


def heat(facts: HeatFacts) -> Verdict:
    """It is cool, not slowed down, and its supply is good."""
    if facts.under_voltage:
        return failed("heat", "under_voltage")
    if facts.celsius is not None and facts.celsius >= HOT_CELSIUS:
        return failed("heat", "hot", celsius=facts.celsius)
    if facts.throttled:
        return failed("heat", "throttled")
    return not_checked("heat", "no_sensors") if facts.celsius is None else passed("heat", celsius=round(facts.celsius, 1))


def swap(facts: SwapFacts) -> Verdict:
    """Footage and keys cannot be swapped to the card."""
    if facts.degraded:
        return failed("swap", "swap", because=facts.because, to_do=facts.to_do or "-")
    return passed("swap", because=facts.because)


def sandbox(facts: SandboxFacts) -> Verdict:
    """Worker and daemon can do no more than they need."""
    if not facts.worker:
        return not_checked("sandbox", "nothing_came")
    missing = [promise for promise in CONFINED if promise not in facts.worker]
    if missing:
        return failed("sandbox", "worker_not_confined", missing=", ".join(missing))
    lacking = [what for what, there in (("NoNewPrivs", facts.no_new_privileges), ("Seccomp", facts.seccomp)) if there is False]
    if lacking:
        return failed("sandbox", "daemon_not_confined", missing=", ".join(lacking))
    if facts.exposure is not None and facts.exposure > MOST_EXPOSURE:
        return failed("sandbox", "exposed", exposure=facts.exposure, allowed=MOST_EXPOSURE)
    return passed("sandbox") if facts.exposure is None else passed("sandbox", exposure=facts.exposure)
