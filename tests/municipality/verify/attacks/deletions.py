"""What the camera states and its own entries contradict, deletions above all: a changed software, or a thief with the key in use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any

from tests.kit.fragments import SECOND
from tests.municipality.verify.attacks.attack import STORE, attack
from tests.municipality.verify.attacks.scene import CUT, DAY, INTACT, OPEN, PROVEN, SECOND_INTACT, Scene, sha256

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


def drop_first_start(scene: Scene, wall: str = "") -> None:
    """As retention does it: behind a checkpoint, stated with the key in use."""
    first, second = scene.lines(1)[0] + b"\n", scene.lines(2)
    path = scene.store / "ledger" / "checkpoint-000002.jsonl"
    path.write_bytes(first)
    detail = {"first_kept": 2, "file": path.name, "sha256": sha256(first), "lines": 1, "head": json.loads(second[0][89:])["prev"]}
    detail |= {"next_key": json.loads(first[89:])["detail"]["next_public_key"], "entries": len(scene.lines(1))}
    state(scene, "ledger_shortened", detail, wall)
    scene.ledger(1).unlink()


@attack(WRONG, "drop old ledger files before their months have passed", where=STORE, verdict="contradictory", holds=CAMERA)
def _(scene: Scene) -> None:
    for recording in (INTACT, CUT):
        delete(scene, recording, **RIGHT)
    drop_first_start(scene)


# --- recordings -------------------------------------------------------------------------------------------------------------------------

OWN = "What the camera says of a recording, and contradicts"
NEW = "000003-0003"
OPENED: dict[str, Any] = {"recording": NEW, "keep_from_us": 0, "warning": "none"}


def finish(scene: Scene, **lies: Any) -> None:
    """Seal the segment that is open and close its recording, as the camera would, but for the lies."""
    growing = scene.segment(OPEN)
    triples = scene.triples(growing)
    path = growing.with_name("000000.tar")
    scene.write_triples(path, triples, end=True)
    growing.unlink()
    content, last = path.read_bytes(), triples[-1][1]
    sealed = {"recording": OPEN, "segment": 0, "file": path.name, "last": sha256(last), "sha256": sha256(content)}
    state(scene, "segment_sealed", {**sealed, "size": len(content), "fragments": len(triples) - 1})
    first, final = json.loads(triples[1][1]), json.loads(last)
    end_us = final["pts_us"] + final["duration_us"]
    closed = {"recording": OPEN, "reason": "officer", "segments": 1, "end_us": end_us, "duration_us": end_us - first["pts_us"]}
    state(scene, "recording_closed", {**closed, **lies})


@attack(OWN, "close a recording, and state an end before its last frame", where=OPEN, verdict="contradictory", holds=CAMERA)
def _(scene: Scene) -> None:
    finish(scene, end_us=1)


@attack(OWN, "close a recording, and state that it lasted an hour", where=OPEN, verdict="contradictory", holds=CAMERA)
def _(scene: Scene) -> None:
    finish(scene, duration_us=3600 * SECOND)


@attack(OWN, "close a recording with a segment more than there is", where=OPEN, holds=CAMERA)
def _(scene: Scene) -> None:
    finish(scene, segments=2)


@attack(OWN, "close a recording with a segment less than is sealed", where=OPEN, verdict="contradictory", holds=CAMERA)
def _(scene: Scene) -> None:
    finish(scene, segments=0)


@attack(OWN, "go on, with no warning, with a recording that never was", where=NEW, verdict="contradictory", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "recording_opened", {**OPENED, "resumes": "000003-0009"})


@attack(OWN, "state two outcomes of one warning", where=NEW, verdict="contradictory", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "recording_opened", {**OPENED, "warning": "failed"})
    state(scene, "warning", {"recording": NEW, "outcome": "played_to_device", "file_sha256": "", "pressed_us": 1, "ended_us": 2})


@attack(OWN, "record in the shift of an officer that did not begin", where=NEW, verdict="contradictory", holds=CAMERA)
def _(scene: Scene) -> None:
    state(scene, "recording_opened", {**OPENED, "officer": "H-99"})
