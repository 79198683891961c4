"""Runs inside the container (scripts/test-station-unit): installs the station, has a camera send to it through nginx, judges what is there.

Only the standard library, and the commands that an operator would use. Results go to /bench/result as they come.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Sequence
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

BENCH = Path("/bench")
SOURCE = Path("/usr/src/checkout")
NAME = "station.example.org"
UNIT = "bodycamd-station.service"
ETC = Path("/etc/bodycamd-station")
DATA = Path("/var/lib/bodycamd-station")
INSTALL = [
    "--nginx",
    NAME,
    "--certificate",
    "/etc/ssl/private/tls.pem",
    "--key",
    "/etc/ssl/private/tls.key",
    "--connections",
    "8",
    "--postgresql",
]


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def judge(what: str, good: bool, seen: object = "") -> None:
    line = f"PASS  {what}" if good else f"FAIL  {what}: {seen}"
    with (BENCH / "result").open("a", encoding="utf-8") as result:
        result.write(line + "\n")


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def shown(name: str) -> str:
    return run(["systemctl", "show", "--value", "-p", name, UNIT]).stdout.strip()


def install(*words: str) -> subprocess.CompletedProcess[str]:
    return run([SOURCE / "scripts/install-station", *words], env={**os.environ, "BODYCAMD_APT": "no"})


def asked(method: str, path: str, body: bytes | None = None) -> int:
    """The status of an answer through nginx, to a request that nobody signed."""
    connection = HTTPSConnection(NAME, context=ssl.create_default_context(cafile=str(BENCH / "tls/root.pem")), timeout=20)
    try:
        connection.request(method, path, body)
        return connection.getresponse().status
    finally:
        connection.close()


def answers() -> bool:
    try:
        return asked("GET", "/v1/health") == 200
    except OSError:
        return False


def sent() -> list[int]:
    """The numbers of the receipts that a camera gets for its segments."""
    done = run(["/opt/bodycamd-station/bin/python", "-P", BENCH / "send.py", NAME])
    return json.loads(done.stdout) if done.returncode == 0 else [0, *map(int, re.findall(r"line (\d+)", done.stderr))]


def installed() -> None:
    """The first time it says what is missing; the second time it starts, and changes nothing that was there."""
    shutil.copytree(BENCH / "source", SOURCE)
    with Path("/etc/hosts").open("a", encoding="utf-8") as hosts:
        hosts.write(f"127.0.0.1 {NAME}\n")
    for name in ("tls.pem", "tls.key"):
        shutil.copy(BENCH / "tls" / name, Path("/etc/ssl/private") / name)
    ETC.mkdir(mode=0o750)
    shutil.copy(BENCH / "etc/station-1.key", ETC)
    done = install(*INSTALL)
    judge("scripts/install-station ends with exit code 0", done.returncode == 0, done.stdout + done.stderr)
    judge(
        "it says that the roster is missing, and starts nothing",
        "still missing" in done.stdout and shown("ActiveState") == "inactive",
        done.stdout,
    )
    key = (ETC / "station-1.key").read_bytes() == (BENCH / "etc/station-1.key").read_bytes()
    judge("it keeps the key that was there", key)
    for name in ("root.json", "roster.txt"):
        shutil.copy(BENCH / "etc" / name, ETC)
    before = (ETC / "station.yaml").read_bytes() + b"# by hand\n"
    (ETC / "station.yaml").write_bytes(before)
    done = install(*INSTALL)
    judge("a second time it ends with 0 too", done.returncode == 0, done.stdout + done.stderr)
    judge("… and keeps the configuration", (ETC / "station.yaml").read_bytes() == before)
    judge("a certificate for another name is refused", install(*INSTALL[:1], "x.example", *INSTALL[2:6]).returncode == 65)
    judge("… and the site is as it was", f"server_name {NAME};" in Path("/etc/nginx/sites-enabled/bodycamd-station").read_text())


def closed_in() -> None:
    verified = run(["systemd-analyze", "verify", "--man=no", UNIT])
    judge("systemd-analyze verify has nothing to say of it", (verified.returncode, verified.stderr) == (0, ""), verified.stderr)
    score = run(["systemd-analyze", "security", UNIT, "--no-pager"]).stdout
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", score)
    exposed = float(exposure[1]) if exposure is not None else 10.0
    judge(f"{UNIT} is exposed by {exposed} of 10, at most 1.5", exposed <= 1.5, score)
    secret = (ETC / "station-1.key", ETC / "station.yaml", DATA / "nonce-secret")
    seen = [path for path in secret if run(["runuser", "-u", "nobody", "--", "cat", path]).returncode == 0]
    judge("nobody else reads its key, its configuration, its folder", not seen, seen)
    judge("it runs as its own user", shown("User") == "bodycamd-station" and shown("ActiveState") == "active", shown("ActiveState"))


def takes_what_a_camera_sends() -> None:
    judge("nginx answers for it over TLS", wait_for(answers, 30), run(["journalctl", "-n", "50", "--no-pager"]).stdout)
    numbers = sent()
    judge(f"a camera's requests through nginx get receipts: {numbers}", numbers == list(range(1, len(numbers) + 1)), numbers)
    rows = run(["runuser", "-u", "bodycamd-station", "--", "psql", "-AtX", "-d", "bodycamd-station", "-c", "SELECT count(*) FROM receipts"])
    judge("they stand in PostgreSQL", rows.stdout.strip() == str(len(numbers)), rows.stdout + rows.stderr)
    other = run(["runuser", "-u", "nobody", "--", "psql", "-AtX", "-d", "bodycamd-station", "-c", "SELECT 1"])
    judge("nobody else's role opens the database", other.returncode != 0, other.stdout)
    judge("nothing else is passed on", [asked("GET", path) for path in ("/", "/metrics", "/health", "/v2")] == [404] * 4)
    judge("who has not signed is refused by the station itself", asked("GET", "/v1/cameras/cam-7/receipts") == 401)
    judge("more than a part goes no further than nginx", asked("PATCH", "/v1/cameras/cam-7/ledger/1", b"x" * (1024 * 1024 + 1)) == 413)
    old = subprocess.run(
        ["openssl", "s_client", "-connect", f"{NAME}:443", "-tls1_1"], capture_output=True, stdin=subprocess.DEVNULL, timeout=30
    )
    judge("TLS 1.1 is refused", old.returncode != 0)
    log = Path("/var/log/nginx/access.log")
    judge("no address is logged", not log.exists() or log.read_text() == "", log)


def survives_a_kill() -> None:
    before = sent()
    os.kill(int(shown("MainPID")), signal.SIGKILL)
    judge("killed, it is started anew", wait_for(answers, 30), shown("ActiveState"))
    judge("… and gives the same receipts", sent() == before, before)


def starts_anew_what_hangs() -> None:
    """Stopped by a signal it says nothing any more. The time is made short for it."""
    folder = Path("/run/systemd/system") / f"{UNIT}.d"
    folder.mkdir(parents=True)
    (folder / "short.conf").write_text("[Service]\nWatchdogSec=4s\n")
    run(["systemctl", "daemon-reload"])
    run(["systemctl", "restart", UNIT])
    judge("it says when it is ready, and that it lives", wait_for(answers, 30) and shown("Type") == "notify", shown("ActiveState"))
    hung = shown("MainPID")
    time.sleep(12)
    judge("for three times the watchdog's time it goes on", shown("MainPID") == hung and answers(), shown("MainPID"))
    os.kill(int(hung), signal.SIGSTOP)
    judge("one that hangs is started anew", wait_for(lambda: shown("MainPID") not in ("0", hung) and answers(), 90), shown("ActiveState"))
    shutil.rmtree(folder)
    run(["systemctl", "daemon-reload"])


def reads_how_good_its_clock_is() -> None:
    """Inside the unit: a filter that forbids adjtimex would have it delete nothing, for ever."""
    program = "from bodycamd.linux.clock import SystemClock; raise SystemExit(SystemClock().read().source == 'unreadable')"
    folder = Path("/run/systemd/system") / f"{UNIT}.d"
    folder.mkdir(parents=True)
    (folder / "clock.conf").write_text(f'[Service]\nExecStartPre=/opt/bodycamd-station/bin/python -P -s -c "{program}"\n')
    run(["systemctl", "daemon-reload"])
    started = run(["systemctl", "restart", UNIT])
    judge("inside the unit the kernel's word on the clock is read", started.returncode == 0 and wait_for(answers, 30), started.stderr)
    shutil.rmtree(folder)
    run(["systemctl", "daemon-reload"])


def backs_up() -> None:
    """Off until it is asked for; then into a mounted disk alone."""
    listed = run(["systemctl", "list-timers", "--all", "--no-legend", "bodycamd-station-backup@*"]).stdout
    judge("no backup is made unless it was asked for", listed.strip() == "", listed)
    disk = Path("/mnt/backups")
    disk.mkdir(parents=True)
    judge("a folder without a disk is refused", install(*INSTALL, "--backup", str(disk)).returncode == 66)
    run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", disk])
    before = (disk.owner(), disk.stat().st_mode & 0o7777)
    done = install(*INSTALL, "--backup", str(disk))
    timer = run(["systemctl", "is-active", "bodycamd-station-backup@mnt-backups.timer"]).stdout.strip()
    owners = [(path.owner(), path.stat().st_mode & 0o7777) for path in (disk, disk / "bodycamd-station")]
    judge("the disk stays whose it was", (before, owners[1]) == (owners[0], ("bodycamd-station", 0o700)), (before, owners))
    judge("--backup switches it on", (done.returncode, timer) == (0, "active"), done.stdout + done.stderr + timer)
    unit = "bodycamd-station-backup@mnt-backups.service"
    made = run(["systemctl", "start", unit])
    tars = list((disk / "bodycamd-station").glob("station-1-*.tar"))
    judge("… and it makes one", made.returncode == 0 and len(tars) == 1, run(["journalctl", "-u", unit, "--no-pager"]).stdout)
    score = run(["systemd-analyze", "security", unit, "--no-pager"]).stdout
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", score)
    judge(f"{unit} is exposed by at most 1.5", exposure is not None and float(exposure[1]) <= 1.5, score)
    run(["umount", disk])
    judge("without the disk nothing is written", run(["systemctl", "start", unit]).returncode != 0 and not list(disk.iterdir()))
    run(["mount", "-t", "tmpfs", "tmpfs", disk])


def is_removed() -> None:
    before = sent()
    done = install("--remove")
    judge("--remove ends with exit code 0", done.returncode == 0, done.stdout + done.stderr)
    gone = [
        Path("/opt/bodycamd-station"),
        *Path("/etc/systemd/system").rglob("bodycamd-station*"),
        Path("/etc/nginx/sites-enabled/bodycamd-station"),
    ]
    judge("program, unit and site are gone", not any(path.exists() or path.is_symlink() for path in gone), gone)
    judge("what is evidence, and the key, stay", (DATA / "cameras/cam-7/store").is_dir() and (ETC / "station-1.key").is_file())
    judge("a second time it ends with 0 too", install("--remove").returncode == 0)
    shutil.copytree(BENCH / "program", "/opt/bodycamd-station", symlinks=True)
    done = install(*INSTALL)
    judge(
        "installed again it has everything", done.returncode == 0 and wait_for(answers, 30) and sent() == before, done.stdout + done.stderr
    )


CHECKS = (
    installed,
    closed_in,
    takes_what_a_camera_sends,
    survives_a_kill,
    starts_anew_what_hangs,
    reads_how_good_its_clock_is,
    backs_up,
    is_removed,
)


def main() -> None:
    """All checks in order; each builds on the one before."""
    try:
        for check in CHECKS:
            check()
    except Exception as error:
        judge(f"the bench itself: {check.__name__}", False, repr(error))
        raise
    finally:
        print(run(["journalctl", "--no-pager", "-n", "200"]).stdout)
    with (BENCH / "result").open("a", encoding="utf-8") as result:
        result.write("END\n")


if __name__ == "__main__":
    main()
