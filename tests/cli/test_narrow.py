"""On a narrow terminal nothing is wider than it, and nothing is cut; where nobody says how wide it is, a row is a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli import output
from bodycamd.cli.main import main
from tests.kit.scale import IN_FULL, SCALE, count, only_in_full

OLD = Path(__file__).parents[1] / "old_stores"
STORES = sorted(path.parent for path in OLD.glob("*/*/ledger") if SCALE >= IN_FULL or "officer" in path.parts)


def squeezed(text: str) -> str:
    return "".join(text.split())


Cells = st.text(st.sampled_from("abc 0-9_.é·"), max_size=90)


@only_in_full
@given(st.lists(st.tuples(Cells, Cells, Cells, Cells), min_size=1, max_size=4), st.integers(20, 130))
@settings(max_examples=count(2000))
def test_a_table_of_anything_fits_and_holds_everything(rows: list[tuple[str, ...]], columns: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COLUMNS", str(columns))
        lines = output.table([("recording", "opened", "held for", "hold"), *rows])
    assert max(map(len, lines), default=0) <= columns
    told = squeezed("".join(lines))
    for row in rows:
        for cell in row:
            assert squeezed(cell) in told


def test_without_a_terminal_a_row_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.__stdout__", None)
    lines = output.table([("id", "what"), ("1", "x" * 150), ("2", "y" * 150)])
    assert [line.split() for line in lines] == [["id", "what"], ["1", "x" * 150], ["2", "y" * 150]]
    assert output.fitted("word " * 100) == ["word " * 100]


@pytest.mark.parametrize("columns", [60, pytest.param(40, marks=only_in_full)])
def test_every_table_fits(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert STORES
    for store in STORES:
        ids = sorted(path.name for path in (store / "recordings").iterdir())
        lines = [["recordings", "list"], ["recordings", "log"], *(["recordings", "show", id] for id in ids)]
        for line in lines:
            command = [*line, "--store", str(store)]
            monkeypatch.delenv("COLUMNS", raising=False)
            monkeypatch.setattr("sys.__stdout__", None)
            code, wide = main(command), capsys.readouterr().out
            monkeypatch.setenv("COLUMNS", str(columns))
            assert main(command) == code
            narrow = capsys.readouterr().out
            assert max(map(len, narrow.splitlines())) <= columns, narrow
            if line[1] != "list":
                assert squeezed(narrow) == squeezed(wide)
            assert all(id in narrow for id in ids if id in wide)
