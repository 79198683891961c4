"""What nobody signed, or is not what was sent, is not taken; and a receipt counts with the signature of who was to give it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.evidence import receipts
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.roster import KeyHolder
from bodycamd.municipality.station.forwarded_note import decode
from bodycamd.municipality.station.forwarded_note import sign as sign_note
from tests.evidence.ordering import ordered
from tests.evidence.rostering import key, signed
from tests.kit.scale import only_in_full
from tests.municipality.station.life import DEVICE, STATION_KEY, Life
from tests.municipality.station.room import THEIR_KEY, Room
from tests.municipality.station.test_forwarding import to_forward

Forgery = Callable[[Room, str], None]


def note_of(room: Room) -> Path:
    [path] = room.forwarded.glob("*.forwarded")
    return path


def says(**changes: Any) -> Forgery:
    def forged(room: Room, name: str) -> None:
        path = note_of(room)
        path.write_bytes(sign_note(replace(decode(path.read_bytes(), "x")[0], **changes), STATION_KEY))

    return forged


def note_by_nobody(room: Room, name: str) -> None:
    path = note_of(room)
    path.write_bytes(sign_note(decode(path.read_bytes(), "x")[0], key("nobody")))


def note_altered(room: Room, name: str) -> None:
    path = note_of(room)
    path.write_bytes(path.read_bytes().replace(b"meldkamer", b"meldkameq"))


def order_of(**changes: Any) -> Forgery:
    """The station signs a note for an order that counts for nothing."""

    def forged(room: Room, name: str) -> None:
        made = to_forward(room.life, name, 5)
        order = ordered(replace(made.order, **changes))
        (room.forwarded / f"{order.id}.order").write_bytes(order.document.file_bytes)
        says(order=order.id, by=order.order.person)(room, name)

    return forged


def order_by_nobody(room: Room, name: str) -> None:
    order = ordered(to_forward(room.life, name, 5).order, "nobody")
    (room.forwarded / f"{order.id}.order").write_bytes(order.document.file_bytes)
    says(order=order.id)(room, name)


def order_for_another(room: Room, name: str) -> None:
    made = to_forward(room.life, name, 5)
    order = ordered(replace(made.order, body=replace(made.order.body, receiver="police")))
    (room.forwarded / f"{order.id}.order").write_bytes(order.document.file_bytes)
    says(order=order.id, receiver="police")(room, name)


def order_of_another_recording(room: Room, name: str) -> None:
    order = to_forward(room.life, "000009-0009", 5)
    (room.forwarded / f"{order.id}.order").write_bytes(order.document.file_bytes)
    says(order=order.id)(room, name)


def roster_of_another_root(room: Room, name: str) -> None:
    for path in room.forwarded.glob("*.roster"):
        path.write_bytes(signed(room.roster.roster, "root-5").document.file_bytes)


def no_roster(room: Room, name: str) -> None:
    for path in room.forwarded.glob("*.roster"):
        path.unlink()


def station_shut_out(room: Room, name: str) -> None:
    stations = (KeyHolder(id="station-1", key=STATION_KEY.public.raw.hex(), state="retired"),)
    later = signed(replace(room.roster.roster, version=8, stations=stations))
    (room.forwarded / f"{later.document.sha256}.roster").write_bytes(later.document.file_bytes)


def ledger_altered(room: Room, name: str) -> None:
    path = room.folder / DEVICE / "store" / "ledger" / "000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b"played_to_device", b"skipped_to_devic"))


def ledger_cut(room: Room, name: str) -> None:
    path = room.folder / DEVICE / "store" / "ledger" / "000001.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def segment_altered(room: Room, name: str) -> None:
    path = room.folder / DEVICE / "store" / "recordings" / name / "000001.tar"
    raw = bytearray(path.read_bytes())
    raw[700] ^= 1
    path.write_bytes(raw)


def segment_exchanged(room: Room, name: str) -> None:
    folder = room.folder / DEVICE / "store" / "recordings" / name
    (folder / "000001.tar").write_bytes((folder / "000000.tar").read_bytes())


def segment_linked(room: Room, name: str) -> None:
    folder = room.folder / DEVICE / "store" / "recordings" / name
    (folder / "000001.tar").rename(folder / "elsewhere")
    (folder / "000001.tar").symlink_to(folder / "elsewhere")


def segment_gone(room: Room, name: str) -> None:
    (room.folder / DEVICE / "store" / "recordings" / name / "000001.tar").unlink()


def of_another_camera(room: Room, name: str) -> None:
    (room.folder / DEVICE).rename(room.folder / "IN-01")


FORGERIES: list[Forgery] = [
    note_by_nobody,
    order_by_nobody,
    roster_of_another_root,
    ledger_altered,
    segment_altered,
    note_altered,
    no_roster,
    station_shut_out,
    order_for_another,
    order_of_another_recording,
    order_of(person="C-01"),
    order_of(person="E-03"),
    order_of(person="E-04"),
    says(by="E-02"),
    says(recording="000009-0009"),
    says(segments=1),
    says(bytes=1),
    says(head="ab" * 32),
    says(station="station-2"),
    says(reference="Z-2026/99999"),
    ledger_cut,
    segment_exchanged,
    segment_linked,
    segment_gone,
    of_another_camera,
]


@only_in_full
@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_not_signed_or_not_what_was_sent_is_not_taken(life: Life, forgery: Forgery, tmp_path: Path) -> None:
    name = life.record()
    life.send()
    room = Room(life)
    room.forward(name)
    forgery(room, name)
    found = room.take()
    assert (found.taken, len(found.problems)) == ((), 1), found
    assert list(room.folder.rglob("*.taken")) == []
    assert [event for event, _ in room.log if event == "forward_taken"] == []
    assert not [path for path in room.data.rglob("000001.tar") if path.is_file()]
    assert room.receipts().recordings == ()


def again(raw: bytes, signer: SigningKey = THEIR_KEY, **changes: Any) -> bytes:
    return receipts.sign(replace(receipts.decode(raw, "x").receipt, **changes), signer).document.file_bytes


RECEIPTS: dict[str, Callable[[bytes], bytes]] = {
    "of nobody": lambda raw: again(raw, key("nobody")),
    "for other bytes": lambda raw: again(raw, sha256="ab" * 32),
    "for another segment": lambda raw: again(raw, segment=0),
    "of another station": lambda raw: again(raw, station="station-1"),
    "for another camera": lambda raw: again(raw, device="HV-09"),
    "nothing": lambda raw: b"",
    "altered": lambda raw: raw.replace(b"kept_until", b"kept_untiI"),
}


@only_in_full
@pytest.mark.parametrize("case", sorted(RECEIPTS))
def test_a_receipt_that_their_station_has_not_given_for_this_counts_for_nothing(life: Life, case: str) -> None:
    name = life.record()
    life.send()
    room = Room(life)
    room.forward(name)
    room.take()
    path = room.forwarded / f"{name}-000001.taken"
    good = path.read_bytes()
    path.write_bytes(RECEIPTS[case](good))
    found = room.receipts()
    assert (found.recordings, len(found.problems)) == ((), 1)
    assert "forward_receipted" not in dict(life.log)
    path.write_bytes(good)
    assert room.receipts().recordings == ((DEVICE, name, "meldkamer"),)
