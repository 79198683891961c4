"""When the recorder ends so that systemd starts it again, with other settings: in a moment when nobody needs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from bodycamd.camera.capture.status import WorkerStatus
from bodycamd.camera.control import events as ev
from bodycamd.camera.control.state import State
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.errors import BodycamError
from bodycamd.linux.clock import Clock

log = logging.getLogger(__name__)

REST_US: Final = 20_000_000
"""So long it has rested before: a press soon after a stop goes on with the recording, and a check of the parts has its sign."""
JUDGE_US: Final = 60_000_000
"""How long what is tried has until worker and voice must be ready: a slow board may call itself ready before they are."""
PAUSE_SECONDS: Final = 0.5


class Control(Protocol):
    """What is asked of the control loop."""

    @property
    def state(self) -> State:
        """The machine's state now."""

    def handle(self, event: ev.Event) -> None:
        """Carry out an event."""


def rests(state: State, *, shift_open: bool, charging: bool | None) -> bool:
    """Whether nobody needs the camera now. Who wears it may press within the second that a start takes: so not in a shift, unless it is on
    its supply. `charging`: `None` where no gauge tells."""
    quiet = state.name == "standby" and state.leaving is None and not state.checking
    return quiet and (not shift_open or charging is True)


def unfit(worker: WorkerStatus, voice: ev.VoiceHealth | None, *, voice_counts: bool) -> str | None:
    """Why the settings that are tried are not confirmed, after the time that a start has to become ready; `None` where they are."""
    if not worker.prepared:
        return "the capture worker did not become ready"
    if voice_counts and (voice is None or not voice.ok):
        return f"the voice cannot speak: {voice.detail if voice is not None else 'it does not say how it is'}"
    return None


class Restarting:
    """In the loop's thread: `look` every few seconds. `charging` tells whether the camera is on its supply."""

    def __init__(
        self, settings: SettingOrders, control: Control, clock: Clock, shift_open: Callable[[], bool], charging: Callable[[], bool | None]
    ) -> None:
        self._settings, self._control, self._clock = settings, control, clock
        self._shift_open, self._charging = shift_open, charging
        self._put_back = False
        self._since_us: int | None = None

    async def judge(
        self, worker: Callable[[], WorkerStatus], voice: Callable[[], ev.VoiceHealth | None], confirm: Callable[[], Awaitable[None]]
    ) -> None:
        """What this start tries by an order is in force from here on, or goes back in the next quiet moment."""
        if self._settings.on_trial is None:
            return
        end_us, heard = self._clock.now_us() + JUDGE_US, self._settings.tries_the_voice
        while True:
            why = unfit(worker(), voice(), voice_counts=heard)
            if why is None or self._clock.now_us() >= end_us:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        if why is None:
            try:
                await confirm()
            except BodycamError as error:
                why = str(error)
        if why is not None:
            self.put_back(why)

    def put_back(self, why: str) -> None:
        """What is tried is not to stay: the next start does without it."""
        log.error("the settings of order %s go back: %s", (self._settings.on_trial or "")[:16], why)
        self._put_back = True

    def look(self) -> None:
        """End the recorder, where another start is wanted and the camera has rested long enough."""
        if self._settings.waiting is None and not self._put_back:
            return
        now_us = self._clock.now_us()
        if not rests(self._control.state, shift_open=self._shift_open(), charging=self._charging()):
            self._since_us = None
        elif self._since_us is None:
            self._since_us = now_us
        elif now_us - self._since_us >= REST_US:
            log.info("the recorder starts again, for other settings")
            self._control.handle(ev.ShutdownRequested())
