"""Clock and battery: two readings in, an event or nothing out. And when the watchdog may be fed."""

from __future__ import annotations

import socket
from pathlib import Path

from bodycamd.camera.control.events import BatteryChanged, ClockChanged
from bodycamd.camera.daemon.clock_and_battery import battery_event, clock_event
from bodycamd.camera.daemon.watchdog import SILENCE_US, WriterWatch
from bodycamd.linux.clock import ClockReading
from bodycamd.linux.systemd_notify import SystemdNotifier

S = 1_000_000


def reading(boottime_s: float, wall_s: float, trusted: bool = True, source: str = "kernel-ntp") -> ClockReading:
    return ClockReading(boottime_us=round(boottime_s * S), wall_us=round(wall_s * S), trusted=trusted, source=source, error_ms=1)


def test_a_clock_that_runs_on_is_no_event() -> None:
    assert clock_event(None, reading(10, 1000)) == ClockChanged(True, "kernel-ntp"), "until then it counts as untrusted"
    assert clock_event(reading(10, 1000), reading(15, 1005.4)) is None


def test_trust_lost_won_and_steps_are_events() -> None:
    assert clock_event(None, reading(1, 5, trusted=False, source="unsynchronised")) == ClockChanged(False, "unsynchronised")
    assert clock_event(reading(1, 5, False), reading(6, 10)) == ClockChanged(True, "kernel-ntp")
    ten_years = 10 * 365 * 86400
    assert clock_event(reading(1, ten_years), reading(6, 5)) == ClockChanged(True, "kernel-ntp", step_us=-ten_years * S)
    assert clock_event(reading(1, 5), reading(6, ten_years + 10)) == ClockChanged(True, "kernel-ntp", step_us=ten_years * S)


def test_suspend_is_no_step_because_both_clocks_count_it() -> None:
    assert clock_event(reading(10, 1000), reading(10 + 7200, 1000 + 7200)) is None


def test_critical_is_final() -> None:
    assert battery_event("ok", ("ok", 80.0)) is None
    assert battery_event("ok", ("low", 14.0)) == BatteryChanged("low", 14.0)
    assert battery_event("low", ("critical", 2.0)) == BatteryChanged("critical", 2.0)
    assert battery_event("critical", ("ok", 90.0)) is None


def test_the_watchdog_is_fed_while_the_writer_turns_or_waits_for_the_disk() -> None:
    watch = WriterWatch(0)
    assert watch.may_feed(alive=True, turns=1, in_disk_operation=False, now_us=SILENCE_US + 5)
    assert watch.may_feed(alive=True, turns=1, in_disk_operation=True, now_us=100 * SILENCE_US)
    assert watch.may_feed(alive=True, turns=1, in_disk_operation=False, now_us=101 * SILENCE_US - 1)
    assert not watch.may_feed(alive=True, turns=1, in_disk_operation=False, now_us=101 * SILENCE_US)
    assert not watch.may_feed(alive=False, turns=2, in_disk_operation=False, now_us=101 * SILENCE_US)


def test_the_notifier_speaks_to_systemds_socket_and_is_silent_without_one(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        notifier = SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "10000000"})
        notifier.say("READY=1")
        assert systemd.recv(100) == b"READY=1"
        assert notifier.watchdog_seconds == 10.0
        notifier.close()
    silent = SystemdNotifier({})
    silent.say("READY=1")
    assert silent.watchdog_seconds is None
    assert SystemdNotifier({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}).watchdog_seconds is None
