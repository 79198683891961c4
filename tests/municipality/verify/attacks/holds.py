"""Attacks on what the ledger may say of holds and people, by who has the key in use: each format's bounds are kept by both verifiers."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.municipality.verify.attacks.attack import STORE, attack
from tests.municipality.verify.attacks.scene import INTACT, Scene, compact, sha256

HOLDS = "Holds, and what is said of people"
RAM = "the card and the memory: the key in use"
FILE = "the card: the key file of the next start"
OF: dict[str, Any] = {"recording": INTACT, "ground": "complaint", "by": "C-1", "hold": "0" * 12}
GOOD: dict[str, Any] = {**OF, "reference": "K-1", "review_on": "2030-01-01"}
OPENED: dict[str, Any] = {"recording": "000003-0009", "keep_from_us": 0, "warning": "none"}
RELEASE: dict[str, Any] = {**OF, "reason": "settled"}

for _title, _kind, _detail in (
    ("a hold without an id", "hold_added", {name: value for name, value in GOOD.items() if name != "hold"}),
    ("a hold with the id of an older one", "hold_added", {**GOOD, "hold": f"{INTACT}.complaint"}),
    ("a hold with a name and an address in its reference", "hold_added", {**GOOD, "reference": "J. Jansen, Dorpsstraat 12"}),
    ("a hold decided by a name", "hold_added", {**GOOD, "by": "Jansen"}),
    ("a hold for a ground that nobody knows", "hold_added", {**GOOD, "ground": "curiosity"}),
    ("a hold with an unknown field", "hold_added", {**GOOD, "name": "Jansen"}),
    ("the end of a hold without an id", "hold_released", {name: value for name, value in RELEASE.items() if name != "hold"}),
    ("the end of a hold with a story", "hold_released", {**RELEASE, "reason": "Jansen asked"}),
    ("a review without an id", "hold_review_due", {"recording": INTACT, "ground": "complaint", "review_on": "2030-01-01"}),
    ("a shift of a name", "shift_begin", {"officer": "Jan Jansen"}),
    ("a shift on the word of nobody known", "shift_begin", {"officer": "H-12", "caller": {"via": "rumour"}}),
    ("a recording on the word of a card", "recording_opened", {**OPENED, "caller": {"via": "card"}}),
    ("a hold on the word of a card", "hold_added", {**GOOD, "caller": {"via": "card"}}),
    ("a recording of a name", "recording_opened", {**OPENED, "officer": "Jan"}),
):

    @attack(HOLDS, f"state {_title}, signed with the key in use", where=STORE, holds=RAM)
    def _(scene: Scene, kind: str = _kind, detail: dict[str, Any] = _detail) -> None:
        scene.append_entry(3, scene.keys["ram"], kind, detail)


def _begin(scene: Scene, format: str, **more: str) -> None:
    """A start 4 of this format, by who holds the key file."""
    last = scene.lines(3)[-1]
    own, begins = scene.keys["own"], scene.keys["file"]
    detail = json.loads(scene.lines(3)[0][89:])["detail"] | {"format": format, **more}
    detail |= {"public_key": begins.public.raw.hex(), "next_public_key": own.public.raw.hex(), "ram_public_key": own.public.raw.hex()}
    entry = json.loads(last[89:]) | {"n": 1, "type": "start", "detail": detail, "key": begins.public.id, "prev": sha256(last), "start": 4}
    text = compact(entry)
    scene.ledger(4).write_bytes(base64.b64encode(begins.sign(text)) + b" " + text + b"\n")


@attack(HOLDS, "begin a start of the older format and state a hold with an id in it", where=STORE, holds=FILE)
def _(scene: Scene) -> None:
    _begin(scene, "bodycam-ledger/1")
    scene.append_entry(4, scene.keys["own"], "hold_added", GOOD)


@attack(HOLDS, "begin a start of a format that nobody knows", where=STORE, holds=FILE)
def _(scene: Scene) -> None:
    _begin(scene, "bodycam-ledger/3")


@attack(HOLDS, "begin a start of the older format that names a bundle", where=STORE, holds=FILE)
def _(scene: Scene) -> None:
    _begin(scene, "bodycam-ledger/1", bundle="ab" * 32)


@attack(HOLDS, "begin a start that names a bundle which is no hash", where=STORE, holds=FILE)
def _(scene: Scene) -> None:
    _begin(scene, "bodycam-ledger/2", bundle="0.2.0")
