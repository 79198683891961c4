"""Answers requests, a line of JSON each: `{"do": "edges", …}` is answered by `{"result": …}` or `{"error": …}`.

In a virtual camera, over a serial port that QEMU has on a socket: `python3 -m tests.hil.guest`. On a Raspberry Pi, over ssh:
`python3 -m tests.hil.guest --pi /`.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from tests.hil.guest import parts, pins
from tests.hil.guest.bench import Bench
from tests.hil.guest.jumpers import Refused

PORT = "hil"
CONTROL = "/run/bodycamd/control.sock"
LEDGER = Path("/var/lib/bodycamd/store/ledger")
PROMISES = Path("/bench/promises.jsonl")
ANSWER_SECONDS = 60.0


def status() -> Any:
    """What the daemon says of itself; nothing while it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(ANSWER_SECONDS)
            client.connect(CONTROL)
            client.sendall(b'{"command":"status"}\n')
            return json.loads(client.makefile().readline())["result"]
    except (OSError, ValueError, KeyError):
        return None


def ledger(skip: int) -> list[Any]:
    """The entries of the ledger after the first `skip`, oldest first, unverified."""
    lines = [line for path in sorted(LEDGER.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
    return [json.loads(line.partition(b" ")[2]) for line in lines[skip:]]


def run(command: list[str], limit: float) -> dict[str, Any]:
    """A program to its end: exit code and what it said."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=limit, stdin=subprocess.DEVNULL)
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def read(path: str) -> str:
    """A file, in base64."""
    return base64.b64encode(Path(path).read_bytes()).decode()


ANYWHERE: Mapping[str, Callable[..., Any]] = {
    "now": lambda: None,
    "rest": lambda seconds: time.sleep(seconds),
    "status": status,
    "ledger": ledger,
    "run": run,
    "read": read,
}


def actions(hand: pins.Pins) -> Mapping[str, Callable[..., Any]]:
    """What can be asked for. Every answer says what time it was."""
    return {
        "edges": hand.move,
        "changes": lambda skip: hand.changes[skip:],
        **ANYWHERE,
        "battery": parts.battery,
        "leave_share": parts.leave_share,
        "take_share": parts.take_share,
        "poweroff": lambda: os.system("systemctl --force --force poweroff"),
    }


def keep_promises() -> None:
    """Each fragment that the daemon says is on disk goes into the share: that is outside this camera, and survives its power."""
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(CONTROL)
                client.sendall(b'{"command":"subscribe"}\n')
                for line in client.makefile("rb"):
                    if b'"FragmentDurable"' in line:
                        with PROMISES.open("ab", buffering=0) as kept:
                            kept.write(line)
        except OSError:
            time.sleep(0.5)


def serve(requests: IO[bytes], answers: IO[bytes], known: Mapping[str, Callable[..., Any]]) -> None:
    """Until the other end is closed."""
    for line in requests:
        asked = json.loads(line)
        try:
            answer = {"result": known[asked.pop("do")](**asked)}
        except Refused as error:
            answer = {"error": str(error), "code": error.code}
        except Exception as error:
            answer = {"error": repr(error)}
        answers.write(json.dumps({**answer, "now_us": pins.now_us()}).encode() + b"\n")
        answers.flush()


def port() -> str:
    """The serial port of this name."""
    for name in Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text().strip() == PORT:
            return f"/dev/{name.parent.name}"
    raise FileNotFoundError(f"no serial port {PORT}")


def ready() -> None:
    """Tells systemd: what needs the parts may start."""
    if (address := os.environ.get("NOTIFY_SOCKET")) is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", address)


def on_a_pi(bench: Bench) -> None:
    """Answer until ssh is gone, and leave the camera as it was."""
    known: dict[str, Callable[..., Any]] = {"look": bench.look, "begin": bench.begin, "end": bench.end, "camera": bench.camera}
    seen: dict[str, Callable[..., Any]] = {"edges": lambda edges: bench.hand.move(edges), "changes": lambda skip: bench.hand.changes[skip:]}
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer, {**ANYWHERE, **known, **seen})
    finally:
        bench.close()


def main() -> int:
    """Put the parts in, then answer."""
    if sys.argv[1:2] == ["--pi"]:
        try:
            on_a_pi(Bench(status, Path.cwd(), Path(sys.argv[2])))
        except Refused as error:
            print(error, file=sys.stderr)
            return error.code
        return 0
    os.chdir("/")  # the share can be left
    parts.put_in()
    pins.make_chip()
    hand = pins.Pins()
    ready()
    threading.Thread(target=keep_promises, daemon=True).start()
    while True:
        line = os.open(port(), os.O_RDWR)
        with os.fdopen(line, "rb") as requests, os.fdopen(os.dup(line), "wb") as answers:
            serve(requests, answers, actions(hand))
        time.sleep(0.1)  # nobody is there


if __name__ == "__main__":
    sys.exit(main())
