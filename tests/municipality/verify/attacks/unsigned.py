"""Attacks on the ledger by whoever has the card and no key: unsigned bytes, where a reader could stumble over them or believe them."""

from __future__ import annotations

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.keys import SigningKey
from tests.municipality.verify.attacks.attack import STORE, attack
from tests.municipality.verify.attacks.ledgers import LEDGER
from tests.municipality.verify.attacks.scene import INTACT, Scene, ticking_clock


@attack(LEDGER, "leave an empty file of a start far ahead", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    scene.ledger(999_999).write_bytes(b"")


@attack(LEDGER, "leave unsigned entries in a file of a start far ahead", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    scene.ledger(999_999).write_bytes(scene.ledger(2).read_bytes()[100:])


@attack(LEDGER, "add megabytes without a line end", where=STORE)
def _(scene: Scene) -> None:
    with scene.ledger(3).open("ab") as file:
        file.write(b"x" * 3_000_000)


@attack(LEDGER, "add megabytes without a line end, and let the camera start", where=STORE)
def _(scene: Scene) -> None:
    with scene.ledger(3).open("ab") as file:
        file.write(b"x" * 3_000_000)
    Store.open(
        scene.store, signing=scene.root / "keys", device_id="cam-7", clock=ticking_clock(), config_sha256="0" * 64, boot_id="boot-1"
    ).close()


@attack(LEDGER, "add an entry with a made-up signature", where=STORE)
def _(scene: Scene) -> None:
    scene.append_entry(3, SigningKey.generate(), "hold_released", {"recording": INTACT, "ground": "complaint", "reason": "r", "by": "b"})
