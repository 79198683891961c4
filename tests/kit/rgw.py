"""A real Ceph RGW with Object Lock on this machine: one monitor, one OSD in memory, one gateway, on loopback alone.

Needs Debian's radosgw, ceph-mon, ceph-osd and ceph-common, and root. It takes half a minute to come.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import uuid
from pathlib import Path
from urllib.request import urlopen

from tests.kit.waiting import wait_for

CONFIGURATION = """[global]
fsid = {fsid}
mon host = [v1:127.0.0.1:{mon_port}/0]
ms bind msgr2 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
mon warn on pool no redundancy = false
mon allow pool size one = true
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 2147483648
log file = {root}/run/$name.log
admin socket = {root}/run/$name.asok
run dir = {root}/run
pid file =
[mon.a]
mon data = {root}/mon/a
[osd.0]
osd data = {root}/osd/0
osd class update on start = false
osd journal =
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{rgw_port}
rgw dns name = localhost
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Rgw:
    """Started as a context; its user is STATION with the secret `stationsecret`."""

    def __init__(self, root: Path) -> None:
        self._root, self._port = root, free_port()
        self._fsid = str(uuid.uuid4())
        self._monitor_port = free_port()
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Rgw:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._started):
            process.kill()
            process.wait()

    def _start(self) -> None:
        for folder in ("mon", "osd/0", "run"):
            (self._root / folder).mkdir(parents=True)
        words = {"root": self._root, "fsid": self._fsid, "mon_port": self._monitor_port, "rgw_port": self._port}
        (self._root / "ceph.conf").write_text(CONFIGURATION.format(**words))
        monitor = f"[v1:127.0.0.1:{self._monitor_port}/0]"
        self._run("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", monitor, str(self._root / "monmap"), "--clobber")
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", str(self._root / "monmap"))
        self._begin("ceph-mon", "-i", "a", "-f")
        wait_for(lambda: self._says("-s") is not None, 60, "a monitor")
        osd = str(uuid.uuid4())
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._begin("ceph-osd", "-i", "0", "-f")
        wait_for(lambda: "1 up" in (self._says("osd", "stat") or ""), 60, "an OSD")
        self._begin("radosgw", "-n", "client.rgw", "-f")
        wait_for(self._answers, 120, "a gateway")
        user = ("--uid", "station", "--display-name", "station", "--access-key", "STATION", "--secret-key", "stationsecret")
        self._run("radosgw-admin", "-n", "client.rgw", "user", "create", *user)

    def _answers(self) -> bool:
        time.sleep(0.5)
        try:
            with urlopen(self.endpoint, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _says(self, *words: str) -> str | None:
        try:
            return self._run("ceph", "--connect-timeout", "5", *words)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run([program, "-c", self._file, *words], check=True, capture_output=True, text=True, timeout=60, env=self._env)
        return done.stdout

    def _begin(self, program: str, *words: str) -> None:
        with (self._root / "run" / f"{program}.out").open("wb") as out:
            self._started.append(subprocess.Popen([program, "-c", self._file, *words], stdout=out, stderr=out, env=self._env))

    @property
    def _file(self) -> str:
        return str(self._root / "ceph.conf")

    @property
    def _env(self) -> dict[str, str]:
        return os.environ | {"CEPH_CONF": self._file}
