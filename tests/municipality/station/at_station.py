"""A station, a camera with a roster that sends to it, and a person at a desk: what is between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.orders import SignedOrder
from bodycamd.municipality.station.order_routes import NEXT_HEADER
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.evidence.ordering import HOLD, ordered
from tests.evidence.rostering import NOW_US
from tests.municipality.station.sending import CameraLink

if TYPE_CHECKING:
    from tests.municipality.station.conftest import Station

NOW = NOW_US // 1_000_000
UPLINK_KEY = Ed25519PrivateKey.generate()


def private(signing: SigningKey) -> Ed25519PrivateKey:
    return signing._private


def hold(nonce: int = 0, **changes: object) -> SignedOrder:
    return ordered(msgspec.structs.replace(HOLD, nonce=f"{nonce:032x}", **changes))


@dataclass
class Scene:
    """A station, a camera with a roster that sends to it, and a person at a desk."""

    station: Station
    camera: OrderedCamera
    link: CameraLink
    desk: CameraLink

    def post(self, order: SignedOrder) -> httpx.Response:
        return self.desk.put("POST", "/v1/orders", order.document.file_bytes)

    def poll(self, after: int = 0, wait: int = 0) -> tuple[list[bytes], int]:
        return poll(self.link, after, wait)

    def states(self) -> list[tuple[str, str, bool, str]]:
        """Of each order at the camera: how far its way has come, and what the ledger says."""
        told = {(False, False): "waiting", (True, False): "sent", (True, True): "seen"}
        found = self.station.orders.index.deliveries()
        return [(one.order.id, told[one.sent_us is not None, one.seen_us is not None], one.done, one.outcome) for one in found]

    def again(self) -> None:
        """The station ends and starts."""
        self.station.close()
        self.station.open()
        self.link.client = self.desk.client = self.station.client


def poll(link: CameraLink, after: int = 0, wait: int = 0) -> tuple[list[bytes], int]:
    answer = link.ask("GET", f"orders?after={after}&wait={wait}")
    assert answer.status_code in (200, 204), answer.text
    assert (answer.status_code == 204) == (answer.content == b"")
    return documents(answer.content), int(answer.headers[NEXT_HEADER])


def documents(body: bytes) -> list[bytes]:
    """One behind the other: each begins with its type, and no other line of one does."""
    found: list[bytes] = []
    for line in body.splitlines(keepends=True):
        if line.startswith(b"bodycam-"):
            found.append(b"")
        found[-1] += line
    return found


def only_orders(found: list[bytes]) -> list[bytes]:
    return [one for one in found if one.startswith(b"bodycam-order/1")]
