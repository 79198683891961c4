"""What jobs share: they run in the virtual camera, as root, with Debian's Python and its standard library only."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BENCH = Path("/bench")
"""The folder that the host shares."""
STATE = Path("/var/lib/bodycamd")
UNIT = "bodycamd.service"
DROP_INS = Path(f"/etc/systemd/system/{UNIT}.d")
EMULATED = "[Service]\nTimeoutStartSec=infinity\nTimeoutStopSec=5min\nWatchdogSec=0\n"
"""An emulated processor may take its time; nothing else of the unit is changed."""


def run(*command: str) -> str:
    """What a command printed. Raises where it failed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Raises `TimeoutError`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(1)


def shown(name: str) -> str:
    """A property of the unit."""
    return run("systemctl", "show", "--value", "-p", name, UNIT).strip()


def status() -> dict[str, Any]:
    """What the daemon says of itself, without the seconds that the command line costs here; empty while it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("/run/bodycamd/control.sock")
            client.sendall(b'{"command":"status"}\n')
            answer: dict[str, Any] = json.loads(client.makefile().readline())["result"]
    except OSError:
        return {}
    return answer


def press(*datagrams: str) -> None:
    """Edges of the simulated button."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hand:
        hand.connect(str(STATE / "button.sock"))
        for datagram in datagrams:
            if datagram.startswith("wait "):
                time.sleep(float(datagram[5:]))
            else:
                hand.send(datagram.encode())


def configure() -> None:
    """The configuration and the recipients of the share, and the unit's patience on an emulated processor."""
    for name in ("bodycamd.yaml", "recipients.txt"):
        shutil.copy(BENCH / name, Path("/etc/bodycamd") / name)
    DROP_INS.mkdir(exist_ok=True)
    (DROP_INS / "emulated.conf").write_text(EMULATED)


def ledger() -> list[dict[str, Any]]:
    """Every entry of the store's ledger, oldest first, unverified."""
    return [
        json.loads(line.partition(b" ")[2])
        for path in sorted((STATE / "store/ledger").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def tell(name: str, told: Any) -> None:
    """Hand what was seen to the host, as NAME.json of the share."""
    (BENCH / f"{name}.json").write_text(json.dumps(told))
