"""Behind what the next start goes on, case by case: whole ledgers, torn, damaged and unreadable ones."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import msgspec
import pytest

from bodycamd.evidence import ledger as ledger_module
from bodycamd.evidence.entries import StartDetail, TornFile
from bodycamd.evidence.keys import KeyFolder, PublicKey
from bodycamd.evidence.ledger import LastStart, last_start
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import rest_of
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.making import before, content_of, next_start, only_key, provisioned, put, some_start
from tests.evidence.written_ledger import sha, torn_file


def head_of(content: bytes) -> str:
    return sha(content.splitlines()[-1])


def told_of(found: LastStart) -> tuple[int, str, PublicKey | None, list[TornFile], tuple[str, ...]]:
    return found.number, found.head, found.next_key, [rest.torn for rest in found.rests], found.files


@pytest.mark.usefixtures("unsynced")
def test_behind_what_the_next_start_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    provisioned(tmp_path)
    assert before(tmp_path) == LastStart(0, ZERO_HASH, None, (), ())
    put(tmp_path, 1, b"torn")
    assert told_of(before(tmp_path)) == (0, ZERO_HASH, None, [torn_file(1, b"", b"torn")], ("000001.jsonl",))
    some_start(tmp_path)
    some_start(tmp_path)
    whole = content_of(tmp_path, 3)
    assert told_of(before(tmp_path)) == (3, head_of(whole), only_key(tmp_path), [], ("000003.jsonl",))
    put(tmp_path, 3, whole + b"half")
    put(tmp_path, 4, b"torn")
    rests = [torn_file(3, whole, b"half"), torn_file(4, b"", b"torn")]
    expected = (3, head_of(whole), only_key(tmp_path), rests, ("000003.jsonl", "000004.jsonl"))
    assert told_of(before(tmp_path)) == expected
    past = VerifiedLedger(tmp_path / "ledger")
    assert len(list(past)) == 6
    put(tmp_path, 3, b"what was read is not read again")
    assert told_of(last_start(tmp_path / "ledger", KeyFolder(tmp_path / "signing"), past)) == expected
    assert caplog.messages == []


@pytest.mark.usefixtures("unsynced")
def test_a_damaged_ledger_goes_on_behind_the_newest_start_whose_key_is_here(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    provisioned(tmp_path)
    for _ in range(3):
        some_start(tmp_path)
    first, third = content_of(tmp_path, 1), content_of(tmp_path, 3)
    damaged = first[:-9] + b"x" + first[-8:]
    put(tmp_path, 1, damaged)
    key = only_key(tmp_path)
    assert told_of(before(tmp_path)) == (3, head_of(third), key, [], ("000003.jsonl",))
    damage = "the ledger does not verify to its end, this start continues all the same: 000002.jsonl: line 1 does not verify"
    assert caplog.messages == [damage]
    put(tmp_path, 3, third + b"half")
    put(tmp_path, 4, content_of(tmp_path, 2))
    put(tmp_path, 5, b"")
    put(tmp_path, 6, b"torn")
    found = before(tmp_path)
    rests = [torn_file(3, third, b"half"), torn_file(4, b"", content_of(tmp_path, 2)), torn_file(6, b"", b"torn")]
    assert told_of(found) == (3, head_of(third), key, rests, ("000003.jsonl",))
    assert [rest.reason for rest in found.rests] == [
        "000003.jsonl: line 4: torn, 4 bytes without a line end",
        "000004.jsonl: of no start that this camera has a key of",
        "000006.jsonl: of no start that this camera has a key of",
    ]
    ledger = next_start(tmp_path)
    ledger.close()
    detail = msgspec.convert(msgspec.json.decode(content_of(tmp_path, 7)[89:])["detail"], StartDetail)
    assert (detail.public_key, list(detail.torn_ledgers)) == (key.raw.hex(), rests)


@pytest.mark.usefixtures("unsynced")
def test_a_start_that_signs_for_itself_only_as_far_as_it_verifies(tmp_path: Path) -> None:
    provisioned(tmp_path)
    for _ in range(2):
        some_start(tmp_path)
    put(tmp_path, 1, b"gone\n")
    whole = content_of(tmp_path, 2)
    lines = whole.splitlines(keepends=True)
    rest = b"x" * 88 + lines[1][88:] + lines[2]
    put(tmp_path, 2, lines[0] + rest)
    found = before(tmp_path)
    assert told_of(found) == (2, head_of(lines[0]), only_key(tmp_path), [torn_file(2, lines[0], rest)], ("000002.jsonl",))


@pytest.mark.usefixtures("unsynced")
def test_a_ledger_of_which_no_key_is_here_is_begun_with_the_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    provisioned(tmp_path)
    for _ in range(2):
        some_start(tmp_path)
    (tmp_path / "signing/000003.key").unlink()
    put(tmp_path, 1, b"x" + content_of(tmp_path, 1))
    rests = [torn_file(number, b"", content_of(tmp_path, number)) for number in (1, 2)]
    assert told_of(before(tmp_path)) == (0, ZERO_HASH, None, rests, ())


@pytest.mark.usefixtures("unsynced")
def test_a_file_that_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provisioned(tmp_path)
    for _ in range(2):
        some_start(tmp_path)
    put(tmp_path, 1, b"x" + content_of(tmp_path, 1))
    put(tmp_path, 3, b"torn")
    real, unreadable = rest_of, [3]

    def read_rest(file: object, start: int, good_bytes: int, reason: str) -> object:
        if start in unreadable:
            raise OSError(errno.EIO, "Input/output error")
        return real(file, start, good_bytes, reason)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger_module, "rest_of", read_rest)
    found = before(tmp_path)
    assert (found.number, found.rests) == (2, ())
    passed_over = [f"passed over: {tmp_path}/ledger/00000{n}.jsonl: cannot read the ledger: Input/output error" for n in (3, 2)]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR][1:] == passed_over[:1]
    unreadable.append(2)
    caplog.clear()
    assert [rest.start for rest in before(tmp_path).rests] == [1]
    assert caplog.messages[1:] == passed_over
