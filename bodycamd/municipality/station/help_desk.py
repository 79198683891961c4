"""Calls for help: each is signed by its camera, reaches the first person of the list, and after a while without an answer the next one.

    taken     signed with the camera's message key, and not older than `FRESH_US`, as
              far as the station's clock is confirmed                                    → noted
    reached   the command ended with 0 for somebody, or a push service took the push     → signed as sent, which the camera feels
    due       nobody answered within `answer_seconds`                                    → the next person of the list
    answered  an order of a person of the roster has come (`orders`)                     → nobody more is called

A call that comes again gets the same confirmation, and nobody is called for it twice. Where a process died while it called somebody,
the next person is called when the camera asks again, after the seconds that a command may last. Any number of cameras at once; of one
camera one call at a time, and no more new ones than `help_index.MOST_CALLS` in ten minutes: whoever has stolen a camera's key does not
call people without end.

Several processes may share the index. Each step of a call is one transaction that one of them wins, and the command runs under the
camera's lease, so that no other one calls the next person meanwhile; the trial of the command has a lease too.

A camera's daily test goes the same way and calls nobody: it is confirmed where the command, tried with everybody once a day, ended well,
where nothing is against a push to those who get one, and where the one to the person who is named for that was taken. That trial can last
for minutes, and no request waits for its end: the camera asks again. A call never waits for a test.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from bodycamd.errors import DataError, StorageError, StoreBusyError
from bodycamd.evidence.help_call import HelpSent, SignedCall, check_call, decode_call, sign_sent
from bodycamd.evidence.keys import Signer
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.statements import wall_text, wall_us
from bodycamd.municipality.station.help_index import HelpIndex, KnownCall, TooManyError
from bodycamd.municipality.station.help_ways import HelpPush, HelpWays, pushed
from bodycamd.municipality.station.help_words import HelpMessage, message_of, test_message
from bodycamd.municipality.station.leases import Leases
from bodycamd.municipality.station.station_file import PUSH, HelpSettings

log = logging.getLogger(__name__)

FRESH_US: Final = 900_000_000
"""A call of a camera with a clock that is older is no call any more: somebody has kept it back."""
TRIAL_US: Final = 82_800_000_000
"""Between two trials of the command: 23 hours, so that each day's first test brings one."""
TRIAL_AGAIN_US: Final = 3_600_000_000
"""After a trial that failed."""


BESIDES_SECONDS: Final = 2
"""A lease is longer than the commands that run under it by so much."""
TRIAL_WAIT_SECONDS: Final = 1.0
"""So long a test waits for a trial that it brought."""
AT_ONCE: Final = 16
"""So many cameras' people are called at the same time."""


class UnreachedError(StorageError):
    """No way to anybody ended well. Ask again."""


class HelpDesk:
    """Of one process of a station. Safe for several threads; `take` and `call_next` last as long as the commands that they run."""

    def __init__(
        self,
        name: str,
        signer: Signer,
        index: HelpIndex,
        settings: HelpSettings,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        confirmed: Callable[[], bool] = lambda: True,
        push: HelpPush | None = None,
        run: Callable[[str, HelpMessage], bool] | None = None,
    ) -> None:
        """`push`: where somebody is called by one. `run`: in place of every way to a person."""
        self._name, self._signer, self._settings, self._now_us = name, signer, settings, now_us
        self._confirmed = confirmed
        self.index = index
        self._leases = Leases(index.database)
        ways = HelpWays(settings, push)
        self._run, self._try_out = run or ways.run, run or ways.try_out
        self._busy: set[str] = set()
        self._table = threading.Lock()
        self._refused: set[str] = set()

    def take(self, raw: bytes, in_force: SignedRoster, device: str) -> bytes:
        """A camera's call: the confirmation, once somebody was reached. Raises `DataError` for what is no call of this camera, or an old
        one; `UnreachedError`; `StoreBusyError` while a call of this camera is under way, and after too many of them; `StorageError`."""
        signed = decode_call(raw, "the call")
        check_call(signed, in_force, device)
        with self._alone(f"{device}'s test" if signed.call.test else device):
            known = self.index.call(signed.id)
            if known is None:
                self._check_fresh(signed)
                known = self._added(signed)
            if known.sent is not None:
                return known.sent
            if not known.file_bytes:
                raise DataError("this call came before the station's index was made anew: call again")
            return self._confirm_test(signed) if signed.call.test else self._reach(signed, known)

    def call_next(self) -> None:
        """Call whoever is due, for one call of each camera: no camera's waits for another's. Raises `StorageError`."""
        newest = {known.device: known for known in reversed(self.index.due(self._now_us()))}
        if newest:
            with ThreadPoolExecutor(min(len(newest), AT_ONCE), "help") as pool:
                list(pool.map(self._call_due, newest.values()))

    def forget(self) -> None:
        """Calls that are old, as far as the clock is confirmed. Raises `StorageError`."""
        if self._confirmed():
            self.index.forget(self._now_us())

    def _call_due(self, known: KnownCall) -> None:
        signed = decode_call(known.file_bytes, "a kept call")
        try:
            with self._alone(known.device):
                if self._call(signed, known.called, known.called, due_us=self._now_us()) is False:
                    log.error("help: number %d of the list was not reached for %s", known.called + 1, known.device)
        except StoreBusyError:
            return  # the camera asks at this very moment

    def _added(self, signed: SignedCall) -> KnownCall:
        device = signed.call.camera
        try:
            known = self.index.add(signed, self._now_us())
        except TooManyError as error:
            if device not in self._refused:
                log.error(
                    "help: %s; if nobody pressed so often, its message key is in other hands: take the camera out of the roster", error
                )
                self._refused.add(device)
            raise
        self._refused.discard(device)
        return known

    # --- one call -------------------------------------------------------------------------------------------------------------------------

    def _check_fresh(self, signed: SignedCall) -> None:
        call = signed.call
        age_us = self._now_us() - wall_us(call.at, "at")
        if call.clock_trusted and age_us > FRESH_US and self._confirmed():
            raise DataError(f"the call was made {age_us // 60_000_000} minutes ago: somebody has kept it back")

    def _reach(self, signed: SignedCall, known: KnownCall) -> bytes:
        """The first one who can be reached now, from the one on who is next. One who was called and not reached is called again only when
        all have been."""
        people, called = len(self._settings.to), known.called
        for person in range(called if called < people else 0, people):
            reached = self._call(signed, person, called)
            called = person + 1
            found = self.index.call(signed.id)
            if found is not None and found.sent is not None:
                return found.sent
            if found is not None and found.answer is not None:
                self.index.confirm(signed.id, sent := self._signed(signed))
                return sent
            if reached is None:
                raise StoreBusyError("another process of the station calls somebody for this call")
        raise UnreachedError("nobody was reached")

    def _call(self, signed: SignedCall, person: int, called: int, due_us: int | None = None) -> bool | None:
        """Call a person, where so many were `called` so far; `None` where another process calls somebody of this camera or has done it,
        somebody has answered, or the list is over."""
        if person >= len(self._settings.to):
            return None
        last = person + 1 == len(self._settings.to)
        next_us = None if last else self._now_us() + self._settings.answer_seconds * 1_000_000
        with self._leases.held(f"help/{signed.call.camera}", self._settings.timeout_seconds + BESIDES_SECONDS) as mine:
            if not mine or not self.index.begin(signed.id, person, next_us, called=called, due_us=due_us):
                return None
            to = self._settings.to[person]
            reached = self._run(to, message_of(signed, person, self._settings.language))
            sent = self._signed(signed) if reached else None
            way = "by the command" if pushed(to) is None else "by a push"
            self.index.ended(signed.id, signed.call.camera, person, way, reached, self._now_us(), sent)
            return reached

    def _signed(self, signed: SignedCall) -> bytes:
        people = len(self._settings.to)
        sent = HelpSent(station=self._name, camera=signed.call.camera, call=signed.id, sent_at=wall_text(self._now_us()), people=people)
        return sign_sent(sent, self._signer).document.file_bytes

    # --- the daily test -------------------------------------------------------------------------------------------------------------------

    def _confirm_test(self, signed: SignedCall) -> bytes:
        if self._trial_is_due():
            self._begin("*")
            trying = Future[None]()
            threading.Thread(target=self._try_everybody, args=(trying,), name="help trial", daemon=True).start()
            try:
                trying.result(TRIAL_WAIT_SECONDS)
            except TimeoutError:
                raise StoreBusyError("the ways to everybody are being tried: ask again") from None
        tried = self.index.trial()
        if tried is None or not tried[1]:
            raise UnreachedError("the ways to everybody were tried, and not all ended well")
        sent = self._signed(signed)
        self.index.confirm(signed.id, sent)
        return sent

    def _trial_is_due(self) -> bool:
        tried = self.index.trial()
        return tried is None or self._now_us() - tried[0] >= (TRIAL_US if tried[1] else TRIAL_AGAIN_US)

    def _try_everybody(self, trying: Future[None]) -> None:
        """In a thread of its own, which has `*` for itself."""
        people = len(self._settings.to)
        try:
            with self._leases.held("help-trial", (people + 1) * self._settings.timeout_seconds + BESIDES_SECONDS) as mine:
                if not mine:
                    raise StoreBusyError("another process of the station tries the ways to everybody: ask again")
                if self._trial_is_due():  # none has ended meanwhile
                    now_us = self._now_us()
                    self.index.tried(now_us, *self._trial())
        except StoreBusyError as error:
            self._end("*")
            trying.set_exception(error)
        except BaseException as error:
            log.error("help: the ways to everybody could not be tried: %s: %s", type(error).__name__, error)
            self._end("*")
            trying.set_exception(error)
        else:
            self._end("*")
            trying.set_result(None)

    def _trial(self) -> tuple[bool, str]:
        """Whether it ended well, and what the log says of it."""
        people, message = self._settings.to, test_message(self._settings.language)
        failed = [str(number) for number, to in enumerate(people, 1) if not self._try_out(to, message)]
        told = f"{len(people)} people" + (f"; not reached: {', '.join(failed)}" if failed else "")
        looked_at = sum(pushed(to) is not None for to in people)
        if (push := self._settings.push) is None or not looked_at:
            return not failed, told
        told += f"; {looked_at} of them by a push, which was not sent"
        if push.test is None:
            return not failed, told
        well = self._run(PUSH + push.test, message)
        return well and not failed, told + f"; a push to {push.test} was {'' if well else 'not '}taken"

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        self._begin(what)
        try:
            yield
        finally:
            self._end(what)

    def _begin(self, what: str) -> None:
        with self._table:
            if what in self._busy:
                raise StoreBusyError("a call is under way")
            self._busy.add(what)

    def _end(self, what: str) -> None:
        with self._table:
            self._busy.discard(what)
