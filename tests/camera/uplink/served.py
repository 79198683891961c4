"""A resting camera behind a real control socket, and the uplink as a process of its own."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import yaml

from bodycamd.camera.daemon.commands import Commands
from bodycamd.camera.daemon.protocol import AnyRequest, AskStatus
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.roster_acceptance import Decision
from bodycamd.evidence.statements import Caller
from tests.camera.keeping.sending_camera import SendingCamera
from tests.camera.uplink.sent import KEY
from tests.evidence.ordering import IN_FORCE
from tests.kit.statuses import AT_REST


class HasCamera(Protocol):
    """Whatever has a camera that sends."""

    camera: SendingCamera


class ServedCamera:
    """`Commands` of a resting camera: its writer's thread is the socket's."""

    def __init__(self, sent: HasCamera, folder: Path) -> None:
        self.sent, self.path = sent, folder / "control.sock"
        self.wanted: list[str] = []
        """The bundles that orders name."""
        in_force = SimpleNamespace(in_force=IN_FORCE, offer=lambda *_: Decision("unchanged"))
        rosters: Any = SimpleNamespace(rosters=in_force, count_not_signed=lambda _: None, wanted_bundles=lambda *_: self.wanted)
        self.commands = Commands(SimpleNamespace(), SimpleNamespace(), rosters, sent.camera.sending)  # type: ignore[arg-type]
        writer = SimpleNamespace(work=lambda run: run(SimpleNamespace(state_durably=sent.camera.store.ledger.note)))
        self.commands.attach(sent.camera.store, writer, sent.camera.keeper, lambda: AT_REST)  # type: ignore[arg-type]
        self.asked = 0

    def answer(self, request: AnyRequest, caller: Caller) -> Any:
        self.asked += 1
        if isinstance(request, AskStatus):
            return AT_REST
        return self.commands.answer(request, caller)

    @contextmanager
    def served(self) -> Iterator[ServedCamera]:
        with serving(self.path, self.answer, self.commands.close):
            yield self


@contextmanager
def serving(path: Path, answer: Callable[[AnyRequest, Caller], Any], close: Callable[[], None]) -> Iterator[None]:
    """A recorder's own socket at `path`, for an uplink of this user; `close` is called behind its end."""
    loop = asyncio.new_event_loop()
    server = ControlSocket(path, answer, group="none", admin_group="none", uplink_user=pwd.getpwuid(os.getuid()).pw_name)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Callable[[], Awaitable[object]]) -> None:
        async def awaited() -> None:
            await work()

        asyncio.run_coroutine_threadsafe(awaited(), loop).result(30)

    run(server.start)
    try:
        yield
    finally:
        run(server.stop)
        close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def configured(folder: Path, url: str, socket: Path, *, device: str = "cam-7", key: SigningKey = KEY, **station: Any) -> Path:
    """The configuration of an uplink, with its key beside it; the configuration's file."""
    (folder / "uplink.key").write_bytes(key.file_bytes())
    (folder / "root.json").write_bytes(b"{}")
    words = {
        "device_id": device,
        "keys": {"root": "root.json", "roster": "root.json"},
        "control": {"socket": str(socket), "uplink_user": pwd.getpwuid(os.getuid()).pw_name},
        "station": {"url": url, "id": "station-1", "upload": "always", "longest_pause_seconds": 5, **station},
    }
    path = folder / "bodycamd.yaml"
    path.write_text(yaml.safe_dump(words))
    return path


ROOT = Path(__file__).parents[3]
LIMIT = re.compile(r"Limit([A-Z]+)=([0-9]+)([KM]?)")
BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20}


def unit_limits() -> dict[int, int]:
    """What the unit lets one process have: by `resource.RLIMIT_…`."""
    lines = (ROOT / "systemd/bodycamd-uplink.service").read_text(encoding="utf-8").splitlines()
    found = [limit for line in lines if (limit := LIMIT.fullmatch(line))]
    return {getattr(resource, f"RLIMIT_{one[1]}"): int(one[2]) * BYTES[one[3]] for one in found}


def limit(pid: int) -> None:
    """A process may have no more from here on than the unit lets it have."""
    for kind, most in unit_limits().items():
        resource.prlimit(pid, kind, (most, most))


def start(config: Path) -> subprocess.Popen[bytes]:
    """The uplink, within the unit's limits, with what it says in `uplink.log`."""
    with (config.parent / "uplink.log").open("ab") as said:
        command = [sys.executable, "-m", "bodycamd.camera.uplink", "--config", str(config), "--key", str(config.parent / "uplink.key")]
        command += ["--state", str(config.parent), "--release-keys", str(config.parent / "release.pem")]
        process = subprocess.Popen(command, stdout=said, stderr=said)
        limit(process.pid)
        return process
