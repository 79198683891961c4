"""Orders on their way to cameras. Nothing here knows of HTTP.

    taken   signed by all whom it names, and for cameras of the roster in force → a number in the index, the bytes in the storage
    given   to a camera that asks for what follows a number, until its ledger states `order_done`
    done    when that ledger, which the camera's signing keys signed, has come

The station is a courier: whether an order is carried out is the camera's to decide, and who may order what. What it refuses here no camera
would take either. What a camera would accept of holds and releases counts for the station's own copies at once (`term`): a hold keeps them
also where the camera cannot be reached, or has deleted the recording. An order is kept once, whoever brings it how often; what was taken is
durable and is given until it is done or has ended, over any start of the station. A new roster of the station goes to the cameras the same
way, before the orders.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from bodycamd.errors import DataError
from bodycamd.evidence import orders as orders_format
from bodycamd.evidence import strict_json
from bodycamd.evidence import suspension as suspensions_format
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.order_acceptance import AHEAD_US, Here, judge_content
from bodycamd.evidence.orders import Answer, EndForward, Hold, Release, SignedOrder
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import Count, Stated, wall_us
from bodycamd.evidence.suspension import MAX_SUSPENSION_BYTES, SUSPEND_TYPE, SignedSuspension, Standing, standing
from bodycamd.evidence.suspension import judge as judge_suspension
from bodycamd.municipality.station.cameras import Sender
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.order_index import Document, Look, OrderIndex
from bodycamd.municipality.station.storage import Storage

MAX_ORDERS: Final = 16
"""In one answer, besides a roster."""
MAX_STATE_BYTES: Final = 4096
MAX_TERM_DAYS: Final = 28
MAX_TAKEN_BYTES: Final = 2 * MAX_SUSPENSION_BYTES
"""Of an order or a suspension that somebody brings."""


class CameraState(Stated, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What a camera's uplink says of the camera now. `waiting_bytes`: sealed and not sent yet; `free_bytes`: room that is left."""

    battery_percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    external_power: bool | None = None
    free_bytes: Count | None = None
    waiting_bytes: Count | None = None


class Taken(Struct, frozen=True):
    """An order, or a suspension, that the station has, and whether it is new. `cameras` are those that it is for: of a suspension all."""

    id: str
    new: bool
    cameras: tuple[str, ...]


_states: msgspec.json.Decoder[CameraState] = msgspec.json.Decoder(CameraState)


class Orders:
    """The orders of a station. Safe for several threads."""

    def __init__(self, storage: Storage, index: Index, *, now_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        """Raises `StorageError`."""
        self._storage, self._index, self._now_us = storage, index, now_us
        self.index = OrderIndex(index.database)
        self.help = HelpIndex(index.database)
        self._offered: SignedRoster | None = None
        self._standing: tuple[SignedRoster, int, Standing] | None = None
        """Under this roster, and the suspensions until this number."""
        self._not_suspended: tuple[Mapping[str, Sender], Standing, Mapping[str, Sender]] | None = None
        """Of these cameras, under this standing, those that may send."""
        self._lock = threading.Lock()
        self._keep()

    def take(self, raw: bytes, in_force: SignedRoster, brought: str) -> Taken:
        """Keep an order for the cameras that it is for, or a suspension, for all of them; `brought` says by whom, in the log. Raises
        `DataError` for what no camera with this roster would take to be signed, or for a camera that the roster does not list;
        `StorageError`.
        """
        if raw.startswith(SUSPEND_TYPE.encode()):
            return self._take_suspension(raw, in_force, brought)
        signed = orders_format.decode(raw, "the order")
        check_signed(signed, in_force)
        order = signed.order
        told = f"{order.kind} by {' and '.join(order.people)} for {len(order.cameras)} cameras, brought {brought}"
        new = self.index.add_order(signed, told, self._now_us(), self._counts(signed, in_force))
        self._keep()
        if isinstance(order.body, Answer):
            for device in self._accepting(signed, in_force):
                self.help.answer(order.body.call, device, signed, self._now_us())
        return Taken(signed.id, new, order.cameras)

    def _take_suspension(self, raw: bytes, in_force: SignedRoster, brought: str) -> Taken:
        signed = suspensions_format.decode(raw, "the suspension")
        outcome = judge_suspension(signed, in_force)
        if outcome != "accepted":
            raise DataError(f"the suspension: {outcome.replace('_', ' ')}")
        self.offer_roster(in_force)  # it is taken from that one: cameras get that first
        said = signed.suspension
        told = f"suspension by {said.by} of {len(said.cameras)} cameras and {len(said.people)} people, brought {brought}"
        ends_us = wall_us(in_force.roster.not_after, "not_after")
        new = self.index.add_suspension(signed, told, self._now_us(), ends_us)
        self._keep()
        return Taken(signed.document.sha256, new, tuple(camera.id for camera in in_force.roster.cameras))

    def suspended(self, in_force: SignedRoster) -> list[SignedSuspension]:
        """What is taken from this roster. Raises `StorageError`."""
        found = [suspensions_format.decode(raw, "a suspension") for raw in self.index.suspensions()]
        return [one for one in found if judge_suspension(one, in_force) == "accepted"]

    def not_suspended(self, senders: Mapping[str, Sender], in_force: SignedRoster) -> Mapping[str, Sender]:
        """Of these cameras those that no suspension shuts out, by the ids of their keys. Raises `StorageError`."""
        counts = self.standing(in_force)
        known = self._not_suspended
        if known is None or known[0] is not senders or known[1] is not counts:
            found = {key: sender for key, sender in senders.items() if sender.device in counts.cameras}
            self._not_suspended = known = senders, counts, found
        return known[2]

    def standing(self, in_force: SignedRoster) -> Standing:
        """Whose word counts under this roster, here as on a camera that has the same suspensions. Raises `StorageError`."""
        last = self.index.last_document()  # first: what is added meanwhile has a higher number, and is looked for the next time
        known = self._standing
        if known is None or known[0] is not in_force or known[1] != last:
            self._standing = known = in_force, last, standing(in_force, self.suspended(in_force))
        return known[2]

    def _counts(self, signed: SignedOrder, in_force: SignedRoster) -> list[str]:
        """The cameras whose copies here an order to hold, to release or to forward no more is for: those that would accept it by this
        roster."""
        return self._accepting(signed, in_force) if isinstance(signed.order.body, Hold | Release | EndForward) else []

    def _accepting(self, signed: SignedOrder, in_force: SignedRoster) -> list[str]:
        """The cameras that would accept it by this roster."""
        now, taken = Now(self._now_us(), trusted=True), self.suspended(in_force)
        return [
            device
            for device in signed.order.cameras
            if judge_content(signed.order, in_force, Here(device, MAX_TERM_DAYS), now, suspensions=taken).accepted
        ]

    def offer_roster(self, in_force: SignedRoster) -> None:
        """Have the cameras get this roster. Raises `StorageError`."""
        if in_force is self._offered:
            return
        self.index.add_roster(in_force, self._now_us())
        self._keep()
        self._offered = in_force

    def waiting_for(self, device: str, after: int) -> tuple[list[Document], int]:
        """What the camera is to get behind number `after`, the roster first, and the number behind which it asks next. Behind a number that
        the station has not given yet, all of it."""
        return _given(self.index.look_for(device, after, MAX_ORDERS, self._now_us(), AHEAD_US))

    def asked(self, device: str, after: int) -> tuple[list[Document], int]:
        """The same for a camera that asks now, and so has what was sent until there: that is written down."""
        now_us = self._now_us()
        look = self.index.look_for(device, after, MAX_ORDERS, now_us, AHEAD_US)
        if not look.present:
            self.index.is_present(device, now_us)
        if look.unseen:
            self.index.are_seen(device, after, now_us)
        return _given(look)

    def sent(self, device: str, given: list[Document]) -> None:
        """These go to the camera now."""
        self.index.are_sent(device, [document.n for document in given], self._now_us())

    def state(self, device: str, raw: bytes) -> None:
        """What a camera says of itself. Raises `DataError`, `StorageError`."""
        said = strict_json.decode(raw, _states, "the state", MAX_STATE_BYTES)
        self.index.is_present(device, self._now_us(), strict_json.encode(said, "the state"))

    def _keep(self) -> None:
        """Have the storage keep what it has not got yet, whoever added it, the oldest first: cameras get none before."""
        with self._lock:
            for document in self.index.not_kept():
                keep_log(self._index, self._storage)
                self._storage.put_document(document.n, document.file_bytes)
                self.index.is_kept(document.n)


def _given(look: Look) -> tuple[list[Document], int]:
    until = max([look.after, *(document.n for document in look.orders)])
    if look.roster is not None and len(look.orders) < MAX_ORDERS:
        until = max(until, look.roster.n)
    return [*([look.roster] if look.roster is not None else ()), *look.orders], until


def check_signed(signed: SignedOrder, in_force: SignedRoster) -> None:
    """Raises `DataError` unless all whom the order names signed it, and the roster lists them and its cameras."""
    for name in signed.order.people:
        person = in_force.roster.person(name)
        if person is None:
            raise DataError(f"{name} is not in the roster in force")
        key = PublicKey.from_hex(person.key)
        if key.id not in signed.document.signers([key]):
            raise DataError(f"{name} has not signed it")
    for device in signed.order.cameras:
        if in_force.roster.camera(device) is None:
            raise DataError(f"{device} is not in the roster in force")
