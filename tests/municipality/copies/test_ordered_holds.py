"""A copy of footage that was held by order goes only after an order that two people signed has released it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.evidence.keys import PublicKey
from bodycamd.municipality.copies.prune import plan
from tests.kit.scale import one_in
from tests.municipality.verify.attacks import ordered_entries as ordered
from tests.municipality.verify.attacks.scene import INTACT, PROVEN, Scene, make


@one_in(3)
@pytest.mark.parametrize("release", ["by order", "without an order", "none"])
def test_a_copy_goes_after_the_order_to_release_it(tmp_path: Path, release: str) -> None:
    scene = make(tmp_path / "camera")
    if release == "by order":
        ordered.good_orders(scene)
    else:
        id = ordered.state_order(scene, ordered.signed(scene, ordered.to_hold()))
        ordered.hold(scene, id)
        if release == "without an order":
            ordered.release(scene, id)
    ordered.state(scene, "deleting", {"recording": INTACT, "reason": "28 days have passed", **PROVEN})
    due, why = _due(scene)
    assert due is (release == "by order")
    said = {"by order": "", "without an order": "no good order before it says so", "none": "held by the camera's ledger"}
    assert said[release] in why


def _due(scene: Scene) -> tuple[bool, str]:
    (scene.store / ".lock").unlink(missing_ok=True)
    found = plan(scene.store, PublicKey.from_pem(scene.device_pem), scene.people, 1_800_000_000_000_000)
    why = [staying.why for staying in found.held if staying.recording == INTACT]
    return INTACT in [due.recording for due in found.due], "".join(why)
