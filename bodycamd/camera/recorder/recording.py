"""The recording that is open: its folder, its growing segment, and what of it is on disk.

Steps, each durable before the next is begun:

    first batch of a segment   [folder, fsync of its parent] → create NNNNNN.tar.part (O_EXCL) → write → fdatasync → fsync of the folder
    every other batch          write → fdatasync
    seal                       two zero blocks → fdatasync → rename to NNNNNN.tar → fsync of the folder
                               → ledger: segment_sealed, key_changed

`append` returns what is acknowledged by these steps and raises `WriteError` otherwise. After a failed step the segment is abandoned as it
stands: its file is never written again, because nobody can know what of it the disk has; its number is not used again; what was not
acknowledged is written once more into the next segment, where `seq` shows what occurs twice. The next start recovers the file.

Used by one thread: the writer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from bodycamd.camera.control.events import BeginRecording, EndRecording, FragmentDurable, RecordingSealed
from bodycamd.camera.recorder.journal import Journal
from bodycamd.camera.recorder.ring import Batch, Claim
from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.anchor import Pin
from bodycamd.evidence.entries import RecordingClosed, RecordingOpened, SegmentSealed
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.evidence.signing import Start
from bodycamd.evidence.statements import Caller, FragmentStatement
from bodycamd.footage import EncryptedFragment, EncryptedInit
from bodycamd.linux.disk import FileOperations
from bodycamd.linux.durable import Buffer
from bodycamd.store.names import recording_id

log = logging.getLogger(__name__)

MAX_NUMBER = 9999


class WriteError(StorageError):
    """A durable step failed; the segment is abandoned."""

    def __init__(self, operation: str, error: OSError) -> None:
        super().__init__(f"{operation}: {error.strerror or error}")
        self.operation = operation
        self.reason = error.strerror or str(error)
        self.errno = error.errno


class _Segment(Struct):
    """The segment that grows: its file and the evidence in it."""

    growing: GrowingSegment
    generation: int
    path: Path
    first_us: int
    descriptor: int | None = None
    last_us: int = -1
    """`pts_us` of the newest durable fragment."""
    durable_bytes: int = 0


class Ending(Struct, frozen=True):
    """How the recording ends. `endings` is how many generations had ended when the end was asked for."""

    action: EndRecording
    endings: int


class OpenRecording:
    """One recording from `recording_opened` to `recording_closed`."""

    def __init__(
        self,
        begin: BeginRecording,
        claim: Claim,
        *,
        recordings: Path,
        start: Start,
        journal: Journal,
        disk: FileOperations,
        segment_us: int,
    ) -> None:
        """State the recording as opened. Raises `DataError` for a number that has no name."""
        if not 1 <= begin.number <= MAX_NUMBER:
            raise DataError(f"recording number {begin.number}: 1 to {MAX_NUMBER} in one start")
        self.id = recording_id(start.number, begin.number)
        self.number = begin.number
        self.resumes = begin.resumes
        self.claim = claim
        self.ending: Ending | None = None
        self.seal_now = False
        self.last_end_us: int | None = None
        """The end of the newest acknowledged fragment."""
        self._keep_from_us = begin.keep_from_us
        self._folder = recordings / self.id
        self._start = start
        self._journal = journal
        self._disk = disk
        self._segment_us = segment_us
        self._segment: _Segment | None = None
        self._next_number = 0
        self._folder_exists = False
        self._folder_is_durable = False
        self._first_us: int | None = None
        self._segments = 0
        journal.state(
            RecordingOpened(
                recording=self.id,
                keep_from_us=max(0, begin.keep_from_us),
                warning=begin.warning,
                pressed_us=begin.pressed_us,
                resumes=begin.resumes,
                officer=begin.officer,
                caller=Caller(via="button") if begin.resumes is None or begin.pressed_us is not None else None,
            )
        )

    @property
    def rotates_us(self) -> int | None:
        """A fragment that begins here or later belongs into the next segment."""
        return self._segment.first_us + self._segment_us if self._segment else None

    @property
    def until_us(self) -> int | None:
        """A fragment that begins here or later does not belong to the recording."""
        return self.ending.action.end_us if self.ending else None

    @property
    def pin(self) -> Pin | None:
        """The newest acknowledged statement of the growing segment, for an anchor."""
        last = self._segment.growing.last if self._segment is not None else None
        if last is None:
            return None
        return Pin(recording=self.id, segment=last.statement.segment, n=last.statement.n, sha256=last.json_sha256)

    def append(self, batch: Batch, now_us: Callable[[], int]) -> list[FragmentDurable]:
        """Write as many fragments of the batch as belong into one segment, beginning a new one where that is due.

        Returns the acknowledgements, from the first fragment on; fewer than the batch has where one does not follow the one before it.
        Raises `WriteError`; and `DataError` where no statement can describe the first fragment or the init segment: nothing was written
        then.
        """
        first = batch.fragments[0]
        segment = self._segment
        if segment is not None and self._belongs_elsewhere(first, segment):
            self.seal_segment()
            segment = None
        buffers: list[Buffer] = []
        if segment is None:
            segment = self._new_segment(batch.init, first, buffers)
        stated = self._state_fragments(segment, batch.fragments, buffers)
        try:
            self._write(segment, buffers)
        except OSError as error:
            self._abandon(segment)
            raise WriteError(f"write segment {segment.path.name}", error) from error
        if self._segment is None:
            self._segment = segment
            self._segments += 1
        if self._first_us is None:
            self._first_us = first.facts.pts_us
        segment.last_us, self.last_end_us = stated[-1].pts_us, stated[-1].end_us
        segment.durable_bytes = segment.growing.size
        at_us = now_us()
        return [FragmentDurable(self.id, s.segment, s.index, s.seq, s.sha256, s.pts_us, s.duration_us, at_us) for s in stated]

    def seal_segment(self) -> None:
        """Finish the growing segment, if there is one. Raises `WriteError`: it is abandoned then, with all that was acknowledged in it."""
        segment, self._segment = self._segment, None
        if segment is None or segment.descriptor is None:
            return
        sealed = segment.path.with_name(segment.path.name.removesuffix(".part"))
        step = "write the end of"
        try:
            self._disk.write(segment.descriptor, segment.growing.end(), segment.durable_bytes)
            self._disk.fdatasync(segment.descriptor)
            step = "rename"
            self._disk.rename(segment.path, sealed)
            step = "sync the folder of"
            self._disk.fsync_folder(self._folder)
        except OSError as error:
            self._abandon(segment)
            raise WriteError(f"{step} segment {sealed.name}", error) from error
        self._close_file(segment)
        growing = segment.growing
        self._journal.state(
            SegmentSealed(
                recording=self.id,
                segment=growing.segment,
                file=sealed.name,
                last=growing.last_sha256,
                sha256=growing.file_sha256,
                size=growing.size,
                fragments=growing.fragments,
            )
        )
        self._journal.change_key()

    def closed(self, reason: str, now_us: Callable[[], int]) -> RecordingSealed:
        """State the recording as closed, after `seal_segment`."""
        duration_us = 0
        if self._first_us is not None and self.last_end_us is not None:
            duration_us = max(0, self.last_end_us - self._first_us)
        self._journal.state(
            RecordingClosed(recording=self.id, reason=reason, duration_us=duration_us, segments=self._segments, end_us=self.last_end_us)
        )
        return RecordingSealed(self.id, duration_us, now_us())

    def abandon_segment(self) -> None:
        """Leave the growing segment as it is, without another write."""
        if self._segment is not None:
            self._abandon(self._segment)

    # --- steps ----------------------------------------------------------------------------------------------------------------------------

    def _belongs_elsewhere(self, fragment: EncryptedFragment, segment: _Segment) -> bool:
        """A new generation has its own init segment; a full segment is followed by the next; inside a segment time only grows."""
        full = fragment.facts.pts_us >= segment.first_us + self._segment_us
        return fragment.facts.generation != segment.generation or full or fragment.facts.pts_us <= segment.last_us

    def _new_segment(self, init: EncryptedInit, first: EncryptedFragment, buffers: list[Buffer]) -> _Segment:
        self._journal.change_key()
        growing = GrowingSegment(self._start, recording=self.id, segment=self._next_number, ledger_head=self._journal.head)
        buffers.extend(growing.init(init))
        return _Segment(growing, init.generation, self._folder / f"{self._next_number:06d}.tar.part", first.facts.pts_us)

    def _state_fragments(self, segment: _Segment, fragments: Sequence[EncryptedFragment], buffers: list[Buffer]) -> list[FragmentStatement]:
        """Sign the fragments that follow each other; their bytes go into `buffers`."""
        stated: list[FragmentStatement] = []
        end_us, last_us = self.last_end_us, segment.last_us
        for fragment in fragments:
            if fragment.facts.pts_us <= last_us:
                break
            gap_us = fragment.facts.gap_us + (max(0, fragment.facts.pts_us - end_us) if end_us is not None else 0)
            pre_start_us = max(0, self._keep_from_us - fragment.facts.pts_us) if end_us is None else None
            try:
                buffers.extend(segment.growing.fragment(fragment, gap_us=gap_us, pre_start_us=pre_start_us))
            except DataError:
                if not stated:
                    raise
                break
            assert segment.growing.last is not None
            statement = segment.growing.last.statement
            assert isinstance(statement, FragmentStatement)
            stated.append(statement)
            end_us, last_us = fragment.facts.end_us, fragment.facts.pts_us
        return stated

    def _write(self, segment: _Segment, buffers: Sequence[Buffer]) -> None:
        """Append durably: when this returns, everything in `buffers` survives a power cut, and so does the file's name."""
        descriptor = segment.descriptor
        is_new = descriptor is None
        if descriptor is None:
            self._make_folder()
            descriptor = segment.descriptor = self._create(segment.path)
        self._disk.write(descriptor, buffers, segment.durable_bytes)
        self._disk.fdatasync(descriptor)
        if is_new:
            self._disk.fsync_folder(self._folder)

    def _make_folder(self) -> None:
        if not self._folder_exists:
            self._disk.make_folder(self._folder)
            self._folder_exists = True
        if not self._folder_is_durable:
            self._disk.fsync_folder(self._folder.parent)
            self._folder_is_durable = True

    def _create(self, path: Path) -> int:
        """A name that is taken, by whatever, is passed over: the next attempt has the next number."""
        try:
            descriptor = self._disk.create(path)
        except FileExistsError:
            self._next_number += 1
            raise
        self._next_number += 1
        return descriptor

    def _abandon(self, segment: _Segment) -> None:
        self._segment = None
        self._close_file(segment)

    def _close_file(self, segment: _Segment) -> None:
        """Give the descriptor back. An error here says nothing new: what counts was synchronised before, or has failed before."""
        if segment.descriptor is None:
            return
        try:
            self._disk.close(segment.descriptor)
        except OSError as error:
            log.warning("closing %s: %s", segment.path, error)
        segment.descriptor = None
