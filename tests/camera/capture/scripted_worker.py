"""A worker process that speaks the real link and misbehaves as told: `scripted_worker.py FOLDER BEHAVIOUR,BEHAVIOUR,… FD`.

The first process started with a folder takes the first behaviour, the second the second, …; the last one is kept by all that follow.
Frames come at 50 per second, five in a fragment, so that tests are quick.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from bodycamd.camera.capture import protocol as link
from bodycamd.footage import AudioState
from bodycamd.linux.clock import boottime_us

FRAME_US = 20_000
FRAMES = 5
AGE = link.AGE_X25519 + b"A" * 43 + b"\n" + b"B" * 43 + b"\n--- " + b"C" * 43 + b"\nscripted"


def turn(folder: Path) -> int:
    """How many processes took their turn before this one."""
    for number in range(10_000):
        try:
            os.close(os.open(folder / str(number), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        return number
    raise AssertionError("no turn left")


def forever() -> None:
    while True:
        signal.pause()


class ScriptedWorker:
    def __init__(self, behaviour: str, sock: socket.socket) -> None:
        self.behaviour = behaviour
        self.sock = sock
        self.link = link.WorkerLink(sock)
        self.audio: AudioState = "off"
        self.commands: list[link.ToWorker] = []
        self.closing = threading.Event()

    def run(self) -> None:
        self.link.receive()
        match self.behaviour:
            case "never-prepared":
                forever()
            case "dies-early":
                os._exit(7)
            case "refuses":
                self.link.send(link.Refused(reason="bad recipients"))
                return
            case "garbage-early":
                self.sock.sendall(os.urandom(4096))
                forever()
            case "tick-early":
                self.link.send(link.Prepared(pid=os.getpid(), versions={}, sandbox="none", unlocked=None))
                self.link.send(link.Tick(last_frame_us=None, frames=0, dropped=0, audio="off"))
                forever()
        self.link.send(link.Prepared(pid=os.getpid(), versions={"scripted": "1"}, sandbox="none", unlocked=None))
        if self.behaviour == "deaf":
            forever()
        command = self.link.receive()
        while isinstance(command, link.Ping):
            self.link.send(link.Pong())
            command = self.link.receive()
        assert isinstance(command, link.Open)
        self.opened(command)

    def opened(self, command: link.Open) -> None:
        self.audio = "live" if command.microphone else "off"
        generation = command.generation
        match self.behaviour:
            case "silent":
                forever()
            case "fails":
                self.link.send(link.Failed(reason="no camera"))
                return
            case "opens-slowly":
                self.link.send(link.Tick(last_frame_us=None, frames=0, dropped=0, audio=self.audio))
                time.sleep(1)
            case "no-frame":
                self.link.send(link.Tick(last_frame_us=None, frames=0, dropped=0, audio=self.audio))
                forever()
            case "digital-silence":
                for device, silent in (("Device", False), ("Device", True), ("", False), ("Device_1", False)):
                    self.link.send(link.MicrophoneReport(generation=generation, device=device, silent=silent))
            case "dies-at-open":
                os.kill(os.getpid(), signal.SIGKILL)
            case "closes-link":
                self.link.close()
                forever()
            case "wrong-generation":
                generation += 1
            case "over-long":
                self.sock.sendall(link.PREFIX.pack(link.MAGIC, 100, 2**31))
                forever()
        self.link.send(self.init(generation), AGE)
        self.link.send(self.view(generation))
        threading.Thread(target=self.obey, daemon=True).start()
        self.film(generation)

    def init(self, generation: int) -> link.Init:
        return link.Init(
            generation=generation,
            recipients=("age1scripted",),
            encoder="scripted",
            width=320,
            height=240,
            frame_rate=50.0,
            audio_track=True,
        )

    def view(self, generation: int) -> link.View:
        return link.View(
            generation=generation,
            module="imx708",
            board="",
            rotation=180,
            focus="manual",
            dioptres=0.27,
            tuning_file="",
            encoder="scripted",
            width=320,
            height=240,
            frame_rate=50.0,
            differs="",
        )

    def film(self, generation: int) -> None:
        pts_us = boottime_us()
        number = 0
        while True:
            number += 1
            due_us = pts_us + FRAMES * FRAME_US
            time.sleep(max(0, due_us - boottime_us()) / 1e6)
            fragment = link.Fragment(
                generation=generation,
                pts_us=pts_us,
                duration_us=due_us - pts_us,
                frames=FRAMES,
                audio=self.audio,
                audio_pts_us=None,
                audio_samples=0,
                gap_us=0,
            )
            self.link.send(fragment, AGE)
            self.link.send(link.Tick(last_frame_us=due_us, frames=number * FRAMES, dropped=0, audio=self.audio))
            pts_us = due_us
            if number == 3:
                self.misbehave()
            if self.closing.is_set():
                self.close(generation)
                return

    def misbehave(self) -> None:
        match self.behaviour:
            case "hangs":
                forever()
            case "hangs-holding-term":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                forever()
            case "garbage":
                self.sock.sendall(b"BCL0" + os.urandom(100))
                forever()
            case "exits":
                os._exit(3)
            case "half-message":
                frame = b"".join(link.encode(link.Failed(reason="x")))
                self.sock.sendall(frame[:-3])
                os._exit(0)
            case "ticks-without-frames":
                while True:
                    self.link.send(link.Tick(last_frame_us=boottime_us() - 10_000_000, frames=15, dropped=0, audio=self.audio))
                    time.sleep(0.05)
            case "mute":
                for number in itertools.count(3 * FRAMES):
                    self.link.send(link.Tick(last_frame_us=boottime_us(), frames=number, dropped=0, audio=self.audio))
                    time.sleep(FRAME_US / 1e6)
            case "future":
                self.link.send(link.Tick(last_frame_us=boottime_us() + 3_600_000_000, frames=15, dropped=0, audio=self.audio))
            case "closes-unasked":
                self.link.send(link.Closed(generation=1))
                os._exit(0)

    def obey(self) -> None:
        while True:
            match self.link.receive():
                case link.SetMicrophone(open=True):
                    self.audio = "live"
                case link.SetMicrophone(open=False):
                    self.audio = "off"
                case link.Close():
                    if self.behaviour != "ignores-close":
                        self.closing.set()

    def close(self, generation: int) -> None:
        match self.behaviour:
            case "dies-at-close":
                os._exit(1)
            case "lingers":
                self.link.send(link.Closed(generation=generation))
                forever()
        self.link.send(link.Closed(generation=generation))


def main() -> None:
    folder, behaviours, descriptor = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3])
    behaviour = behaviours[min(turn(folder), len(behaviours) - 1)]
    try:
        ScriptedWorker(behaviour, socket.socket(fileno=descriptor)).run()
    except link.LinkClosed:
        os._exit(0)


if __name__ == "__main__":
    main()
