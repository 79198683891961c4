"""One look at what waits, and what is sent of it. Nothing is remembered that the recorder or the station does not know better: a process
that is killed at any point is started again and goes on.

    recorder: what waits                             → which of it may go now (`order`)
    a ledger that was shortened: the checkpoint first, by PATCH
    the ledger: HEAD, whole lines by PATCH           a rest that a cut left goes when the station misses it
    whether the station still has a segment: POST    → its answer, and perhaps a newer receipt → recorder; no footage waits for that
    each segment: GET, parts by PATCH                → its receipt → recorder, which states it
    nothing waits, and something was stated since    → a receipt for the ledger

A segment that does not go is set aside for a time of its own (`Aside`), and the next one goes.

Every status is looked at: only a 204 says how much is there, and an answer that goes another way than the one of a station ends the look.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from bodycamd.camera.keeping.waiting import Question, Waiting, WaitingSegment, WaitingStart
from bodycamd.camera.uplink.allowance import Allowance
from bodycamd.camera.uplink.aside import Aside
from bodycamd.camera.uplink.checkpoint import read_exactly, send_checkpoint
from bodycamd.camera.uplink.order import LEAST_PART_BYTES, Conditions, Plan, next_part_bytes, plan
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.station_link import Reply, StationError, StationLink, told
from bodycamd.config.station_settings import StationSettings
from bodycamd.errors import DataError, NotFoundError, StorageError, UnavailableError
from bodycamd.evidence import receipts
from bodycamd.evidence.request_signing import Content
from bodycamd.evidence.signed_line import MAX_LINE_BYTES

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 2.0
"""So long segments of one recording are sent before what waits is looked at again: a hold may have come."""
MOST_ASTRAY: Final = 5
"""Answers in a row that bring a file no further: more are no station's."""
REFUSING: Final = (410, 422)
"""Of one segment: deleted there, or not what the ledger says."""
TOO_SOON: Final = 429
ASK_SECONDS: Final = 10
MOST_ASK_SECONDS: Final = 60
"""After which a station that answers no more questions for now is asked again, where it does not say, and at most."""
FIRST_PART_BYTES: Final = 4 * LEAST_PART_BYTES
_MISSING = re.compile(r"([0-9]{6})\.jsonl [0-9a-f]{64}")


class SpentError(Exception):
    """Today's allowance is used up."""


class RefusedError(Exception):
    """This segment does not go, and that is no matter of any other."""


class Sending:
    """From one recorder to one station. `look` as often as it says."""

    def __init__(
        self,
        settings: StationSettings,
        recorder: RecorderLink,
        station: StationLink,
        allowance: Allowance,
        *,
        link_up: Callable[[str], bool],
        now_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._recorder, self._station, self._allowance = settings, recorder, station, allowance
        self._link_up, self._now_seconds = link_up, now_seconds
        self._place: tuple[int, int] | None = None
        """What the station has of the ledger: all of the starts before this one, and so many bytes of it. `None`: it is to be asked."""
        self._caught_up = False
        self._no_answer = ""
        """The nonce of a question that the station does not answer: the next one is another."""
        self._ask_after = 0.0
        """The time from which on the station answers questions again."""
        self._aside = Aside(settings.longest_pause_seconds)
        self._part_bytes = FIRST_PART_BYTES
        self._metered = True
        self.docked = False
        self.conditions = Conditions(link_up=False, charging=None, battery_percent=None, left_bytes=None)
        """By the last look."""
        self.steps = 0
        """Grows with every receipt, and with every byte that the station has for the first time: after it no failure is one in a row."""

    def look(self) -> float:
        """Send some of what waits; returns after how many seconds to look again. Raises `BodycamError` where something does not go on."""
        waiting, plan = self._plan()
        if not plan.ledger:
            self._recorder.doing = plan.why
            return IDLE_SECONDS
        try:
            return self._send(waiting, plan)
        except SpentError:
            self._recorder.doing = "waits for tomorrow: today's data allowance is used up"
            return IDLE_SECONDS
        except BaseException:
            self._place, self._caught_up = None, False
            raise

    def _plan(self) -> tuple[Waiting, Plan]:
        waiting, status, link = self._recorder.waiting(), self._recorder.status(), self._settings.link
        now = Conditions(
            link_up=link is not None and self._link_up(link),
            charging=status.battery.charging,
            battery_percent=status.battery.percent,
            left_bytes=self._allowance.left_bytes(self._now_seconds()),
        )
        self.docked = now.docked
        self.conditions = now
        self._station.link = link if now.docked else None
        self._station.timed = status.clock.trusted
        found = plan(waiting.recordings, self._settings.upload, now, self._settings.battery_floor_percent)
        self._metered = found.metered
        return waiting, found

    def _send(self, waiting: Waiting, plan: Plan) -> float:
        if not self._caught_up:
            self._catch_up()
            self._caught_up = True
        self._send_ledger(waiting.starts, waiting.checkpoint)
        self._aside.keep({one.recording for one in waiting.recordings})
        question = waiting.question
        asked = question is not None and question.nonce != self._no_answer and time.monotonic() >= self._ask_after
        if question is not None and asked:
            self._recorder.doing = self._told(f"asks for {question.recording}/{question.file}")
            self._ask(question)
        until = time.monotonic() + LOOK_SECONDS
        for recording in plan.recordings:
            tried = False
            for segment in self._recorder.segments(recording):
                if self._aside.rests(recording, segment.file, time.monotonic()):
                    continue
                tried = True
                self._recorder.doing = self._told(f"sends {recording}/{segment.file}")
                self._send_or_set_aside(recording, segment)
                if time.monotonic() > until:
                    break
            if tried:
                return 0.0
        if asked:
            return 0.0
        if waiting.receipt_due:
            self._receive(self._expect(self._station.ask("POST", "receipts"), 200).body)
            return 0.0
        self._recorder.doing = self._told(plan.why) or "everything is sent"
        return IDLE_SECONDS

    def _told(self, what: str) -> str:
        return "; ".join(one for one in (what, self._aside.told()) if one)

    # --- the ledger -----------------------------------------------------------------------------------------------------------------------

    def _send_ledger(self, starts: Sequence[WaitingStart], checkpoint: int | None) -> None:
        if self._place is None:
            self._place = self._place_of(starts)
        if self._place == (0, 0) and checkpoint is not None:
            send_checkpoint(checkpoint, self._recorder, self._station, self._patch, lambda: self._allowed(self._part_bytes, 1))
        for one in starts:
            if one.start >= self._place[0]:
                at = self._place[1] if one.start == self._place[0] else 0
                if at > one.size_bytes + one.rest_bytes:
                    raise StationError(f"the station has {at} bytes of start {one.start}, more than this camera: is this a second card?")
                if at < one.size_bytes:
                    at = self._send_lines(one, starts, at)
                self._place = one.start, at

    def _place_of(self, starts: Sequence[WaitingStart]) -> tuple[int, int]:
        """The newest start that the station has something of, and how much."""
        found, below, above = (0, 0), 0, len(starts)
        while below < above:
            middle = (below + above) // 2
            size = self._offset(self._expect(self._station.ask("HEAD", f"ledger/{starts[middle].start}"), 204))
            if size:
                found, below = (starts[middle].start, size), middle + 1
            else:
                above = middle
        return found

    def _send_lines(self, one: WaitingStart, starts: Sequence[WaitingStart], at: int) -> int:
        opened, file = self._recorder.open_ledger(one.start)
        astray = 0
        with file:
            while at < opened.size_bytes:
                part = _lines(file, at, min(self._allowed(self._part_bytes, MAX_LINE_BYTES), opened.size_bytes - at))
                reply = self._patch(f"ledger/{one.start}", at, part, last=False)
                if reply.status == 204:
                    at = self._further(reply, at + len(part))
                    self.steps += 1
                    continue
                astray += 1
                if reply.status == 409 and "missing-rest" in reply.headers:
                    self._send_rest(reply.headers["missing-rest"], starts)
                elif reply.status == 409 and reply.number("upload-offset") is not None:
                    at = min(self._offset(reply), opened.size_bytes)
                else:
                    raise _unexpected(reply)
                if astray > MOST_ASTRAY:
                    raise StationError("the station's answers lead the ledger nowhere")
        return at

    def _send_rest(self, missing: str, starts: Sequence[WaitingStart]) -> None:
        match = _MISSING.fullmatch(missing)
        found = next((one for one in starts if match is not None and one.start == int(match[1]) and one.rest_bytes), None)
        if found is None:
            raise StationError("the station misses a rest that this camera does not have")
        opened, file = self._recorder.open_ledger(found.start)
        with file:
            rest = read_exactly(file, opened.size_bytes, opened.rest_bytes)
        self._expect(self._station.ask("PUT", f"ledger/{found.start}/rest", Content(rest)), 204)

    # --- footage --------------------------------------------------------------------------------------------------------------------------

    def _send_or_set_aside(self, recording: str, segment: WaitingSegment) -> None:
        try:
            receipt = self._send_segment(recording, segment)
        except (RefusedError, UnavailableError) as error:
            refused = isinstance(error, RefusedError)
            news = self._aside.failed(recording, segment.file, str(error), time.monotonic(), refused=refused)
            if not refused:
                raise
            if news:
                log.warning("%s/%s is set aside: %s", recording, segment.file, error)
            return
        self._aside.went(recording, segment.file)
        self._receive(receipt)

    def _send_segment(self, recording: str, segment: WaitingSegment) -> bytes:
        """The receipt. Raises `RefusedError` where this one alone does not go."""
        path = f"recordings/{recording}/{segment.file}"
        reply = self._station.ask("GET", path)
        if reply.status == 200:
            return reply.body
        if reply.status in REFUSING:
            raise RefusedError(f"{reply.status}: {told(reply)}")
        at = self._offset(self._expect(reply, 204))
        try:
            opened, file = self._recorder.open_segment(recording, segment.file)
        except (DataError, NotFoundError, StorageError) as error:
            self._recorder.waiting()  # raises where it is no matter of the segment: there is no recorder
            raise RefusedError(str(error)) from error
        size, astray, thrown_away = opened.size_bytes + opened.rest_bytes, 0, False
        with file:
            while True:
                if at > size:
                    raise RefusedError(f"the station has {at} bytes of it, and it has {size}")
                left = size - at
                allowed = self._allowed(self._part_bytes, 1) if left else 0
                try:
                    part = read_exactly(file, at, min(allowed, left))
                except StorageError as error:
                    raise RefusedError(str(error)) from error
                sent, last = len(part), len(part) == left
                reply = self._patch(path, at, part, last=last)
                del part  # or it would still be held while the next one is read
                if reply.status == 200:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # the recorder's memory is not filled with what is sent
                    return reply.body
                if reply.status == 204 and not last:
                    at = self._further(reply, at + sent)
                    self.steps += self._aside.reaches(recording, segment.file, at)
                    continue
                astray += 1
                if reply.status == 410 or (thrown_away and reply.status == 422):
                    raise RefusedError(f"{reply.status}: {told(reply)}")
                if astray > MOST_ASTRAY:
                    raise RefusedError("the station's answers lead it nowhere")
                if reply.status == 409 and reply.number("upload-offset") is not None:
                    at = self._offset(reply)
                elif reply.status == 422:  # what is there is not what the ledger says, and was thrown away
                    thrown_away = True
                    at = self._offset(self._expect(self._station.ask("GET", path), 204))
                else:
                    raise _unexpected(reply)

    def _patch(self, path: str, at: int, part: bytes, *, last: bool) -> Reply:
        if self._metered and not self._allowance.take(len(part), self._now_seconds()):
            raise SpentError
        began = time.monotonic()
        reply = self._station.ask("PATCH", path, Content(part, at, last))
        if len(part) >= self._part_bytes:
            self._part_bytes = next_part_bytes(self._part_bytes, time.monotonic() - began)
        return reply

    def _allowed(self, wanted: int, least: int) -> int:
        """How long the next part may be. Raises `SpentError` where today has not even the least left."""
        left = self._allowance.left_bytes(self._now_seconds()) if self._metered else None
        if left is None:
            return max(wanted, least)
        if left < least:
            raise SpentError
        return min(max(wanted, least), left)

    # --- receipts -------------------------------------------------------------------------------------------------------------------------

    def _ask(self, question: Question) -> None:
        """Carry a question of the recorder to the station, and the answer back. What is no answer is no reason to send nothing."""
        reply = self._station.ask("POST", f"recordings/{question.recording}/{question.file}/answer", query=f"nonce={question.nonce}")
        if reply.status == TOO_SOON:
            self._ask_after = time.monotonic() + min(reply.number("retry-after") or ASK_SECONDS, MOST_ASK_SECONDS)
            return
        if reply.status != 200:
            log.warning("%s/%s: the station does not say that it has it: %s", question.recording, question.file, told(reply))
            self._no_answer = question.nonce
            return
        *newer, answer = split(reply.body) or [b""]
        for raw in newer:
            self._receive(raw)
        found = self._recorder.deliver(answer)
        if not found.done:
            self._no_answer = question.nonce
            raise StationError(f"this camera does not take the station's answer: {found.why}")
        self.steps += 1

    def _receive(self, raw: bytes) -> None:
        """Hand a receipt to the recorder, and first those that it has missed."""
        found = self._recorder.deliver(raw)
        if found.outcome == "not_next" and self._catch_up() == 0:
            raise StationError("the station's receipts do not follow on the last one that this camera has taken")
        if found.outcome not in ("accepted", "repeated", "not_next"):
            raise StationError(f"this camera does not take the station's receipt: {found.why}")
        self.steps += 1

    def _catch_up(self) -> int:
        """Hand over what the station has given since the recorder's last one; how many those were."""
        count = 0
        while True:
            after = self._recorder.waiting().receipts
            found = receipts.split(self._expect(self._station.ask("GET", "receipts", query=f"after={after}"), 200).body)
            for raw in found:
                told = self._recorder.deliver(raw)
                if told.outcome != "accepted":
                    raise StationError(f"this camera does not take the station's receipt: {told.why}")
                count += 1
                self.steps += 1
            if not found:
                return count

    # --- answers --------------------------------------------------------------------------------------------------------------------------

    def _expect(self, reply: Reply, status: int) -> Reply:
        if reply.status != status:
            raise _unexpected(reply)
        return reply

    def _offset(self, reply: Reply) -> int:
        found = reply.number("upload-offset")
        if found is None:
            raise StationError(f"{reply.status} without Upload-Offset: no station answers so")
        return found

    def _further(self, reply: Reply, expected: int) -> int:
        if self._offset(reply) != expected:
            raise StationError(f"a part ends at {expected}, and the station says {self._offset(reply)}")
        return expected


def interface_is_up(name: str, folder: Path = Path("/sys/class/net")) -> bool:
    """Whether a network interface has a carrier; the loopback's state is `unknown`."""
    try:
        return (folder / name / "operstate").read_text(encoding="ascii").strip() in ("up", "unknown")
    except (OSError, UnicodeDecodeError):
        return False


def split(raw: bytes) -> list[bytes]:
    """Documents one behind the other: each one's bytes. What one is, is for the recorder to say."""
    return [one for one in re.split(rb"^(?=bodycam-)", raw, flags=re.MULTILINE) if one]


def _unexpected(reply: Reply) -> StationError:
    return StationError(f"{reply.status}: {told(reply)}")


def _lines(file: BinaryIO, at: int, size: int) -> bytes:
    """As many whole lines as these bytes hold."""
    found = read_exactly(file, at, size)
    whole = found[: found.rfind(b"\n") + 1]
    if not whole:
        raise StorageError("what the recorder opened has no whole line there")
    return whole
