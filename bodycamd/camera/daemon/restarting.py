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
PUT_BACK_REST_US: Final = 3_000_000
"""As `REST_US`, where what is tried is to go back: the camera may be worse without a restart than with one."""
PAUSE_SECONDS: Final = 0.5


class Control(Protocol):
    """What is asked of the control loop."""

    @property
    def state(self) -> State:
        """The machine's state now."""

    def handle(self, event: ev.Event) -> None:
        """Carry out an event."""


def is_quiet(state: State) -> bool:
    """Whether nothing is recorded, begun, closed or checked now."""
    return state.name == "standby" and state.leaving is None and not state.checking


def rests(state: State, *, shift_open: bool, charging: bool | None, calling: bool) -> bool:
    """Whether nobody needs the camera now. Who wears it may press within the second that a start takes: so it must be on its supply; where
    no gauge tells that (`charging` is `None`), no shift may be open. `calling`: a call for help is under way, which a restart loses."""
    return is_quiet(state) and not calling and (charging is True or (charging is None and not shift_open))


def is_blind(worker: WorkerStatus) -> bool:
    """Whether nothing can be recorded with what is tried: an end costs nothing then, whatever the camera is doing."""
    return not worker.prepared and worker.last_frame_us is None


def unfit(worker: WorkerStatus, voice: ev.VoiceHealth | None, *, voice_counts: bool) -> str | None:
    """Why the settings that are tried are not confirmed, after the time that a start has to become ready; `None` where they are."""
    if not worker.prepared:
        return "the capture worker did not become ready"
    if voice_counts and (voice is None or not voice.ok):
        return f"the voice cannot speak: {voice.detail if voice is not None else 'it does not say how it is'}"
    return None


class Restarting:
    """In the loop's thread: `look` every few seconds. `charging` tells whether the camera is on its supply, `calling` whether a call for
    help is under way, `worker` how capture is. `stand` judges once more what waits, just before the recorder ends for it."""

    def __init__(
        self,
        settings: SettingOrders,
        control: Control,
        clock: Clock,
        *,
        shift_open: Callable[[], bool],
        charging: Callable[[], bool | None],
        calling: Callable[[], bool],
        worker: Callable[[], WorkerStatus],
        stand: Callable[[], Awaitable[bool]],
    ) -> None:
        self._settings, self._control, self._clock = settings, control, clock
        self._shift_open, self._charging, self._calling = shift_open, charging, calling
        self._worker, self._stand = worker, stand
        self._put_back = False
        self._blind = True
        """Whether nothing could be recorded in this start so far, as far as was looked."""
        self._since_us: int | None = None
        self._asking: asyncio.Task[None] | None = None
        self.ended_for_settings = False
        """Whether the recorder ends so that the next start tries what waits."""

    async def judge(self, voice: Callable[[], ev.VoiceHealth | None], confirm: Callable[[], Awaitable[None]]) -> None:
        """What this start tries by an order is in force from here on, or goes back in the next quiet moment."""
        if self._settings.on_trial is None:
            return
        end_us, heard = self._clock.now_us() + JUDGE_US, self._settings.tries_the_voice
        while True:
            worker = self._worker()
            self._blind = self._blind and is_blind(worker)
            why = unfit(worker, voice(), voice_counts=heard)
            if why is None or self._clock.now_us() >= end_us:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        if why is None:
            try:
                await confirm()
            except BodycamError as error:
                why = str(error)
            except Exception as error:  # else they would be neither in force nor put back
                log.exception("the settings that are tried could not be confirmed")
                why = f"{type(error).__name__}: {error}"
        if why is not None and self._settings.is_kept:
            log.error("the settings of order %s are in force, and the next start states it: %s", (self._settings.on_trial or "")[:16], why)
        elif why is not None:
            self.put_back(why)

    def put_back(self, why: str) -> None:
        """What is tried is not to stay: the next start does without it."""
        log.error("the settings of order %s go back: %s", (self._settings.on_trial or "")[:16], why)
        self._put_back = True

    def look(self) -> None:
        """End the recorder, where another start is wanted and the camera has rested long enough."""
        if self._put_back:
            self._blind = self._blind and is_blind(self._worker())
            if self._blind or self._has_rested(PUT_BACK_REST_US, is_quiet(self._control.state)):
                self._end()
        elif self._settings.waiting is None:
            self._since_us = None
        elif self._has_rested(REST_US, self._rests()) and self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._end_for_settings())

    async def stop(self) -> None:
        """Look no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _rests(self) -> bool:
        return rests(self._control.state, shift_open=self._shift_open(), charging=self._charging(), calling=self._calling())

    def _has_rested(self, long_us: int, now: bool) -> bool:
        now_us = self._clock.now_us()
        if not now:
            self._since_us = None
            return False
        if self._since_us is None:
            self._since_us = now_us
        return now_us - self._since_us >= long_us

    async def _end_for_settings(self) -> None:
        try:
            if await self._stand() and self._rests():  # a press may have come while the card was asked
                self.ended_for_settings = True
                self._end()
        except Exception:  # what waits, waits on
            log.exception("whether the settings that wait still stand could not be told")
        finally:
            self._since_us = self._asking = None

    def _end(self) -> None:
        log.info("the recorder starts again, for other settings")
        self._control.handle(ev.ShutdownRequested())
