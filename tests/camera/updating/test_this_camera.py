"""`bodycamd bundle update --ordered`, as root runs it on a camera: one at a time, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from bodycamd.camera.installation import change, commands
from bodycamd.camera.installation.decision import Camera
from bodycamd.camera.updating import fetched, this_camera
from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, StoreBusyError
from bodycamd.evidence.orders import SignedOrder
from bodycamd.linux import durable
from tests.camera.updating.updated_camera import UpdatedCamera
from tests.camera.uplink.served import configured
from tests.evidence.ordering import IN_FORCE
from tests.kit.bundles import Release


class Updater:
    """Root's command on a camera whose machine is a fake; `during` is called while a bundle is installed."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        (root / "camera").mkdir()
        self.camera = camera = UpdatedCamera(root / "camera")
        camera.switch_on()
        camera.settle()
        self.spool, self.copies = root / "uplink" / "bundles", root / "copies"
        self.spool.mkdir(parents=True)
        self.config = configured(root, "https://station.example.org", root / "control.sock", device="HV-01")
        (root / "root.json").write_bytes(msgspec.json.encode(IN_FORCE.roster.root))
        (root / "release.pem").write_bytes(camera.publisher.public.read_bytes())
        self.during: Callable[[], object] = bool

        def install(bundle: Path, _: None, *, docked: bool, named: str) -> str:
            self.during()
            came = change.update(camera.versions, camera.machine, bundle, camera.keys, docked=docked, named=named)
            assert came is not None
            return f"{came.version} is in use"

        patch.setattr(commands, "FOLDER", camera.opt)
        patch.setattr(commands, "COPIES", self.copies)
        patch.setattr(commands, "LinuxSystem", lambda _: camera.machine)
        patch.setattr(commands, "RELEASE_KEYS", root / "release.pem")
        patch.setattr(commands, "install_at_work", install)
        patch.setattr(this_camera, "SystemClock", lambda: SimpleNamespace(read=lambda: SimpleNamespace(wall_us=camera.clock.wall_us)))
        patch.setattr(this_camera, "AtTheSocket", lambda _: camera)
        patch.setattr(this_camera, "taken", lambda names, footage: fetched.taken(names, footage, self.spool, self.copies))
        patch.setattr(this_camera, "drop", lambda name: fetched.drop(name, self.spool))
        patch.setattr(os, "geteuid", lambda: 0)

    def lay(self, version: str = "0.3.0") -> SignedOrder:
        """An order, and its bundle as the uplink has fetched it."""
        order = self.camera.to_update(version)
        self.camera.deliver(order)
        self.fetched(version).write_bytes(self.camera.publisher.bundle(version).read_bytes())
        return order

    def fetched(self, version: str = "0.3.0") -> Path:
        return self.spool / f"{self.camera.name_of(version)}.bundle"

    def run(self, bundle: Path | None = None, *, docked: bool = False) -> str:
        return this_camera.update(bundle, docked=docked, config=self.config)

    @property
    def left(self) -> list[str]:
        return [path.name for path in self.copies.iterdir()] if self.copies.exists() else []


@pytest.fixture
def updater(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Updater:
    return Updater(tmp_path, monkeypatch)


@pytest.mark.parametrize("brought", [False, True])
def test_of_two_at_once_the_second_waits_and_harms_nothing(updater: Updater, brought: bool) -> None:
    """What one of them has told of an order is final: so none may take the other's copy away."""
    order, said = updater.lay(), []

    def second() -> None:
        updater.during = bool
        with pytest.raises(StoreBusyError, match="another installer"):
            updater.run(updater.camera.publisher.bundle("0.3.0") if brought else None)
        said.extend(updater.left)

    updater.during = second
    assert updater.run() == "0.3.0 is in use"
    assert said == [updater.fetched().name], "the first one's copy was still there"
    assert (updater.camera.outcomes(order), updater.left) == (["updated"], [])


@pytest.mark.parametrize("state", [Camera("recording", True), Camera("warning", True), Camera("standby", False), Camera("standby")])
def test_nothing_is_copied_before_the_camera_is_docked_and_rests(updater: Updater, state: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    order = updater.lay()
    updater.camera.machine.cameras.append(state)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "open_new", lambda *_, **__: pytest.fail("a copy is written"))
        with pytest.raises(StoreBusyError):
            updater.run()
    assert (updater.camera.outcomes(order), updater.left) == ([], [])
    assert updater.run() == "0.3.0 is in use"


def test_a_copy_of_an_update_that_was_killed_goes_with_the_next_one(updater: Updater) -> None:
    """Also where nothing is to be taken by then, for the order has ended, and the uplink has removed its file."""
    updater.lay()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:

        def stuck() -> None:
            os.write(write_end, b"x")
            time.sleep(60)

        updater.during = stuck
        try:
            updater.run()
        finally:
            os._exit(0)
    os.read(read_end, 1)
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    assert updater.left == [updater.fetched().name]
    updater.fetched().unlink()
    with pytest.raises(NotFoundError, match="fetched no bundle"):
        updater.run()
    assert updater.left == []


def test_a_bundle_that_somebody_brings_clears_what_was_left_too(updater: Updater, tmp_path: Path) -> None:
    updater.lay()
    updater.copies.mkdir()
    (updater.copies / f"{'ab' * 32}.bundle").write_bytes(b"half of it")
    (tmp_path / "other").mkdir()
    with pytest.raises(Exception, match="not signed by"):
        updater.run(Release(tmp_path / "other").bundle("0.3.0"))
    assert updater.left == []


@pytest.mark.parametrize("at", [600, 3000])
def test_what_went_bad_on_the_card_is_removed_for_the_uplink_to_fetch_again(updater: Updater, at: int) -> None:
    order = updater.lay()
    good = updater.fetched().read_bytes()
    at %= len(good)
    updater.fetched().write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    with pytest.raises((DataError, PermissionDeniedError)):
        updater.run()
    assert not updater.fetched().exists()
    assert (updater.camera.outcomes(order), updater.left) == ([], []), "nothing is used up"
    updater.fetched().write_bytes(good)
    assert updater.run() == "0.3.0 is in use"


def test_what_somebody_brought_is_removed_by_nobody(updater: Updater) -> None:
    updater.lay()
    brought = updater.camera.publisher.bundle("0.3.0")
    brought.write_bytes(brought.read_bytes()[:-1])
    with pytest.raises(DataError):
        updater.run(brought)
    assert brought.exists()
    assert updater.fetched().exists()


def test_without_a_release_key_what_was_fetched_stays(updater: Updater) -> None:
    updater.lay()
    commands.RELEASE_KEYS.unlink()
    with pytest.raises(NotFoundError):
        updater.run()
    assert updater.fetched().exists()
