"""One recording: what the ledger says of it against what lies in its folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence.anchor import Pin
from bodycamd.evidence.entries import RecordingClosed
from bodycamd.evidence.segment_reader import Triple
from bodycamd.evidence.statements import FragmentStatement
from bodycamd.foreign_text import shown
from bodycamd.municipality.copies.copies import CopyRecord
from bodycamd.municipality.verify.ledger_account import LedgerAccount, Told
from bodycamd.municipality.verify.segment_check import Checked, Place, check_stated, check_unstated
from bodycamd.municipality.verify.verdicts import RecordingReport, Verdict
from bodycamd.store.names import SegmentFile, recording_start, segment_files


class RecordingCheck:
    """Checks recordings one after the other, in the order of their names. `pin_found` afterwards: whether the anchor's statement is there.

    `unreadable` says why nothing can be said of a recording's folder, by its name; that of no name stands for all of them.
    """

    def __init__(
        self,
        recordings: Path,
        account: LedgerAccount,
        pin: Pin | None,
        unreadable: Mapping[str, str],
        copy: CopyRecord | None = None,
        triple: Callable[[], None] | None = None,
    ) -> None:
        """`copy` is what people state of the copy that this is; `triple` is called for each triple that verifies."""
        self.copy, self.triple = copy, triple
        self.recordings = recordings
        self.account = account
        self.pin = pin
        self.unreadable = unreadable
        self._last_n = (0, 0)
        self.pin_found = False

    def check(self, name: str, files: list[SegmentFile] | None, told: Told) -> RecordingReport:
        """`files` is what was in the folder before the ledger was read; `None` where there was no folder."""
        return _OneRecording(self, name, files, told).report

    def in_order(self, start: int, checked: Checked) -> bool:
        """Whether these statements were signed after those of the segment before them; numbers begin anew with each start."""
        before_start, before_n = self._last_n
        if not checked.last_n:
            return True
        self._last_n = start, checked.last_n
        return before_start != start or checked.first_n > before_n


class _OneRecording:
    def __init__(self, check: RecordingCheck, name: str, files: list[SegmentFile] | None, told: Told) -> None:
        self._check = check
        self._account = check.account
        self._folder = check.recordings / name
        self._start = recording_start(name) or 0
        self._told = told
        self._first_us: int | None = None
        self._end_us = 0
        self._hole = False
        """Segments that a deletion took are missing before the next picture."""
        self.report = RecordingReport(name, opened=told.wall, clock=told.clock)
        if told.opened is not None:
            self.report.warning = told.opened.warning
        if told.closed is not None:
            self.report.closed = told.closed.reason
        self._judge(files)
        self._tell_ledger_side()
        if self._first_us is not None:
            self.report.duration_us = max(0, self._end_us - self._first_us)
        if self.report.gap_us:
            self._found("incomplete", name, f"stated gaps of {self.report.gap_us / 1e6:.3f} s in all")
        self.report.verdict = self.report.findings.worst

    def _found(self, verdict: Verdict, where: str, what: str) -> None:
        self.report.findings.add(verdict, where, what)

    @property
    def _may_be_open(self) -> bool:
        """Whether no later start has stated yet what this one left."""
        return self._start >= self._account.recovered_before

    def _judge(self, files: list[SegmentFile] | None) -> None:
        told, name = self._told, self.report.recording
        if told.deleted:
            if files:
                self._judge_kept(files)
            else:
                self._found("deleted", name, f"deleted on {told.deleted}, begun {told.deleting}")
            return
        why = self._check.unreadable.get("") or self._check.unreadable.get(name)
        if why is not None:
            self._found("unverifiable", name, why)
            return
        if files is None and not _is(stat.S_ISDIR, self._folder):
            self._missing_folder()
            return
        if files is None:
            self._found("open", name, "began while this verification began")
            return
        self._judge_segments(files)

    def _judge_kept(self, files: list[SegmentFile]) -> None:
        """The camera deleted it; what a copy still has must be as it was stated."""
        self._judge_segments(files)
        name, copy = self.report.recording, self._check.copy
        since = f"the camera deleted it on {self._told.deleted}"
        hold = copy.hold_of(name) if copy is not None else None
        if hold is not None and hold.signer:
            of = f"hold {hold.added.hold}, for {hold.added.ground}"
            self._found("held", name, f"{since}; {hold.signer} holds this copy since {hold.since}: {of}")
        elif hold is not None:
            self._found("kept", name, f"{since}; the hold {hold.added.hold} at this copy is by somebody whose key nobody knows")
        elif self._told.for_room and not self._told.term_over:
            self._found("intact", name, f"{since} to make room there; nothing shows that its term is over: what is here stays until then")
        else:
            self._found("kept", name, f"{since}: {len(files)} of its files are here; `bodycamd prune` deletes them")

    def _not_received(self, number: int) -> bool:
        return self._check.copy is not None and self._check.copy.not_received(self.report.recording, number)

    def _judge_segments(self, files: list[SegmentFile]) -> None:
        by_number: dict[int, list[SegmentFile]] = {number: [] for number in self._told.segments}
        for file in files:
            by_number.setdefault(file.number, []).append(file)
        for number, there in sorted(by_number.items()):
            self._judge_segment(number, there)
        closed = self._told.closed
        if closed is not None and not self._told.deleting and self._account.failure is None:
            self._judge_closing(closed, set(by_number))

    def _judge_closing(self, closed: RecordingClosed, numbers: set[int]) -> None:
        """Does the entry that closes the recording fit what is there? Its times can be told where every segment was sealed: after a failed
        write more may be on the disk than was acknowledged.
        """
        told, name = self._told, self.report.recording
        if len(numbers) < closed.segments:
            numbers |= {file.number for file in segment_files(self._folder)[0]}  # of a running camera, more may have come
            if len(numbers) < closed.segments:
                self._found("altered", name, f"closed with {closed.segments} segments, and {len(numbers)} are there or stated")
        kinds = [stated.kind for stated in told.segments.values()]
        sealed = kinds.count("sealed")
        if sealed > closed.segments:
            self._found("contradictory", name, f"closed with {closed.segments} segments, and {sealed} are stated as sealed")
        sound = self.report.findings.worst in ("intact", "incomplete") and not told.losses
        if not sound or sealed != len(numbers) or closed.reason == "interrupted" or self._first_us is None:
            return
        if closed.end_us is not None and closed.end_us != self._end_us:
            off_us = closed.end_us - self._end_us
            self._found("contradictory", name, f"its end is stated {off_us / 1e6:+.3f} s from that of its last frame")
        if closed.duration_us != self._end_us - self._first_us:
            lasts_us = self._end_us - self._first_us
            self._found("contradictory", name, f"stated are {closed.duration_us / 1e6:.3f} s, and its footage lasts {lasts_us / 1e6:.3f} s")

    def _missing_folder(self) -> None:
        told, name = self._told, self.report.recording
        if told.deleting:
            return
        if self._account.failure is not None:
            self._found("unverifiable", name, "it is not there, and the ledger breaks off before it might say why")
        elif told.opened is not None and told.closed is not None and told.closed.segments == 0:
            return  # nothing was ever written
        elif told.closed is None and self._may_be_open:
            self._found("open", name, "nothing of it is on the disk, and it is not closed")
        elif self._check.copy is not None and self._check.copy.inventoried and not self._check.copy.received.get(name):
            self._found("not_received", name, "no inventory of this copy has any of it")
        else:
            self._found("altered", name, "the whole recording is missing")

    def _judge_segment(self, number: int, there: list[SegmentFile]) -> None:
        place = Place(self.report.recording, number)
        stated = self._told.segments.get(number)
        names = [file.path.name for file in there]
        if stated is not None:
            path = self._folder / stated.file
            if _is_file(path):
                if stated.file not in names and not names:
                    self._found("open", self._where(path), "was sealed while this verification began")
                    return
                self._guarded(path, place, lambda: check_stated(path, place, stated, self._account.openings, self._seen))
                if stated.kind == "recovered":
                    cause = f"cut off; start {stated.start} found {stated.fragments} whole fragments and {stated.torn_bytes} torn bytes"
                    self._found("incomplete", self._where(path), cause + (f" ({stated.reason})" if stated.reason else ""))
            elif self._told.deleting:
                self._hole = True
            elif self._not_received(number):
                self._found("not_received", self._where(path), "no inventory of this copy has it")
                self._hole = True
            else:
                self._found("altered", self._where(path), f"missing: {stated.kind} with {stated.fragments} fragments")
        for file in there:
            if stated is not None and (file.path.name == stated.file or not _is_file(file.path)):
                continue
            if stated is not None or not self._may_be_open or self._told.deleted:
                self._unstated(file.path)
            else:
                self._judge_open(file.path, place)

    def _unstated(self, path: Path) -> None:
        if self._account.failure is not None:
            self._found("unverifiable", self._where(path), "the ledger breaks off before it would speak of it")
        else:
            self._found("altered", self._where(path), "no entry of the ledger states this file")

    def _judge_open(self, path: Path, place: Place) -> None:
        if self._account.failure is not None:
            self._unstated(path)
            return
        if not _is_file(path):  # sealed since we looked
            path = path.with_name(f"{place.segment:06d}.tar")
        checked = self._guarded(path, place, lambda: check_unstated(path, place, self._account.openings, self._seen))
        if checked is None:
            return
        rest = checked.size - checked.good_bytes
        tail = f"; the last {rest} bytes are not a whole fragment ({checked.after})" if rest else ""
        self._found("open", self._where(path), f"{checked.fragments} whole fragments{tail}")

    def _guarded(self, path: Path, place: Place, check: Callable[[], Checked]) -> Checked | None:
        try:
            checked = check()
        except DataError as error:
            self._found("altered", self._where(path), str(error))
            return None
        except OSError as error:
            self._found("unverifiable", self._where(path), f"cannot be read: {error.strerror}")
            return None
        except (NotFoundError, PermissionDeniedError, StorageError) as error:
            self._found("unverifiable", self._where(path), str(error))
            return None
        self.report.segments += 1
        self.report.fragments += checked.fragments
        self.report.bytes += checked.good_bytes
        if not self._check.in_order(place.start, checked):
            self._found("altered", self._where(path), "its statements were signed before those of the segment before it")
        return checked

    def _seen(self, triple: Triple) -> None:
        """A triple that verifies: is the picture time before it there, or stated as missing?"""
        if self._check.triple is not None:
            self._check.triple()
        now, where, pin = triple.statement, triple.where, self._check.pin
        if pin is not None and (now.recording, now.segment, now.n, triple.json_sha256) == (pin.recording, pin.segment, pin.n, pin.sha256):
            self._check.pin_found = True
        if not isinstance(now, FragmentStatement):
            return
        if self._first_us is None:
            self._first_us = now.pts_us
        elif now.pts_us - self._end_us > now.gap_us and not self._hole:
            missing = (now.pts_us - self._end_us - now.gap_us) / 1e6
            self._found("altered", f"{self.report.recording}/{where}", f"{missing:.3f} s of picture before it are missing without a word")
        self._end_us, self._hole = max(self._end_us, now.end_us), False
        self.report.gap_us += now.gap_us
        if now.audio == "lost":
            self.report.audio_lost_us += now.duration_us

    def _tell_ledger_side(self) -> None:
        told, name = self._told, self.report.recording
        for contradiction in told.contradictions:
            self._found("contradictory", name, contradiction)
        warned = self._account.warnings.get(name)
        if told.opened is not None and warned is not None and warned != told.opened.warning:
            self._found("contradictory", name, f"the warning is stated as {shown(warned, 40)}, and as {told.opened.warning}")
        for wrong in told.wrongly_deleted:
            self._found("against_rules", name, wrong)
        if told.not_judged:
            self._found("intact", name, told.not_judged)
        for loss in told.losses:
            self._found("incomplete", name, f"the camera could not write all: {loss}")
        if told.deleted:
            return
        if told.deleting:
            self._found("incomplete", name, f"deletion was begun {told.deleting}; that it is done is not stated yet")
        if told.opened is None:
            self._not_opened()
        elif told.closed is None:
            if self._account.failure is not None:
                self._found("unverifiable", name, "the ledger breaks off before it was closed")
            else:
                self._found("open", name, "not closed yet")
        elif told.closed.reason == "interrupted":
            self._found("incomplete", name, f"interrupted (power cut, crash or kill); start {told.closed_by} closed it")

    def _not_opened(self) -> None:
        name = self.report.recording
        if self._account.failure is not None:
            self._found("unverifiable", name, "the ledger breaks off before it would speak of this recording")
        elif self._told.segments:
            self._found("incomplete", name, "its opening is not in the ledger: entries were lost when the disk refused them")
        elif self.report.findings.worst == "unverifiable":
            return  # what could not be read may say it
        elif not self.report.fragments:
            self._found("altered", name, "nothing signed mentions this recording")
        else:
            self._found("open", name, "its opening is not in the ledger yet")

    def _where(self, path: Path) -> str:
        return f"{self.report.recording}/{path.name}"


def _is_file(path: Path) -> bool:
    return _is(stat.S_ISREG, path)


def _is(kind: Callable[[int], bool], path: Path) -> bool:
    """What is there itself; links are not followed. What may not be looked at is what it should be, until it is opened."""
    try:
        return kind(os.lstat(path).st_mode)
    except PermissionError:
        return True
    except OSError:
        return False
