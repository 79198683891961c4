"""A station, or an uplink in its place, that reorders, withholds, lies, or serves something older."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bodycamd.camera.keeping.sending import MOST_OTHERS_AN_HOUR
from bodycamd.camera.uplink.station_link import Reply, StationError
from bodycamd.evidence.noted_entries import Marked, OrderDone
from bodycamd.evidence.receipts import Receipt
from tests.evidence.rostering import NOW
from tests.municipality.station.attacks.attack import COURIER, STATION_KEY, Carried, attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.test_fetching import GOOD, Joined, answered

RECEIPTS = "Receipts that say what is not so"
ANSWERS = "Answers that are no station's"
RECORDER = "the recorder: by its own ledger and roster"
WRONG: dict[str, tuple[Callable[[Receipt], Receipt], str, str, str]] = {
    "sign as a station that the roster does not list": (
        lambda r: replace(r, station="station-9"),
        "station-1",
        STATION_KEY,
        "not_a_station",
    ),
    "sign with another key": (lambda r: r, "station-2", "no key of a station", "not_signed"),
    "give a receipt for another camera": (lambda r: replace(r, device="cam-8"), "station-1", STATION_KEY, "other_device"),
    "leave a receipt out": (lambda r: replace(r, n=3, prev="1" * 64), "station-1", STATION_KEY, "not_next"),
    "begin another chain": (lambda r: replace(r, n=2, prev="1" * 64), "station-1", STATION_KEY, "not_next"),
    "give a receipt for a ledger that is not this one": (lambda r: replace(r, head="1" * 64), "station-1", STATION_KEY, "other_ledger"),
    "give a receipt for other bytes": (lambda r: replace(r, sha256="1" * 64), "station-1", STATION_KEY, "other_bytes"),
    "give a receipt for the beginning of a segment": (
        lambda r: replace(r, size=(r.size or 1) - 1),
        "station-1",
        STATION_KEY,
        "other_bytes",
    ),
    "give a receipt for another segment's bytes": (lambda r: replace(r, segment=0), "station-1", STATION_KEY, "other_bytes"),
}


def given(change: Callable[[Receipt], Receipt], by: str) -> Carried:
    """The first segment has its receipt; this is the second one's. Afterwards the true one is taken."""

    def carried(ground: Ground) -> str:
        camera, book = ground.sending, ground.book
        recording = camera.record(segments=2)
        assert camera.deliver(book.next(recording, 0)) == "accepted"
        before = camera.ledger_bytes()
        told = camera.deliver(book.sign(change(book.unsigned(recording, 1)), by))
        assert camera.ledger_bytes() == before
        assert camera.sending.segments == 1, "it still waits"
        assert camera.deliver(book.next(recording, 1)) == "accepted"
        return told

    return carried


for title, (change, by, holds, outcome) in WRONG.items():
    attack(RECEIPTS, title, holds=holds, by=RECORDER, outcome=outcome)(given(change, by))


@attack(RECEIPTS, "give a receipt for an older head of the ledger", holds=STATION_KEY, by=RECORDER, outcome="other_ledger")
def _(ground: Ground) -> str:
    recording = ground.sending.record(segments=1)
    old = ground.sending.head()
    ground.sending.store.ledger.note(Marked(recording=recording))
    assert ground.sending.deliver(ground.book.next()) == "accepted"
    return ground.sending.deliver(ground.book.sign(replace(ground.book.unsigned(), head=old)))


@attack(RECEIPTS, "bring a receipt again", holds=COURIER, by=RECORDER, outcome="repeated")
def _(ground: Ground) -> str:
    signed = ground.book.next(ground.sending.record(segments=1), 0)
    assert ground.sending.deliver(signed) == "accepted"
    before = ground.sending.ledger_bytes()
    told = ground.sending.deliver(signed)
    assert ground.sending.ledger_bytes() == before
    return told


@attack(RECEIPTS, "bring receipts in another order", holds=COURIER, by=RECORDER, outcome="not_next, then all accepted")
def _(ground: Ground) -> str:
    recording = ground.sending.record(segments=2)
    first, second = ground.book.next(recording, 0), ground.book.next(recording, 1)
    told = ground.sending.deliver(second)
    assert [ground.sending.deliver(one) for one in (first, second)] == ["accepted", "accepted"]
    return f"{told}, then all accepted"


@attack(RECEIPTS, "withhold a receipt", holds=COURIER, by="the recorder: without it the segment waits", outcome="1 segment waits")
def _(ground: Ground) -> str:
    recording = ground.sending.record(segments=2)
    ground.sending.deliver(ground.book.next(recording, 0))
    ground.sending.switch_off()
    ground.sending.switch_on()
    ground.sending.sending.waiting(ground.sending.keeper.held())
    return f"{ground.sending.sending.segments} segment waits"


@attack(RECEIPTS, "alter a receipt on its way", holds=COURIER, by=RECORDER, outcome="not_signed")
def _(ground: Ground) -> str:
    recording = ground.sending.record(segments=1)
    signed = ground.book.sign(ground.book.unsigned(recording, 0))
    altered = ground.book.sign(replace(signed.receipt, kept_until="2030-01-01T00:00:00.000000Z"), "nobody")
    return ground.sending.deliver(altered)


@attack(
    RECEIPTS,
    "fill the ledger with good receipts",
    holds=STATION_KEY,
    by="the recorder: sixty an hour beside each segment's first, and its first longer one",
    outcome="too_many",
)
def _(ground: Ground) -> str:
    recording = ground.sending.record(segments=2)
    for _ in range(MOST_OTHERS_AN_HOUR):
        assert ground.sending.deliver(ground.book.next()) == "accepted"
    before = ground.sending.ledger_bytes()
    told = ground.sending.deliver(ground.book.sign(ground.book.unsigned()))
    assert ground.sending.ledger_bytes() == before
    assert ground.sending.deliver(ground.book.next(recording, 0)) == "accepted"
    return told


@attack(RECEIPTS, "give receipts where no roster is in force", holds=STATION_KEY, by=RECORDER, outcome="no_roster")
def _(ground: Ground) -> str:
    signed = ground.book.next(ground.sending.record(segments=1), 0)
    ground.sending.keeper.held()
    return ground.sending.sending.deliver(signed, None, NOW, "", ground.sending.store.ledger.note).outcome


HOSTILE: dict[str, Reply] = {
    "a page": Reply(200, {"orders-after": "1"}, b"<html>welcome to our hotel</html>"),
    "500": Reply(500, {"orders-after": "1"}, b""),
    "302": Reply(302, {"location": "http://elsewhere.example.org", "orders-after": "1"}, b""),
    "no place": Reply(200, {}, GOOD),
    "a place that is none": Reply(200, {"orders-after": "-1"}, GOOD),
    "204 without a place": Reply(204, {}, b""),
    "nothing, called something": Reply(200, {"orders-after": "1"}, b""),
    "no further": Reply(200, {"orders-after": "0"}, GOOD),
    "too many": Reply(200, {"orders-after": "1"}, GOOD * 18),
    "very many": Reply(200, {"orders-after": "1"}, b"bodycam-order/1\n" * 100_000),
    "something before it": Reply(200, {"orders-after": "1"}, b"x\n" + GOOD),
    "what else is signed": Reply(200, {"orders-after": "1"}, b"bodycam-receipt/1\n{}\n" + GOOD),
}


def hostile(what: str) -> Carried:
    """Nothing is delivered; the next answer, of the station itself, is."""

    def carried(ground: Ground) -> str:
        scene = ground.scene
        joined = Joined(scene, ground.folder("state"), scene.station.port)
        fetching = joined.fetching()
        order = scene.camera.to_hold(scene.camera.record())
        scene.post(order)
        ask, before = joined.link.ask, scene.camera.store.ledger.head
        answered(joined, lambda _: HOSTILE[what])
        with pytest.raises(StationError):
            fetching.look(docked=True, idle=True)
        assert scene.camera.store.ledger.head == before
        fetching.rest(10.0)
        assert not fetching.look(docked=True, idle=True), "it pauses"
        joined.link.ask = ask  # type: ignore[method-assign]
        joined.seconds += 10.0
        joined.rest(fetching)
        assert [id for _, id in scene.camera.held] == [order.id]
        return "an error, a pause, nothing delivered"

    return carried


TITLES = {
    "a page": "answer with a page of a hotel",
    "500": "answer 500 with a place",
    "302": "send the camera elsewhere",
    "no place": "give an order without a place",
    "a place that is none": "give a place that is none",
    "204 without a place": "say nothing, without a place",
    "nothing, called something": "give nothing and call it something",
    "no further": "give the same orders for ever",
    "too many": "give more orders than an answer may have",
    "very many": "give a hundred thousand beginnings of orders",
    "something before it": "put something before an order",
    "what else is signed": "put another document among the orders",
}
assert set(TITLES) == set(HOSTILE)
for what, title in TITLES.items():
    attack(ANSWERS, title, holds=COURIER, by="the uplink", outcome="an error, a pause, nothing delivered")(hostile(what))


@attack(ANSWERS, "serve a list of orders that is older", holds=COURIER, by="the recorder: once each", outcome="done once")
def _(ground: Ground) -> str:
    scene = ground.scene
    joined = Joined(scene, ground.folder("state"), scene.station.port)
    order = scene.camera.to_hold(scene.camera.record())
    scene.post(order)
    fetching = joined.fetching()
    joined.rest(fetching)
    answered(joined, lambda method: Reply(200 if method == "GET" else 204, {"orders-after": "9"}, order.document.file_bytes))
    joined.seconds += 100_000
    fetching.look(docked=True, idle=False)
    assert len(scene.camera.details(OrderDone)) == 1
    return "done once"
