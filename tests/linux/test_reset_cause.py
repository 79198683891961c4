"""What two witnesses say of the last reset: the watchdog's driver, and a Pi's firmware."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.linux.reset_cause import reset_cause


@pytest.mark.parametrize(
    ("bootstatus", "pm_rsts", "cause"),
    [
        (None, None, "unknown"),
        ("0\n", None, "unknown"),  # also the zero of a driver that never tells
        ("32\n", None, "watchdog"),
        ("0x20\n", None, "watchdog"),
        ("1\n", None, "unknown"),  # another flag: overheated
        ("nonsense", None, "unknown"),
        ("", None, "unknown"),
        ("0\n", 0x20, "watchdog"),
        ("0\n", 0x1000, "power"),
        ("0\n", 0x1020, "power"),  # both: the safe side
        ("0\n", 0, "unknown"),
        ("0\n", 0x400, "unknown"),
        ("32\n", 0x1000, "watchdog"),  # the driver's own word
    ],
)
def test_the_cause(tmp_path: Path, bootstatus: str | None, pm_rsts: int | None, cause: str) -> None:
    if bootstatus is not None:
        (tmp_path / "class/watchdog0").mkdir(parents=True)
        (tmp_path / "class/watchdog0/bootstatus").write_text(bootstatus)
    if pm_rsts is not None:
        (tmp_path / "pm_rsts").write_bytes(pm_rsts.to_bytes(4, "big"))
    assert reset_cause(tmp_path / "class", tmp_path / "pm_rsts") == cause


def test_a_register_of_another_length_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "pm_rsts").write_bytes(bytes([0, 0, 0, 0, 0, 0, 0, 0x20]))
    assert reset_cause(tmp_path / "class", tmp_path / "pm_rsts") == "unknown"


def test_a_bootstatus_that_cannot_be_read_does_not_hide_the_next(tmp_path: Path) -> None:
    (tmp_path / "watchdog0/bootstatus").mkdir(parents=True)
    (tmp_path / "watchdog1").mkdir()
    (tmp_path / "watchdog1/bootstatus").write_text("32")
    assert reset_cause(tmp_path, tmp_path / "none") == "watchdog"
