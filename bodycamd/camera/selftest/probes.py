"""Measures storage, clocks, keys, supply and confinement of this machine. Thin: what it means is judged in `judge_machine`.

Nothing is left behind: what is written to the storage never has a name.
"""

from __future__ import annotations

import array
import math
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bodycamd.camera.board.ports import Battery, Sensors
from bodycamd.camera.capture.worker.encrypt import load_recipients
from bodycamd.camera.capture.worker.sound_conversion import RATES
from bodycamd.camera.recorder.space import LEDGER_RESERVE_BYTES, room
from bodycamd.camera.selftest.measured import (
    BatteryFacts,
    ChannelFacts,
    ClockFacts,
    DiskFacts,
    HeatFacts,
    KeyFacts,
    RecipientFacts,
    SpaceFacts,
    SwapFacts,
)
from bodycamd.config.settings import Config, MicrophoneSettings
from bodycamd.errors import BodycamError, UnavailableError
from bodycamd.evidence.keys import KeyFolder
from bodycamd.evidence.ledger import last_start
from bodycamd.footage import FLOOR_DBFS
from bodycamd.linux import alsa, durable, memory, swap
from bodycamd.linux.clock import SystemClock, boottime_us
from bodycamd.linux.rtc import RealTimeClock
from bodycamd.linux.sound_cards import cards_now, not_opened, resolve
from bodycamd.linux.unnamed import UnnamedFile

PIECES: Final = 12
OVERHEAD: Final = 1.02
"""Of container, age and statements."""
SIDE_SECONDS: Final = 1.0
SENSORS_SECONDS: Final = 6.0
"""A reading comes every five."""
_FIRST_KEY: Final = "000001.key"
_EXPOSURE: Final = re.compile(r"Overall exposure level for \S+: ([0-9.]+)")


def bytes_per_second(config: Config) -> float:
    """What footage takes of the storage."""
    return (config.video.bit_rate + (config.microphone.bit_rate if config.audio else 0)) / 8 * OVERHEAD


def disk(config: Config) -> DiskFacts:
    """Write and synchronise pieces of a second each."""
    needed = bytes_per_second(config)
    piece = os.urandom(round(needed))
    worst = 0.0
    try:
        with UnnamedFile(_existing(Path(config.storage.directory)), "selftest") as file:
            began = time.monotonic()
            for number in range(PIECES):
                durable.write_all(file.descriptor, (piece,), number * len(piece))
                synced_from = time.monotonic()
                file.sync()
                worst = max(worst, time.monotonic() - synced_from)
            took = time.monotonic() - began
    except OSError as error:
        return DiskFacts(needed_bytes_per_second=needed, fault=error.strerror or str(error))
    return DiskFacts(bytes_per_second=PIECES * len(piece) / max(took, 1e-6), worst_sync_ms=worst * 1000, needed_bytes_per_second=needed)


def space(config: Config) -> SpaceFacts:
    """How much still fits."""
    reserve_minutes = config.storage.reserve_minutes
    try:
        at = os.statvfs(_existing(Path(config.storage.directory)))
    except OSError as error:
        return SpaceFacts(reserve_minutes=reserve_minutes, fault=error.strerror)
    found = room(
        free_bytes=at.f_bavail * at.f_frsize,
        reserve_bytes=LEDGER_RESERVE_BYTES,
        bytes_per_second=bytes_per_second(config),
        low_minutes=reserve_minutes,
        previous="ok",
    )
    return SpaceFacts(minutes=found.minutes_left, reserve_minutes=reserve_minutes)


def clock(config: Config) -> ClockFacts:
    """The wall clock, with the real-time clock that is configured."""
    kind = config.clock.rtc
    rtc = None if kind == "none" else RealTimeClock(kind, boottime_us)
    if rtc is not None:
        rtc.look()
    reading = SystemClock(rtc).read()
    return ClockFacts(
        trusted=reading.trusted,
        source=reading.source,
        year=datetime.fromtimestamp(reading.wall_us / 1e6, UTC).year,
        rtc=kind,
        rtc_agrees=None if rtc is None else rtc.error_ms(reading.wall_us, boottime_us()) is not None,
    )


def signing_keys(config: Config) -> KeyFacts:
    """Whether the key is there that the next start must sign with."""
    keys = KeyFolder(Path(config.keys.signing))
    try:
        named = last_start(Path(config.storage.directory, "ledger"), keys).next_key
        there = keys.folder.joinpath(_FIRST_KEY).is_file() if named is None else keys.holds(named)
    except (BodycamError, OSError) as error:
        return KeyFacts(fault=str(error))
    return KeyFacts() if there else KeyFacts(fault=f"{_FIRST_KEY if named is None else named.id} is not in {keys.folder}")


def recipients(config: Config) -> RecipientFacts:
    """How many keys footage is encrypted to."""
    try:
        return RecipientFacts(recipients=len(load_recipients(Path(config.keys.recipients)).names))
    except BodycamError as error:
        return RecipientFacts(fault=str(error))


def battery(config: Config, gauge: Battery, sensors: Sensors | None) -> BatteryFacts:
    """The gauge's word, where there is one; waits for it at most `SENSORS_SECONDS`."""
    fitted = config.board.battery.gauge != "none"
    give_up = time.monotonic() + SENSORS_SECONDS
    while True:
        if sensors is not None:
            sensors.look()
        try:
            level, percent = gauge.read()
            charge = None if sensors is None else sensors.reading().charge
        except UnavailableError as error:
            if not fitted or time.monotonic() >= give_up:
                return BatteryFacts(fitted=fitted, fault=str(error) if fitted else None)
            time.sleep(0.1)
            continue
        charging = None if charge is None else charge.charging
        return BatteryFacts(fitted=fitted or percent is not None, level=level, percent=percent, charging=charging)


def heat(sensors: Sensors | None) -> HeatFacts:
    """What `battery` waited for also tells of the machine."""
    try:
        reading = None if sensors is None else sensors.reading()
    except UnavailableError:
        reading = None
    if reading is None:
        return HeatFacts()
    under = None if reading.under_voltage == "not_measurable" else reading.under_voltage
    return HeatFacts(celsius=reading.celsius, throttled=reading.throttled, under_voltage=under)


def swapped(worker_unlocked: str | None) -> SwapFacts:
    """Whether memory of the kind that a worker has can reach the card."""
    found = swap.judge(memory.read_machine(), recorder=worker_unlocked, worker=worker_unlocked)
    return SwapFacts(degraded=found.state == "degraded", because=found.because, to_do=found.to_do)


def exposure(unit: str = "bodycamd.service") -> float | None:
    """What systemd says of the installed unit; `None` where there is no systemd, or no such unit."""
    if shutil.which("systemd-analyze") is None:
        return None
    asked = subprocess.run(["systemd-analyze", "security", "--no-pager", unit], capture_output=True, text=True, check=False)
    found = _EXPOSURE.search(asked.stdout)
    return None if found is None else float(found.group(1))


def process_status(pid: int, proc: Path = Path("/proc")) -> tuple[bool | None, bool | None]:
    """Whether a process may gain no privileges, and whether it has a seccomp filter; `None` where the kernel does not say."""
    try:
        lines = dict(line.split(":\t", 1) for line in (proc / str(pid) / "status").read_text().splitlines() if ":\t" in line)
    except OSError:
        return None, None
    privileges, seccomp = lines.get("NoNewPrivs"), lines.get("Seccomp")
    return None if privileges is None else privileges == "1", None if seccomp is None else seccomp == "2"


def sides(settings: MicrophoneSettings) -> ChannelFacts:
    """The level of each side of the card, for a second."""
    if settings.source != "alsa":
        return ChannelFacts()
    cards = cards_now()
    try:
        alsa.quieten()
        chosen = resolve(settings.device, cards, "capture")
        try:
            card = alsa.Capture(chosen.alsa, 2, RATES, 0.04, 0.35)
        except OSError as error:
            raise not_opened(chosen, error, cards, "capture") from error
        try:
            pcm = card.read(round(card.rate * SIDE_SECONDS))
        finally:
            card.close()
    except (OSError, UnavailableError) as error:
        return ChannelFacts(fault=str(error))
    samples = array.array("h", pcm)
    return ChannelFacts(sides_dbfs=(_dbfs(samples[0::2]), _dbfs(samples[1::2])))


def _dbfs(samples: Sequence[int]) -> float:
    mean_square = sum(sample * sample for sample in samples) / max(1, len(samples))
    return max(FLOOR_DBFS, round(10 * math.log10(mean_square / 32768**2), 1)) if mean_square else FLOOR_DBFS


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists: a camera that was never started has no store yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
