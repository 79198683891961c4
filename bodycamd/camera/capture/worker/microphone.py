"""The microphone: blocks of PCM with the times at which they were captured, or the plain statement that there is none.

Guarantees:

- Nobody who asks for blocks ever waits: the sound driver is called in a thread of its own, and if it hangs, only that thread hangs.
- While it does not deliver (cannot be opened, hangs, was unplugged) the state is `lost` with the reason; opening is tried again after
  0.5 s, 1 s, 2 s, … 30 s, for as long as the microphone is wanted.
- A device that is named and absent is an error, never another device. Nothing is opened before `set_open(True)`.

Not guaranteed: recovery from a driver call that never returns. A device may not be entered twice, so the next try is when that call
returns, or in the next worker.

Wiring: `device` is an ALSA name as `arecord -L` prints it (`plughw:CARD=Device,DEV=0`) or a card's id; `null` is the only card that can
capture. What names are taken is in `bodycamd.linux.sound_cards`; they are looked up anew at each opening. Cards of any rate, sample format
and number of channels will do.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from bodycamd.camera.capture.worker.sound_level import SilenceGate, level
from bodycamd.camera.capture.worker.sound_track import RATE, SAMPLE_BYTES, Block, SampleClock
from bodycamd.footage import AudioState, SoundLevel
from bodycamd.linux.named_thread import NamedThread

BLOCK_SAMPLES: Final = 2048
QUIET_US: Final = 1_000_000
"""Without a block for this long, a microphone is lost. A stall of the whole process does not count."""
_FIRST_BACKOFF_US: Final = 500_000
_LAST_BACKOFF_US: Final = 30_000_000
_LONGEST_STEP_US: Final = 100_000
_WAITING_BLOCKS: Final = 240


class SoundDevice(Protocol):
    """An open sound device. Used from one thread."""

    @property
    def name(self) -> str:
        """What was opened, for a person: the sound card and ALSA's name for it."""

    def read(self) -> tuple[bytes, int]:
        """Wait for a block (s16, mono, 48 kHz); and the instant by which its last sample was captured. Raises `OSError`."""

    def close(self) -> None:
        """Close the device."""


class Microphone:
    """What the configuration calls a microphone. Used from one thread, except for `set_open`."""

    def __init__(self, open_device: Callable[[], SoundDevice]) -> None:
        """`open_device` is called in the microphone's own thread, and may hang there."""
        self._open_device = open_device
        self._wanted = False
        self._attempt: _Attempt | None = None
        self._retry_us = 0
        self._failures = 0
        self._quiet_us = 0
        self._polled_us: int | None = None
        self.state: AudioState = "off"
        self.reason = "not opened"

    @property
    def device(self) -> str:
        """The device that gives the sound; empty while none does."""
        return self._attempt.name if self._attempt is not None and self.state == "live" else ""

    @property
    def level(self) -> SoundLevel | None:
        """How loud a block of the last second was; `None` while there is no sound."""
        return self._attempt.level if self._attempt is not None and self.state == "live" else None

    @property
    def silent(self) -> bool:
        """It is live, and has given digital silence for seconds."""
        return self._attempt is not None and self.state == "live" and self._attempt.gate.silent

    @property
    def flows(self) -> bool:
        """It is live, and the last `poll` had blocks: so far nothing is amiss."""
        return self.state == "live" and self._quiet_us == 0

    @property
    def opening(self) -> bool:
        """Whether it was opened a moment ago and its first block is still to come."""
        return self._wanted and self.state == "off"

    def set_open(self, wanted: bool) -> None:
        """Open or close it; `poll` does the rest. Any thread."""
        self._wanted = wanted

    def poll(self, now_us: int) -> list[Block]:
        """The blocks since the last call, in order. Brings `state` and `reason` up to date. Call it some ten times a second."""
        step_us = min(now_us - self._polled_us, _LONGEST_STEP_US) if self._polled_us is not None else 0
        self._polled_us = now_us
        if not self._wanted:
            self._close()
            return []
        attempt = self._attempt
        if attempt is None or attempt.stopping:
            self._quiet_us += step_us
            self._try(now_us)
            blocks = []
        else:
            blocks = attempt.take()
            self._quiet_us = 0 if blocks else self._quiet_us + step_us
            if blocks:
                self.state, self.reason, self._failures = "live", "", 0
            elif attempt.ended:
                self._failed(attempt, now_us)
        if self._quiet_us > QUIET_US and self.state != "lost":
            self.state, self.reason = "lost", f"the microphone gives nothing for {QUIET_US / 1e6:g} s"
        return blocks

    def _try(self, now_us: int) -> None:
        if (self._attempt is None or self._attempt.ended) and now_us >= self._retry_us:
            self._attempt = _Attempt(self._open_device)

    def _failed(self, attempt: _Attempt, now_us: int) -> None:
        self.state, self.reason = "lost", attempt.error or "the microphone ended"
        self._attempt = None
        self._retry_us = now_us + min(_LAST_BACKOFF_US, _FIRST_BACKOFF_US << min(self._failures, 10))
        self._failures += 1

    def _close(self) -> None:
        if self._attempt is not None:
            self._attempt.stop()
        self._retry_us = self._failures = self._quiet_us = 0
        self.state, self.reason = "off", "closed as configured"


class _Attempt:
    """One opening of the device, in a thread that nobody waits for."""

    def __init__(self, open_device: Callable[[], SoundDevice]) -> None:
        self.error = ""
        self.name = ""
        self.level: SoundLevel | None = None
        self.gate = SilenceGate()
        self._open_device = open_device
        self._stop = threading.Event()
        self._blocks: deque[Block] = deque(maxlen=_WAITING_BLOCKS)
        self._thread = NamedThread(target=self._run, name="microphone", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    def take(self) -> list[Block]:
        blocks = []
        while self._blocks:
            blocks.append(self._blocks.popleft())
        return blocks

    def _run(self) -> None:
        try:
            device = self._open_device()
            try:
                self.name = device.name
                clock = SampleClock()
                unmeasured = RATE
                while not self._stop.is_set():
                    pcm, ended_us = device.read()
                    self.gate.put(pcm)
                    unmeasured += len(pcm) // SAMPLE_BYTES
                    if unmeasured >= RATE:  # one block in a second: Python takes 0.2 ms for it
                        self.level, unmeasured = level(pcm), 0
                    self._blocks.extend(clock.stamp(pcm, ended_us))
            finally:
                device.close()
        except Exception as error:  # whatever a sound driver comes up with, the picture continues
            self.error = " ".join(str(argument) for argument in error.args) or repr(error)


def block_us() -> float:
    """The length of a block."""
    return BLOCK_SAMPLES * 1e6 / RATE
