"""The eventful recording is made once for each test process: nobody may change it."""

from __future__ import annotations

import pytest

from tests.kit.camera import Camera
from tests.kit.desk import Desk
from tests.kit.eventful import eventful


@pytest.fixture(scope="session")
def eventful_camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    """With its registered key beside it, in `device.pem`."""
    made = eventful(tmp_path_factory.mktemp("eventful"))
    (made.folder / "device.pem").write_bytes(made.device_pem)
    return made


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("small"), small=True)
