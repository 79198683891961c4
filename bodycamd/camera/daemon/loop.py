"""The control loop: the one place where events become actions.

    button edges → gestures ┐
    worker, disk, battery, … ┴→ machine.step(state, event, now) → (state, actions) → lamp, voice, worker, ring, writer

It runs in the asyncio thread and never blocks: every adapter returns at once. Other threads only `post` events. An adapter that raises is
a fault that is stated in the journal and the ledger; the actions after it are carried out all the same, because a broken motor must not
cost footage.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec import structs

from bodycamd.camera.board.ports import Board
from bodycamd.camera.control import events as ev
from bodycamd.camera.control import indicator, machine
from bodycamd.camera.control.gestures import Gesture, Gestures
from bodycamd.camera.control.motor import OVER_AT_END, OVER_AT_START
from bodycamd.camera.control.state import State
from bodycamd.camera.daemon.lamp_and_motor import HapticPlayer, LampPlayer
from bodycamd.camera.daemon.protocol import Published, StateChanged
from bodycamd.camera.daemon.trace_file import TraceFile

log = logging.getLogger(__name__)

Stateable: TypeAlias = str | int | float | bool | Mapping[str, str] | None
"""What a field of a ledger entry may hold here."""
FROM_THE_BUTTON = ("marker", "press_refused", "button_held")
"""Entries that a press makes."""


class Mailbox:
    """Takes events from any thread to the control loop, in the order in which they were posted."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: Callable[[ev.Event], None] | None = None
        self._early: list[ev.Event] = []

    def open(self, handle: Callable[[ev.Event], None]) -> None:
        """From now on events go to `handle`, in the loop's thread; those that came before go first."""
        self._handle = handle
        early, self._early = self._early, []
        for event in early:
            handle(event)

    def post(self, event: ev.Event) -> None:
        """Hand over an event, from any thread. After the loop has ended there is nobody left to tell: the event is dropped."""
        try:
            self._loop.call_soon_threadsafe(self._take, event)
        except RuntimeError:
            log.debug("after the end: %s", event)

    def _take(self, event: ev.Event) -> None:
        if self._handle is None:
            self._early.append(event)
        else:
            self._handle(event)


class Capture(Protocol):
    """What the control asks of the supervisor."""

    def open(self, microphone: bool) -> None:
        """Want footage."""

    def set_microphone(self, open: bool) -> None:
        """Take sound, or not."""

    def close(self) -> None:
        """Flush and close the camera."""


class Buffer(Protocol):
    """What the control asks of the ring."""

    def retain_from(self, from_us: int | None) -> None:
        """Keep what ends after this instant."""

    def empty(self) -> None:
        """Forget what belongs to no recording."""

    def ended(self, generation: int) -> None:
        """No more fragments of this generation will come."""


class Recorder(Protocol):
    """What the control asks of the writer."""

    def submit(self, action: ev.BeginRecording | ev.ContinueRecording | ev.EndRecording | ev.SealNow) -> None:
        """Queue an action."""

    def note(self, type: str, fields: Mapping[str, Stateable]) -> None:
        """Queue a ledger entry."""


class ControlLoop:
    """Holds the machine's state; `exit` is set to the machine's `Exit` action when everything is sealed."""

    def __init__(
        self,
        *,
        board: Board,
        gestures: Gestures,
        state: State,
        capture: Capture,
        ring: Buffer,
        mailbox: Mailbox,
        observe: Callable[[Published], None],
        trace: TraceFile | None = None,
        end_check: Callable[[], None] = lambda: None,
        call_help: Callable[[ev.CallHelp, str | None], None] | None = None,
    ) -> None:
        self._call_help = call_help
        self._trace = trace
        self._end_check = end_check
        self._loop = asyncio.get_running_loop()
        self._board = board
        self._gestures = gestures
        self._state = state
        self._capture = capture
        self._ring = ring
        self._observe = observe
        self._recorder: Recorder | None = None
        self._recording_id: Callable[[int], str] = str
        self._before_recorder: list[ev.Action] = []
        self._officer: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lamp = LampPlayer(board.lamp, board.clock.now_us, self._loop)
        self._ready_lamp = LampPlayer(board.ready_lamp, board.clock.now_us, self._loop) if board.ready_lamp is not None else None
        self._haptic = HapticPlayer(board.haptic, self._loop)
        self.exit: asyncio.Future[ev.Exit] = self._loop.create_future()
        self._shown: indicator.RowName = "off"
        mailbox.open(self.handle)
        self._edges = deque[tuple[bool, int]]()
        """Told from any thread, and not taken yet."""
        board.button.watch(self._edge_from_any_thread)
        self._read_button()

    @property
    def state(self) -> State:
        """The machine's state now."""
        return self._state

    @property
    def shown(self) -> indicator.RowName:
        """The row of the indicator's table that is shown now."""
        return self._shown

    @property
    def ready_lamp(self) -> bool | None:
        """Whether the green lamp is on; `None` where none is fitted."""
        return None if self._ready_lamp is None else self._ready_lamp.lit

    def attach(self, recorder: Recorder, recording_id: Callable[[int], str]) -> None:
        """The store is open: from now on there is somebody to write. What was noted before is written first. The machine counts
        recordings within its start; `recording_id` gives their names for the ledger.
        """
        self._recorder = recorder
        self._recording_id = recording_id
        waiting, self._before_recorder = self._before_recorder, []
        for action in waiting:
            self._perform(action)

    def wear(self, officer: str | None) -> None:
        """Whose shift it is: stated with what the button does from now on."""
        self._officer = officer

    def handle(self, event: ev.Event) -> None:
        """Carry out one event, in the loop's thread."""
        now_us = self._board.clock.now_us()
        if isinstance(event, ev.CaptureClosed | ev.CaptureStalled):
            self._ring.ended(event.generation)
        before = self._state
        self._state, actions = machine.step(before, event, now_us)
        self._light(now_us)  # the lamp answers first, whatever the actions cost
        for action in actions:
            self._perform(action)
        if self._trace is not None:
            self._trace.took(before, now_us, event, self._state, actions)
        if self._state.name != before.name:
            self._observe(StateChanged(self._state.name, now_us))
        if not isinstance(event, ev.TimePassed):
            self._observe(event)
        self._show()

    def close(self) -> None:
        """Stop all timers; lamp and motor off."""
        if self._timer is not None:
            self._timer.cancel()
        for player in (self._lamp, self._ready_lamp, self._haptic):
            if player is not None:
                player.stop()
        if self._trace is not None:
            self._trace.close()

    # --- edges and deadlines -----------------------------------------------------------------------------------------------------------

    def _edge_from_any_thread(self, pressed: bool, at_us: int) -> None:
        self._edges.append((pressed, at_us))
        self._loop.call_soon_threadsafe(self._take_edges)

    def _take_edges(self) -> None:
        while self._edges:
            self._gestures, gestures = self._gestures.edge(*self._edges.popleft())
            self._handle_gestures(gestures)

    def _deadline(self) -> None:
        self._timer = None
        now_us = self._board.clock.now_us()
        due = self._gestures.next_deadline()
        if due is not None and due <= now_us:
            self._read_button()
        due = machine.next_deadline(self._state)
        if due is not None and due <= now_us:
            self.handle(ev.TimePassed())
        self._show()

    def _read_button(self) -> None:
        pressed = self._board.button.is_pressed()
        while self._edges:  # which came before this level: a hold ends when it ended, and not when this loop has time for it
            self._take_edges()
            pressed = self._board.button.is_pressed()
        self._gestures, gestures = self._gestures.due(self._board.clock.now_us(), pressed)
        self._handle_gestures(gestures)

    def _handle_gestures(self, gestures: list[Gesture]) -> None:
        for gesture in gestures:
            self.handle(gesture)
        if not gestures:
            self._arm(self._board.clock.now_us())

    def _light(self, now_us: int) -> indicator.Indication:
        shown = indicator.indicate(self._state, now_us)
        self._lamp.show(shown.lamp, shown.episode_us)
        self._shown = shown.name
        if self._ready_lamp is not None:
            self._ready_lamp.show(shown.ready_lamp)
        return shown

    def _show(self) -> None:
        now_us = self._board.clock.now_us()
        self._haptic.repeat(self._light(now_us).haptic)
        self._arm(now_us)

    def _arm(self, now_us: int) -> None:
        deadlines = [d for d in (machine.next_deadline(self._state), self._gestures.next_deadline()) if d is not None]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadlines:
            self._timer = self._loop.call_later(max(0, min(deadlines) - now_us) / 1e6, self._deadline)

    # --- actions -----------------------------------------------------------------------------------------------------------------------

    def _perform(self, action: ev.Action) -> None:
        try:
            self._dispatch(action)
        except Exception as error:
            log.exception("%s failed", type(action).__name__)
            if self._recorder is not None and not isinstance(action, ev.Note):
                self._recorder.note("fault", {"action": type(action).__name__, "reason": f"{type(error).__name__}: {error}"})

    def _dispatch(self, action: ev.Action) -> None:
        match action:
            case ev.SpeakWarning():
                self._haptic.forget(OVER_AT_START)
                self._board.voice.speak()
            case ev.SilenceVoice():
                self._board.voice.silence()
            case ev.OpenCapture(microphone):
                self._capture.open(microphone)
            case ev.SetMicrophone(open):
                self._capture.set_microphone(open)
            case ev.CloseCapture():
                self._capture.close()
            case ev.RetainFrom(from_us):
                self._ring.retain_from(from_us)
            case ev.EmptyRing():
                self._ring.empty()
            case ev.Pulse(name):
                self._haptic.play(name)
            case ev.EndCheck():
                self._end_check()
            case ev.CallHelp():
                assert self._call_help is not None, "where help_call is on there is somebody to call"
                self._call_help(action, self._officer)
            case ev.Refuse(reason):
                log.warning("press refused: %s", reason)
            case ev.Exit():
                if not self.exit.done():
                    self.exit.set_result(action)
            case ev.BeginRecording():
                self._haptic.forget(OVER_AT_START)
                self._write(action)
            case ev.EndRecording():
                self._haptic.forget(OVER_AT_END)
                self._write(action)
            case ev.ContinueRecording() | ev.SealNow() | ev.Note():
                self._write(action)

    def _write(self, action: ev.BeginRecording | ev.ContinueRecording | ev.EndRecording | ev.SealNow | ev.Note) -> None:
        if self._recorder is None:
            self._before_recorder.append(action)
        elif isinstance(action, ev.Note):
            fields: dict[str, Stateable] = dict(action.fields)
            if action.type in FROM_THE_BUTTON:
                fields.update(officer=self._officer, caller={"via": "button"})
            if isinstance(number := fields.get("recording"), int):
                fields["recording"] = self._recording_id(number)
            self._recorder.note(action.type, fields)
        elif isinstance(action, ev.BeginRecording):
            self._recorder.submit(structs.replace(action, officer=self._officer))
        else:
            self._recorder.submit(action)
