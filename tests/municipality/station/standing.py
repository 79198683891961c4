"""A station that forwards by standing orders; recordings for it, and segments that no recorder would make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from bodycamd.errors import ConfigError
from bodycamd.evidence.entries import SegmentSealed
from bodycamd.evidence.orders import EndForward, SignedOrder
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.segment import GrowingSegment
from bodycamd.evidence.statements import wall_text
from bodycamd.evidence.suspension import Suspension, sign
from bodycamd.municipality.station.forward_index import ForwardIndex
from bodycamd.municipality.station.forwarding import Forwarding
from bodycamd.municipality.station.standing_forwarding import StandingForwarding
from bodycamd.municipality.station.station_file import ReceiverSettings
from tests.evidence.ordering import END_FORWARD, IN_FORCE, STANDING, ordered
from tests.evidence.rostering import key, recipient, signed
from tests.kit.fragments import RECIPIENT, SECOND, fragment, init
from tests.municipality.station.life import DAY_US, DEVICE, STATION_KEY, Life
from tests.municipality.station.test_forwarding import receiver
from tests.municipality.station.test_rebuild import rows

ROOM = recipient("meldkamer")
ROOMS = ((RECIPIENT, ROOM), (ROOM, RECIPIENT))


class Station:
    """A process of the station that forwards; `roster` is what it has in force."""

    def __init__(self, life: Life, receivers: Sequence[ReceiverSettings] = (), only: str | None = None) -> None:
        self.life, self.roster, self.seconds = life, IN_FORCE, 0.0
        first_keys = lambda: {DEVICE: life.first_key}  # noqa: E731
        words: dict[str, Any] = {"now_us": lambda: life.now_us}
        self.forwarding = Forwarding("station-1", STATION_KEY, life.index, life.storage, receivers or [receiver(life)], first_keys, **words)
        self.standing = StandingForwarding(
            self.forwarding,
            life.intake,
            life.index,
            life.storage,
            first_keys,
            lambda: self.in_force(),
            now_seconds=self.clock,
            receiver=only,
            **words,
        )

    def clock(self) -> float:
        return self.seconds

    def in_force(self) -> SignedRoster:
        return self.roster

    def run(self) -> list[str]:
        """The recordings that went, a day later: whatever failed before is tried again."""
        self.seconds += 86_400
        return [recording for _, recording, _ in self.standing.run().forwarded]


def standing(life: Life, nonce: int = 0, **changes: Any) -> SignedOrder:
    body = {name: changes.pop(name) for name in ("interval", "recipient", "receiver") if name in changes}
    made = {"made_at": wall_text(life.now_us), "not_after": wall_text(life.now_us + 20 * DAY_US), "nonce": f"{nonce:032x}"}
    return ordered(replace(STANDING, **{"cameras": (DEVICE,), "body": replace(STANDING.body, **body), **made, **changes}))


def ending(life: Life, order: SignedOrder, **changes: Any) -> SignedOrder:
    made = {"made_at": wall_text(life.now_us), "not_after": wall_text(life.now_us + DAY_US)}
    return ordered(replace(END_FORWARD, **{"body": EndForward(order=order.id), **made, **changes}))


def record(life: Life, *sealed_to: tuple[str, ...], close: bool = True) -> str:
    """A recording of a segment for each, sealed to these."""
    life.camera.sealed_to = lambda segment: sealed_to[segment]
    return life.record(segments=len(sealed_to), fragments=2, close=close)


def at_room(life: Life) -> list[str]:
    folder = life.root / "room" / DEVICE / "store" / "recordings"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def check_rebuild(life: Life) -> None:
    with life.rebuilt() as (done, file):
        assert done.problems == ()
        assert rows(file)["forwardings"] == rows(life.root / "station" / "index.sqlite")["forwardings"]
        assert rows(file)["ended_forwardings"] == rows(life.root / "station" / "index.sqlite")["ended_forwardings"]


def signed_by(life: Life, name: str, change: Callable[[bytes], bytes], to: str = ROOM) -> None:
    """A segment whose file is changed before the ledger states it: what the camera's recorder would never do."""
    ledger = life.camera.store.ledger
    growing = GrowingSegment(ledger.start, recording=name, segment=1, ledger_head=ledger.head)
    buffers = [*growing.init(init(recipients=(to,)))]
    life.camera.seq += 1
    buffers += growing.fragment(fragment(life.camera.seq, size=400, pts_us=life.camera.clock.boottime_us), gap_us=0)
    life.camera.clock.advance(SECOND)
    content = change(b"".join([*buffers, *growing.end()]))
    (life.camera.store.recordings_folder / name / "000001.tar").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    of: dict[str, Any] = {"recording": name, "segment": 1, "file": "000001.tar", "last": growing.last_sha256}
    ledger.note(SegmentSealed(**of, sha256=sha256, size=len(content), fragments=1))
    ledger.change_key()


def in_its_age_header(raw: bytes) -> bytes:
    """The recipient stands where nothing signs it."""
    return raw.replace(b"-> X25519 ", b"-> " + ROOM[:7].encode(), 1)


def said_otherwise(raw: bytes) -> bytes:
    """Another name in the signed statement, and the signature of before."""
    return raw.replace(RECIPIENT.encode(), ROOM.encode())


def without_a_signature(raw: bytes) -> bytes:
    at = raw.index(b"000000.sig") + 512
    return raw[:at] + bytes(64) + raw[at + 64 :]


def of_nobody(raw: bytes) -> bytes:
    """Signed, by a key of nobody."""
    at = raw.index(b"000000.json")
    size = int(raw[at + 124 : at + 135], 8)
    stated, place = raw[at + 512 : at + 512 + size], raw.index(b"000000.sig") + 512
    return raw[:place] + key("nobody").sign(stated) + raw[place + 64 :]


def cut_off(raw: bytes) -> bytes:
    return raw[:300]


def nothing(raw: bytes) -> bytes:
    return b""


def suspend(life: Life, station: Station) -> None:
    words: dict[str, Any] = {"roster": IN_FORCE.document.sha256, "by": "A-01", "made_at": wall_text(life.now_us)}
    life.orders.take(sign(Suspension(**words, people=("E-01",)), key("A-01")).document.file_bytes, IN_FORCE, "by hand")


def suspend_camera(life: Life, station: Station) -> None:
    words: dict[str, Any] = {"roster": IN_FORCE.document.sha256, "by": "P-01", "made_at": wall_text(life.now_us)}
    life.orders.take(sign(Suspension(**words, cameras=(DEVICE,)), key("P-01")).document.file_bytes, IN_FORCE, "by hand")


def end_roster(life: Life, station: Station) -> None:
    def ended() -> SignedRoster:
        raise ConfigError("the roster has ended")

    station.in_force = ended  # type: ignore[method-assign]


def next_roster(life: Life, station: Station) -> None:
    people = tuple(replace(one, roles=("coordinator",)) if one.id == "E-01" else one for one in IN_FORCE.roster.people)
    station.roster = signed(replace(IN_FORCE.roster, version=8, people=people))


def end_order(life: Life, station: Station) -> None:
    [(order, _)] = ForwardIndex(life.index.database).standing(life.now_us)
    life.order(ending(life, order))


def time_passes(life: Life, station: Station) -> None:
    life.camera.clock.wall_us += 20 * DAY_US + 1
