"""The ledger of the running start, case by case: what is written and when it is durable, behind what a start goes on, and what is told."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bodycamd.errors import StorageError
from bodycamd.evidence import durable
from bodycamd.evidence import ledger as ledger_module
from bodycamd.evidence.entries import KeyChanged, StartDetail, TornFile
from bodycamd.evidence.keys import EvolvingSigner, KeyFolder, PublicKey, SigningKey
from bodycamd.evidence.ledger import LastStart, Ledger, last_start, next_number, open_ledger
from bodycamd.evidence.ledger_chain import Chain, VerifiedLedger
from bodycamd.evidence.ledger_reader import rest_of
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.cutting import Journal
from tests.evidence.making import BOOT_ID, SteppingClock, before, new_start, next_start, provisioned, some_start, told


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def steps(root: Path, action: Callable[[], object]) -> list[tuple[str, str]]:
    journal = Journal(root)
    journal.record(action)
    return [(operation.kind, os.path.relpath(operation.path, root)) for operation in journal.operations]


def failing(name: str, message: str = "Input/output error") -> Callable[..., None]:
    def fail(*arguments: object, **more: object) -> None:
        raise OSError(errno.EIO, message) if message else OSError("odd")

    return fail


def bare(tmp_path: Path, head: str = ZERO_HASH) -> Ledger:
    """A ledger with no start entry."""
    signer = EvolvingSigner(SigningKey.generate())
    start = new_start()
    start.signer = signer
    return Ledger(tmp_path / "ledger/000001.jsonl", start, signer, head)


def test_an_entry_is_one_durable_line_and_the_first_makes_the_name_durable(tmp_path: Path) -> None:
    ledger = bare(tmp_path, "ab" * 32)
    file = ("ledger/000001.jsonl",)
    assert steps(tmp_path, lambda: ledger.append("marker")) == [("write", *file), ("sync", *file), ("sync folder", "ledger")]
    first = ledger.path.read_bytes()
    assert first.endswith(b"\n")
    assert ledger.head == sha(first[:-1])
    assert steps(tmp_path, lambda: ledger.append("battery", {"percent": 5, "level": None})) == [("write", *file), ("sync", *file)]
    second = ledger.path.read_bytes()[len(first) :]
    fields = [msgspec.json.decode(line[89:]) for line in (first, second)]
    assert [(entry["n"], entry["prev"], entry["type"], entry.get("detail")) for entry in fields] == [
        (1, "ab" * 32, "marker", None),
        (2, sha(first[:-1]), "battery", {"percent": 5}),
    ]
    assert ledger.head == sha(second[:-1])
    signed = ledger.note(KeyChanged(public_key="cd" * 32))
    assert (signed.entry.type, signed.entry.detail) == ("key_changed", {"public_key": "cd" * 32})
    assert ledger.path.read_bytes().endswith(signed.json + b"\n")
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    ledger.close()


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    bare(tmp_path).close()
    assert told(lambda: bare(tmp_path), StorageError) == f"{tmp_path}/ledger/000001.jsonl: cannot create the ledger: File exists"


def test_what_the_disk_refuses_is_taken_back_durably(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = bare(tmp_path)
    said = f"{ledger.path}: cannot write 'marker': Input/output error"
    for name in ("fdatasync", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing(name))
            assert told(lambda: ledger.append("marker"), StorageError) == said
    assert ledger.path.read_bytes() == b"", "the name was not durable: nor is the line"
    assert ledger.head == ZERO_HASH
    ledger.append("marker")
    whole, head, real = ledger.path.read_bytes(), ledger.head, os.writev

    def half(descriptor: int, buffers: list[memoryview]) -> int:
        if len(buffers[0]) > 100:
            return real(descriptor, [buffers[0][:100]])
        raise OSError(errno.ENOSPC, "No space left on device")

    def refused() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "writev", half)
            told(lambda: ledger.append("marker", {"text": "x" * 300}), StorageError)

    taken_back = [("truncate", "ledger/000001.jsonl"), ("sync", "ledger/000001.jsonl")]
    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_all", failing("write_all"))
        assert steps(tmp_path, lambda: told(lambda: ledger.append("marker"), StorageError)) == taken_back
    refused()
    assert (ledger.path.read_bytes(), ledger.head) == (whole, head)
    ledger.append("marker")
    longer = ledger.path.read_bytes()
    assert longer.startswith(whole)
    refused()
    assert ledger.path.read_bytes() == longer
    ledger.close()


@pytest.mark.parametrize(("message", "reason"), [("Input/output error", "Input/output error"), ("", "odd")])
def test_a_line_that_cannot_be_taken_back_stops_the_ledger_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str, reason: str
) -> None:
    ledger = bare(tmp_path)
    ledger.append("marker")
    whole = ledger.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing("fdatasync", message))
        told(lambda: ledger.append("marker"), StorageError)
        patch.setattr(os, "writev", failing("writev", "must not be tried"))
        said = f"{ledger.path}: the ledger cannot be written since: {reason}"
        assert told(lambda: ledger.append("marker"), StorageError) == said
    assert ledger.append("marker").entry.prev == sha(whole[:-1])
    assert ledger.path.read_bytes().startswith(whole)
    ledger.append("marker")
    ledger.close()


def test_a_closed_ledger_writes_nothing(tmp_path: Path) -> None:
    ledger = bare(tmp_path)
    open_files = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        ledger.close()
        assert len(os.listdir("/proc/self/fd")) == open_files - 1
        assert told(lambda: ledger.append("marker"), StorageError) == f"{ledger.path}: the ledger cannot be written since: it was closed"


def test_a_key_is_replaced_once_it_has_signed_footage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = bare(tmp_path)
    first = ledger.start.signer.public
    assert ledger.change_key() is False
    assert ledger.path.read_bytes() == b""
    ledger.start.key_signed_footage = True
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", failing("writev"))
        told(ledger.change_key, StorageError)
    assert (ledger.start.signer.public, ledger.start.key_signed_footage) == (first, True), "the old key stays"
    assert ledger.change_key() is True
    entry = msgspec.json.decode(ledger.path.read_bytes()[89:])
    following = ledger.start.signer.public
    assert (entry["type"], entry["key"], entry["detail"]) == ("key_changed", first.id, {"public_key": following.raw.hex()})
    assert following != first
    assert ledger.start.key_signed_footage is False
    assert ledger.change_key() is False
    ledger.close()


@pytest.mark.parametrize(
    ("last", "taken", "number"),
    [(0, [], 1), (0, [1, 2], 3), (5, [], 6), (5, [5, 7], 6), (5, [6, 7, 9], 8), (999_998, [], 999_999), (999_997, [999_998], 999_999)],
)
def test_the_number_of_the_next_start(last: int, taken: list[int], number: int) -> None:
    assert next_number(last, taken) == number


@pytest.mark.parametrize(("last", "taken"), [(999_999, []), (999_998, [999_999]), (999_997, [999_998, 999_999])])
def test_when_no_number_is_left(last: int, taken: list[int]) -> None:
    said = f"no number is left for a start after {last}: names up to 999999 are taken in the store"
    assert told(lambda: next_number(last, taken), StorageError) == said


def put(root: Path, start: int, content: bytes) -> None:
    (root / "ledger").mkdir(exist_ok=True)
    (root / "ledger" / f"{start:06d}.jsonl").write_bytes(content)


def content_of(root: Path, start: int) -> bytes:
    return (root / "ledger" / f"{start:06d}.jsonl").read_bytes()


def torn_file(start: int, good: bytes, rest: bytes) -> TornFile:
    return TornFile(file=f"{start:06d}.jsonl", good_bytes=len(good), sha256=sha(good), torn_bytes=len(rest), torn_sha256=sha(rest))


def head_of(content: bytes) -> str:
    return sha(content.splitlines()[-1])


def only_key(root: Path) -> PublicKey:
    (found,) = [key for _, key in KeyFolder(root / "signing")._read_all() if key is not None]
    return found.public


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
    damage = "the ledger does not verify to its end, this start goes on all the same: 000002.jsonl: line 1 does not verify"
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


def begin(root: Path, start: int, previous: LastStart | None = None) -> Ledger:
    return open_ledger(
        root / "ledger",
        root / "signing",
        start=start,
        device="cam-9",
        boot_id=BOOT_ID,
        clock=SteppingClock(),
        software="1.2.3",
        config_sha256="cd" * 32,
        previous=previous,
    )


def test_a_start_states_its_keys_and_what_it_found(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    for number in (1, 2):
        put(tmp_path, number, b"torn")
    ledger = begin(tmp_path, 3)
    line = next(iter(Chain(tmp_path / "ledger", registered)))
    following, in_memory = only_key(tmp_path), ledger.start.signer.public
    assert line.detail == StartDetail(
        format="bodycam-ledger/2",
        public_key=registered.raw.hex(),
        next_public_key=following.raw.hex(),
        ram_public_key=in_memory.raw.hex(),
        software="1.2.3",
        config_sha256="cd" * 32,
        torn_ledgers=(torn_file(1, b"", b"torn"), torn_file(2, b"", b"torn")),
    )
    entry = line.entry
    assert (entry.n, entry.start, entry.device, entry.boot_id, entry.key) == (1, 3, "cam-9", BOOT_ID, registered.id)
    assert len({registered, following, in_memory}) == 3
    assert [path.name for path in (tmp_path / "signing").iterdir()] == ["000004.key"]
    assert ledger.start.number == 3
    ledger.start.key_signed_footage = True
    assert ledger.change_key()
    ledger.append("marker")
    assert len(list(Chain(tmp_path / "ledger", registered))) == 3
    ledger.close()


@pytest.mark.parametrize(("most", "listed", "unlisted"), [(3, (1, 2, 3), 0), (4, (1, 2, 3), 0), (2, (2, 3), 1), (1, (3,), 2)])
def test_only_so_many_torn_files_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, listed: tuple[int, ...], unlisted: int
) -> None:
    registered = provisioned(tmp_path)
    for number in (1, 2, 3):
        put(tmp_path, number, b"torn")
    monkeypatch.setattr(ledger_module, "MAX_TORN_LISTED", most)
    begin(tmp_path, 4).close()
    (line,) = Chain(tmp_path / "ledger", registered)
    assert isinstance(line.detail, StartDetail)
    assert [torn.file for torn in line.detail.torn_ledgers] == [f"00000{number}.jsonl" for number in listed]
    assert line.detail.torn_ledgers_unlisted == unlisted


def test_a_start_states_nothing_of_files_after_its_own(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    for number in (1, 3):
        put(tmp_path, number, b"torn")
    begin(tmp_path, 2).close()
    (line,) = Chain(tmp_path / "ledger", registered)
    assert isinstance(line.detail, StartDetail)
    assert [torn.file for torn in line.detail.torn_ledgers] == ["000001.jsonl"]


def test_what_a_start_is_given_it_does_not_look_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provisioned(tmp_path)
    monkeypatch.setattr(ledger_module, "last_start", failing("last_start"))
    begin(tmp_path, 1, LastStart(0, "ef" * 32, None, (), ())).close()
    assert msgspec.json.decode(content_of(tmp_path, 1)[89:])["prev"] == "ef" * 32


def test_what_is_relied_on_is_made_durable_before_any_key_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provisioned(tmp_path)
    some_start(tmp_path)
    keys = sorted((tmp_path / "signing").iterdir())
    for name in ("fdatasync", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing(name))
            said = f"{tmp_path}/ledger: cannot make the ledger durable: Input/output error"
            assert told(lambda: begin(tmp_path, 2), StorageError) == said
    assert sorted((tmp_path / "signing").iterdir()) == keys
    assert steps(tmp_path, lambda: begin(tmp_path, 2).close())[:3] == [
        ("sync", "ledger/000001.jsonl"),
        ("sync folder", "ledger"),
        ("create", "signing/000003.key"),
    ]
    fresh = tmp_path / "fresh"
    provisioned(fresh)
    assert steps(fresh, lambda: begin(fresh, 1).close())[0] == ("create", "signing/000002.key")


def test_a_start_that_could_not_begin_leaves_nothing_open_and_no_key_erased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provisioned(tmp_path)
    for name in ("note", "erase"):
        with monkeypatch.context() as patch:
            where = Ledger if name == "note" else KeyFolder
            open_files = len(os.listdir("/proc/self/fd"))
            patch.setattr(where, name, failing(name))
            with pytest.raises(OSError, match="Input/output error"):
                begin(tmp_path, 1)
            assert len(os.listdir("/proc/self/fd")) == open_files
        assert sorted(path.name for path in (tmp_path / "signing").iterdir()) == ["000001.key", "000002.key"]
        (tmp_path / "signing/000002.key").unlink()
        (tmp_path / "ledger/000001.jsonl").unlink()
