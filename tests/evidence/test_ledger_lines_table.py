"""The lines of one ledger file, case by case: their form, their order, who signs them, and what is left where they end."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import ledger_reader
from bodycamd.evidence.entries import StartDetail, TornFile
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_reader import KeyInForce, Line, Rest, check_signed, first_line, lines, rest_of, single_line
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.making import brief, start_fields, told
from tests.evidence.making import ledger_line as line

FIRST, MEMORY, NEXT = (SigningKey.generate() for _ in range(3))
START = start_fields(FIRST, NEXT, MEMORY)


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


BEGUN = line(FIRST, 1, "cd" * 32, "start", START)
BEGUN_1 = line(FIRST, 1, "cd" * 32, "start", START | {"format": "bodycam-ledger/1"})
MARKED = line(MEMORY, 2, sha(BEGUN), "marker", {})
AFTER = line(MEMORY, 5, sha(MARKED), "battery", {"percent": 12})


def second(**changes: Any) -> bytes:
    """In place of `MARKED`."""
    return line(MEMORY, 2, sha(BEGUN), **({"type": "marker", "detail": {}} | changes))


def read(*raw: bytes, end: bytes = b"\n") -> tuple[list[Line], str]:
    """What is read, and what ends it."""
    found: list[Line] = []
    try:
        for one in lines(io.BytesIO(b"\n".join(raw) + end), "000003.jsonl"):
            found.append(one)
    except DataError as error:
        return found, str(error)
    return found, ""


def test_lines_are_read_with_their_place_and_bytes() -> None:
    found, reason = read(BEGUN, MARKED, AFTER)
    assert reason == ""
    for number, (one, raw) in enumerate(zip(found, (BEGUN, MARKED, AFTER), strict=True), 1):
        assert (one.number, one.where, one.format) == (number, f"000003.jsonl: line {number}", "bodycam-ledger/2")
        assert (one.sha256, one.text, base64.b64encode(one.signature), one.json) == (sha(raw), raw, raw[:88], raw[89:])
    assert [one.end for one in found] == [len(BEGUN) + 1, len(BEGUN) + len(MARKED) + 2, len(BEGUN) + len(MARKED) + len(AFTER) + 3]
    assert found[0].detail == msgspec.convert(START, StartDetail)
    assert [one.detail for one in found[1:]] == [None, None]
    assert [one.entry.detail for one in found[1:]] == [{}, {"percent": 12}]
    assert read(end=b"") == ([], "")


def test_reading_goes_on_behind_a_line() -> None:
    whole = read(BEGUN, MARKED, AFTER)[0]
    assert list(lines(io.BytesIO(MARKED + b"\n" + AFTER + b"\n"), "000003.jsonl", whole[0])) == whole[1:]
    assert told(lambda: list(lines(io.BytesIO(AFTER + b"\n"), "f", whole[0]))) == "f: line 2: prev is not the SHA-256 of the line before it"


def test_a_line_on_its_own() -> None:
    found = single_line(AFTER, "copied")
    assert (found.sha256, found.end, found.number, found.where, found.format) == (sha(AFTER), len(AFTER) + 1, 1, "copied", "")
    assert (found.text, found.entry.type, found.detail) == (AFTER, "battery", None)
    assert single_line(BEGUN, "copied").detail == msgspec.convert(START, StartDetail)
    assert told(lambda: single_line(AFTER[1:], "copied")) == f"copied: {NO_SIGNATURE}"
    assert told(lambda: single_line(AFTER[:-1], "copied")).startswith("copied: Expecting ',' delimiter")
    assert told(lambda: single_line(line(FIRST, 1, ZERO_HASH, "start", {}), "copied")).startswith("copied: detail of 'start': ")


NO_SIGNATURE = "not a signature of 88 characters, a space and JSON"


def spelt_otherwise(raw: bytes) -> bytes:
    """The same 64 bytes in another base64: the last letter's two unused bits are set."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = letters.index(raw[85:86])
    return raw[:85] + letters[at + 1 : at + 2] + raw[86:]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", NO_SIGNATURE),
        (BEGUN[:88], NO_SIGNATURE),
        (BEGUN[:88] + b"\t" + BEGUN[89:], NO_SIGNATURE),
        (BEGUN[:87] + BEGUN[88:], NO_SIGNATURE),
        (b"!" + BEGUN[1:], "the signature is not base64"),
        (BEGUN[:40] + b"!!!!" + BEGUN[44:], "the signature is not base64"),
        (base64.b64encode(bytes(66)) + BEGUN[88:], "the signature is not the base64 of 64 bytes"),
        (base64.b64encode(bytes(65)) + BEGUN[88:], "the signature is not the base64 of 64 bytes"),
        (spelt_otherwise(BEGUN), "the signature is not the base64 of 64 bytes"),
        (BEGUN[:-1], "Expecting ',' delimiter: "),
        (line(FIRST, 1, ZERO_HASH, "start", START, more=1), "Object contains unknown field `more`"),
        (line(FIRST, 1, ZERO_HASH, "start", START, wall="2026-02-30T12:00:00.000000Z"), "wall '2026-02-30T12:00:00.000000Z' is no time"),
        (line(FIRST, 1, ZERO_HASH, "start", {}), "detail of 'start': Object missing required field `format`"),
        (line(FIRST, 1, ZERO_HASH, "start", START | {"format": "bodycam-ledger/3"}), "detail of 'start': Invalid enum value"),
        (line(FIRST, 1, ZERO_HASH, "marker", {}), "the first entry of a file is its start, not 'marker'"),
        (b"x" * 65_627, "too long"),
        (b"x" * 65_626, "too long"),
    ],
    ids=brief,
)
def test_what_is_no_first_line_is_told(raw: bytes, reason: str) -> None:
    found, said = read(raw, MARKED)
    assert found == []
    assert said.startswith(f"000003.jsonl: line 1: {reason}")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (second(type="start", detail=START), "a second start in one file"),
        (line(MEMORY, 2, "cd" * 32, "marker", {}), "prev is not the SHA-256 of the line before it"),
        (second(device="cam-8"), "device differs from the line before it"),
        (second(start=4), "start differs from the line before it"),
        (second(boot_id="other"), "boot_id differs from the line before it"),
        (line(MEMORY, 1, sha(BEGUN), "marker", {}, boottime_ns=9), "n or boottime_ns runs backwards"),
        (second(boottime_ns=0), "n or boottime_ns runs backwards"),
        (second(type="key_changed"), "detail of 'key_changed': Object missing required field `public_key`"),
        (second(type="shift_end"), "detail of 'shift_end' in bodycam-ledger/2: Object missing required field `officer`"),
        (second(boottime_ns=1), ""),
    ],
    ids=brief,
)
def test_what_does_not_follow_is_told(raw: bytes, reason: str) -> None:
    found, said = read(BEGUN, raw)
    assert len(found) == (1 if reason else 2)
    assert said == (f"000003.jsonl: line 2: {reason}" if reason else "")


def test_a_start_of_the_first_format_holds_all_of_its_file_to_it() -> None:
    after = line(MEMORY, 2, sha(BEGUN_1), "shift_end", {})
    held = {"recording": "000001-0001", "ground": "complaint", "review_on": "2026-07-01", "hold": "0123456789ab"}
    found, reason = read(BEGUN_1, after, line(MEMORY, 3, sha(after), "hold_review_due", held))
    assert [one.format for one in found] == ["bodycam-ledger/1"] * 2
    assert reason == "000003.jsonl: line 3: detail of 'hold_review_due': hold is no field of bodycam-ledger/1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (MARKED, f"torn, {len(MARKED)} bytes without a line end"),
        (b"x", "torn, 1 bytes without a line end"),
        (b"x" * 65_625, "torn, 65625 bytes without a line end"),
        (b"x" * 65_626, "too long"),
        (b"x" * 200_000 + b"\n", "too long"),
    ],
    ids=brief,
)
def test_a_line_without_its_end_is_torn_or_too_long(content: bytes, reason: str) -> None:
    found, said = read(BEGUN, content, end=b"")
    assert (len(found), said) == (1, f"000003.jsonl: line 2: {reason}")


def test_the_longest_line_is_read() -> None:
    """88 characters, a space, 64 KiB of JSON, a line end."""
    room = 65_626 - 1 - len(second(detail={"x": ""}))
    assert len(read(BEGUN, second(detail={"x": "y" * room}))[0]) == 2
    assert read(BEGUN, second(detail={"x": "y" * (room + 1)}))[1] == "000003.jsonl: line 2: too long"


FOLLOWING = SigningKey.generate()
CHANGE = second(type="key_changed", detail={"public_key": FOLLOWING.public.raw.hex()})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ((BEGUN, MARKED), ""),
        ((BEGUN, CHANGE, line(FOLLOWING, 3, sha(CHANGE), "marker", {})), ""),
        (
            (BEGUN, CHANGE, line(MEMORY, 3, sha(CHANGE), "marker", {})),
            "line 3: the signature does not verify with the key that is in force here",
        ),
        ((BEGUN, line(FIRST, 2, sha(BEGUN), "marker", {})), "line 2: the signature does not verify with the key that is in force here"),
        ((BEGUN, second(key=FIRST.public.id)), "line 2: the signature does not verify with the key that is in force here"),
        ((line(MEMORY, 1, ZERO_HASH, "start", START),), "line 1: the signature does not verify with the key that is in force here"),
        ((line(FIRST, 1, ZERO_HASH, "start", START, start=4),), "line 1: it is of start 4, not 3"),
    ],
    ids=brief,
)
def test_who_must_sign_which_line(raw: tuple[bytes, ...], said: str) -> None:
    in_force = KeyInForce(3)
    found, reason = read(*raw)
    assert reason == ""
    for one in found[:-1]:
        in_force.accept(one)
    if said:
        assert told(lambda: in_force.accept(found[-1])) == f"000003.jsonl: {said}"
    else:
        assert in_force.accept(found[-1]) == (FOLLOWING if CHANGE in raw else MEMORY).public


def test_the_first_line_tells_who_signs() -> None:
    begun, marked = read(BEGUN, MARKED)[0]
    assert told(lambda: KeyInForce(3).accept(marked)) == "000003.jsonl: line 2: the first entry of a file is its start, not 'marker'"
    check_signed(begun, 3, FIRST.public)
    forged = msgspec.structs.replace(begun.entry, key=MEMORY.public.id)
    other = Line(forged, begun.detail, begun.json, begun.signature, begun.sha256, begun.end, 1, "x")
    for key in (FIRST, MEMORY):
        assert told(lambda key=key: check_signed(other, 3, key.public)).startswith("x: the signature does not verify")  # type: ignore[misc]


def opened(tmp_path: Path, content: bytes) -> BinaryIO:
    (tmp_path / "file").write_bytes(content)
    return (tmp_path / "file").open("rb")


@pytest.mark.parametrize(
    ("good", "rest", "line_ends", "at_line_end", "by_cut"),
    [
        (b"good\n", b"torn", 0, False, True),
        (b"", b"torn", 0, False, True),
        (b"good\n", b"torn\n", 1, True, True),
        (b"good\n", b"torn\nmore", 1, False, False),
        (b"good\n", b"torn\n\n", 2, True, False),
        (b"good\n", b"x" * 65_626, 0, False, True),
        (b"good\n", b"x" * 65_627, 0, False, False),
        (b"good\n", b"x" * 65_625 + b"\n", 1, True, True),
        (b"good\n", b"x" * 65_626 + b"\n", 1, True, False),
        (b"g" * 200_000 + b"\n", b"a\n" * 70_000 + b"b", 70_000, False, False),
    ],
    ids=brief,
)
def test_what_stands_behind_the_good_lines(
    tmp_path: Path, good: bytes, rest: bytes, line_ends: int, at_line_end: bool, by_cut: bool
) -> None:
    with opened(tmp_path, good + rest) as file:
        found = rest_of(file, 42, len(good), "why")
    torn = TornFile(file="000042.jsonl", good_bytes=len(good), sha256=sha(good), torn_bytes=len(rest), torn_sha256=sha(rest))
    assert found == Rest(42, torn, "why", line_ends, at_line_end)
    assert found.left_by_cut == by_cut


@pytest.mark.parametrize("good_bytes", [5, 6])
def test_nothing_stands_behind_the_end(tmp_path: Path, good_bytes: int) -> None:
    with opened(tmp_path, b"good\n") as file:
        assert rest_of(file, 1, good_bytes, "") is None
        assert rest_of(file, 1, 4, "") is not None


def test_of_a_very_long_rest_the_first_16_mib_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger_reader.MAX_TORN_HASHED == 16 * 1024 * 1024
    monkeypatch.setattr(ledger_reader, "MAX_TORN_HASHED", 100)
    with opened(tmp_path, b"good\n" + b"x\n" * 51) as file:
        found = rest_of(file, 1, 5, "")
    assert found is not None
    assert (found.torn.torn_sha256, found.torn.torn_bytes, found.line_ends) == (sha(b"x\n" * 50), 102, 50)


def ledger_of(tmp_path: Path, content: bytes, name: str = "000003.jsonl") -> Path:
    folder = tmp_path / "ledger"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        (BEGUN + b"\n", True),
        (BEGUN + b"\nanything", True),
        (BEGUN, False),
        (b"", False),
        (MARKED + b"\n", False),
        (line(MEMORY, 1, ZERO_HASH, "start", START) + b"\n", False),
        (line(FIRST, 1, ZERO_HASH, "start", START, start=4) + b"\n", False),
    ],
    ids=brief,
)
def test_the_first_line_by_itself(tmp_path: Path, content: bytes, counts: bool) -> None:
    found = first_line(ledger_of(tmp_path, content), 3)
    assert (found.text if found else None) == (BEGUN if counts else None)
    if found:
        assert found.where == "000003.jsonl: line 1"


def test_a_disk_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ledger_of(tmp_path, BEGUN + b"\n")

    def dead(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(ledger_reader, "lines", dead)
    said = f"{folder}/000003.jsonl: cannot read the ledger: Input/output error"
    assert told(lambda: first_line(folder, 3), StorageError) == said


def test_the_names_of_a_ledger(tmp_path: Path) -> None:
    folder = ledger_of(tmp_path, b"", "000010.jsonl")
    for name in ("000002.jsonl", "000003.jsonl.part", "x000004.jsonl", "0000005.jsonl", "checkpoint-000006.jsonl"):
        ledger_of(tmp_path, b"", name)
    (folder / "000007.jsonl").mkdir()
    os.mkfifo(folder / "000001.jsonl")
    assert ledger_reader.starts(folder) == [2, 10]
    assert ledger_reader.taken_numbers(folder) == {1, 2, 7, 10}
    assert [ledger_reader.file_name(number) for number in (1, 999_999)] == ["000001.jsonl", "999999.jsonl"]
    for read_names in (ledger_reader.starts, ledger_reader.taken_numbers):
        assert list(read_names(tmp_path / "nowhere")) == []


def test_neither_a_ledger_file_nor_its_folder_is_a_link(tmp_path: Path) -> None:
    folder = ledger_of(tmp_path, BEGUN + b"\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ledger").symlink_to(folder)
    (folder / "000004.jsonl").symlink_to(folder / "000003.jsonl")
    for where, name in ((folder, "000004.jsonl"), (tmp_path / "other/ledger", "000003.jsonl")):
        assert "a link stands where" in told(lambda where=where, name=name: ledger_reader.open_ledger_file(where, name))  # type: ignore[misc]
    with ledger_reader.open_ledger_file(folder, "000003.jsonl") as file:
        assert file.read() == BEGUN + b"\n"
    assert "a link stands where" in told(lambda: ledger_reader.starts(tmp_path / "other/ledger"))
