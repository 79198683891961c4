"""The voice: the process that holds the speaker and plays one warning, prepared at start.

    python -m bodycamd.camera.board.voice.process --link FD --wav FILE --output alsa|simulated
        [--device NAME] [--directory DIR] --parent PID

It is a process of its own because sound drivers hang so that calls never return: a hang or crash here costs the warning, never the
recording. At start it reads and checks the WAV and lets the device confirm the format; on `play` it looks the device's name up anew, opens
it and writes. The device is open only while it plays. Commands are looked for before every block of 10 ms, so that `stop` acts within a
block and what the driver takes to drop its buffer.

It needs no network (a local PulseAudio is a unix socket), dies with the recorder, and ignores SIGINT, SIGTERM and SIGHUP, which a terminal
or a service manager sends to the whole group: it ends when the recorder closes the link. What the sound libraries print goes to stderr,
which the recorder reads.

What is **not** guaranteed: that anybody hears it. `ended` means that the device took and played every sample.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera.board.voice import protocol
from bodycamd.camera.board.voice.output import AlsaSpeaker, OutputFailure, SimulatedSpeaker, Speaker
from bodycamd.config.warning_sound import WarningSound, parse, read_file
from bodycamd.errors import BodycamError
from bodycamd.linux.clock import boottime_us
from bodycamd.linux.sandbox import die_with_parent

BLOCK_FRAMES = 480
"""10 ms: the longest time between two looks for a command while the device takes samples."""
MAX_OUTPUT = 200
"""Characters of the device's name that are told of a play, as the ledger takes them."""


class Voice:
    """Plays on command until the link closes."""

    def __init__(self, link: socket.socket, sound: WarningSound, speaker: Speaker) -> None:
        self._link, self._sound, self._speaker = link, sound, speaker
        self._poll = select.poll()
        self._poll.register(link, select.POLLIN)

    def serve(self) -> None:
        """Obey until the recorder closes the link, or the speaker fails."""
        command = protocol.receive_command(self._link)
        while command is not None:
            if isinstance(command, protocol.Play):
                number = command.play
                try:
                    cut_off, command = self._play(number)
                except OutputFailure as failure:
                    protocol.send(self._link, protocol.Failed(number, boottime_us(), str(failure)[: protocol.MAX_TEXT]))
                    return
                if cut_off:
                    continue
            command = protocol.receive_command(self._link)

    def _play(self, number: int) -> tuple[bool, protocol.Command | None]:
        """Play; returns whether a command (or the link's end) cut it off, and that command."""
        output = self._speaker.open(self._sound.channels)
        samples = self._sound.samples + bytes(self._speaker.trailing_frames() * self._sound.frame_bytes)
        step = BLOCK_FRAMES * self._sound.frame_bytes
        for start in range(0, len(samples), step):
            if self._poll.poll(0):
                return True, self._silence(number)
            self._speaker.write(samples[start : start + step])
            if start == 0:
                protocol.send(self._link, protocol.Started(number, boottime_us()))
        self._speaker.finish()
        protocol.send(self._link, protocol.Ended(number, boottime_us(), output[:MAX_OUTPUT]))
        return False, None

    def _silence(self, number: int) -> protocol.Command | None:
        self._speaker.abort()
        command = protocol.receive_command(self._link)
        if command is not None:
            protocol.send(self._link, protocol.Silenced(number, boottime_us()))
        return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare, say so, serve. Exit code 0, also after `refused` and `failed`: the reason went over the link."""
    options = _options(arguments)
    _die_with(options.parent)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=options.link) as link:
        digest = ""
        try:
            data = read_file(options.wav)
            digest = hashlib.sha256(data).hexdigest()
            sound = parse(data, options.wav)
            speaker: Speaker = AlsaSpeaker(options.device) if options.output == "alsa" else SimulatedSpeaker(options.directory)
            statement = speaker.prepare(sound.channels)
        except (BodycamError, OutputFailure) as error:
            protocol.send(link, protocol.Refused(str(error)[: protocol.MAX_TEXT], digest))
            return 0
        protocol.send(link, protocol.Prepared(sound.sha256, sound.seconds, statement))
        try:
            Voice(link, sound, speaker).serve()
        except BrokenPipeError:
            return 0  # the recorder is gone, so is the need for a voice
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bodycamd.camera.board.voice.process", description="started by the recorder, not by people")
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--wav", type=Path, required=True)
    parser.add_argument("--output", choices=("alsa", "simulated"), required=True)
    parser.add_argument("--device")
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args(arguments)
    if options.output == "simulated" and options.directory is None:
        parser.error("--output simulated needs --directory")
    return options


def _die_with(parent: int) -> None:
    """Be killed when the recorder dies, even while a driver call hangs."""
    if not die_with_parent():
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit(0)  # it died before the call


if __name__ == "__main__":
    sys.exit(main())
