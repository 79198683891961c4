"""Calls for help, from the recorder to the station and back: carried as they are, again and again, and never made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.help_calls import AWAITED_US, OFFERED_US, CallWaiting, HelpCalls
from bodycamd.camera.uplink.calling import LONGEST_PAUSE_SECONDS, LOOK_SECONDS, Calling, begin
from bodycamd.camera.uplink.station_link import Reply, StationError
from bodycamd.errors import PermissionDeniedError
from bodycamd.evidence.help_call import sign_call, sign_sent
from tests.evidence.ordering import ANSWER, ordered
from tests.evidence.test_help_call import CALL, MESSAGE_KEY, SENT, STATION, called
from tests.kit.scale import count
from tests.kit.statuses import AT_REST

S = 1_000_000
SENT_BYTES = sign_sent(SENT, STATION).document.file_bytes
ANSWER_BYTES = ordered(ANSWER).document.file_bytes
ID = "ab" * 32


@dataclass
class Ends:
    """A recorder that says what waits, and a station that answers; what each was given."""

    waiting: CallWaiting
    replies: list[Reply | Exception] = field(default_factory=list)
    outcome: str = "accepted"
    asked: list[str] = field(default_factory=list)
    carried: list[bytes] = field(default_factory=list)
    delivered: list[bytes] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    timed: bool = False

    def status(self) -> Any:
        return AT_REST

    def call_waiting(self, wait_seconds: int) -> CallWaiting:
        return self.waiting

    def deliver(self, document: bytes) -> Delivered:
        self.delivered.append(document)
        return Delivered(id="", outcome=self.outcome, done=self.outcome in ("accepted", "repeated", "answered"))

    def ask(self, method: str, path: str, content: Any = None, query: str = "") -> Reply:
        self.asked.append(f"{method} {path}?{query}")
        if content is not None:
            self.carried.append(content.body)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def calling(self) -> Calling:
        return Calling(cast(Any, self), cast(Any, self), self.slept.append)


def test_a_call_goes_as_it_is_and_its_confirmation_comes_as_it_is() -> None:
    ends = Ends(CallWaiting(call=ID, document=b"the call"), [Reply(200, {}, SENT_BYTES)])
    ends.calling.look()
    assert (ends.asked, ends.carried, ends.delivered) == (["POST help?"], [b"the call"], [SENT_BYTES])
    assert ends.slept == []
    assert ends.timed == AT_REST.clock.trusted


def test_the_answer_is_asked_for_while_one_is_awaited() -> None:
    ends = Ends(CallWaiting(awaited=ID), [Reply(204, {}, b""), Reply(200, {}, ANSWER_BYTES)], outcome="answered")
    calling = ends.calling
    calling.look()
    assert (ends.delivered, ends.slept) == ([], [LOOK_SECONDS]), "a station that says at once that there is none is not asked in a loop"
    calling.look()
    assert ends.delivered == [ANSWER_BYTES]
    assert ends.asked == [f"GET help/{ID}?wait=3"] * 2


@pytest.mark.parametrize(
    "reply",
    [
        StationError("no route"),
        PermissionDeniedError("401"),
        Reply(503, {}, b"later"),
        Reply(404, {}, b""),
        Reply(204, {}, b""),
        Reply(200, {}, b"junk"),
        Reply(200, {}, ANSWER_BYTES),
        Reply(200, {}, SENT_BYTES + b"x" * 5000),
    ],
)
def test_what_is_no_confirmation_is_not_delivered_and_it_is_tried_again(reply: Reply | Exception) -> None:
    ends = Ends(CallWaiting(call=ID, document=b"x"), [reply] * 6)
    calling = ends.calling
    for _ in range(6):
        calling.look()
    assert ends.delivered == []
    assert len(ends.carried) == 6
    assert ends.slept == [LOOK_SECONDS] * (1 + 2 + 4 + 8 + 8 + 8)
    assert LONGEST_PAUSE_SECONDS == 8


def test_a_call_does_not_wait_in_the_pause_after_a_test_that_failed() -> None:
    replies: list[Reply | Exception] = [*[Reply(503, {}, b"")] * 4, Reply(200, {}, SENT_BYTES)]
    ends = Ends(CallWaiting(call="cd" * 32, document=b"a test"), replies)
    calling = ends.calling
    for _ in range(3):
        calling.look()

    def slept(_: float) -> None:
        ends.slept.append(0)
        ends.waiting = CallWaiting(call=ID, document=b"a call")

    ends.slept.clear()
    calling = Calling(cast(Any, ends), cast(Any, ends), slept)
    calling._failures = 3
    calling.look()
    assert len(ends.slept) == 1, "of eight"
    calling.look()
    assert (ends.carried[-1], ends.delivered) == (b"a call", [SENT_BYTES])


def test_what_nobody_expected_ends_the_process_and_not_the_thread_alone() -> None:
    ended = list[int]()
    broken = Ends(CallWaiting(call=ID, document=b"x"), [ValueError("nobody expects it")])
    begin(broken.calling, ended.append).join(10)
    assert ended == [1]


@pytest.mark.parametrize("reply", [Reply(200, {}, SENT_BYTES), Reply(200, {}, b""), Reply(500, {}, ANSWER_BYTES), StationError("x")])
def test_what_is_no_order_is_no_answer(reply: Reply | Exception) -> None:
    ends = Ends(CallWaiting(awaited=ID), [reply])
    ends.calling.look()
    assert (ends.delivered, ends.slept) == ([], [1])


def test_a_confirmation_that_the_recorder_does_not_believe_is_a_failure() -> None:
    ends = Ends(CallWaiting(call=ID, document=b"x"), [Reply(200, {}, SENT_BYTES)], outcome="not_signed")
    ends.calling.look()
    assert ends.slept == [1]


# --- what the recorder says -----------------------------------------------------------------------------------------------------------


def test_a_call_is_offered_until_it_is_sent_and_its_answer_is_awaited_then() -> None:
    calls, call = HelpCalls(), called()
    assert calls.waiting(0) == CallWaiting()
    calls.add(call, 10 * S)
    assert calls.waiting(11 * S) == CallWaiting(call=call.id, document=call.document.file_bytes)
    assert calls.waiting(10 * S + OFFERED_US) == CallWaiting()
    assert calls.sent(call.id, 12 * S) == ("accepted", 1)
    assert calls.sent(call.id, 12 * S) == ("repeated", None)
    assert calls.waiting(13 * S) == CallWaiting(awaited=call.id)
    assert calls.waiting(12 * S + AWAITED_US) == CallWaiting()
    assert calls.answered(call.id) == 1
    assert calls.answered(call.id) is None, "a second answer is not felt"
    assert calls.waiting(13 * S) == CallWaiting()
    assert (calls.sent("00" * 32, 0), calls.answered("00" * 32)) == (("unknown_call", None), None)


def test_an_officers_call_goes_before_a_test_and_the_newest_first() -> None:
    calls = HelpCalls()
    old, new = called(), called(number=2, nonce="34" * 16)
    test = sign_call(type(CALL)(**{**_fields(CALL), "test": True, "recording": None, "nonce": "56" * 16}), MESSAGE_KEY)
    for at_us, call in ((1, old), (2, new), (3, test)):
        calls.add(call, at_us)
    assert calls.waiting(4).call == new.id
    calls.sent(new.id, 5)
    assert (calls.waiting(6).call, calls.waiting(6).awaited) == (old.id, new.id)
    calls.answered(old.id)
    assert calls.waiting(7).call == test.id
    assert calls.sent(test.id, 8) == ("accepted", None), "a test is not felt"
    assert calls.answered(test.id) is None
    assert calls.status(9, 20 * S).test == "sent"


def test_a_call_that_was_not_sent_is_a_problem_until_a_later_test_is() -> None:
    calls = HelpCalls()

    def unconfirmed(seconds: int) -> bool:
        return calls.is_unconfirmed(seconds * S, 20 * S)

    def test(nonce: str) -> str:
        made = sign_call(type(CALL)(**{**_fields(CALL), "test": True, "recording": None, "nonce": nonce * 16}), MESSAGE_KEY)
        calls.add(made, int(nonce) * S)
        return made.id

    assert not unconfirmed(0)
    calls.sent(test("10"), 11 * S)
    calls.add(called(), 12 * S)
    assert (unconfirmed(31), unconfirmed(32)) == (False, True), "the test before it excuses nothing"
    later = test("40")
    assert unconfirmed(41)
    calls.sent(later, 42 * S)
    assert not unconfirmed(43)
    test("50")
    assert (unconfirmed(69), unconfirmed(70)) == (True, True)
    calls.answered(called().id)
    assert (unconfirmed(69), unconfirmed(70)) == (False, True), "the newest test counts by itself"


def _fields(call: Any) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__struct_fields__}


@settings(max_examples=count(400))
@given(st.lists(st.tuples(st.sampled_from(["call", "sent", "answer", "wait"]), st.integers(0, 3), st.integers(0, 400)), max_size=30))
def test_whatever_comes_back_each_call_is_sent_and_answered_once(moves: list[tuple[str, int, int]]) -> None:
    calls, made, now_us = HelpCalls(), list[str](), 0
    sent, answered = list[int](), list[int]()
    for move, which, seconds in moves:
        now_us += seconds * S
        id = made[which] if which < len(made) else "ff" * 32
        match move:
            case "call":
                call = called(number=len(made) + 1, nonce=f"{len(made):032x}")
                calls.add(call, now_us)
                made.append(call.id)
            case "sent":
                number = calls.sent(id, now_us)[1]
                sent += [number] if number is not None else []
            case "answer":
                number = calls.answered(id)
                answered += [number] if number is not None else []
            case _:
                found = calls.waiting(now_us)
                assert found.call in ("", *made)
                assert not found.call or made.index(found.call) + 1 not in [*sent, *answered]
                assert not found.awaited or made.index(found.awaited) + 1 in sent
                assert not found.awaited or made.index(found.awaited) + 1 not in answered
    assert len(sent) == len(set(sent))
    assert len(answered) == len(set(answered))
    assert callable(cast(Callable[[], object], calls.status))


def test_a_call_is_under_way_until_it_is_answered_or_given_up_and_a_test_never_is() -> None:
    """So long the recorder does not end for other settings: calls are in its memory alone."""
    calls = HelpCalls()
    calls.add(called(test=True, recording=None), 0)
    assert not calls.is_under_way(0)
    call = called()
    calls.add(call, 0)
    assert [calls.is_under_way(now_us) for now_us in (0, OFFERED_US - 1, OFFERED_US)] == [True, True, False]
    calls.sent(call.id, S)
    assert [calls.is_under_way(now_us) for now_us in (S, S + AWAITED_US - 1, S + AWAITED_US)] == [True, True, False]
    calls.answered(call.id)
    assert not calls.is_under_way(S)
