"""The way out of the worker: one thread encrypts footage, another sends it, in order, and nobody who makes footage waits for either.

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

WAITING_BYTES: Final = 24 * 1024 * 1024
"""For footage in the clear and for encrypted footage each: four seconds of the highest bit rate still fit twice over."""


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
        # One lock, and a condition for each who waits: a tick wakes nobody but the sender.
        self._lock = threading.RLock()
        self._to_encrypt, self._to_send, self._sent = (threading.Condition(self._lock) for _ in range(3))
        self._plain: deque[tuple[FromWorker, bytes]] = deque()
        self._encrypted: deque[tuple[FromWorker, list[bytes]]] = deque()
        self._plain_bytes = self._encrypted_bytes = 0
        self._tick: Tick | None = None
        self._sending = False
        self._unsent = 0
        for run, name in ((self._encrypt, "encrypt"), (self._send, "send")):
            NamedThread(target=run, name=name, daemon=True).start()

    def put_fragment(self, message: Fragment, plaintext: bytes) -> bool:
        """Seal and send, unless too much waits already: then nothing is taken and the result is False."""
        with self._to_encrypt:
            if self._plain_bytes + len(plaintext) > self._waiting_bytes:
                return False
            self._put(message, plaintext)
            return True

    def put(self, message: FromWorker, plaintext: bytes = b"") -> None:
        """Send in its turn; the plaintext of an init segment is encrypted."""
        with self._to_encrypt:
            self._put(message, plaintext)

    def tick(self, message: Tick) -> None:
        """Send at once, in the caller's thread, or as soon as the link is free; called from one thread."""
        with self._lock:
            free = not self._sending and not self._encrypted
            if not free:
                self._tick = message
        if free:
            self._deliver(message)

    def flush(self, seconds: float) -> bool:
        """Wait until everything has been sent, but not longer than `seconds`; whether it has."""
        with self._sent:
            return self._sent.wait_for(lambda: self._unsent == 0, timeout=seconds)

    def _put(self, message: FromWorker, plaintext: bytes) -> None:
        self._plain.append((message, plaintext))
        self._plain_bytes += len(plaintext)
        self._unsent += 1
        self._to_encrypt.notify()

    def _encrypt(self) -> None:
        try:
            while True:
                with self._to_encrypt:
                    self._to_encrypt.wait_for(lambda: self._plain and self._encrypted_bytes < self._waiting_bytes)
                    message, plaintext = self._plain.popleft()
                payload = encrypt_in_pieces(plaintext, self._recipients) if isinstance(message, Init | Fragment) else []
                with self._to_send:
                    self._plain_bytes -= len(plaintext)
                    self._encrypted.append((message, payload))
                    self._encrypted_bytes += sum(map(len, payload))
                    self._to_send.notify()
        except Exception as error:
            self._on_failure(str(error))

    def _send(self) -> None:
        while True:
            with self._to_send:
                self._sending = False
                self._to_send.wait_for(lambda: self._tick is not None or self._encrypted)
                self._sending = True
                tick, self._tick = self._tick, None
                footage = self._encrypted.popleft() if tick is None else None
            message, payload = footage or (tick, [])
            if message is None or not self._deliver(message, *payload):
                return
            if footage is not None:
                with self._sent:
                    self._encrypted_bytes -= sum(map(len, payload))
                    self._unsent -= 1
                    if self._plain:
                        self._to_encrypt.notify()
                    if not self._unsent:
                        self._sent.notify_all()

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
