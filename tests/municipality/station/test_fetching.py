"""Orders and rosters on their way from a real station to a camera's recorder: all of them, once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bodycamd.camera.daemon.protocol import MAX_PART_BYTES, Deliver
from bodycamd.camera.daemon.status_message import Status
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.uplink.allowance import MEGABYTE, Allowance
from bodycamd.camera.uplink.fetching import ANEW_SECONDS, FIELD_SECONDS, HELD_SECONDS, MOST_IN_A_ROW, Fetching
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.station_link import Reply, StationError, StationLink
from bodycamd.config.station_checks import StationAddress
from bodycamd.errors import StorageError
from bodycamd.evidence import orders
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.noted_entries import OrderAccepted, OrderDone, OrderRefused, RosterAccepted
from bodycamd.evidence.roster import SignedRoster
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import camera as listed
from tests.evidence.rostering import key
from tests.kit.scale import IN_FULL, SCALE, only_in_full
from tests.kit.statuses import AT_REST
from tests.kit.waiting import wait_for
from tests.municipality.station.at_station import UPLINK_KEY, Scene, hold
from tests.municipality.station.sending import AUTHORITY, send_ledger

NEWER = rosters.sign(replace(IN_FORCE.roster, version=8, made_at="2026-03-10T00:00:00.000000Z"), [key("root-1")])


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class DirectRecorder:
    """`RecorderLink` of a resting camera, without the socket and its pace. `step` may raise, as a kill does."""

    camera: OrderedCamera
    step: Callable[[], None] = lambda: None
    doing: str = ""
    trouble: str = ""

    def status(self) -> Status:
        return AT_REST

    def waiting(self) -> None:
        self.step()

    def deliver(self, document: bytes) -> Delivered:
        self.step()
        if document.startswith(b"bodycam-roster/1\n"):
            signed = rosters.decode(document, "x")
            decision = self.camera.rosters.offer(signed, self.camera.keeper.known_time(), self.camera.enter)
            told = Delivered(id=signed.document.sha256, outcome=decision.outcome, done=decision.accepted, why=decision.why)
        else:
            told = self.camera.deliver(orders.decode(document, "x"))
        self.step()
        return told


@dataclass
class Joined:
    """A station and a camera, and what is between them."""

    scene: Scene
    folder: Path
    port: int
    seconds: float = 100.0

    def fetching(self, step: Callable[[], None] = lambda: None, *, megabytes: int | None = None) -> Fetching:
        """As of a process that was just started."""
        address = StationAddress(False, "127.0.0.1", self.port, AUTHORITY)
        link, self.asked = StationLink(address, "HV-01", SigningKey(UPLINK_KEY), None), list[str]()
        ask = link.ask

        def asked(*words: Any, **more: Any) -> Reply:
            step()
            self.asked.append(" ".join([*map(str, words[:2]), more.get("query", "")]))
            reply = ask(*words, **more)
            step()
            return reply

        link.ask = asked  # type: ignore[method-assign]
        self.recorder, self.link = DirectRecorder(self.scene.camera if self.port else cast(OrderedCamera, None), step), link
        self.allowance = Allowance(self.folder, megabytes)
        recorder = cast(RecorderLink, self.recorder)
        return Fetching(recorder, link, self.allowance, monotonic=lambda: self.seconds, now_seconds=lambda: 1e9)

    def rest(self, fetching: Fetching) -> None:
        """Look until nothing comes."""
        while fetching.look(docked=True, idle=False):
            pass
        self.link.close()

    def ledger_goes_up(self) -> None:
        send_ledger(self.scene.link, self.scene.camera.store_folder)


@pytest.fixture
def joined(scene: Scene, tmp_path: Path) -> Joined:
    (tmp_path / "state").mkdir()
    return Joined(scene, tmp_path / "state", scene.station.port)


@pytest.fixture
def alone(tmp_path: Path) -> Joined:
    """Without either."""
    return Joined(cast(Scene, None), tmp_path, 0)


@only_in_full
def test_an_order_at_the_station_is_carried_out_and_told_as_done(joined: Joined) -> None:
    scene = joined.scene
    order = scene.camera.to_hold(scene.camera.record())
    scene.post(order)
    fetching = joined.fetching()
    joined.rest(fetching)
    assert [id for _, id in scene.camera.held] == [order.id]
    assert len(scene.camera.details(OrderAccepted)) == len(scene.camera.details(OrderDone)) == 1
    joined.ledger_goes_up()
    assert scene.states() == [(order.id, "seen", True, "held")]
    (seen,) = scene.station.orders.index.presences()
    assert seen.state is not None
    assert (b'"battery_percent":83' in seen.state, b'"free_bytes":40000000000' in seen.state) == (True, True)
    joined.rest(joined.fetching())
    assert len(scene.camera.details(OrderAccepted)) == 1
    assert [one for one in joined.asked if one.startswith("PUT")] == ["PUT state "], "once in a while"


def killed_at(steps: int) -> Callable[[], None]:
    def step() -> None:
        nonlocal steps
        steps -= 1
        if steps < 0:
            raise KilledError

    return step


@only_in_full
def test_killed_at_any_step_nothing_is_lost_and_nothing_done_twice(joined: Joined) -> None:
    scene = joined.scene
    made = [scene.camera.to_hold(scene.camera.record(segments=1, fragments=1), nonce) for nonce in range(2)]
    scene.station.roster = NEWER
    for order in made:
        scene.post(order)
    kills, stride = 0, 1 if SCALE >= IN_FULL else 3
    while True:
        fetching = joined.fetching(killed_at(kills))
        try:
            joined.rest(fetching)
            break
        except KilledError:
            kills += stride
            joined.link.close()
            if kills % (3 * stride) == 0:
                joined.ledger_goes_up()
    assert kills > 2 * stride
    assert [id for _, id in scene.camera.held] == [order.id for order in made]
    assert len(scene.camera.details(OrderAccepted)) == len(scene.camera.details(OrderDone)) == 2
    assert len(scene.camera.details(RosterAccepted)) == 2, "the card's and the newer one"
    joined.ledger_goes_up()
    assert [done for _, _, done, _ in scene.states()] == [True, True]


@only_in_full
def test_where_the_recorder_cannot_write_it_comes_again(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = joined.scene
    order = scene.camera.to_hold(scene.camera.record())
    scene.post(order)
    fetching = joined.fetching()

    def full(*_: object) -> Delivered:
        raise StorageError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(scene.camera, "deliver", full)
        with pytest.raises(StorageError):
            joined.rest(fetching)
    assert not scene.camera.held
    joined.rest(fetching)
    assert [id for _, id in scene.camera.held] == [order.id]


@only_in_full
def test_what_is_refused_comes_again_tomorrow_or_with_a_newer_roster(joined: Joined) -> None:
    """Of a recording that is not here yet."""
    scene, fetching = joined.scene, joined.fetching()
    scene.post(hold())

    def refused() -> int:
        joined.seconds += 1000
        joined.rest(fetching)
        return len(scene.camera.details(OrderRefused))

    assert [refused() for _ in range(3)] == [1, 1, 1]
    scene.station.roster = NEWER
    assert [refused() for _ in range(3)] == [2, 2, 2]
    assert scene.camera.rosters.in_force is not None
    assert scene.camera.rosters.in_force.document.sha256 == NEWER.document.sha256
    joined.seconds += ANEW_SECONDS
    assert [refused() for _ in range(2)] == [3, 3]


def long_roster() -> SignedRoster:
    cameras = (*IN_FORCE.roster.cameras, *(listed(f"X-{number}") for number in range(300)))
    return rosters.sign(replace(NEWER.roster, cameras=cameras), [key("root-1")])


def test_a_roster_that_grew_arrives_whole(joined: Joined) -> None:
    joined.scene.station.roster = long = long_roster()
    joined.rest(joined.fetching())
    assert joined.scene.camera.rosters.in_force == long


def test_a_long_document_goes_to_the_recorder_in_parts(tmp_path: Path) -> None:
    given: list[Deliver] = []

    class Link(RecorderLink):
        def _ask(self, request: Any, answer: Any) -> Any:
            given.append(request)
            return Delivered(id="", outcome="part", done=False)

    raw = long_roster().document.file_bytes
    assert len(raw) > 2 * MAX_PART_BYTES
    Link(tmp_path, sleep=lambda _: None).deliver(raw)
    assert b"".join(one.document for one in given) == raw
    assert {one.size for one in given} == {len(raw)}
    assert [one.offset for one in given] == list(range(0, len(raw), MAX_PART_BYTES))


@only_in_full
def test_an_order_ends_a_held_poll(joined: Joined) -> None:
    scene, fetching = joined.scene, joined.fetching()
    order = scene.camera.to_hold(scene.camera.record())
    joined.rest(fetching)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(fetching.look, docked=True, idle=True)
        wait_for(lambda: scene.station.ordering._polls._held, what="a held poll")
        scene.post(order)
        assert held.result(60)
    joined.link.close()
    assert [id for _, id in scene.camera.held] == [order.id]


def answered(joined: Joined, answer: Callable[[str], Reply]) -> None:
    """By this in place of the station."""

    def ask(method: str, path: str, content: object = None, query: str = "") -> Reply:
        joined.asked.append(query or path)
        return answer(method)

    joined.link.ask = ask  # type: ignore[method-assign]


def test_in_the_dock_a_poll_is_held_and_in_the_field_one_goes_now_and_then(alone: Joined) -> None:
    joined, fetching = alone, alone.fetching(megabytes=1)
    answered(joined, lambda _: Reply(204, {"orders-after": "7"}, b""))
    for _ in range(3):
        fetching.look(docked=True, idle=True)
    assert joined.asked == [f"after=0&wait={HELD_SECONDS}", "state", *[f"after=7&wait={HELD_SECONDS}"] * 2]
    assert joined.allowance.left_bytes(1e9) == MEGABYTE
    joined.asked.clear()
    joined.seconds += 800
    for _ in range(9):
        joined.seconds += FIELD_SECONDS / 3
        fetching.look(docked=False, idle=True)
    assert joined.asked == ["after=7&wait=0", "state", *["after=7&wait=0"] * 2]
    left = joined.allowance.left_bytes(1e9)
    assert left is not None
    assert MEGABYTE - 20_000 < left < MEGABYTE - 8000
    joined.allowance.take(left, 1e9)
    joined.seconds += FIELD_SECONDS
    fetching.look(docked=False, idle=True)
    assert len(joined.asked) == 6, "an order is brought also where the allowance is used up"


GOOD = hold().document.file_bytes


@only_in_full
def test_wrong_bytes_among_orders_hold_up_no_order_and_are_told_once(joined: Joined) -> None:
    scene, fetching = joined.scene, joined.fetching()
    order = scene.camera.to_hold(scene.camera.record())
    broken = [b"bodycam-order/1\n\xff\xff\n", b"bodycam-roster/1\n{}\n", b"bodycam-order/2\n{}\n"]
    ask = joined.link.ask
    body = b"".join([*broken, order.document.file_bytes])
    answered(joined, lambda _: Reply(200, {"orders-after": "4"}, body))
    with pytest.raises(StationError, match="cannot read 3 of the station's 4 documents"):
        fetching.look(docked=True, idle=True)
    assert [id for _, id in scene.camera.held] == [order.id]
    joined.link.ask = ask  # type: ignore[method-assign]
    joined.rest(fetching)
    assert joined.asked[1] == "GET orders after=4&wait=0", "behind them"


def test_a_list_without_an_end_ends_in_one_error(alone: Joined) -> None:
    """Also of what the recorder takes each time."""
    fetching, numbers = alone.fetching(), iter(range(1, 1000))
    answered(alone, lambda method: Reply(200 if method == "GET" else 204, {"orders-after": str(next(numbers))}, GOOD))
    alone.recorder.deliver = lambda document: Delivered(id="x", outcome="held", done=True)  # type: ignore[method-assign]
    for _ in range(MOST_IN_A_ROW):
        assert fetching.look(docked=True, idle=True)
    with pytest.raises(StationError, match="in a row"):
        fetching.look(docked=True, idle=True)
