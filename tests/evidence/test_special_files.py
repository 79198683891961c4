"""A ledger in which something stands that is no file: never waited for, never followed, and the next start begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.checkpoint import checkpoint_name, read_checkpoint
from bodycamd.evidence.keys import KeyFolder, provision
from bodycamd.evidence.ledger_reader import file_name, starts, taken_numbers
from tests.evidence.making import before, chain, next_start, provisioned, some_start
from tests.kit.special_files import NOT_A_FILE, NOT_A_FOLDER, put


@pytest.mark.timeout(20)
@pytest.mark.parametrize("special", sorted(set(NOT_A_FILE) - {"device"}))
@pytest.mark.usefixtures("unsynced")
def test_what_is_no_file_is_no_start_and_its_number_is_never_used(tmp_path: Path, special: str) -> None:
    registered = provisioned(tmp_path)
    some_start(tmp_path)
    folder = tmp_path / "ledger"
    put(folder / file_name(2), NOT_A_FILE[special])
    assert starts(folder) == [1]
    assert taken_numbers(folder) == {1, 2}
    assert before(tmp_path).files == (file_name(1),)
    next_start(tmp_path).close()
    assert starts(folder) == [1, 3]
    assert {line.entry.start for line in chain(tmp_path, registered)} == {1, 3}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("special", sorted(set(NOT_A_FOLDER) - {"device"}))
def test_a_ledger_that_is_no_folder_is_told(tmp_path: Path, special: str) -> None:
    put(tmp_path / "ledger", NOT_A_FOLDER[special])
    for read in (starts, taken_numbers):
        with pytest.raises(DataError, match="stands where a folder must be"):
            read(tmp_path / "ledger")
    with pytest.raises(DataError, match="stands where a folder must be"):
        before(tmp_path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("special", sorted(set(NOT_A_FILE) - {"device"}))
def test_a_checkpoint_that_is_no_file_is_told(tmp_path: Path, special: str) -> None:
    (tmp_path / "ledger").mkdir()
    put(tmp_path / "ledger" / checkpoint_name(3), NOT_A_FILE[special])
    with pytest.raises(DataError, match="stands where a regular file must be"):
        read_checkpoint(tmp_path / "ledger", 3, below=3, registered=None)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("special", sorted(set(NOT_A_FILE) - {"device"}))
def test_a_key_that_is_no_file_is_told_and_never_waited_for(tmp_path: Path, special: str) -> None:
    provision(tmp_path)
    put(tmp_path / "000001.key", NOT_A_FILE[special])
    with pytest.raises(StorageError, match=r"cannot read the signing key: .*/000001.key: .* stands where a regular file must be"):
        KeyFolder(tmp_path).accept(None)
