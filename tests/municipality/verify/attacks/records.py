"""Attacks on the record of a copy (`copy.jsonl`): what people sign of copies excuses nothing, and holds together or counts as altered."""

from __future__ import annotations

import shutil

from bodycamd.evidence.copy_record import CopyHoldAdded, Deletion, Detail, Inventory, Pruned
from bodycamd.municipality.copies.copies import writing
from tests.municipality.verify.attacks.attack import STORE, attack
from tests.municipality.verify.attacks.scene import DELETED, INTACT, SECOND_INTACT, Scene, make

COPIES = "The record of a copy"
PERSON = "the disk, and the key of a person in the list"
HOLD = CopyHoldAdded(hold="0" * 12, recording=DELETED, ground="complaint", reference="K-1", by="E-03", review_on="2030-01-01")
CAME: list[Detail] = [Inventory(recording=INTACT, segments=(0, 1)), Inventory(recording=SECOND_INTACT, segments=(0,)), HOLD]


def state(scene: Scene, details: list[Detail], signer: str = "person") -> None:
    with writing(scene.store, scene.keys[signer], scene.people) as writer:
        writer.add(details, 1_770_000_000_000_000)


for _signer, _signed, _holds in (("person", "the key of a person", PERSON), ("own", "a key that nobody knows", "the disk")):

    @attack(COPIES, f"remove a recording and state that it was pruned, signed with {_signed}", where=SECOND_INTACT, holds=_holds)
    def _(scene: Scene, signer: str = _signer) -> None:
        state(scene, [Deletion(recording=SECOND_INTACT, line="0" * 64), Pruned(recording=SECOND_INTACT)], signer)
        shutil.rmtree(scene.folder(SECOND_INTACT))


@attack(COPIES, "put back the very files that were deleted as stated", where=DELETED, verdict="kept", holds="an older copy")
def _(scene: Scene) -> None:
    shutil.copytree(scene.root / "removed", scene.folder(DELETED))


@attack(COPIES, "remove a segment that an inventory has", where=INTACT, holds="the disk")
def _(scene: Scene) -> None:
    state(scene, CAME)
    scene.segment(INTACT, 1).unlink()


@attack(COPIES, "remove a segment and cut off the inventory that has it", where=INTACT, verdict="not_received", holds="the disk")
def _(scene: Scene) -> None:
    state(scene, [CAME[1], CAME[0]])
    path = scene.store / "copy.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    scene.segment(INTACT, 1).unlink()


@attack(COPIES, "flip a bit of a line", where=STORE, holds="the disk")
def _(scene: Scene) -> None:
    state(scene, CAME)
    scene.flip(scene.store / "copy.jsonl", 300)


@attack(COPIES, "remove a line from the middle", where=STORE, holds="the disk")
def _(scene: Scene) -> None:
    state(scene, CAME)
    path = scene.store / "copy.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])


@attack(COPIES, "cut off the hold on what the camera has deleted", where=DELETED, verdict="kept", holds="the disk")
def _(scene: Scene) -> None:
    shutil.copytree(scene.root / "removed", scene.folder(DELETED))
    state(scene, CAME)
    path = scene.store / "copy.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@attack(COPIES, "hold what the camera has deleted with a key that nobody knows", where=STORE, verdict="unverifiable", holds="the disk")
def _(scene: Scene) -> None:
    shutil.copytree(scene.root / "removed", scene.folder(DELETED))
    state(scene, [HOLD], "own")


@attack(COPIES, "put in the record of another camera's copy", where=STORE, holds="the disk, and another one")
def _(scene: Scene) -> None:
    other = make(scene.root / "other")
    other.keys["person"] = scene.keys["person"]
    state(other, CAME)
    shutil.copy(other.store / "copy.jsonl", scene.store / "copy.jsonl")


@attack(COPIES, "a line with an unknown field, signed with the key of a person", where=STORE, holds=PERSON)
def _(scene: Scene) -> None:
    state(scene, CAME)
    path = scene.store / "copy.jsonl"
    line = path.read_bytes().splitlines()[0]
    text = line[89:].replace(b'"segments":', b'"by":"E-03","segments":')
    path.write_bytes(scene.signed_line(scene.keys["person"], text) + b"\n")
