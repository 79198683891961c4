"""The subtitle track (`mov_text`, 3GPP timed text) and the chapters of a film, written with PyAV.

A sample of `mov_text` is its text in UTF-8 after its length in two bytes; PyAV has no encoder call for it that takes plain text, and needs
none. Chapters are set when the length of the film is known: the muxer writes them with the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from av.container import OutputContainer
from av.packet import Packet

from bodycamd.municipality.film.captions import Captions, Chapter

TIME_BASE = Fraction(1, 1000)
MAX_TEXT_BYTES = 1000
_STYLE = b"""[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, \
ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


class SubtitleTrack:
    """Writes the cues that lie in one part, each when the picture has reached its end. `begins` is the part's time 0, in seconds."""

    def __init__(self, container: OutputContainer, captions: Captions, begins: Fraction) -> None:
        self._container = container
        self._cues = captions
        self._begins = begins
        self._next = captions.first_after(begins * 1_000_000)
        self._written_until = 0
        self._stream: Any = container.add_stream("mov_text")
        self._stream.codec_context.subtitle_header = _STYLE
        self._stream.codec_context.time_base = TIME_BASE
        self._stream.time_base = TIME_BASE
        self._stream.metadata["language"] = "und"

    @property
    def position(self) -> int:
        """The number of the next cue."""
        return self._next

    def write_until(self, end: Fraction) -> None:
        """Write every cue that ends at or before this instant (seconds of CLOCK_BOOTTIME) and that no later fragment can lengthen."""
        while self._next + 1 < len(self._cues) and self._cues[self._next].ends_us <= end * 1_000_000:
            self._write(end)

    def close(self, end: Fraction) -> None:
        """Write what is left; nothing lasts longer than the picture."""
        while self._next < len(self._cues) and self._cues[self._next].begins_us < end * 1_000_000:
            self._write(end)

    def _write(self, end: Fraction) -> None:
        cue = self._cues[self._next]
        self._next += 1
        begins = max(self._written_until, self._ticks(Fraction(cue.begins_us, 1_000_000)))
        ends = min(self._ticks(Fraction(cue.ends_us, 1_000_000)), self._ticks(end))
        if ends <= begins:
            return
        self._written_until = ends
        text = cue.text.encode()[:MAX_TEXT_BYTES]
        packet: Packet[Any] = Packet(len(text).to_bytes(2, "big") + text)
        packet.pts = packet.dts = begins
        packet.duration = ends - begins
        packet.time_base = TIME_BASE
        packet.stream = self._stream
        self._container.mux_one(packet)

    def _ticks(self, seconds: Fraction) -> int:
        return max(0, round((seconds - self._begins) / TIME_BASE))


def set_chapters(container: OutputContainer, chapters: Sequence[Chapter], begins: Fraction, end: Fraction) -> None:
    """Give a part its chapters: one from its beginning, one from every marker that lies in it. None where there is no marker in it."""
    inside = [chapter for chapter in chapters if begins <= Fraction(chapter.at_us, 1_000_000) < end]
    if not inside:
        return
    starts = [(0, "Begin"), *((round((Fraction(c.at_us, 1_000_000) - begins) / TIME_BASE), c.title) for c in inside)]
    ends = [at for at, _ in starts[1:]] + [round((end - begins) / TIME_BASE)]
    container.set_chapters(
        [
            {"id": number, "start": at, "end": until, "time_base": TIME_BASE, "metadata": {"title": title}}
            for number, ((at, title), until) in enumerate(zip(starts, ends, strict=True), 1)
        ]
    )
