"""A change of versions in a process of its own, every step on the disk written down: `python -m … FOLDER LOG KEYS BUNDLE SCENARIO`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from bodycamd.camera.installation import change
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.camera.installation.versions import Versions
from bodycamd.errors import ConfigError, UnavailableError
from tests.camera.installation.fake_system import FakeSystem
from tests.powercut.steps import Steps


def main(folder: Path, log: Path, keys: Path, bundle: Path, scenario: str) -> None:
    Steps(folder, log=log).install()
    versions, system = Versions(folder), FakeSystem(folder)
    if scenario == "not ready":
        system.dead.add("0.3.0")
    if scenario == "refused":
        system.strict.add("0.3.0")
    with contextlib.suppress(UnavailableError, ConfigError):
        if "rollback" in scenario:
            change.rollback(versions, system)
        else:
            change.update(versions, system, bundle, read_release_keys(keys))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
