"""Inside the root: `python -m tests.system.arm64.record FOLDER FILM`, the whole daemon with a press, footage, and a stop.

It goes on when something has happened, never after so many seconds: an emulated processor keeps no time. One JSON object goes to standard
output; store, keys and journal are left in the folder.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from tests.kit.camera import Camera

SECONDS = 600.0
"""What anything may take."""
FRAGMENTS = 4


def main(folder: Path, film: Path) -> None:
    """One recording, of pictures that were encoded elsewhere."""
    pictures = {"source": "file", "file": str(film), "frame_rate": 10, "width": 320, "height": 240}
    camera = Camera(folder, {"video": pictures, "audio": False})
    camera.start_seconds = SECONDS
    (folder / "device.pem").write_bytes(camera.device_pem)
    try:
        camera.start()
        camera.tap()
        camera.wait_event("FragmentDurable", FRAGMENTS, SECONDS)
        sandbox = camera.status()["capture"]["sandbox"]
        camera.stop_by_hand()
        camera.wait_event("RecordingSealed", 1, SECONDS)
        code = camera.stop(SECONDS)
    finally:
        camera.kill()
    told = {"machine": platform.machine(), "recordings": camera.recordings(), "sandbox": sandbox, "exit_code": code}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
