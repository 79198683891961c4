"""The way out of the worker: one thread encrypts footage and sends it, in order, and nobody who makes footage waits for that.

Guarantees:

- Footage reaches the link as age files only. If encryption fails, it stays here and the worker ends (`on_failure`).
- Memory is bounded: when the recorder does not keep up, whole fragments are refused at the door (`put_fragment` gives False), so that what
  is sent is whole and in order; the recorder finds the gap from the fragments' times.
- Init segments and the last message are never refused. Ticks never queue up: a new one takes the place of one that still waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from bodycamd.camera.capture.protocol import Fragment, FromWorker, Init, LinkClosed, Tick, WorkerLink
from bodycamd.camera.capture.worker.encrypt import Recipients, encrypt_in_pieces
from bodycamd.linux.named_thread import NamedThread

WAITING_BYTES: Final = 48 * 1024 * 1024
"""For footage that has not gone out: four seconds of the highest bit rate still fit four times over."""


class Outbox:
    """Used from any thread."""

    def __init__(
        self,
        link: WorkerLink,
        recipients: Recipients,
        *,
        on_failure: Callable[[str], None],
        on_recorder_gone: Callable[[], None],
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        self._link, self._recipients = link, recipients
        self._on_failure, self._on_recorder_gone = on_failure, on_recorder_gone
        self._waiting_bytes = waiting_bytes
        # One lock, and a condition for each who waits.
        self._lock = threading.RLock()
        self._to_send, self._sent = threading.Condition(self._lock), threading.Condition(self._lock)
        self._waiting: deque[tuple[FromWorker, bytes]] = deque()
        """What is not sent yet, with its plaintext."""
        self._sent_last: tuple[bytes, list[bytes]] = b"", []
        """Kept until the next has gone out: where this memory is given back first, the next encryption takes a fifth longer."""
        self._plain_bytes = 0
        self._tick: Tick | None = None
        self._sending = False
        NamedThread(target=self._run, name="outbox", daemon=True).start()

    def put_fragment(self, message: Fragment, plaintext: bytes) -> bool:
        """Seal and send, unless too much waits already: then nothing is taken and the result is False."""
        with self._lock:
            if self._plain_bytes + len(plaintext) > self._waiting_bytes:
                return False
            self.put(message, plaintext)
            return True

    def put(self, message: FromWorker, plaintext: bytes = b"") -> None:
        """Send in its turn; the plaintext of an init segment is encrypted."""
        with self._lock:
            self._waiting.append((message, plaintext))
            self._plain_bytes += len(plaintext)
            self._to_send.notify()

    def tick(self, message: Tick) -> None:
        """Send at once, in the caller's thread, or as soon as the link is free; called from one thread."""
        with self._lock:
            free = not self._sending
            if not free:
                self._tick = message
        if free:
            self._deliver(message)

    def flush(self, seconds: float) -> bool:
        """Wait until everything has been sent, but not longer than `seconds`; whether it has."""
        with self._sent:
            return self._sent.wait_for(lambda: not self._waiting, timeout=seconds)

    def _run(self) -> None:
        try:
            while self._send_next():
                pass
        except Exception as error:  # of the encryption: the footage stays here
            self._on_failure(str(error))

    def _send_next(self) -> bool:
        """Send the tick that waits, else what is the first to be sent; whether it went out."""
        with self._to_send:
            tick, self._tick = self._tick, None
            if tick is None:
                self._sending = False
                self._to_send.wait_for(lambda: self._waiting)
                message, plaintext = self._waiting[0]
        if tick is not None:
            return self._deliver(tick)
        payload = encrypt_in_pieces(plaintext, self._recipients) if isinstance(message, Init | Fragment) else []
        with self._lock:
            self._sending = True
        went_out = self._deliver(message, *payload)
        self._sent_last = plaintext, payload
        with self._lock:
            self._waiting.popleft()
            self._plain_bytes -= len(plaintext)
            if not self._waiting:
                self._sent.notify_all()
        return went_out

    def _deliver(self, message: FromWorker, *payload: bytes) -> bool:
        """Whether it went out; where it does not, the worker ends."""
        try:
            self._link.send(message, *payload)
            return True
        except LinkClosed:
            self._on_recorder_gone()
        except Exception as error:
            self._on_failure(str(error))
        return False
