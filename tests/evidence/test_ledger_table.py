"""The ledger of the running start, case by case: what is written and when it is durable, behind what a start goes on, and what is told."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bodycamd.errors import StorageError
from bodycamd.evidence import ledger as ledger_module
from bodycamd.evidence.entries import KeyChanged, StartDetail
from bodycamd.evidence.keys import EvolvingSigner, KeyFolder, SigningKey
from bodycamd.evidence.ledger import LastStart, Ledger, next_number, open_ledger
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.statements import ZERO_HASH
from bodycamd.linux import durable
from tests.evidence.cutting import Journal
from tests.evidence.making import BOOT_ID, content_of, new_start, only_key, provisioned, put, some_start, stepping_clock, told
from tests.evidence.written_ledger import sha, torn_file


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


def begin(root: Path, start: int, previous: LastStart | None = None) -> Ledger:
    return open_ledger(
        root / "ledger",
        root / "signing",
        start=start,
        device="cam-9",
        boot_id=BOOT_ID,
        clock=stepping_clock(),
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
