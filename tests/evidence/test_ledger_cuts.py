"""Power cuts at the start of a ledger: whatever step they hit, one accepted key is left and every older one is gone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.evidence.keys import KEY_FILE_BYTES, KeyFolder, PublicKey
from bodycamd.evidence.ledger_chain import Chain
from tests.evidence.cutting import Journal, Survives
from tests.evidence.making import before, next_start, provisioned, some_start
from tests.kit.scale import count, one_in, only_in_full, sample


def private_parts(root: Path) -> dict[str, bytes]:
    """The base64 of each private key that stands in the signing folder."""
    contents = {path.name: path.read_bytes() for path in (root / "signing").iterdir()}
    return {name: content.splitlines()[1] for name, content in contents.items() if len(content) == KEY_FILE_BYTES and content[:1] == b"-"}


def assert_starts_go_on(root: Path, registered: PublicKey, *older_keys: bytes) -> None:
    """After a cut: one key is accepted, every other is gone, and two more starts sign what the registered key vouches for."""
    next_start(root).close()
    held = private_parts(root)
    assert len(held) == len(list((root / "signing").iterdir())) == 1
    assert all(not any(key in path.read_bytes() for path in root.rglob("*") if path.is_file()) for key in older_keys)
    some_start(root, markers=1)
    found = Chain(root / "ledger", registered)
    assert len(list(found)) >= 3
    assert found.unstated == []


@one_in(5)
@pytest.mark.parametrize("survives", Survives, ids=lambda survives: survives.name)
@pytest.mark.parametrize("earlier_starts", sample([0, 2], 2))
def test_a_power_cut_at_every_step_of_a_start_leaves_one_accepted_key(tmp_path: Path, survives: Survives, earlier_starts: int) -> None:
    root = tmp_path / "root"
    registered = provisioned(root)
    for _ in range(earlier_starts):
        some_start(root)
    old_keys = tuple(private_parts(root).values())
    journal = Journal(root)
    journal.record(lambda: next_start(root).close())
    kinds = [operation.kind for operation in journal.operations]
    assert kinds.count("unlink") == 1
    for at in range(len(kinds) + 1):
        after = tmp_path / f"cut-{at}"
        journal.cut(at, survives, after)
        assert_starts_go_on(after, registered, *old_keys)


def test_every_step_of_a_start_is_durable_before_the_next(tmp_path: Path) -> None:
    provisioned(tmp_path)
    some_start(tmp_path)
    journal = Journal(tmp_path)
    journal.record(lambda: next_start(tmp_path).close())
    steps = [(operation.kind, operation.path.relative_to(tmp_path).as_posix()) for operation in journal.operations]
    assert steps == [
        ("sync", "ledger/000001.jsonl"),
        ("sync folder", "ledger"),
        ("create", "signing/000003.key"),
        ("write", "signing/000003.key"),
        ("sync", "signing/000003.key"),
        ("sync folder", "signing"),
        ("sync folder", "."),
        ("create", "ledger/000002.jsonl"),
        ("write", "ledger/000002.jsonl"),
        ("sync", "ledger/000002.jsonl"),
        ("sync folder", "ledger"),
        ("write", "signing/000002.key"),
        ("sync", "signing/000002.key"),
        ("unlink", "signing/000002.key"),
    ]


@only_in_full
@settings(max_examples=count(300))
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(Survives)), min_size=1, max_size=5))
def test_cuts_upon_cuts_leave_one_accepted_key(tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[float, Survives]]) -> None:
    base = tmp_path_factory.mktemp("cuts")
    root = base / "0"
    registered = provisioned(root)

    def start_and_mark() -> None:
        with contextlib.closing(next_start(root)) as ledger:
            ledger.append("marker")

    for number, (share, survives) in enumerate(cuts, 1):
        journal = Journal(root)
        journal.record(start_and_mark)
        root = base / str(number)
        journal.cut(round(share * len(journal.operations)), survives, root)
        list(Chain(root / "ledger", registered))
        accepted = before(root).next_key
        copies = [path for path in (root / "signing").iterdir() if len(path.read_bytes()) == KEY_FILE_BYTES]
        assert copies
        key, _ = KeyFolder(root / "signing").accept(accepted)
        assert accepted is None or key.public == accepted
    assert_starts_go_on(root, registered)


@only_in_full
def test_a_dead_process_does_not_make_a_later_cut_lose_the_key(tmp_path: Path) -> None:
    """The process dies between writing the start entry and `fdatasync`; the next start reads the entry from memory; then the power goes."""
    root = tmp_path / "root"
    registered = provisioned(root)
    journal = Journal(root)

    def die() -> None:
        real = os.fdatasync

        def die_at_the_ledger(descriptor: int) -> None:
            if os.readlink(f"/proc/self/fd/{descriptor}").endswith(".jsonl"):
                raise KeyboardInterrupt
            real(descriptor)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fdatasync", die_at_the_ledger)
            with pytest.raises(KeyboardInterrupt):
                next_start(root)

    journal.record(die)
    assert [line.entry.type for line in Chain(root / "ledger")] == ["start"]
    journal.record(lambda: next_start(root).close())
    for at in range(len(journal.operations) + 1):
        after = tmp_path / f"cut-{at}"
        journal.cut(at, Survives.SYNCED, after)
        assert_starts_go_on(after, registered)
