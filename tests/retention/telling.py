"""What a ledger tells, entry by entry and without a ledger: for tables of cases."""

from __future__ import annotations

from typing import Any

from bodycamd.evidence.statements import ZERO_HASH, Entry, Stated
from bodycamd.retention.ledger_index import Facts
from tests.retention.world import stated

WALL = 1_767_225_600_000_000
"""1 January 2026: what the wall clock shows at CLOCK_BOOTTIME 0 of a boot, where a case says nothing else."""
SEALED = {"segment": 0, "file": "000000.tar", "last": ZERO_HASH, "sha256": ZERO_HASH, "size": 1, "fragments": 1}
RECOVERED = {"segment": 0, "file": "000000.cut.tar", "good_bytes": 1, "sha256": ZERO_HASH, "torn_bytes": 0, "fragments": 1}
SHORTENED = {"file": "f", "sha256": ZERO_HASH, "lines": 1, "head": ZERO_HASH, "next_key": ZERO_HASH, "entries": 1}
HELD = {"ground": "complaint", "reference": "K-1", "by": "E-03", "review_on": "2026-01-03"}
RELEASED = {"ground": "complaint", "reason": "settled", "by": "E-03"}
BESIDE: dict[str, dict[str, Any]] = {
    "segment_sealed": SEALED,
    "segment_recovered": RECOVERED,
    "ledger_shortened": SHORTENED,
    "hold_added": HELD,
    "hold_released": RELEASED,
    "hold_review_due": {"ground": "complaint", "review_on": "2026-01-03"},
}
Said = tuple[Entry, Stated | None]


def say(type: str, start: int, boot: str, at_us: int, *, wall_us: int | None = None, **detail: Any) -> Said:
    """One entry, at CLOCK_BOOTTIME `at_us` of a boot."""
    return stated(type, start, boot, at_us, WALL + at_us if wall_us is None else wall_us, BESIDE.get(type, {}) | detail)


def known(*entries: Said) -> Facts:
    """What retention knows after these entries."""
    facts = Facts()
    for entry, detail in entries:
        facts.take(entry, detail)
    return facts
