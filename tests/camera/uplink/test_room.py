"""A camera with a small disk and a real station: it goes on recording, and nothing goes that is held or not sent."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from bodycamd.errors import UnavailableError
from bodycamd.evidence import answers
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.noted_entries import CopyShown
from bodycamd.municipality.copies.copies import standing
from bodycamd.municipality.copies.prune import plan
from bodycamd.municipality.publish.certificate import certify
from bodycamd.municipality.publish.certificate_page import page
from bodycamd.municipality.report.story import read_story
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.rebuild import rebuild
from bodycamd.municipality.verify.verify import verify
from bodycamd.municipality.words.times import LocalTime
from bodycamd.retention.room import Need
from tests.camera.keeping.room_camera import RoomCamera
from tests.camera.keeping.test_making_room import verified, verified_twice
from tests.camera.uplink.sent import KEY, KilledError, Pair, pair
from tests.kit.resting_camera import DAY, HOUR
from tests.kit.scale import IN_FULL, SCALE, count, only_in_full
from tests.municipality.station.conftest import STATION_KEY
from tests.municipality.station.test_rebuild import rows


class Place:
    """The camera, its station, and its uplink."""

    def __init__(self, at: Pair) -> None:
        assert isinstance(at.camera, RoomCamera)
        self.at, self.camera = at, at.camera
        self.camera.settle()
        self.uplink = at.sending()

    def send(self) -> None:
        """Whatever there is to send and to ask, by the same clock at both places."""
        for _ in range(2):  # what was sent in the first look is asked for in the next one
            self.camera.clock.advance(5_000_000)
            self.at.station.now = self.camera.clock.wall_us // 1_000_000
            self.at.all_of_it(self.uplink)

    @property
    def copy(self) -> Path:
        return self.at.station.copy("cam-7")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with pair(tmp_path, RoomCamera) as at:
        yield Place(at)


def while_it_is_sent(place: Place) -> str:
    """A recording whose first segments come to the station while it goes on: their receipts know of no end."""
    camera = place.camera
    began_us = camera.clock.boottime_us
    name = camera.record(segments=1, close=False)
    for segment in (1, 2):
        place.send()
        camera.run(HOUR, sweep=False)
        camera.record_segment(name, segment, gap_us=DAY)
    camera.close_recording(name, segments=3, duration_us=camera.clock.boottime_us - began_us)
    return name


@pytest.mark.timeout(1200)  # the second verifier, twice
def test_a_full_disk_goes_on_recording(place: Place) -> None:
    camera = place.camera
    held, sent, long = camera.record(), camera.record(), while_it_is_sent(place)
    camera.hold(held)
    place.send()
    not_sent = camera.record()
    assert camera.for_room() == []
    camera.short()
    camera.work()
    assert camera.for_room() == [sent, long], "the oldest first"
    assert camera.present() == [held, not_sent]
    following = camera.record()
    assert camera.present() == [held, not_sent, following]
    place.send()
    camera.keeper.held()
    assert verified(camera.root, camera.store_folder) in (0, 3)
    there = verify(place.copy, PublicKey.from_pem((camera.root / "device.pem").read_bytes()))
    verdicts = {one.recording: one.verdict for one in there.recordings}
    assert verdicts == {held: "intact", sent: "intact", long: "incomplete", not_sent: "intact", following: "intact"}
    (note,) = (one for one in there.recordings if one.recording == sent)
    assert "to make room there" in note.findings.listed[0].what
    if SCALE >= IN_FULL:
        for store in (camera.store_folder, place.copy):
            first, second = verified_twice(camera.root, store)
            assert first == second


@only_in_full
def test_a_copy_stays_until_the_term_is_over(place: Place) -> None:
    """At the station, and anywhere that has the camera's ledger: that the camera made room is no end of it."""
    camera = place.camera
    name = camera.record(segments=1)
    place.send()
    camera.short()
    camera.work()
    assert camera.for_room() == [name]
    place.send()
    key, now_us = PublicKey.from_pem((camera.root / "device.pem").read_bytes()), camera.clock.wall_us
    found = plan(place.copy, key, {}, now_us)
    assert (found.due, found.held) == ([], [])
    story = read_story(place.copy / "ledger", name)
    assert story.for_room
    assert "to make room" in standing(place.copy, name, story.deleting, {}, for_room=story.for_room)
    made = certify(place.copy, name)
    assert (made.proof, made.days) == ("receipt", 28)
    words = page(made, "en", LocalTime(UTC))
    assert "the station has shown that it has all of it, and keeps it until 28 days have passed." in words
    assert "not passed yet: the camera made room" in words
    camera.run(29 * DAY, pace_us=DAY)
    place.at.station.now = camera.clock.wall_us // 1_000_000
    place.send()
    assert [due.recording for due in plan(place.copy, key, {}, camera.clock.wall_us).due] == [name]
    assert {one.verdict for one in verify(place.copy, key).recordings} == {"kept"}


@only_in_full
def test_no_footage_waits_for_the_questions(place: Place) -> None:
    """One look asks for what is at the station and sends what is not."""
    camera = place.camera
    camera.making_room._need = Need(camera.need.least_bytes, 0)
    asked = [camera.record(segments=1) for _ in range(2)]
    place.send()
    sent = camera.record(segments=1)
    camera.making_room._need = camera.need
    camera.clock.advance(5_000_000)
    assert place.uplink.look() == 0
    place.uplink._station.close()
    (shown,) = camera.details(CopyShown)
    assert isinstance(shown, CopyShown)
    assert (shown.recording, f"{sent}/000000.tar" in place.at.arrived()) == (asked[0], True)


@only_in_full
def test_a_station_that_answers_no_more_for_now_is_asked_again_and_footage_goes_on(place: Place) -> None:
    camera = place.camera
    camera.making_room._need = Need(camera.need.least_bytes, 0)
    asked = camera.record(segments=1)
    place.send()
    sent = camera.record(segments=1)
    camera.making_room._need = camera.need
    camera.clock.advance(5_000_000)
    with place.at.station.intake._pace.one("cam-7"):
        assert place.uplink.look() == 0
    assert f"{sent}/000000.tar" in place.at.arrived()
    place.uplink.look()
    assert camera.details(CopyShown) == [], "not before it says"
    place.uplink._ask_after = 0.0
    place.uplink.look()
    place.uplink._station.close()
    (shown,) = camera.details(CopyShown)
    assert isinstance(shown, CopyShown)
    assert shown.recording == asked


def test_the_courier_cannot_answer_for_the_station(place: Place) -> None:
    """It may read what is sealed, and still it cannot say what the station must: it has not got its key."""
    camera = place.camera
    name = camera.record(segments=1)
    place.send()
    camera.clock.advance(DAY + HOUR)
    question = place.at.recorder.waiting().question
    assert question is not None
    _, file = place.at.recorder.open_segment(name, question.file)
    with file:
        own = hashlib.sha256(bytes.fromhex(question.nonce) + file.read()).hexdigest()
    honest = place.at.station.intake.answer("cam-7", _first_key(camera), name, question.file, question.nonce)[1]
    assert honest.answer.sha256 == own
    forged = answers.sign(honest.answer, KEY)
    assert place.at.recorder.deliver(forged.document.file_bytes).outcome == "not_signed"
    assert place.at.recorder.deliver(honest.document.file_bytes).outcome == "accepted"
    assert place.at.recorder.deliver(honest.document.file_bytes).outcome == "not_asked"


def _first_key(camera: RoomCamera) -> PublicKey:
    return PublicKey.from_pem((camera.root / "device.pem").read_bytes())


@only_in_full
def test_what_the_station_has_lost_or_changed_stays_here(place: Place) -> None:
    camera = place.camera
    lost, changed, whole = camera.record(segments=1), camera.record(segments=1), camera.record(segments=1)
    camera.making_room._need = Need(camera.need.least_bytes, 0)
    place.send()
    (place.copy / "recordings" / lost / "000000.tar").unlink()
    file = place.copy / "recordings" / changed / "000000.tar"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    camera.making_room._need = camera.need
    camera.short()
    for _ in range(8):
        camera.clock.advance(600_000_000)
        with contextlib.suppress(UnavailableError):  # of other bytes: told, and tried again later
            place.send()
        camera.work()
    assert (camera.for_room(), camera.present()) == ([whole], [lost, changed])


@only_in_full
def test_the_station_keeps_what_it_has_promised_longer(place: Place) -> None:
    """A segment that came while the recording went on is kept as long as its end wants it, by its receipt and by the index made anew."""
    name = while_it_is_sent(place)
    index = place.at.station.index
    before = index.term_of("cam-7", name, "000000.tar")[1]
    place.send()
    after = index.term_of("cam-7", name, "000000.tar")[1]
    assert before is not None
    assert after is not None
    assert HOUR < after - before < 3 * HOUR
    assert after == index.term_of("cam-7", name, "000002.tar")[1]
    last = [one.receipt for one in index.receipts_after("cam-7", 0, 100)]
    assert [one.segment for one in last if one.segment is not None] == [0, 1, 2, 0, 1]
    file = place.at.folder / "again.sqlite"
    anew = Index.open(f"sqlite:///{file}")
    done = rebuild(anew, place.at.station.storage, {"cam-7": _first_key(place.camera)}, STATION_KEY.public)
    anew.close()
    assert done.problems == ()
    assert rows(file) == rows(place.at.station.root / "index.sqlite")


@only_in_full
@pytest.mark.parametrize("seed", range(count(20)))
def test_killed_anywhere_it_asks_again(seed: int, place: Place) -> None:
    """The uplink dies after so many of its steps, again and again."""
    camera = place.camera
    name = while_it_is_sent(place)
    left = [0]

    def step(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KilledError

    for kill in range(1, 12):
        camera.clock.advance(5_000_000)
        place.at.station.now = camera.clock.wall_us // 1_000_000
        left[0] = seed + kill
        sending = place.at.sending(step)
        try:
            place.at.all_of_it(sending)
        except KilledError:
            sending._station.close()
    place.uplink = place.at.sending()
    place.send()
    camera.short()
    camera.work()
    assert camera.for_room() == [name]
    assert verified(camera.root, camera.store_folder) in (0, 3)
