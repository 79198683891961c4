"""What verification skips, no reader sees: lines with a made-up signature, cuts and splices, against every reader and against the camera.

A forged line carries a word that stands nowhere else; whatever a reader prints, writes or decides, the word and its meaning must not show.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.keeping.offload import offload
from bodycamd.camera.recorder.store import Store
from bodycamd.cli.main import main
from bodycamd.errors import BodycamError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.municipality.publish.certificate import certify
from bodycamd.municipality.publish.transparency import month_of
from bodycamd.municipality.report.story import read_story
from bodycamd.municipality.verify.past import ledger_of
from bodycamd.municipality.verify.store_check import inventory
from bodycamd.municipality.verify.verify import verify
from bodycamd.municipality.words.sentences import sentences
from bodycamd.retention.outlook import read_recordings
from bodycamd.store.reader import StoreReader
from tests.kit.local_time import AMSTERDAM
from tests.kit.resting_camera import DAY, RestingCamera
from tests.kit.scale import count, only_in_full, sample

WORD = "FORGED-7731"
HASH = "ab" * 32


def forged(type: str, detail: dict[str, Any], after: bytes) -> bytes:
    """A line as whoever has the card for a minute appends it: everything continued, the signature made up."""
    entry = json.loads(after[89:])
    entry |= {"n": entry["n"] + 1, "prev": _sha256(after), "boottime_ns": entry["boottime_ns"] + 1, "type": type, "detail": detail}
    raw = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
    return base64.b64encode(b"\7" * 64) + b" " + raw


def _sha256(raw: bytes) -> str:
    import hashlib

    return hashlib.sha256(raw).hexdigest()


def newest_ledger(store: Path) -> Path:
    return max((store / "ledger").glob("[0-9]*.jsonl"))


def append(store: Path, type: str, detail: dict[str, Any]) -> None:
    path = newest_ledger(store)
    with path.open("ab") as file:
        file.write(forged(type, detail, path.read_bytes().splitlines()[-1]) + b"\n")


def kept(root: Path) -> RestingCamera:
    """A camera at rest: one recording is held, one deleted, one new."""
    camera = RestingCamera(root).switch_on()
    camera.settle()
    camera.hold(camera.record())
    camera.record()
    camera.run(29 * DAY, pace_us=2 * DAY)
    camera.settle()
    camera.record()
    camera.switch_off()
    return camera


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("base") / "camera"
    kept(root)
    return root


HELD, DELETED, NEW = "000001-0001", "000001-0002", "000001-0003"


SEALED = {"segment": 0, "file": "000000.tar", "last": HASH, "sha256": HASH, "size": 77, "fragments": 7}
CLOSED = {"reason": WORD, "duration_us": 7_731_000_000, "segments": 9}
LIES: dict[str, tuple[str, dict[str, Any]]] = {
    "another officer": ("recording_opened", {"recording": NEW, "keep_from_us": 0, "warning": "skipped", "officer": WORD}),
    "no warning": ("warning", {"recording": NEW, "outcome": "skipped", "detail": WORD}),
    "a marker": ("marker", {"recording": NEW, "at_us": 5, "cause": WORD}),
    "the end of a hold": ("hold_released", {"recording": HELD, "ground": "complaint", "reason": WORD, "by": WORD}),
    "a hold": ("hold_added", {"recording": NEW, "ground": "complaint", "reference": WORD, "by": WORD, "review_on": "2031-01-01"}),
    "a clock years ahead": ("time", {"trusted": True, "confirmed": True}),
    "a deletion": ("deleting", {"recording": NEW, "reason": WORD, "days": 1, "proof": "wall_clock", "age_seconds": 7_731_000}),
    "a deletion that is done": ("deleted", {"recording": NEW}),
    "another segment": ("segment_sealed", {"recording": NEW, **SEALED}),
    "another end": ("recording_closed", {"recording": HELD, **CLOSED}),
    "a shift": ("shift_begin", {"officer": WORD}),
    "a fault": ("fault", {"part": WORD, "reason": WORD}),
    "an unknown thing": ("prophecy", {"text": WORD}),
}
"""What a forger would say, by its purpose."""
PURPOSES = sorted(LIES)


def everything_read(root: Path) -> str:
    """All that the readers of a store say of it, as text. What they refuse is part of it."""
    store, reader = root / "store", StoreReader(root / "store")
    readers: list[Callable[[], object]] = [
        lambda: read_recordings(reader),
        lambda: list(sentences(ledger_of(store), AMSTERDAM)),
        lambda: inventory(store),
        lambda: month_of(store, "2026-01", AMSTERDAM),
        *(lambda name=name: read_story(store / "ledger", name) for name in (HELD, DELETED, NEW)),
        *(lambda name=name: certify(store, name) for name in (HELD, DELETED, NEW)),
    ]
    said = []
    for read in readers:
        try:
            said.append(str(read()))
        except BodycamError as error:
            said.append(str(error))
    return "\n".join(said)


def everything_printed(store: Path) -> str:
    """What the commands print."""
    out = StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        for command in ("recordings list", f"recordings show {NEW}", f"recordings show {HELD}", "recordings log", "anchor"):
            main([*command.split(), "--store", str(store)])
    return out.getvalue()


def spoken(store: Path) -> list[tuple[str, int, str]]:
    """The ledger in words."""
    return [(sentence.wall, sentence.start, sentence.text) for sentence in sentences(ledger_of(store), AMSTERDAM)]


def verdicts(root: Path) -> tuple[dict[str, str], int]:
    report = verify(root / "store", PublicKey.from_pem((root / "device.pem").read_bytes()))
    return {done.recording: done.verdict for done in report.recordings}, report.exit_code


GENUINE = {HELD: "intact", DELETED: "deleted", NEW: "intact"}


def test_at_rest_nothing_is_told_of_unsigned_lines(base: Path, tmp_path: Path) -> None:
    root = tmp_path / "camera"
    shutil.copytree(base, root)
    before = spoken(root / "store")
    for purpose in PURPOSES:
        append(root / "store", *LIES[purpose])
    assert WORD not in everything_read(root)
    assert spoken(root / "store") == before
    assert verdicts(root) == (GENUINE, 4)


@pytest.mark.parametrize("purpose", sample(PURPOSES, 3))
def test_after_a_start_nobody_believes_an_unsigned_line(purpose: str, base: Path, tmp_path: Path) -> None:
    """The start calls it torn, and verification is content; the camera does not obey it, and nobody is told of it."""
    root = tmp_path / "camera"
    shutil.copytree(base, root)
    before = spoken(root / "store")
    append(root / "store", *LIES[purpose])
    camera = RestingCamera(root)
    camera.boot, camera.clock.wall_us = 2, camera.clock.wall_us + 29 * DAY
    camera.switch_on()
    assert camera.store.shift is None
    assert camera.store.resume is None
    camera.settle()
    assert camera.present() == [HELD, NEW]
    assert [hold.reference for hold in camera.keeper._facts().holds[HELD]] == ["K-2026-117"]
    camera.switch_off()
    (tmp_path / "disk").mkdir()
    done = offload(StoreReader(root / "store"), tmp_path / "disk", same_disk=True)
    assert (done.failed, done.copied) == ([], 4)
    assert WORD not in everything_read(root)
    told = spoken(root / "store")
    assert told[: len(before)] == before
    assert {start for _, start, _ in told[len(before) :]} == {2}
    assert verdicts(root) == (GENUINE, 0)


@only_in_full
def test_no_command_prints_an_unsigned_line(base: Path, tmp_path: Path) -> None:
    root = tmp_path / "camera"
    shutil.copytree(base, root)
    assert "K-2026-117" in everything_printed(root / "store")
    for purpose in ("another officer", "the end of a hold", "a shift"):
        append(root / "store", *LIES[purpose])
    printed = everything_printed(root / "store")
    assert "K-2026-117" in printed
    assert WORD not in printed


class Vandal:
    """Changes ledger files as cuts, thieves and bad copies do."""

    def __init__(self, store: Path, draw: Callable[[Any], Any]) -> None:
        self._files = sorted((store / "ledger").glob("*.jsonl"))
        self._store = store
        self._draw = draw

    def act(self) -> None:
        path = self._draw(st.sampled_from(self._files))
        content = path.read_bytes()
        at = self._draw(st.integers(0, max(0, len(content) - 1)))
        match self._draw(st.sampled_from(["cut", "flip", "zero", "forge", "repeat", "move", "splice", "new file"])):
            case "cut":
                path.write_bytes(content[:at])
            case "flip" if content:
                path.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
            case "zero":
                length = self._draw(st.integers(1, 600))
                path.write_bytes(content[:at] + bytes(length) + content[at + length :])
            case "forge":
                self._forge(path, content)
            case "repeat":
                path.write_bytes(content + content[content.rfind(b"\n", 0, at) + 1 :])
            case "move":
                lines = content.splitlines(keepends=True)
                if lines:
                    lines.insert(at % len(lines), lines.pop())
                path.write_bytes(b"".join(lines))
            case "splice":
                other = self._draw(st.sampled_from(self._files)).read_bytes()
                path.write_bytes(content[:at] + other[at:])
            case "new file":
                number = self._draw(st.sampled_from([0, 2, 4, 5, 9, 500_000, 999_999]))
                (self._store / "ledger" / f"{number:06d}.jsonl").write_bytes(content[:at] if at % 2 else b"")

    def _forge(self, path: Path, content: bytes) -> None:
        """A line anywhere, linked to the one before it, and the ones after it linked again."""
        lines = content.splitlines()
        if not lines or any(len(line) < 90 for line in lines):
            return
        place = self._draw(st.integers(1, len(lines)))
        try:
            made = forged(*LIES[self._draw(st.sampled_from(PURPOSES))], lines[place - 1])
        except (ValueError, KeyError):
            return
        path.write_bytes(b"\n".join([*lines[:place], made, *lines[place:]]) + b"\n")


@settings(max_examples=count(150))
@given(st.data())
def test_whatever_is_done_to_the_ledger_readers_see_what_verifies(base: Path, tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    root = tmp_path_factory.mktemp("vandal") / "camera"
    shutil.copytree(base, root)
    vandal = Vandal(root / "store", data.draw)
    for _ in range(data.draw(st.integers(1, 3))):
        vandal.act()
    registered = PublicKey.from_pem((root / "device.pem").read_bytes())
    verified = _verified(Chain(root / "store" / "ledger", registered))
    assert WORD not in everything_read(root)
    told = [(s.wall, s.start, s.type) for s in sentences(ledger_of(root / "store"), AMSTERDAM)]
    assert told == verified or not verified, "the readers of a store see what verification with the registered key sees"
    camera = RestingCamera(root)
    camera.boot, camera.clock.wall_us = 2, camera.clock.wall_us + 29 * DAY
    present = camera.present()
    try:
        camera.switch_on()
    except BodycamError:  # the key that the rest of the ledger names is not there any more: then nothing is begun
        assert camera.present() == present
        return
    camera.settle()
    if ("hold_added" in [type for *_, type in verified]) and HELD in present:
        assert HELD in camera.present()
    assert NEW in camera.present()
    camera.store.close()
    assert WORD not in everything_read(root)


def _verified(chain: Chain) -> list[tuple[str, int, str]]:
    found = []
    try:
        for line in chain:
            found.append((line.entry.wall, line.entry.start, line.entry.type))
    except BodycamError:
        return found
    return found


def test_the_list_says_where_the_ledger_breaks_off(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "camera"
    shutil.copytree(base, root)
    path = newest_ledger(root / "store")
    path.write_bytes(path.read_bytes().replace(b'"officer"', b'"nobody!"', 1))
    for command in ("list", "log"):
        main(["recordings", command, "--store", str(root / "store")])
        assert "the ledger verifies only so far" in capsys.readouterr().err
    assert main(["recordings", "check", "--store", str(root / "store")]) == 65


def test_a_ledger_that_is_broken_further_back_does_not_keep_the_camera_from_starting(base: Path, tmp_path: Path) -> None:
    root = tmp_path / "camera"
    shutil.copytree(base, root)
    path = newest_ledger(root / "store")
    content = path.read_bytes()
    camera = RestingCamera(root)
    camera.boot, camera.clock.wall_us = 2, camera.clock.wall_us + 29 * DAY
    camera.switch_on().switch_off()
    path.write_bytes(content[:2000] + b"!" + content[2001:])
    camera.switch_on()
    name = camera.record()
    camera.sweep()
    assert any("believed only as far as it verifies" in problem for problem in camera.keeper.problems)
    camera.run(30 * DAY, pace_us=DAY)
    assert name in camera.present(), "what the camera cannot show to be due stays"
    store = camera.store
    assert isinstance(store, Store)
    store.close()
    assert msgspec.json.encode(verify(root / "store", PublicKey.from_pem((root / "device.pem").read_bytes()))).find(b'"altered"') > 0
