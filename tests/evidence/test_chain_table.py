"""The chain of starts, case by case: whose word counts, what is left where a file ends, and what goes on behind a checkpoint."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import ledger_chain
from bodycamd.evidence.ledger_chain import Chain, UnregisteredKeyError, VerifiedLedger
from bodycamd.evidence.ledger_reader import Line, lines
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.making import told
from tests.evidence.written_ledger import KEYS, MEMORY, NOT_THERE, TORN, Written, read, stated, torn_file


@pytest.fixture
def ledger(tmp_path: Path) -> Written:
    return Written(tmp_path / "ledger")


def test_nothing_is_read_of_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        chain = Chain(folder, KEYS[0].public)
        assert read(chain) == ([], "")
        assert (chain.head, chain.key, chain.next_key, chain.start, chain.failed) == (ZERO_HASH, KEYS[0].public, KEYS[0].public, 0, False)
    empty = Chain(tmp_path)
    assert (empty.unstated, empty.pending, empty.strays, empty.start, empty.failed) == ([], [], [], 0, False)
    assert (read(empty), empty.key, empty.next_key, empty.checkpoint) == (([], ""), None, None, None)


def test_each_line_tells_where_the_chain_stands(ledger: Written) -> None:
    ledger.start(1, ("marker", {}), ("key_changed", {"public_key": KEYS[7].public.raw.hex()}))
    ledger.start(2)
    chain = Chain(ledger.folder, KEYS[0].public)
    seen = [(chain.start, chain.key, chain.next_key, chain.head == line.sha256) for line in chain]
    memory = MEMORY.public
    assert seen == [
        (1, memory, KEYS[1].public, True),
        (1, memory, KEYS[1].public, True),
        (1, KEYS[7].public, KEYS[1].public, True),
        (2, memory, KEYS[2].public, True),
        (2, memory, KEYS[2].public, True),
    ]
    assert (chain.head, chain.failed, chain.unstated, chain.pending, chain.strays) == (ledger.head, False, [], [], [])
    assert read(Chain(ledger.folder)) == (["1:1", "1:2", "1:3", "2:1", "2:2"], "")


def test_whose_key_begins_and_goes_on(ledger: Written) -> None:
    ledger.start(1)
    said = told(lambda: list(Chain(ledger.folder, KEYS[5].public)), UnregisteredKeyError)
    assert said == "000001.jsonl: line 1: signed by another key than was registered"
    ledger.start(2, by=KEYS[5], stated={"public_key": KEYS[5].public.raw.hex()}, key=KEYS[5].public.id)
    for registered in (None, KEYS[0].public):
        chain = Chain(ledger.folder, registered)
        assert read(chain) == (["1:1", "1:2"], "000002.jsonl: line 1: signed by another key than the start before it named")
        assert chain.failed


def test_the_first_start_of_all_follows_on_nothing(ledger: Written) -> None:
    ledger.start(1, prev="ab" * 32)
    assert read(Chain(ledger.folder)) == ([], "000001.jsonl: line 1: prev is not the SHA-256 of the last good line before this start")


@pytest.mark.parametrize("prev", [ZERO_HASH, "ab" * 32])
def test_a_start_that_does_not_follow_on_the_last_line(ledger: Written, prev: str) -> None:
    ledger.start(1)
    ledger.start(2, prev=prev)
    assert read(Chain(ledger.folder))[1] == "000002.jsonl: line 1: prev is not the SHA-256 of the last good line before this start"


def test_starts_need_not_be_numbered_without_a_gap(ledger: Written) -> None:
    ledger.start(1)
    ledger.put(2, b"")
    ledger.start(3)
    assert read(Chain(ledger.folder)) == (["1:1", "1:2", "3:1", "3:2"], "")


WITH_END = TORN + b"\n"


@pytest.mark.parametrize(
    ("rest", "states", "reason"),
    [
        (b"", [], ""),
        (b"", [TORN], f"000002.jsonl: line 1: {NOT_THERE}"),
        (TORN, [TORN], ""),
        (TORN, [], f"000002.jsonl: line 1: {NOT_THERE} (000001.jsonl: line 3: torn, 4 bytes without a line end)"),
        (TORN, [b"Torn"], f"000002.jsonl: line 1: {NOT_THERE} (000001.jsonl: line 3: torn, 4 bytes without a line end)"),
        (TORN, [TORN, TORN], f"000002.jsonl: line 1: {NOT_THERE} (000001.jsonl: line 3: torn, 4 bytes without a line end)"),
        (TORN, 1, ""),
        (TORN, 2, f"000002.jsonl: line 1: {NOT_THERE} (000001.jsonl: line 3: torn, 4 bytes without a line end)"),
        (b"", 1, f"000002.jsonl: line 1: {NOT_THERE}"),
        (WITH_END, [WITH_END], ""),
        (WITH_END, 1, "000001.jsonl: line 3: not a signature of 88 characters, a space and JSON"),
        (WITH_END * 2, [WITH_END * 2], "000001.jsonl: line 3: not a signature of 88 characters, a space and JSON"),
        (WITH_END + TORN, [WITH_END + TORN], "000001.jsonl: line 3: not a signature of 88 characters, a space and JSON"),
        (b"x" * 70_000, [b"x" * 70_000], "000001.jsonl: line 3: too long"),
    ],
)
def test_what_a_start_states_of_the_file_before_it(ledger: Written, rest: bytes, states: Sequence[bytes] | int, reason: str) -> None:
    ledger.start(1, rest=rest)
    unlisted = states if isinstance(states, int) else 0
    torn = [] if isinstance(states, int) else [torn_file(1, ledger.good[1], part) for part in states]
    ledger.start(2, stated=stated(*torn, unlisted=unlisted))
    ledger.start(3)
    chain = Chain(ledger.folder)
    found, said = read(chain)
    assert (found, said) == ((["1:1", "1:2"], reason) if reason else (["1:1", "1:2", "2:1", "2:2", "3:1", "3:2"], ""))
    if not reason:
        assert (chain.unstated, chain.pending) == ([], [])


def test_of_several_torn_files_the_newest_are_listed(ledger: Written) -> None:
    ledger.start(1, rest=TORN)
    for number, content in ((2, b"two"), (3, b""), (4, b"four\n")):
        ledger.put(number, content)
    all_of_it = [torn_file(1, ledger.good[1], TORN), torn_file(2, b"", b"two"), torn_file(4, b"", b"four\n")]
    head = ledger.head
    for listed, unlisted, good in (
        (all_of_it, 0, True),
        (all_of_it[1:], 1, True),
        (all_of_it[2:], 2, True),
        (all_of_it[2:], 1, False),
        (all_of_it[1:], 0, False),
        (all_of_it[:2], 0, False),
        (all_of_it[:2], 1, False),
        (list(reversed(all_of_it)), 0, False),
    ):
        ledger.start(5, prev=head, stated=stated(*listed, unlisted=unlisted))
        found, reason = read(Chain(ledger.folder))
        assert (len(found), NOT_THERE in reason) == ((4, False) if good else (2, True))


@pytest.mark.parametrize(
    ("files", "unstated", "strays", "reason"),
    [
        ({1: b""}, [], [], ""),
        ({1: TORN}, [(1, TORN)], [], ""),
        ({1: WITH_END}, [(1, WITH_END)], [], "000001.jsonl: line 3: not a signature of 88 characters, a space and JSON"),
        ({1: b"x" * 70_000}, [(1, b"x" * 70_000)], [], "000001.jsonl: line 3: too long"),
        ({1: b"", 2: b""}, [], [], ""),
        ({1: b"", 2: TORN}, [(2, TORN)], [], ""),
        ({1: TORN, 2: TORN, 3: TORN}, [(1, TORN), (2, TORN), (3, TORN)], [], ""),
        ({1: b"", 2: b"", 3: TORN}, [(3, TORN)], [], ""),
        ({1: b"", 2: WITH_END}, [(2, WITH_END)], [], "000002.jsonl: line 1: not a signature of 88 characters, a space and JSON"),
        ({1: b"", 3: TORN}, [], ["000003.jsonl"], ""),
        ({1: b"", 3: b""}, [], ["000003.jsonl"], ""),
        ({1: b"", 3: WITH_END}, [], ["000003.jsonl"], ""),
        ({1: b"", 2: TORN, 4: TORN, 5: TORN}, [(2, TORN)], ["000004.jsonl", "000005.jsonl"], ""),
    ],
)
def test_what_stands_behind_the_end_of_all(
    ledger: Written, files: dict[int, bytes], unstated: list[tuple[int, bytes]], strays: list[str], reason: str
) -> None:
    ledger.start(1, rest=files[1])
    for number, content in files.items():
        if number > 1:
            ledger.put(number, content)
    good = {1: ledger.good[1]}
    chain = Chain(ledger.folder)
    assert read(chain) == (["1:1", "1:2"], reason)
    assert [rest.torn for rest in chain.unstated] == [torn_file(number, good.get(number, b""), rest) for number, rest in unstated]
    pending = [torn_file(number, good.get(number, b""), rest) for number, rest in files.items() if rest]
    assert [rest.torn for rest in chain.pending] == pending
    assert chain.strays == strays
    assert not chain.failed, "it may still grow"


def test_a_ledger_without_a_good_line_has_rests_only(ledger: Written) -> None:
    ledger.put(4, TORN)
    ledger.put(7, b"more")
    chain = Chain(ledger.folder)
    assert read(chain) == ([], "")
    assert [rest.torn for rest in chain.pending] == [torn_file(4, b"", TORN), torn_file(7, b"", b"more")]
    assert (chain.unstated, chain.strays) == (chain.pending, [])


def test_what_has_grown_is_given_and_nothing_twice(ledger: Written) -> None:
    ledger.start(1, ("marker", {}), ("battery", {}))
    whole = ledger.good[1]
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 10]
    ledger.put(1, b"")
    chain = Chain(ledger.folder)
    for size, given, pending in (
        (0, [], 0),
        (ends[0], ["1:1"], 0),
        (ends[0] + 9, [], 1),
        (ends[1], ["1:2"], 0),
        (ends[1] + 9, [], 1),
        (ends[1], [], 0),
        (ends[2], ["1:3"], 0),
        (ends[2], [], 0),
    ):
        ledger.put(1, whole[:size])
        assert (read(chain), len(chain.pending), len(chain.unstated)) == ((given, ""), pending, pending)
    ledger.put(2, TORN)
    assert (read(chain), [rest.start for rest in chain.pending]) == (([], ""), [2])
    ledger.start(2)
    assert (read(chain), chain.pending, chain.start) == ((["2:1", "2:2"], ""), [], 2)


def test_what_a_camera_writes_meanwhile_is_read_next_time(ledger: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.start(1, ("marker", {}), ("battery", {}))
    whole = ledger.good[1]
    ledger.put(1, b"".join(whole.splitlines(keepends=True)[:2]))

    def read_slowly(*arguments: Any) -> Iterator[Line]:
        yield from lines(*arguments)
        ledger.put(1, whole)

    monkeypatch.setattr(ledger_chain, "lines", read_slowly)
    chain = Chain(ledger.folder)
    assert (read(chain), chain.pending, chain.unstated) == ((["1:1", "1:2"], ""), [], [])
    assert (read(chain), chain.pending) == ((["1:3"], ""), [])


def test_what_is_wrong_stays_wrong(ledger: Written) -> None:
    ledger.start(1, rest=WITH_END + TORN)
    ledger.start(2)
    chain = Chain(ledger.folder)
    reason = "000001.jsonl: line 3: not a signature of 88 characters, a space and JSON"
    assert read(chain) == (["1:1", "1:2"], reason)
    ledger.put(1, ledger.good[1])
    assert (read(chain), chain.failed) == (([], reason), True)
    assert read(Chain(ledger.folder))[1] == ""


def test_a_chain_that_was_stopped_gives_nothing_more(ledger: Written) -> None:
    ledger.start(1)
    chain = Chain(ledger.folder)
    chain.stop(DataError("cannot be read"))
    assert (chain.failed, read(chain)) == (True, ([], "cannot be read"))


def test_a_disk_that_cannot_be_read_is_told(ledger: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.start(1, rest=TORN)

    def dead(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    said = f"{ledger.folder}/000001.jsonl: cannot read the ledger: Input/output error"
    for name in ("lines", "rest_of"):
        with monkeypatch.context() as patch:
            patch.setattr(ledger_chain, name, dead)
            assert told(lambda: list(Chain(ledger.folder)), StorageError) == said
    assert read(Chain(ledger.folder)) == (["1:1", "1:2"], "")


def test_what_is_believed_ends_where_verification_ends(ledger: Written) -> None:
    ledger.start(1, rest=TORN)
    verified = VerifiedLedger(ledger.folder, KEYS[0].public)
    assert verified.broken == ""
    assert ([line.entry.type for line in verified], verified.broken) == (["start", "marker"], "")
    ledger.put(1, ledger.good[1] + WITH_END)
    assert (list(verified), verified.broken) == ([], "000001.jsonl: line 3 does not verify"), "why may quote what nobody signed"
    ledger.put(1, ledger.good[1])
    assert (list(verified), verified.broken) == ([], "")
    stranger = VerifiedLedger(ledger.folder, KEYS[5].public)
    assert (list(stranger), stranger.broken) == ([], "000001.jsonl: line 1 does not verify")
    assert len(list(VerifiedLedger(ledger.folder))) == 2


def test_what_is_believed_ends_where_a_reader_stops_it(ledger: Written) -> None:
    ledger.start(1)
    verified = VerifiedLedger(ledger.folder)
    verified.stop("the disk is gone")
    assert (verified.broken, list(verified), verified.broken) == ("the disk is gone", [], "the disk is gone")
