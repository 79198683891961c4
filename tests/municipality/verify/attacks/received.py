"""Attacks on receipts by who has the key in use: he states what no station said of these bytes."""

from __future__ import annotations

import base64
from typing import Any

from msgspec.structs import replace

from bodycamd.evidence import receipts
from bodycamd.evidence.receipts import Receipt, SignedReceipt
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.rostering import key
from tests.municipality.verify.attacks.attack import attack
from tests.municipality.verify.attacks.ordered_entries import state
from tests.municipality.verify.attacks.scene import INTACT, SECOND_INTACT, Scene, sha256

RECEIPTS = "Receipts"
RAM = "the card and the memory: the key in use"


def receipt(scene: Scene, recording: str = INTACT, **changes: Any) -> SignedReceipt:
    """As a station gives it for the first segment of a recording."""
    content = scene.segment(recording).read_bytes()
    made = Receipt(
        station="station-1",
        device="cam-7",
        n=1,
        prev=ZERO_HASH,
        head="1" * 64,
        stored_at="2025-06-15T08:00:00.000000Z",
        kept_until="2026-04-07T08:00:00.000000Z",
        audit_head="0" * 64,
        recording=recording,
        segment=0,
        sha256=sha256(content),
        size=len(content),
    )
    return receipts.sign(replace(made, **changes), key("station-1"))


def state_receipt(scene: Scene, signed: SignedReceipt, recording: str = INTACT, **changes: Any) -> None:
    """As the camera states it, or otherwise."""
    document = base64.b64encode(signed.document.file_bytes).decode()
    fields = {"receipt": signed.id, "document": document, "roster_sha256": "0" * 64, "recording": recording, "segment": 0}
    state(scene, "uploaded", {**fields, **changes})


def good_receipts(scene: Scene) -> None:
    """What the camera writes when all is as it should be, and an entry of this name that is something else."""
    state_receipt(scene, receipt(scene))
    state_receipt(scene, receipt(scene, SECOND_INTACT), SECOND_INTACT)
    state(scene, "uploaded", {"recording": INTACT, "to": "a stick"})


@attack(RECEIPTS, "state a station's receipt for other bytes", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    state_receipt(scene, receipt(scene, sha256="ab" * 32))


@attack(RECEIPTS, "state a receipt for a longer file", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    state_receipt(scene, receipt(scene, size=scene.segment().stat().st_size + 1))


@attack(RECEIPTS, "state the receipt of another recording", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    state_receipt(scene, receipt(scene, SECOND_INTACT))


@attack(RECEIPTS, "alter a receipt that is stated under its own id", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    of_another = receipt(scene, SECOND_INTACT)
    altered = of_another.document.file_bytes.replace(SECOND_INTACT.encode(), INTACT.encode())
    state_receipt(scene, of_another, document=base64.b64encode(altered).decode())


@attack(RECEIPTS, "state a receipt for a segment that there was not", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    state_receipt(scene, receipt(scene, segment=7), segment=7)


@attack(RECEIPTS, "state what is no receipt as one", where=INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    state_receipt(scene, receipt(scene), document=base64.b64encode(b"stored, honestly").decode())
