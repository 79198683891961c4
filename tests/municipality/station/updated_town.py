"""A station, a camera that takes bundles, its recorder behind its real socket, and uplinks as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from bodycamd.camera.daemon.commands import Commands
from bodycamd.camera.daemon.protocol import AnyRequest, AskStatus
from bodycamd.camera.installation import change, commands
from bodycamd.camera.installation.archive import verify
from bodycamd.camera.keeping.waiting import UplinkStatus, Waiting
from bodycamd.camera.updating import fetched, this_camera
from bodycamd.errors import UnavailableError
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.orders import SignedOrder, Update
from bodycamd.evidence.statements import Caller, wall_text
from bodycamd.municipality.station.bundle_store import BundleStore
from bodycamd.municipality.station.cameras import Sender
from tests.camera.updating.updated_camera import UpdatedCamera
from tests.camera.uplink.served import configured, serving, start
from tests.evidence.ordering import IN_FORCE, UPDATE, ordered
from tests.evidence.rostering import key
from tests.kit.resting_camera import DAY
from tests.kit.statuses import AT_REST
from tests.kit.waiting import wait_for
from tests.municipality.station.at_station import NOW, UPLINK_KEY, private
from tests.municipality.station.conftest import Station
from tests.municipality.station.sending import CameraLink

NOTHING = Waiting(receipts=0, receipt_due=False, starts=[], recordings=[])


class Recorder:
    """`Commands` of the camera as it is now: an update closes it and opens it again. No footage waits on it."""

    def __init__(self, camera: UpdatedCamera, path: Path) -> None:
        self.camera, self.path, self.lock = camera, path, threading.RLock()
        self._of: tuple[object, Commands] | None = None

    def commands(self) -> Commands:
        if self.camera._opened is None:
            raise UnavailableError("no recorder")
        if self._of is None or self._of[0] is not self.camera.store:
            self.close()
            sending: Any = SimpleNamespace(waiting=lambda *_: NOTHING, segments=0, bytes=0, receipts=0, stored_at="", numbered=None)
            made = Commands(SimpleNamespace(), SimpleNamespace(), self.camera.orders, sending)  # type: ignore[arg-type]
            writer: Any = SimpleNamespace(work=lambda run: run(SimpleNamespace(state_durably=self.camera.enter)))
            made.attach(self.camera.store, writer, self.camera.keeper, lambda: AT_REST)
            self._of = self.camera.store, made
        return self._of[1]

    def answer(self, request: AnyRequest, caller: Caller) -> Any:
        with self.lock:
            return AT_REST if isinstance(request, AskStatus) else self.commands().answer(request, caller)

    def close(self) -> None:
        if self._of is not None:
            self._of[1].close()
            self._of = None

    def status(self) -> UplinkStatus:
        with self.lock:
            uplink = self.commands().uplink
            assert uplink is not None
            return uplink.status()

    @contextmanager
    def served(self) -> Iterator[None]:
        with serving(self.path, self.answer, self.close):
            yield


@dataclass
class Town:
    """All of it. `uplink` starts a process, `updater` is what root's command does."""

    root: Path
    station: Station
    camera: UpdatedCamera
    recorder: Recorder
    config: Path

    @property
    def spool(self) -> Path:
        return self.root / "bundles"

    def lay_in(self, version: str, size_bytes: int) -> str:
        """At the station; the bundle's name."""
        path = self.camera.publisher.bundle(version, {"wheels/large-1.0.whl": os.urandom(size_bytes)})
        store = BundleStore(self.station.storage, self.station.index, lambda: NOW * 1_000_000)
        return store.add(path, lambda one: verify(one, self.camera.keys).sha256).name

    def order(self, name: str) -> SignedOrder:
        """To update, from a technician's desk to the station."""
        made_us = self.camera.clock.wall_us
        times = {"made_at": wall_text(made_us), "not_after": wall_text(made_us + 7 * DAY), "nonce": os.urandom(16).hex()}
        order = ordered(msgspec.structs.replace(UPDATE, body=Update(bundle=name), cameras=("HV-01",), **times))
        desk = CameraLink(self.station.client, "HV-01", private(key("T-01")), authority=f"127.0.0.1:{self.station.port}")
        assert desk.put("POST", "/v1/orders", order.document.file_bytes).status_code == 201
        return order

    @contextmanager
    def uplink(self, number: signal.Signals = signal.SIGKILL) -> Iterator[subprocess.Popen[bytes]]:
        process = start(self.config)
        try:
            yield process
        finally:
            process.send_signal(number)
            process.wait(20)

    @property
    def here_bytes(self) -> int:
        """How much has been fetched."""
        return sum(path.stat().st_size for path in self.spool.iterdir() if path.is_file()) if self.spool.exists() else 0

    def says(self, words: str, seconds: float = 60) -> None:
        wait_for(lambda: words in self.recorder.status().bundle, seconds, words)

    def updater(self) -> str:
        """`bodycamd bundle update --ordered`, on a machine that is a fake."""
        return this_camera.update(None, docked=False, config=self.config)


def locked(lock: threading.RLock, run: Callable[[], None]) -> Callable[[], None]:
    """Nobody asks the recorder while it ends or begins."""

    def whole() -> None:
        with lock:
            run()

    return whole


@contextmanager
def town(root: Path, patch: pytest.MonkeyPatch) -> Iterator[Town]:
    (root / "camera").mkdir()
    camera = UpdatedCamera(root / "camera")
    camera.switch_on()
    camera.settle()
    recorder = Recorder(camera, root / "control.sock")
    for name in ("stop", "start"):
        setattr(camera.machine, name, locked(recorder.lock, getattr(camera.machine, name)))
    first = PublicKey.from_pem((root / "camera" / "device.pem").read_bytes())
    uplink = SigningKey(UPLINK_KEY)
    (root / "station").mkdir()
    senders = {uplink.public.id: Sender("HV-01", uplink.public, first)}
    with Station(root / "station", senders, now=NOW, roster=IN_FORCE, authority="") as station, recorder.served():
        url = f"http://127.0.0.1:{station.port}"
        config = configured(root, url, recorder.path, device="HV-01", key=uplink, upload="dock", link="lo")
        (root / "root.json").write_bytes(msgspec.json.encode(IN_FORCE.roster.root))
        (root / "release.pem").write_bytes(camera.publisher.public.read_bytes())
        patch.setattr(commands, "RELEASE_KEYS", root / "release.pem")

        def install(bundle: Path, _: None, *, docked: bool, named: str) -> str:
            came = change.update(camera.versions, camera.machine, bundle, camera.keys, docked=docked, named=named)
            return f"{came.version} is in use" if came is not None else "in use already"

        patch.setattr(commands, "install_at_work", install)
        patch.setattr(commands, "LinuxSystem", lambda _: camera.machine)
        patch.setattr(commands, "COPIES", root / "copies")
        patch.setattr(commands, "FOLDER", camera.opt)
        patch.setattr(this_camera, "SystemClock", lambda: SimpleNamespace(read=lambda: SimpleNamespace(wall_us=camera.clock.wall_us)))
        spool, copies = root / "bundles", root / "copies"
        patch.setattr(this_camera, "taken", lambda names, footage: fetched.taken(names, footage, spool, copies))
        patch.setattr(this_camera, "drop", lambda name: fetched.drop(name, spool))
        if os.geteuid() != 0:  # root alone may ask over the socket
            patch.setattr(this_camera, "AtTheSocket", lambda _: camera)
            patch.setattr(os, "geteuid", lambda: 0)
        yield Town(root, station, camera, recorder, config)
    camera.close()
