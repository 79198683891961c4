"""Frames from the camera and blocks from the microphone in, fragments out: the worker's one thread that muxes.

Guarantees:

- The camera's callback (`on_frame`) only puts a frame into a bounded queue. Frames that find it full are dropped, with all others up to the
  next keyframe (they could not be decoded), and counted.
- The picture never waits for the sound: a microphone that is closed, lost or late costs silence or a late sound, never a frame.
- The microphone is looked at every `_TURN_SECONDS`; what frames and sound there are is muxed every `_BATCH_US` only, because a coder that
  works seldom and long finds its caches warm (two thirds of the time of one that works at each turn). A keyframe ends a fragment: it waits
  only for the sound without which the muxer would hold that fragment, which is looked for every `_POLL_SECONDS`.
- `came` says when the last frame came from the camera, however long it waits here; unless the muxer hangs.
- The stream ends once, by `finish` or by a failure, and before it does, everything that was taken in has been muxed.

A camera that gave no frame for longer than `MAX_STILL_US` and then continues ends the stream too: what follows is another generation's.
So does one whose keyframes stay away: only a keyframe ends a fragment, so that the picture would grow here instead of reaching the disk.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from bodycamd.camera.capture.sources.source import EncodedFrame
from bodycamd.camera.capture.worker.microphone import Microphone
from bodycamd.camera.capture.worker.muxer import Muxer, SoundOf
from bodycamd.camera.capture.worker.sound_track import SAMPLE_BYTES, Block, SoundTrack, joined, to_us
from bodycamd.errors import BodycamError
from bodycamd.footage import AudioState, SoundLevel
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.named_thread import NamedThread

MAX_STILL_US: Final = 4_000_000
_WAITING_FRAMES: Final = 300
_WAITING_BYTES: Final = 24 * 1024 * 1024
_WAITING_BLOCKS: Final = 240
_POLL_SECONDS: Final = 0.02
_TURN_SECONDS: Final = 0.1
_FLOWING_TURN_SECONDS: Final = 0.35
"""While the microphone gives what it should, or there is none."""
_BATCH_US: Final = 700_000
"""So that of a usual group of pictures little is left to be done at the keyframe after it, for which its fragment waits."""
_SOUND_WAITS_US: Final = 300_000
"""For so long a keyframe waits for its sound; from then on the muxer's own limit counts."""
_HANGS_US: Final = 200_000
"""A turn of the thread that lasts longer: from then on frames that come are no sign of life."""
_LAG_US: Final = 100_000
"""How far behind now silence is laid, so that a microphone that comes back finds room for its first block."""
_OPENING_LAG_US: Final = 350_000
_LAST_SOUND_US: Final = 250_000


class Stream:
    """One generation's footage. `on_frame` and `fail` from any thread; the callbacks come from the stream's own thread."""

    def __init__(
        self,
        *,
        make_muxer: Callable[[SoundOf], Muxer],
        microphone: Microphone | None,
        on_audio: Callable[[AudioState, str], None],
        on_microphone: Callable[[str, bool], None],
        on_end: Callable[[str | None], None],
        max_group_frames: int | None = None,
    ) -> None:
        """`make_muxer` is called at the first frame, and returns the muxer with its sink; `on_microphone` is told which device gives the
        sound (empty: none), and whether it gives digital silence, when either changes; `on_end` is called last, with the reason of a
        failure or `None`. `max_group_frames` is the longest group of pictures that still counts as healthy; `None`:
        the source answers for it.
        """
        self._microphone, self._on_audio, self._on_microphone, self._on_end = microphone, on_audio, on_microphone, on_end
        self._make_muxer = make_muxer
        self._max_group_frames, self._group_frames = max_group_frames, 0
        self._muxer: Muxer | None = None
        self._track: SoundTrack | None = None
        self._open = False
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._frames: deque[EncodedFrame] = deque()
        self._bytes = 0
        self._resync = True
        self._keyframe_came = False
        self._keyframe: tuple[int, int] | None = None
        """The first keyframe that waits: its time, and when it came."""
        self._ending = False
        self._failure: str | None = None
        self._audio: AudioState = "off"
        self._told_microphone = ("", False)
        self._blocks: deque[Block] = deque(maxlen=_WAITING_BLOCKS)
        self._came_us: int | None = None
        self._came_frames = 0
        self._told: tuple[int | None, int] = (None, 0)
        self._turn_us: int | None = None
        """When the turn began that the thread is at."""
        self._muxed_us: int | None = None
        self._batch_us = 0
        """When the last batch was muxed."""
        self._keyframes = 0
        self._dropped = 0
        self._pause_seconds = _TURN_SECONDS
        self._thread = NamedThread(target=self._run, name="mux", daemon=True)

    @property
    def audio(self) -> AudioState:
        """What the sound is now."""
        return self._audio

    def came(self) -> tuple[int | None, int]:
        """When the last frame came that was taken (`None` before the camera is open, and before the first), and how many were."""
        with self._lock:
            turn_us = self._turn_us
            if self._open and (turn_us is None or boottime_us() - turn_us < _HANGS_US):
                self._told = self._came_us, self._came_frames
            return self._told

    @property
    def level(self) -> SoundLevel | None:
        """How loud a block of the last second was."""
        return self._microphone.level if self._microphone is not None else None

    @property
    def dropped(self) -> int:
        """Frames that were not muxed, or found no room on the way out."""
        return self._dropped + (self._muxer.refused_frames if self._muxer is not None else 0)

    def start(self) -> None:
        """Begin to take frames."""
        self._thread.start()

    def camera_is_open(self) -> None:
        """The source's `open` has returned, so it knows what it gives; frames that came before have waited."""
        with self._changed:
            self._open = True
            self._keyframe_came = self._keyframe is not None
            self._changed.notify()

    def on_frame(self, frame: EncodedFrame) -> None:
        """Take a frame, or drop it; returns at once."""
        with self._lock:
            if self._ending:
                return
            full = len(self._frames) >= _WAITING_FRAMES or self._bytes + len(frame.data) > _WAITING_BYTES
            if full or (self._resync and not frame.keyframe):
                self._dropped += 1
                self._resync = True
                return
            self._resync = False
            self._frames.append(frame)
            self._bytes += len(frame.data)
            self._came_us, self._came_frames = max(self._came_us or 0, frame.pts_us), self._came_frames + 1
            if frame.keyframe:
                self._keyframe = self._keyframe or (frame.pts_us, boottime_us())
                self._keyframe_came = True
                self._changed.notify()

    def finish(self) -> None:
        """Take no more frames, mux what is there, end; returns at once."""
        self._end(None)

    def fail(self, reason: str) -> None:
        """As `finish`, but the end is a failure."""
        self._end(reason)

    def _end(self, reason: str | None) -> None:
        with self._changed:
            if not self._ending:
                self._ending, self._failure = True, reason
                self._changed.notify()

    def _run(self) -> None:
        failure: str | None
        try:
            while self._step():
                pass
            if self._muxer is not None:
                self._last_sound(self._muxer)
                self._muxer.close()
            failure = self._failure
        except BodycamError as error:
            failure = str(error)
        except Exception as error:  # a defect, here or in FFmpeg: the recorder replaces the worker
            failure = f"the stream failed: {error!r}"
        self._on_end(failure)

    def _step(self) -> bool:
        with self._changed:
            self._turn_us = None
            self._changed.wait_for(lambda: (self._keyframe_came and self._open) or self._ending, timeout=self._pause_seconds)
            self._keyframe_came = False
            now_us = self._turn_us = boottime_us()
        if self._microphone is not None:
            self._blocks.extend(self._microphone.poll(now_us))
        with self._changed:
            wait_us = self._sound_wait_us(now_us)
            hurries = self._ending or self._fragment_waits() or (now_us - self._batch_us >= _BATCH_US if wait_us is None else wait_us <= 0)
            frames = list(self._frames) if self._open and hurries else []
            if frames:
                self._frames.clear()
                self._bytes = 0
                self._keyframe, self._keyframe_came = None, False
            going_on = bool(frames) or not self._ending
        self._put_sound(now_us, at_once=hurries)  # before the frames: a picture far ahead of its sound would not wait for it
        for frame in frames:
            if not self._put(frame):
                return False
        if hurries:
            self._batch_us = now_us
        self._pause_seconds = self._pause(0 if hurries else wait_us or 0)
        return going_on

    def _sound_wait_us(self, now_us: int) -> int | None:
        """How long the first keyframe that waits has to do so for its sound, at least (not at all: 0 or less); `None`: none waits."""
        if self._keyframe is None:
            return None
        if self._microphone is None or self._track is None or self._muxer is None:
            return 0
        pts_us, came_us = self._keyframe
        needed = self._muxer.sound_until(pts_us)
        if self._microphone.state == "live":
            reach = self._track.position + sum(len(block.pcm) for block in self._blocks) // SAMPLE_BYTES
            wait_us = 0 if reach >= needed else max(1, to_us(needed) - now_us)
        else:
            wait_us = to_us(needed) - self._silent_until_us(now_us)
        return min(wait_us, came_us + _SOUND_WAITS_US - now_us)

    def _pause(self, wait_us: int) -> float:
        """How long the next turn may be off, unless a keyframe comes; `wait_us`: for so long one that is there has to wait."""
        if (self._keyframe is not None and self._open) or self._fragment_waits():
            return max(_POLL_SECONDS, wait_us / 1e6)
        return _FLOWING_TURN_SECONDS if self._microphone is None or self._microphone.flows else _TURN_SECONDS

    def _fragment_waits(self) -> bool:
        """Whether a keyframe has ended a fragment that the muxer still holds, until its sound is there."""
        return self._muxer is not None and self._keyframes > self._muxer.fragments + 1

    def _put(self, frame: EncodedFrame) -> bool:
        last_us = self._muxed_us
        if last_us is not None and frame.pts_us - last_us > MAX_STILL_US:
            self._end(f"no frame for {(frame.pts_us - last_us) / 1e6:.1f} s")
            return False
        self._group_frames = 1 if frame.keyframe else self._group_frames + 1
        if self._max_group_frames is not None and self._group_frames > self._max_group_frames:
            self._end(f"no keyframe in {self._group_frames} frames")
            return False
        if self._muxer is None:
            self._muxer = self._make_muxer(self._sound_of)
            self._track = SoundTrack(frame.pts_us)
        self._muxer.put_frame(frame)
        self._muxed_us = frame.pts_us
        self._keyframes += frame.keyframe
        return True

    def _put_sound(self, now_us: int, *, at_once: bool) -> None:
        microphone, track = self._microphone, self._track
        if microphone is None or track is None or self._muxer is None:
            return  # the first frame will tell where the track begins
        if not at_once and microphone.state == self._audio:
            return  # with the next batch
        position = track.position
        pcm = [track.live(block) for block in joined(self._blocks)]
        self._blocks.clear()
        if microphone.state != "live":
            pcm.append(track.silence(self._silent_until_us(now_us), microphone.state))
        self._muxer.put_sound(b"".join(pcm), position)
        if microphone.state != self._audio:
            self._audio = microphone.state
            self._on_audio(microphone.state, microphone.reason)
        if (now := (microphone.device, microphone.silent)) != self._told_microphone:
            self._told_microphone = now
            self._on_microphone(*now)

    def _silent_until_us(self, now_us: int) -> int:
        """Up to where silence is laid while there is no sound."""
        return now_us - (_OPENING_LAG_US if self._microphone is not None and self._microphone.opening else _LAG_US)

    def _last_sound(self, muxer: Muxer) -> None:
        """Wait a moment for the sound of the last frames."""
        if self._track is None or self._microphone is None or self._muxed_us is None:
            return
        begun_us = boottime_us()
        end_us = min(self._muxed_us + 50_000, begun_us)
        while to_us(self._track.position) < end_us and boottime_us() - begun_us < _LAST_SOUND_US:
            time.sleep(_POLL_SECONDS)
            self._blocks.extend(self._microphone.poll(now_us := boottime_us()))
            self._put_sound(now_us, at_once=True)
        if self._microphone.state != "live":
            position = self._track.position
            muxer.put_sound(self._track.silence(end_us, self._microphone.state), position)

    def _sound_of(self, first: int | None, samples: int) -> AudioState:
        if self._microphone is None:
            return "off"
        if first is None or self._track is None:
            return "lost" if self._microphone.state == "live" else self._microphone.state
        return self._track.state(first, first + samples)
