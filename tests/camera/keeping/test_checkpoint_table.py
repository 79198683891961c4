"""Dropping old ledger files behind a checkpoint, case by case, on a real ledger of six starts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from bodycamd.camera.keeping.shortening import shorten
from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.evidence.retention_entries import LedgerShortened
from bodycamd.evidence.statements import Stated
from bodycamd.linux import durable
from bodycamd.retention.ledger_index import Facts, StartFacts
from tests.evidence.making import next_start, provisioned, some_start

DAY = 86_400_000_000
WALL = 1_767_225_600_000_000
KEEP = 2 * 31 * DAY
WEEK = 7 * DAY
STARTS = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("six")
    provisioned(root)
    for number in range(1, STARTS + 1):
        some_start(root, markers=number)
    return root / "ledger"


@pytest.fixture
def ledger(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "store/ledger"))


def facts(*confirmed: int | None, unfinished: tuple[int, ...] = ()) -> Facts:
    """Of each start its first confirmed time, in microseconds before now."""
    ages = enumerate(confirmed, 1)
    return Facts(starts={n: StartFacts(n, None if age is None else WALL - age, unfinished=n in unfinished) for n, age in ages})


OLD = facts(*[KEEP + WEEK] * STARTS)
"""Everything is old enough."""


def shortened(
    ledger: Path, known: Facts, oldest: int | None = None, *, running: int = STARTS, refused: bool = False
) -> tuple[int, list[LedgerShortened]]:
    """How many files were dropped, and what was entered."""
    entries: list[LedgerShortened] = []

    def enter(detail: Stated) -> None:
        assert isinstance(detail, LedgerShortened)
        if refused:
            raise StorageError("no space left on device")
        entries.append(detail)

    return shorten(ledger, known, oldest, wall_us=WALL, keep_months=2, running=running, enter=enter), entries


def names(ledger: Path) -> list[str]:
    return sorted(path.name for path in ledger.iterdir())


def files(*starts: int, checkpoint: int | None = None) -> list[str]:
    return [f"{start:06d}.jsonl" for start in starts] + ([] if checkpoint is None else [f"checkpoint-{checkpoint:06d}.jsonl"])


@pytest.mark.parametrize(
    ("known", "oldest", "running", "first_kept"),
    [
        # the months, and a week more, since the first of them; what is kept begins with a start that is as old as the months
        (facts(KEEP + WEEK, KEEP, 0, 0, 0, 0), None, 6, 2),
        (facts(KEEP + WEEK - 1, KEEP, 0, 0, 0, 0), None, 6, 1),
        (facts(KEEP + WEEK, KEEP - 1, 0, 0, 0, 0), None, 6, 1),
        (facts(KEEP + WEEK, KEEP, KEEP, KEEP, KEEP - 1, 0), None, 6, 4),
        (facts(KEEP + WEEK, KEEP + WEEK, KEEP + WEEK, 0, 0, 0), None, 6, 3),
        (OLD, None, 6, 6),
        (facts(0, 0, 0, 0, 0, 0), None, 6, 1),
        # a start without a confirmed clock is as old as the next one that has one
        (facts(None, None, KEEP + WEEK, None, 0, 0), None, 6, 3),
        (facts(None, None, None, None, None, None), None, 6, 1),
        (facts(None, KEEP + WEEK, None, KEEP - 1, 0, 0), None, 6, 2),
        # clocks that contradict each other: the youngest of them stops it
        (facts(KEEP + WEEK, 5, KEEP + WEEK, KEEP + WEEK, 0, 0), None, 6, 1),
        (facts(KEEP, KEEP + WEEK, KEEP, 0, 0, 0), None, 6, 3),
        # no start as old as the oldest recording, and not the running one
        (OLD, 3, 6, 3),
        (OLD, 1, 6, 1),
        (OLD, 9, 6, 6),
        (OLD, None, 5, 5),
        (OLD, 5, 4, 4),
        # a start that states the end of a deletion begins no ledger: how it began must stay
        (facts(*[KEEP + WEEK] * STARTS, unfinished=(6,)), None, 6, 5),
        (facts(*[KEEP + WEEK] * STARTS, unfinished=(4,)), 4, 6, 3),
        (facts(*[KEEP + WEEK] * STARTS, unfinished=(4,)), None, 6, 6),
    ],
)
def test_which_files_go(ledger: Path, known: Facts, oldest: int | None, running: int, first_kept: int) -> None:
    dropped, entries = shortened(ledger, known, oldest, running=running)
    assert dropped == first_kept - 1
    assert [entry.first_kept for entry in entries] == ([first_kept] if dropped else [])
    assert names(ledger) == files(*range(first_kept, STARTS + 1), checkpoint=first_kept if dropped else None)


def test_what_stays_of_them_and_what_is_stated(ledger: Path) -> None:
    before = [(ledger / name).read_bytes().splitlines(keepends=True) for name in files(*range(1, 7))]
    dropped, (stated,) = shortened(ledger, OLD, 4)
    assert dropped == 3
    kept = (ledger / "checkpoint-000004.jsonl").read_bytes()
    assert kept == b"".join(lines[0] for lines in before[:3])
    assert stated.file == "checkpoint-000004.jsonl"
    assert stated.sha256 == hashlib.sha256(kept).hexdigest()
    assert (stated.lines, stated.entries) == (3, sum(len(lines) for lines in before[:3]))
    goes_on = json.loads(before[3][0].split(b" ", 1)[1])
    assert (stated.head, stated.next_key) == (goes_on["prev"], goes_on["detail"]["public_key"])
    assert os.stat(ledger / "checkpoint-000004.jsonl").st_mode & 0o777 == 0o600


def test_lines_are_counted_to_the_end_of_a_long_file(ledger: Path) -> None:
    ends = sum((ledger / name).read_bytes().count(b"\n") for name in files(1, 2))
    with (ledger / "000001.jsonl").open("ab") as file:
        file.write(bytes(200_000) + b"\n")
    assert shortened(ledger, OLD, 3)[1][0].entries == ends + 1


def test_the_next_time_the_lines_of_the_first_go_on(ledger: Path) -> None:
    first_lines = [(ledger / name).read_bytes().splitlines(keepends=True)[0] for name in files(*range(1, 7))]
    shortened(ledger, OLD, 3)
    dropped, (stated,) = shortened(ledger, OLD, 5)
    assert dropped == 2
    assert names(ledger) == files(5, 6, checkpoint=5)
    assert (ledger / "checkpoint-000005.jsonl").read_bytes() == b"".join(first_lines[:4])
    assert stated.lines == 4


def test_a_ledger_that_was_shortened_twice_verifies_from_the_registered_key(tmp_path: Path) -> None:
    registered = provisioned(tmp_path)
    for _ in range(4):
        some_start(tmp_path)
    folder, running = tmp_path / "ledger", next_start(tmp_path)
    for oldest in (2, 4):
        assert shorten(folder, OLD, oldest, wall_us=WALL, keep_months=2, running=5, enter=running.note)
    running.close()
    chain = Chain(folder, PublicKey.from_hex(registered.raw.hex()))
    assert [line.entry.type for line in chain][-2:] == ["ledger_shortened"] * 2
    assert chain.checkpoint is not None
    assert chain.checkpoint.lines == 3


def test_nothing_goes_before_it_is_stated(ledger: Path) -> None:
    with pytest.raises(StorageError, match="no space left"):
        shortened(ledger, OLD, refused=True)
    assert names(ledger) == files(*range(1, 7), checkpoint=6)
    assert shortened(ledger, OLD)[0] == 5, "the checkpoint file that is there is taken"
    assert names(ledger) == files(6, checkpoint=6)


def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to the disk, in order."""
    done: list[str] = []
    unlink, create, settle, sync = os.unlink, durable.create, durable.settle, durable.sync_folder

    def noted_unlink(path: Path, **more: int) -> None:
        unlink(path, **more)
        done.append(f"unlink {Path(path).name}")

    def noted_create(path: Path, raw: bytes) -> None:
        create(path, raw)
        done.append(f"create {path.name}")

    def noted_settle(path: Path) -> None:
        settle(path)
        done.append(f"settle {path.name}")

    def noted_sync(path: Path) -> None:
        sync(path)
        done.append(f"sync {path.name}")

    monkeypatch.setattr(os, "unlink", noted_unlink)
    monkeypatch.setattr(durable, "create", noted_create)
    monkeypatch.setattr(durable, "settle", noted_settle)
    monkeypatch.setattr(durable, "sync_folder", noted_sync)
    return done


def test_the_order_the_oldest_first_and_earlier_checkpoints_last(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shortened(ledger, OLD, 2)
    done = steps(monkeypatch)
    shortened(ledger, OLD, 4)
    gone = [f"unlink {name}" for name in files(2, 3, checkpoint=2)]
    assert done == ["sync ledger", "create checkpoint-000004.jsonl", *gone, "sync ledger"]


def test_a_checkpoint_file_that_a_cut_left_whole_is_made_durable_and_not_written_again(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageError):
        shortened(ledger, OLD, 2, refused=True)
    done = steps(monkeypatch)
    shortened(ledger, OLD, 2)
    assert done == ["settle checkpoint-000002.jsonl", "sync ledger", "unlink 000001.jsonl", "sync ledger"]


@pytest.mark.parametrize("torn", ["", "shorter", "other", "longer", "a link"])
def test_one_that_it_left_torn_is_written_anew(ledger: Path, tmp_path: Path, torn: str) -> None:
    whole = (ledger / "000001.jsonl").read_bytes().splitlines(keepends=True)[0]
    path, elsewhere = ledger / "checkpoint-000002.jsonl", tmp_path / "elsewhere"
    if torn == "a link":
        elsewhere.write_bytes(whole)
        path.symlink_to(elsewhere)
    else:
        path.write_bytes({"": b"", "shorter": whole[:-9], "other": bytes(len(whole)), "longer": whole + b"x"}[torn])
    assert shortened(ledger, OLD, 2)[0] == 1
    assert not path.is_symlink()
    assert path.read_bytes() == whole
    assert torn != "a link" or elsewhere.read_bytes() == whole


def test_a_newer_checkpoint_that_is_torn_is_passed_over_for_the_one_that_leads_here(ledger: Path) -> None:
    shortened(ledger, OLD, 3)
    (ledger / "checkpoint-000004.jsonl").write_bytes(b"torn")
    assert shortened(ledger, OLD, 5)[1][0].lines == 4
    assert names(ledger) == files(5, 6, checkpoint=5)


def test_a_newer_checkpoint_is_used_as_far_as_the_files_that_are_left(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut came when two of four files had gone: the lines of those that are left are taken from the files."""
    first_lines = [(ledger / name).read_bytes().splitlines(keepends=True)[0] for name in files(*range(1, 7))]
    unlink = os.unlink

    def twice(path: Path) -> None:
        if "000003" in str(path):
            raise OSError(5, "Input/output error")
        unlink(path)

    with monkeypatch.context() as cutting:
        cutting.setattr(os, "unlink", twice)
        with pytest.raises(StorageError, match="ledger: cannot drop old ledger files: Input/output error"):
            shortened(ledger, OLD, 5)
    assert names(ledger) == files(3, 4, 5, 6, checkpoint=5)
    dropped, (stated,) = shortened(ledger, OLD, 6)
    assert (dropped, stated.lines) == (3, 5)
    assert (ledger / "checkpoint-000006.jsonl").read_bytes() == b"".join(first_lines[:5])


def test_without_a_checkpoint_that_leads_to_the_first_file_nothing_goes(ledger: Path) -> None:
    (ledger / "000001.jsonl").unlink()
    with pytest.raises(DataError, match=r"^000002.jsonl: no checkpoint leads to it$"):
        shortened(ledger, OLD)
    shutil.copy(ledger / "000004.jsonl", ledger / "checkpoint-000005.jsonl")
    with pytest.raises(DataError, match=r"^000002.jsonl: no checkpoint leads to it$"):
        shortened(ledger, OLD)
    assert names(ledger)[:5] == files(2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("empty 4", "000004.jsonl: its first line is not good"),
        ("garble 4", "000004.jsonl: its first line is not good"),
        ("remove 4", "000004.jsonl: No such file"),
        ("remove 3", "000004.jsonl: signed by another key than the starts before it lead to"),
        ("remove 2", "checkpoint-000004.jsonl: 2: line 1: signed by another key than the start before it named"),
    ],
)
def test_where_the_first_lines_do_not_lead_from_one_to_the_next_nothing_goes(ledger: Path, damage: str, words: str) -> None:
    what, number = damage.split()
    path = ledger / f"00000{number}.jsonl"
    if what == "remove":
        path.unlink()
    else:
        path.write_bytes(b"" if what == "empty" else b"!" + path.read_bytes()[1:])
    left = [name for name in names(ledger) if not name.startswith("checkpoint")]
    with pytest.raises((DataError, NotFoundError)) as refused:
        shortened(ledger, OLD, 4)
    assert words in str(refused.value)
    assert [name for name in names(ledger) if not name.startswith("checkpoint")] == left


@pytest.mark.parametrize("empty", [1, 2])
def test_a_start_that_a_cut_left_without_a_line_has_none_in_the_checkpoint(tmp_path: Path, empty: int) -> None:
    provisioned(tmp_path)
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    for number in (1, 2, 3):
        if number == empty:
            (ledger / f"00000{number}.jsonl").touch()
        else:
            some_start(tmp_path)
    assert names(ledger) == files(1, 2, 3)
    dropped, (stated,) = shortened(ledger, OLD, 3)
    assert (dropped, stated.lines, stated.entries) == (2, 1, 3)


def test_and_it_takes_nothing_from_those_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power went when the first of the files had gone and the empty one was the oldest: the registered key still leads on."""
    registered = provisioned(tmp_path)
    ledger = tmp_path / "ledger"
    for number in range(1, 6):
        if number == 2:
            (ledger / "000002.jsonl").touch()
        else:
            some_start(tmp_path)
    unlink = os.unlink

    def cut(path: Path) -> None:
        if path.name == "000002.jsonl":
            raise OSError(5, "Input/output error")
        unlink(path)

    running = next_start(tmp_path)
    with monkeypatch.context() as cutting:
        cutting.setattr(os, "unlink", cut)
        with pytest.raises(StorageError):
            shorten(ledger, OLD, 4, wall_us=WALL, keep_months=2, running=6, enter=running.note)
    assert names(ledger) == files(2, 3, 4, 5, 6, checkpoint=4)
    known = facts(None, None, *[KEEP + WEEK] * 4)
    assert shorten(ledger, known, 5, wall_us=WALL, keep_months=2, running=6, enter=running.note) == 3
    running.close()
    assert len((ledger / "checkpoint-000005.jsonl").read_bytes().splitlines()) == 3
    assert [line.entry.type for line in Chain(ledger, registered)][-2:] == ["ledger_shortened"] * 2


def test_a_checkpoint_that_cannot_be_written_drops_nothing(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "create", full)
    with pytest.raises(StorageError, match=r"checkpoint-000006.jsonl: cannot write the checkpoint: No space left on device$"):
        shortened(ledger, OLD)
    assert names(ledger) == files(*range(1, 7))
