"""The ledger: durable when `append` returns, one torn line tolerated and stated, nothing else."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.entries import RecordingOpened, SegmentSealed, StartDetail, detail_as
from bodycamd.evidence.keys import EvolvingSigner, SigningKey, provision
from bodycamd.evidence.ledger import MAX_TORN_LISTED, Ledger
from bodycamd.evidence.ledger_chain import Chain, VerifiedLedger
from bodycamd.evidence.ledger_reader import file_name, lines, starts
from bodycamd.evidence.statements import ZERO_HASH, JsonValue
from tests.evidence.making import before, chain, good_part, next_start, provisioned, some_start
from tests.kit.scale import count, only_in_full


def test_starts_are_chained_from_the_registered_key(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    for _ in range(3):
        some_start(tmp_path)
    found = chain(tmp_path, registered)
    assert [(line.entry.start, line.entry.n, line.entry.type) for line in found] == [
        (start, n, "start" if n == 1 else "marker") for start in (1, 2, 3) for n in (1, 2, 3)
    ]
    assert found[0].entry.prev == ZERO_HASH
    assert found[1].entry.detail == {"at_us": 0}
    assert [path.name for path in (tmp_path / "signing").iterdir()] == ["000004.key"]
    assert len({line.entry.key for line in found}) == 6, "each start: one key of a file for its first entry, one of memory for the rest"
    assert found[4].entry.key == found[5].entry.key
    stranger = provisioned(tmp_path / "other")
    with pytest.raises(DataError, match="another key"):
        chain(tmp_path, stranger)


def test_each_key_of_memory_names_its_successor_and_signs_nothing_after_it(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    ledger = next_start(tmp_path)
    assert not ledger.change_key(), "a key that has signed no footage stays"
    keys = [ledger.start.signer.public]
    for _ in range(3):
        ledger.start.key_signed_footage = True
        assert ledger.change_key()
        ledger.append("marker", {})
        keys.append(ledger.start.signer.public)
    ledger.close()
    found = chain(tmp_path, registered)
    assert [line.entry.type for line in found] == ["start", *["key_changed", "marker"] * 3]
    signers = [registered, keys[0], *[key for key in keys[1:] for _ in range(2)]][:7]
    assert [line.entry.key for line in found] == [key.id for key in signers]
    walk = Chain(tmp_path / "ledger", registered)
    assert list(dict.fromkeys(walk.key for _ in walk)) == keys
    content = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(content[:1] + content[2:]))
    with pytest.raises(DataError):
        chain(tmp_path, registered)


def test_a_change_of_key_that_the_disk_refuses_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = provisioned(tmp_path)
    ledger = next_start(tmp_path)
    ledger.start.key_signed_footage = True
    key, real = ledger.start.signer.public, os.fdatasync

    def fail(descriptor: int) -> None:
        monkeypatch.setattr(os, "fdatasync", real)
        raise OSError(errno.EIO, "injected")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(StorageError):
        ledger.change_key()
    assert ledger.start.signer.public == key
    ledger.append("marker", {})
    assert ledger.change_key()
    ledger.close()
    assert [line.entry.type for line in chain(tmp_path, registered)] == ["start", "marker", "key_changed"]


def test_typed_entries_are_checked_when_written_and_when_read(tmp_path: Path) -> None:
    provisioned(tmp_path)
    ledger = next_start(tmp_path)
    opened = RecordingOpened(recording="000001-0001", keep_from_us=5, warning="skipped")
    signed = ledger.note(opened)
    assert signed.entry.detail == {"recording": "000001-0001", "keep_from_us": 5, "warning": "skipped"}
    assert detail_as(signed.entry, RecordingOpened, "x") == opened
    with pytest.raises(DataError, match="is not 'segment_sealed'"):
        detail_as(signed.entry, SegmentSealed, "x")
    size = ledger.path.stat().st_size
    short: dict[str, JsonValue] = {"recording": "000001-0001", "keep_from_us": 1}
    for bad in ({}, {**short, "recording": "x", "warning": "none"}, short):
        with pytest.raises(DataError):
            ledger.append("recording_opened", bad)
    with pytest.raises(DataError):
        ledger.append("Not A Name", {})
    assert ledger.path.stat().st_size == size
    ledger.append("battery", {"percent": 12.5, "level": "low"})
    ledger.close()


@only_in_full
def test_every_cut_leaves_the_whole_lines_before_it(tmp_path: Path, unsynced: None) -> None:
    provisioned(tmp_path)
    some_start(tmp_path, markers=1)
    path = tmp_path / "ledger" / "000001.jsonl"
    content = path.read_bytes()
    for size in range(len(content), -1, -1):
        os.truncate(path, size)
        found, rest = good_part(tmp_path / "ledger")
        good = content.rfind(b"\n", 0, size) + 1
        assert (found[-1].end if found else 0) == good
        assert (rest is None) == (size == good)
        if rest is not None:
            assert (rest.torn.good_bytes, rest.torn.torn_bytes) == (good, size - good)
            assert rest.torn.sha256 == hashlib.sha256(content[:good]).hexdigest()
            assert rest.left_by_cut
        assert path.stat().st_size == size


@only_in_full
def test_every_flipped_byte_ends_what_is_good_before_its_line(tmp_path: Path) -> None:
    provisioned(tmp_path)
    some_start(tmp_path, markers=1)
    path = tmp_path / "ledger" / "000001.jsonl"
    content = path.read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        found, rest = good_part(tmp_path / "ledger")
        assert (found[-1].end if found else 0) == content.rfind(b"\n", 0, at) + 1, at
        assert rest is not None
        assert rest.reason


def test_a_torn_line_is_stated_by_the_next_start_and_left_as_it_is(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    some_start(tmp_path)
    first = tmp_path / "ledger" / "000001.jsonl"
    torn = first.read_bytes() + b'c2ln {"half":'
    first.write_bytes(torn)
    assert [rest.torn.torn_bytes for rest in before(tmp_path).rests] == [13]
    live = Chain(tmp_path / "ledger", registered)
    assert len(list(live)) == 3
    assert [rest.torn.file for rest in live.unstated] == ["000001.jsonl"]
    some_start(tmp_path)
    some_start(tmp_path)
    assert first.read_bytes() == torn
    found = chain(tmp_path, registered)
    stated = [detail_as(line.entry, StartDetail, "x").torn_ledgers for line in found if line.entry.type == "start"]
    assert [len(files) for files in stated] == [0, 1, 0]
    assert (stated[1][0].file, stated[1][0].torn_bytes) == ("000001.jsonl", 13)
    assert stated[1][0].good_bytes == len(torn) - 13
    for changed in (torn[:-1], torn + b"x", torn[:-13]):
        first.write_bytes(changed)
        with pytest.raises(DataError, match="torn ledger files"):
            chain(tmp_path, registered)


def test_a_torn_line_may_have_kept_its_end(tmp_path: Path) -> None:
    """A card may keep the last sector of a line and lose the one before: then it is torn, and ends like a whole one."""
    registered = provisioned(tmp_path)
    some_start(tmp_path)
    first = tmp_path / "ledger" / "000001.jsonl"
    whole = first.read_bytes()
    good = whole[:-1].rfind(b"\n") + 1
    for lost in (range(good, good + 40), range(good, len(whole) - 1)):
        torn = bytearray(whole)
        torn[lost.start : lost.stop] = bytes(len(lost))
        first.write_bytes(torn)
        with pytest.raises(DataError, match=r"000001\.jsonl: line 3"):
            chain(tmp_path, registered)
        assert [line.entry.type for line in VerifiedLedger(tmp_path / "ledger")] == ["start", "marker"]
    some_start(tmp_path)
    assert len(chain(tmp_path, registered)) == 5
    (stated,) = detail_as(chain(tmp_path, registered)[2].entry, StartDetail, "x").torn_ledgers
    assert (stated.good_bytes, stated.torn_bytes) == (good, len(whole) - good)
    last = whole[good:]
    for changed in (whole[:good] + b"!" + last[1:], bytes(torn) + last, bytes(torn) + b"\n", bytes(torn[:-1])):
        first.write_bytes(changed)
        with pytest.raises(DataError, match=r"torn ledger files|000001\.jsonl"):
            chain(tmp_path, registered)


@only_in_full
@pytest.mark.parametrize("broken", ["a whole line after it", "two line ends", "longer than any line"])
def test_more_than_a_broken_last_line_is_no_torn_one(tmp_path: Path, broken: str) -> None:
    """Even where a start states it: no cut leaves a line after a broken one, nor more than a line."""
    registered = provisioned(tmp_path)
    some_start(tmp_path)
    first = tmp_path / "ledger" / "000001.jsonl"
    *whole, second, third = first.read_bytes().splitlines(keepends=True)
    rest = {"a whole line after it": b"!" + second[1:] + third, "two line ends": b"\n\n", "longer than any line": b"x" * 70_000 + b"\n"}
    first.write_bytes(b"".join(whole) + rest[broken])
    some_start(tmp_path)
    with pytest.raises(DataError, match=r"000001\.jsonl: line 2"):
        chain(tmp_path, registered)


def test_a_changed_missing_or_added_line_breaks_the_chain(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    for _ in range(3):
        some_start(tmp_path)
    second = tmp_path / "ledger" / "000002.jsonl"
    content = second.read_bytes()
    whole = content.splitlines(keepends=True)
    other_detail = content.replace(b'"at_us":0', b'"at_us":1')
    for changed in (b"".join(whole[:2]), b"".join(whole[:1] + whole[2:]), content + whole[2], b"", other_detail):
        second.write_bytes(changed)
        with pytest.raises(DataError):
            chain(tmp_path, registered)
    second.unlink()
    with pytest.raises(DataError, match="prev is not"):
        chain(tmp_path, registered)
    second.write_bytes(content)
    assert len(chain(tmp_path, registered)) == 9
    (tmp_path / "ledger" / "000001.jsonl").rename(tmp_path / "ledger" / "000004.jsonl")
    with pytest.raises(DataError):
        chain(tmp_path, registered)


@only_in_full
@settings(max_examples=count(3000))
@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_a_data_error(content: bytes) -> None:
    with pytest.raises(DataError):
        list(lines(io.BytesIO(b"x" + content), "000001.jsonl"))


@pytest.mark.parametrize(
    "line",
    [
        b"A" * 88 + b" {}",
        b"!" * 88 + b" {}",
        b"A" * 85 + b"B== {}",
        b"A" * 86 + b"==  {}",
        b"A" * 86 + b"==\t{}",
        b"A" * 84 + b" {}",
        b"\n",
        b"A" * 86 + b"== " + b"x" * 70_000,
        b"x" * 200_000,
    ],
)
def test_lines_of_another_form_are_refused(line: bytes) -> None:
    with pytest.raises(DataError, match=r"^000001\.jsonl: line 1"):
        list(lines(io.BytesIO(line + b"\n"), "000001.jsonl"))


def test_a_start_whose_number_is_taken_is_refused(tmp_path: Path) -> None:
    provisioned(tmp_path)
    (tmp_path / "ledger").mkdir()
    ledger = next_start(tmp_path)
    ledger.close()
    with pytest.raises(StorageError, match="cannot create the ledger"):
        Ledger(tmp_path / "ledger" / file_name(1), ledger.start, EvolvingSigner(SigningKey.generate()), ZERO_HASH)
    assert (starts(tmp_path / "ledger"), starts(tmp_path / "nowhere")) == ([1], [])


def test_a_ledger_without_its_key_is_told_never_replaced(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    some_start(tmp_path)
    (tmp_path / "signing" / "000002.key").unlink()
    with pytest.raises(StorageError, match="the key that the ledger names"):
        next_start(tmp_path)
    provision(tmp_path / "signing")
    with pytest.raises(StorageError, match="the key that the ledger names"):
        next_start(tmp_path)
    assert starts(tmp_path / "ledger") == [1]
    assert len(chain(tmp_path, registered)) == 3


def test_a_camera_whose_ledger_is_gone_does_not_begin_again(tmp_path: Path) -> None:
    provisioned(tmp_path)
    some_start(tmp_path)
    (tmp_path / "ledger" / "000001.jsonl").unlink()
    with pytest.raises(StorageError, match="the first key"):
        next_start(tmp_path)
    assert [path.name for path in (tmp_path / "signing").iterdir()] == ["000002.key"]


def test_a_full_disk_takes_the_half_line_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = provisioned(tmp_path)
    ledger = next_start(tmp_path)
    before = ledger.path.read_bytes()
    real_writev = os.writev

    def half(descriptor: int, buffers: list[memoryview]) -> int:
        if real_writev(descriptor, [buffers[0][:40]]) == 40 and len(buffers[0]) > 300:
            return 40
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", half)
        with pytest.raises(StorageError, match="No space left"):
            ledger.append("marker", {"text": "x" * 300})
    assert ledger.path.read_bytes() == before
    assert ledger.append("marker").entry.n == 3
    ledger.close()
    assert [line.entry.n for line in chain(tmp_path, registered)] == [1, 3]


def test_a_dead_disk_stops_the_ledger_until_it_is_well_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = provisioned(tmp_path)
    ledger = next_start(tmp_path)

    def dead(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        for name in ("fdatasync", "ftruncate"):
            patch.setattr(os, name, dead)
        with pytest.raises(StorageError, match="Input/output"):
            ledger.append("marker")
        with pytest.raises(StorageError, match="cannot be written since"):
            ledger.append("marker")
    ledger.append("marker", {"text": "after"})
    ledger.close()
    assert [line.entry.type for line in chain(tmp_path, registered)] == ["start", "marker"], "what was not durable is taken back"
    with pytest.raises(StorageError, match="it was closed"):
        ledger.append("marker")


def test_more_torn_files_than_fit_are_counted(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    some_start(tmp_path)
    for start in range(2, MAX_TORN_LISTED + 30):
        (tmp_path / "ledger" / file_name(start)).write_bytes(b"torn")
    next_start(tmp_path).close()
    detail = detail_as(chain(tmp_path, registered)[-1].entry, StartDetail, "x")
    assert (len(detail.torn_ledgers), detail.torn_ledgers_unlisted) == (MAX_TORN_LISTED, 28)
    (tmp_path / "ledger" / file_name(3)).unlink()
    with pytest.raises(DataError, match="torn ledger files"):
        chain(tmp_path, registered)
