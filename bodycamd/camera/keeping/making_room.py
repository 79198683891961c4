"""Making room for footage out of what the station has (`storage.when_full: overwrite_sent`). What may go is `retention.room`'s to say.

    too little room  → the oldest recording that may go: `deleting` (reason `room`, proof `receipt`), as every deletion
    before that      → the station is asked, a segment at a time, whether its copy is still there:
                       nonce → uplink → station → signed answer → uplink → held against the file here → `copy_shown`

A question stands until it is answered, ten minutes at most; then it is the next recording's turn, and this one's again an hour later. An
answer counts for the question that stands and for no other: the nonce is new for each, and drawn here.

Whose receipts and answers count the roster in force says, until it ends: a newer one, in which a stolen key counts no more, can be kept
back that long and no longer. So nothing goes, and nothing is asked, before this boot's clock has been confirmed.

One thread: that which writes the ledger.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.rosters import Enter, Rosters
from bodycamd.camera.keeping.waiting import Question
from bodycamd.config.settings import Config
from bodycamd.errors import BodycamError
from bodycamd.evidence import signed_document
from bodycamd.evidence.answers import NONCE_BYTES, SignedAnswer, is_signed, station_keys
from bodycamd.evidence.noted_entries import CopyShown
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.roster_acceptance import Now as KnownTime
from bodycamd.evidence.roster_acceptance import has_ended
from bodycamd.linux.clock import Clock
from bodycamd.linux.disk import FileOperations
from bodycamd.retention.elapsed import Now
from bodycamd.retention.ledger_index import Facts
from bodycamd.retention.policy import Deletion, Rules
from bodycamd.retention.room import Need, Standing, as_stated, standings, to_ask, to_take
from bodycamd.retention.sent import SentFacts
from bodycamd.store.names import segment_files

log = logging.getLogger(__name__)

LEAST, AHEAD = 1.5, 6.0
"""Times `storage.reserve_minutes`: with less room recordings go, before the officer is told that room is low; and as far ahead the station
is asked, so that what was shown in the dock lasts for a day in the field."""
STANDS_US: Final = 600_000_000
REST_US: Final = 3_600_000_000
LOOK_US: Final = 5_000_000


def need_of(config: Config, bytes_per_second: float) -> Need:
    """In bytes, of footage at this rate."""
    reserve_bytes = config.storage.reserve_minutes * 60 * bytes_per_second
    return Need(round(LEAST * reserve_bytes), round(AHEAD * reserve_bytes))


class MakingRoom:
    """Of one open store. `sent` follows its ledger; `recordings` is the folder. The last `reserve_bytes` of the disk are not room."""

    def __init__(
        self, rosters: Rosters, device: str, recordings: Path, *, disk: FileOperations, need: Need, reserve_bytes: int, clock: Clock
    ) -> None:
        self.sent = SentFacts()
        self._rosters, self._device, self._recordings = rosters, device, recordings
        self._disk, self._need, self._reserve_bytes, self._clock = disk, need, reserve_bytes, clock
        self._grown_bytes = 0
        """So much room there is at least once the last deletion is done: half of what it takes, since footage is written meanwhile."""
        self._question: Question | None = None
        self._until_us = self._asked_us = 0
        self._rest: dict[str, int] = {}
        """Until when a recording is not asked for again."""
        self._odd: set[str] = set()
        """Recordings whose folder is not as the ledger states it: told once."""

    # --- what goes ------------------------------------------------------------------------------------------------------------------------

    def room_bytes(self) -> int | None:
        """Of room for footage; `None` where the disk does not say."""
        try:
            return self._disk.free_bytes(self._recordings) - self._reserve_bytes
        except OSError as error:
            log.error("cannot look for room: %s", error)
            return None

    @property
    def short(self) -> bool:
        """Whether something is to go, if it may."""
        room = self.room_bytes()
        return room is not None and room < self._need.least_bytes

    def standings(self, facts: Facts, present: frozenset[str], now: Now, boot_id: str, rules: Rules, wall_us: int | None) -> list[Standing]:
        """Of every recording that is there. `wall_us` is the wall clock, `None` where it was not confirmed in this boot."""
        in_force, keys = self._rosters.in_force, frozenset[str]()
        if in_force is not None and _says_still(in_force, wall_us):
            keys = frozenset(key.id for key in station_keys(in_force).values())
        return standings(
            facts.recordings(),
            present,
            facts.holds,
            facts.timeline,
            now,
            boot_id,
            rules,
            self.sent.recordings,
            self.sent.covered_by(keys),
            keys,
        )

    def next_deletion(self, found: Iterable[Standing], left_out: set[str]) -> Deletion | None:
        """What goes now, if anything."""
        room = self.room_bytes()
        left = [one for one in found if one.recording not in left_out]
        while room is not None and (one := to_take(left, room, self._need)) is not None:
            if self._as_stated(one.recording) and one.age is not None:
                self._grown_bytes = room + one.size_bytes // 2
                passed_us = max(one.age.running_us, one.age.wall_us or 0)
                return Deletion(one.recording, False, passed_us, "receipt", one.age.was_before_us)
            left.remove(one)
        return None

    def has_grown(self) -> bool:
        """Whether there is more room for what went last. A file that somebody holds open, as the uplink may, gives none: then what goes
        after it is lost here for nothing."""
        room = self.room_bytes()
        return room is None or room >= self._grown_bytes

    def _as_stated(self, recording: str) -> bool:
        """Nothing lies in its folder that the station has not got."""
        try:
            files, strays = segment_files(self._recordings / recording)
            sizes = {file.number: file.path.lstat().st_size for file in files if file.kind != "open"}
        except (BodycamError, OSError) as error:
            log.error("%s does not go for room: %s", recording, error)
            return False
        good = len(sizes) == len(files) and not strays and as_stated(self.sent.recordings, recording, sizes)
        if not good and recording not in self._odd:
            self._odd.add(recording)
            log.warning("%s does not go for room: its folder is not as the ledger states it", recording)
        return good

    # --- what is asked --------------------------------------------------------------------------------------------------------------------

    def question(self, find: Callable[[], Sequence[Standing]], file_of: Callable[[str, int], str]) -> Question | None:
        """What the station is to be asked now. `file_of` gives the name of a segment's file, and raises `BodycamError` for one that may not
        be sent."""
        now_us = self._clock.now_us()
        if self._question is not None and now_us >= self._until_us:
            log.warning("%s: the station has not shown within ten minutes that it has segment %d", *self._named(self._question))
            self._rest[self._question.recording] = now_us + REST_US
            self._question, self._asked_us = None, 0
        if self._question is None and now_us >= self._asked_us:
            self._asked_us = now_us + LOOK_US
            self._ask(find, file_of, now_us)
        return self._question

    def _ask(self, find: Callable[[], Sequence[Standing]], file_of: Callable[[str, int], str], now_us: int) -> None:
        room = self.room_bytes()
        if room is None or room >= self._need.ahead_bytes:
            return
        for recording, number in to_ask(find(), room, self._need):
            if self._rest.get(recording, 0) <= now_us:
                try:
                    file = file_of(recording, number)
                except BodycamError as error:
                    log.debug("%s is not asked for: %s", recording, error)
                    continue
                self._question = Question(recording=recording, segment=number, file=file, nonce=os.urandom(NONCE_BYTES).hex())
                self._until_us = now_us + STANDS_US
                return

    @staticmethod
    def _named(question: Question) -> tuple[str, int]:
        return question.recording, question.segment

    def refusal(self, signed: SignedAnswer, wall_us: int | None) -> Delivered | None:
        """What is told of an answer that is not taken whatever the file here holds; `None` for one that may be. `wall_us` as of
        `standings`."""
        in_force, question, answer = self._rosters.in_force, self._question, signed.answer
        if in_force is None:
            return _told(signed, "no_roster", "no roster is in force on this camera")
        if not is_signed(signed, in_force):
            return _told(signed, "not_signed", "no active station of the roster has signed it")
        if answer.device != self._device:
            return _told(signed, "other_device", "it is for another camera")
        if question is None or (answer.recording, answer.segment, answer.nonce) != (*self._named(question), question.nonce):
            return _told(signed, "not_asked", "it answers no question that stands")
        if not _says_still(in_force, wall_us):
            return _told(signed, "roster_ended", "the roster in force has ended, or no confirmed clock says that it has not")
        return None

    def deliver(self, signed: SignedAnswer, sha256: str, wall_us: int | None, enter: Enter) -> Delivered:
        """Judge an answer and state it; `sha256` is of the nonce and the file here, `wall_us` as of `standings`. Raises `StorageError`."""
        if (refused := self.refusal(signed, wall_us)) is not None:
            return refused
        assert self._rosters.in_force is not None, "refused above"
        if signed.answer.sha256 != sha256:
            self._until_us = 0
            return _told(signed, "other_bytes", "what the station has is not what is here")
        stated = CopyShown(
            answer=signed.id,
            document=signed_document.entry_text(signed.document),
            roster_sha256=self._rosters.in_force.document.sha256,
            recording=signed.answer.recording,
            segment=signed.answer.segment,
        )
        enter(stated)
        self._question, self._asked_us = None, 0
        return Delivered(id=signed.id, outcome="accepted", done=True)


def _says_still(in_force: SignedRoster, wall_us: int | None) -> bool:
    """Whether a roster says whose word counts: it is certain that it has not ended."""
    return wall_us is not None and not has_ended(in_force.roster, KnownTime(wall_us, True))


def _told(signed: SignedAnswer, outcome: str, why: str) -> Delivered:
    return Delivered(id=signed.id, outcome=outcome, done=False, why=why)
