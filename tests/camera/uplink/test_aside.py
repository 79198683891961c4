"""A segment that does not go holds up no other one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.keeping.waiting import Opened
from bodycamd.camera.uplink.aside import LONGEST_SECONDS, REFUSED_SECONDS, Aside
from bodycamd.camera.uplink.sending import Sending
from bodycamd.camera.uplink.station_link import Reply, StationError
from bodycamd.errors import BodycamError, DataError, NotFoundError, StorageError, UnavailableError
from tests.camera.uplink.sent import Pair, pair
from tests.camera.uplink.test_sending import large
from tests.kit.scale import count, one_in, only_in_full, sample


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as found:
        yield found


Ask = Callable[..., Reply]


def answered(sending: Sending, name: str, answer: Callable[[Ask, Any, Any], Reply]) -> None:
    """By this in place of the station, to all that is asked of one segment."""
    ask = sending._station.ask

    def asked(*words: Any, **more: Any) -> Reply:
        return answer(ask, words, more) if words[1] == f"recordings/{name}" else ask(*words, **more)

    sending._station.ask = asked  # type: ignore[method-assign]


def always(status: int, methods: str = "GET PATCH") -> Callable[[Pair, Sending, str], None]:
    def answer(ask: Ask, words: Any, more: Any) -> Reply:
        return Reply(status, {}, b"no") if words[0] in methods.split() else ask(*words, **more)

    return lambda _, sending, name: answered(sending, name, answer)


def unasked(_: Pair, sending: Sending, name: str) -> None:
    def answer(*_: Any) -> Reply:
        raise StationError("503: cannot store that", 1.0)

    answered(sending, name, answer)


def longer(_: Pair, sending: Sending, name: str) -> None:
    answered(sending, name, lambda *_: Reply(204, {"upload-offset": "999999999"}, b""))


def circling(_: Pair, sending: Sending, name: str) -> None:
    def answer(_: Ask, words: Any, __: Any) -> Reply:
        return Reply(204 if words[0] == "GET" else 409, {"upload-offset": "0"}, b"")

    answered(sending, name, answer)


def unopened(error: BodycamError) -> Callable[[Pair, Sending, str], None]:
    def wrong(sent: Pair, _: Sending, name: str) -> None:
        opened = sent.recorder.open_segment

        def open_segment(recording: str, file: str) -> tuple[Opened, BinaryIO]:
            if f"{recording}/{file}" == name:
                raise error
            return opened(recording, file)

        sent.recorder.open_segment = open_segment  # type: ignore[method-assign]

    return wrong


def unread(sent: Pair, _: Sending, name: str) -> None:
    opened = sent.recorder.open_segment

    def open_segment(recording: str, file: str) -> tuple[Opened, BinaryIO]:
        answer, found = opened(recording, file)
        if f"{recording}/{file}" == name:
            found.close()
            found = open("/proc/self/mem", "rb")  # noqa: SIM115 - reading at 0 is EIO
        return answer, found

    sent.recorder.open_segment = open_segment  # type: ignore[method-assign]


REFUSED: dict[str, Callable[[Pair, Sending, str], None]] = {
    "deleted there": always(410),
    "deleted there meanwhile": always(410, "PATCH"),
    "not what the ledger says": always(422, "PATCH"),
    "not what the ledger says, before a byte": always(422),
    "longer there": longer,
    "a circle": circling,
    "another size here": unopened(DataError("another size than the ledger states")),
    "gone": unopened(NotFoundError("gone")),
    "cannot be opened": unopened(StorageError("cannot be read: Input/output error")),
    "cannot be read": unread,
}
ENDS_THE_LOOK: dict[str, Callable[[Pair, Sending, str], None]] = {
    "503": unasked,
    "500": always(500),
    "404": always(404, "PATCH"),
    "413 of a proxy": always(413, "PATCH"),
    "the recorder is busy": unopened(UnavailableError("at most 20 files a second are taken")),
}


@only_in_full
@one_in(3)
@pytest.mark.parametrize("what", sample([*REFUSED, *ENDS_THE_LOOK], 5))
def test_what_does_not_go_holds_up_nothing_else(sent: Pair, what: str) -> None:
    """However it does not go: the others arrive, and with a new start it is tried again."""
    other, stuck = sent.camera.record(segments=1), sent.camera.record(segments=1)
    sending = sent.sending()
    name = f"{stuck}/000000.tar"
    (REFUSED | ENDS_THE_LOOK)[what](sent, sending, name)
    errors = 0
    for _ in range(20):
        try:
            if sending.look() > 0:
                break
        except BodycamError:
            errors += 1
    sending._station.close()
    assert sent.arrived().keys() == {f"{other}/000000.tar"}
    assert f"1 set aside: {name}: " in sent.recorder.doing
    assert errors == (what in ENDS_THE_LOOK)
    sent.all_of_it(sent.sending())
    sent.check_all_there()


def test_a_recorder_that_is_gone_is_no_matter_of_a_segment(sent: Pair) -> None:
    name = f"{sent.camera.record(segments=1)}/000000.tar"
    sending = sent.sending()
    unopened(NotFoundError("no daemon listens"))(sent, sending, name)
    waiting, asked = sent.recorder.waiting, 0

    def gone() -> Any:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise NotFoundError("no daemon listens")
        return waiting()

    sent.recorder.waiting = gone  # type: ignore[method-assign]
    with pytest.raises(NotFoundError, match="no daemon"):
        sending.look()
    assert sending._aside.told() == ""
    sending._station.close()


def test_the_same_bytes_again_are_no_step(sent: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a failure after each round would be the first one in a row, and the next round begin a second later."""
    monkeypatch.setattr("bodycamd.camera.uplink.sending.next_part_bytes", lambda size, _: size)
    recording = sent.camera.record(segments=1)
    large(sent, recording, 1, 1_500_000)
    sending = sent.sending()

    def answer(_: Ask, words: Any, __: Any) -> Reply:
        if words[0] == "GET":
            return Reply(204, {"upload-offset": "0"}, b"")
        content = words[2]
        return Reply(500, {}, b"") if content.last else Reply(204, {"upload-offset": str(content.offset + len(content.body))}, b"")

    answered(sending, f"{recording}/000001.tar", answer)
    steps = []
    for _ in range(3):
        for tried in sending._aside._tried.values():
            tried.until = 0.0
        with contextlib.suppress(StationError):
            sending.look()
        steps.append(sending.steps)
    sending._station.close()
    assert 0 < steps[1] == steps[2], "between the first two what is stated of a receipt goes"


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 100_000)), max_size=30), st.integers(5, 3600))
@settings(max_examples=count(30))
def test_each_rests_for_a_time_of_its_own_and_never_for_ever(steps: list[tuple[int, bool, int]], longest: int) -> None:
    aside, now, until, failures = Aside(longest), 0.0, [0.0] * 3, [0] * 3
    for number, refused, later in steps:
        now += later
        assert [aside.rests("r", str(one), now) for one in range(3)] == [now < one for one in until]
        aside.failed("r", str(number), "why", now, refused=refused)
        failures[number] += 1
        pause = (
            min(LONGEST_SECONDS, REFUSED_SECONDS * 2 ** (failures[number] - 1)) if refused else min(longest, 2 ** (failures[number] - 1))
        )
        until[number] = now + pause
    assert aside.told().startswith(f"{sum(one > 0 for one in failures)} set aside") or not steps
    aside.went("r", "0")
    assert not aside.rests("r", "0", now)
    aside.keep(["another"])
    assert (aside.told(), [aside.rests("r", str(one), now) for one in range(3)]) == ("", [False] * 3)
