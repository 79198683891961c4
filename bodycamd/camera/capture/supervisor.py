"""The recorder's side of capture: starts workers, reads their footage, and replaces them whenever frames stop.

Guarantees:

- Footage of one generation reaches the sink in order and before its `CaptureStalled` or `CaptureClosed` is posted; everything that a worker
  had sent before it ended is taken, unless it broke the link's rules.
- Each opening is a new generation in a new process; numbers are never reused, and fragments are counted from 1.
- No method waits for a worker. `close` is followed by `CaptureClosed` within `close_us` + `kill_us`, by force if need be.
- A prepared spare stands by whenever one can be had, also between the attempts at a camera that cannot be opened: these continue while
  capture is wanted, with pauses that grow to a second. A worker that the kernel cannot end is counted, told and replaced all the same.

Not guaranteed: a next worker finds the camera free if the last one cannot be killed; then it fails, and is retried.

One thread, the link reader, owns all workers. The other methods hand it their wish and return.
"""

from __future__ import annotations

import os
import selectors
from collections import deque
from collections.abc import Callable
from typing import Final

from bodycamd.camera.capture.first_worker import start
from bodycamd.camera.capture.liveness import Attempts, Grace, Timing, overdue, pause_us, to_be_asked, unkillable
from bodycamd.camera.capture.protocol import (
    AudioReport,
    Closed,
    Failed,
    Fragment,
    FromWorker,
    Init,
    LinkClosed,
    LinkError,
    MicrophoneReport,
    Pong,
    Prepare,
    Prepared,
    Refused,
    View,
)
from bodycamd.camera.capture.status import WorkerStatus, state_of
from bodycamd.camera.capture.worker_process import Child
from bodycamd.camera.control.events import CaptureClosed, CaptureFlowing, CaptureStalled, Event, ViewStated, WorkerFreed, WorkerStuck
from bodycamd.footage import EncryptedFragment, FootageSink, ViewFacts
from bodycamd.linux.child import LinkedChild
from bodycamd.linux.clock import Clock
from bodycamd.linux.named_thread import NamedThread

MANY_UNKILLABLE: Final = 2
DRAIN_READS: Final = 10_000
"""More than a socket's buffer can hold in messages; bounds what a stranger who kept the dead worker's end could send."""


class Supervisor:
    """Keeps one worker capturing while that is wanted, and one prepared beside it."""

    def __init__(
        self,
        *,
        prepare: Prepare,
        sink: FootageSink,
        post: Callable[[Event], None],
        clock: Clock,
        timing: Timing | None = None,
        start: Callable[[], LinkedChild] = start,
    ) -> None:
        """`start` starts a worker, and raises `OSError` where it cannot."""
        self._prepare, self._sink, self._post, self._clock = prepare, sink, post, clock
        self._timing = timing or Timing()
        self._start = start
        self._thread = NamedThread(target=self._run, name="link reader", daemon=True)
        self._wishes: deque[Callable[[], None]] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._crash: BaseException | None = None
        self._grace = Grace(self._timing, self._clock.now_us())
        self._judging, self._pause_us = False, self._timing.look_us
        self._stirred_us = self._clock.now_us()
        # From here on: the link reader's own.
        self._selector = selectors.DefaultSelector()
        self._running, self._wanted, self._microphone = True, False, False
        self._current: Child | None = None
        self._spare: Child | None = None
        self._undead: list[Child] = []
        self._generation = self._seq = self._restarts = 0
        self._attempts = Attempts(self._timing)
        self._prepared: Prepared | None = None
        self._refused: str | None = None
        self._last_failure: str | None = None
        self._view: ViewFacts | None = None

    # --- any thread ---------------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the link reader, which starts the first spare."""
        self._thread.start()

    def open(self, microphone: bool) -> None:
        """Want footage: open the spare, or the next worker as soon as one is prepared. `CaptureFlowing` follows its first fragment."""
        self._stir(lambda: self._want_open(microphone))

    def set_microphone(self, open: bool) -> None:
        """Open or close the microphone, of this worker and those that replace it."""
        self._ask(lambda: self._want_microphone(open))

    def close(self) -> None:
        """Want no more footage: flush and close. `CaptureClosed` follows, if footage was wanted."""
        self._stir(self._want_closed)

    def tick(self, now_us: int) -> float:
        """Look for workers that are overdue. Returns in how many seconds to look again, or earlier: as soon as something else is wanted.
        Raises `RuntimeError` if the link reader died.
        """
        if self._crash is not None:
            raise RuntimeError("the link reader died") from self._crash
        if self._grace.looked(now_us, self._pause_us) and not self._judging and self._anything_due(now_us):
            self._judging = True
            self._ask(self._judge)
        calm = not self._undead and now_us - self._stirred_us >= self._timing.look_calm_us
        current, spare = (child.facts if child is not None else None for child in (self._current, self._spare))
        self._pause_us = pause_us(current, spare, now_us, self._timing, wanted=self._wanted) if calm else self._timing.look_us
        return self._pause_us / 1e6

    def stop(self) -> None:
        """Kill all workers and end the link reader, within `kill_us` and a second. Whoever wants the last footage closes first."""
        if self._thread.is_alive():
            self._ask(self._stop_running)
            self._thread.join(self._timing.kill_us / 1e6 + 1)

    def status(self) -> WorkerStatus:
        """What is known now. The link reader continues meanwhile: fields may be a message apart."""
        current, spare, prepared = self._current, self._spare, self._prepared
        waits = spare is not None and spare.phase == "prepared"
        return WorkerStatus(
            state=state_of(current, spare, running=self._running, wanted=self._wanted, refused=self._refused is not None),
            pid=next((child.process.pid for child in self._children()), None),
            generation=self._generation,
            prepared=current is not None or waits,
            spare=waits,
            sandbox=prepared.sandbox if prepared else "",
            unlocked=next((child.unlocked for child in self._children() if child.unlocked is not None), None),
            versions=prepared.versions if prepared else {},
            last_frame_us=current.facts.last_frame_us if current else None,
            frames=current.frames if current else 0,
            dropped=current.dropped if current else 0,
            microphone=current.microphone if current else "",
            level=current.level if current else None,
            restarts=self._restarts,
            unkillable=len(self._undead),
            refused=self._refused,
            last_failure=self._last_failure,
            view=self._view,
        )

    def _stir(self, wish: Callable[[], None]) -> None:
        """As `_ask`, and there will be something to look after."""
        self._stirred_us = self._clock.now_us()
        self._ask(wish)

    def _ask(self, wish: Callable[[], None]) -> None:
        self._wishes.append(wish)
        os.eventfd_write(self._wake, 1)

    def _anything_due(self, now_us: int) -> bool:
        if (self._spare is None and now_us >= self._attempts.next_start_us) or self._may_open(now_us):
            return True
        return any(
            overdue(child.facts, now_us, self._timing) is not None
            or unkillable(child.facts, now_us, self._timing)
            or to_be_asked(child.facts, now_us, self._timing)
            for child in self._children()
        )

    def _children(self) -> list[Child]:
        return [child for child in (self._current, self._spare) if child is not None]

    # --- the link reader ----------------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._selector.register(self._wake, selectors.EVENT_READ)
            self._go_on()
            while self._running:
                for key, _ in self._selector.select():
                    if key.fd == self._wake:
                        os.eventfd_read(self._wake)
                    elif key.fd == key.data.process.exit_fd:
                        self._exited(key.data)
                    elif key.data.sock is not None:
                        self._read(key.data)
                while self._wishes and self._running:
                    self._wishes.popleft()()
                if self._running:
                    self._go_on()
        except BaseException as error:
            self._crash = error
            raise
        finally:
            self._end()

    def _go_on(self) -> None:
        """Bring what is towards what is wanted."""
        now_us = self._clock.now_us()
        if self._spare is not None and self._may_open(now_us):
            opened = self._current = self._spare
            self._spare = None
            self._generation += 1
            self._send(opened, lambda child: child.open(self._generation, self._microphone, now_us))
        if self._spare is None and now_us >= self._attempts.next_start_us:
            try:
                self._spare = Child(self._start(), self._prepare, now_us)
            except (OSError, LinkError) as error:  # or it has ended before it was told anything
                self._failed(f"the worker cannot be started: {error}", now_us, was_open=False)
                return
            assert self._spare.sock is not None
            self._selector.register(self._spare.sock, selectors.EVENT_READ, self._spare)
            self._selector.register(self._spare.process.exit_fd, selectors.EVENT_READ, self._spare)

    def _may_open(self, now_us: int) -> bool:
        prepared = self._spare is not None and self._spare.phase == "prepared"
        return prepared and self._wanted and self._current is None and now_us >= self._attempts.next_open_us

    def _want_open(self, microphone: bool) -> None:
        if not self._wanted:
            self._wanted, self._attempts.next_open_us = True, 0
        if self._microphone != microphone:
            self._want_microphone(microphone)

    def _want_microphone(self, open: bool) -> None:
        self._microphone = open
        if self._current is not None and self._current.phase == "open":
            self._send(self._current, lambda child: child.set_microphone(open))

    def _want_closed(self) -> None:
        if not self._wanted:
            return
        self._wanted = False
        if self._current is None:
            self._post(CaptureClosed(self._generation))
            return
        self._current.closing = True
        if self._current.phase == "open":
            self._send(self._current, lambda child: child.close_camera(self._clock.now_us()))

    def _send(self, child: Child, command: Callable[[Child], None]) -> None:
        try:
            command(child)
        except LinkError as error:
            child.kill(str(error), self._clock.now_us())

    def _read(self, child: Child) -> bool:
        """Take one piece from the worker; whether there may be more."""
        now_us = self._clock.now_us()
        try:
            whole = child.read(now_us)
        except BlockingIOError:
            return False
        except LinkClosed:
            self._unlink(child)
            if child.phase != "leaving":
                child.enter("leaving", now_us)
            return False
        except LinkError as error:
            self._unlink(child)
            child.kill(f"the worker broke the rules of the link: {error}", now_us)
            return False
        if whole is not None:
            self._heard(child, *whole, now_us)
        return True

    def _heard(self, child: Child, message: FromWorker, payload: bytes, now_us: int) -> None:
        match message:
            case Prepared():
                child.enter("prepared", now_us)
                self._prepared, self._refused = message, None
            case Pong():
                self._attempts.answered()
            case Refused() | Failed():
                child.reason = message.reason
                self._refused = message.reason if isinstance(message, Refused) else self._refused
                child.enter("leaving", now_us)
            case Init():
                child.init = message
                self._sink.put_init(message.encrypted(payload))
            case View():
                self._view = message.facts
                self._post(ViewStated(message.generation, self._view))
            case Fragment():
                self._fragment(child, message, payload)
            case AudioReport():
                self._tell(child.sound_is(message.audio))
            case MicrophoneReport():
                self._tell(child.microphone_is(message))
            case Closed():
                child.enter("leaving", now_us)
                if child.closing:
                    child.told_closed = True
                    self._post(CaptureClosed(message.generation))
                else:
                    child.reason = "the worker closed the camera without being asked"

    def _fragment(self, child: Child, message: Fragment, payload: bytes) -> None:
        self._seq += 1
        self._sink.put(EncryptedFragment(message, self._seq, payload))
        if not child.flowing:
            assert child.init is not None  # `conversation` lets no fragment through before it
            child.flowing = True
            self._attempts.flowed()
            self._post(CaptureFlowing(message.generation, child.init.encoder, child.init.frame_rate))
        self._tell(child.sound_is(message.audio))

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            self._post(event)

    def _judge(self) -> None:
        self._judging = False
        for child in self._children():
            now_us = self._clock.now_us()
            if overdue(child.facts, now_us, self._timing) is not None:
                self._convict(child)
            elif unkillable(child.facts, now_us, self._timing):
                self._unlink(child)
                self._undead.append(child)
                self._gone(child, now_us)
                self._post(WorkerStuck(now_us))
            elif to_be_asked(child.facts, now_us, self._timing):
                self._send(child, lambda spare: spare.ask(self._clock.now_us()))

    def _convict(self, child: Child) -> None:
        """Kill a worker that is overdue, unless it is this thread that was held up, and what was missed lies in the link."""
        if self._drain(child) and self._grace.give(self._clock.now_us()):
            return
        now_us = self._clock.now_us()
        if (reason := overdue(child.facts, now_us, self._timing)) is not None:
            child.kill(reason, now_us)

    def _drain(self, child: Child) -> int:
        """Take what has come from a worker; gives how many pieces it was."""
        return next((pieces for pieces in range(DRAIN_READS) if child.sock is None or not self._read(child)), DRAIN_READS)

    def _exited(self, child: Child) -> None:
        self._drain(child)  # what it had sent before it ended
        if not child.process.reap():
            return
        self._selector.unregister(child.process.exit_fd)
        self._unlink(child)
        child.process.close()
        if child not in self._undead:
            self._gone(child, self._clock.now_us())
        else:
            self._undead.remove(child)
            if not self._undead:
                self._post(WorkerFreed())

    def _unlink(self, child: Child) -> None:
        if child.sock is not None:
            self._selector.unregister(child.sock)
            child.close_link()

    def _gone(self, child: Child, now_us: int) -> None:
        """The worker is no more, or as good as."""
        was_current = child is self._current
        if was_current:
            self._current = None
        else:
            self._spare = None
        if not child.told_closed or child.reason is not None:
            self._failed(child.ending(), now_us, was_open=was_current)
        if not was_current or child.told_closed:
            return
        assert child.generation is not None
        if child.closing:
            self._post(CaptureClosed(child.generation))
        else:
            self._post(CaptureStalled(child.generation, child.ending(), child.facts.last_frame_us))

    def _failed(self, reason: str, now_us: int, *, was_open: bool) -> None:
        self._last_failure = reason
        self._restarts += 1
        self._attempts.failed(now_us, was_open=was_open, rare=self._refused is not None or len(self._undead) >= MANY_UNKILLABLE)

    def _stop_running(self) -> None:
        self._running = False

    def _end(self) -> None:
        """Leave no process behind."""
        self._running = False
        children = self._children() + self._undead
        self._current = self._spare = None
        for child in children:
            self._unlink(child)
            child.kill("the recorder ends", self._clock.now_us())
        end_us = self._clock.now_us() + self._timing.kill_us
        for child in children:
            self._selector.unregister(child.process.exit_fd)
            child.process.wait(max(0, end_us - self._clock.now_us()) / 1e6)  # what a driver holds longer, init reaps when it lets go
            child.process.close()
        self._selector.close()
