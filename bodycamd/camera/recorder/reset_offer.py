"""What a start after a reset of the machine offers to resume: the recording that the one-use flag names, and how old its end is.

A flag alone is no reason to record people. It is offered only if the ledger has its recording as the newest of the start just before this
one, and of the boot that the flag names; so a start in between, also one of a command, makes it nothing. Whether it is resumed is decided
in `control.resume`.

How old the end is can be told by the wall clock alone, since CLOCK_BOOTTIME begins anew: both when the flag was lifted and now it must be
trusted. The end is the newest durable fragment's, or the moment at which the reboot was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera.control.events import AfterReset, ResumeOffer
from bodycamd.camera.recorder.resume_flag import ResumeFlag
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened
from bodycamd.evidence.ledger_reader import Line
from bodycamd.linux.clock import ClockReading
from bodycamd.linux.reset_cause import ResetCause
from bodycamd.store.glance import INTERRUPTED, recording_glances
from bodycamd.store.names import recording_start


def offer_after_reset(
    flag: ResumeFlag, lines: Sequence[Line], recordings: Path, *, previous_start: int, boot_id: str, now: ClockReading, reset: ResetCause
) -> ResumeOffer | None:
    """`lines` are the verified ones of the starts before this one, `previous_start` is the number of the newest of them."""
    if flag.boot_id == boot_id or recording_start(flag.recording) != previous_start:
        return None
    opened = [line for line in lines if isinstance(line.detail, RecordingOpened) and line.entry.start == previous_start]
    if not opened or opened[-1].entry.boot_id != flag.boot_id or _recording(opened[-1]) != flag.recording:
        return None
    closed = [line.detail for line in lines if isinstance(line.detail, RecordingClosed) and line.detail.recording == flag.recording]
    ended = any(detail.reason != INTERRUPTED for detail in closed)
    if ended is not (flag.cause == "reboot_asked"):
        return None
    last_us = flag.boottime_us
    if flag.cause == "recording":
        stated = [g.last.boottime_ns // 1000 for g, _ in recording_glances(recordings / flag.recording) if g.last is not None]
        last_us = max([last_us, *stated])
    age_us = now.wall_us - (flag.wall_us + last_us - flag.boottime_us)
    after = AfterReset(flag.cause, reset, dated=flag.trusted and now.trusted)
    return ResumeOffer(flag.recording, now.boottime_us - age_us, 0, after)


def _recording(line: Line) -> str | None:
    return line.detail.recording if isinstance(line.detail, RecordingOpened) else None
