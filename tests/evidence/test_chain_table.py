"""The chain of starts, case by case: whose word counts, what is left where a file ends, and what goes on behind a checkpoint."""

from __future__ import annotations

import base64
import errno
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import ledger_chain
from bodycamd.evidence.checkpoint import Checkpoint, OtherKeyError, checkpoint_name, checkpoints, read_checkpoint
from bodycamd.evidence.entries import TornFile
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_chain import Chain, UnregisteredKeyError, VerifiedLedger
from bodycamd.evidence.ledger_reader import Line, lines
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.making import ledger_line, start_fields, told

KEYS = [SigningKey.generate() for _ in range(8)]
"""They begin the starts, one after the other."""
MEMORY = SigningKey.generate()
ALTERED = "the signature does not verify with the key that is in force here"


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def torn_file(start: int, good: bytes, rest: bytes) -> TornFile:
    return TornFile(file=f"{start:06d}.jsonl", good_bytes=len(good), sha256=sha(good), torn_bytes=len(rest), torn_sha256=sha(rest))


@dataclass
class Written:
    """A ledger, start by start, as its camera or a forger writes it."""

    folder: Path
    head: str = ZERO_HASH
    order: dict[int, int] = field(default_factory=dict)
    first_lines: dict[int, bytes] = field(default_factory=dict)
    good: dict[int, bytes] = field(default_factory=dict)

    def start(self, number: int, *entries: tuple[str, dict[str, Any]], rest: bytes = b"", **changes: Any) -> None:
        """One file: its start, the entries, and what is not good behind them."""
        at = self.order.setdefault(number, len(self.order))
        by, following = KEYS[at], KEYS[at + 1]
        detail = start_fields(by, following, MEMORY, **changes.pop("stated", {}))
        raw = [ledger_line(changes.pop("by", by), 1, changes.pop("prev", self.head), "start", detail, **{"start": number} | changes)]
        for n, (type, fields) in enumerate(entries or [("marker", {})], 2):
            raw.append(ledger_line(MEMORY, n, sha(raw[-1]), type, fields, start=number))
        self.head, self.first_lines[number] = sha(raw[-1]), raw[0] + b"\n"
        self.good[number] = b"".join(one + b"\n" for one in raw)
        self.put(number, self.good[number] + rest)

    def put(self, number: int, content: bytes) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        (self.folder / f"{number:06d}.jsonl").write_bytes(content)

    def checkpoint(self, first_kept: int, *lines: bytes) -> str:
        """The file of that name; of all starts before where no lines are given. Returns its SHA-256."""
        content = b"".join(lines or (self.first_lines[number] for number in range(1, first_kept)))
        (self.folder / checkpoint_name(first_kept)).write_bytes(content)
        return sha(content)

    def drop(self, *starts: int) -> None:
        for number in starts:
            (self.folder / f"{number:06d}.jsonl").unlink()


@pytest.fixture
def ledger(tmp_path: Path) -> Written:
    return Written(tmp_path / "ledger")


def read(chain: Chain) -> tuple[list[str], str]:
    """What is given, by file and line, and what ends it."""
    found: list[str] = []
    try:
        for line in chain:
            found.append(line.where.replace(".jsonl: line ", ":").lstrip("0"))
    except DataError as error:
        return found, str(error)
    return found, ""


def stated(*torn: TornFile, unlisted: int = 0) -> dict[str, Any]:
    return {"torn_ledgers": torn, "torn_ledgers_unlisted": unlisted} if torn or unlisted else {}


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


NOT_THERE = "the torn ledger files it states are not those that are there"
TORN, WITH_END = b"torn", b"torn\n"


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


def shortened(first_kept: int, sha: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    """The entry that states the checkpoint."""
    named = {"first_kept": first_kept, "file": checkpoint_name(first_kept), "sha256": sha, "lines": 2, "head": ZERO_HASH, "entries": 4}
    return "ledger_shortened", named | {"next_key": KEYS[0].public.raw.hex()} | changes


def four_starts(ledger: Written, **third: Any) -> None:
    """Of which two are dropped, and the fourth states it."""
    ledger.start(1)
    ledger.start(2, rest=third.pop("rest", b""))
    sha256 = ledger.checkpoint(3)
    ledger.start(3, **third)
    ledger.start(4, shortened(3, sha256))
    ledger.drop(1, 2)


def test_behind_a_checkpoint_the_registered_key_still_leads(ledger: Written) -> None:
    four_starts(ledger)
    for registered in (None, KEYS[0].public):
        chain = Chain(ledger.folder, registered)
        assert read(chain) == (["3:1", "3:2", "4:1", "4:2"], "")
        assert chain.checkpoint is not None
        assert (chain.checkpoint.file, chain.checkpoint.lines, chain.next_key) == ("checkpoint-000003.jsonl", 2, KEYS[4].public)
    ledger.checkpoint(2)
    assert read(Chain(ledger.folder))[1] == "", "the newest checkpoint counts"
    said = told(lambda: list(Chain(ledger.folder, KEYS[5].public)), UnregisteredKeyError)
    assert said == "checkpoint-000003.jsonl: 1: line 1: signed by another key than was registered"
    ledger.start(5)
    assert read(Chain(ledger.folder, KEYS[0].public))[0][-1] == "5:2"


def test_a_checkpoint_may_reach_further_than_what_is_gone(ledger: Written) -> None:
    """A cut between writing it and dropping the files, or while they are dropped."""
    for number in (1, 2, 3):
        ledger.start(number)
    sha256 = ledger.checkpoint(4)
    ledger.start(4, shortened(4, sha256, lines=3))
    whole = ["1:1", "1:2", "2:1", "2:2", "3:1", "3:2", "4:1", "4:2"]
    for gone in range(4):
        chain = Chain(ledger.folder, KEYS[0].public)
        assert read(chain) == (whole[2 * gone :], "")
        assert (chain.checkpoint.lines if chain.checkpoint else 0) == gone
        ledger.drop(gone + 1)


PREV = "000003.jsonl: line 1: prev is not the SHA-256 of the last good line before this start"


def test_a_checkpoint_that_does_not_lead_to_the_first_file(ledger: Written) -> None:
    four_starts(ledger)
    (ledger.folder / checkpoint_name(3)).rename(ledger.folder / checkpoint_name(2))
    assert read(Chain(ledger.folder)) == ([], PREV)
    (ledger.folder / checkpoint_name(2)).unlink()
    assert read(Chain(ledger.folder)) == ([], PREV)
    ledger.checkpoint(3, ledger.first_lines[1])
    assert read(Chain(ledger.folder)) == ([], "000003.jsonl: line 1: signed by another key than the start before it named")


def test_a_first_file_that_cannot_be_read_leads_nowhere(ledger: Written) -> None:
    four_starts(ledger)
    good = ledger.good[3]
    ledger.put(3, base64.b64encode(bytes(64)) + good[88:])
    assert read(Chain(ledger.folder)) == ([], f"000003.jsonl: line 1: {ALTERED}")


def test_only_the_first_file_behind_a_checkpoint_takes_its_word_for_prev(ledger: Written) -> None:
    four_starts(ledger)
    ledger.start(4, shortened(3, ledger.checkpoint(3)), prev="ab" * 32)
    assert read(Chain(ledger.folder))[1] == PREV.replace("3.jsonl", "4.jsonl")


def test_a_checkpoint_beside_a_whole_ledger_says_nothing(ledger: Written) -> None:
    ledger.start(1)
    ledger.start(2)
    ledger.checkpoint(3, b"junk\n")
    chain = Chain(ledger.folder)
    assert (read(chain), chain.checkpoint) == ((["1:1", "1:2", "2:1", "2:2"], ""), None)


@pytest.mark.parametrize(
    ("entry", "found", "reason"),
    [
        (None, 4, "checkpoint-000003.jsonl: no entry of the ledger states this checkpoint"),
        ({"file": "checkpoint-000002.jsonl"}, 4, "checkpoint-000003.jsonl: no entry of the ledger states this checkpoint"),
        ({"sha256": "ab" * 32}, 3, "000004.jsonl: line 2: checkpoint-000003.jsonl is not the checkpoint that this entry states"),
    ],
)
def test_the_checkpoint_must_be_the_one_that_the_ledger_states(
    ledger: Written, entry: dict[str, Any] | None, found: int, reason: str
) -> None:
    four_starts(ledger)
    made = ("marker", {}) if entry is None else shortened(3, ledger.checkpoint(3, *ledger.first_lines.values()), **entry)
    head = sha(ledger.good[3].splitlines()[-1])
    ledger.checkpoint(3)
    ledger.start(4, made, prev=head)
    given, said = read(Chain(ledger.folder))
    assert (len(given), said) == (found, reason)


@pytest.mark.parametrize(
    ("dropped", "listed", "unlisted", "good"),
    [
        (0, 0, 0, False),
        (0, 1, 0, True),
        (1, 1, 0, True),
        (2, 1, 0, True),
        (0, 1, 3, True),
        (1, 1, 3, True),
        (0, 0, 1, True),
        (0, 0, 2, False),
        (1, 0, 0, False),
    ],
)
def test_the_first_kept_start_states_torn_files_that_are_gone(
    ledger: Written, dropped: int, listed: int, unlisted: int, good: bool
) -> None:
    """`dropped` of them before the one that is there, file 3, which is `listed` or not."""
    ledger.start(1)
    head = ledger.head
    ledger.put(3, TORN)
    gone = [torn_file(2, b"", bytes([65 + n])) for n in range(dropped)]
    ledger.start(4, shortened(4, ledger.checkpoint(4, ledger.first_lines[1]), lines=1), prev=head)
    sha256 = sha((ledger.folder / checkpoint_name(4)).read_bytes())
    torn = [*gone, *([torn_file(3, b"", TORN)] if listed else [])]
    ledger.start(4, shortened(4, sha256, lines=1), prev=head, stated=stated(*torn, unlisted=unlisted))
    ledger.drop(1)
    found, reason = read(Chain(ledger.folder))
    assert (found, NOT_THERE in reason) == ((["4:1", "4:2"], False) if good else ([], True)), reason


def test_the_lines_of_a_checkpoint(ledger: Written) -> None:
    for number in (1, 2, 3):
        ledger.start(number)
    sha256 = ledger.checkpoint(4)
    begun = list(ledger.first_lines.values())
    for below, count in ((4, 3), (3, 2), (2, 1)):
        expected = Checkpoint(checkpoint_name(4), sha256, b"".join(begun[:count]), count, KEYS[count].public)
        for registered in (None, KEYS[0].public):
            assert read_checkpoint(ledger.folder, 4, below=below, registered=registered) == expected
    assert checkpoints(ledger.folder) == [4]
    ledger.checkpoint(4, begun[0], begun[1], begun[0])
    said = "checkpoint-000004.jsonl: 3: line 1: start 1 is not in order"
    assert told(lambda: read_checkpoint(ledger.folder, 4, below=2, registered=None)) == said, "also behind what was asked for"
    ledger.checkpoint(2)
    (ledger.folder / "checkpoint-5.jsonl").touch()
    assert checkpoints(ledger.folder) == [2, 4]


NAME = "checkpoint-000004.jsonl"


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ([], f"{NAME}: it holds no start before 4"),
        ([1, 1], f"{NAME}: 2: line 1: start 1 is not in order"),
        ([1, 2, 1], f"{NAME}: 3: line 1: start 1 is not in order"),
        ([1, 2, 3, 4], f"{NAME}: 4: line 1: start 4 is not in order"),
        ([1, 3], f"{NAME}: 2: line 1: signed by another key than the start before it named"),
        ([1, b"junk\n"], f"{NAME}: 2: line 1: not a signature of 88 characters, a space and JSON"),
        ([1, b"torn"], f"{NAME}: 2: line 1: torn, 4 bytes without a line end"),
        ([1, "unsigned"], f"{NAME}: 2: line 1: {ALTERED}"),
        ([1, "no start"], f"{NAME}: 2: line 1: the first entry of a file is its start, not 'marker'"),
    ],
)
def test_what_is_no_checkpoint_is_told(ledger: Written, order: list[int | bytes | str], reason: str) -> None:
    for number in (1, 2, 3, 4):
        ledger.start(number)
    second = ledger.first_lines[2]
    special = {
        "unsigned": base64.b64encode(bytes(64)) + second[88:],
        "no start": ledger.good[2].splitlines(keepends=True)[1],
    }

    def made(part: int | bytes | str) -> bytes:
        return ledger.first_lines[part] if isinstance(part, int) else special[part] if isinstance(part, str) else part

    (ledger.folder / NAME).write_bytes(b"".join(made(part) for part in order))
    for registered in (None, KEYS[0].public):
        assert told(lambda registered=registered: read_checkpoint(ledger.folder, 4, below=4, registered=registered)) == reason  # type: ignore[misc]


def test_whose_key_a_checkpoint_begins_with(ledger: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.start(1)
    ledger.checkpoint(4, ledger.first_lines[1])
    said = f"{NAME}: 1: line 1: signed by another key than was registered"
    assert told(lambda: read_checkpoint(ledger.folder, 4, below=4, registered=KEYS[1].public), OtherKeyError) == said
    said = f"{NAME}: it holds no start before 1"
    assert told(lambda: read_checkpoint(ledger.folder, 4, below=1, registered=KEYS[1].public)) == said
    size = len(ledger.first_lines[1])
    for limit, told_of in ((size, False), (size - 1, True)):
        monkeypatch.setattr("bodycamd.evidence.checkpoint.MAX_CHECKPOINT_BYTES", limit)
        if told_of:
            said = f"{ledger.folder / NAME}: longer than {limit} bytes: not what it should be"
            assert told(lambda: read_checkpoint(ledger.folder, 4, below=4, registered=None)) == said
        else:
            read_checkpoint(ledger.folder, 4, below=4, registered=None)


def test_a_checkpoint_is_no_link_nor_is_its_folder(ledger: Written, tmp_path: Path) -> None:
    ledger.start(1)
    ledger.checkpoint(4, ledger.first_lines[1])
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ledger").symlink_to(ledger.folder)
    assert "a link stands where" in told(lambda: read_checkpoint(tmp_path / "other/ledger", 4, below=4, registered=None))


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


def test_why_is_told_where_there_is_no_line_to_name(ledger: Written) -> None:
    four_starts(ledger)
    ledger.start(4, prev=sha(ledger.good[3].splitlines()[-1]))
    verified = VerifiedLedger(ledger.folder)
    assert len(list(verified)) == 4
    assert verified.broken == "checkpoint-000003.jsonl: no entry of the ledger states this checkpoint"
    (ledger.folder / checkpoint_name(3)).write_bytes(b"junk\n")
    unreadable = VerifiedLedger(ledger.folder)
    assert (list(unreadable), unreadable.broken[:27]) == ([], "checkpoint-000003.jsonl: 1:")
