"""The recorder's side of the voice: starts the voice process, watches it, replaces it. Implements `ports.Voice`.

Guarantees, whatever the sound system does:

- `speak` and `silence` only enqueue and return at once;
- each `speak` is followed by exactly one `WarningEnded`: at once if the voice is not prepared, within `start_seconds` if the device takes
  no sample, and within the WAV's length plus `end_margin_seconds` in any case (plus the scheduling of one thread);
- after `silence` the sound stops within what the device takes to drop its buffer; a voice that does not confirm within `silence_seconds` is
  killed, which closes the device;
- a voice that crashed, hung or could not be prepared is replaced in the background, at once the first time, then at growing intervals.
  While a killed one cannot be reaped (inside a driver call that cannot be interrupted) no second one is started, because it would find the
  device taken.

**Not** guaranteed: that the loudspeaker makes a sound. `played_to_device` is the driver's word.

Everything is decided in one thread, `voice`; events are posted from it. The instants in events are CLOCK_BOOTTIME microseconds, from the
voice process where it reported one; deadlines are kept by CLOCK_MONOTONIC.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from bodycamd.camera.board.voice import protocol
from bodycamd.camera.board.voice.child import VoiceChild
from bodycamd.camera.control.events import Event, VoiceHealth, WarningEnded, WarningOutcome
from bodycamd.config.settings import SpeakerSettings
from bodycamd.errors import ConfigError
from bodycamd.linux.clock import Clock

log = logging.getLogger(__name__)

EXIT_SECONDS = 0.25
"""How long the thread waits to learn how a process ended that has closed its link."""

VoiceEvent = Literal["started", "ended", "silenced", "failed"]
_EVENT_OF: dict[WarningOutcome, VoiceEvent] = {"played_to_device": "ended", "skipped": "silenced", "failed": "failed"}


class VoiceTiming(Struct, frozen=True):
    """The bounds, in seconds."""

    prepare_seconds: float = 10.0
    start_seconds: float = 1.0
    end_margin_seconds: float = 0.9
    silence_seconds: float = 0.1
    settled_seconds: float = 10.0
    """Prepared this long without trouble: the next failure counts as the first again."""
    retry_seconds: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)


class VoiceStatus(Struct, frozen=True):
    """For `status`: the process and what it said of itself last."""

    pid: int | None
    prepared: bool
    detail: str
    starts: int


class _Play(Struct):
    number: int
    start_by: float | None
    end_by: float
    silence_by: float | None = None

    def deadline(self) -> float:
        return min(by for by in (self.start_by, self.end_by, self.silence_by) if by is not None)


class VoiceProcess:
    """The speaker, in a process of its own."""

    def __init__(
        self,
        settings: SpeakerSettings,
        wav: Path,
        post: Callable[[Event], None],
        clock: Clock,
        *,
        directory: Path | None = None,
        observe: Callable[[VoiceEvent, int], None] | None = None,
        timing: VoiceTiming | None = None,
        python: str = sys.executable,
    ) -> None:
        self._options = ["--wav", str(wav), "--output", settings.output]
        if settings.device is not None:
            self._options += ["--device", settings.device]
        if settings.output == "simulated":
            if directory is None:
                raise ConfigError("speaker.output: simulated needs simulation_directory, the folder for the WAV files")
            self._options += ["--directory", str(directory)]
        self._post, self._clock, self._observe = post, clock, observe
        self._timing = timing or VoiceTiming()
        self._python = python
        self._commands: queue.SimpleQueue[Literal["speak", "silence", "close"]] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._status = VoiceStatus(None, False, "not started", 0)
        # from here on only the thread's:
        self._child: VoiceChild | None = None
        self._dying: VoiceChild | None = None
        self._prepared: protocol.Prepared | None = None
        self._prepare_by = self._settled_at = float("inf")
        self._start_at = 0.0
        self._failures = self._starts = self._number = 0
        self._play: _Play | None = None
        self._speak_next = False
        self._sha256 = ""
        self._health: VoiceHealth | None = None

    # --- any thread -------------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread and the voice process; `VoiceHealth` follows within `prepare_seconds`. Once only."""
        self._thread.start()

    def speak(self) -> None:
        """Play the warning from its start. During a play the old one is cut off first (`skipped`)."""
        self._command("speak")

    def silence(self) -> None:
        """Stop the sound; nothing happens if none plays."""
        self._command("silence")

    def close(self) -> None:
        """End the voice process and the thread; returns within 3 s. A running play ends as `skipped`."""
        if self._thread.is_alive():
            self._command("close")
            self._thread.join(3.0)
            if self._thread.is_alive():
                log.error("the voice process cannot be ended; it dies with this process")
                return
        elif self._thread.ident is not None:
            return  # closed before
        self._release()

    def status(self) -> VoiceStatus:
        """The voice process now."""
        return self._status

    def _command(self, command: Literal["speak", "silence", "close"]) -> None:
        if not self._thread.is_alive():
            raise RuntimeError("the voice is used before start() or after close()")
        self._commands.put(command)
        os.eventfd_write(self._wake, 1)

    # --- the thread: one turn is wait, listen, obey, check the deadlines --------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                if not self._turn():
                    break
            except Exception as error:  # a defect here must cost the warning only
                log.exception("the voice's thread failed")
                self._lose(f"internal error: {error}")
                time.sleep(0.1)
        self._end()

    def _turn(self) -> bool:
        self._selector.select(self._wait_seconds())
        self._reap()
        self._listen()
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                break
            if command == "close":
                return False
            if command == "speak":
                self._speak()
            else:
                self._silence()
        self._check_deadlines()
        return True

    def _wait_seconds(self) -> float | None:
        with contextlib.suppress(BlockingIOError):  # nothing to clear: a message or a deadline ended the last wait
            os.eventfd_read(self._wake)
        if not self._commands.empty():
            return 0.0
        deadlines = [self._play.deadline()] if self._play else []
        if self._child:
            deadlines += [self._settled_at if self._prepared else self._prepare_by]
        elif not self._dying:
            deadlines.append(self._start_at)
        wait = min(deadlines, default=float("inf")) - time.monotonic()
        return None if wait == float("inf") else max(0.0, wait)

    def _listen(self) -> None:
        child = self._child
        if child is None:
            return
        try:
            child.read_noise()
            said, linked = child.answers()
        except protocol.LinkError as error:
            self._lose(f"the voice process said what it should not: {error}")
            return
        for answer in said:
            self._hear(answer)
            if self._child is not child:
                return
        if not linked:
            self._lose(f"the voice process ended by itself {child.exited(EXIT_SECONDS) or 'and hangs in its end'}")

    def _hear(self, answer: protocol.Answer) -> None:
        if isinstance(answer, protocol.Refused):
            self._sha256 = answer.sha256
            self._lose(answer.reason)
        elif isinstance(answer, protocol.Prepared):
            self._prepared, self._sha256 = answer, answer.sha256
            self._settled_at = time.monotonic() + self._timing.settled_seconds
            assert self._child is not None
            log.debug("sound libraries said while preparing: %s", self._child.noise() or "nothing")
            self._child.forget_noise()
            self._tell_health(True, answer.output)
        elif self._play is not None and answer.play == self._play.number:
            if isinstance(answer, protocol.Started):
                self._play.start_by = None
                self._note("started", answer.at_us)
            elif isinstance(answer, protocol.Ended):
                self._failures = 0
                self._finish("played_to_device", answer.at_us, answer.output)
            elif isinstance(answer, protocol.Silenced):
                self._finish("skipped", answer.at_us)
            else:
                self._lose(answer.reason)
        # else: of a play that was cut off by the next one, and has been answered for

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        timing, play = self._timing, self._play
        if self._child and not self._prepared and now >= self._prepare_by:
            self._lose(f"the voice process was not prepared within {timing.prepare_seconds:g} s")
        elif play is not None and now >= play.deadline():
            if play.silence_by is not None and now >= play.silence_by:
                self._lose(f"the voice process did not confirm silence within {timing.silence_seconds:g} s")
            elif play.start_by is not None and now >= play.start_by:
                self._lose(f"the speaker took no sample within {timing.start_seconds:g} s")
            else:
                self._lose("the speaker did not play to the end in time")
        elif self._prepared and now >= self._settled_at:
            self._failures, self._settled_at = 0, float("inf")
        if self._child is None and self._dying is None and now >= self._start_at:
            self._start_child()

    # --- plays ------------------------------------------------------------------------------------------------------------------------

    def _speak(self) -> None:
        if self._play is not None and self._play.silence_by is not None:
            if self._speak_next:
                self._answer("skipped", self._clock.now_us(), "asked for again before it began")
            self._speak_next = True
            return
        if self._play is not None:
            self._finish("skipped", self._clock.now_us(), "asked for again while it played")
        self._begin()

    def _begin(self) -> None:
        if self._prepared is None or self._child is None:
            reason = self._health.detail if self._health and not self._health.ok else "it is still being prepared"
            self._answer("failed", self._clock.now_us(), f"the voice is not ready: {reason}")
            return
        self._number += 1
        now, timing = time.monotonic(), self._timing
        self._play = _Play(self._number, now + timing.start_seconds, now + self._prepared.seconds + timing.end_margin_seconds)
        self._send(protocol.Play(self._number))

    def _silence(self) -> None:
        if self._speak_next:
            self._speak_next = False
            self._answer("skipped", self._clock.now_us(), "silenced before it began")
        if self._play is not None and self._play.silence_by is None:
            self._play.silence_by = time.monotonic() + self._timing.silence_seconds
            self._send(protocol.Stop())

    def _send(self, command: protocol.Command) -> None:
        assert self._child is not None
        try:
            self._child.send(command)
        except OSError as error:
            self._lose(f"the voice process does not take commands: {error.strerror}")

    def _finish(self, outcome: WarningOutcome, at_us: int, detail: str = "") -> None:
        self._play = None
        self._answer(outcome, at_us, detail)
        if self._speak_next:
            self._speak_next = False
            self._begin()

    def _answer(self, outcome: WarningOutcome, at_us: int, detail: str) -> None:
        self._tell(WarningEnded(at_us, outcome, self._sha256, detail))
        self._note(_EVENT_OF[outcome], at_us)

    # --- the process ------------------------------------------------------------------------------------------------------------------

    def _start_child(self) -> None:
        try:
            child = VoiceChild(self._options, self._selector, self._python)
        except OSError as error:
            self._lose(f"the voice process cannot be started: {error}")
            return
        self._child, self._starts = child, self._starts + 1
        self._prepare_by = time.monotonic() + self._timing.prepare_seconds
        self._status = VoiceStatus(child.pid, False, "being prepared", self._starts)

    def _lose(self, reason: str) -> None:
        """Give the present process up, answer for the play it was at, and plan the next one."""
        level = logging.DEBUG if self._health == VoiceHealth(False, reason) else logging.WARNING
        noise = self._kill_child() or "nothing"
        log.log(level, "the voice is lost: %s. The sound libraries printed: %s", reason, noise)
        pauses = self._timing.retry_seconds
        self._start_at = time.monotonic() + pauses[min(self._failures, len(pauses) - 1)]
        self._failures += 1
        self._tell_health(False, reason)
        if self._play is not None:
            silenced = self._play.silence_by is not None
            self._finish("skipped" if silenced else "failed", self._clock.now_us(), reason)

    def _kill_child(self) -> str:
        """Let the present process die; returns what it printed last."""
        child, self._child, self._prepared = self._child, None, None
        if child is None:
            return ""
        child.kill()
        self._dying = child
        return child.noise()

    def _reap(self) -> None:
        if self._dying is not None and (how := self._dying.exited()) is not None:
            log.debug("voice process %d ended %s", self._dying.pid, how)
            self._dying.release()
            self._dying = None

    def _end(self) -> None:
        self._kill_child()
        self._speak_next = False
        if self._play is not None:
            self._finish("skipped", self._clock.now_us(), "the camera is being shut down")
        end = time.monotonic() + 2.0
        while self._dying is not None and time.monotonic() < end:
            self._selector.select(0.1)
            self._reap()
        self._status = VoiceStatus(None, False, "closed", self._starts)

    def _release(self) -> None:
        """Not by the thread: who tells it to end may write to `_wake` after it has."""
        self._selector.close()
        os.close(self._wake)

    # --- telling ----------------------------------------------------------------------------------------------------------------------

    def _tell_health(self, ok: bool, detail: str) -> None:
        self._status = VoiceStatus(self._child.pid if self._child else None, ok, detail, self._starts)
        health = VoiceHealth(ok, detail)
        if health != self._health:
            self._health = health
            self._tell(health)

    def _tell(self, event: Event) -> None:
        try:
            self._post(event)
        except Exception:
            log.exception("the voice's event %r was not taken", event)

    def _note(self, event: VoiceEvent, at_us: int) -> None:
        if self._observe is not None:
            self._observe(event, at_us)
