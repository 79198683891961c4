"""The sound track: one continuous run of 48 kHz samples on CLOCK_BOOTTIME, whatever the sound card's clock and driver do.

Guarantees:

- Sample i of the track sounds at `start + i / 48 kHz` of CLOCK_BOOTTIME. A sound card that runs fast or slow is corrected by resampling, so
  that what it captured stays within 2 ms of its place (measured over 8 hours at ±100 ppm) as long as its blocks are stamped that well.
- Time never closes up: what was not captured (overflow, a lost or closed microphone) is silence of exactly that length, and every sample's
  state (`live`, `off`, `lost`) can be asked for afterwards.

Not guaranteed: the latency between the membrane and the driver's buffer, which no driver tells truthfully (1 to 10 ms); the place of the
first third of a second after a loss that the driver did not report (it is early by what was lost, until the loss is certain).

The resampler is FFmpeg's `aresample=async`: `min_comp=0.0005` is the deviation in seconds from which it stretches, `async=480` the most
samples that it stretches by in a second (1 %). Its own hard compensation is off; gaps are filled here, where they are stated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.filter import Graph

from bodycamd.footage import AudioState

RATE: Final = 48_000
SAMPLE_BYTES: Final = 2
JUMP_US: Final = 20_000
"""A block whose time differs by more than this from the end of the block before it is not its continuation."""
SEAM_US: Final = 250
"""Blocks whose times differ by less are resampled as one: half of what `min_comp` lets pass."""
_WINDOW_BLOCKS: Final = 8
_FIRST_BLOCKS: Final = 4
_MICROS: Final = Fraction(1, 1_000_000)
_RESAMPLER: Final = "async=480:min_comp=0.0005:min_hard_comp=1000000:flags=res"


def to_samples(us: int) -> int:
    """The sample at an instant, counted from the boot."""
    return us * RATE // 1_000_000


def to_us(samples: int) -> int:
    """The instant of a sample counted from the boot."""
    return samples * 1_000_000 // RATE


@dataclass(frozen=True, slots=True)
class Block:
    """Captured PCM (s16, mono, 48 kHz) and the capture time of its first sample."""

    pcm: bytes
    begin_us: int


def joined(blocks: Iterable[Block]) -> list[Block]:
    """The same sound in fewer blocks: those that continue the one before them within `SEAM_US` are one with it, for what resamples them
    takes as long for a short block as for a long one."""
    runs: list[tuple[int, list[bytes], int]] = []
    for block in blocks:
        if not runs or abs(block.begin_us - runs[-1][2]) > SEAM_US:
            runs.append((block.begin_us, [], 0))
        begin_us, parts, _ = runs[-1]
        parts.append(block.pcm)
        runs[-1] = begin_us, parts, block.begin_us + to_us(len(block.pcm) // SAMPLE_BYTES)
    return [Block(b"".join(parts), begin_us) for begin_us, parts, _ in runs]


class SampleClock:
    """When blocks were captured, from the instants at which they came out of the driver.

    A block can come late (scheduling, a held interpreter lock), never early. So the least lateness of the last eight blocks is the truth:
    one punctual block among them suffices. What the driver lost shows as a lateness that all eight have. The first four are given
    together, so that a late first block does not move the beginning.
    """

    def __init__(self) -> None:
        self._offsets: deque[int] = deque(maxlen=_WINDOW_BLOCKS)
        self._samples = 0
        self._held: list[bytes] | None = []

    def stamp(self, pcm: bytes, ended_us: int) -> list[Block]:
        """The blocks that are certain now, given that the last sample of `pcm` was captured no later than `ended_us`."""
        before = self._samples
        self._samples += len(pcm) // SAMPLE_BYTES
        self._offsets.append(ended_us - to_us(self._samples))
        if self._held is not None:
            self._held.append(pcm)
            if len(self._held) < _FIRST_BLOCKS:
                return []
            held, self._held, before = self._held, None, 0
        else:
            held = [pcm]
        blocks = []
        for block in held:
            blocks.append(Block(block, min(self._offsets) + to_us(before)))
            before += len(block) // SAMPLE_BYTES
        return blocks


class SoundTrack:
    """Blocks and silences in, PCM (s16, mono, 48 kHz) without a seam out. Used from one thread.

    `position` is the next sample that will be given, counted from the boot.
    """

    def __init__(self, start_us: int) -> None:
        self.position = to_samples(start_us)
        self._spans: deque[tuple[int, AudioState]] = deque()  # (end, state), in order, each from the end of the one before it
        self._resampler: _Resampler | None = None
        self._next_us = 0

    def live(self, block: Block) -> bytes:
        """What the track gains by a captured block.

        Where it does not continue the last block, silence comes between them, stated as `lost` (after a silence: as that was, for the
        microphone is only just open). What lies before the track's position is cut, so that nothing is moved.
        """
        gained, pcm, begin_us = b"", block.pcm, block.begin_us
        if self._resampler is None or abs(begin_us - self._next_us) > JUMP_US:
            before = self._spans[-1][1] if self._spans else "off"
            gained = self._end_run() + self._fill(to_samples(begin_us), "lost" if before == "live" else before)
            late = self.position - to_samples(begin_us)
            pcm = pcm[max(0, late) * SAMPLE_BYTES :]
            if not pcm:
                return gained
            begin_us = to_us(self.position) if late > 0 else begin_us
            self._resampler = _Resampler()
        self._next_us = begin_us + to_us(len(pcm) // SAMPLE_BYTES)
        return gained + self._gain(self._resampler.put(pcm, begin_us), "live")

    def silence(self, until_us: int, state: AudioState) -> bytes:
        """What the track gains by silence up to `until_us` (nothing, if it is already there)."""
        return self._end_run() + self._fill(to_samples(until_us), state)

    def state(self, begin: int, end: int) -> AudioState:
        """The sound of the samples from `begin` to `end`: `lost` if any of them is, else `live` if any is, else `off`.

        So `off` means that there is nothing from the microphone. Forgets what lies before `begin`.
        """
        while self._spans and self._spans[0][0] <= begin:
            self._spans.popleft()
        found: set[AudioState] = set()
        at = begin
        for span_end, state in self._spans:
            if at >= end:
                break
            found.add(state)
            at = span_end
        return "lost" if "lost" in found else "live" if "live" in found else "off"

    def _fill(self, until: int, state: AudioState) -> bytes:
        return self._gain(bytes(max(0, until - self.position) * SAMPLE_BYTES), state)

    def _end_run(self) -> bytes:
        resampler, self._resampler = self._resampler, None
        return self._gain(resampler.rest(), "live") if resampler is not None else b""

    def _gain(self, pcm: bytes, state: AudioState) -> bytes:
        if pcm:
            self.position += len(pcm) // SAMPLE_BYTES
            if self._spans and self._spans[-1][1] == state:
                self._spans[-1] = (self.position, state)
            else:
                self._spans.append((self.position, state))
        return pcm


class _Resampler:
    """One run of blocks that follow each other: stretched or squeezed, a little, to where their times say."""

    def __init__(self) -> None:
        graph = Graph()
        self._source = graph.add_abuffer(sample_rate=RATE, format="s16", layout="mono", time_base=_MICROS)
        resampler = graph.add("aresample", _RESAMPLER)
        self._sink = graph.add("abuffersink")
        self._source.link_to(resampler)
        resampler.link_to(self._sink)
        graph.configure()
        self._graph = graph

    def put(self, pcm: bytes, begin_us: int) -> bytes:
        frame = pcm_frame(pcm)
        frame.time_base = _MICROS
        frame.pts = begin_us
        self._source.push(frame)
        return self._pull()

    def rest(self) -> bytes:
        """The last few samples, which waited for their neighbours."""
        self._source.push(None)
        return self._pull()

    def _pull(self) -> bytes:
        parts: list[bytes] = []
        while True:
            try:
                frame = self._sink.pull()
            except (BlockingIOError, EOFError):
                return b"".join(parts)
            assert isinstance(frame, av.AudioFrame)
            parts.append(bytes(memoryview(frame.planes[0])[: frame.samples * SAMPLE_BYTES]))


def pcm_frame(pcm: bytes) -> av.AudioFrame:
    """`pcm` as a frame for FFmpeg; its time is for the caller to set."""
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // SAMPLE_BYTES)
    frame.sample_rate = RATE
    memoryview(frame.planes[0])[: len(pcm)] = pcm
    return frame
