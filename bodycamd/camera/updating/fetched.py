"""A bundle that the uplink has fetched, as root takes it: foreign input, of which a copy is made before anybody looks at it.

The uplink's folder is the uplink's own, and that has a network. So root opens nothing in there through a link, nothing but a regular file,
and reads no more of it than a bundle may have; names come from orders that root has judged, and never from the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bodycamd.camera.installation.commands import COPIES
from bodycamd.camera.installation.manifest import MAX_FETCHED_BYTES
from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.linux import durable
from bodycamd.linux.foreign import open_file

SPOOL: Final = Path("/var/lib/bodycamd-uplink/bundles")
PIECE_BYTES: Final = 1024 * 1024
FREE_BYTES: Final = 64_000_000
"""So much stays free beside the copy."""


@contextmanager
def taken(names: Iterable[str], spool: Path = SPOOL, copies: Path = COPIES) -> Iterator[Path]:
    """A copy of the first of these bundles that was fetched, as long as the context lasts; for who is `commands.at_work`. Raises
    `NotFoundError` where none was, `DataError` for what stands in a bundle's place and is none, `StorageError`."""
    for name in names:
        path = copies / f"{name}.bundle"
        try:
            _copy(spool / path.name, spool.parent, path)
        except NotFoundError:
            continue
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
        return
    raise NotFoundError("the uplink has fetched no bundle that an order names: bodycamd status --verbose says how far it is")


def _copy(source: Path, below: Path, copy: Path) -> None:
    with open_file(source, below=below) as file:
        try:
            durable.make_folder(copy.parent, 0o700)
            size, found = os.fstat(file.fileno()).st_size, os.statvfs(copy.parent)
            if size > MAX_FETCHED_BYTES:
                raise DataError(f"{source}: {size} bytes, and a bundle that is fetched has at most {MAX_FETCHED_BYTES}")
            if found.f_bavail * found.f_frsize < size + FREE_BYTES:
                raise StorageError(f"{copy.parent}: no room for a copy of {size} bytes: make room, or bring the bundle on a stick")
            descriptor = durable.open_new(copy)
            try:
                left_bytes = size
                while left_bytes and (piece := file.read(min(left_bytes, PIECE_BYTES))):
                    durable.write_all(descriptor, (piece,))
                    left_bytes -= len(piece)
            finally:
                os.close(descriptor)
        except OSError as error:
            copy.unlink(missing_ok=True)
            raise StorageError(f"{copy}: cannot be written: {error.strerror}") from error
