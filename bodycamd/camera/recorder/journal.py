"""Ledger entries in order, also while the ledger cannot be written.

An entry that the disk does not take stays in memory and is tried again, before any later one, with growing pauses; `WriteFailed` says so
once per failure. Footage does not wait for it: a fragment is acknowledged by its own durable steps, and the `prev` of a new segment is
the newest head that is durable. What is still in memory when the process ends is lost; the statements in the segments then stand alone.

Used by one thread: the writer.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping

from bodycamd.camera.control.events import WriteFailed
from bodycamd.camera.recorder.progress import Progress
from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.entries import TYPE_NAMES
from bodycamd.evidence.ledger import Ledger
from bodycamd.evidence.statements import JsonValue, Stated

log = logging.getLogger(__name__)

MAX_PENDING = 10_000
FIRST_PAUSE_US = 200_000
LONGEST_PAUSE_US = 5_000_000


class Journal:
    """Queue of entries in front of the ledger."""

    def __init__(self, ledger: Ledger, *, now_us: Callable[[], int], progress: Progress, post: Callable[[WriteFailed], None]) -> None:
        self._ledger = ledger
        self._now_us = now_us
        self._progress = progress
        self._post = post
        self._pending: deque[tuple[str, Mapping[str, JsonValue] | Stated]] = deque()
        self._lost = 0
        self._pause_us = 0
        self._retry_us = 0
        self._error = ""

    @property
    def head(self) -> str:
        """The newest durable head."""
        return self._ledger.head

    @property
    def pending(self) -> int:
        """How many entries the disk has not taken yet."""
        return len(self._pending)

    @property
    def error(self) -> str:
        """Why the disk does not take the entries that wait; empty while it does."""
        return self._error if self._pending else ""

    @property
    def retry_us(self) -> int | None:
        """When the next attempt is due; `None` if nothing waits."""
        return self._retry_us if self._pending else None

    def state(self, detail: Stated) -> bool:
        """Enter a typed detail, now if the disk takes it. Returns whether it, and everything before it, is durable."""
        return self.note(TYPE_NAMES[type(detail)], detail)

    def note(self, type: str, detail: Mapping[str, JsonValue] | Stated) -> bool:
        """Enter what happened, now if the disk takes it. Returns whether it, and everything before it, is durable."""
        if len(self._pending) >= MAX_PENDING:
            self._lost += 1
            log.error("ledger entry %s lost: %d are waiting for the disk", type, len(self._pending))
            return False
        self._pending.append((type, detail))
        return self.flush()

    def state_durably(self, detail: Stated) -> None:
        """Enter a typed detail so that it, and everything before it, is durable when this returns.

        Raises `StorageError` where the disk does not take it: then it is not entered, and never will be. Raises `DataError` for values that
        a reader would refuse.
        """
        if not self.flush(at_once=True):
            raise StorageError("the disk does not take ledger entries; nothing was changed")
        with self._progress.during("ledger"):
            self._ledger.note(detail)

    def flush(self, *, at_once: bool = False) -> bool:
        """Write what waits, if an attempt is due (or `at_once`). Returns whether nothing waits any more."""
        if self._pause_us and not at_once and self._now_us() < self._retry_us:
            return not self._pending
        while self._pending:
            type, detail = self._pending[0]
            try:
                with self._progress.during("ledger"):
                    self._ledger.append(type, detail)
            except StorageError as error:
                self._failed(str(error))
                return False
            except DataError as error:
                log.error("the ledger cannot hold %s: %s", type, error)
                self._post(WriteFailed("ledger entry", str(error)))
            self._pending.popleft()
            self._pause_us = 0
            if self._lost and not self._pending:
                self._pending.append(("entries_lost", {"entries": self._lost}))
                self._lost = 0
        return True

    def change_key(self) -> None:
        """One key of memory for each segment: after it is sealed, and before the next is begun, the key that signed it goes.

        While entries wait for the disk the key stays, because the entry that names the next one would have to wait with them; the next
        segment tries again.
        """
        if self._pending:
            return
        try:
            with self._progress.during("ledger"):
                self._ledger.change_key()
        except StorageError as error:
            self._failed(str(error))

    def _failed(self, reason: str) -> None:
        if not self._pause_us:
            log.error("the ledger does not take entries, they wait in memory: %s", reason)
            self._post(WriteFailed("ledger", reason))
        self._error = reason
        self._pause_us = min(LONGEST_PAUSE_US, self._pause_us * 2 or FIRST_PAUSE_US)
        self._retry_us = self._now_us() + self._pause_us
