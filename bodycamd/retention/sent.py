"""What a camera's ledger states of what the station has: receipts, and answers to the question whether it still has it.

A receipt counts for a segment when it is for exactly the bytes that the ledger states, and for the ledger as far as its `head`, which is
one of the lines since the head of the receipt before. Of several for one segment the newest counts. Who signed them was judged when they
were stated; by which key is kept, because a roster may have changed since.

Pure: the ledger's verified entries folded, for the camera's retention and for whoever audits it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from bodycamd.errors import DataError
from bodycamd.evidence import answers, receipts, signed_document
from bodycamd.evidence.entries import RecordingClosed, SegmentRecovered, SegmentSealed
from bodycamd.evidence.noted_entries import CopyShown, Uploaded
from bodycamd.evidence.receipts import Receipt
from bodycamd.evidence.retention_entries import RecordingDeleted
from bodycamd.evidence.statements import Entry, Stated, wall_us
from bodycamd.retention.room import SentRecording, SentSegment

_DIGEST: Final = 32


class SentFacts:
    """`take` each verified entry of a ledger, the oldest first. It never raises: what makes no sense is passed over."""

    def __init__(self) -> None:
        self.recordings: dict[str, SentRecording] = {}
        self.covered = -1
        """The place of the newest line that a receipt says a station has."""
        self._covered_by: dict[str, int] = {}
        """The same by the id of the key that signed."""
        self._place = -1
        self._heads = bytearray()
        """The SHA-256 of the lines from `_first` on; a line's own is known by the one after it."""
        self._first = 0

    def take(self, entry: Entry, detail: Stated | None) -> None:
        """One entry more."""
        self._place += 1
        if self._place:
            self._heads += bytes.fromhex(entry.prev)
        match detail:
            case SegmentSealed():
                self._state(detail.recording, detail.segment, SentSegment(detail.size, detail.sha256))
            case SegmentRecovered():
                whole = "" if detail.torn_bytes else detail.sha256
                self._state(detail.recording, detail.segment, SentSegment(detail.good_bytes + detail.torn_bytes, whole))
            case RecordingClosed():
                self._of(detail.recording).closed = self._place
            case RecordingDeleted():
                self.recordings.pop(detail.recording, None)
            case Uploaded():
                self._take_receipt(entry, detail)
            case CopyShown():
                self._take_answer(entry, detail)

    def covered_by(self, keys: Collection[str]) -> int:
        """The place of the newest line that a receipt by one of these keys says the station has; -1 where none does."""
        return max((place for key, place in self._covered_by.items() if key in keys), default=-1)

    def _of(self, recording: str) -> SentRecording:
        return self.recordings.setdefault(recording, SentRecording())

    def _state(self, recording: str, number: int, segment: SentSegment) -> None:
        """If it is stated again, the first statement counts."""
        self._of(recording).segments.setdefault(number, segment)

    def _take_receipt(self, entry: Entry, stated: Uploaded) -> None:
        try:
            signed = receipts.decode(signed_document.from_entry(stated.document, "a receipt"), "a receipt")
            until_us = wall_us(signed.receipt.kept_until, "a receipt")
        except DataError:
            return
        receipt = signed.receipt
        place = self._place_of(receipt.head)
        if signed.id != stated.receipt or receipt.device != entry.device or place is None:
            return
        signer = answers.only_signer(signed.document)
        del self._heads[: (place - self._first) * _DIGEST]
        self._first = self.covered = self._covered_by[signer] = place
        segment = self._segment(receipt, stated)
        if segment is not None:
            segment.kept_until_us, segment.key = until_us, signer

    def _segment(self, receipt: Receipt, stated: Uploaded) -> SentSegment | None:
        """Of whose bytes it is."""
        if (receipt.recording, receipt.segment) != (stated.recording, stated.segment) or receipt.recording is None:
            return None
        known = self.recordings.get(receipt.recording)
        found = known.segments.get(receipt.segment) if known is not None and receipt.segment is not None else None
        if found is None or receipt.size != found.size_bytes or found.sha256 not in ("", receipt.sha256):
            return None
        return found

    def _take_answer(self, entry: Entry, stated: CopyShown) -> None:
        try:
            signed = answers.decode(signed_document.from_entry(stated.document, "an answer"), "an answer")
        except DataError:
            return
        answer = signed.answer
        known = self.recordings.get(stated.recording)
        found = known.segments.get(stated.segment) if known is not None else None
        said = (signed.id, answer.device, answer.recording, answer.segment)
        if found is not None and said == (stated.answer, entry.device, stated.recording, stated.segment):
            found.shown, found.shown_key = (entry.boot_id, entry.boottime_ns // 1000), answers.only_signer(signed.document)

    def _place_of(self, head: str) -> int | None:
        """The place of the line with this SHA-256, since that of the receipt before."""
        wanted, at = bytes.fromhex(head), -1
        while (at := self._heads.find(wanted, at + 1)) >= 0:
            if at % _DIGEST == 0:
                return self._first + at // _DIGEST
        return None
