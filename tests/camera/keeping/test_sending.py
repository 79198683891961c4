"""What may be sent, by the ledger's word, and which receipts are stated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.camera.keeping.sending import MOST_OTHERS_AN_HOUR, Sending
from bodycamd.camera.keeping.waiting import Waiting, WaitingStart
from bodycamd.errors import NotFoundError, StorageError, UnavailableError
from bodycamd.evidence.entries import SegmentRecovered
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.noted_entries import Marked, Uploaded
from bodycamd.evidence.receipts import SignedReceipt
from bodycamd.evidence.retention_entries import RecordingDeleted, RecordingDeleting
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import wall_us
from tests.camera.keeping.sending_camera import ReceiptBook, SendingCamera
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW
from tests.kit.resting_camera import HOUR, MINUTE
from tests.kit.scale import count


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[SendingCamera]:
    found = SendingCamera(tmp_path).switch_on()
    yield found
    if found._opened is not None:
        found.switch_off(clean=False)


@pytest.fixture
def book(camera: SendingCamera) -> ReceiptBook:
    return ReceiptBook(camera)


def waiting(camera: SendingCamera) -> Waiting:
    return camera.sending.waiting(camera.keeper.held())


def test_what_is_sealed_may_be_sent_with_what_is_known_of_it(camera: SendingCamera) -> None:
    first, second = camera.record(segments=2), camera.record(segments=1, close=False)
    camera.hold(first)
    camera.store.ledger.note(Marked(recording=second))
    found = waiting(camera)
    assert [(one.recording, one.segments, one.held, one.marked) for one in found.recordings] == [
        (first, 2, True, False),
        (second, 1, False, True),
    ]
    assert found.receipt_due
    assert found.starts[-1] == WaitingStart(1, len(camera.ledger_bytes()), 0)
    segments = camera.sending.waiting_segments(first)
    assert [(one.number, one.file) for one in segments] == [(0, "000000.tar"), (1, "000001.tar")]
    assert found.recordings[0].bytes == sum(one.size_bytes for one in segments)
    assert camera.sending.bytes == sum(one.bytes for one in found.recordings)
    assert camera.sending.segments == 3


@pytest.mark.parametrize("name", ["000001-0002", "", "..", "000001-0001/", "../recordings/000001-0001", "000001-0001\0", "x" * 200])
def test_a_name_that_the_ledger_does_not_state_opens_nothing(camera: SendingCamera, name: str) -> None:
    recording = camera.record()
    waiting(camera)
    with pytest.raises(NotFoundError):
        camera.sending.waiting_segments(name)
    with pytest.raises(NotFoundError):
        camera.sending.segment(name, "000000.tar")
    with pytest.raises(NotFoundError):
        camera.sending.segment(recording, name)
    with pytest.raises(NotFoundError):
        camera.sending.ledger(2)


def test_with_its_receipt_a_segment_waits_no_longer_also_after_a_start(camera: SendingCamera, book: ReceiptBook) -> None:
    recording = camera.record(segments=2)
    assert camera.deliver(book.next(recording, 0)) == "accepted"
    for _ in range(2):
        found = waiting(camera)
        assert [(one.recording, one.segments) for one in found.recordings] == [(recording, 1)]
        assert (found.receipts, camera.sending.segments) == (1, 1)
        camera.switch_off()
        camera.switch_on()
    assert camera.deliver(book.next(recording, 1)) == "accepted"
    assert (waiting(camera).recordings, camera.sending.segments, camera.sending.bytes) == ([], 0, 0)


def test_a_receipt_alone_is_no_reason_for_the_next_one(camera: SendingCamera, book: ReceiptBook) -> None:
    recording = camera.record(segments=1)
    assert waiting(camera).receipt_due
    assert camera.deliver(book.next(recording, 0)) == "accepted"
    assert not waiting(camera).receipt_due, "its head says all but the receipt itself"
    camera.store.ledger.note(Marked(recording=recording))
    assert waiting(camera).receipt_due
    assert camera.deliver(book.next()) == "accepted"
    assert not waiting(camera).receipt_due
    camera.switch_off()
    camera.switch_on()
    assert waiting(camera).receipt_due, "a start was stated"


def test_the_same_receipt_again_and_one_for_an_older_head(camera: SendingCamera, book: ReceiptBook) -> None:
    recording = camera.record(segments=1)
    old = camera.head()
    camera.store.ledger.note(Marked(recording=recording))
    newest = book.next()
    assert camera.deliver(newest) == "accepted"
    assert camera.deliver(newest) == "repeated"
    assert camera.deliver(book.sign(replace(book.unsigned(), head=old))) == "other_ledger"


def test_a_station_that_this_camera_does_not_send_to_is_passed_over(tmp_path: Path) -> None:
    camera = SendingCamera(tmp_path, "station-2").switch_on()
    recording = camera.record(segments=1)
    assert camera.deliver(ReceiptBook(camera).next(recording, 0)) == "other_station"
    assert waiting(camera).recordings[0].segments == 1
    camera.switch_off(clean=False)


def test_what_a_cut_left_counts_with_the_bytes_behind_it(camera: SendingCamera, book: ReceiptBook) -> None:
    recording = camera.record(segments=1)
    folder = camera.store_folder / "recordings" / recording
    content = b"good" + b"torn!"
    (folder / "000001.cut.tar").write_bytes(content)
    good, torn, whole = (hashlib.sha256(part).hexdigest() for part in (b"good", b"torn!", content))
    stated = SegmentRecovered(
        recording=recording, segment=1, file="000001.cut.tar", good_bytes=4, sha256=good, torn_bytes=5, fragments=0, torn_sha256=torn
    )
    camera.store.ledger.note(stated)
    assert waiting(camera).recordings[0].segments == 2
    assert camera.sending.segment(recording, "000001.cut.tar").size_bytes == 9
    receipt = book.next(recording, 1)
    assert camera.deliver(receipt, good) == "other_bytes"
    assert camera.deliver(receipt, whole) == "accepted"


def test_under_a_roster_that_has_ended_no_receipt_is_taken(camera: SendingCamera, book: ReceiptBook) -> None:
    """A station's key that was revoked by a roster that somebody withholds counts until the old one ends, and no longer."""
    recording = camera.record(segments=2)
    waiting(camera)
    first, second = book.next(recording, 0), book.next(recording, 1)
    ends_us = wall_us(IN_FORCE.roster.not_after, "not_after")

    def outcome(signed: SignedReceipt, now: Now) -> str:
        camera.keeper.held()
        told = camera.sending.deliver(signed, IN_FORCE, now, "", camera.store.ledger.note).outcome
        camera.keeper.held()
        return told

    before = camera.head()
    for trusted in (True, False):
        assert outcome(first, Now(ends_us + 1, trusted)) == "roster_ended", "also where a clock says that it is at least so late"
    assert camera.head() == before, "nothing is stated"
    assert waiting(camera).recordings[0].segments == 2, "the segment waits on"
    assert outcome(first, Now(ends_us, trusted=True)) == "accepted"
    assert outcome(first, Now(ends_us + 1, trusted=True)) == "repeated", "what was stated stays"
    assert outcome(second, Now(ends_us + 1, trusted=True)) == "roster_ended"
    assert outcome(second, Now(0, trusted=False)) == "accepted", (
        "without a clock nothing says that it has ended: it is the next one of its chain"
    )


def test_what_is_being_deleted_is_not_sent_and_its_receipt_is_stated_all_the_same(camera: SendingCamera, book: ReceiptBook) -> None:
    recording = camera.record(segments=2)
    late = book.next(recording, 0)
    camera.store.ledger.note(RecordingDeleting(recording=recording, reason="term"))
    assert (waiting(camera).recordings, camera.sending.segments, camera.sending.bytes) == ([], 0, 0)
    with pytest.raises(NotFoundError):
        camera.sending.segment(recording, "000000.tar")
    assert camera.deliver(late) == "accepted", "else no later one would be the next"
    camera.store.ledger.note(RecordingDeleted(recording=recording))
    assert (waiting(camera).recordings, camera.sending.segments, camera.sending.bytes) == ([], 0, 0)
    assert camera.deliver(book.next()) == "accepted"


def test_whoever_has_the_stations_key_cannot_fill_the_ledger(camera: SendingCamera, book: ReceiptBook) -> None:
    recording = camera.record(segments=2)
    assert camera.deliver(book.next(recording, 0)) == "accepted"
    for number in range(MOST_OTHERS_AN_HOUR):
        one = book.next() if number % 2 else book.next(recording, 0)
        assert camera.deliver(one) == "accepted"
    size = len(camera.ledger_bytes())
    assert camera.deliver(book.sign(book.unsigned())) == "too_many"
    assert len(camera.ledger_bytes()) == size
    assert camera.deliver(book.next(recording, 1)) == "accepted", "a new segment's first one is none of those"
    camera.clock.advance(HOUR)
    assert camera.deliver(book.next()) == "accepted"


def test_a_segment_is_kept_longer_once_beside_the_sixty(camera: SendingCamera, book: ReceiptBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a recording that was sent while it went on needs it, for each of its segments; read anew from the ledger it is the same."""
    monkeypatch.setattr("bodycamd.camera.keeping.sending.MOST_OTHERS_AN_HOUR", 1)

    def deliver(number: int) -> str:
        outcome = camera.deliver(signed := book.sign(book.unsigned(recording, number)))
        if outcome == "accepted":
            book.n, book.last = signed.receipt.n, signed.id
        return outcome

    recording = camera.record(segments=3, fragments=1)
    assert [deliver(number) for number in range(3)] == ["accepted"] * 3
    assert [deliver(0), deliver(0)] == ["accepted", "too_many"], "it is kept no longer than was said"
    camera.clock.advance(MINUTE)
    assert [deliver(0), deliver(1)] == ["accepted"] * 2
    camera.clock.advance(MINUTE)
    assert deliver(0) == "too_many", "a second time"
    again = Sending("station-1", "cam-7", camera.clock)
    for line in VerifiedLedger(camera.store_folder / "ledger"):
        again.take(line)
    signed = [book.sign(book.unsigned()), *(book.sign(book.unsigned(recording, number)) for number in range(3))]
    outcomes = [again.deliver(one, IN_FORCE, NOW, "", lambda _: None).outcome for one in signed]
    assert outcomes == ["accepted", "too_many", "too_many", "accepted"]


def test_a_disk_that_does_not_take_it_leaves_the_chain_as_it_was(camera: SendingCamera, book: ReceiptBook) -> None:
    recording = camera.record(segments=1)
    waiting(camera)
    signed = book.next(recording, 0)

    def full(_: object) -> None:
        raise StorageError("no space left on device")

    with pytest.raises(StorageError):
        camera.sending.deliver(signed, IN_FORCE, NOW, "", full)
    assert camera.sending.deliver(signed, None, NOW, "", full).outcome == "no_roster"
    assert camera.deliver(signed) == "accepted"


def test_a_line_that_is_not_durable_is_not_offered(camera: SendingCamera) -> None:
    """It was written, and the disk did not take it: a cut could make it another one."""
    recording = camera.record(segments=1)
    waiting(camera)
    durable = camera.store.ledger.durable_bytes
    camera.sending.attach(lambda: (camera.store.start, durable))
    camera.store.ledger.note(Marked(recording=recording))
    with pytest.raises(UnavailableError, match="not taken"):
        waiting(camera)
    with pytest.raises(UnavailableError):
        camera.sending.segment(recording, "000000.tar")


@given(st.lists(st.sampled_from(["record", "receipt", "ledger", "cut", "delete", "hold"]), max_size=12))
@settings(max_examples=count(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_what_waits_is_what_the_ledger_says(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """Read anew from the beginning it is the same, and each segment is either offered, receipted or deleted."""
    camera = SendingCamera(tmp_path_factory.mktemp("camera")).switch_on()
    book = ReceiptBook(camera)
    left: dict[str, int] = {}
    for step in steps:
        oldest = next(iter(left), None)
        if step == "record":
            left[camera.record(segments=2, fragments=1)] = 0
        elif step == "receipt" and oldest is not None and left[oldest] < 2:
            assert camera.deliver(book.next(oldest, left[oldest])) == "accepted"
            left[oldest] += 1
        elif step == "ledger":
            assert camera.deliver(book.next()) == "accepted"
        elif step == "cut":
            camera.switch_off(clean=False)
            camera.switch_on()
        elif step == "delete" and oldest is not None:
            del left[oldest]
            camera.store.ledger.note(RecordingDeleting(recording=oldest, reason="term"))
            camera.store.ledger.note(RecordingDeleted(recording=oldest))
        elif step == "hold" and oldest is not None and oldest not in camera.keeper.held():
            camera.hold(oldest)
    found = waiting(camera)
    assert {one.recording: 2 - one.segments for one in found.recordings} == {name: done for name, done in left.items() if done < 2}
    again = Sending("station-1", "cam-7", camera.clock)
    for line in VerifiedLedger(camera.store_folder / "ledger"):
        again.take(line)
    assert again.waiting(camera.keeper.held()) == found
    assert (again.segments, again.bytes) == (camera.sending.segments, camera.sending.bytes)
    stated = [line.detail for line in VerifiedLedger(camera.store_folder / "ledger") if isinstance(line.detail, Uploaded)]
    assert len(stated) == found.receipts == book.n
    camera.switch_off(clean=False)
