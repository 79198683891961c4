"""Deletions that make room, by who has the key in use: of what the station has not got, has not promised to keep, or has not shown."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Callable
from typing import Any

from bodycamd.evidence import answers
from bodycamd.evidence.answers import CopyAnswer
from tests.evidence.rostering import key
from tests.municipality.verify.attacks.attack import attack
from tests.municipality.verify.attacks.deletions import CAMERA, HOLD, state
from tests.municipality.verify.attacks.received import receipt, state_receipt
from tests.municipality.verify.attacks.scene import SECOND_INTACT, Scene, sha256

ROOM = "Deletions that make room"
KEPT = "2025-08-01T12:00:00.000000Z"
DELETED: dict[str, Any] = {"reason": "room", "days": 28, "proof": "receipt", "age_seconds": 0}


def line_of(scene: Scene, kind: str, recording: str = SECOND_INTACT) -> str:
    """The SHA-256 of a recording's line of this type."""
    lines = [line for start in (1, 2, 3) for line in scene.lines(start)]
    return next(sha256(line) for line in lines if f'"{kind}"'.encode() in line and recording.encode() in line)


def received(scene: Scene, recording: str = SECOND_INTACT, head: str = "", **changes: Any) -> None:
    """A receipt for each segment, up to the newest line."""
    for number, file in enumerate(sorted(scene.folder(recording).iterdir())):
        content = file.read_bytes()
        words = {"segment": number, "sha256": sha256(content), "size": len(content), "kept_until": KEPT, **changes}
        signed = receipt(scene, recording, head=head or sha256(scene.lines(3)[-1]), **words)
        state_receipt(scene, signed, recording, segment=number)


def shown(scene: Scene, recording: str = SECOND_INTACT, **changes: Any) -> None:
    """An answer for each segment."""
    for number, file in enumerate(sorted(scene.folder(recording).iterdir())):
        made = CopyAnswer(
            station="station-1",
            device="cam-7",
            recording=recording,
            segment=number,
            nonce="ab" * 32,
            sha256=hashlib.sha256(b"\xab" * 32 + file.read_bytes()).hexdigest(),
            answered_at="2025-06-15T12:00:00.000000Z",
        )
        signed = answers.sign(made, key("station-1"))
        document = base64.b64encode(signed.document.file_bytes).decode()
        fields = {"answer": signed.id, "document": document, "roster_sha256": "0" * 64, "recording": recording, "segment": number}
        state(scene, "copy_shown", {**fields, **changes})


def made_room(scene: Scene, recording: str = SECOND_INTACT, **changes: Any) -> None:
    """The deletion."""
    segments = len(list(scene.folder(recording).iterdir()))
    shutil.rmtree(scene.folder(recording))
    state(scene, "deleting", {"recording": recording, **DELETED, "segments": segments, **changes})
    state(scene, "deleted", {"recording": recording})


def rightly(scene: Scene) -> None:
    """As it should be."""
    received(scene)
    shown(scene)
    made_room(scene)


def wrong(how: str) -> Callable[[Callable[[Scene], object]], Callable[[Scene], object]]:
    return attack(ROOM, how, where=SECOND_INTACT, verdict="against_rules", holds=CAMERA)


@wrong("make room of what the station has not got")
def _(scene: Scene) -> None:
    shown(scene)
    made_room(scene)


@wrong("make room of what the station has shown to nobody")
def _(scene: Scene) -> None:
    received(scene)
    made_room(scene)


@wrong("make room of what the station keeps for a day only")
def _(scene: Scene) -> None:
    received(scene, kept_until="2025-06-16T12:00:00.000000Z")
    shown(scene)
    made_room(scene)


@wrong("make room while the station's ledger ends before the recording does")
def _(scene: Scene) -> None:
    received(scene, head=line_of(scene, "recording_opened"))
    shown(scene)
    made_room(scene)


@wrong("make room with a receipt whose head is a line of no ledger")
def _(scene: Scene) -> None:
    received(scene, head="9" * 64)
    shown(scene)
    made_room(scene)


@wrong("make room of what is held")
def _(scene: Scene) -> None:
    state(scene, "hold_added", {**HOLD, "recording": SECOND_INTACT})
    rightly(scene)


@wrong("make room with the answer for another recording")
def _(scene: Scene) -> None:
    received(scene)
    shown(scene, recording=SECOND_INTACT, segment=7)
    made_room(scene)


@wrong("make room of more files than the station has")
def _(scene: Scene) -> None:
    received(scene)
    shown(scene)
    made_room(scene, segments=9)


@wrong("make room after fewer days than the rules in force say")
def _(scene: Scene) -> None:
    received(scene)
    shown(scene)
    made_room(scene, days=1)


@wrong("make room, and state an end that is a year too early")
def _(scene: Scene) -> None:
    received(scene)
    shown(scene)
    made_room(scene, ended_before="2024-05-06T12:00:00.000000Z")
