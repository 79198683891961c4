"""The station's log is stamped once a day by an authority (`stamps`), where one is configured; and what stamps there are.

A stamp is verified before it is kept: over this log's newest line, for this very request, by a certificate of the configured authority.
Whatever fails is told, counted, and tried again a quarter of an hour later; the station takes footage meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from cryptography.x509 import Certificate
from msgspec import Struct

from bodycamd.errors import DataError
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.leases import Leases
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.stamps import Stamp, ask, is_due, stamped_at_us
from bodycamd.municipality.station.storage import Storage


class KeptStamp(Struct, frozen=True):
    """A stamp as the storage has it: over line `n`, and when; `problem` instead where it is no stamp over this log."""

    n: int
    head: str
    at_us: int | None
    problem: str = ""


class Stamping:
    """Of one process; of several that share an index one asks at a time, and none for what another one has got. `authority` answers
    requests; `failures` are counted since it began, `last` is the newest stamp."""

    def __init__(self, authority: Callable[[bytes], bytes], roots: Sequence[Certificate], index: Index, storage: Storage) -> None:
        self._authority, self._roots = authority, list(roots)
        self._index, self._storage = index, storage
        self._leases = Leases(index.database)
        self._lock = threading.Lock()
        self.failures = 0
        self.last: Stamp | None = None

    def run(self, now_us: int) -> Stamp | None:
        """Have the log stamped if that is due; the new stamp. Raises `StorageError`, `DataError` for an answer that is no stamp over it."""
        with self._lock:
            try:
                return self._run(now_us)
            except Exception:
                self.failures += 1
                raise

    def _run(self, now_us: int) -> Stamp | None:
        newest = self._index.newest_audit_line()
        if newest is None or not is_due(self.last, newest[0], now_us):
            return None
        with self._leases.held("stamp") as mine:
            if not mine:
                return None
            self.last = self._newest_kept()  # of an earlier process, or of another one
            return self._ask(*newest) if is_due(self.last, newest[0], now_us) else None

    def _ask(self, n: int, line: bytes) -> Stamp:
        keep_log(self._index, self._storage)
        asked = ask(line)
        raw = self._authority(asked.raw)
        stamp = Stamp(n, asked.head, stamped_at_us(raw, asked.head, self._roots, asked.nonce))
        self._storage.put_stamp(n, raw)
        self.last = stamp
        return stamp

    def _newest_kept(self) -> Stamp | None:
        found = [one for one in kept_stamps(self._storage, self._roots) if one.at_us is not None]
        return Stamp(found[-1].n, found[-1].head, found[-1].at_us or 0) if found else None


def kept_stamps(storage: Storage, roots: Sequence[Certificate]) -> list[KeptStamp]:
    """Every stamp that is kept, held against the log that is kept, by the lines' numbers. Raises `StorageError`, `DataError` for a log that
    does not hold together."""
    lines = list(storage.audit_lines())
    audit.check(lines)
    found = []
    for n, raw in storage.stamps():
        if not 1 <= n <= len(lines):
            found.append(KeptStamp(n, "", None, "the log has no such line"))
            continue
        head = audit.head_of(lines[n - 1])
        try:
            found.append(KeptStamp(n, head, stamped_at_us(raw, head, list(roots))))
        except DataError as error:
            found.append(KeptStamp(n, head, None, str(error)))
    return found
