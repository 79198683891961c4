"""Orders to begin from, for the municipality of `rostering`."""

from __future__ import annotations

from msgspec.structs import replace

from bodycamd.evidence import orders
from bodycamd.evidence.order_acceptance import Here
from bodycamd.evidence.orders import (
    Answer,
    Configuration,
    EndForward,
    Forward,
    Hold,
    Interval,
    Order,
    Release,
    RosterNumber,
    ShiftChange,
    SignedOrder,
    StandingForward,
    Update,
)
from tests.evidence.rostering import FIRST, key, person, recipient, signed

HERE = Here("HV-01", 28)
IN_FORCE = signed(
    replace(
        FIRST,
        people=(
            *FIRST.people,
            person("T-01", "technician"),
            person("EP-1", "evidence", "privacy"),
            person("E-03", "evidence", teams=["inspectie"]),
            person("E-04", "evidence", state="suspended"),
        ),
    )
)
HOLD = Order(
    municipality="alphen-aan-den-rijn",
    cameras=("HV-01",),
    body=Hold(ground="complaint", reference="Z-2026/00123", review_on="2026-09-01", recording="000042-0001"),
    person="E-01",
    roster=RosterNumber(root=1, version=7),
    made_at="2026-03-09T12:00:00.000000Z",
    nonce="0123456789abcdef0123456789abcdef",
)
INTERVAL = replace(
    HOLD,
    cameras=("HV-01", "IN-01"),
    body=Hold(
        ground="criminal-investigation",
        reference="PL-2026/7",
        review_on="2026-09-01",
        interval=Interval(since="2026-03-08T20:00:00.000000Z", until="2026-03-08T22:30:00.000000Z"),
    ),
)
RELEASE = replace(
    HOLD,
    body=Release(holds=("ab" * 32, "0123456789ab"), reason="settled"),
    second="P-01",
    not_after="2026-03-16T12:00:00.000000Z",
)
SHIFT = replace(HOLD, body=ShiftChange(change="begin", officer="H-12"), person="C-01", not_after="2026-03-10T12:00:00.000000Z")
SETTINGS = replace(
    HOLD,
    body=Configuration(base="cd" * 32, changes={"gestures.hold_seconds": 2.5}),
    person="T-01",
    not_after="2026-03-16T12:00:00.000000Z",
)
UPDATE = replace(HOLD, body=Update(bundle="ef" * 32), person="T-01", not_after="2026-03-16T12:00:00.000000Z")
ANSWER = replace(SHIFT, body=Answer(call="12" * 32))
FORWARD = replace(
    HOLD,
    body=Forward(recording="000042-0001", receiver="meldkamer", ground="criminal-investigation", reference="Z-2026/00123"),
    not_after="2026-03-16T12:00:00.000000Z",
)
STANDING = replace(
    HOLD,
    cameras=("HV-01", "IN-01"),
    body=StandingForward(receiver="meldkamer", recipient=recipient("meldkamer"), ground="criminal-investigation", reference="Z-2026/00123"),
    not_after="2026-06-07T12:00:00.000000Z",
)
END_FORWARD = replace(HOLD, body=EndForward(order="34" * 32), person="P-01", not_after="2026-03-16T12:00:00.000000Z")
ALL = {
    "hold": HOLD,
    "interval": INTERVAL,
    "release": RELEASE,
    "shift": SHIFT,
    "configuration": SETTINGS,
    "update": UPDATE,
    "answer": ANSWER,
    "forward": FORWARD,
    "standing": STANDING,
    "end": END_FORWARD,
}


def ordered(order: Order, *names: str) -> SignedOrder:
    """Signed with the keys of these people, by default those that the order names."""
    return orders.sign(order, [key(name) for name in names or order.people])
