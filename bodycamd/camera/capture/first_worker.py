"""How capture workers are started, and the first one before the recorder has loaded itself, which takes as long as it takes a worker: one
processor loads the one meanwhile, another the other.

Such a worker has no device open and nothing to say until the supervisor tells it what to prepare for.
"""

from __future__ import annotations

from collections.abc import Sequence

from bodycamd.linux.child import LinkedChild
from bodycamd.linux.python import python_command

WORKER = tuple(python_command("bodycamd.camera.capture.worker.main"))


def start(command: Sequence[str] = WORKER) -> LinkedChild:
    """Start `command` with the link's descriptor number as its last argument; its standard output is the journal, as its errors. Raises
    `OSError` if it cannot be started."""
    return LinkedChild(lambda link: [*command, str(link)], stdout=2)


class FirstWorker:
    """A worker that runs already, for the first who asks. Where it cannot be started nothing is said: the supervisor's own attempt fails as
    well, and is told."""

    def __init__(self) -> None:
        try:
            self._process: LinkedChild | None = start()
        except OSError:
            self._process = None

    def start(self) -> LinkedChild:
        """The worker that runs already, and later a new one. Raises `OSError` if it cannot be started."""
        process, self._process = self._process, None
        return process or start()

    def end(self) -> None:
        """Leave no process behind where nobody asked."""
        process, self._process = self._process, None
        if process is not None:
            process.end()
            process.close()
