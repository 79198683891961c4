"""A virtual environment with what a camera has, and nothing else: what is installed beside it here is found and imported by some packages,
and a checkout's own finder takes a third of Python's start.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import bodycamd

LOCK = Path("config/locks/camera-x86_64.txt")
NEEDED = {"cffi", "cryptography", "msgspec", "pyyaml"}
"""Of the recorder."""


def camera_environment(folder: Path) -> str:
    """Its Python. The packages are those of this environment, by links; what a camera has and is not here is left out."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    here = Path(sysconfig.get_path("purelib"))
    there = folder / here.relative_to(sys.prefix)
    linked = set()
    for name in re.findall(r"(?m)^([A-Za-z0-9._-]+)==", LOCK.read_text("ascii")):
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError:
            continue
        linked.add(name.lower())
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            if not top.endswith(".pth"):
                (there / top).symlink_to(here / top)
    assert linked >= NEEDED
    (there / "bodycamd").symlink_to(Path(bodycamd.__file__).parent)
    return str(folder / "bin" / "python")
