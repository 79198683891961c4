"""What the uplink has laid down, as root takes it: nothing of it is believed, and nothing is left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from msgspec.structs import replace

from bodycamd.camera.recorder.space import LEDGER_RESERVE_BYTES
from bodycamd.camera.updating import fetched, order_check
from bodycamd.camera.updating.fetched import FOOTAGE_BYTES, taken
from bodycamd.camera.uplink.order import bundle_makes_way
from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.evidence import suspension
from bodycamd.evidence.orders import Update
from bodycamd.evidence.statements import wall_text
from bodycamd.evidence.suspension import Suspension
from bodycamd.linux import durable, foreign
from tests.camera.updating.updated_camera import UpdatedCamera
from tests.evidence.ordering import IN_FORCE, ordered
from tests.evidence.rostering import key
from tests.kit.bundles import Release
from tests.kit.resting_camera import DAY

NAME, OTHER = "ab" * 32, "cd" * 32


class Card:
    """The uplink's folder and root's."""

    def __init__(self, root: Path) -> None:
        self.root, self.spool, self.copies = root, root / "uplink" / "bundles", root / "root"
        self.spool.mkdir(parents=True)

    def lay(self, name: str, content: bytes) -> Path:
        path = self.spool / f"{name}.bundle"
        path.write_bytes(content)
        return path

    def take(self, *names: str) -> bytes:
        with taken(names, self.root, self.spool, self.copies) as copy:
            assert copy.parent == self.copies
            assert (copy.stat().st_mode & 0o777, self.copies.stat().st_mode & 0o777) == (0o600, 0o700)
            return copy.read_bytes()

    @property
    def left(self) -> list[Path]:
        return list(self.copies.iterdir()) if self.copies.exists() else []


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def test_root_takes_a_copy_and_leaves_none_behind(card: Card) -> None:
    card.lay(NAME, b"bundle")
    card.lay(OTHER, b"another")
    assert card.take("00" * 32, NAME, OTHER) == b"bundle"
    assert card.left == []
    with pytest.raises(KeyError), taken([NAME], card.root, card.spool, card.copies):
        raise KeyError
    assert card.left == []
    assert card.take(OTHER) == b"another"
    assert card.left == []


def test_where_nothing_was_fetched_that_is_said(card: Card, tmp_path: Path) -> None:
    for spool in (card.spool, tmp_path / "nowhere" / "bundles"):
        with pytest.raises(NotFoundError, match="fetched no bundle"), taken([NAME], card.root, spool, card.copies):
            pass


def as_socket(path: Path) -> None:
    os.chdir(path.parent)  # a socket's name may not be long
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


PLANTED: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda place, precious: place.symlink_to(precious),
    "a pipe": lambda place, _: os.mkfifo(place),
    "a folder": lambda place, _: place.mkdir(),
    "a socket": lambda place, _: as_socket(place),
    "a loop": lambda place, _: place.symlink_to(place.name),
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_no_file_is_not_opened(card: Card, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shadow").write_text("root's alone")
    PLANTED[what](card.spool / f"{NAME}.bundle", tmp_path / "shadow")
    with pytest.raises(DataError):
        card.take(NAME)
    assert card.left == []


def test_a_folder_that_leads_elsewhere_is_not_followed(card: Card, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / f"{NAME}.bundle").write_bytes(b"root's alone")
    card.spool.rmdir()
    card.spool.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError):
        card.take(NAME)


def test_no_more_is_copied_than_a_bundle_may_have(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "MAX_FETCHED_BYTES", 1000)
    card.lay(NAME, bytes(1001))
    with pytest.raises(DataError, match="at most 1000"):
        card.take(NAME)
    assert card.left == []


def test_one_that_grows_while_it_is_copied_gives_no_more_than_it_had(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = card.lay(NAME, b"x" * 3000), durable.write_all
    monkeypatch.setattr(fetched, "PIECE_BYTES", 1000)

    def growing(*words: Any) -> None:
        with path.open("ab") as file:
            file.write(b"y" * 5000)
        real(*words)

    monkeypatch.setattr(durable, "write_all", growing)
    assert card.take(NAME) == b"x" * 3000


def test_without_room_nothing_is_left_of_a_copy(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    card.lay(NAME, b"bundle")
    with monkeypatch.context() as patch:
        patch.setattr(fetched, "FOOTAGE_BYTES", 1 << 60)
        with pytest.raises(StorageError, match="no room"):
            card.take(NAME)
    assert card.left == []

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write_all", full)
    with pytest.raises(StorageError, match="No space left"):
        card.take(NAME)
    assert card.left == []


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("missing", [0, 1])
def test_footage_keeps_its_room_where_it_lies_on_the_same_disk(
    card: Card, monkeypatch: pytest.MonkeyPatch, shared: bool, missing: int
) -> None:
    card.lay(NAME, bytes(1000))
    elsewhere = Path("/dev/shm")  # nothing is written there
    if not shared and elsewhere.stat().st_dev == card.root.stat().st_dev:
        pytest.skip("all of this machine is one file system")
    footage = card.root / "store" / "not there yet" if shared else elsewhere
    free = 1000 + LEDGER_RESERVE_BYTES + (FOOTAGE_BYTES if shared else 0) - missing
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free, f_frsize=1))
    with ExitStack() as context:
        if missing:
            context.enter_context(pytest.raises(StorageError, match="are needed"))
        with taken([NAME], footage, card.spool, card.copies) as copy:
            assert copy.stat().st_size == 1000


def test_with_the_copy_there_the_uplink_does_not_remove_what_it_was_made_from() -> None:
    assert not bundle_makes_way(10**12, FOOTAGE_BYTES)
    assert bundle_makes_way(10**12, FOOTAGE_BYTES - 1)


def test_a_copy_waits_for_everybody_elses_reads_and_writes(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    card.lay(NAME, b"x" * 3_000_000 + b"odd")
    real, classes = durable.write_all, list[str]()

    def priority() -> str:
        return subprocess.run(["ionice", "-p", str(threading.get_native_id())], capture_output=True, text=True, check=True).stdout.strip()

    def looked(*words: Any) -> None:
        classes.append(priority())
        real(*words)

    monkeypatch.setattr(durable, "write_all", looked)
    before = priority()
    assert card.take(NAME) == b"x" * 3_000_000 + b"odd"
    assert (classes, priority()) == (["idle"] * 3, before)


def test_without_ionice_it_is_copied_all_the_same(card: Card, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    card.lay(NAME, b"bundle")
    monkeypatch.setenv("PATH", "/nowhere")
    assert card.take(NAME) == b"bundle"
    assert "everybody else's priority" in caplog.text


class Broken:
    """A file on a card that has lost some of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> Broken:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def read(self, most: int) -> bytes:
        if self._file.tell() >= 1000:
            raise OSError(5, "Input/output error")
        return self._file.read(most)


def test_what_the_card_cannot_read_any_more_is_removed(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    path = card.lay(NAME, bytes(3000))
    card.lay(OTHER, bytes(10))
    monkeypatch.setattr(fetched, "PIECE_BYTES", 1000)
    monkeypatch.setattr(fetched, "open_file", lambda *words, **more: Broken(foreign.open_file(*words, **more)))
    with pytest.raises(DataError, match="cannot be read: Input/output error"):
        card.take(NAME)
    assert (path.exists(), (card.spool / f"{OTHER}.bundle").exists(), card.left) == (False, True, [])


def test_nothing_but_a_name_in_the_uplinks_folder_is_removed(card: Card, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "elsewhere").mkdir()
    precious = tmp_path / "elsewhere" / f"{NAME}.bundle"
    precious.write_bytes(b"root's alone")
    card.spool.rmdir()
    card.spool.symlink_to(tmp_path / "elsewhere")
    fetched.drop(precious.name, card.spool)
    assert precious.exists()
    assert "cannot be removed" in caplog.text


# --- which of them ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def camera(tmp_path: Path) -> UpdatedCamera:
    (tmp_path / "camera").mkdir()
    camera = UpdatedCamera(tmp_path / "camera")
    camera.switch_on()
    camera.settle()
    return camera


def named(camera: UpdatedCamera, *orders: bytes) -> list[str]:
    return order_check.bundles(orders, IN_FORCE, camera.name, camera.clock.wall_us)


def test_names_come_from_orders_that_root_has_judged_the_newest_first(camera: UpdatedCamera) -> None:
    older, newer, again = camera.to_update("0.3.0"), camera.to_update("0.4.0", nonce=1), camera.to_update("0.3.0", nonce=2)
    files = [one.document.file_bytes for one in (older, newer)]
    assert named(camera, *files) == [camera.name_of("0.4.0"), camera.name_of("0.3.0")]
    assert named(camera, *files, again.document.file_bytes) == [camera.name_of("0.3.0"), camera.name_of("0.4.0")]
    forged = ordered(replace(newer.order, person="E-01", body=Update(bundle=NAME))).document.file_bytes
    elsewhere = ordered(replace(newer.order, cameras=("IN-01",), body=Update(bundle=NAME))).document.file_bytes
    assert named(camera, b"junk", forged, elsewhere, files[0]) == [camera.name_of("0.3.0")]


def test_what_the_recorder_wants_fetched_is_what_stands(camera: UpdatedCamera) -> None:
    def wanted() -> list[str]:
        return camera.orders.wanted_bundles(camera.keeper.known_time())

    assert wanted() == []
    older, newer, again = camera.to_update("0.3.0"), camera.to_update("0.4.0", nonce=1), camera.to_update("0.4.0", nonce=2)
    for order in (older, newer, again):
        assert camera.deliver(order).outcome == "accepted"
    assert wanted() == [camera.name_of("0.3.0"), camera.name_of("0.4.0")]
    camera.told(newer.id, "not_installed")
    camera.told(again.id, "not_installed")
    assert wanted() == [camera.name_of("0.3.0")]
    entries = camera.verified_types()
    gone = Suspension(roster=IN_FORCE.document.sha256, by="A-01", made_at=wall_text(camera.clock.wall_us), people=("T-01",))
    assert camera.rosters.suspend(suspension.sign(gone, key("A-01")), camera.enter) == "accepted"
    assert wanted() == [], "of who is suspended nothing is fetched"
    assert camera.verified_types() == [*entries, "suspension_accepted"]
    camera.run(8 * DAY, pace_us=DAY)
    assert wanted() == []
    assert camera.outcomes(older) == ["ended"]


def test_what_was_fetched_is_installed_from_roots_own_copy(camera: UpdatedCamera, card: Card) -> None:
    order = camera.to_update()
    camera.deliver(order)
    path = card.lay(camera.name_of("0.3.0"), camera.publisher.bundle("0.3.0").read_bytes())
    with taken(named(camera, *camera.waiting().orders), card.root, card.spool, card.copies) as copy:
        path.write_bytes(b"the uplink has thought better of it")
        assert camera.update(copy) == "0.3.0 is in use"
    assert (camera.outcomes(order), card.left) == (["updated"], [])


def test_what_another_key_signed_is_refused_and_nothing_is_used_up(camera: UpdatedCamera, card: Card, tmp_path: Path) -> None:
    order = camera.to_update()
    camera.deliver(order)
    (tmp_path / "other").mkdir()
    card.lay(camera.name_of("0.3.0"), Release(tmp_path / "other").bundle("0.3.0").read_bytes())
    with (
        taken(named(camera, *camera.waiting().orders), card.root, card.spool, card.copies) as copy,
        pytest.raises(Exception, match="not signed by"),
    ):
        camera.update(copy)
    assert (camera.outcomes(order), card.left, camera.versions.named("current")) == ([], [], "0.2.0")
