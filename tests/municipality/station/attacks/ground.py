"""Where attacks are carried out: whatever each of them needs, made when it is asked for."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.municipality.station import nonces
from tests.camera.keeping.ordered_camera import OrderedCamera
from tests.camera.keeping.sending_camera import ReceiptBook, SendingCamera
from tests.municipality.station.at_station import Scene
from tests.municipality.station.conftest import SECRET, opened_scene
from tests.municipality.station.life import Life
from tests.municipality.station.sending import CameraLink, sealed, send_ledger
from tests.municipality.station.test_cameras import Folder


class Ground:
    """Use as a context."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    def folder(self, name: str) -> Path:
        made = self.root / name
        made.mkdir()
        return made

    @cached_property
    def scene(self) -> Scene:
        """HV-01, its station, and E-01's desk."""
        return self._opened.enter_context(opened_scene(self.folder("scene")))

    @cached_property
    def fresh(self) -> CameraLink:
        """HV-01's uplink, with a nonce that holds."""
        link = self.scene.link
        return replace(link, nonce=nonces.nonce(SECRET, link.key_id, self.scene.station.now))

    @cached_property
    def camera(self) -> OrderedCamera:
        """HV-01 with nobody to send to."""
        camera = OrderedCamera(self.folder("camera")).switch_on()
        self._opened.callback(camera.close)
        camera.settle()
        return camera

    @cached_property
    def sending(self) -> SendingCamera:
        """cam-7, which judges receipts."""
        camera = SendingCamera(self.folder("sending")).switch_on()
        self._opened.callback(lambda: camera.switch_off(clean=False) if camera._opened is not None else None)
        return camera

    @cached_property
    def book(self) -> ReceiptBook:
        """What its station has signed."""
        return ReceiptBook(self.sending)

    @cached_property
    def life(self) -> Life:
        """HV-01 and its station, on clocks that are set."""
        life = Life(self.folder("life"))
        self._opened.callback(life.close)
        return life

    @cached_property
    def rosters(self) -> Folder:
        """A station's roster and root."""
        return Folder(self.folder("rosters"))

    # --- what attacks have in common ------------------------------

    def ledger(self) -> bytes:
        """Of the first start, as it may be sent."""
        return (self.scene.camera.store_folder / "ledger" / "000001.jsonl").read_bytes()

    def kept(self) -> list[Path]:
        """What the station has of HV-01."""
        folder = self.scene.station.copy("HV-01")
        return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []

    def filmed(self, segments: int = 2) -> list[Path]:
        """The sealed segments of a recording whose ledger is at the station."""
        name = self.scene.camera.record(segments=segments)
        send_ledger(self.scene.link, self.scene.camera.store_folder)
        return [path for path in sealed(self.scene.camera.store_folder) if path.parent.name == name]

    def entries(self, kind: str) -> int:
        """How many of this type HV-01's ledger has, all of it verified."""
        return sum(line.entry.type == kind for line in VerifiedLedger(self.camera.store_folder / "ledger"))


def place_of(file: Path) -> str:
    return f"recordings/{file.parent.name}/{file.name}"
