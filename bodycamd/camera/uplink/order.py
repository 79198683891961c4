"""What is sent next, and whether anything is: functions of values.

Held and marked recordings come first, then the newest; a recording under way goes segment by segment, so that a camera that is lost has
lost little. The ledger comes before all footage: without it the station does not know what a segment must be.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from bodycamd.camera.keeping.waiting import WaitingRecording

Upload: TypeAlias = Literal["dock", "held_first", "always"]
FULL_PERCENT: Final = 99.0
"""From here on a gauge may say that nothing is charged, in the dock too."""
FIRST_PAUSE_SECONDS: Final = 1.0
LEAST_PART_BYTES, MOST_PART_BYTES = 64 * 1024, 1024 * 1024
FREE_BYTES: Final = 256_000_000
"""So much stays free beside a bundle where the uplink's folder is; with half of it left the bundle goes."""
FOOTAGE_BYTES: Final = 2_000_000_000
"""So much stays free for footage beside a bundle on the same disk: three quarters of an hour at 6 Mbit/s; with half of it left it goes."""
SHORT_SECONDS, LONG_SECONDS = 1.0, 6.0
"""A part that takes less or more than this is followed by a longer or a shorter one: a link that breaks costs one part."""


class Conditions(Struct, frozen=True, kw_only=True):
    """How the camera is. `link_up`: the dock's interface has a carrier. `charging` and `battery_percent` are `None` where no gauge says.
    `left_bytes` are of today's allowance, `None` without one."""

    link_up: bool
    charging: bool | None
    battery_percent: float | None
    left_bytes: int | None

    @property
    def powered(self) -> bool:
        """From outside, as far as anybody can tell: without a gauge that knows, the dock's link alone decides."""
        full = self.battery_percent is not None and self.battery_percent >= FULL_PERCENT
        return self.charging is not False or full

    @property
    def docked(self) -> bool:
        """External power and the dock's link."""
        return self.link_up and self.powered


class Plan(Struct, frozen=True, kw_only=True):
    """What may be sent now: the ledger or not, and recordings in their order. `metered`: it counts for the allowance. `why` says what is
    waited for where not everything may go."""

    ledger: bool
    recordings: tuple[str, ...]
    metered: bool
    why: str = ""


def plan(recordings: Iterable[WaitingRecording], upload: Upload, now: Conditions, floor_percent: int) -> Plan:
    """Of what waits, what goes now."""
    if now.docked:
        return Plan(ledger=True, recordings=in_order(recordings), metered=False)
    if upload == "dock":
        return _nothing("waits for the dock")
    if now.battery_percent is not None and now.battery_percent < floor_percent and now.charging is not True:
        return _nothing(f"waits for charge: {now.battery_percent:.0f} % is less than {floor_percent} %")
    if now.left_bytes is not None and now.left_bytes <= 0:
        return _nothing("waits for tomorrow: today's data allowance is used up")
    if upload == "held_first":
        first = [one for one in recordings if one.held or one.marked]
        return Plan(ledger=True, recordings=in_order(first), metered=True, why="what is neither held nor marked waits for the dock")
    return Plan(ledger=True, recordings=in_order(recordings), metered=True)


def bundle_waits(upload: Upload, now: Conditions, floor_percent: int) -> str:
    """What a bundle waits for; empty where it may be fetched now. Away from the dock that takes a data allowance which somebody gave."""
    if now.docked:
        return ""
    if upload != "always":
        return "waits for the dock"
    if now.left_bytes is None:
        return "waits for the dock: elsewhere it takes a data allowance"
    return plan((), upload, now, floor_percent).why


def bundle_lacks_room(missing_bytes: int, free_bytes: int, footage_bytes: int | None) -> str:
    """Which room a bundle waits for that so much is missing of; empty where there is enough. `footage_bytes` are free for footage on the
    same file system, `None` where that is another one."""
    if free_bytes - missing_bytes < FREE_BYTES:
        return f"waits for room: {(missing_bytes + FREE_BYTES) / 1e6:.0f} MB are needed, {free_bytes / 1e6:.0f} are free"
    if footage_bytes is not None and footage_bytes - missing_bytes < FOOTAGE_BYTES:
        return f"waits for room: footage keeps {FOOTAGE_BYTES / 1e9:.0f} GB on this disk"
    return ""


def bundle_makes_way(free_bytes: int, footage_bytes: int | None) -> bool:
    """Whether what was fetched of bundles is to go, for what comes first."""
    return free_bytes < FREE_BYTES // 2 or (footage_bytes is not None and footage_bytes < FOOTAGE_BYTES // 2)


def in_order(recordings: Iterable[WaitingRecording]) -> tuple[str, ...]:
    """Held and marked ones first, and the newest first among each; names grow with age."""
    newest_first = sorted(recordings, key=lambda one: one.recording, reverse=True)
    return tuple(one.recording for one in sorted(newest_first, key=lambda one: not (one.held or one.marked)))


def pause_seconds(failures: int, chance: float, longest_seconds: float, asked_seconds: float | None = None) -> float:
    """After so many failures in a row, at least 1: twice as long each time, up to `longest_seconds`, of which `chance` (0 to 1) takes
    away up to half, so that cameras that lost the same station do not come back at the same instant. `asked_seconds` is what the station
    wants: no shorter, and never longer than `longest_seconds`.
    """
    grown = min(longest_seconds, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 32)) * (1 - chance / 2)
    return grown if asked_seconds is None else max(grown, min(asked_seconds, longest_seconds))


def next_part_bytes(size_bytes: int, took_seconds: float) -> int:
    """How long the part after one of `size_bytes` is, which took so long."""
    if took_seconds < SHORT_SECONDS:
        size_bytes *= 2
    elif took_seconds > LONG_SECONDS:
        size_bytes //= 2
    return min(MOST_PART_BYTES, max(LEAST_PART_BYTES, size_bytes))


def _nothing(why: str) -> Plan:
    return Plan(ledger=False, recordings=(), metered=True, why=why)
