"""Streams with a real muxer, everything that comes out of them, and a sound card in real time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from bodycamd.camera.capture.worker.microphone import BLOCK_SAMPLES, Microphone, SoundDevice
from bodycamd.camera.capture.worker.muxer import Muxer
from bodycamd.camera.capture.worker.sound_track import to_us
from bodycamd.camera.capture.worker.stream import Stream
from bodycamd.footage import AudioState, FragmentFacts
from bodycamd.linux.clock import boottime_us
from tests.camera.capture.films import FRAME_RATE, HEIGHT, WIDTH
from tests.kit.fragments import ClearFragment
from tests.kit.waiting import wait_for


class Captured:
    """A stream with everything that came out of it."""

    def __init__(self, microphone: Microphone | None = None, *, taken: bool = True, max_group_frames: int | None = None) -> None:
        self.inits: list[bytes] = []
        self.fragments: list[tuple[ClearFragment, AudioState]] = []
        self.audio: list[tuple[AudioState, str]] = []
        self.microphone: list[tuple[str, bool]] = []
        self.ends: list[str | None] = []
        self.taken = taken
        self.stream = Stream(
            make_muxer=lambda sound_of: Muxer(
                self,
                generation=1,
                width=WIDTH,
                height=HEIGHT,
                frame_rate=FRAME_RATE,
                audio_bit_rate=96_000 if microphone else None,
                sound_of=sound_of,
            ),
            microphone=microphone,
            on_audio=lambda audio, reason: self.audio.append((audio, reason)),
            on_microphone=lambda device, silent: self.microphone.append((device, silent)),
            on_end=self.ends.append,
            max_group_frames=max_group_frames,
        )
        self.stream.start()

    def put_init(self, data: bytes) -> None:
        self.inits.append(data)

    def put_fragment(self, facts: FragmentFacts, data: bytes) -> bool:
        self.fragments.append((ClearFragment(facts, data), facts.audio))
        return self.taken

    def end(self) -> str | None:
        self.stream.finish()
        wait_for(lambda: self.ends)
        return self.ends[0]

    def film(self, path: Path) -> Path:
        path.write_bytes(self.inits[0] + b"".join(fragment.data for fragment, _ in self.fragments))
        return path


class PacedDevice:
    """A sound card in real time that can hang."""

    name = "a paced device"

    def __init__(self) -> None:
        self.next_us = boottime_us()
        self.flows = threading.Event()
        self.flows.set()

    def opened(self) -> SoundDevice:
        """It captures from now on."""
        self.next_us = boottime_us()
        return self

    def read(self) -> tuple[bytes, int]:
        self.next_us += to_us(BLOCK_SAMPLES)
        time.sleep(max(0, self.next_us - boottime_us()) / 1e6)
        self.flows.wait(30)
        return b"\1\0" * BLOCK_SAMPLES, self.next_us

    def close(self) -> None:
        pass
