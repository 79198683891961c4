"""Deletions that the camera states and its own entries contradict: a changed software, or a thief with the key in use."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from tests.casework.attacks.attack import attack
from tests.casework.attacks.scene import DAY, INTACT, OPEN, PROVEN, SECOND_INTACT, Scene
from tests.recorder.footage import SECOND

WRONG = "Deletions that the camera's own entries contradict"
CAMERA = "the camera itself: its software was changed, or the key in use was stolen"
OF = {"recording": INTACT, "ground": "complaint", "by": "coordinator"}
HOLD = {**OF, "hold": "0" * 12, "reference": "K-2025-1", "review_on": "2026-01-01"}
AGED: dict[str, Any] = {"days": 28, "age_seconds": 29 * DAY // SECOND}
RIGHT: dict[str, Any] = {"reason": "28 days have passed", **PROVEN}


def state(scene: Scene, kind: str, detail: Mapping[str, Any], wall: str = "") -> None:
    """An entry more, signed with the key in use; `wall` moves its day."""

    def moved(raw: bytes) -> bytes:
        return raw.replace(b'"wall":"2025-06-15', b'"wall":"' + wall.encode(), 1) if wall else raw

    scene.append_entry(3, scene.keys["ram"], kind, dict(detail), moved)


def delete(scene: Scene, recording: str, wall: str = "", /, **detail: Any) -> None:
    shutil.rmtree(scene.folder(recording), ignore_errors=True)
    state(scene, "deleting", {"recording": recording, "reason": "28 days have passed", **detail}, wall)
    state(scene, "deleted", {"recording": recording}, wall)


@attack(WRONG, "delete a recording that is held", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "hold_added", HOLD)
    delete(scene, INTACT, **RIGHT)


@attack(WRONG, "release one of two holds and delete", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "hold_added", HOLD)
    state(scene, "hold_added", {**HOLD, "hold": "1" * 12})
    state(scene, "hold_released", {**OF, "hold": HOLD["hold"], "reason": "settled"})
    delete(scene, INTACT, **RIGHT)


@attack(WRONG, "hold a recording whose deletion has begun, and delete it", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.folder(INTACT))
    state(scene, "deleting", {"recording": INTACT, **RIGHT})
    state(scene, "hold_added", HOLD)
    state(scene, "deleted", {"recording": INTACT})


@attack(WRONG, "delete with no proof that the days have passed", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, INTACT)


@attack(WRONG, "delete for want of room", where=SECOND_INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, SECOND_INTACT, reason="the disk is full")


@attack(WRONG, "state a running time that the camera did not run", where=SECOND_INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, SECOND_INTACT, proof="running_time", **AGED)


@attack(WRONG, "state an age that the confirmed clocks contradict", where=SECOND_INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, SECOND_INTACT, proof="wall_clock", **AGED)


@attack(WRONG, "set the clock ahead by 35 days, call it confirmed, and delete", where=SECOND_INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "time", {"trusted": True, "confirmed": True}, "2025-07-20")
    delete(scene, SECOND_INTACT, "2025-07-20", proof="wall_clock", **AGED)


@attack(WRONG, "rely on a clock that was not confirmed", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "time", {"trusted": False, "confirmed": False})
    delete(scene, INTACT, **RIGHT)


@attack(WRONG, "delete after fewer days than the rules in force say", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, INTACT, **{**RIGHT, "days": 14})


@attack(WRONG, "make the term a day, and delete after minutes", where=SECOND_INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "retention_rules", {"days": 1, "keep_months": 1})
    delete(scene, SECOND_INTACT, proof="running_time", days=1, age_seconds=DAY // SECOND)


@attack(WRONG, "state an age of 400 days after 40", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, INTACT, **{**RIGHT, "age_seconds": 400 * DAY // SECOND})


@attack(WRONG, "state an end that is a year too early", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, INTACT, **{**RIGHT, "ended_before": "2024-05-06T12:00:00.000000Z"})


@attack(WRONG, "delete a recording that has not ended", where=OPEN, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, OPEN, **RIGHT)


@attack(WRONG, "delete a recording that no entry speaks of", where="000002-0007", verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    delete(scene, "000002-0007", **RIGHT)


@attack(WRONG, "begin a deletion with no proof, and leave it at that", where=INTACT, verdict="against_rules", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "deleting", {"recording": INTACT, "reason": "28 days have passed"})
