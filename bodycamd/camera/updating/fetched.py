"""A bundle that the uplink has fetched, as root takes it: foreign input, of which a copy is made before anybody looks at it.

The uplink's folder is the uplink's own, and that has a network. So root opens nothing in there through a link, nothing but a regular file,
and reads no more of it than a bundle may have; names come from orders that root has judged, and never from the folder.

What is no whole bundle, or cannot be read, root removes there: then the uplink fetches it again.

A copy leaves footage its room, and waits for everybody else's reads and writes: somebody may take the camera meanwhile.
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from bodycamd.camera.installation.commands import COPIES
from bodycamd.camera.installation.manifest import MAX_FETCHED_BYTES
from bodycamd.camera.recorder.space import LEDGER_RESERVE_BYTES
from bodycamd.errors import BodycamError, DataError, NotFoundError, StorageError
from bodycamd.linux import durable
from bodycamd.linux.foreign import Folder, open_file

log = logging.getLogger(__name__)

SPOOL: Final = Path("/var/lib/bodycamd-uplink/bundles")
PIECE_BYTES: Final = 1024 * 1024
FOOTAGE_BYTES: Final = 1_000_000_000
"""So much stays free for footage beside the copy on the same disk: with less the uplink removes what it has fetched."""
IONICE_SECONDS: Final = 10.0


class UnreadableError(DataError):
    """What the uplink has fetched cannot be read from the card."""


@contextmanager
def taken(names: Iterable[str], footage: Path, spool: Path = SPOOL, copies: Path = COPIES) -> Iterator[Path]:
    """A copy of the first of these bundles that was fetched, as long as the context lasts; for who is `commands.at_work`. Footage
    lies in `footage`. Raises `NotFoundError` where none was fetched, `DataError` for what stands in a bundle's place and is none,
    `StorageError`."""
    for name in names:
        path = copies / f"{name}.bundle"
        try:
            _copy(spool / path.name, spool.parent, path, footage)
        except NotFoundError:
            continue
        except UnreadableError:
            drop(path.name, spool)
            raise
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
        return
    raise NotFoundError("the uplink has fetched no bundle that an order names: bodycamd status --verbose says how far it is")


def drop(name: str, spool: Path = SPOOL) -> None:
    """Remove a file that was fetched, so that the uplink fetches it again. Nothing but that name, in the uplink's own folder."""
    try:
        with Folder.open(spool, below=spool.parent) as folder:
            folder.remove(name)
    except (BodycamError, OSError) as error:
        log.warning("%s cannot be used, and cannot be removed: %s", spool / name, error)
    else:
        log.warning("%s cannot be used, and is removed: the uplink fetches it again", spool / name)


def kept_bytes(copies: Path, footage: Path) -> int:
    """How much stays free beside a copy. Raises `OSError`."""
    there = next(folder for folder in (footage, *footage.parents) if folder.exists())
    return LEDGER_RESERVE_BYTES + (FOOTAGE_BYTES if there.stat().st_dev == copies.stat().st_dev else 0)


def _copy(source: Path, below: Path, copy: Path, footage: Path) -> None:
    with open_file(source, below=below) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FETCHED_BYTES:
            raise DataError(f"{source}: {size} bytes, and a bundle that is fetched has at most {MAX_FETCHED_BYTES}")
        try:
            durable.make_folder(copy.parent, 0o700)
            found, kept = os.statvfs(copy.parent), kept_bytes(copy.parent, footage)
            if found.f_bavail * found.f_frsize < size + kept:
                needed = f"{(size + kept) / 1e6:.0f} MB are needed, {found.f_bavail * found.f_frsize / 1e6:.0f} are free"
                raise StorageError(f"{copy.parent}: no room for a copy: {needed}: make room, or bring the bundle on a stick")
            try:
                with _last_in_line():
                    _write(file, size, copy)
            except BaseException:
                copy.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise StorageError(f"{copy}: cannot be written: {error.strerror}") from error


def _write(file: BinaryIO, size: int, copy: Path) -> None:
    descriptor = durable.open_new(copy, flags=os.O_WRONLY)
    try:
        durable.bypass_cache(descriptor)  # what the kernel writes later it writes with its own priority
        at = 0
        while at < size and (piece := _read(file, min(size - at, PIECE_BYTES))):
            durable.write_all(descriptor, (piece,), at)
            at += len(piece)
    finally:
        os.close(descriptor)


def _read(file: BinaryIO, most: int) -> bytes:
    try:
        return file.read(most)
    except OSError as error:
        raise UnreadableError(f"what the uplink has fetched cannot be read: {error.strerror}") from error


@contextmanager
def _last_in_line() -> Iterator[None]:
    """What this thread reads and writes waits for everybody else's, as the uplink's does."""
    _prioritise("3")
    try:
        yield
    finally:
        _prioritise("0")


def _prioritise(kind: str) -> None:
    """By util-linux, which every Debian has: neither Python nor glibc knows ioprio_set(2)."""
    command = ["ionice", "-c", kind, "-p", str(threading.get_native_id())]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=IONICE_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("a copy is written with everybody else's priority: %s", error)
