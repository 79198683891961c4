"""A child process on a link: it is handed one end of a socketpair, and watched by a descriptor of its own.

Guarantees

- No descriptor and no process is left where the child cannot be started: all of it is there, or nothing.
- `kill` reaches this process and no other that may have its number since; it does not reap, so that what it used can still be asked for.
- Nothing waits but `wait` and `end`.

Not guaranteed: that a killed process ends. Inside a driver call that cannot be interrupted it ends when the call returns; `exit_fd` tells.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence

from bodycamd.linux.readable import readable


class LinkedChild:
    """A running process. `link` is this side's end, non-blocking; `exit_fd` is readable once the process has ended. One thread uses it."""

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        kind: socket.SocketKind = socket.SOCK_STREAM,
        *,
        stdout: int = subprocess.DEVNULL,
        stderr: int | None = None,
        environment: Mapping[str, str] | None = None,
        own_session: bool = True,
    ) -> None:
        """`command` gives the command line for the number of the child's end. With `own_session` Ctrl-C in a terminal is not for the child.
        Raises `OSError` where it cannot be started.
        """
        with contextlib.ExitStack() as undo:
            self.link, theirs = socket.socketpair(socket.AF_UNIX, kind)
            undo.callback(self.link.close)
            with theirs:
                self.process = subprocess.Popen(
                    command(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=environment,
                    start_new_session=own_session,
                )
            undo.callback(self._abandon)
            self.exit_fd = os.pidfd_open(self.process.pid)
            self.link.setblocking(False)
            undo.pop_all()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended: the exit code, or the number of the signal below 0; `None` until it was reaped."""
        return self.process.returncode

    def kill(self) -> None:
        """Tell the kernel to end it, whatever it does."""
        if self.process.returncode is None:
            signal.pidfd_send_signal(self.exit_fd, signal.SIGKILL)

    def reap(self) -> bool:
        """Whether it has ended; then it leaves no zombie."""
        return self.process.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, but not longer; returns whether it has."""
        return self.process.returncode is not None or (readable(self.exit_fd, seconds) and self.reap())

    def end(self) -> int:
        """Kill it, if it runs still, and wait for its end; returns how many bytes of memory it held at most (0: it was reaped before)."""
        if self.process.returncode is not None:
            return 0
        self.kill()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return used.ru_maxrss * 1024

    def close(self) -> None:
        """Give back every descriptor that is open still; the process is not touched."""
        self.link.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        if self.exit_fd >= 0:
            os.close(self.exit_fd)
            self.exit_fd = -1

    def _abandon(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
