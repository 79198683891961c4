"""The worker as the recorder has it: the real process over a real socketpair."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyrage

from bodycamd.camera.capture.protocol import (
    Fragment,
    FrameReader,
    FromWorker,
    Prepare,
    ToWorker,
    send_command,
)
from bodycamd.config.settings import MicrophoneSettings, VideoSettings

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
VIDEO = VideoSettings(source="pattern", width=640, height=360, frame_rate=30, bit_rate=1_000_000)
FAST = VideoSettings(source="pattern", width=320, height=240, frame_rate=20, bit_rate=300_000, gop_seconds=0.5)
"""Fragments of half a second, so that the tests need not wait long."""
TONE = MicrophoneSettings(source="tone")


class RealWorker:
    """A worker process and the recorder's end of its link."""

    def __init__(self, command: list[str] | None = None, environment: dict[str, str] | None = None) -> None:
        self.sock, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*(command or [sys.executable, "-m", "bodycamd.camera.capture.worker.main"]), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, **(environment or {})},
            )
        self.sock.settimeout(30)
        self.reader = FrameReader.of_worker()
        self.got: list[tuple[FromWorker, bytes]] = []

    def __enter__(self) -> RealWorker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.sock.close()
        self.process.kill()
        self.process.communicate()

    def send(self, message: ToWorker) -> None:
        send_command(self.sock, message)

    def prepare(
        self, video: VideoSettings = FAST, microphone: MicrophoneSettings = TONE, audio: bool = True, text: str = RECIPIENT
    ) -> FromWorker:
        self.send(Prepare(video=video, microphone=microphone, audio=audio, recipients_text=text))
        return next(self.messages())[0]

    def messages(self) -> Iterator[tuple[FromWorker, bytes]]:
        while True:
            received = self.sock.recv_into(self.reader.space())
            if received == 0:
                return
            if (message := self.reader.advance(received)) is not None:
                self.got.append(message)
                yield message

    def until(self, kind: type[FromWorker], times: int = 1) -> FromWorker:
        for message, _ in self.messages():
            if isinstance(message, kind):
                times -= 1
                if times == 0:
                    return message
        raise AssertionError(f"the worker ended without {kind.__name__}: {self.got[-3:]}")

    def rest(self) -> int:
        for _ in self.messages():
            pass
        return self.process.wait(10)

    def fragments(self) -> list[Fragment]:
        return [message for message, _ in self.got if isinstance(message, Fragment)]

    def film(self, path: Path) -> Path:
        path.write_bytes(b"".join(pyrage.decrypt(payload, [IDENTITY]) for _, payload in self.got if payload))
        return path
