"""The audit log goes from the index into the storage, before anything that names its head is given to anybody."""

from __future__ import annotations

from bodycamd.municipality.station import audit
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.storage import Storage


def keep_log(index: Index, storage: Storage) -> None:
    """Have the storage keep all lines that the index has. Raises `StorageError`."""
    first, lines = index.audit_to_keep()
    if lines:
        storage.put_audit(first, lines)
        index.audit_is_kept(first + len(lines) - 1, audit.head_of(lines[-1]))
