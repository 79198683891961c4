"""From what a sound card gives to what the sound track takes (s16, mono, 48 kHz): one channel or both, another rate, another level.

A card that gives 48 kHz costs nothing here: its samples pass as they are, or every second of them. Everything else is one chain of FFmpeg:
`volume`, `alimiter` (a gain never clips: peaks are held 0.5 dB below full scale), `aresample`.
"""

from __future__ import annotations

import array
from typing import Final

import av
from av.filter import Graph

from bodycamd.camera.capture.worker.sound_track import RATE, SAMPLE_BYTES
from bodycamd.config.settings import MicrophoneChannel

RATES: Final = (RATE, 96_000, 44_100, 88_200, 32_000, 24_000, 22_050, 16_000, 11_025, 8_000)
"""What a card may give, the best first."""
_LIMIT: Final = 0.944
_LIMITER: Final = f"limit={_LIMIT}:attack=5:release=80:level=disabled:latency=enabled"


class SoundConversion:
    """One opening's conversion. Used from one thread.

    `channels` is how many the card is to be opened with: for `mix` one, which alsa-lib makes of all that the card has (their mean); else
    two.
    """

    def __init__(self, channel: MicrophoneChannel, gain_db: float) -> None:
        self.channels = 1 if channel == "mix" else 2
        self._first = {"mix": 0, "left": 0, "right": 1}[channel]
        self._gain_db = gain_db
        self._rate = RATE
        self._graph: Graph | None = None
        self._frames_in = self._frames_out = 0

    def begin(self, rate: int) -> None:
        """The card gives this rate."""
        self._rate = rate
        if rate != RATE or self._gain_db != 0:
            self._graph = _graph(rate, self._gain_db)

    def put(self, pcm: bytes) -> bytes:
        """The track's samples of the next block; a few less at first, which come with the block after it."""
        if self.channels == 2:
            pcm = array.array("h", pcm)[self._first :: 2].tobytes()
        if self._graph is None:
            return pcm
        self._frames_in += len(pcm) // SAMPLE_BYTES
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // SAMPLE_BYTES)
        frame.sample_rate = self._rate
        memoryview(frame.planes[0])[: len(pcm)] = pcm
        self._graph.push(frame)
        converted = self._pull(self._graph)
        self._frames_out += len(converted) // SAMPLE_BYTES
        return converted

    @property
    def held_us(self) -> int:
        """How long before the end of the last block the last sample that came out was captured."""
        return round(self._frames_in * 1e6 / self._rate - self._frames_out * 1e6 / RATE)

    def _pull(self, graph: Graph) -> bytes:
        parts: list[bytes] = []
        while True:
            try:
                frame = graph.pull()
            except (BlockingIOError, EOFError):
                return b"".join(parts)
            assert isinstance(frame, av.AudioFrame)
            parts.append(bytes(memoryview(frame.planes[0])[: frame.samples * SAMPLE_BYTES]))


def _graph(rate: int, gain_db: float) -> Graph:
    graph = Graph()
    chain = [graph.add_abuffer(sample_rate=rate, format="s16", layout="mono")]
    if gain_db != 0:
        chain.append(graph.add("volume", f"volume={gain_db}dB:precision=float"))
    if gain_db > 0:
        chain.append(graph.add("alimiter", _LIMITER))
    chain.append(graph.add("aresample", str(RATE)))
    chain.append(graph.add("aformat", f"sample_fmts=s16:channel_layouts=mono:sample_rates={RATE}"))
    chain.append(graph.add("abuffersink"))
    graph.link_nodes(*chain)
    graph.configure()
    return graph
