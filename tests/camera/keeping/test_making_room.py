"""Room is made out of what the station has, and of nothing else: in whatever order receipts, holds, answers and cuts come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.camera.keeping.making_room import STANDS_US
from bodycamd.evidence.answers import decode
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.noted_entries import CopyShown
from bodycamd.evidence.retention_entries import RecordingDeleting
from bodycamd.evidence.signed_document import from_entry
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.verify.verify import verify
from tests.camera.keeping.room_camera import Answering, CutError, RoomCamera
from tests.camera.keeping.sending_camera import ReceiptBook
from tests.kit.resting_camera import DAY, HOUR, MINUTE
from tests.kit.scale import only_in_full, sample
from tests.municipality.verify.attacks.second_verifier import run_second_verifier


def verified(root: Path, store: Path) -> int:
    """The exit code for a store of the camera in `root`."""
    return verify(store, PublicKey.from_pem((root / "device.pem").read_bytes())).exit_code


def verified_twice(root: Path, store: Path) -> tuple[int, int]:
    """Those of both verifiers. The second one starts some processes for each line: minutes, where others wait for the processor."""
    second, _ = run_second_verifier("--store", store, "--device-key", root / "device.pem", timeout_seconds=500)
    return verified(root, store), second


class Scene:
    """A camera, its station's receipts, and its answers."""

    def __init__(self, root: Path) -> None:
        self.camera = RoomCamera(root).switch_on()
        self.camera.settle()
        self.book = ReceiptBook(self.camera)
        self.station = Answering(self.camera)

    def receive(self, recording: str, number: int, **changes: Any) -> str:
        """A receipt for a segment, which the station has from then on."""
        made = self.book.sign(self.book.unsigned(recording, number, **changes))
        outcome = self.camera.deliver(made)
        if outcome == "accepted":
            self.book.n, self.book.last = made.receipt.n, made.id
            self.station.store(recording, number)
        return outcome

    def receive_ledger(self) -> str:
        made = self.book.sign(self.book.unsigned())
        outcome = self.camera.deliver(made)
        if outcome == "accepted":
            self.book.n, self.book.last = made.receipt.n, made.id
        return outcome

    def sent(self, *, segments: int = 2, close: bool = True) -> str:
        """A recording that the station has."""
        name = self.camera.record(segments=segments, close=close)
        for number in range(segments):
            assert self.receive(name, number) == "accepted"
        return name

    def verdict(self) -> int:
        """The exit code of `bodycamd verify`."""
        self.camera.keeper.held()
        return verified(self.camera.root, self.camera.store_folder)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    found = Scene(tmp_path)
    yield found
    if found.camera._opened is not None:
        found.camera.switch_off(clean=False)


def test_with_too_little_room_the_oldest_goes_that_the_station_has(scene: Scene) -> None:
    first, second = scene.sent(), scene.sent()
    camera = scene.camera
    camera.work()
    assert camera.for_room() == []
    scene.station.answer_all()
    camera.work()
    assert camera.for_room() == [], "there is room"
    camera.need = camera.making_room._need = replace(camera.need, least_bytes=camera.small.free_bytes(camera.root) + 1)
    camera.work()
    assert camera.for_room() == [first], "one is enough"
    assert camera.present() == [second]
    (deleting,) = camera.details(RecordingDeleting)
    assert isinstance(deleting, RecordingDeleting)
    assert (deleting.reason, deleting.proof, deleting.days, deleting.segments) == ("room", "receipt", 28, 2)
    assert scene.verdict() == 0


def test_it_goes_during_a_recording_and_no_sweep_waits_for_its_end(scene: Scene) -> None:
    first = scene.sent()
    scene.station.answer_all()
    scene.camera.record(close=False)
    scene.camera.short()
    scene.camera.work(recording=True)
    assert scene.camera.gone() == [first]


NOT_SENT: dict[str, Callable[[Scene], str]] = {
    "held": lambda scene: _held(scene.sent(), scene),
    "not closed": lambda scene: scene.sent(close=False),
    "a segment without a receipt": lambda scene: _without(scene),
    "kept for too short a time": lambda scene: _kept_short(scene),
    "a file that nobody stated beside it": lambda scene: _beside(scene.sent(), scene, "000007.tar.part"),
    "a stray beside it": lambda scene: _beside(scene.sent(), scene, "note.txt"),
}


def _held(name: str, scene: Scene) -> str:
    scene.camera.hold(name)
    return name


def _without(scene: Scene) -> str:
    name = scene.camera.record(segments=2)
    scene.receive(name, 0)
    return name


def _kept_short(scene: Scene) -> str:
    name = scene.camera.record(segments=1)
    until = wall_text(scene.camera.clock.wall_us + 28 * DAY - 3 * MINUTE)
    assert scene.receive(name, 0, kept_until=until) == "accepted"
    return name


def _beside(name: str, scene: Scene, file: str) -> str:
    (scene.camera.store_folder / "recordings" / name / file).write_bytes(b"x")
    return name


def test_the_station_must_have_the_ledger_too_as_far_as_it_closes_it(scene: Scene) -> None:
    head = scene.camera.head()
    name = scene.camera.record(segments=1)
    assert scene.receive(name, 0, head=head) == "accepted"
    scene.camera.short()
    scene.camera.work()
    assert (scene.station.answer_all(), scene.camera.for_room()) == (0, [])
    assert scene.receive_ledger() == "accepted"
    assert scene.station.answer_all() == 1
    scene.camera.work()
    assert scene.camera.for_room() == [name]


@pytest.mark.parametrize("why", sample(NOT_SENT, 6))
def test_what_lacks_anything_stays_and_the_next_one_goes(why: str, scene: Scene) -> None:
    stays = NOT_SENT[why](scene)
    goes = scene.sent(segments=1)
    scene.camera.short()
    for _ in range(3):
        scene.station.has.setdefault((stays, 1), b"")
        while (question := scene.camera.question()) is not None:
            if not scene.camera.tell(scene.station.answer(question)).done:
                break
        scene.camera.work()
    assert scene.camera.for_room() == [goes]
    assert scene.camera.present() == [stays]


def test_a_minute_less_is_the_same_time_and_a_newer_receipt_counts(scene: Scene) -> None:
    camera = scene.camera
    name = camera.record(segments=1)
    scene.receive(name, 0, kept_until=wall_text(camera.clock.wall_us + 28 * DAY - 3 * MINUTE))
    camera.short()
    question = camera.question()
    assert question is not None, "the station may know better by now"
    assert camera.tell(scene.station.answer(question)).done
    camera.work()
    assert camera.for_room() == []
    scene.receive(name, 0, kept_until=wall_text(camera.clock.wall_us + 28 * DAY - MINUTE))
    camera.work()
    assert camera.for_room() == [name]
    assert scene.verdict() == 0


@only_in_full
def test_an_answer_counts_for_a_day_and_in_its_boot(scene: Scene) -> None:
    camera, name = scene.camera, scene.sent(segments=1)
    assert scene.station.answer_all() == 1
    camera.run(25 * HOUR, sweep=False)
    camera.short()
    camera.work()
    assert camera.for_room() == []
    assert scene.station.answer_all() == 1
    camera.switch_off()
    camera.switch_on(off_us=HOUR)
    camera.settle()
    camera.work()
    assert camera.for_room() == [], "nobody knows how long it was off"
    assert scene.station.answer_all() == 1
    camera.switch_off()
    camera.switch_on(same_boot=True)
    camera.work()
    assert camera.for_room() == [name], "a restart of the daemon forgets nothing"
    assert scene.verdict() == 0


def test_what_no_clock_dates_stays(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.camera.switch_off()
    scene.camera.clock.trusted = False
    scene.camera.switch_on()
    name = scene.sent(segments=1)
    scene.camera.short()
    assert scene.station.answer_all() == 0
    scene.camera.work()
    assert (scene.camera.for_room(), scene.camera.present()) == ([], [name])
    scene.camera.switch_off(clean=False)


FORGED: dict[str, dict[str, Any]] = {
    "the courier signs it with a key of its own": {"by": "nobody"},
    "a person of the roster signs it": {"by": "E-01"},
    "other bytes": {"sha256": "ab" * 32},
    "the nonce of before": {"nonce": "cd" * 32},
    "another camera's": {"device": "HV-02"},
    "another segment's": {"segment": 1},
    "another recording's": {"recording": "000001-0009"},
    "in the name of a station that is not there": {"station": "station-9"},
}


@pytest.mark.parametrize("what", sample(FORGED, 4))
def test_a_forged_answer_makes_no_room(what: str, scene: Scene) -> None:
    name = scene.sent()
    question = scene.camera.question()
    assert question is not None
    told = scene.camera.tell(scene.station.answer(question, **FORGED[what]))
    assert not told.done
    scene.camera.short()
    scene.camera.work()
    assert (scene.camera.for_room(), scene.camera.present()) == ([], [name])
    assert scene.camera.details(CopyShown) == []


def test_an_answer_is_taken_once(scene: Scene) -> None:
    scene.sent(segments=1)
    question = scene.camera.question()
    assert question is not None
    answer = scene.station.answer(question)
    assert scene.camera.tell(answer).outcome == "accepted"
    assert scene.camera.tell(answer).outcome == "not_asked"
    (shown,) = scene.camera.details(CopyShown)
    assert isinstance(shown, CopyShown)
    assert decode(from_entry(shown.document, "x"), "x") == answer


@only_in_full
def test_a_question_that_is_not_answered_makes_way_for_the_next_one(scene: Scene) -> None:
    first, second = scene.sent(segments=1), scene.sent(segments=1)
    question = scene.camera.question()
    assert question is not None
    assert question.recording == first
    assert scene.camera.question() == question
    scene.camera.run(STANDS_US, sweep=False)
    following = scene.camera.question()
    assert following is not None
    assert following.recording == second
    assert not scene.camera.tell(scene.station.answer(question)).done
    assert scene.camera.tell(scene.station.answer(following)).done
    scene.camera.run(HOUR, sweep=False)
    again = scene.camera.question()
    assert again is not None
    assert (again.recording, again.nonce == question.nonce) == (first, False)


def test_nothing_is_asked_while_there_is_room_ahead(scene: Scene) -> None:
    scene.sent()
    scene.camera.making_room._need = replace(scene.camera.need, ahead_bytes=0)
    assert scene.camera.question() is None


@only_in_full
@pytest.mark.parametrize("after", sample(range(12), 6))
def test_a_cut_at_any_step_comes_to_the_same_end(after: int, scene: Scene) -> None:
    first, second = scene.sent(segments=2), scene.sent(segments=1)
    scene.station.answer_all()
    camera = scene.camera
    camera.short()
    camera.small.cut_after = after
    camera.clock.advance(5_000_000)

    def until_the_cut() -> None:
        while True:
            camera.keeper._step(camera.enter, False)

    with pytest.raises(CutError):
        until_the_cut()
    camera.small.cut_after = None
    camera.store.close()
    camera.switch_on(same_boot=True)
    camera.short()
    camera.work()
    assert (camera.gone(), camera.present()) == ([first, second], [])
    assert camera.for_room() == [first, second], "each begun once"
    assert scene.verdict() == 0
