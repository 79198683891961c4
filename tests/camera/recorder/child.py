"""A recorder process to be killed: films without pause and tells its parent of each acknowledgement.

python -m tests.camera.recorder.child ROOT
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bodycamd.camera.control.events import Event, FragmentDurable
from tests.camera.recorder.rig import Rig


def main(root: Path) -> None:
    rig = Rig(root, segment_seconds=5, max_bytes=2_000_000)

    def tell(event: Event) -> None:
        if isinstance(event, FragmentDurable):
            os.write(1, f"{event.recording} {event.segment} {event.index} {event.seq} {event.sha256}\n".encode())

    rig.writer._post = tell
    rig.camera()
    rig.begin()
    while True:
        rig.film(1, size=rig.seq * 7919 % 60_000)
        rig.wait(lambda: rig.ring.stats().unwritten < 20)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
