"""The sockets of a camera elsewhere, forwarded by `ssh` (OpenSSH) for as long as a command needs them: whoever logs in there has the rights
of that user at that camera, by its kernel's word, and no others.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodycamd.config.paths import DEFAULT_SOCKET, OFFLOAD_SOCKET
from bodycamd.errors import UnavailableError, UsageError
from bodycamd.foreign_text import shown

FORWARDED_SECONDS = 60.0
"""For the connection, and for whoever types the passphrase of a key."""
LOOK_SECONDS = 0.05
OPTIONS = ("-N", "-T", "-a", "-x", "-oExitOnForwardFailure=yes", "-oConnectTimeout=20", "-oServerAliveInterval=15")
_WHERE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9._:%-]*")


@contextmanager
def forwarded(where: str) -> Iterator[tuple[Path, Path]]:
    """The control socket and the offload socket of the camera at `where`, such as u-t-01@hv-07.local. `ssh` asks and complains itself.
    Raises `UsageError` for what is no such place, `UnavailableError` where the connection does not come about.
    """
    if _WHERE.fullmatch(where) is None:
        raise UsageError(f"--from {shown(where, 100)}: it looks like u-t-01@hv-07.local")
    with tempfile.TemporaryDirectory(prefix="bodycamd-") as folder:
        control, offload = Path(folder) / "control.sock", Path(folder) / "offload.sock"
        ways = [f"-L{control}:{DEFAULT_SOCKET}", f"-L{offload}:{OFFLOAD_SOCKET}"]
        try:
            connection = subprocess.Popen(["ssh", *OPTIONS, *ways, "--", where])
        except FileNotFoundError as error:
            raise UnavailableError("ssh is not installed: apt install openssh-client") from error
        try:
            _wait(connection, where, control, offload)
            yield control, offload
        finally:
            connection.terminate()
            connection.wait()


def _wait(connection: subprocess.Popen[bytes], where: str, *sockets: Path) -> None:
    end = time.monotonic() + FORWARDED_SECONDS
    while not all(socket.exists() for socket in sockets):
        if connection.poll() is not None or time.monotonic() > end:
            raise UnavailableError(f"{where}: ssh brings no connection about: does `ssh {where} bodycamd status` work?")
        time.sleep(LOOK_SECONDS)
