"""Virtual cameras: the fleet they belong to, and their cards, from what `scripts/make-virtual-camera` made (BODYCAMD_VIRTUAL)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.camera.capture.films import marked_film
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


@contextmanager
def first_boot(camera: VirtualCamera) -> Iterator[VirtualCamera]:
    """From the card to the line that says that it is ready."""
    try:
        camera.boot()
        camera.becomes_ready()
        yield camera
    finally:
        camera.close()
