"""Whoever runs the station, or its disk, database or bucket."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bodycamd.errors import DataError
from bodycamd.municipality.verify.verdicts import WORDS
from bodycamd.municipality.verify.verify import verify
from tests.municipality.station.attacks.attack import STATION, Carried, attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.life import DEVICE, Life
from tests.municipality.station.test_rebuild import rows

GROUP = "Whoever runs the station"
REBUILD = "`bodycamd station rebuild`"
VERIFY = "`bodycamd verify` on the copy"


def begun(ground: Ground) -> Life:
    """Two recordings are at the station."""
    for _ in range(2):
        ground.life.record(segments=2, fragments=1)
    ground.life.send()
    return ground.life


def receipt(life: Life, number: int) -> Path:
    return life.storage.camera(DEVICE) / "receipts" / f"{number:09d}.receipt"


def forged(life: Life) -> None:
    path = receipt(life, 2)
    path.write_bytes(path.read_bytes().replace(b'"size":', b'"size":1'))


def swapped(life: Life) -> None:
    receipt(life, 1).write_bytes(receipt(life, 2).read_bytes())


def ledger_changed(life: Life) -> None:
    path = life.root / "station" / "cameras" / DEVICE / "store" / "ledger" / "000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"n":3', b'"n":4'))


def shorter_log(life: Life) -> None:
    sorted((life.root / "station" / "audit").iterdir())[-1].unlink()


def stranger(life: Life) -> None:
    shutil.copytree(life.root / "station" / "cameras" / DEVICE, life.root / "station" / "cameras" / "HV-02")


CHANGES: dict[str, tuple[Callable[[Life], object], str]] = {
    "alter a receipt": (forged, "receipt 2"),
    "remove a receipt": (lambda life: receipt(life, 1).unlink(), "receipt 1: it is not this station's next"),
    "put a receipt in another's place": (swapped, "receipt 1: it is not this station's next"),
    "alter a camera's ledger": (ledger_changed, "000001.jsonl: line"),
    "cut the newest lines off the station's log": (shorter_log, "the log that it names the head of is not here"),
    "make up a camera": (stranger, "HV-02: the roster lists no such camera"),
}


def told(change: Callable[[Life], object], what: str) -> Carried:
    def carried(ground: Ground) -> str:
        life = begun(ground)
        change(life)
        with life.rebuilt() as (done, _):
            assert what in " ".join(done.problems), done.problems
        return what

    return carried


for title, (change, what) in CHANGES.items():
    attack(GROUP, title, holds=STATION, by=REBUILD, outcome=what)(told(change, what))


@attack(GROUP, "take a line out of the middle of the station's log", holds=STATION, by=REBUILD, outcome="lines of the log are missing")
def _(ground: Ground) -> str:
    life = begun(ground)
    sorted((life.root / "station" / "audit").iterdir())[1].unlink()
    with pytest.raises(DataError, match="of the log are missing"), life.rebuilt():
        pass
    return "lines of the log are missing"


def edited(statement: str) -> Carried:
    """The index made anew is another one than the edited."""

    def carried(ground: Ground) -> str:
        life = begun(ground)
        life.order(life.camera.to_hold(life.here[0]))
        life.index.close()
        file = life.root / "station" / "index.sqlite"
        before = rows(file)
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            assert connection.execute(text(statement)).rowcount > 0
        engine.dispose()
        assert rows(file) != before
        with life.rebuilt() as (done, made):
            assert done.problems == ()
        assert rows(made) == before
        life.open()
        return "the true rows are back"

    return carried


EDITS = {
    "take an order from a camera, in the database": "DELETE FROM deliveries",
    "end a hold in the database": "DELETE FROM holds",
    "call an order done in the database": "INSERT INTO order_lines SELECT device, hold, 1, 'held', 1, 1, '' FROM holds",
    "end a copy's term in the database": "UPDATE segments SET kept_until_us = 0, received_us = 0",
    "take a receipt from a segment, in the database": "UPDATE segments SET receipt = NULL WHERE number = 0",
    "call recordings deleted in the database": "INSERT INTO deletions SELECT DISTINCT device, recording, '2026-03-10' FROM segments",
    "take a line out of the log in the database": "DELETE FROM audit WHERE n = 2",
}
for title, statement in EDITS.items():
    attack(GROUP, title, holds=STATION, by=REBUILD, outcome="the true rows are back")(edited(statement))


def verdict(change: Callable[[Path], object]) -> Carried:
    def carried(ground: Ground) -> str:
        life = begun(ground)
        store = life.root / "station" / "cameras" / DEVICE / "store"
        assert verify(store, life.first_key).exit_code in (0, 3)
        change(store)
        return WORDS[verify(store, life.first_key).verdict]

    return carried


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[700] ^= 1
    file.write_bytes(content)


def first_segment(store: Path) -> Path:
    return next(iter(sorted((store / "recordings").rglob("*.tar"))))


def exchanged(store: Path) -> None:
    first, second = sorted((store / "recordings").rglob("*.tar"))[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def last_line(store: Path) -> Path:
    return sorted((store / "ledger").glob("*.jsonl"))[-1]


COPY: dict[str, tuple[Callable[[Path], object], str]] = {
    "alter a byte of footage": (lambda store: flipped(first_segment(store)), "altered or missing"),
    "exchange two segments": (exchanged, "altered or missing"),
    "cut a segment short": (
        lambda store: first_segment(store).write_bytes(first_segment(store).read_bytes()[:-1024]),
        "altered or missing",
    ),
    "put a segment there that no ledger states": (
        lambda store: (first_segment(store).parent / "000009.tar").write_bytes(first_segment(store).read_bytes()),
        "altered or missing",
    ),
    "put a recording there that no ledger states": (
        lambda store: shutil.copytree(first_segment(store).parent, store / "recordings" / "000001-0099"),
        "altered or missing",
    ),
    "alter a line of a copied ledger": (
        lambda store: last_line(store).write_bytes(last_line(store).read_bytes().replace(b'"n":5', b'"n":6')),
        "altered or missing",
    ),
}
for title, (damage, words) in COPY.items():
    attack(GROUP, title, holds=STATION, by=VERIFY, outcome=words)(verdict(damage))


@attack(GROUP, "delete a held copy", holds=STATION, by=VERIFY, outcome="altered or missing")
def _(ground: Ground) -> str:
    life = begun(ground)
    name = life.here[0]
    life.order(life.camera.to_hold(name))
    store = life.root / "station" / "cameras" / DEVICE / "store"
    shutil.rmtree(store / "recordings" / name)
    report = verify(store, life.first_key)
    found = next(one.verdict for one in report.recordings if one.recording == name)
    assert found not in ("intact", "deleted")
    return WORDS[found]
