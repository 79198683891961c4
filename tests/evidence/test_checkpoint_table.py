"""Behind a checkpoint, case by case: where the registered key still leads, and what is no checkpoint."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from bodycamd.evidence.checkpoint import Checkpoint, OtherKeyError, checkpoint_name, checkpoints, read_checkpoint
from bodycamd.evidence.ledger_chain import Chain, UnregisteredKeyError, VerifiedLedger
from bodycamd.evidence.statements import ZERO_HASH
from tests.evidence.making import told
from tests.evidence.written_ledger import ALTERED, KEYS, NOT_THERE, TORN, Written, read, sha, stated, torn_file


@pytest.fixture
def ledger(tmp_path: Path) -> Written:
    return Written(tmp_path / "ledger")


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


def test_why_is_told_where_there_is_no_line_to_name(ledger: Written) -> None:
    four_starts(ledger)
    ledger.start(4, prev=sha(ledger.good[3].splitlines()[-1]))
    verified = VerifiedLedger(ledger.folder)
    assert len(list(verified)) == 4
    assert verified.broken == "checkpoint-000003.jsonl: no entry of the ledger states this checkpoint"
    (ledger.folder / checkpoint_name(3)).write_bytes(b"junk\n")
    unreadable = VerifiedLedger(ledger.folder)
    assert (list(unreadable), unreadable.broken[:27]) == ([], "checkpoint-000003.jsonl: 1:")
