"""The writer: the one thread that touches the disk.

It carries out jobs in the order in which they were submitted (begin, end, continue, seal now, ledger entries) and writes the fragments
that the open recording claims from the ring: all that wait are one batch with one `fdatasync`, then `FragmentDurable` for each.

Guarantees
- `FragmentDurable` is posted only after the durable steps of `recording`. `RecordingSealed` is posted when the last segment is renamed
  and the entries are durable; where the disk refuses that, after the `WriteFailed` that says so, because the camera must not stay in
  `closing` for ever.
- A failed step costs its segment, never the recording: `WriteFailed` is posted, what is not acknowledged goes into a new segment, with
  growing pauses while the disk keeps failing. The ring is the cushion meanwhile.
- Footage leaves the last `ledger_reserve_bytes` of the disk alone. Where a batch does not fit above them, nothing is written and
  `StorageChanged` says `full`.
- `DiskChanged` says, also while nothing is recorded, that the disk is gone, read-only, or does not take the ledger's entries.
- A fault of the program itself ends a segment, not the thread.

Not guaranteed: that a disk operation returns. `progress()` says since when one is outstanding; fragments wait in the ring.
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Callable, Mapping

from msgspec import structs

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.events import BeginRecording, ContinueRecording, EndRecording, SealNow, WriteFailed
from bodycamd.camera.recorder.jobs import Anchor, Begin, Chores, Entry, Job, NoChores, Work
from bodycamd.camera.recorder.journal import Journal
from bodycamd.camera.recorder.progress import ObservedDisk, Progress, WriterProgress
from bodycamd.camera.recorder.recording import Ending, OpenRecording, WriteError
from bodycamd.camera.recorder.resume_flag import flag_of
from bodycamd.camera.recorder.ring import Batch, Ring
from bodycamd.camera.recorder.space import LEDGER_RESERVE_BYTES, Room, Space, bytes_on_disk, smoothed_rate
from bodycamd.camera.recorder.store import Store
from bodycamd.errors import DataError
from bodycamd.evidence.statements import JsonValue
from bodycamd.linux.clock import Clock
from bodycamd.linux.disk import FileOperations
from bodycamd.linux.named_thread import NamedThread

log = logging.getLogger(__name__)

MAX_BATCH_BYTES = 8 * 1024 * 1024
"""Bounds one disk operation, so that after a pre-event buffer of 120 s the first acknowledgement does not wait for all of it."""
TURN_SECONDS, IDLE_TURN_SECONDS = 1.0, 2.0
"""The longest pauses, while recording and not; what comes or is submitted is carried out at once."""
FIRST_PAUSE_US = 200_000
LONGEST_PAUSE_US = 5_000_000


class Writer:
    """Writes what the ring holds for the open recording, and the ledger.

    `post` takes events from the writer's thread. `expected_bytes_per_second` is the rate that minutes left are reckoned with until
    footage was measured; `low_minutes` is where `low` begins. `chores` are done in between, and must not raise.
    """

    def __init__(
        self,
        *,
        store: Store,
        ring: Ring,
        clock: Clock,
        post: Callable[[ev.Event], None],
        segment_seconds: float = 60.0,
        low_minutes: float = 30.0,
        expected_bytes_per_second: float = 800_000.0,
        ledger_reserve_bytes: int = LEDGER_RESERVE_BYTES,
        disk: FileOperations | None = None,
        chores: Chores | None = None,
    ) -> None:
        self._chores: Chores = chores or NoChores()
        self._chores_wait = False
        self._store = store
        self._ring = ring
        self._clock = clock
        self._post = post
        self._segment_us = round(segment_seconds * 1e6)
        self._rate = expected_bytes_per_second
        self._progress = Progress(clock.now_us)
        self._disk: FileOperations = ObservedDisk(disk or store.disk, self._progress)
        self._journal = Journal(store.ledger, now_us=clock.now_us, progress=self._progress, post=self._tell)
        self._jobs: deque[Job] = deque()
        self._recording: OpenRecording | None = None
        self._flag_lifted = False
        self._space = Space(
            self._disk,
            store.recordings_folder,
            reserve_bytes=ledger_reserve_bytes,
            low_minutes=low_minutes,
            now_us=clock.now_us,
            tell=self._tell,
        )
        self._pause_us = 0
        self._retry_us = 0
        self._stopping = False
        self._thread = NamedThread(target=self._run, name="writer", daemon=True)

    # --- any thread -----------------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread. `StorageChanged` follows at once where the room is not `ok`."""
        self._thread.start()

    def submit(self, action: BeginRecording | EndRecording | ContinueRecording | SealNow) -> None:
        """Queue an action of the control. From here on the ring keeps what a begun recording needs; the writing follows."""
        if isinstance(action, BeginRecording):
            self._jobs.append(Begin(action, self._ring.claim(action.keep_from_us)))
        elif isinstance(action, EndRecording):
            self._jobs.append(Ending(action, self._ring.endings()[0]))
        else:
            self._jobs.append(action)
        self._ring.wake()

    def note(self, type: str, fields: Mapping[str, JsonValue]) -> None:
        """Queue a ledger entry, in order with everything else that is submitted."""
        self._jobs.append(Entry(type, dict(fields)))
        self._ring.wake()

    def anchor(self, answer: Callable[[str], None]) -> None:
        """Queue an anchor: `answer` is called in the writer's thread with its line, once all that it speaks of is durable."""
        self._jobs.append(Anchor(answer))
        self._ring.wake()

    def work(self, run: Callable[[Journal], None]) -> None:
        """Queue something else that writes the ledger; it runs in the writer's thread and must not raise."""
        self._jobs.append(Work(run))
        self._ring.wake()

    def progress(self) -> WriterProgress:
        """For the watchdog."""
        operation, since_us = self._progress.outstanding or (None, None)
        return WriterProgress(self._progress.turns, operation, since_us, self._journal.pending)

    def room(self) -> Room:
        """The newest report about room for footage."""
        return self._space.room

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self, seconds: float | None = None) -> bool:
        """Finish what is queued, seal an open recording with what is there (reason `shutdown` unless it was ending), and end the thread.

        Waits up to `seconds` (`None`: as long as it takes). Returns whether the thread has ended.
        """
        self._stopping = True
        self._ring.wake()
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    # --- the thread -----------------------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._space.report(self._rate)
        while True:
            writable = self._recording is not None and not self._space.exhausted and self._clock.now_us() >= self._retry_us
            self._ring.wait(self._recording.claim if self._recording and writable else None, self._pause_seconds(), self._has_work)
            self._progress.turns += 1
            last = self._stopping and not self._jobs
            try:
                self._turn()
            except Exception as error:
                log.exception("the writer failed")
                self._recover_from(error)
            if last and self._recording is None:
                break
        self._chores.finish(self._journal)
        self._journal.flush(at_once=True)
        if self._journal.pending:
            log.error("%d ledger entries were never written", self._journal.pending)

    def _recover_from(self, error: Exception) -> None:
        """A fault of the program: whatever state the segment is in, it is not written any more."""
        self._failed("writer", f"{type(error).__name__}: {error}")
        recording = self._recording
        if recording is None:
            return
        recording.abandon_segment()
        self._ring.give_back(recording.claim)
        if self._stopping:
            self._ring.release(recording.claim)
            self._recording = None

    def _has_work(self) -> bool:
        return bool(self._jobs) or self._stopping or (self._recording is not None and self._is_over(self._recording))

    def _pause_seconds(self) -> float:
        if self._chores_wait:
            return 0.005
        now_us = self._clock.now_us()
        due = [self._retry_us] if self._recording is not None and self._pause_us else []
        if self._recording is not None and self._recording.ending is not None:
            due.append(self._recording.ending.action.end_us)
        due.extend([self._journal.retry_us] if self._journal.retry_us is not None else [])
        return max(
            0.005,
            min(
                [
                    IDLE_TURN_SECONDS if self._recording is None else TURN_SECONDS,
                    *((at_us - now_us) / 1e6 for at_us in due if at_us > now_us),
                ]
            ),
        )

    def _turn(self) -> None:
        while self._jobs:
            self._carry_out(self._jobs.popleft())
        recording = self._recording
        if recording is not None:
            if self._stopping:
                recording.ending = recording.ending or Ending(EndRecording(self._clock.now_us(), "shutdown"), 0)
                recording.seal_now = True
            while not self._jobs and self._write_some(recording):
                pass
            if not self._jobs and self._is_over(recording):
                self._close(recording)
        self._journal.flush()
        self._space.report(self._rate)
        self._chores_wait = not self._jobs and self._chores.step(self._journal, recording=self._recording is not None)
        self._space.report_use(self._journal.error)

    def _carry_out(self, job: Job) -> None:
        recording = self._recording
        if isinstance(job, Entry):
            self._journal.note(job.type, job.fields)
        elif isinstance(job, Work):
            job.run(self._journal)
        elif isinstance(job, Anchor):
            ledger = self._store.ledger
            job.answer(ledger.start.anchor(ledger.head, recording.pin if recording is not None else None).line)
        elif isinstance(job, Begin):
            self._begin(job)
        elif recording is None:
            log.info("%s: no recording is open", type(job).__name__)
        elif isinstance(job, Ending):
            earlier = recording.ending.endings if recording.ending is not None else job.endings
            recording.ending = Ending(job.action, min(earlier, job.endings))
            self._lower_flag()
        elif isinstance(job, ContinueRecording):
            if job.number == recording.number:
                recording.ending, recording.seal_now = None, False
                self._lift_flag(recording)
        elif recording.ending is not None:
            recording.seal_now = True

    def _begin(self, job: Begin) -> None:
        if self._recording is not None:
            self._recording.seal_now = True
            self._close(self._recording, reason="replaced")
        try:
            self._recording = OpenRecording(
                job.action,
                job.claim,
                recordings=self._store.recordings_folder,
                start=self._store.ledger.start,
                journal=self._journal,
                disk=self._disk,
                segment_us=self._segment_us,
            )
        except DataError as error:
            self._ring.release(job.claim)
            self._failed("begin recording", str(error))
        else:
            self._lift_flag(self._recording)

    def _lift_flag(self, recording: OpenRecording) -> None:
        """Not for what continues after a reset: a recording that makes the machine hang must not do so for ever."""
        if recording.resumes is None or recording.resumes != self._store.offered_after_reset:
            self._flag_lifted = True
            flag = flag_of("recording", recording.id, self._store.ledger.start.boot_id, self._clock.read())
            with self._progress.during("lift the resume flag"):
                self._store.flag.lift(flag)

    def _lower_flag(self) -> None:
        """From the request to end on: what the officer stopped is not resumed, whatever happens before the seal."""
        if self._flag_lifted:
            self._flag_lifted = False
            with self._progress.during("lower the resume flag"):
                self._store.flag.lower()

    # --- writing --------------------------------------------------------------------------------------------------------------------------

    def _write_some(self, recording: OpenRecording) -> bool:
        """Write one batch. Returns whether another attempt makes sense now."""
        if self._pause_us and not recording.seal_now and self._clock.now_us() < self._retry_us:
            return False
        try:
            batch = self._take(recording)
            if batch is None:
                return False
            durable = recording.append(batch, self._clock.now_us)
        except WriteError as error:
            self._ring.give_back(recording.claim)
            self._failed(error.operation, error.reason, error.errno)
            return False
        except DataError as error:
            self._ring.give_back(recording.claim)
            assert batch is not None
            self._pass_over(recording, batch, str(error))
            return True
        self._ring.durable(recording.claim, durable[-1].seq)
        if len(durable) < len(batch.fragments):
            self._ring.give_back(recording.claim)
        self._pause_us = 0
        for event in durable:
            self._tell(event)
        size = sum(len(fragment.age) for fragment in batch.fragments[: len(durable)])
        self._rate = smoothed_rate(self._rate, size_bytes=size, duration_us=sum(event.duration_us for event in durable))
        return True

    def _take(self, recording: OpenRecording) -> Batch | None:
        """As much of what waits as leaves the reserve alone."""
        if not self._ring.waits(recording.claim, recording.until_us):
            return None
        try:
            space = self._space.footage_bytes()
        except OSError as error:
            raise WriteError("look for room", error) from error
        batch = self._ring.take(
            recording.claim,
            max_bytes=min(MAX_BATCH_BYTES, space // 2),
            before_us=recording.rotates_us,
            span_us=self._segment_us,
            until_us=recording.until_us,
        )
        if batch is None:
            return None
        fits = space >= bytes_on_disk(len(fragment.age) for fragment in batch.fragments)
        self._space.found(fits, self._rate)
        if not fits:
            self._ring.give_back(recording.claim)
            return None
        return batch

    def _pass_over(self, recording: OpenRecording, batch: Batch, reason: str) -> None:
        """A fragment that no statement can describe cannot be evidence; it must not hold up the next."""
        first = batch.fragments[0]
        self._ring.durable(recording.claim, first.seq)
        self._journal.note("fragment_refused", {"recording": recording.id, "seq": first.seq, "reason": reason[:190]})
        self._tell(WriteFailed("state fragment", reason))

    # --- ending ---------------------------------------------------------------------------------------------------------------------------

    def _is_over(self, recording: OpenRecording) -> bool:
        """Whether the recording is ending and everything that belongs to it is written, or will not come, or must not be waited for."""
        if recording.ending is None:
            return False
        end_us = recording.ending.action.end_us
        if recording.seal_now or (recording.last_end_us is not None and recording.last_end_us >= end_us):
            return True
        if self._ring.waits(recording.claim, end_us):
            return self._space.exhausted
        if self._ring.waits(recording.claim):
            return True
        endings, is_open = self._ring.endings()
        return endings > recording.ending.endings and not is_open and self._clock.now_us() >= end_us

    def _close(self, recording: OpenRecording, reason: str | None = None) -> None:
        left, left_us = self._ring.release(recording.claim, recording.until_us)
        self._lower_flag()
        self._recording = None
        self._pause_us = 0
        whole = not left
        try:
            recording.seal_segment()
        except WriteError as error:
            whole = False
            self._failed(error.operation, error.reason, error.errno)
        if left:
            self._journal.note("footage_not_written", {"recording": recording.id, "fragments": left, "duration_us": left_us})
        if reason is None:
            reason = recording.ending.action.reason if recording.ending is not None else "shutdown"
        sealed = recording.closed(reason, self._clock.now_us)
        self._journal.flush(at_once=True)
        self._tell(structs.replace(sealed, whole=whole))

    # --- failures and room ----------------------------------------------------------------------------------------------------------------

    def _tell(self, event: ev.Event) -> None:
        """Post an event. A listener that fails must not cost footage."""
        try:
            self._post(event)
        except Exception:
            log.exception("%s could not be posted", type(event).__name__)

    def _failed(self, operation: str, reason: str, number: int | None = None) -> None:
        """Pause, and tell; the control notes it in the ledger."""
        log.error("%s: %s", operation, reason)
        self._pause_us = min(LONGEST_PAUSE_US, self._pause_us * 2 or FIRST_PAUSE_US)
        self._retry_us = self._clock.now_us() + self._pause_us
        self._tell(WriteFailed(operation, reason))
        if number in (errno.ENOSPC, errno.EDQUOT):
            self._space.found(False, self._rate)
