"""The station says to systemd that it is ready and that it lives; where it hangs it says nothing."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from bodycamd.linux.systemd_notify import SystemdNotifier
from bodycamd.municipality.station.heartbeat import PER_PERIOD, beat
from tests.kit.scale import only_in_full
from tests.municipality.station.prepared import Prepared, stop

ROOT = Path(__file__).parents[3]
STATION = ROOT / "systemd/station"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "notify"))
        opened.settimeout(20)
        yield opened


def heard(systemd: socket.socket) -> list[bytes]:
    """All that was said so far."""
    found = []
    systemd.setblocking(False)
    try:
        while True:
            found.append(systemd.recv(100))
    except BlockingIOError:
        return found
    finally:
        systemd.settimeout(20)


def test_it_beats_while_a_thread_is_free_and_not_otherwise(systemd: socket.socket, tmp_path: Path) -> None:
    notifier = SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "80000"})
    assert notifier.watchdog_seconds is not None
    seconds = notifier.watchdog_seconds
    go_on = threading.Event()

    async def lives() -> None:
        beating = asyncio.create_task(beat(notifier, seconds))
        while not heard(systemd):
            await asyncio.sleep(seconds / PER_PERIOD)
        threads = int(anyio.to_thread.current_default_thread_limiter().total_tokens)
        hung = [asyncio.create_task(anyio.to_thread.run_sync(go_on.wait, 60)) for _ in range(threads)]
        while anyio.to_thread.current_default_thread_limiter().available_tokens:
            await asyncio.sleep(0.01)
        await asyncio.sleep(seconds)
        heard(systemd)
        await asyncio.sleep(3 * seconds)
        assert heard(systemd) == [], "every thread hangs"
        go_on.set()
        await asyncio.gather(*hung)
        while not heard(systemd):
            await asyncio.sleep(seconds / PER_PERIOD)
        beating.cancel()

    asyncio.run(lives())
    notifier.close()


def test_it_beats_where_nobody_hears(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "40000"})

    async def lives() -> None:
        beating = asyncio.create_task(beat(notifier, 0.04))
        while "cannot be told" not in caplog.text:
            await asyncio.sleep(0.01)
        assert not beating.done()
        beating.cancel()

    asyncio.run(asyncio.wait_for(lives(), 20))
    notifier.close()


@only_in_full
def test_the_process_says_when_it_is_ready_that_it_lives_and_that_it_stops(
    prepared: Prepared, systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    process = prepared.start()
    said = [systemd.recv(100) for _ in range(4)]
    assert sorted(set(said)) == [b"READY=1", b"WATCHDOG=1"]
    assert said.count(b"READY=1") == 1
    process.send_signal(signal.SIGSTOP)
    heard(systemd)
    systemd.settimeout(1.5)
    with pytest.raises(TimeoutError):
        systemd.recv(100)
    process.send_signal(signal.SIGCONT)
    systemd.settimeout(20)
    assert systemd.recv(100) == b"WATCHDOG=1"
    assert stop(process) == 0
    assert b"STOPPING=1" in heard(systemd)


def values(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (STATION / unit).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_unit_waits_for_ready_and_ends_what_says_nothing() -> None:
    unit = "bodycamd-station.service"
    assert values(unit, "Type") == ["notify"]
    assert values(unit, "WatchdogSec") == ["2min"]
    assert values(unit, "Restart") == ["always"]


@pytest.mark.parametrize("unit", ["bodycamd-station.service", "bodycamd-station-backup@.service"])
def test_inside_a_unit_the_kernels_word_on_the_clock_can_be_read(unit: str) -> None:
    """ProtectClock and @privileged forbid adjtimex: a station would never know what time it is, and delete nothing, for ever."""
    assert values(unit, "ProtectClock") == []
    filters = values(unit, "SystemCallFilter")
    last = {name: number for number, line in enumerate(filters) for name in line.lstrip("~").split()}
    assert last["adjtimex"] > last["@privileged"]
    assert not filters[last["adjtimex"]].startswith("~")


def test_a_backup_goes_where_the_timer_says_and_nowhere_else() -> None:
    unit = "bodycamd-station-backup@.service"
    [command] = values(unit, "ExecStart")
    assert command.endswith(" -m bodycamd.cli.entry station backup %f/bodycamd-station /etc/bodycamd-station/station.yaml")
    assert values(unit, "ReadWritePaths") == ["%f/bodycamd-station"]
    assert values(unit, "AssertPathIsMountPoint") == ["%f"]
    assert values(unit, "User") == ["bodycamd-station"]
    timer = "bodycamd-station-backup@.timer"
    assert values(timer, "Persistent") == ["yes"]
    assert values(timer, "WantedBy") == ["timers.target"]
    assert "WantedBy" not in (STATION / unit).read_text(encoding="utf-8")


def installing(
    folder: Path | str, *, mounted: bool = False, owner: str = "", reached: bool = True, keeps_owners: bool = True
) -> subprocess.CompletedProcess[str]:
    """The part of the script that judges --backup; with a disk that is `mounted` also the one that makes what it needs. Modes and owners
    are told and never set: a script that were wrong would else set this computer's. Tests lie below /tmp, where no disk may: their names
    begin with two strokes."""
    script = (ROOT / "scripts/install-station").read_text(encoding="utf-8")
    first, second, *_ = (match.start() for match in re.finditer(r'^if \[ -n "\$backup" \]; then$', script, re.MULTILINE))
    judges = script[first : script.index('if [ -n "$name$certificate$key" ]; then')]
    makes = script[second : script.index("if ! running; then", second)]
    stands_in = f"""
        set -eu
        fail() {{ printf "%s" "$2" >&2; exit "$1"; }}
        exec 3>&1
        chmod() {{ echo "chmod $*" >&3; }}
        chown() {{ echo "chown $*" >&3; {"true" if keeps_owners else "false"}; }}
        runuser() {{ {"true" if reached else "false"}; }}
        systemd-escape() {{ echo escaped; }}
        {"realpath() { echo /$3; }; mountpoint() { true; }" if mounted else ""}
        {f"stat() {{ echo {owner}; }}" if owner else ""}
        backup=$1
    """
    return subprocess.run(
        ["bash", "-c", f"{stands_in}\n{judges}\n{makes if mounted else ''}", "x", str(folder)], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "folder",
    [
        *("backups", "/home/backups", "/root", "/mnt/a b", "/mnt/../root/x", "/run/user/0", "/", "/.", "//", "/mnt/..", "/tmp", "/tmp/x"),
        *("/proc", "/sys/fs/cgroup", "/dev/shm", "/boot/efi", "/etc", "/usr", "/var/lib/../../var"),
    ],
)
def test_where_no_backup_can_go_is_refused_before_anything_is_made(folder: str) -> None:
    ended = installing(folder)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("--backup: ")


def test_a_link_to_where_no_backup_can_go_and_a_folder_without_a_disk_are_refused(tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to("/")
    assert "the station's own disk" in installing(tmp_path / "root").stderr
    assert installing("/mnt/no-disk-of-this-name").returncode == 66


def test_the_folder_that_is_named_stays_as_it_is(tmp_path: Path) -> None:
    """Only what the script makes in it becomes the station's: the name may be a wrong one."""
    tmp_path.chmod(0o755)
    refused = installing(tmp_path, mounted=True, keeps_owners=False)
    assert (refused.returncode, "keeps owners" in refused.stderr, list(tmp_path.iterdir())) == (66, True, [])
    made = installing(tmp_path, mounted=True)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.splitlines() == [f"chown -h bodycamd-station:bodycamd-station -- /{tmp_path}/bodycamd-station"]
    assert (tmp_path / "bodycamd-station").stat().st_mode & 0o777 == 0o700
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    again = installing(tmp_path, mounted=True, owner="directory of bodycamd-station")
    assert (again.returncode, again.stdout) == (0, "")
    unreached = installing(tmp_path, mounted=True, owner="directory of bodycamd-station", reached=False)
    assert (unreached.returncode, "cannot reach it" in unreached.stderr) == (66, True)


@pytest.mark.parametrize("link", [True, False])
def test_a_folder_that_the_script_did_not_make_is_not_made_the_stations(tmp_path: Path, link: bool) -> None:
    if link:
        (tmp_path / "bodycamd-station").symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / "bodycamd-station").mkdir()
    refused = installing(tmp_path, mounted=True)
    assert (refused.returncode, refused.stdout) == (66, "")
    assert "no folder of the user bodycamd-station" in refused.stderr
