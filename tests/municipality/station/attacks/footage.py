"""Footage and ledgers that are not the camera's, by whoever has its uplink key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bodycamd.evidence import receipts
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_reader import file_name
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.evidence.making import ledger_line
from tests.municipality.station.attacks.attack import UPLINK_KEY, attack
from tests.municipality.station.attacks.ground import Ground, place_of
from tests.municipality.station.sending import CameraLink, send_ledger, send_segment

GROUP = "Footage and ledgers that are not the camera's"
LEDGER = "the station: the verified ledger states other bytes"
CHAIN = "the station: it verifies each line before it keeps it"


def stored(ground: Ground, file: Path) -> Path:
    return ground.scene.station.copy("HV-01") / "recordings" / file.parent.name / file.name


def still_comes(ground: Ground, file: Path) -> None:
    """Whatever was tried, the true one is taken, once."""
    assert send_segment(ground.fresh, file).status_code == 200
    assert stored(ground, file).read_bytes() == file.read_bytes()
    assert not list((ground.scene.station.root / "staging").glob("*/*.part"))


@attack(GROUP, "send a segment before its ledger", holds=UPLINK_KEY, by="the station: nothing says what it is", outcome="409")
def _(ground: Ground) -> str:
    answer = ground.fresh.part("recordings/000001-0001/000000.tar", 0, b"x" * 1000)
    assert ground.kept() == []
    return str(answer.status_code)


@attack(GROUP, "send other bytes of the right length", holds=UPLINK_KEY, by=LEDGER, outcome="422")
def _(ground: Ground) -> str:
    file = ground.filmed()[0]
    answer = ground.fresh.part(place_of(file), 0, bytes(file.stat().st_size), last=True)
    assert not stored(ground, file).exists()
    still_comes(ground, file)
    return str(answer.status_code)


@attack(GROUP, "send a segment with a byte behind it", holds=UPLINK_KEY, by=LEDGER, outcome="422")
def _(ground: Ground) -> str:
    file = ground.filmed()[0]
    answer = ground.fresh.part(place_of(file), 0, file.read_bytes() + b"x", last=True)
    still_comes(ground, file)
    return str(answer.status_code)


@attack(GROUP, "call the beginning of a segment the whole", holds=UPLINK_KEY, by=LEDGER, outcome="422")
def _(ground: Ground) -> str:
    file = ground.filmed()[0]
    answer = ground.fresh.part(place_of(file), 0, file.read_bytes()[:-512], last=True)
    still_comes(ground, file)
    return str(answer.status_code)


@attack(GROUP, "swap two segments of a recording", holds=UPLINK_KEY, by=LEDGER, outcome="422, 422")
def _(ground: Ground) -> str:
    first, second = ground.filmed(2)
    answers = [ground.fresh.part(place_of(a), 0, b.read_bytes(), last=True) for a, b in ((first, second), (second, first))]
    for file in (first, second):
        still_comes(ground, file)
    return ", ".join(str(answer.status_code) for answer in answers)


@attack(GROUP, "swap two parts of a segment", holds=UPLINK_KEY, by="the station: a part begins where the last one ended", outcome="409")
def _(ground: Ground) -> str:
    file = ground.filmed()[0]
    half = file.stat().st_size // 2
    answer = ground.fresh.part(place_of(file), half, file.read_bytes()[half:], last=True)
    assert answer.headers["upload-offset"] == "0"
    still_comes(ground, file)
    return str(answer.status_code)


@attack(GROUP, "repeat a part in the place of the next", holds=UPLINK_KEY, by=LEDGER, outcome="204, 422")
def _(ground: Ground) -> str:
    file = ground.filmed()[0]
    content = file.read_bytes()
    half = len(content) // 2
    answers = [ground.fresh.part(place_of(file), 0, content[:half])]
    answers.append(ground.fresh.part(place_of(file), half, content[: len(content) - half], last=True))
    still_comes(ground, file)
    return ", ".join(str(answer.status_code) for answer in answers)


@attack(
    GROUP,
    "send the same segment from two uplinks with one key",
    holds=UPLINK_KEY,
    by="the station: compare and set on the offset",
    outcome="one segment, one receipt",
)
def _(ground: Ground) -> str:
    file = ground.filmed()[0]
    content, place = file.read_bytes(), place_of(file)
    links, answers = [ground.fresh, replace(ground.fresh)], []
    for number, at in enumerate(range(0, len(content), 400)):
        for link in (links[number % 2], links[1 - number % 2]):
            answers.append(link.part(place, at, content[at : at + 400], last=at + 400 >= len(content)).status_code)
    assert set(answers) == {204, 409, 200}
    given = {link.ask("GET", place).content for link in links}
    assert (len(given), receipts.decode(given.pop(), "x").receipt.n) == (1, 1)
    still_comes(ground, file)
    return "one segment, one receipt"


@attack(
    GROUP,
    "overwrite a segment that is stored",
    holds=UPLINK_KEY,
    by="the station: the first receipt is the answer",
    outcome="the first receipt",
)
def _(ground: Ground) -> str:
    file = ground.filmed()[0]
    receipt = send_segment(ground.fresh, file).content
    answer = ground.fresh.part(place_of(file), 0, bytes(file.stat().st_size), last=True)
    assert (answer.status_code, answer.content) == (200, receipt)
    still_comes(ground, file)
    return "the first receipt"


@attack(
    GROUP,
    "send what was deleted at the station once more",
    holds=UPLINK_KEY,
    by="the station: its term is over",
    outcome="its term is over",
)
def _(ground: Ground) -> str:
    life = ground.life
    name = life.record()
    files = [(path, path.read_bytes()) for path in (life.camera.store_folder / "recordings" / name).iterdir()]
    life.send()
    life.camera.hold(name)
    life.off(29)
    life.sweep()
    told = ""
    for path, content in files:
        try:
            life.intake.take_segment("HV-01", life.first_key, name, path.name, 0, content, last=True)
        except Exception as error:
            told = str(error)
    assert (life.here, "its term is over" in told) == ([], True)
    return "its term is over"


@attack(GROUP, "send another camera's ledger", holds=UPLINK_KEY, by=CHAIN, outcome="422")
def _(ground: Ground) -> str:
    other = OrderedCamera(ground.folder("other")).switch_on()
    answer = ground.fresh.part("ledger/1", 0, (other.store_folder / "ledger" / file_name(1)).read_bytes())
    other.close()
    assert ground.kept() == []
    return str(answer.status_code)


@attack(GROUP, "alter a line of the ledger", holds=UPLINK_KEY, by=CHAIN, outcome="422")
def _(ground: Ground) -> str:
    answer = ground.fresh.part("ledger/1", 0, ground.ledger().replace(b'"n":2', b'"n":9', 1))
    assert ground.kept() == []
    return str(answer.status_code)


@attack(GROUP, "leave a line of the ledger out", holds=UPLINK_KEY, by=CHAIN, outcome="422")
def _(ground: Ground) -> str:
    lines = ground.ledger().splitlines(keepends=True)
    answer = ground.fresh.part("ledger/1", 0, b"".join(lines[:1] + lines[2:]))
    assert ground.kept() == []
    return str(answer.status_code)


def with_the_ledger(ground: Ground) -> CameraLink:
    send_ledger(ground.fresh, ground.scene.camera.store_folder)
    return ground.fresh


@attack(GROUP, "write a line behind the camera's own", holds=UPLINK_KEY, by=CHAIN, outcome="422")
def _(ground: Ground) -> str:
    link, content = with_the_ledger(ground), ground.ledger()
    line = ledger_line(SigningKey.generate(), 99, ground.scene.camera.store.ledger.head, "marker", {}) + b"\n"
    answer = link.part("ledger/1", len(content), line)
    assert (ground.scene.station.copy("HV-01") / "ledger" / file_name(1)).read_bytes() == content
    return str(answer.status_code)


@attack(
    GROUP,
    "begin the ledger anew, as from an older card",
    holds=UPLINK_KEY,
    by="the station: it is not the end of what is here",
    outcome="409",
)
def _(ground: Ground) -> str:
    link, content = with_the_ledger(ground), ground.ledger()
    answer = link.part("ledger/1", 0, b"".join(content.splitlines(keepends=True)[:2]))
    assert (ground.scene.station.copy("HV-01") / "ledger" / file_name(1)).read_bytes() == content
    return str(answer.status_code)


@attack(GROUP, "send half a line", holds=UPLINK_KEY, by=CHAIN, outcome="422")
def _(ground: Ground) -> str:
    answer = ground.fresh.part("ledger/1", 0, ground.ledger()[:-7])
    assert ground.kept() == []
    return str(answer.status_code)
