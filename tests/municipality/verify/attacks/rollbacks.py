"""Rolling a store back to what it was, which only an anchor shows, and forging the anchor."""

from __future__ import annotations

import base64
import json
import shutil

from tests.municipality.verify.attacks.attack import STORE, attack
from tests.municipality.verify.attacks.ledgers import FILE, RAM, SPENT, chain_on, edit, next_start, sign_line
from tests.municipality.verify.attacks.scene import NEWEST_SEALED, OPEN, Scene, compact, resign

ANCHOR = "What only an anchor shows"


@attack(ANCHOR, "put an older copy of the whole store back", where=STORE, holds="an older copy", anchor="earlier", anchor_only=True)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.store)
    shutil.copytree(scene.root / "backup", scene.store)


@attack(ANCHOR, "cut the newest entries off, with the recording they open", where=STORE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.folder(OPEN))
    edit(scene, 3, lambda lines: lines.__delitem__(slice(scene.find_line(3, "recording_opened", 1), None)))


@attack(ANCHOR, "cut the newest start off, with its recordings", where=STORE, anchor="earlier", anchor_only=True)
def _(scene: Scene) -> None:
    scene.ledger(3).unlink()
    for recording in (NEWEST_SEALED, OPEN):
        shutil.rmtree(scene.folder(recording))


@attack(ANCHOR, "cut the last line of the ledger in half, as a power cut would", where=STORE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    path = scene.ledger(3)
    path.write_bytes(path.read_bytes()[:-100])


@attack(ANCHOR, "cut whole fragments off the open segment", where=STORE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(OPEN), lambda triples: triples.__delitem__(slice(3, None)))


@attack(ANCHOR, "cut the open segment inside a fragment", where=STORE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    path = scene.segment(OPEN)
    path.write_bytes(path.read_bytes()[:-700])


@attack(ANCHOR, "overwrite the end of the open segment with zeros", where=STORE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    path = scene.segment(OPEN)
    content = path.read_bytes()
    path.write_bytes(content[:-4096] + bytes(4096))


@attack(ANCHOR, "delete the open segment", where=STORE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    scene.segment(OPEN).unlink()


@attack(ANCHOR, "delete the open recording's folder", where=STORE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.folder(OPEN))


@attack(ANCHOR, "edit the open segment and sign it anew", where=STORE, holds=RAM, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(OPEN), lambda triples: resign(triples, 2, scene.keys["ram"], frames=29))


@attack(ANCHOR, "edit an entry since the last change of key and sign anew", where=STORE, holds=RAM, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    number = scene.find_line(3, "marker")
    sign_line(scene, 3, number, scene.keys["ram"], b'"at_us":9', b'"at_us":8')
    chain_on(scene, 3, number, scene.keys["ram"])


@attack(ANCHOR, "begin the next start, which finds the open segment cut", where=STORE, holds=FILE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    scene.change_triples(scene.segment(OPEN), lambda triples: triples.__delitem__(slice(3, None)))
    next_start(scene)


_RENAMED = "cut the newest entry off, and give the camera another name"


@attack(ANCHOR, _RENAMED, where=STORE, holds=FILE, anchor="running", anchor_only=True)
def _(scene: Scene) -> None:
    path = scene.ledger(3)
    path.write_bytes(path.read_bytes()[:-100])
    next_start(scene, "cam-8")


@attack(ANCHOR, "hand over an anchor of his own", where=STORE, verdict="unverifiable", holds="nothing", anchor="forged")
def _(scene: Scene) -> None:
    forged = json.loads(scene.anchors["running"][89:])
    forged["key"] = scene.keys["own"].public.id
    text = compact(forged)
    scene.anchors = {**scene.anchors, "forged": (base64.b64encode(scene.keys["own"].sign(text)) + b" " + text).decode()}


@attack(ANCHOR, "hand over an anchor signed with a replaced key", where=STORE, verdict="unverifiable", holds=SPENT, anchor="forged")
def _(scene: Scene) -> None:
    forged = json.loads(scene.anchors["running"][89:])
    forged["key"] = scene.keys["spent"].public.id
    text = compact(forged)
    scene.anchors = {**scene.anchors, "forged": (base64.b64encode(scene.keys["spent"].sign(text)) + b" " + text).decode()}


@attack(ANCHOR, "hand over an anchor of another camera", where=STORE, verdict="unverifiable", holds="any camera", anchor="forged")
def _(scene: Scene) -> None:
    forged = json.loads(scene.anchors["running"][89:])
    text = compact({**forged, "device": "cam-8"})
    scene.anchors = {**scene.anchors, "forged": (base64.b64encode(scene.keys["own"].sign(text)) + b" " + text).decode()}
