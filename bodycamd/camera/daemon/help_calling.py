"""Calls for help, from the button to the uplink and back: each is signed with the message key, stated, and only then carried.

In the loop's thread, which never waits for it: the button answers as always. The ledger's entry comes first, unless the card does not take
it within `ENTRY_SECONDS`: then the entry follows, for a call must not wait for a card; where the card fails there is none. What comes back
counts by its signatures alone.

Once a day, and some time after each start, a test is made: it goes all the way to the station and back, and is not felt.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import HELP_SENT_US
from bodycamd.camera.daemon.handing_out import Write
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.help_calls import CallWaiting, HelpCalls, HelpStatus
from bodycamd.camera.keeping.rosters import Rosters
from bodycamd.errors import BodycamError, ConfigError
from bodycamd.evidence import signed_document
from bodycamd.evidence.help_call import HelpCall, SignedCall, SignedSent, judge_sent, sign_call
from bodycamd.evidence.keys import Signer, load_key_file
from bodycamd.evidence.noted_entries import HelpCalled, HelpConfirmed, OrderOutcome
from bodycamd.evidence.statements import Caller, wall_text
from bodycamd.linux.clock import Clock
from bodycamd.store.names import recording_id

log = logging.getLogger(__name__)

ENTRY_SECONDS: Final = 2.0
MOST_HELD_SECONDS: Final = 20
"""So long the uplink's question is held while nobody calls."""
FIRST_TEST_SECONDS: Final = 60.0
TEST_SECONDS: Final = 86_400.0
TEST_AGAIN_SECONDS: Final = 3_600.0
"""After a test that nobody confirmed: in a drawer a camera makes 24 a day."""
BUTTON: Final = Caller(via="button")


def message_key(signing: Path) -> Path:
    """The file of the message key, as `bodycamd enrol` makes it beside the folder of signing keys."""
    return signing.parent / "enrolment" / "message.key"


class HelpCalling:
    """`felt` takes what is felt of a call to the control. `attach` brings the start and the way to the ledger."""

    def __init__(self, device: str, key_file: Path, clock: Clock, felt: Callable[[ev.HelpSent | ev.HelpAnswered], None]) -> None:
        self._device, self._key_file, self._clock, self._felt = device, key_file, clock, felt
        self._calls = HelpCalls()
        self._changed = asyncio.Event()
        self._start = 0
        self._write: Write | None = None
        self._tests = 0
        self._key: Signer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, start: int, write: Write) -> None:
        """The store is open: from here on calls can be made, and tests are."""
        self._start, self._write = start, write
        self._go(self._test_daily())

    def close(self) -> None:
        """No more."""
        for task in list(self._tasks):
            task.cancel()

    def status(self) -> HelpStatus:
        """For `status`."""
        return self._calls.status(self._clock.now_us(), HELP_SENT_US)

    def is_unconfirmed(self) -> bool:
        """Whether the newest call or the newest test was not confirmed; a call no more once a later test was."""
        return self._calls.is_unconfirmed(self._clock.now_us(), HELP_SENT_US)

    def is_under_way(self) -> bool:
        """Whether somebody has called and it was not carried yet, or not answered: the end of the recorder would lose it."""
        return self._calls.is_under_way(self._clock.now_us())

    def call(self, asked: ev.CallHelp, officer: str | None) -> None:
        """Make a call. What prevents it is told in the journal, and felt as not sent."""
        self._go(self._make(asked.number, recording_id(self._start, asked.recording), asked.at_us, officer))

    async def waiting(self, wait_seconds: int) -> CallWaiting:
        """What is to be carried now; where nothing is, after so many seconds, or as soon as something is."""
        ends_us = self._clock.now_us() + min(wait_seconds, MOST_HELD_SECONDS) * 1_000_000
        while True:
            self._changed.clear()
            now_us = self._clock.now_us()
            found = self._calls.waiting(now_us)
            if found.document is not None or found.awaited or now_us >= ends_us:
                return found
            try:
                async with asyncio.timeout((ends_us - now_us) / 1e6):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def take_sent(self, signed: SignedSent, rosters: Rosters | None) -> Delivered:
        """What becomes of a confirmation that a courier brought."""
        id = signed.sent.call
        outcome = judge_sent(signed, None if rosters is None else rosters.in_force, self._device)
        number: int | None = None
        if outcome == "accepted":
            outcome, number = self._calls.sent(id, self._clock.now_us())
        if outcome != "accepted":
            why = "" if outcome == "repeated" else outcome.replace("_", " ")
            return Delivered(id=signed.document.sha256, outcome=outcome, done=outcome == "repeated", why=why)
        self._calls.people = signed.sent.people
        if number is None:
            self._calls.tested_at = signed.sent.sent_at
        else:
            self._felt(ev.HelpSent(number))
        self._changed.set()
        await self._state(HelpConfirmed(call=id, document=signed_document.entry_text(signed.document), test=number is None))
        return Delivered(id=signed.document.sha256, outcome="accepted", done=True)

    def answered(self, call: str) -> OrderOutcome:
        """What comes of an answer that was judged and stated."""
        number = self._calls.answered(call)
        self._changed.set()
        if number is None:
            return "no_call"
        self._felt(ev.HelpAnswered(number))
        return "answered"

    # --- making one -----------------------------------------------------------------------------------------------------------------------

    async def _make(self, number: int, recording: str | None, at_us: int | None, officer: str | None) -> None:
        try:
            signed = self._signed(number, recording, officer, await self._own_key())
        except BodycamError as error:
            log.error("no call for help can be made: %s", error)
            return
        entry = HelpCalled(
            call=signed.id,
            number=number,
            document=signed_document.entry_text(signed.document),
            test=recording is None,
            recording=recording,
            at_us=at_us,
            officer=officer,
            caller=BUTTON if recording is not None else None,
        )
        await self._state(entry)
        self._calls.add(signed, self._clock.now_us())
        self._changed.set()

    async def _own_key(self) -> Signer:
        """Read once, and kept; where there is none yet, looked for again: a camera may enrol while the recorder runs. Raises
        `BodycamError`."""
        if self._key is None:
            self._key = await asyncio.get_running_loop().run_in_executor(None, _read_key, self._key_file)
        return self._key

    def _signed(self, number: int, recording: str | None, officer: str | None, key: Signer) -> SignedCall:
        now = self._clock.read()
        call = HelpCall(
            camera=self._device,
            start=self._start,
            number=number,
            at=wall_text(now.wall_us),
            clock_trusted=now.trusted,
            nonce=os.urandom(16).hex(),
            test=recording is None,
            recording=recording,
            officer=officer,
        )
        return sign_call(call, key)

    async def _state(self, entry: HelpCalled | HelpConfirmed) -> None:
        """In the ledger, if the card takes it in time; if not, it is written when the card does. Where the card fails, the call goes
        without."""
        assert self._write is not None, "attached before anything can be called"
        written = asyncio.ensure_future(self._write(lambda _, journal: journal.state(entry)))
        written.add_done_callback(_tell_failure)
        done, _ = await asyncio.wait({written}, timeout=ENTRY_SECONDS)
        if not done:
            log.warning("a call for help does not wait for the card: its entry follows")

    # --- the daily test -------------------------------------------------------------------------------------------------------------------

    async def _test_daily(self) -> None:
        try:
            await self._own_key()
        except BodycamError as error:
            log.error("help_call is on, and no call can be made: %s", error)
        await asyncio.sleep(FIRST_TEST_SECONDS)
        while True:
            self._tests += 1
            await self._make(self._tests, None, None, None)
            await asyncio.sleep(HELP_SENT_US / 1e6)
            confirmed = self.status().test == "sent"
            if not confirmed:
                log.warning("the test of the help call was not confirmed by the station: no call would have been")
            await asyncio.sleep(TEST_SECONDS if confirmed else TEST_AGAIN_SECONDS)

    def _go(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a call for help failed: %s: %s", type(error).__name__, error, exc_info=error)


def _tell_failure(written: asyncio.Future[bool]) -> None:
    if not written.cancelled() and (error := written.exception()) is not None:
        log.error("a call for help has no entry in the ledger: %s", error)


def _read_key(path: Path) -> Signer:
    key = load_key_file(path) if path.exists() else None
    if key is None:
        raise ConfigError(f"{path}: no key: this camera has not made one yet; allowed: what bodycamd enrol makes")
    return key
