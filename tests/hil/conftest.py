"""Virtual cameras: the fleet they belong to, and their cards, from what `scripts/make-virtual-camera` made (BODYCAMD_VIRTUAL). And a
Raspberry Pi at HOST."""

from __future__ import annotations

import copyreg
import fcntl
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pyrage
import pytest

from bodycamd.errors import BodycamError
from tests.camera.capture.films import marked_film
from tests.hil.pi_camera import PiCamera
from tests.hil.remote_board import RemoteBoard
from tests.hil.virtual_camera import Frozen, VirtualCamera
from tests.hil.virtual_fleet import VirtualFleet, make_fleet

PREPARED, BARE = "HV-01", "HV-02"
"""The card of one has the program in its image, the other's has a bundle beside an image without it."""


STANDBY_SECONDS = 600.0
Made = TypeVar("Made")


copyreg.pickle(pyrage.x25519.Identity, lambda identity: (pyrage.x25519.Identity.from_str, (str(identity),)))


def once(folder: Path, make: Callable[[Path], Made]) -> Made:
    """What the first of the workers makes in `folder`; the others wait for it, and read it."""
    folder.mkdir(exist_ok=True)
    kept = folder / "kept"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            found: Made = pickle.loads(kept.read_bytes())
            return found
        made = make(folder)
        kept.write_bytes(pickle.dumps(made))
        return made


@pytest.fixture(scope="session")
def made() -> Path:
    """Where kernel, images and bundles are."""
    return Path(os.environ["BODYCAMD_VIRTUAL"])


@pytest.fixture(scope="session")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def fleet(made: Path, together: Path) -> VirtualFleet:
    """Two cameras, neither booted yet."""
    return once(together / "fleet", lambda folder: make_fleet(folder, made, PREPARED, BARE))


@pytest.fixture(scope="session")
def film(together: Path) -> Path:
    """What the cameras see."""
    return once(together / "film", lambda folder: marked_film(folder / "film.h264", b"hardware in the loop", seconds=60))


@pytest.fixture(scope="session")
def frozen(made: Path, fleet: VirtualFleet, film: Path, together: Path) -> Frozen:
    """After its first boot, in standby."""

    def boot(folder: Path) -> Frozen:
        with first_boot(VirtualCamera(made, fleet.card(PREPARED), film)) as camera:
            board = RemoteBoard(camera)
            board.until(lambda: board.status()["state"] == "standby", STANDBY_SECONDS)
            return camera.freeze(folder)

    return once(together / "frozen", boot)


@pytest.fixture
def prepared(made: Path, frozen: Frozen, film: Path) -> Iterator[VirtualCamera]:
    """After its first boot, in standby: the same instant for every test."""
    with closing(VirtualCamera.thaw(made, frozen, film)) as camera:
        yield camera


@pytest.fixture(scope="session")
def raspberry_pi() -> Iterator[PiCamera]:
    """The camera at HOST, with a film where FILM names one. Where it is not for the bench, the run ends with one sentence and its code."""
    film = os.environ.get("FILM")
    try:
        camera = PiCamera(os.environ["HOST"], Path(film) if film else None)
    except BodycamError as error:
        pytest.exit(str(error), error.exit_code)
    yield camera
    camera.close()


@contextmanager
def first_boot(camera: VirtualCamera) -> Iterator[VirtualCamera]:
    """From the card to the line that says that it is ready."""
    try:
        camera.boot()
        camera.becomes_ready()
        yield camera
    finally:
        camera.close()


FIRST = (
    "no_program",
    "[power_cut]",
    "power_cuts[first]",
    "[bounce]",
    "[update_in_standby]",
    "[self_test]",
    "power_cuts[second]",
    "power_cuts[third]",
    "power_cuts[fourth]",
)
"""In the order in which workers begin, each with the second of two in its hand: what takes longest, and not both of one worker's."""
FIRST_IN_CI = ("power_cuts[first]", "has_the_program", "[bounce]")
"""The same there: the cut is as long as all the others."""
IN_CI = ("has_the_program", "power_cuts[first]", "[press]", "[bounce]", "[burst]", "[hang]")
"""With PART=ci: a card to an enrolled camera, a power cut, what button and warning do, a worker that hangs."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers end together when the longest begin first."""
    if os.environ.get("BODYCAMD_BOARD") != "virtual":
        return
    first: tuple[str, ...] = FIRST
    if os.environ.get("PART") == "ci":
        first = FIRST_IN_CI
        left = [item for item in items if not item.name.endswith(IN_CI)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: min((rank for rank, name in enumerate(first) if item.name.endswith(name)), default=len(first)))
