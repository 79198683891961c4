"""Deleting one recording, in steps that each survive a power cut.

    entry `deleting`, durable        from here on the deletion will be completed, and a hold is refused
    unlink each segment, in order    a cut in between leaves some of them; the next start continues
    fsync of the folder              the names are gone for good
    the folder, if empty; fsync of the folder of recordings
    entry `deleted`, durable

Not guaranteed: that the bytes are gone from the card. Unlinking gives the blocks back to the file system; the card erases them when it is
told so (fstrim, the mount option `discard`) and in its own time. Overwriting would not reach them either on flash, and punching holes
before the unlink tells the card nothing that the unlink does not. What is left is ciphertext, as it was before.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence.retention_entries import ROOM, RecordingDeleted, RecordingDeleting
from bodycamd.evidence.statements import Stated, wall_text
from bodycamd.linux.disk import FileOperations
from bodycamd.retention.policy import Deletion, Rules
from bodycamd.store.names import SegmentFile, segment_files

Enter = Callable[[Stated], object]
"""Makes a ledger entry that is durable when this returns, or raises `StorageError` and enters nothing."""


def delete(deletion: Deletion, recordings: Path, rules: Rules, *, disk: FileOperations, enter: Enter) -> Iterator[None]:
    """Delete a recording; pauses (`yield`) after each step that touched the disk, so that other work may come in between.

    Raises `StorageError` where the disk refuses a step. If the entry `deleting` was made, the deletion stays begun and is tried again.
    """
    folder = recordings / deletion.recording
    files = _segments(folder)
    if not deletion.begun:
        enter(_deleting(deletion, rules, files or []))
        yield
    strays = 0
    if files is not None:
        for file in files:
            _remove(file.path, disk)
            yield
        _settle_removals(folder, disk)
        strays = _remove_folder(folder, disk)
        yield
    _settle_folder_removal(recordings, disk)
    enter(RecordingDeleted(recording=deletion.recording, strays_left=strays))
    yield


def _segments(folder: Path) -> list[SegmentFile] | None:
    """The segments of a recording; `None` where its folder is gone already. Behind a link in its place nothing is touched."""
    try:
        return segment_files(folder)[0]
    except NotFoundError:
        return None
    except (DataError, PermissionDeniedError) as error:
        raise StorageError(str(error)) from error


def _deleting(deletion: Deletion, rules: Rules, files: list[SegmentFile]) -> RecordingDeleting:
    before_us = deletion.ended_before_us
    try:
        size = sum(file.path.lstat().st_size for file in files)
    except OSError as error:
        raise StorageError(f"{deletion.recording}: cannot look at its segments: {error.strerror}") from error
    return RecordingDeleting(
        recording=deletion.recording,
        reason=ROOM if deletion.proof == "receipt" else f"{rules.days} days have passed",
        days=rules.days,
        proof=deletion.proof,
        age_seconds=deletion.age_us // 1_000_000,
        ended_before=wall_text(before_us) if before_us is not None and before_us >= 0 else None,
        segments=len(files),
        bytes=size,
    )


def _remove(path: Path, disk: FileOperations) -> None:
    try:
        disk.remove(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot remove: {error.strerror}") from error


def _remove_folder(folder: Path, disk: FileOperations) -> int:
    """Remove the folder, or count what else lies in it and is left alone."""
    try:
        disk.remove_folder(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise StorageError(f"{folder}: cannot remove the folder: {error.strerror}") from error
        return max(1, len(os.listdir(folder)))
    return 0


def _settle_removals(folder: Path, disk: FileOperations) -> None:
    """The segments are gone for good, also where strays keep the folder."""
    try:
        disk.fsync_folder(folder)
    except OSError as error:
        raise StorageError(f"{folder}: cannot sync: {error.strerror}") from error


def _settle_folder_removal(recordings: Path, disk: FileOperations) -> None:
    """The recording's folder is gone for good."""
    try:
        disk.fsync_folder(recordings)
    except OSError as error:
        raise StorageError(f"{recordings}: cannot sync: {error.strerror}") from error
