"""A check of camera, microphone and loudspeaker while the daemon runs: in standby, beside the control, with nothing recorded.

The look itself is a process of its own (`camera.capture.look`), which is started here by name: this process loads no codec. It is ended at
once by whatever needs the camera: a press is answered as if there had been no check.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from bodycamd.camera.board.ports import Voice
from bodycamd.camera.capture.look import LookFacts, LookOrder, LookProcess
from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import State
from bodycamd.camera.daemon.protocol import PartsSeen
from bodycamd.errors import StoreBusyError, UnavailableError

log = logging.getLogger(__name__)

CLOSED_SECONDS: Final = 3.0
"""For a pre-event buffer's camera to close."""
LOOK_SECONDS: Final = 0.05
VOICE_SECONDS: Final = 1.5
"""After the look, for the voice to say how the warning ended."""


class Control(Protocol):
    """What is asked of the control loop."""

    @property
    def state(self) -> State:
        """The machine's state now."""

    def handle(self, event: ev.Event) -> None:
        """Carry out an event."""


class Worker(Protocol):
    """What is asked of the supervisor."""

    def status(self) -> WorkerStatus:
        """How capture is."""


class PartCheck:
    """One check at a time, in the loop's thread."""

    def __init__(self, order: LookOrder, voice: Voice, worker: Worker, control: Callable[[], Control]) -> None:
        self._order, self._voice, self._worker, self._control = order, voice, worker, control
        self._look: LookProcess | None = None
        self._ended: asyncio.Future[ev.WarningEnded] | None = None

    async def run(self, state: Callable[[], None]) -> PartsSeen:
        """Look and listen; `state` is called when camera and microphone are about to be opened. Raises `StoreBusyError` where the camera is
        wanted for something else, before or meanwhile, or is being checked; `UnavailableError` where the look cannot be made."""
        control = self._control()
        if control.state.checking:
            raise StoreBusyError("the parts are being checked already; try again in 15 s")
        control.handle(ev.CheckAsked())
        if not control.state.checking:
            raise StoreBusyError(f"the camera is {control.state.name}: its parts are checked in standby only, and never while it records")
        try:
            await self._camera_closed()
            state()
            return await self._seen()
        except UnavailableError:
            self._still_ours()
            raise
        finally:
            self.end()
            if control.state.checking:
                self._voice.silence()
                control.handle(ev.CheckEnded())

    def show(self, *, passed: bool) -> None:
        """The verdict, on lamp and motor, where nothing else is to be shown."""
        self._control().handle(ev.CheckJudged(passed))

    def heard(self, event: ev.WarningEnded) -> None:
        """The voice has ended, of whichever warning."""
        if self._ended is not None and not self._ended.done() and event.outcome != "skipped":
            self._ended.set_result(event)

    def end(self) -> None:
        """Camera and microphone are needed. Returns at once."""
        if self._look is not None:
            self._look.end()

    def _still_ours(self) -> None:
        if not self._control().state.checking:
            raise StoreBusyError("the button was pressed, or the camera ends: the check was broken off")

    async def _camera_closed(self) -> None:
        for _ in range(round(CLOSED_SECONDS / LOOK_SECONDS)):
            if self._worker.status().state in ("standby", "starting", "refused"):
                break
            await asyncio.sleep(LOOK_SECONDS)
        self._still_ours()

    async def _seen(self) -> PartsSeen:
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        look = self._look = await loop.run_in_executor(None, LookProcess, self._order)
        if not self._control().state.checking:
            look.end()
        facts = await loop.run_in_executor(None, self._watch, look, lambda: loop.call_soon_threadsafe(self._speak, look))
        self._still_ours()
        try:
            async with asyncio.timeout(VOICE_SECONDS if facts.failure is None else 0.0):
                ended = await self._ended
        except TimeoutError:  # a longer warning than is listened to: the voice took it, or it would have said so
            took = facts.failure is None
            return PartsSeen(look=facts, outcome="played_to_device" if took else None, detail="its beginning" if took else "")
        return PartsSeen(look=facts, outcome=ended.outcome, detail=ended.detail)

    def _watch(self, look: LookProcess, speak: Callable[[], object]) -> LookFacts:
        """In a thread of its own: all waiting."""
        try:
            if look.listening():
                speak()
            return look.facts()
        finally:
            look.close()

    def _speak(self, look: LookProcess) -> None:
        if look is self._look and self._control().state.checking:
            self._voice.speak()
