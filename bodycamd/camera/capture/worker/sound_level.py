"""How loud captured sound is, and whether it is sound at all. Pure: samples in, judgement out."""

from __future__ import annotations

import array
import math
from typing import Final

from bodycamd.camera.capture.worker.sound_track import RATE, SAMPLE_BYTES
from bodycamd.footage import FLOOR_DBFS, SoundLevel

SILENT_SAMPLES: Final = 5 * RATE
"""Sound that never changes for so long is digital silence."""
SOUNDING_SAMPLES: Final = RATE
"""Sound must change in each block for so long until digital silence is over: a crackling plug is no sound yet."""
_FULL_SCALE: Final = 32768


def level(pcm: bytes) -> SoundLevel:
    """Peak and root mean square of s16 samples; a full-scale square wave has 0 dBFS in both. An empty block has the floor."""
    samples = array.array("h", pcm)
    if not samples:
        return SoundLevel(peak_dbfs=FLOOR_DBFS, rms_dbfs=FLOOR_DBFS)
    mean_square = sum(sample * sample for sample in samples) / len(samples)
    return SoundLevel(peak_dbfs=_dbfs(max(max(samples), -min(samples))), rms_dbfs=_dbfs(math.sqrt(mean_square)))


def _dbfs(amplitude: float) -> float:
    return max(FLOOR_DBFS, round(20 * math.log10(amplitude / _FULL_SCALE), 1)) if amplitude > 0 else FLOOR_DBFS


def unchanging(pcm: bytes) -> bool:
    """Whether all samples are equal. A microphone's own noise changes them all the time, also in a quiet room: its last bits never rest."""
    return pcm == pcm[:SAMPLE_BYTES] * (len(pcm) // SAMPLE_BYTES)


class SilenceGate:
    """Whether a microphone has given digital silence for five seconds: a channel that is not wired, a muted or dead converter.

    `silent` begins once every sample of the last `SILENT_SAMPLES` had one and the same value in its block; it ends once every block of the
    last `SOUNDING_SAMPLES` held a change.
    """

    def __init__(self) -> None:
        self.silent = False
        self._against = 0
        """Samples in a row that speak against what `silent` says."""

    def put(self, pcm: bytes) -> bool:
        """Take the next block (s16, mono, 48 kHz); returns `silent`."""
        self._against = self._against + len(pcm) // SAMPLE_BYTES if unchanging(pcm) != self.silent else 0
        if self._against >= (SOUNDING_SAMPLES if self.silent else SILENT_SAMPLES):
            self.silent, self._against = not self.silent, 0
        return self.silent
