"""The real voice with a loudspeaker that fails as the trigger `speaker` says: `missing` cannot be prepared, `hung` never takes a sample,
`unplugged` fails while it plays.
"""

from __future__ import annotations

import sys
import time

from bodycamd.camera.board.voice import process as voice
from bodycamd.camera.board.voice.output import OutputFailure, SimulatedSpeaker
from tests.system.faults.triggers import told

LOOK_SECONDS = 0.01


class BadSpeaker(SimulatedSpeaker):
    """Plays into WAV files, unless told otherwise."""

    def prepare(self, channels: int) -> str:
        if told("speaker") == "missing":
            raise OutputFailure("there is no sound output device")
        return super().prepare(channels)

    def write(self, block: bytes) -> None:
        while (mode := told("speaker")) == "hung":
            time.sleep(LOOK_SECONDS)
        if mode in ("unplugged", "missing"):
            raise OutputFailure("the speaker is gone: No such device")
        super().write(block)


if __name__ == "__main__":
    voice.SimulatedSpeaker = BadSpeaker  # type: ignore[attr-defined]
    sys.exit(voice.main())
