"""What is sent, to a real station: all of it, once, whatever happens in between."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.uplink.station_link import Reply, StationError
from bodycamd.errors import DataError
from bodycamd.evidence.entries import SegmentRecovered, SegmentSealed
from bodycamd.evidence.noted_entries import Marked
from tests.camera.keeping.sending_camera import ReceiptBook
from tests.camera.uplink.sent import KilledError, Pair, Step, pair
from tests.kit.scale import only_in_full, sample


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as found:
        yield found


def test_everything_arrives_once_with_its_receipt(sent: Pair) -> None:
    for _ in range(2):
        sent.camera.record(segments=2)
    sending = sent.sending()
    sent.all_of_it(sending)
    sent.check_all_there()
    assert sent.recorder.doing == "everything is sent"
    before = sent.camera.ledger_bytes()
    sent.all_of_it(sending)
    assert sent.camera.ledger_bytes() == before, "nothing is said twice"
    sent.camera.record(segments=1)
    sent.all_of_it(sent.sending())
    sent.check_all_there()


def killed_again_and_again(sent: Pair, kills: int) -> None:
    """At another step each time; the next process knows nothing of the one before. Sometimes the camera is switched off too."""
    for kill in range(kills):
        left = kill % 11

        def step(_: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError

        sending = sent.sending(step)
        try:
            sent.all_of_it(sending)
        except KilledError:
            sending._station.close()
        if kill % 7 == 6:
            sent.camera.switch_off(clean=False)
            sent.camera.switch_on()
            sent.camera.record(segments=1)
        if kill % 10 == 9:
            sent.station.close()
            sent.station.open()
    sent.all_of_it(sent.sending())
    sent.check_all_there()


def test_killed_before_or_after_any_step_it_goes_on(sent: Pair) -> None:
    sent.camera.record(segments=1)
    killed_again_and_again(sent, 6)


@only_in_full
def test_killed_a_hundred_times_it_goes_on(sent: Pair) -> None:
    sent.camera.record(segments=3)
    killed_again_and_again(sent, 100)


@only_in_full
def test_a_rest_that_a_cut_left_goes_when_the_station_misses_it(sent: Pair) -> None:
    sent.camera.record(segments=1)
    sent.all_of_it(sent.sending())
    for number in range(2):
        ledger = sent.camera.store.ledger.path
        sent.camera.switch_off(clean=False)
        with ledger.open("ab") as file:
            file.write(b"half a line" * (number + 1))
        sent.camera.switch_on()
        sent.camera.record(segments=1)
        sent.all_of_it(sent.sending())
        sent.check_all_there()


@only_in_full
def test_what_a_cut_left_of_a_segment_goes_whole(sent: Pair) -> None:
    recording = sent.camera.record(segments=1)
    cut = sent.camera.store_folder / "recordings" / recording / "000001.cut.tar"
    cut.write_bytes(b"good" + b"torn" * 30_000)
    good, torn = (hashlib.sha256(part).hexdigest() for part in (b"good", b"torn" * 30_000))
    stated = SegmentRecovered(
        recording=recording, segment=1, file=cut.name, good_bytes=4, sha256=good, torn_bytes=120_000, fragments=0, torn_sha256=torn
    )
    sent.camera.store.ledger.note(stated)
    sent.all_of_it(sent.sending())
    sent.check_all_there()


@only_in_full
def test_a_part_that_the_station_lost_is_sent_again_and_a_wrong_beginning_anew(sent: Pair) -> None:
    """The station fell over: what it had staged is shorter now, longer, or other bytes."""
    recording = sent.camera.record(segments=1)
    file = large(sent, recording, 1, 3_000_000)
    for change in (lambda raw: raw[:1000], lambda raw: b"x" + raw[1:], lambda raw: raw + b"x" * 1000, lambda raw: b""):
        sending = sent.sending(at_step(parts := [0], 1))
        with contextlib.suppress(KilledError):
            sent.all_of_it(sending)
        sending._station.close()
        assert parts[0] == 1
        (staged,) = (sent.station.root / "staging").glob("*/*.part")
        staged.write_bytes(change(staged.read_bytes()))
    sent.all_of_it(sent.sending())
    sent.check_all_there()
    assert file.stat().st_size == 3_000_000


def large(sent: Pair, recording: str, number: int, size: int) -> Path:
    """A segment of random bytes: what is in it is nobody's concern here."""
    file = sent.camera.store_folder / "recordings" / recording / f"{number:06d}.tar"
    file.write_bytes(content := random.Random(size).randbytes(size))
    sha256 = hashlib.sha256(content).hexdigest()
    sent.camera.store.ledger.note(
        SegmentSealed(recording=recording, segment=number, file=file.name, last="0" * 64, sha256=sha256, size=size, fragments=1)
    )
    return file


def at_step(seen: list[int], parts: int) -> Step:
    """Killed after so many parts of the large segment."""

    def step(what: str) -> None:
        seen[0] += what.startswith("after PATCH recordings") and what.endswith("000001.tar")
        if seen[0] == parts:
            raise KilledError

    return step


@only_in_full
def test_without_the_dock_nothing_goes_and_within_the_allowance_no_more(sent: Pair) -> None:
    recording = sent.camera.record(segments=1)
    sending = sent.sending(upload="dock")
    assert sending.look() > 0
    assert (sent.recorder.doing, sent.arrived()) == ("waits for the dock", {})
    sent.docked = True
    sent.all_of_it(sending)
    sent.check_all_there()
    large(sent, recording, 1, 1_500_000)
    for day in (1, 2):
        sending = sent.sending(megabytes=1, now=day * 86_400.0)
        sent.all_of_it(sending)
        assert "allowance is used up" in sent.recorder.doing or day == 2
    sent.check_all_there()
    assert sent.recorder.doing == "everything is sent"


@only_in_full
def test_held_and_marked_ones_go_first(sent: Pair) -> None:
    names = [sent.camera.record(segments=1) for _ in range(4)]
    sent.camera.hold(names[1])
    sent.camera.store.ledger.note(Marked(recording=names[0]))
    order: list[str] = []
    sent.all_of_it(sent.sending(lambda what: order.append(what) if what.startswith("before PATCH recordings") else None))
    assert [what.split("/")[1] for what in order] == [names[1], names[0], names[3], names[2]]
    sent.camera.record(segments=1)
    marked = sent.camera.record(segments=1)
    sent.camera.store.ledger.note(Marked(recording=marked))
    sent.all_of_it(sent.sending(upload="held_first"))
    assert {name.split("/")[0] for name in sent.arrived()} == {*names, marked}
    assert "waits for the dock" in sent.recorder.doing


@only_in_full
def test_a_second_card_with_the_same_keys_is_told(sent: Pair) -> None:
    """The station has more of this start than the camera does."""
    sent.camera.record(segments=1)
    sent.all_of_it(sent.sending())
    there = sent.station.copy("cam-7") / "ledger" / "000001.jsonl"
    with there.open("ab") as file:
        file.write(b"x" * 10_000)
    sending = sent.sending()
    with pytest.raises(StationError, match="second card"):
        sending.look()
    sending._station.close()


def test_a_station_that_gives_no_receipts_for_this_chain_is_an_error_and_no_circle(sent: Pair) -> None:
    sent.camera.record(segments=1)
    sending = sent.sending()
    book = ReceiptBook(sent.camera)
    assert sent.camera.deliver(book.next()) == "accepted", "of a station that has forgotten it"
    with pytest.raises(StationError, match="do not follow"):
        sent.all_of_it(sending)
    sending._station.close()


NOT_AS_A_STATION: dict[str, Reply] = {
    "502, and an offset": Reply(502, {"upload-offset": "0"}, b"Bad Gateway"),
    "500": Reply(500, {}, b""),
    "200 without anything": Reply(200, {}, b""),
    "200 and a page": Reply(200, {"upload-offset": "0"}, b"<html>welcome to our hotel</html>"),
    "204 without an offset": Reply(204, {}, b""),
    "204 and a wrong offset": Reply(204, {"upload-offset": "999999999"}, b""),
    "302": Reply(302, {"location": "http://elsewhere.example.org", "upload-offset": "0"}, b""),
    "404": Reply(404, {"upload-offset": "0"}, b"{}"),
    "409 and the same offset for ever": Reply(409, {"upload-offset": "0"}, b""),
    "409 and a rest that there is not": Reply(409, {"missing-rest": "000001.jsonl " + "0" * 64}, b""),
    "409 and nonsense": Reply(409, {"missing-rest": "../../etc/passwd x"}, b""),
    "413": Reply(413, {}, b""),
    "422": Reply(422, {}, b""),
}


@only_in_full
@pytest.mark.parametrize("what", sample(NOT_AS_A_STATION, 13))
def test_an_answer_that_is_no_stations_ends_the_look_and_changes_nothing(sent: Pair, what: str) -> None:
    """In place of each answer in turn: of the ledger's, the segment's and the receipts'."""
    sent.camera.record(segments=1)
    for number in range(6):
        sending, asked = sent.sending(), 0
        ask = sending._station.ask

        def answer(*words: Any, number: int = number, ask: Callable[..., Reply] = ask, **more: Any) -> Reply:
            nonlocal asked
            asked += 1
            return NOT_AS_A_STATION[what] if asked > number else ask(*words, **more)

        sending._station.ask = answer  # type: ignore[method-assign]
        with contextlib.suppress(StationError, DataError):
            for _ in range(20):
                if sending.look() > 0:
                    break
        assert asked <= number + 40, "no circle"
        sending._station.close()
        assert sent.arrived().keys() <= sent.here().keys()
    sent.all_of_it(sent.sending())
    sent.check_all_there()
