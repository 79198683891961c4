"""The lines of `copy.jsonl`, case by case: their bytes, who is believed, and what ends the reading."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import msgspec
import pytest

from bodycamd.errors import DataError
from bodycamd.evidence.copy_record import (
    CopyEntry,
    CopyHoldAdded,
    CopyHoldReleased,
    CopyLine,
    Deletion,
    Detail,
    Inventory,
    Pruned,
    Pruning,
    copy_lines,
    signed_line,
)
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.making import brief, told

KEY = SigningKey.generate()
PEOPLE = {KEY.public.id: ("E-03", KEY.public)}
HEAD, LINE, WALL, ID, HOLD = "ab" * 32, "cd" * 32, "2026-06-01T12:00:00.000000Z", "000001-0001", "0123456789ab"
INVENTORY = Inventory(recording=ID, segments=(0, 1))


def made(detail: Detail = INVENTORY, n: int = 1, prev: str = ZERO_HASH, name: str = "E-03") -> tuple[bytes, CopyLine]:
    return signed_line(detail, KEY, name, n=n, prev=prev, head=HEAD, wall=WALL)


def forged(by: SigningKey = KEY, **changes: Any) -> bytes:
    """A line with other fields than the camera's people write, signed all the same."""
    fields = msgspec.json.decode(made()[0][89:]) | changes
    json = msgspec.json.encode(fields)
    return base64.b64encode(by.sign(json)) + b" " + json


def read(content: bytes, people: dict[str, tuple[str, PublicKey]] = PEOPLE) -> tuple[list[CopyLine], str]:
    """What is read, and what ends it."""
    found: list[CopyLine] = []
    try:
        for line in copy_lines(io.BytesIO(content), people):
            found.append(line)
    except DataError as error:
        return found, str(error)
    return found, ""


@pytest.mark.parametrize(
    ("detail", "type"),
    [
        (INVENTORY, "inventory"),
        (Deletion(recording=ID, line=LINE), "deletion"),
        (CopyHoldAdded(hold=HOLD, recording=ID, ground="complaint", reference="Z-1", by="E-03", review_on="2026-07-01"), "hold_added"),
        (CopyHoldReleased(hold=HOLD, recording=ID, ground="complaint", reason="settled", by="privacy"), "hold_released"),
        (Pruning(recording=ID, line=LINE, segments=2, bytes=77), "pruning"),
        (Pruned(recording=ID), "pruned"),
        (Pruned(recording=ID, strays_left=1), "pruned"),
    ],
)
def test_a_line_is_signed_and_read_back(detail: Detail, type: str) -> None:
    raw, as_read = made(detail, n=3, prev=LINE)
    signature, json = base64.b64decode(raw[:88], validate=True), raw[89:]
    assert raw[88:89] == b" "
    assert KEY.public.verifies(signature, json)
    fields = {"format": "bodycam-copy/1", "n": 3, "prev": LINE, "key": KEY.public.id, "head": HEAD, "wall": WALL, "type": type}
    assert json == msgspec.json.encode(fields | {"detail": detail}, order="sorted")
    entry = msgspec.json.decode(json, type=CopyEntry)
    assert as_read == CopyLine(entry, detail, "E-03", hashlib.sha256(raw).hexdigest(), "to be signed")
    assert made(detail, name="")[1].signer == ""


def test_lines_follow_each_other() -> None:
    first, line = made()
    second, _ = made(Pruned(recording=ID), n=2, prev=line.sha256)
    found, reason = read(first + b"\n" + second + b"\n")
    assert reason == ""
    assert [(line.entry.n, line.detail, line.signer, line.where) for line in found] == [
        (1, INVENTORY, "E-03", "copy.jsonl: line 1"),
        (2, Pruned(recording=ID), "E-03", "copy.jsonl: line 2"),
    ]
    assert [line.sha256 for line in found] == [hashlib.sha256(raw).hexdigest() for raw in (first, second)]
    assert read(b"") == ([], "")


def test_whose_key_nobody_knows_is_nobody() -> None:
    """Nothing then shows who wrote the line: the signature is not looked at, the form is."""
    stranger = SigningKey.generate()
    for content in (made()[0], forged(stranger)):
        found, reason = read(content + b"\n", {})
        assert ([line.signer for line in found], reason) == ([""], "")
    assert read(forged(stranger, key=stranger.public.id) + b"\n")[0][0].signer == ""
    assert read(forged(stranger) + b"\n") == ([], "copy.jsonl: line 1: the signature is not E-03's")


def test_what_a_later_version_writes_is_passed_over() -> None:
    found, reason = read(forged(type="blessed", detail={"by": ["a"]}) + b"\n")
    assert ([(line.entry.type, line.detail, line.signer) for line in found], reason) == ([("blessed", None, "E-03")], "")


GOOD = made()[0]
OTHER_END = GOOD[:85] + bytes([GOOD[85] ^ 1 if GOOD[85:86] not in b"AQgw" else GOOD[85] + 1]) + GOOD[86:]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "the signature is not base64|not a signature of 88 characters, a space and JSON"),
        (b"!" + GOOD[1:], "the signature is not base64"),
        (GOOD[:20] + b"!!!!" + GOOD[24:], "the signature is not base64"),
        (GOOD[:20] + b"!!!!" + GOOD[20:], "not a signature of 88 characters, a space and JSON"),
        (GOOD[:88] + b"\t" + GOOD[89:], "not a signature of 88 characters, a space and JSON"),
        (GOOD[:88] + GOOD[89:], "not a signature of 88 characters, a space and JSON"),
        (base64.b64encode(bytes(63)) + b"AAAA " + GOOD[89:], "the signature is not the base64 of 64 bytes"),
        (base64.b64encode(bytes(65)) + b" " + GOOD[89:], "the signature is not the base64 of 64 bytes"),
        (OTHER_END, "the signature is not the base64 of 64 bytes"),
        (GOOD[:-1], "Expecting ',' delimiter"),
        (forged(format="bodycam-copy/2"), "Invalid enum value 'bodycam-copy/2' - at `$.format`"),
        (forged(more=1), "Object contains unknown field `more`"),
        (forged(wall="2026-02-30T12:00:00.000000Z"), "wall '2026-02-30T12:00:00.000000Z' is no time: "),
        (forged(detail={}), "detail of 'inventory': Object missing required field `recording`"),
        (forged(detail={"recording": ID, "segments": []}), "detail of 'inventory': Expected `array` of length >= 1 - at `$.segments`"),
        (forged(detail={"x" * 300: 1}), f"detail of 'inventory': Object contains unknown field `{'x' * 128}…"),
        (forged(n=2), "it does not follow the line before it"),
        (forged(prev=LINE), "it does not follow the line before it"),
    ],
    ids=brief,
)
def test_what_is_no_line_ends_the_reading(line: bytes, reason: str) -> None:
    found, said = read(line + b"\n" + GOOD + b"\n")
    assert found == []
    assert any(said.startswith(f"copy.jsonl: line 1: {one}") for one in reason.split("|")), said


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (GOOD, "not a whole line"),
        (GOOD[:50], "not a whole line"),
        (b"x" * 200_000 + b"\n", "not a whole line"),
        (b"\n", "not a signature of 88 characters, a space and JSON"),
        (GOOD + b"\n", "it does not follow the line before it"),
        (forged(n=2) + b"\n", "it does not follow the line before it"),
    ],
    ids=brief,
)
def test_what_was_read_before_stands(rest: bytes, reason: str) -> None:
    found, said = read(GOOD + b"\n" + rest)
    assert [line.entry.n for line in found] == [1]
    assert said == f"copy.jsonl: line 2: {reason}"


def test_the_longest_line_is_read_and_one_byte_more_is_not() -> None:
    """88 characters, a space, 64 KiB of JSON, a line end."""
    for longer, said in ((0, ""), (1, "copy.jsonl: line 1: not a whole line")):
        room = 65_536 + longer - len(forged(type="later", detail={"x": ""})[89:])
        line = forged(type="later", detail={"x": "y" * room}) + b"\n"
        assert len(line) == 65_626 + longer
        assert read(line)[1] == said


def test_what_a_reader_would_refuse_is_not_signed() -> None:
    assert told(lambda: made(n=0)) == "to be signed: Expected `int` >= 1 - at `$.n`"
    assert told(lambda: made(prev="\ud800")).startswith("to be signed: 'utf-8' codec can't encode")
    assert told(lambda: made(Pruned(recording="1"))).startswith("to be signed: detail of 'pruned': Expected `str` matching regex")
