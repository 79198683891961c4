"""One voice process as the recorder sees it: started, spoken to without ever blocking, killed, reaped.

Used by one thread only. Everything is non-blocking except the start itself (fork and exec, a few milliseconds).
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from bodycamd.camera.board.voice import protocol
from bodycamd.foreign_text import shown
from bodycamd.linux.child import LinkedChild
from bodycamd.linux.python import python_command

NOISE_BYTES = 4096
"""How much of what the sound libraries print is kept for the log of a failure."""
NOISE_LINES = 5


class VoiceChild:
    """A running voice process. Raises `OSError` where none can be started.

    While it runs, `selector` wakes for what it says and prints; after `kill`, for its end.
    """

    def __init__(self, options: Sequence[str], selector: selectors.BaseSelector, python: str = sys.executable) -> None:
        self._process = LinkedChild(
            lambda link: python_command(
                "bodycamd.camera.board.voice.process", "--link", str(link), "--parent", str(os.getpid()), *options, python=python
            ),
            socket.SOCK_SEQPACKET,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            own_session=False,
        )
        assert self._process.process.stdout is not None
        self._link, self._output, self._selector = self._process.link, self._process.process.stdout, selector
        os.set_blocking(self._output.fileno(), False)
        self._noise = b""
        self._sources = [self._link.fileno(), self._output.fileno()]
        for source in self._sources:
            selector.register(source, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def read_noise(self) -> None:
        """Take in what it printed, keeping the newest 4 KiB."""
        try:
            while data := os.read(self._output.fileno(), 65_536):
                self._noise = (self._noise + data)[-NOISE_BYTES:]
        except BlockingIOError:
            return
        if self._output.fileno() in self._sources:  # the end of its output: nothing more to wake for
            self._sources.remove(self._output.fileno())
            self._selector.unregister(self._output.fileno())

    def noise(self) -> str:
        """The last different lines that it printed, in one; control characters are replaced."""
        lines = (line.strip() for line in self._noise.decode("utf-8", "replace").splitlines())
        text = " | ".join(list(dict.fromkeys(reversed([line for line in lines if line])))[NOISE_LINES - 1 :: -1])
        return shown(text, NOISE_BYTES)

    def forget_noise(self) -> None:
        """It is prepared: the complaints about sound systems that are not there were not about ours."""
        self._noise = b""

    def answers(self) -> tuple[list[protocol.Answer], bool]:
        """What it said since the last call, and whether its end of the link is still open. Raises `LinkError`."""
        said: list[protocol.Answer] = []
        while True:
            try:
                answer = protocol.receive_answer(self._link)
            except BlockingIOError:
                return said, True
            if answer is None:
                return said, False
            said.append(answer)

    def send(self, command: protocol.Command) -> None:
        """Command it. Raises `OSError` when it is gone or has not read for long."""
        protocol.send(self._link, command)

    def kill(self) -> None:
        """SIGKILL, so that the kernel closes the sound device. Inside a driver call that cannot be interrupted it dies when the call
        returns.
        """
        self._process.kill()
        self.read_noise()
        for source in self._sources:
            self._selector.unregister(source)
        self._sources = [self._process.exit_fd]
        self._selector.register(self._process.exit_fd, selectors.EVENT_READ)

    def exited(self, seconds: float = 0.0) -> str | None:
        """How it ended, waiting for it so long; `None` while it still exists."""
        self._process.wait(seconds)
        if (code := self._process.exit_code) is None:
            return None
        return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"

    def release(self) -> None:
        """Close what belongs to it, once it has ended."""
        for source in self._sources:
            self._selector.unregister(source)
        self._process.close()
