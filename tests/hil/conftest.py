"""Virtual cameras: the fleet they belong to, and their cards, from what `scripts/make-virtual-camera` made (BODYCAMD_VIRTUAL). And a
Raspberry Pi at HOST."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bodycamd.errors import BodycamError
from tests.camera.capture.films import marked_film
from tests.hil.pi_camera import PiCamera
from tests.hil.virtual_camera import VirtualCamera
from tests.hil.virtual_fleet import VirtualFleet, make_fleet

PREPARED, BARE = "HV-01", "HV-02"
"""The card of one has the program in its image, the other's has a bundle beside an image without it."""


@pytest.fixture(scope="session")
def made() -> Path:
    """Where kernel, images and bundles are."""
    return Path(os.environ["BODYCAMD_VIRTUAL"])


@pytest.fixture(scope="session")
def fleet(made: Path, tmp_path_factory: pytest.TempPathFactory) -> VirtualFleet:
    """Two cameras, neither booted yet."""
    return make_fleet(tmp_path_factory.mktemp("fleet"), made, PREPARED, BARE)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the cameras see."""
    return marked_film(tmp_path_factory.mktemp("film") / "film.h264", b"hardware in the loop", seconds=60)


@pytest.fixture(scope="session")
def prepared(made: Path, fleet: VirtualFleet, film: Path) -> Iterator[VirtualCamera]:
    """After its first boot."""
    with first_boot(VirtualCamera(made, fleet.card(PREPARED), film)) as camera:
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
