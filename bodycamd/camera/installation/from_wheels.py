"""Runs a module out of wheels that are not installed yet: `python3 -P -s -c SOURCE WHEELS MODULE ARGUMENTS…`, as one file by itself.

A wheel is unpacked when something in it is imported, into a folder that goes with the process: to judge a configuration takes four wheels
of twenty-five, and not the minutes that an environment of all takes on a slow card.
"""

from __future__ import annotations

import importlib.machinery
import runpy
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType


class Wheels:
    """Finds what is imported in the wheels of a folder, before anything that is installed; an entry of `sys.meta_path`."""

    def __init__(self, wheels: Path, into: Path) -> None:
        self._into = into
        self._wheels: dict[str, Path] = {}
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                self._wheels.update({name.partition("/")[0].partition(".")[0]: wheel for name in archive.namelist()})

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`. What lies below a package is found where the package was."""
        wheel = self._wheels.get(name) if path is None else None
        if wheel is None:
            return None
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self._into)
        return importlib.machinery.PathFinder.find_spec(name, [str(self._into)], target)


def main(wheels: Path, module: str, arguments: Sequence[str]) -> None:
    """Run the module as `__main__`, with these arguments."""
    with tempfile.TemporaryDirectory(prefix="bodycamd-wheels-") as made:
        sys.meta_path.insert(0, Wheels(wheels, Path(made)))
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
