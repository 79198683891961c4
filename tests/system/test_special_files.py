"""Whoever reads a store and whatever can stand in a place of it: it ends soon, with a code that says what it is, without a trace. The
commands are found by the command line's own word; beside them the camera's start, its retention and an offload."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pyrage
import pytest

from bodycamd.camera.keeping.offload import offload
from bodycamd.camera.keeping.opening import keep
from bodycamd.camera.recorder.store import Store
from bodycamd.cli.main import main
from bodycamd.errors import BodycamError
from bodycamd.evidence.keys import PublicKey
from bodycamd.linux.clock import SystemClock
from bodycamd.municipality.verify.verify import verify
from bodycamd.retention.policy import Rules
from bodycamd.store.reader import StoreReader
from tests.kit.scale import SCALE, count, only_in_full
from tests.kit.special_files import NOT_A_FILE, NOT_A_FOLDER, Maker, put
from tests.municipality.verify.attacks.scene import CUT, DELETED, INTACT, Scene, make, ticking_clock
from tests.system.store_commands import reading_commands

FILES = (
    f"recordings/{INTACT}/000000.tar",
    f"recordings/{INTACT}/000099.tar.part",
    "ledger/000001.jsonl",
    "ledger/000003.jsonl",
    "ledger/000099.jsonl",
    "ledger/checkpoint-000002.jsonl",
    ".lock",
)
FOLDERS = ("recordings", "ledger", f"recordings/{INTACT}", f"recordings/{CUT}", "recordings/000099-0001")
SECONDS = 20
"""A command takes some hundredths of one; what waits for somebody takes for ever."""
EXPECTED = {0, 3, 4, 5, 65, 66, 69, 74}


def cases() -> list[tuple[str, str, Maker]]:
    """All in CI, some of them in `make test`."""
    found = [(place, kind, maker) for place in FILES for kind, maker in NOT_A_FILE.items()]
    found += [(place, kind, maker) for place in FOLDERS for kind, maker in NOT_A_FOLDER.items()]
    found = [case for case in found if case[1] != "device" or os.geteuid() == 0]
    random.Random(f"{SCALE}").shuffle(found)
    return found[: count(len(found))]


@contextmanager
def soon(what: object) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"{what} waits for somebody")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


@only_in_full
@pytest.mark.timeout(900)
def test_every_reader_of_a_store_ends_soon_and_says_what_it_is(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = [path for path in reading_commands() if path != ["offload"]]
    assert len(commands) >= 8, "the commands are no longer found"
    if SCALE < 1:
        commands.remove(["export"])  # a process for each
    (tmp_path / "identity.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    (tmp_path / "device.pem").write_bytes(scene.device_pem)
    more: dict[str, list[str]] = {
        "show": [INTACT],
        "certificate": [DELETED],
        "verify": ["--device-key", str(tmp_path / "device.pem")],
        "transparency": ["--month", "2025-06"],
        "export": [INTACT, "--identity", str(tmp_path / "identity.txt"), "--out", str(tmp_path / "case")],
    }
    for number, (place, kind, maker) in enumerate(cases()):
        here = scene.copy(tmp_path / str(number))
        put(here.store / place, maker)
        for command in commands:
            said = f"{' '.join(command)} with a {kind} at {place}"
            with soon(said):
                code = main([*command, *more.get(command[-1], []), "--store", str(here.store)])
            _, err = capsys.readouterr()
            assert code in EXPECTED, f"{said}: {code}: {err}"
            assert err.count("\n") <= 1 or command[0] == "export", said
            if command[0] == "verify":
                assert code in (4, 5), said
            elif command[-1] == "check":
                assert code == 65 or place == ".lock" or place.startswith("ledger/"), said
        for read in (_start, _offload):
            with soon(f"{read.__name__} with a {kind} at {place}"):
                read(here, place)
        shutil.rmtree(here.root)


def _start(scene: Scene, place: str) -> None:
    """The camera starts and passes it over, unless it stands in the place of the store's own folders, its lock, or the newest ledger file:
    then it says so."""
    needed = place in ("recordings", "ledger", ".lock", "ledger/000003.jsonl")
    with pytest.raises(BodycamError) if needed else nullcontext():
        store = Store.open(
            scene.store, signing=scene.root / "keys", device_id="cam-7", clock=ticking_clock(), config_sha256="0" * 64, boot_id="boot-9"
        )
        keeper = keep(store, SystemClock(), Rules())
        store.close()
        if not place.startswith("ledger/"):
            assert keeper.list_holds() == []
            keeper.plan()


def _offload(scene: Scene, place: str) -> None:
    """Nothing that could not be read is counted as copied."""
    (disk := scene.root / "disk").mkdir()
    try:
        done = offload(StoreReader.open(scene.store), disk, same_disk=True)
    except BodycamError:
        return
    if place == f"recordings/{INTACT}":
        assert len(done.failed) == 2
    elif place == f"recordings/{INTACT}/000000.tar":
        assert len(done.failed) == 1


@only_in_full
def test_a_pipe_in_each_place_of_the_store_does_not_hang_the_start(scene: Scene, tmp_path: Path) -> None:
    for number, place in enumerate(FILES):
        here = scene.copy(tmp_path / str(number))
        put(here.store / place, os.mkfifo)
        with soon(place):
            _start(here, place)


def test_a_link_to_the_same_content_is_not_intact(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bytes would be right: but they lie elsewhere, and can be changed there."""
    registered = PublicKey.from_pem(scene.device_pem)
    for number, place in enumerate((FILES[0], FILES[2], "recordings", "ledger", f"recordings/{INTACT}")):
        here = scene.copy(tmp_path / str(number))
        (here.store / place).rename(moved := tmp_path / f"moved{number}")
        (here.store / place).symlink_to(moved)
        assert verify(here.store, registered).verdict in ("altered", "unverifiable"), place
        if place in ("recordings", "ledger"):
            assert main(["recordings", "list", "--store", str(here.store)]) == 65
            assert "a link stands where a folder must be" in capsys.readouterr().err
