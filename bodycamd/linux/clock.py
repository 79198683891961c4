"""The clocks of this machine: CLOCK_BOOTTIME for order and length, the wall clock with the kernel's own word on its quality.

`SystemClock.read` never fails and never guesses: a wall clock is *trusted* only while the kernel says that something disciplines it (NTP,
PTP, GPS), or while it agrees with a real-time clock that the configuration declares (`linux.rtc`). What is **not** guaranteed: that the
discipline itself tells the truth (an NTP server can lie), and that both clocks of one reading are of exactly the same instant (they are
read within microseconds of each other).

The kernel's word comes from adjtimex(2) in read-only mode, which needs no privilege. A service manager may still forbid it: systemd's
`ProtectClock=yes` and any system-call filter without `@clock` do. Then the source reads `unreadable` and the clock counts as untrusted.
"""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from bodycamd.errors import StorageError
from bodycamd.linux.rtc import RealTimeClock

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TIME_ERROR = 5
"""What adjtimex returns while the clock is not synchronised (linux/timex.h)."""
STA_UNSYNC = 0x0040
TIMEX_BYTES = 208
"""sizeof(struct timex) on every 64-bit Linux; x86-64 and aarch64 share the layout."""


class ClockReading(Struct, frozen=True):
    """One reading of the clocks. `error_ms` is the kernel's own bound (`None` where there is none)."""

    boottime_us: int
    wall_us: int
    trusted: bool
    source: str
    error_ms: int | None

    @property
    def synchronised_us(self) -> int | None:
        """The wall clock, `None` where it is not trusted."""
        return self.wall_us if self.trusted else None


class Clock(Protocol):
    """CLOCK_BOOTTIME for order and length, the wall clock with its quality for statements."""

    def now_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""

    def read(self) -> ClockReading:
        """Both clocks, and whether the kernel calls the wall clock synchronised."""


class _Timeval(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long)]


class Timex(ctypes.Structure):
    """`struct timex` of linux/timex.h as the C library declares it."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Timeval),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    ]


def boottime_us() -> int:
    """CLOCK_BOOTTIME in microseconds: grows while the machine sleeps, never steps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def boot_id() -> str:
    """The kernel's random id of this boot, 36 characters with dashes. It changes at every start of the kernel, and only then. Raises
    `StorageError` where the kernel does not tell."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError as error:
        raise StorageError(f"{BOOT_ID}: cannot read the boot id: {error.strerror}") from error


def quality(result: int, status: int, maxerror_us: int, rtc_error_ms: int | None = None) -> tuple[bool, str, int | None]:
    """What one adjtimex answer means: trusted, source, and the kernel's bound of the error in milliseconds (rounded up). `rtc_error_ms` is
    the bound by a declared real-time clock that agrees, where the kernel has no word of its own."""
    if result == TIME_ERROR or status & STA_UNSYNC:
        return (False, "unsynchronised", None) if rtc_error_ms is None else (True, "rtc", rtc_error_ms)
    return True, "kernel-ntp", -(-maxerror_us // 1000)


class SystemClock:
    """The machine's clocks.

    Raises `RuntimeError` when it is made on a machine whose `struct timex` has another layout (32-bit systems): better no start than a
    wrong word on the clock in signed statements. `rtc` is the real-time clock that the configuration declares, if it does.
    """

    def __init__(self, rtc: RealTimeClock | None = None) -> None:
        self._rtc = rtc
        if ctypes.sizeof(Timex) != TIMEX_BYTES:
            raise RuntimeError(f"struct timex has {ctypes.sizeof(Timex)} bytes here, not {TIMEX_BYTES}: bodycamd needs a 64-bit system")
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        self._adjtimex.argtypes = [ctypes.POINTER(Timex)]
        self._adjtimex.restype = ctypes.c_int

    def now_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""
        return boottime_us()

    def read(self) -> ClockReading:
        """Both clocks and the wall clock's quality. `source` is `kernel-ntp`, `rtc`, `unsynchronised`, or `unreadable (NAME OF THE
        ERROR)`."""
        timex = Timex(modes=0)
        result = self._adjtimex(ctypes.byref(timex))
        at_us, wall_us = boottime_us(), time.time_ns() // 1000
        if result < 0:
            error = ctypes.get_errno()
            return ClockReading(at_us, wall_us, False, f"unreadable ({os.strerror(error)})", None)
        rtc_error_ms = None if self._rtc is None else self._rtc.error_ms(wall_us, at_us)
        return ClockReading(at_us, wall_us, *quality(result, timex.status, timex.maxerror, rtc_error_ms))


class SettableClock:
    """A clock that shows what was set, for simulations and tests: it stands still, or each reading is `step_us` after the one before.
    Usable from any thread while `step_us` is 0.
    """

    def __init__(
        self,
        boottime_us: int = 1_000_000_000,
        wall_us: int = 1_767_225_600_000_000,
        *,
        trusted: bool = True,
        source: str = "simulated",
        error_ms: int | None = 5,
        step_us: int = 0,
    ) -> None:
        self.boottime_us = boottime_us
        self.wall_us = wall_us
        self.trusted = trusted
        self.source = source
        self.error_ms = error_ms
        self._step_us = step_us

    def advance(self, microseconds: int) -> None:
        """Let time pass on both clocks. CLOCK_BOOTTIME never goes back: raises `ValueError` for less than 0."""
        if microseconds < 0:
            raise ValueError("CLOCK_BOOTTIME never goes back; step the wall clock by setting wall_us")
        self.boottime_us += microseconds
        self.wall_us += microseconds

    def now_us(self) -> int:
        """The boot time that was set."""
        self.advance(self._step_us)
        return self.boottime_us

    def read(self) -> ClockReading:
        """What was set. An untrusted clock has no bound of its error."""
        self.advance(self._step_us)
        return ClockReading(self.boottime_us, self.wall_us, self.trusted, self.source, self.error_ms if self.trusted else None)
