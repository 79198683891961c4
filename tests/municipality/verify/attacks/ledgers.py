"""Attacks on the ledger, with and without keys."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.keys import SigningKey
from tests.municipality.verify.attacks.attack import STORE, attack
from tests.municipality.verify.attacks.scene import (
    GAP,
    INTACT,
    NEWEST_SEALED,
    OPEN,
    SECOND_INTACT,
    Scene,
    compact,
    make,
    resign,
    sha256,
    ticking_clock,
)

LEDGER, KEYS, JSON = "Ledger", "Keys that a thief can hold", "Hostile JSON, signed with the stolen key"
RAM = "the card and the memory: the key in use"
SPENT = "a dump of the memory from earlier: a key that was replaced since"
FILE = "the card: the key file of the next start"


def edit(scene: Scene, start: int, change: Callable[[list[bytes]], object]) -> None:
    lines = scene.lines(start)
    change(lines)
    scene.write_lines(start, lines)


@attack(LEDGER, "flip a bit of an entry", where=STORE)
def _(scene: Scene) -> None:
    path = scene.ledger(2)
    scene.flip(path, path.read_bytes().index(b'"recording_opened"') - 20)


@attack(LEDGER, "flip a bit of an entry's signature", where=STORE)
def _(scene: Scene) -> None:
    scene.flip(scene.ledger(1), 10)


@attack(LEDGER, "remove an entry from the middle", where=STORE)
def _(scene: Scene) -> None:
    edit(scene, 1, lambda lines: lines.pop(3))


@attack(LEDGER, "remove the last entry of an earlier start", where=STORE)
def _(scene: Scene) -> None:
    edit(scene, 1, lambda lines: lines.pop())


@attack(LEDGER, "swap two entries", where=STORE)
def _(scene: Scene) -> None:
    edit(scene, 2, lambda lines: lines.insert(3, lines.pop(4)))


@attack(LEDGER, "repeat an entry", where=STORE)
def _(scene: Scene) -> None:
    edit(scene, 2, lambda lines: lines.insert(4, lines[3]))


@attack(LEDGER, "repeat the last entry", where=STORE)
def _(scene: Scene) -> None:
    edit(scene, 3, lambda lines: lines.append(lines[-1]))


@attack(LEDGER, "replay an entry of an earlier start", where=STORE)
def _(scene: Scene) -> None:
    edit(scene, 3, lambda lines: lines.append(scene.lines(1)[4]))


@attack(LEDGER, "edit the clock of an entry", where=STORE)
def _(scene: Scene) -> None:
    path = scene.ledger(2)
    path.write_bytes(path.read_bytes().replace(b'"wall":"2025-06-15', b'"wall":"2025-06-16', 1))


@attack(LEDGER, "edit the trust in the clock of an entry", where=STORE)
def _(scene: Scene) -> None:
    path = scene.ledger(3)
    path.write_bytes(path.read_bytes().replace(b'"error_ms":12', b'"error_ms":99', 2))


@attack(LEDGER, "edit why a recording was closed", where=STORE)
def _(scene: Scene) -> None:
    path = scene.ledger(2)
    path.write_bytes(path.read_bytes().replace(b"interrupted", b"officer", 1))


@attack(LEDGER, "edit whose shift a recording was made in", where=STORE)
def _(scene: Scene) -> None:
    path = scene.ledger(2)
    path.write_bytes(path.read_bytes().replace(b'"officer":"H-12"', b'"officer":"H-13"', 1))


@attack(LEDGER, "remove a start", where=STORE)
def _(scene: Scene) -> None:
    scene.ledger(2).unlink()


@attack(LEDGER, "remove the first start", where=STORE)
def _(scene: Scene) -> None:
    scene.ledger(1).unlink()


@attack(LEDGER, "remove a start with its recordings", where=STORE)
def _(scene: Scene) -> None:
    scene.ledger(2).unlink()
    for recording in (SECOND_INTACT, GAP):
        shutil.rmtree(scene.folder(recording))


@attack(LEDGER, "remove the newest start but not its recordings", where=NEWEST_SEALED)
def _(scene: Scene) -> None:
    scene.ledger(3).unlink()


@attack(LEDGER, "remove the whole ledger", where=STORE)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.store / "ledger")


@attack(LEDGER, "empty every ledger file", where=STORE)
def _(scene: Scene) -> None:
    for path in (scene.store / "ledger").iterdir():
        path.write_bytes(b"")


@attack(LEDGER, "give a start another number", where=STORE)
def _(scene: Scene) -> None:
    scene.ledger(2).rename(scene.ledger(7))


@attack(LEDGER, "swap the files of two starts", where=STORE)
def _(scene: Scene) -> None:
    second = scene.ledger(2).read_bytes()
    scene.ledger(3).replace(scene.ledger(2))
    scene.ledger(3).write_bytes(second)


@attack(LEDGER, "append garbage to an earlier start", where=STORE)
def _(scene: Scene) -> None:
    with scene.ledger(1).open("ab") as file:
        file.write(b"torn")


@attack(LEDGER, "append a line of garbage to the newest start", where=STORE)
def _(scene: Scene) -> None:
    with scene.ledger(3).open("ab") as file:
        file.write(b"garbage\n")


@attack(LEDGER, "append garbage without a line end to the newest start: what a power cut leaves", where=STORE, verdict="open")
def _(scene: Scene) -> None:
    with scene.ledger(3).open("ab") as file:
        file.write(b"garbage")


@attack(LEDGER, "leave a stray file in the ledger", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    (scene.store / "ledger" / "000002.jsonl.bak").write_bytes(b"")


@attack(LEDGER, "put a symbolic link in place of a start", where=STORE)
def _(scene: Scene) -> None:
    scene.ledger(2).rename(scene.root / "elsewhere")
    scene.ledger(2).symlink_to(scene.root / "elsewhere")


@attack(LEDGER, "put a named pipe in place of a start", where=STORE)
def _(scene: Scene) -> None:
    scene.ledger(2).unlink()
    os.mkfifo(scene.ledger(2))


@attack(LEDGER, "hide a file under the name of a checkpoint", where=STORE, verdict="unverifiable")
def _(scene: Scene) -> None:
    (scene.store / "ledger" / "checkpoint-000003.jsonl").write_bytes(b"hidden")


@attack(LEDGER, "put a named pipe under the name of a checkpoint", where=STORE)
def _(scene: Scene) -> None:
    os.mkfifo(scene.store / "ledger" / "checkpoint-000003.jsonl")


@attack(LEDGER, "make the first starts a checkpoint that no entry states", where=STORE)
def _(scene: Scene) -> None:
    first = [scene.ledger(start).read_bytes().splitlines(keepends=True)[0] for start in (1, 2)]
    (scene.store / "ledger" / "checkpoint-000003.jsonl").write_bytes(b"".join(first))
    for start in (1, 2):
        scene.ledger(start).unlink()


@attack(LEDGER, "a line of a hundred megabytes", where=STORE)
def _(scene: Scene) -> None:
    os.truncate(scene.ledger(2), 100_000_000)


@attack(LEDGER, "append an anchor as if it were an entry", where=STORE)
def _(scene: Scene) -> None:
    edit(scene, 3, lambda lines: lines.append(scene.anchors["running"].encode()))


@attack(LEDGER, "forge a whole store with another key", where=STORE, verdict="unverifiable", holds="any camera")
def _(scene: Scene) -> None:
    other = make(scene.root / "other")
    shutil.rmtree(scene.store)
    other.store.rename(scene.store)


@attack(LEDGER, "put in a recording of another camera", where=INTACT, holds="any camera")
def _(scene: Scene) -> None:
    other = make(scene.root / "other")
    shutil.rmtree(scene.folder(INTACT))
    other.folder(INTACT).rename(scene.folder(INTACT))
    shutil.rmtree(scene.root / "other")


# --- keys -------------------------------------------------------------------------------------------------------------------------------


def sign_line(scene: Scene, start: int, number: int, key: SigningKey, old: bytes, new: bytes) -> None:
    lines = scene.lines(start)
    entry = json.loads(lines[number][89:].replace(old, new))
    entry["key"] = key.public.id
    text = compact(entry)
    lines[number] = base64.b64encode(key.sign(text)) + b" " + text
    scene.write_lines(start, lines)


def chain_on(scene: Scene, start: int, first: int, key: SigningKey) -> None:
    """Link and sign anew everything from line `first` on."""
    lines = scene.lines(start)
    for number in range(first, len(lines)):
        entry = json.loads(lines[number][89:])
        entry["key"] = key.public.id
        entry["prev"] = sha256(lines[number - 1])
        text = compact(entry)
        lines[number] = base64.b64encode(key.sign(text)) + b" " + text
    scene.write_lines(start, lines)


def next_start(scene: Scene, device: str = "cam-7") -> Path:
    clock = ticking_clock()
    clock.advance(100_000_000)
    store = Store.open(scene.store, signing=scene.root / "keys", device_id=device, clock=clock, config_sha256="0" * 64, boot_id="boot-1")
    store.close()
    return scene.store


for _holds, _name in ((RAM, "ram"), (SPENT, "spent"), (FILE, "file"), ("nothing", "own")):
    _words = {"ram": "the key in use", "spent": "a replaced key", "file": "the next start's key", "own": "a key of his own"}[_name]

    @attack(KEYS, f"edit a sealed fragment of an earlier start, signed with {_words}", where=INTACT, holds=_holds)
    def _(scene: Scene, name: str = _name) -> None:
        scene.change_triples(scene.segment(INTACT, 0), lambda triples: resign(triples, 1, scene.keys[name], frames=29))

    @attack(KEYS, f"edit a sealed fragment of this start, signed with {_words}", where=NEWEST_SEALED, holds=_holds)
    def _(scene: Scene, name: str = _name) -> None:
        scene.change_triples(scene.segment(NEWEST_SEALED), lambda triples: resign(triples, 1, scene.keys[name], frames=29))

    @attack(KEYS, f"edit an entry of an earlier start, signed with {_words}", where=STORE, holds=_holds)
    def _(scene: Scene, name: str = _name) -> None:
        sign_line(scene, 2, scene.find_line(2, "recording_closed", 1), scene.keys[name], b'"officer"', b'"battery"')

    @attack(KEYS, f"rewrite this start from before its last change of key, signed with {_words}", where=STORE, holds=_holds)
    def _(scene: Scene, name: str = _name) -> None:
        chain_on(scene, 3, scene.find_line(3, "segment_sealed"), scene.keys[name])

    if _name != "ram":

        @attack(KEYS, f"append a fragment to the open segment, signed with {_words}", where=OPEN, holds=_holds)
        def _(scene: Scene, name: str = _name) -> None:
            def change(triples: list[tuple[bytes, bytes, bytes]]) -> None:
                triples.append(triples[-1])
                last = json.loads(triples[-2][1])
                changes = {field: last[field] + 1_000_000 for field in ("n", "seq", "pts_us", "audio_pts_us", "boottime_ns")}
                resign(triples, len(triples) - 1, scene.keys[name], index=last["index"] + 1, **changes)

            scene.change_triples(scene.segment(OPEN), change)

        @attack(KEYS, f"append an entry, signed with {_words}", where=STORE, holds=_holds)
        def _(scene: Scene, name: str = _name) -> None:
            scene.append_entry(3, scene.keys[name], "marker", {"recording": OPEN, "at_us": 1})


@attack(KEYS, "state a changed old segment anew, signed with the key in use", where=INTACT, holds=RAM)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    scene.change_triples(path, lambda triples: triples.pop())
    detail = {"recording": INTACT, "segment": 0, "file": path.name, "last": "0" * 64, "sha256": sha256(path.read_bytes()), "fragments": 2}
    scene.append_entry(3, scene.keys["ram"], "segment_sealed", {**detail, "size": path.stat().st_size})


@attack(KEYS, "state an intact old segment as recovered and cut it, signed with the key in use", where=INTACT, holds=RAM)
def _(scene: Scene) -> None:
    path = scene.segment(INTACT, 0)
    content = path.read_bytes()[:4096]
    path.write_bytes(content)
    detail = {"recording": INTACT, "segment": 0, "file": path.name, "good_bytes": 0, "sha256": sha256(b""), "torn_bytes": len(content)}
    scene.append_entry(3, scene.keys["ram"], "segment_recovered", {**detail, "torn_sha256": sha256(content), "fragments": 0})


@attack(KEYS, "state a recording of an earlier start as opened now, signed with the key in use", where="000001-0008", holds=RAM)
def _(scene: Scene) -> None:
    detail = {"recording": "000001-0008", "keep_from_us": 0, "warning": "none"}
    scene.append_entry(3, scene.keys["ram"], "recording_opened", detail)


_ONLY_DONE = "delete a recording and state only that it is done, signed with the key in use"


@attack(KEYS, _ONLY_DONE, where=SECOND_INTACT, verdict="contradictory", holds=RAM)
def _(scene: Scene) -> None:
    shutil.rmtree(scene.folder(SECOND_INTACT))
    scene.append_entry(3, scene.keys["ram"], "deleted", {"recording": SECOND_INTACT})


@attack(KEYS, "begin a start with the next start's key that leaves out what this one wrote", where=STORE, holds=FILE)
def _(scene: Scene) -> None:
    lines = scene.lines(3)
    scene.write_lines(3, lines[: scene.find_line(3, "segment_sealed")])
    next_start(scene)
    scene.write_lines(3, lines)


@attack(KEYS, "begin a second start of the same number with the key of this start's successor", where=STORE, holds=FILE)
def _(scene: Scene) -> None:
    sign_line(scene, 3, 0, scene.keys["file"], b'"config_sha256":"0', b'"config_sha256":"1')


@attack(KEYS, "state an opening on the word of nobody known, signed with the key in use", where=STORE, holds=RAM)
def _(scene: Scene) -> None:
    detail = {"recording": "000003-0008", "keep_from_us": 0, "warning": "none", "caller": {"via": "rumour"}}
    scene.append_entry(3, scene.keys["ram"], "recording_opened", detail)


# --- JSON -------------------------------------------------------------------------------------------------------------------------------

_HOSTILE_JSON: dict[str, Callable[[bytes], bytes]] = {
    "a repeated key": lambda raw: raw.replace(b'"type":', b'"type":"marker","type":', 1),
    "a repeated key, once escaped": lambda raw: raw.replace(b'"type":', b'"t\\u0079pe":"marker","type":', 1),
    "a repeated key in the detail": lambda raw: raw.replace(b'"at_us":', b'"at_us":1,"at_us":', 1),
    "nesting of 30,000 levels": lambda raw: raw.replace(b'"at_us":1', b'"at_us":' + b"[" * 30_000 + b"]" * 30_000, 1),
    "nesting of 20 levels": lambda raw: raw.replace(b'"at_us":1', b'"at_us":' + b"[" * 20 + b"]" * 20, 1),
    "a number of 400 digits": lambda raw: raw.replace(b'"at_us":1', b'"at_us":1' + b"0" * 400, 1),
    "a number beyond all floats": lambda raw: raw.replace(b'"at_us":1', b'"at_us":1e400', 1),
    "not a number": lambda raw: raw.replace(b'"at_us":1', b'"at_us":NaN', 1),
    "half a surrogate pair": lambda raw: raw.replace(b'"at_us":1', b'"at_us":"\\ud800"', 1),
    "bytes that are no UTF-8": lambda raw: raw.replace(b'"at_us":1', b'"at_us":"\xc0\xaf"', 1),
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "null": lambda raw: raw.replace(b'"at_us":1', b'"at_us":null', 1),
    "an unknown field": lambda raw: raw.replace(b'"type":', b'"tyqe":1,"type":', 1),
    "a day that does not exist": lambda raw: raw.replace(b'"wall":"2025-06-15', b'"wall":"2025-02-30', 1),
    "the year 1": lambda raw: raw.replace(b'"wall":"2025', b'"wall":"0001', 1),
    "the year before the first": lambda raw: raw.replace(b'"wall":"2025', b'"wall":"1969', 1),
    "the year after the last": lambda raw: raw.replace(b'"wall":"2025', b'"wall":"2300', 1),
    "the year 9999": lambda raw: raw.replace(b'"wall":"2025', b'"wall":"9999', 1),
    "a line of 70,000 bytes": lambda raw: raw.replace(b'"at_us":1', b'"at_us":"' + b"x" * 70_000 + b'"', 1),
}
for _title, _raw in _HOSTILE_JSON.items():

    @attack(JSON, f"an entry with {_title}", where=STORE, holds=RAM)
    def _(scene: Scene, raw: Callable[[bytes], bytes] = _raw) -> None:
        scene.append_entry(3, scene.keys["ram"], "marker", {"recording": OPEN, "at_us": 1}, raw)


for _title, _old, _new in (
    ("a repeated key", b'"frames":30', b'"frames":29,"frames":30'),
    ("an unknown field", b'"frames":30', b'"frames":30,"framez":30'),
    ("a missing field", b'"frames":30,', b""),
    ("a number that is a text", b'"frames":30', b'"frames":"30"'),
    ("a negative number", b'"frames":30', b'"frames":-30'),
    ("the year 1", b'"wall":"2025', b'"wall":"0001'),
    ("the year 9999", b'"wall":"2025', b'"wall":"9999'),
):

    @attack(JSON, f"a statement with {_title} in the open segment", where=OPEN, holds=RAM)
    def _(scene: Scene, old: bytes = _old, new: bytes = _new) -> None:
        def change(triples: list[tuple[bytes, bytes, bytes]]) -> None:
            age, text, _ = triples[-1]
            text = text.replace(old, new, 1)
            triples[-1] = age, text, scene.keys["ram"].sign(text)

        scene.change_triples(scene.segment(OPEN), change)
