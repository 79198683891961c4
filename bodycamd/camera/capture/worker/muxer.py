"""Encoded frames and PCM in, a CMAF stream out: one init segment (ftyp+moov), then fragments (moof+mdat) of one group of pictures each.

Guarantees:

- Capture times survive exactly: the picture's track counts microseconds, the sound's 48,000ths of a second, of CLOCK_BOOTTIME.
- A fragment comes out when the next keyframe is in and the sound has caught up, or at the latest when 0.5 s of picture wait for sound: a
  stalled microphone holds nothing back. `close` gives the last group of pictures, partial as it is.
- What is stated of a fragment was read from its bytes. `gap_us` is the time in it for which there is no picture of its own: of every frame
  that stands longer than 1.5 frame times, all beyond one frame time. Where the camera may slow down in the dark, a frame time is the
  longest that it may take.

Not guaranteed: that sound and picture of a fragment end together; sound that comes late is in the next fragment, at its right time.

AAC-LC needs one packet of 1,024 samples to start up: the sound's track begins 21.3 ms before its first sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final, Protocol

import av
from av.audio.stream import AudioStream

from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.worker.boxes import StreamCutter, box_kinds, track_runs
from bodycamd.camera.capture.worker.sound_track import RATE, SAMPLE_BYTES, pcm_frame, to_samples
from bodycamd.errors import DataError
from bodycamd.footage import AudioState, FragmentFacts

_MICROS: Final = Fraction(1, 1_000_000)
_SAMPLES: Final = Fraction(1, RATE)
_OPTIONS: Final = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof+cmaf+frag_discont+skip_trailer",
    "max_interleave_delta": "500000",
}
AAC_CUTOFF_HZ: Final = 12_000
AAC_OPTIONS: Final = {"aac_coder": "fast", "aac_pns": "0", "aac_tns": "0", "cutoff": str(AAC_CUTOFF_HZ)}
"""The default coder takes twice the processor, which a Zero 2 W does not have to spare. Noise is not replaced by made-up noise (PNS), and a
voice is 0.8 dB truer without the search for temporal shaping (TNS). Sound is kept up to 12 kHz: with the 18 kHz that the coder would keep
it takes a third more, and spends on what hardly anybody hears bits that speech can use. docs/sound-rates.md has the figures."""
_BUFFER_BYTES: Final = 2 * 1024 * 1024
"""Larger than a usual fragment, so that each arrives in one piece and is not put together again."""
_AAC_SAMPLES: Final = 1024
_VIDEO_TRACK: Final = 1


class MuxError(DataError):
    """The frames cannot be muxed: a broken order, or a stream that is not what it claims to be."""


class FragmentSink(Protocol):
    """Where one stream goes, in the clear: its init segment, then each fragment, from the thread that muxes. Must not wait."""

    def put_init(self, data: bytes) -> None:
        """Take the init segment."""

    def put_fragment(self, facts: FragmentFacts, data: bytes) -> bool:
        """Take a fragment; `False` where there is no room for it."""


SoundOf = Callable[[int | None, int], AudioState]
"""What the sound of a fragment is: of its first sample, counted from the boot (`None`: it has none), and so many more."""


class Muxer:
    """One stream. Used from one thread; the sink is called from within the calls."""

    def __init__(
        self,
        sink: FragmentSink,
        *,
        generation: int,
        width: int,
        height: int,
        frame_rate: float,
        audio_bit_rate: int | None,
        sound_of: SoundOf,
        slowest_frame_rate: float | None = None,
    ) -> None:
        """`slowest_frame_rate`: to which the camera may fall without a frame missing; `None`: it keeps its rate."""
        self.refused_frames = 0
        """Of fragments that the sink had no room for."""
        self.fragments = 0
        """That came out so far."""
        self._sink, self._generation, self._sound_of = sink, generation, sound_of
        self._frame_us = round(1_000_000 / frame_rate)
        self._longest_frame_us = round(1_000_000 / (slowest_frame_rate or frame_rate))
        self._cutter = StreamCutter()
        self._last_us: int | None = None
        self._sound_begin: int | None = None
        self._closed = False
        self._output = av.open(self, "w", format="mp4", options=_OPTIONS, buffer_size=_BUFFER_BYTES)
        self._picture = self._output.add_mux_stream("h264", rate=round(frame_rate), width=width, height=height)
        self._picture.time_base = _MICROS
        self._sound: AudioStream | None = None
        if audio_bit_rate is not None:
            self._sound = self._output.add_stream("aac", rate=RATE, layout="mono", options=AAC_OPTIONS)
            self._sound.bit_rate = audio_bit_rate

    def put_frame(self, frame: EncodedFrame) -> None:
        """Add a frame. Raises `MuxError` if the first is not a keyframe, or if it is not later than the one before it."""
        if self._last_us is None and not frame.keyframe:
            raise MuxError("the first frame is not a keyframe")
        if self._last_us is not None and frame.pts_us <= self._last_us:
            raise MuxError(f"a frame of {frame.pts_us} µs after one of {self._last_us} µs")
        self._last_us = frame.pts_us
        packet = av.Packet(frame.data)
        packet.stream = self._picture
        packet.time_base = _MICROS
        packet.pts = packet.dts = frame.pts_us
        packet.duration = self._frame_us
        packet.is_keyframe = frame.keyframe
        self._mux([packet])

    def sound_until(self, pts_us: int) -> int:
        """Up to which sample, counted from the boot, sound must have been put for the fragment to come out that ends before a keyframe of
        this time (or `max_interleave_delta` of picture).

        FFmpeg keeps a packet until each track has a later one, and its AAC coder a packet of sound until the two after it are full.
        """
        begin = self._sound_begin if self._sound_begin is not None else to_samples(pts_us)
        packets = -(-(to_samples(pts_us) - begin) // _AAC_SAMPLES)
        return begin + (packets + 3) * _AAC_SAMPLES

    def put_sound(self, pcm: bytes, position: int) -> None:
        """Add PCM; `position` is its first sample, counted from the boot. Only after the first frame, and without a hole."""
        if self._sound is None:
            raise MuxError("this stream has no sound track")
        if self._last_us is None:
            raise MuxError("sound before the first frame")
        if self._sound_begin is None and pcm:
            self._sound_begin = position
        for begin in range(0, len(pcm), RATE * SAMPLE_BYTES):
            frame = pcm_frame(pcm[begin : begin + RATE * SAMPLE_BYTES])
            frame.time_base = _SAMPLES
            frame.pts = position + begin // SAMPLE_BYTES
            self._mux(self._sound.encode(frame))

    def close(self) -> None:
        """Give what is left. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._last_us is not None and self._sound is not None:
            self._mux(self._sound.encode(None))
        self._output.close()
        if self._cutter.waiting_bytes:
            raise MuxError("the stream ended inside a fragment")

    def write(self, data: bytes) -> int:
        """For FFmpeg: the next bytes of the stream."""
        for cut in self._cutter.feed(data):
            kinds = box_kinds(cut)
            if kinds == (b"ftyp", b"moov"):
                self._sink.put_init(cut)
            elif kinds == (b"moof", b"mdat"):
                facts = self._describe(cut)
                self.fragments += 1
                if not self._sink.put_fragment(facts, cut):
                    self.refused_frames += facts.frames
            else:
                raise MuxError(f"unexpected boxes: {kinds!r}")
        return len(data)

    def _mux(self, packets: Sequence[av.Packet[Any]]) -> None:
        try:
            self._output.mux(packets)
        except av.FFmpegError as error:
            raise MuxError(f"the muxer refuses a packet: {error}") from error

    def _describe(self, data: bytes) -> FragmentFacts:
        runs = {run.track: run for run in track_runs(data)}
        picture = runs.pop(_VIDEO_TRACK, None)
        if picture is None:
            raise MuxError("a fragment without picture")
        sound = next(iter(runs.values()), None)
        first, samples = (sound.begin, sum(sound.durations)) if sound is not None else (None, 0)
        return FragmentFacts(
            generation=self._generation,
            pts_us=picture.begin,
            duration_us=sum(picture.durations),
            frames=len(picture.durations),
            audio=self._sound_of(first, samples),
            audio_pts_us=None if first is None else first * 1_000_000 // RATE,
            audio_samples=samples,
            gap_us=sum(frame_us - self._longest_frame_us for frame_us in picture.durations if frame_us > 1.5 * self._longest_frame_us),
        )
