"""A configuration of an earlier version is read as today's, and rewritten without another change, whatever it looks like.

The key is one whose meaning did change: until gauges on the I2C bus came, `board.battery.supply` alone named a gauge of the kernel.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.config.load import judge, load, load_migrated
from bodycamd.config.migrations import BEFORE, MIGRATIONS, migrate, migrated, rewritten
from bodycamd.config.settings import key_types
from bodycamd.config.strict_yaml import read_document, read_strictly
from bodycamd.errors import ConfigError
from tests.kit.scale import only_in_full
from tests.powercut.posix import PosixDisk, Unsynced
from tests.powercut.steps import read_log

HOW: tuple[Unsynced, ...] = ("lost", "kept", "torn")
FROZEN = sorted((Path(__file__).parents[1] / "old_stores/configurations").glob("*.yaml"))
BLOCK = """\
device_id: cam-7
board:
  battery:
    # the gauge of the case
    supply: BAT0  # as `ls /sys/class/power_supply` says
    low_percent: 20
"""


def with_a_gauge(path: Path) -> bytes:
    """A frozen configuration as a camera with a gauge of the kernel had it: with the name of the gauge, and no other key."""
    text = path.read_text()
    lines = [line for line in text.split("\n") if line.strip() != "gauge: none"]
    return "\n".join(lines).replace("    supply: null", "    supply: max17048", 1).encode()


@only_in_full
@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_camera_of_then_with_a_gauge_starts_and_is_migrated(path: Path, tmp_path: Path) -> None:
    (file := tmp_path / "bodycamd.yaml").write_bytes(old := with_a_gauge(path))
    config, applied = load_migrated(file)
    assert (config.board.battery.gauge, config.board.battery.supply) == ("kernel", "max17048")
    assert [key.named for key in applied] == ["board.battery.gauge"]
    migrate(file, old)
    assert load_migrated(file) == (config, ())
    assert file.read_bytes().replace(b"    gauge: kernel\n", b"") == old
    assert (tmp_path / f"bodycamd.yaml{BEFORE}").read_bytes() == old


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_what_needs_no_change_stays_byte_for_byte(path: Path) -> None:
    assert rewritten(path.read_bytes()) == (path.read_bytes(), ())


def test_every_migration_leads_to_keys_that_there_are() -> None:
    assert {".".join(key.old) for key in MIGRATIONS} | {key.named for key in MIGRATIONS} <= set(key_types())


LAYOUTS = {
    "block": (BLOCK, BLOCK.replace("    low", "    gauge: kernel\n    low")),
    "the last line, without its end": (
        "device_id: a\nboard:\n battery:\n  supply: x",
        "device_id: a\nboard:\n battery:\n  supply: x\n  gauge: kernel",
    ),
    "braces": ("board: {battery: {supply: x}}\ndevice_id: a\n", "board: {battery: {supply: x, gauge: kernel}}\ndevice_id: a\n"),
    "braces over lines": (
        "board: { battery: {\n  supply: 'x', # one\n  low_percent: 20 } }\ndevice_id: a\n",
        "board: { battery: {\n  supply: 'x', gauge: kernel, # one\n  low_percent: 20 } }\ndevice_id: a\n",
    ),
    "lines that end as on Windows": (
        BLOCK.replace("\n", "\r\n"),
        BLOCK.replace("    low", "    gauge: kernel\n    low").replace("\n", "\r\n"),
    ),
    "a byte order mark": ("\ufeff" + BLOCK, "\ufeff" + BLOCK.replace("    low", "    gauge: kernel\n    low")),
    "other letters before it": ("# Ёê😀\n" + BLOCK, "# Ёê😀\n" + BLOCK.replace("    low", "    gauge: kernel\n    low")),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_key_is_written_where_a_person_would(layout: str) -> None:
    before, after = LAYOUTS[layout]
    made, [key] = rewritten(before.encode())
    assert (made.decode(), key.named) == (after, "board.battery.gauge")


@pytest.mark.parametrize(
    "other",
    ["gauge: none, supply: x", "gauge: max17048, supply: x", "supply: null", "gauge: null, supply: x", "supply: {a: 1}", "supply: x y"],
)
def test_only_what_can_mean_one_thing_is_read_otherwise(other: str) -> None:
    """The rest is taken or refused as it stands, with its own key."""
    raw = f"device_id: a\nboard: {{battery: {{{other}}}}}\n".encode()
    found = judge(raw, Path("F"))
    assert found.config is None or not found.migrated
    assert found.config is not None or all(problem.key.startswith("board.battery.") for problem in found.problems)


def test_where_no_line_can_be_written_a_person_is_told_what_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file := tmp_path / "c.yaml").write_bytes(raw := b"device_id: a\nboard:\n  battery:\n    ? supply\n    : x\n")
    assert load(file).board.battery.gauge == "kernel"
    assert main(["config", "migrate", str(file)]) == 78
    assert "write gauge: kernel beside board.battery.supply" in capsys.readouterr().err
    assert file.read_bytes() == raw


SPACE, COMMENT = st.sampled_from(["", " ", "  "]), st.sampled_from(["", " # x: {y", "  #"])
VALUE = st.sampled_from(["BAT0", '"BAT0"', "'BAT0'", "a-b.c", "x"])


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """A configuration in some layout, with `supply` alone."""
    others = draw(
        st.lists(st.sampled_from(["low_percent: 20", "critical_percent: 5", "# a line", "cells: 2", ""]), max_size=4, unique=True)
    )
    at = draw(st.integers(0, len(others)))
    pairs = [*others[:at], f"supply: {draw(VALUE)}", *others[at:]]
    end, outer, inner = draw(st.sampled_from(["\n", "\r\n"])), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    head, tail = ["device_id: a" + draw(COMMENT)], draw(st.sampled_from([[], ["audio: false"], ["# the end"]]))
    if draw(st.booleans()):
        inside = ("," + draw(st.sampled_from([" ", "  "]))).join(pair for pair in pairs if pair and not pair.startswith("#"))
        board = ["board:" + draw(COMMENT), " " * outer + f"battery: {{{draw(SPACE)}{inside}{draw(SPACE)}}}" + draw(COMMENT)]
    else:
        board = ["board:", " " * outer + "battery:" + draw(COMMENT), *(" " * (outer + inner) + pair + draw(COMMENT) for pair in pairs)]
    parts = [head, board, tail] if draw(st.booleans()) else [board, head, tail]
    return end.join(line for part in parts for line in part) + draw(st.sampled_from(["", end]))


@only_in_full
@given(configurations())
def test_a_rewritten_configuration_means_the_same_and_keeps_every_word(text: str) -> None:
    made, applied = rewritten(text.encode())
    wanted, read = migrated(read_document(text.encode()))
    assert applied == read == MIGRATIONS
    assert read_strictly(made, "F") == wanted.values
    assert text in (re.sub(r"\r?\n *gauge: kernel", "", made.decode()), made.decode().replace(", gauge: kernel", ""))
    assert rewritten(made) == (made, ())
    assert judge(made, Path("F")).config == judge(text.encode(), Path("F")).config


@only_in_full
def test_check_says_what_is_read_otherwise_and_migrate_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file := tmp_path / "c.yaml").write_text(BLOCK)
    os.chmod(file, 0o640)
    assert main(["config", "check", "--text-only", str(file)]) == 0
    assert "line 5: board.battery.gauge: read as kernel, which board.battery.supply alone meant before 0.1.0" in capsys.readouterr().err
    assert main(["config", "migrate", str(file)]) == 0
    assert "board.battery.gauge: kernel was written beside supply" in capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o640
    assert main(["config", "check", "--text-only", str(file)]) == 0
    assert capsys.readouterr().err == ""
    assert main(["config", "migrate", str(file)]) == 0
    assert "nothing was changed" in capsys.readouterr().out


def test_a_power_cut_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """At each step on the disk; and once the file is new, what it was is beside it."""
    (base := tmp_path / "base").mkdir()
    (base / "c.yaml").write_text(BLOCK)
    live = shutil.copytree(base, tmp_path / "live")
    program = (
        "import sys; from pathlib import Path; from bodycamd.config.migrations import migrate; from tests.powercut.steps import Steps\n"
    )
    program += "file = Path(sys.argv[1], 'c.yaml'); Steps(file.parent, log=Path(sys.argv[2])).install(); migrate(file, file.read_bytes())"
    subprocess.run([sys.executable, "-c", program, live, tmp_path / "log"], check=True)
    new, steps, disk = (live / "c.yaml").read_bytes(), read_log(tmp_path / "log"), PosixDisk(base)
    for _, operation in steps:
        disk.do([operation])
        for how in HOW:
            disk.cut(cut := tmp_path / "cut", how, random.Random(1))
            left = (cut / "c.yaml").read_bytes()
            assert left in (BLOCK.encode(), new)
            assert left != new or (cut / f"c.yaml{BEFORE}").read_text() == BLOCK
            shutil.rmtree(cut)
    assert new != BLOCK.encode()


def test_a_file_with_mistakes_is_not_rewritten(tmp_path: Path) -> None:
    (file := tmp_path / "c.yaml").write_text(BLOCK + "audio: yes\n")
    with pytest.raises(ConfigError, match="audio"):
        migrate(file, file.read_bytes())
    assert not (tmp_path / f"c.yaml{BEFORE}").exists()
