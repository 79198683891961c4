"""Inside the root: `python3 -P -s install.py INSTALLER BUNDLE KEYS CONFIGURATION`: the installer's own steps on a Pi's processor.

Of an installation this is what depends on the processor: every byte checked, the configuration judged out of the wheels, the environment at
its final path, and what the camera's processes import. What is about systemd, users and units is of the container (tests/system/bundle).
Only Debian's Python. One JSON object goes to standard output, the seconds of each step by the clock.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path("/opt/installed")
IMPORTS = "from bodycamd.workshop.bundle import health; config, _ = health.check_configuration(health.Path(__import__('sys').argv[1]))\n"
IMPORTS += "health.check_modules(config)"


def main(bundle: Path, keys: Path, configuration: Path) -> None:
    """Each step as `bodycamd.camera.installation.change` asks for it."""
    from bodycamd.camera.installation import archive, linux_system
    from bodycamd.camera.installation.release_key import read_release_keys

    linux_system.CONFIGURATION = configuration.parent
    system = linux_system.LinuxSystem(FOLDER)
    shutil.rmtree(FOLDER, ignore_errors=True)
    begun, seconds = time.monotonic(), {}

    def done(step: str) -> None:
        nonlocal begun
        seconds[step] = round(time.monotonic() - begun, 1)
        begun = time.monotonic()

    found = archive.verify(bundle, read_release_keys(keys))
    done("verify")
    folder = FOLDER / found.manifest.version
    archive.unpack(found, folder / "bundle")
    done("unpack")
    wheels = folder / "bundle/wheels"
    system.check_configuration(wheels)
    done("configuration out of the wheels")
    system.make_environment(folder, sorted(wheels.glob("*.whl")))
    done("environment")
    python = str(folder / "bin/python")
    subprocess.run([python, "-P", "-s", "-c", IMPORTS, configuration], check=True)
    done("imports")
    checked = subprocess.run([folder / "bin/bodycamd", "config", "check", configuration], capture_output=True, text=True, check=False)
    done("config check")
    machine = system.machine()
    fits = (machine.machine, machine.python) == (found.manifest.machine, found.manifest.python)
    told = {
        "machine": platform.machine(),
        "fits": fits,
        "bundle": found.sha256,
        "seconds": seconds,
        "check": [checked.returncode, checked.stdout],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    main(*map(Path, sys.argv[2:]))
