"""A recording goes to the control room: what is judged, what goes, what is stated, and what stock tools find there."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError
from bodycamd.evidence.orders import Forward, SignedOrder
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.statements import wall_text
from bodycamd.evidence.suspension import Suspension, sign
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.forward_index import ForwardIndex
from bodycamd.municipality.station.forwarded_note import decode
from bodycamd.municipality.station.forwarding import Forwarded, Forwarding
from bodycamd.municipality.station.rebuild import rebuild
from bodycamd.municipality.station.station_file import ReceiverSettings, judge_station
from bodycamd.municipality.verify.verify import verify
from tests.evidence.ordering import FORWARD, IN_FORCE, ordered
from tests.evidence.rostering import key
from tests.kit.step_cuts import Cut, cut_after
from tests.municipality.station.life import DEVICE, STATION_KEY, Life

ROOT = Path(__file__).parents[3]
HOUR_US = 3_600_000_000


def receiver(life: Life) -> ReceiverSettings:
    (life.root / "room").mkdir(exist_ok=True)
    return ReceiverSettings(name="meldkamer", controller="Meldkamer Oost", folder=str(life.root / "room"), keeps_days=90, same_disk=True)


def forwarding(life: Life, **changes: Any) -> Forwarding:
    words: dict[str, Any] = {"receivers": [receiver(life)], "first_keys": lambda: {DEVICE: life.first_key}, **changes}
    return Forwarding("station-1", STATION_KEY, life.index, life.storage, now_us=lambda: life.now_us, **words)


def to_forward(life: Life, recording: str, nonce: int = 0, **changes: Any) -> SignedOrder:
    body = replace(FORWARD.body, recording=recording)
    made = {"made_at": wall_text(life.now_us), "not_after": wall_text(life.now_us + HOUR_US), "nonce": f"{nonce:032x}"}
    return ordered(replace(FORWARD, **{"body": body, **made, **changes}))


def forward(life: Life, order: SignedOrder, in_force: SignedRoster = IN_FORCE, **changes: Any) -> Forwarded:
    return forwarding(life, **changes).forward(order.document.file_bytes, in_force)


def logged(life: Life) -> list[tuple[str, str]]:
    found = [audit.decode(line, "x") for line in life.index.audit_lines()]
    return [(line.event, line.what) for line in found if line.event.startswith("forward")]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_recording_goes_and_verifies_there_with_stock_tools(life: Life) -> None:
    other, name = life.record(), life.record()
    life.send()
    order = to_forward(life, name)
    done = forward(life, order)
    at, room = life.root / "room" / DEVICE, life.root / "room" / DEVICE / "store"
    assert (done.new, done.store) == (True, str(room))
    own = life.camera.store_folder / "recordings"
    assert [path.name for path in (room / "recordings").iterdir()] == [name], "and no other one"
    for file in (own / name).iterdir():
        assert (room / "recordings" / name / file.name).read_bytes() == file.read_bytes()
    people = {STATION_KEY.public.id: ("station-1", STATION_KEY.public)}
    report = verify(room, life.first_key, people=people)
    assert {one.recording: one.verdict for one in report.recordings} == {name: "intact", other: "not_received"}
    assert report.exit_code == 3, "the other recordings never came here"
    pem, listed = life.root / "camera" / "device.pem", life.root / "people"
    listed.write_text(f"station-1 {STATION_KEY.public.raw.hex()}\n")
    said = subprocess.run(
        [ROOT / "scripts" / "verify.sh", "--store", room, "--device-key", pem, "--people", listed],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 3, said.stdout + said.stderr
    note, document = decode((at / "forwarded" / f"{order.id}.forwarded").read_bytes(), "x")
    assert document.signers([STATION_KEY.public])
    told = (note.recording, note.receiver, note.controller, note.keeps_days, note.by, note.ground, note.order)
    assert told == (name, "meldkamer", "Meldkamer Oost", 90, "E-01", "criminal-investigation", order.id)
    assert (at / "forwarded" / f"{order.id}.order").read_bytes() == order.document.file_bytes
    assert len(list((at / "forwarded").glob(f"{name}-*.receipt"))) == note.segments == 2
    [(begun, what), (ended, _)] = logged(life)
    assert (begun, ended) == ("forwarding", "forwarded")
    for word in (name, "meldkamer", "Meldkamer Oost", "criminal-investigation", "Z-2026/00123", "E-01"):
        assert word in what
    audit.check(life.index.audit_lines())
    assert life.orders.waiting_for(DEVICE, 0)[0] == [], "no camera gets it"


def test_again_changes_nothing_and_a_second_one_goes_beside_it(life: Life) -> None:
    first, second = life.record(), life.record()
    life.send()
    order = to_forward(life, first)
    forward(life, order)
    before = tree(life.root / "room")
    assert forward(life, order).new is False
    life.camera.clock.wall_us += 10 * HOUR_US
    assert forward(life, order).new is False, "also when the order has ended"
    assert tree(life.root / "room") == before
    assert len(logged(life)) == 2
    forward(life, to_forward(life, second, 1))
    life.record()
    life.send()
    forward(life, to_forward(life, second, 2))
    after = tree(life.root / "room")
    kept = {name: raw for name, raw in before.items() if not name.endswith(".jsonl")}
    assert kept.items() <= after.items()
    people = {STATION_KEY.public.id: ("station-1", STATION_KEY.public)}
    report = verify(life.root / "room" / DEVICE / "store", life.first_key, people=people)
    assert {one.recording: one.verdict for one in report.recordings if one.verdict == "intact"} == {first: "intact", second: "intact"}


def test_cut_off_anywhere_it_goes_on_and_ends_alike(life: Life) -> None:
    name = life.record()
    life.send()
    order = to_forward(life, name)
    cuts = 0
    while True:
        try:
            with cut_after(cuts):
                done = forward(life, order)
            break
        except Cut:
            cuts += 3
        life.again()
    assert cuts > 9
    assert done.note.segments == 2
    room = life.root / "room" / DEVICE / "store"
    assert not list(room.rglob("*.part"))
    assert verify(room, life.first_key, only=name).recordings[0].verdict == "intact"


@pytest.mark.parametrize(
    "changes",
    [
        {"person": "C-01"},
        {"person": "E-03"},
        {"person": "E-04"},
        {"not_after": wall_text(1_773_000_000_000_000), "made_at": wall_text(1_772_990_000_000_000)},
    ],
    ids=["a coordinator", "another team", "suspended", "it has ended"],
)
def test_who_may_not_forwards_nothing(life: Life, changes: dict[str, Any]) -> None:
    name = life.record()
    life.send()
    with pytest.raises(PermissionDeniedError):
        forward(life, to_forward(life, name, **changes))
    assert tree(life.root / "room") == {}
    assert logged(life) == []


def test_what_is_no_order_to_forward_or_not_signed_forwards_nothing(life: Life) -> None:
    name = life.record()
    life.send()
    good = to_forward(life, name)
    for raw in (b"junk", life.camera.to_hold(name).document.file_bytes, ordered(good.order, "E-02").document.file_bytes):
        with pytest.raises(DataError):
            forwarding(life).forward(raw, IN_FORCE)
    with pytest.raises(NotFoundError):
        forward(life, to_forward(life, name, body=replace(good.order.body, receiver="elsewhere")))
    with pytest.raises(DataError):
        forward(life, good, first_keys=dict)
    assert logged(life) == []


def test_what_is_not_closed_or_not_all_here_waits(life: Life) -> None:
    name = life.record()
    life.send_ledger()
    with pytest.raises(DataError, match="not here yet"):
        forward(life, to_forward(life, name))
    life.send()
    with pytest.raises(DataError, match="does not state its end"):
        forward(life, to_forward(life, "000009-0001"))
    assert tree(life.root / "room") == {}
    forward(life, to_forward(life, name))


def test_what_the_station_has_altered_is_not_forwarded(life: Life) -> None:
    name = life.record()
    life.send()
    file = life.storage.camera(DEVICE) / "store" / "recordings" / name / "000000.tar"
    raw = bytearray(file.read_bytes())
    raw[700] ^= 1
    file.write_bytes(raw)
    with pytest.raises(DataError, match="not what the ledger states"):
        forward(life, to_forward(life, name))
    assert [event for event, _ in logged(life)] == ["forwarding"], "nothing is stated as forwarded"
    assert not list((life.root / "room").rglob("*.forwarded"))


def test_what_lies_at_the_receiver_is_never_overwritten(life: Life) -> None:
    name = life.record()
    life.send()
    place = life.root / "room" / DEVICE / "store" / "recordings" / name
    place.mkdir(parents=True)
    (place / "000000.tar").write_bytes(b"something else")
    with pytest.raises(DataError, match="another file has this name"):
        forward(life, to_forward(life, name))
    assert (place / "000000.tar").read_bytes() == b"something else"


PLANTED = (
    "forwarded",
    "store",
    "store/ledger",
    "store/ledger/000001.jsonl",
    "store/ledger/.000001.jsonl.part",
    "store/recordings",
    "store/recordings/{name}",
    "store/recordings/{name}/000000.tar",
    "store/recordings/{name}/.000000.tar.part",
    "",
)


@pytest.mark.parametrize("folder", [False, True], ids=["to a file", "to a folder"])
def test_a_link_at_the_receiver_leads_nowhere(life: Life, folder: bool) -> None:
    """Another controller's disk: what it links to is the station's own, and stays as it is."""
    name = life.record()
    life.send()
    own = life.root / "own"
    (own / "ledger").mkdir(parents=True)
    (own / "000000.tar").write_bytes(b"the footage of another camera")
    before = tree(own)
    for number, planted in enumerate(PLANTED):
        theirs = life.root / f"room-{number}"
        room = replace(receiver(life), folder=str(theirs))
        path = theirs / DEVICE / planted.format(name=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(own if folder else own / "000000.tar")
        order = to_forward(life, name, number)
        if planted.endswith(".part"):
            forward(life, order, receivers=[room])
            assert not path.is_symlink(), "what is half written is thrown away: the link, not what it leads to"
        else:
            with pytest.raises(DataError, match="a link stands where"):
                forward(life, order, receivers=[room])
            assert path.is_symlink()
        assert (tree(own), sorted(own.iterdir())) == (before, [own / "000000.tar", own / "ledger"]), planted


def test_what_lies_at_the_receiver_is_read_as_far_as_it_may_be_long(life: Life) -> None:
    name = life.record()
    life.send()
    order = to_forward(life, name)
    forward(life, order)
    note = life.root / "room" / DEVICE / "forwarded" / f"{order.id}.forwarded"
    with note.open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="longer than"):
        forward(life, order)
    note.unlink()
    ledger = life.root / "room" / DEVICE / "store" / "ledger" / "000001.jsonl"
    with ledger.open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="another file has this name"):
        forward(life, order)


def test_nobody_else_on_the_computer_may_read_what_goes(life: Life) -> None:
    (life.root / "room").mkdir(mode=0o755)
    name = life.record()
    life.send()
    forward(life, to_forward(life, name))
    found = list((life.root / "room").rglob("*"))
    assert len(found) > 8
    assert [path for path in found if path.stat().st_mode & 0o077] == []


def test_what_is_deleted_here_is_forwarded_no_more_and_a_rebuild_knows_the_order(life: Life) -> None:
    name = life.record()
    life.send()
    order = to_forward(life, name)
    forward(life, order)
    lines = life.index.audit_lines()
    life.index.close()
    (life.root / "station" / "index.sqlite").unlink()
    life.open()
    assert rebuild(life.index, life.storage, {DEVICE: life.first_key}, STATION_KEY.public).problems == ()
    assert life.index.audit_lines() == lines
    assert life.orders.waiting_for(DEVICE, 0)[0] == []
    life.off(29)
    assert life.sweep().deleted == ((DEVICE, name),)
    with pytest.raises(NotFoundError, match="deleted"):
        forward(life, to_forward(life, name, 1))


def test_what_is_being_deleted_is_forwarded_no_more(life: Life) -> None:
    """A lock of the bucket, or a file that is busy, can keep it for days after its deletion was stated."""
    first, second = life.record(), life.record()
    life.send()
    order = to_forward(life, second)
    life.copies.restore_deletion(DEVICE, first, None)
    with pytest.raises(NotFoundError, match="being deleted"):
        forward(life, to_forward(life, first, 1))
    begin = ForwardIndex(life.index.database).begin
    station = forwarding(life)

    def begun_meanwhile(*words: Any, **more: Any) -> bool:
        life.copies.restore_deletion(DEVICE, second, None)
        return begin(*words, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ForwardIndex, "begin", lambda _, *words, **more: begun_meanwhile(*words, **more))
        with pytest.raises(NotFoundError, match="being deleted"):
            station.forward(order.document.file_bytes, IN_FORCE)
    assert (logged(life), tree(life.root / "room")) == ([], {})


def test_a_crash_before_the_last_line_of_the_log_is_made_good(life: Life) -> None:
    name = life.record()
    life.send()
    order = to_forward(life, name)

    def crashed(*_: object) -> None:
        raise Cut

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ForwardIndex, "end", crashed)
        with pytest.raises(Cut):
            forward(life, order)
    assert [event for event, _ in logged(life)] == ["forwarding"]
    for _ in range(2):
        assert forward(life, order).new is False
        assert [event for event, _ in logged(life)] == ["forwarding", "forwarded"]
    assert logged(life)[1][1].startswith(logged(life)[0][1])


STATION = "name: s\nauthority: s.example\ndata: /d\nkeys: {signing: /s, root: /r, roster: /o}\nreceivers:\n"
ONE = "  - {name: meldkamer, controller: Oost, folder: /mnt/room, keeps_days: 90}\n"


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (ONE, False),
        (ONE + ONE, True),
        (ONE.replace("/mnt/room", "room"), True),
        (ONE.replace(", keeps_days", ", same_disk: true, keeps_days"), False),
        (ONE.replace("folder: /mnt/room", "s3: {bucket: theirs}, same_disk: true"), True),
        (ONE.replace(", keeps_days: 90", ""), True),
        (ONE.replace("controller: Oost, ", ""), True),
    ],
)
def test_a_receiver_has_a_name_a_controller_a_place_and_a_term(lines: str, wrong: bool) -> None:
    settings, problems = judge_station((STATION + lines).encode())
    assert (settings is None, bool(problems)) == (wrong, wrong), problems


def test_a_forward_is_the_stations_and_no_cameras(life: Life) -> None:
    name = life.record()
    assert isinstance(FORWARD.body, Forward)
    assert life.camera.deliver(to_forward(life, name)).outcome == "not_carried_out"


def test_on_the_word_of_somebody_who_is_suspended_nothing_goes(life: Life) -> None:
    name = life.record()
    life.send()
    words: dict[str, Any] = {"roster": IN_FORCE.document.sha256, "by": "A-01", "made_at": wall_text(life.now_us)}
    life.orders.take(sign(Suspension(**words, people=("E-01",)), key("A-01")).document.file_bytes, IN_FORCE, "by hand")
    with pytest.raises(PermissionDeniedError, match="not active"):
        forward(life, to_forward(life, name))
    assert not (life.root / "room" / DEVICE / "store").exists()
