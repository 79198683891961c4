"""A fleet whose first roster is signed and in force now: what cards are made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.workshop.fleet.signing import sign_next
from tests.workshop.fleet.fleets import REAL_NOW_US, ROOT_1, Folder, new_folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = new_folder(tmp_path)
    sign_next(made.fleet, made.file, lambda *_: [ROOT_1], REAL_NOW_US, 90)
    return made
