"""Footage that somebody would have the station give away by itself."""

from __future__ import annotations

from collections.abc import Callable

from bodycamd.evidence.orders import SignedOrder
from tests.kit.fragments import RECIPIENT
from tests.municipality.station import test_forwarded_forgeries as forgeries
from tests.municipality.station.attacks.attack import COURIER, STATION, attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.room import Room
from tests.municipality.station.standing import (
    ROOM,
    ROOMS,
    Station,
    at_room,
    ending,
    in_its_age_header,
    of_nobody,
    record,
    said_otherwise,
    signed_by,
    standing,
    suspend,
)

GROUP = "Footage that the station forwards by itself"
BY = "the station: by what the camera signed"
ORDER = "the station: by its roster"
PERSON = "the key of one person of the roster"
CAMERA = "a camera that states a segment which its recorder did not make"


def nothing_went(ground: Ground) -> str:
    """What the log says of it, once."""
    life, station = ground.life, Station(ground.life)
    for _ in range(2):
        assert station.run() == []
    assert at_room(life) == []
    said = [what for event, what in life.log if event.startswith("not_forwarded")]
    assert len(said) == 1
    return "not_forwarded"


def stated(title: str, change: Callable[[bytes], bytes], *, to: str = ROOM) -> None:
    """A last segment that the ledger states, with these bytes."""

    @attack(GROUP, title, holds=CAMERA, by=BY, outcome="not_forwarded")
    def _(ground: Ground) -> str:
        life = ground.life
        life.camera.sealed_to = lambda segment: (ROOM,)
        name = life.camera.record(segments=1, fragments=2, close=False)
        signed_by(life, name, change, to=to)
        life.camera.close_recording(name, segments=2, duration_us=3_000_000)
        life.send()
        life.order(standing(life))
        return nothing_went(ground)


stated("name the receiver in the header of an age file", in_its_age_header, to=RECIPIENT)
stated("name the receiver in a statement that was signed without it", said_otherwise, to=RECIPIENT)
stated("sign the statement that names the receiver with a key of one's own", of_nobody)


@attack(GROUP, "write the receiver into the station's copy of a segment", holds=STATION, by=BY, outcome="not_forwarded")
def _(ground: Ground) -> str:
    name = record(ground.life, (RECIPIENT,))
    ground.life.send()
    file = ground.life.storage.camera("HV-01") / "store" / "recordings" / name / "000000.tar"
    file.write_bytes(said_otherwise(file.read_bytes()))
    ground.life.order(standing(ground.life))
    return nothing_went(ground)


@attack(GROUP, "mix one segment that was not sealed to the receiver with those that were", holds=CAMERA, by=BY, outcome="not_forwarded")
def _(ground: Ground) -> str:
    record(ground.life, *ROOMS, (RECIPIENT,))
    ground.life.send()
    ground.life.order(standing(ground.life))
    return nothing_went(ground)


def by_order(title: str, holds: str, made: Callable[[Ground], SignedOrder]) -> None:
    """A standing order that counts for nothing."""

    @attack(GROUP, title, holds=holds, by=ORDER, outcome="nothing goes")
    def _(ground: Ground) -> str:
        record(ground.life, *ROOMS)
        ground.life.send()
        ground.life.order(made(ground))
        assert Station(ground.life).run() == []
        assert at_room(ground.life) == []
        ground.life.order(standing(ground.life, 99, person="E-02"))
        assert len(Station(ground.life).run()) == 1, "a good one counts"
        return "nothing goes"


def of_who_is_suspended(ground: Ground) -> SignedOrder:
    suspend(ground.life, Station(ground.life))
    return standing(ground.life)


def ended(ground: Ground) -> SignedOrder:
    order = standing(ground.life)
    ground.life.order(order)
    ground.life.order(ending(ground.life, order))
    return order


by_order("bring the standing order of a coordinator", PERSON, lambda ground: standing(ground.life, person="C-01"))
by_order("bring the standing order of the other team", PERSON, lambda ground: standing(ground.life, person="E-03"))
by_order("bring the standing order of who is suspended", PERSON, of_who_is_suspended)
by_order("bring a standing order once more that was ended", COURIER, ended)
by_order(
    "bring a standing order for a receiver of one's own",
    PERSON,
    lambda ground: standing(ground.life, receiver="elsewhere"),
)


@attack(GROUP, "end somebody's standing order without the role for it", holds=PERSON, by=ORDER, outcome="it goes on")
def _(ground: Ground) -> str:
    order = ground.life.order(standing(ground.life))
    for person in ("C-01", "A-01", "E-03"):
        ground.life.order(ending(ground.life, order, person=person))
    record(ground.life, *ROOMS)
    ground.life.send()
    assert len(Station(ground.life).run()) == 1
    return "it goes on"


# --- from station to station ------------------------------

TAKEN = "Footage that another station has forwarded"
FOLDER = "the folder that both stations reach"
THEIRS = "the sender's station, with its key"
RECEIVER = "the receiver's station: by the sender's root"


def forged(title: str, holds: str, forgery: forgeries.Forgery, by: str = RECEIVER) -> None:
    """It is put beside, or in the place of, what was forwarded."""

    @attack(TAKEN, title, holds=holds, by=by, outcome="not taken")
    def _(ground: Ground) -> str:
        name = ground.life.record()
        ground.life.send()
        room = Room(ground.life)
        room.forward(name)
        forgery(room, name)
        found = room.take()
        assert (found.taken, len(found.problems), list(room.folder.rglob("*.taken"))) == ((), 1, [])
        return "not taken"


forged("say that something was forwarded, without the key of their station", FOLDER, forgeries.note_by_nobody)
forged("forward by an order that somebody else signed", THEIRS, forgeries.order_by_nobody)
forged("forward by the order of a coordinator", THEIRS, forgeries.order_of(person="C-01"))
forged("forward by an order for another receiver", THEIRS, forgeries.order_for_another)
forged("forward by an order for another recording", THEIRS, forgeries.order_of_another_recording)
forged("bring a roster of another root", FOLDER, forgeries.roster_of_another_root)
forged("forward with the key of a station that their newest roster lists no more", THEIRS, forgeries.station_shut_out)
forged("alter the ledger on its way", FOLDER, forgeries.ledger_altered, "the receiver's station: by the camera's keys")
forged("alter a segment on its way", FOLDER, forgeries.segment_altered, "the receiver's station: by the ledger")
forged("put one segment in the place of another", FOLDER, forgeries.segment_exchanged, "the receiver's station: by the ledger")
forged("put a link in the place of a segment", FOLDER, forgeries.segment_linked, "the receiver's station: it follows none")


def receipted(title: str, case: str) -> None:
    """In the place of a good receipt."""

    @attack(TAKEN, title, holds=FOLDER, by="the sender's station: by the key that its operator registered", outcome="not stated")
    def _(ground: Ground) -> str:
        name = ground.life.record()
        ground.life.send()
        room = Room(ground.life)
        room.forward(name)
        room.take()
        path = room.forwarded / f"{name}-000001.taken"
        path.write_bytes(forgeries.RECEIPTS[case](path.read_bytes()))
        found = room.receipts()
        assert (found.recordings, len(found.problems)) == ((), 1)
        return "not stated"


receipted("give a receipt in the receiver's name", "of nobody")
receipted("give the receipt of one segment for another", "for another segment")
