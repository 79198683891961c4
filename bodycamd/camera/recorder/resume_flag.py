"""The durable one-use flag that lets a recording continue after a reset of the whole machine.

It lies beside the signing keys, not in the store: what is there is evidence. It is lifted when a recording begins and lowered when its end
is asked for; or lifted just before the recorder asks for a reboot. The next start takes it away, durably, before anything else is done with
it: whatever becomes of that start, no other one finds it.

Not guaranteed: that it is there. A disk that does not take it costs the resumption, never the recording.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from bodycamd.errors import BodycamError, DataError, NotFoundError
from bodycamd.evidence.statements import BootId, Count, RecordingId
from bodycamd.linux import durable
from bodycamd.linux.clock import ClockReading
from bodycamd.linux.foreign import open_file

log = logging.getLogger(__name__)

NAME = ".resume-once"
MAX_BYTES = 1024


class ResumeFlag(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which recording, and both clocks when the flag was lifted. `recording`: it was being recorded; `reboot_asked`: the recorder had
    closed it, and was about to ask for a reboot."""

    cause: Literal["recording", "reboot_asked"]
    recording: RecordingId
    boot_id: BootId
    boottime_us: Count
    wall_us: Count
    trusted: bool
    """Whether the wall clock was."""


def flag_of(cause: Literal["recording", "reboot_asked"], recording: str, boot_id: str, now: ClockReading) -> ResumeFlag:
    """The flag as it is lifted now."""
    return ResumeFlag(
        cause=cause, recording=recording, boot_id=boot_id, boottime_us=now.boottime_us, wall_us=max(0, now.wall_us), trusted=now.trusted
    )


class FlagFile:
    """The flag's place in `folder`, which is this user's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NAME

    def lift(self, flag: ResumeFlag) -> None:
        """Durable when this returns. A flag that is there goes first: there is never more than one."""
        try:
            self._remove()
            durable.create(self._path, msgspec.json.encode(flag))
        except OSError as error:
            log.warning("%s: not written, so that a reset of the machine ends the recording: %s", self._path, error)

    def lower(self) -> bool:
        """Take a flag away, durably. False where the disk refuses: it may still be there."""
        try:
            if self._remove():
                durable.sync_folder(self._folder)
        except OSError as error:
            log.error("%s: not removed: %s", self._path, error)
            return False
        return True

    def take(self) -> ResumeFlag | None:
        """The flag, if there is one that this user alone can have written; it is gone, durably, when this returns. A flag that cannot be
        taken away is none: it might serve twice."""
        flag: ResumeFlag | None = None
        try:
            with open_file(self._path, below=self._folder) as file:
                found = os.fstat(file.fileno())
                if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077 or found.st_nlink != 1:
                    raise DataError("it is not this user's alone")
                flag = msgspec.json.decode(file.read(MAX_BYTES), type=ResumeFlag)
        except NotFoundError:
            return None
        except (OSError, BodycamError, msgspec.MsgspecError) as error:
            log.warning("%s is not used: %s", self._path, error)
        return flag if self.lower() else None

    def _remove(self) -> bool:
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
