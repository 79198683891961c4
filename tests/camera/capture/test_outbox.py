"""The outbox with recorders that misbehave. age and the link are real."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pyrage
import pytest

from bodycamd.camera.capture.protocol import AudioReport, Closed, Fragment, FrameReader, FromWorker, Init, Tick, WorkerLink
from bodycamd.camera.capture.worker import outbox as outbox_module
from bodycamd.camera.capture.worker.encrypt import EncryptError, parse_recipients
from bodycamd.camera.capture.worker.outbox import Outbox
from tests.kit.waiting import wait_for

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENTS = parse_recipients(str(IDENTITY.to_public()))


class Recorder:
    """The other end of a real link, which reads only when it is told to."""

    def __init__(self, waiting_bytes: int = outbox_module.WAITING_BYTES) -> None:
        self.sock, theirs = socket.socketpair()
        self.failures: list[str] = []
        self.gone = threading.Event()
        self.reader = FrameReader.of_worker()
        self.link = WorkerLink(theirs)
        failed, gone = self.failures.append, self.gone.set
        self.outbox = Outbox(self.link, RECIPIENTS, on_failure=failed, on_recorder_gone=gone, waiting_bytes=waiting_bytes)

    def close(self) -> None:
        self.link.close()
        self.sock.close()

    def read(self) -> Iterator[tuple[FromWorker, bytes]]:
        self.sock.settimeout(10)
        while True:
            received = self.sock.recv_into(self.reader.space())
            assert received
            if (message := self.reader.advance(received)) is not None:
                yield message


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder(waiting_bytes=6_000_000)
    yield recorder
    recorder.close()


def fragment(number: int) -> Fragment:
    return Fragment(
        generation=1, pts_us=number * 1_000_000, duration_us=1_000_000, frames=30, audio="off", audio_pts_us=None, audio_samples=0, gap_us=0
    )


def test_footage_goes_out_in_order_and_sealed(recorder: Recorder) -> None:
    init = Init(generation=1, recipients=RECIPIENTS.names, encoder="x", width=320, height=240, frame_rate=30, audio_track=False)
    recorder.outbox.put(init, b"the init segment")
    for number in range(5):
        assert recorder.outbox.put_fragment(fragment(number), f"fragment {number}".encode())
    recorder.outbox.put(AudioReport(generation=1, audio="lost", reason="x"))
    recorder.outbox.put(Closed(generation=1))
    messages = recorder.read()
    got = [next(messages) for _ in range(8)]
    assert [type(message).__name__ for message, _ in got] == ["Init", *["Fragment"] * 5, "AudioReport", "Closed"]
    opened = [pyrage.decrypt(payload, [IDENTITY]) for _, payload in got[:6]]
    assert opened == [b"the init segment", *(f"fragment {number}".encode() for number in range(5))]
    assert recorder.outbox.flush(5)


def test_a_recorder_that_does_not_read_costs_whole_fragments_and_nobody_waits(recorder: Recorder) -> None:
    taken = []
    for number in range(30):
        begun = time.monotonic()
        if recorder.outbox.put_fragment(fragment(number), bytes(1_000_000)):
            taken.append(number)
        assert time.monotonic() - begun < 0.5
        time.sleep(0.02)
    assert 6 <= len(taken) < 15
    assert not recorder.outbox.flush(0.05)
    for number in range(50):
        recorder.outbox.tick(Tick(last_frame_us=number, frames=1, dropped=0, audio="off"))
    messages = recorder.read()
    ticks: list[Tick] = []
    footage: list[int] = []
    while len(footage) < len(taken) or not ticks:
        message, payload = next(messages)
        if isinstance(message, Tick):
            ticks.append(message)
        else:
            assert isinstance(message, Fragment)
            footage.append(message.pts_us // 1_000_000)
            assert len(pyrage.decrypt(payload, [IDENTITY])) == 1_000_000
    assert footage == taken, "whole, and in order"
    assert [tick.last_frame_us for tick in ticks] == [49], "a new tick takes the place of the one that waits"
    assert recorder.outbox.put_fragment(fragment(99), b"later"), "and it goes on"
    assert isinstance(next(messages)[0], Fragment)


def test_a_tick_on_a_free_link_wakes_nobody(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    senders: list[threading.Thread] = []

    def send(link: WorkerLink, message: FromWorker, *payload: bytes) -> None:
        senders.append(threading.current_thread())
        plain(link, message, *payload)

    plain = WorkerLink.send
    monkeypatch.setattr(WorkerLink, "send", send)
    for number in range(3):
        recorder.outbox.tick(Tick(last_frame_us=number, frames=1, dropped=0, audio="off"))
    messages = recorder.read()
    assert [message.last_frame_us for message, _ in (next(messages) for _ in range(3)) if isinstance(message, Tick)] == [0, 1, 2]
    assert senders == [threading.current_thread()] * 3


def test_a_tick_finds_that_the_recorder_is_gone(recorder: Recorder) -> None:
    recorder.sock.close()
    recorder.outbox.tick(Tick(last_frame_us=1, frames=1, dropped=0, audio="off"))
    assert recorder.gone.is_set()


def test_the_end_of_the_recorder_is_told(recorder: Recorder) -> None:
    recorder.sock.close()
    recorder.outbox.put(AudioReport(generation=1, audio="lost", reason=""))
    assert recorder.gone.wait(5)


def test_footage_that_cannot_be_encrypted_stays_here(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> bytes:
        raise EncryptError("encryption failed: out of entropy")

    monkeypatch.setattr(outbox_module, "encrypt_in_pieces", broken)
    recorder.outbox.put_fragment(fragment(1), b"footage")
    wait_for(lambda: recorder.failures)
    assert recorder.failures == ["encryption failed: out of entropy"]
    recorder.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        recorder.sock.recv(1)


def test_a_message_against_the_rules_is_a_failure(recorder: Recorder) -> None:
    recorder.outbox.put_fragment(Fragment(**{**{f: getattr(fragment(1), f) for f in fragment(1).__struct_fields__}, "frames": 0}), b"x")
    wait_for(lambda: recorder.failures)
    assert "malformed message" in recorder.failures[0]
