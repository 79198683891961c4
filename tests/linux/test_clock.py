"""The machine's clocks, with the C compiler as the judge of the structure's layout."""

from __future__ import annotations

import ctypes
import re
import subprocess
import time
from pathlib import Path

import pytest

from bodycamd.linux import clock as module
from bodycamd.linux.clock import SystemClock, Timex, boot_id, boottime_us, quality
from tests.camera.board.conftest import program


def test_the_layout_is_the_compilers(tmp_path: Path) -> None:
    names = [str(field[0]) for field in Timex._fields_ if field[0] != "reserved"]
    offsets = "".join(f'printf("{name} %zu\\n", offsetof(struct timex, {name}));' for name in names)
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <sys/timex.h>\n"
        f"int main(void) {{ {offsets} "
        'printf("sizeof %zu\\nTIME_ERROR %d\\nSTA_UNSYNC %d\\n", sizeof(struct timex), TIME_ERROR, STA_UNSYNC); }\n'
    )
    subprocess.run([program("gcc"), str(source), "-o", str(tmp_path / "layout")], check=True)
    told = subprocess.run([str(tmp_path / "layout")], check=True, capture_output=True, text=True).stdout
    layout = {name: int(value) for name, value in (line.split() for line in told.splitlines())}
    assert {name: layout[name] for name in names} == {name: getattr(Timex, name).offset for name in names}
    assert (layout["sizeof"], layout["TIME_ERROR"], layout["STA_UNSYNC"]) == (ctypes.sizeof(Timex), module.TIME_ERROR, module.STA_UNSYNC)
    assert layout["sizeof"] == module.TIMEX_BYTES


def test_both_clocks_are_the_kernels() -> None:
    clock = SystemClock()
    before = (time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000, time.time_ns() // 1000)
    reading = clock.read()
    after = (time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000, time.time_ns() // 1000)
    assert before[0] <= reading.boottime_us <= after[0]
    assert before[1] <= reading.wall_us <= after[1]
    assert reading.source in ("kernel-ntp", "unsynchronised")
    assert reading.trusted is (reading.source == "kernel-ntp") is (reading.error_ms is not None)
    assert clock.now_us() <= boottime_us()


def test_the_kernels_word_agrees_with_adjtimex_of_the_system() -> None:
    code = "import ctypes; b = ctypes.create_string_buffer(208); print(ctypes.CDLL(None).adjtimex(b))"
    result = int(subprocess.run([program("python3"), "-c", code], check=True, capture_output=True, text=True).stdout)
    assert SystemClock().read().trusted is (result != module.TIME_ERROR)


@pytest.mark.parametrize(
    ("result", "status", "maxerror_us", "expected"),
    [
        (0, 0x2001, 1_234_001, (True, "kernel-ntp", 1235)),
        (0, 0, 0, (True, "kernel-ntp", 0)),
        (1, 0x11, 500, (True, "kernel-ntp", 1)),  # a leap second is announced
        (5, 0x40, 16_000_000, (False, "unsynchronised", None)),
        (5, 0x1000, 100, (False, "unsynchronised", None)),  # the hardware clock is at fault
        (0, 0x40, 100, (False, "unsynchronised", None)),
    ],
)
def test_quality(result: int, status: int, maxerror_us: int, expected: tuple[bool, str, int | None]) -> None:
    assert quality(result, status, maxerror_us) == expected


def test_a_forbidden_call_is_stated_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service manager's filter answers adjtimex with EPERM."""
    clock = SystemClock()

    def forbidden(timex: object) -> int:
        ctypes.set_errno(1)
        return -1

    monkeypatch.setattr(clock, "_adjtimex", forbidden)
    reading = clock.read()
    assert (reading.trusted, reading.source, reading.error_ms) == (False, "unreadable (Operation not permitted)", None)


def test_another_layout_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEX_BYTES", 128)
    with pytest.raises(RuntimeError, match="64-bit"):
        SystemClock()


def test_the_boot_id() -> None:
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", boot_id())
    assert boot_id() == boot_id()
