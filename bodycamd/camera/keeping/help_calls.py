"""The calls for help of one start: which of them the uplink is to carry, and which wait for an answer. Decisions about values: the time is
given, and nothing is stored. A call that this start did not make is nobody's to confirm or to answer.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from bodycamd.evidence.help_call import SignedCall

OFFERED_US: Final = 300_000_000
"""So long a call is carried again and again while nobody confirms it: felt as not sent since `HELP_SENT_US`, and better late than never."""
AWAITED_US: Final = 600_000_000
"""So long after it was sent its answer is asked for at once. Later it comes with the other orders."""
KEPT: Final = 64
"""Calls that are remembered: the officer makes three a minute at most."""
Took = Literal["accepted", "repeated", "unknown_call"]


class CallWaiting(Struct, frozen=True, kw_only=True):
    """What the uplink is told. `document`: the bytes of a call to be carried to the station, `None`: none is. `awaited`: the id of the
    call whose answer is to be asked for; empty: none."""

    call: str = ""
    document: bytes | None = None
    awaited: str = ""


class HelpStatus(Struct, frozen=True, kw_only=True):
    """How the newest call fared, and the newest test; `tested_at` is when a station confirmed the last test that it did; empty: none in
    this start. `people` can be called one after the other, as that station says."""

    last: Literal["none", "calling", "sent", "answered", "not_sent"]
    test: Literal["none", "calling", "sent", "not_sent"]
    tested_at: str
    people: int


class _Call(Struct):
    number: int
    test: bool
    document: bytes
    made_us: int
    sent_us: int | None = None
    answered: bool = False


class HelpCalls:
    """In the loop's thread."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}
        self.tested_at = ""
        self.people = 0

    def add(self, signed: SignedCall, now_us: int) -> None:
        """A call whose entry was stated. The oldest ones beyond `KEPT` are forgotten."""
        call = signed.call
        self._calls[signed.id] = _Call(call.number, call.test, signed.document.file_bytes, now_us)
        while len(self._calls) > KEPT:
            del self._calls[next(iter(self._calls))]

    def waiting(self, now_us: int) -> CallWaiting:
        """What is to be carried, the newest first and tests last, and whose answer is awaited."""
        offered = [
            (not call.test, call.made_us, id)
            for id, call in self._calls.items()
            if call.sent_us is None and not call.answered and now_us < call.made_us + OFFERED_US
        ]
        awaited = [
            (call.sent_us, id)
            for id, call in self._calls.items()
            if call.sent_us is not None and not call.test and not call.answered and now_us < call.sent_us + AWAITED_US
        ]
        asked_for = max(awaited)[1] if awaited else ""
        if not offered:
            return CallWaiting(awaited=asked_for)
        id = max(offered)[2]
        return CallWaiting(call=id, document=self._calls[id].document, awaited=asked_for)

    def is_under_way(self, now_us: int) -> bool:
        """Whether a call, no test, is still to be carried or its answer awaited: it is lost where the recorder ends now."""
        return any(
            now_us < (call.made_us + OFFERED_US if call.sent_us is None else call.sent_us + AWAITED_US)
            for call in self._calls.values()
            if not call.test and not call.answered
        )

    def sent(self, id: str, now_us: int) -> tuple[Took, int | None]:
        """A station's word for this call; the number of a call that is now known to be sent, unless it is a test."""
        call = self._calls.get(id)
        if call is None:
            return "unknown_call", None
        if call.sent_us is not None:
            return "repeated", None
        call.sent_us = now_us
        return "accepted", None if call.test else call.number

    def answered(self, id: str) -> int | None:
        """A person's word for this call: its number, or `None` where there is no such call, it is a test, or it was answered before."""
        call = self._calls.get(id)
        if call is None or call.test or call.answered:
            return None
        call.answered = True
        return call.number

    def is_unconfirmed(self, now_us: int, sent_within_us: int) -> bool:
        """Whether a call would not go, as far as the newest ones tell: the newest test was not sent in time; or the newest call was not,
        nor was it answered, and no test was sent after it was made."""
        newest = {call.test: call for call in self._calls.values()}
        real, test = newest.get(False), newest.get(True)
        if _how(test, now_us, sent_within_us) == "not_sent":
            return True
        if real is None or real.answered or _how(real, now_us, sent_within_us) != "not_sent":
            return False
        return test is None or test.sent_us is None or test.sent_us < real.made_us

    def status(self, now_us: int, sent_within_us: int) -> HelpStatus:
        """For `status`."""
        newest = {call.test: call for call in self._calls.values()}
        real, test = newest.get(False), newest.get(True)
        last: Literal["none", "calling", "sent", "answered", "not_sent"] = _how(real, now_us, sent_within_us)
        if real is not None and real.answered:
            last = "answered"
        return HelpStatus(last=last, test=_how(test, now_us, sent_within_us), tested_at=self.tested_at, people=self.people)


def _how(call: _Call | None, now_us: int, sent_within_us: int) -> Literal["none", "calling", "sent", "not_sent"]:
    if call is None:
        return "none"
    if call.sent_us is not None:
        return "sent"
    return "calling" if now_us < call.made_us + sent_within_us else "not_sent"
