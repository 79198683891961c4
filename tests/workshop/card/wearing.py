"""A worn camera for the trial of the card: raw edges of the button go in; what is recorded, seen and felt comes out.

The real gestures, control and motor. Around them what a camera does by itself: the warning takes its time, footage is durable each second,
a seal comes half a second after its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.gestures import Gestures
from bodycamd.camera.control.indicator import indicate
from bodycamd.camera.control.machine import initial, next_deadline, step
from bodycamd.camera.control.state import Policy, State
from bodycamd.config.settings import Config

S = 1_000_000
WARNING_US = 5 * S
SEAL_US = S // 2


def policy(config: Config) -> Policy:
    """As the daemon makes it, with a warning of 5 s."""
    return Policy(
        pre_event_us=config.pre_event_seconds * S,
        post_event_us=config.post_event_seconds * S,
        record_warning=config.record_warning,
        on_warning_failure=config.on_warning_failure,
        stop=config.gestures.stop,
        reminder_us=config.reminder_seconds * S,
        warning_us=WARNING_US,
    )


@dataclass
class Worn:
    """The camera, switched on and ready."""

    config: Config
    now_us: int = 100 * S
    actions: list[tuple[int, ev.Action]] = field(default_factory=list)
    seen: list[tuple[int, str]] = field(default_factory=list)
    """The rows that the lamp showed, each from when."""

    def __post_init__(self) -> None:
        gestures = self.config.gestures
        hold_us, stuck_us = round(gestures.hold_seconds * S), round(gestures.stuck_seconds * S)
        self._gestures = Gestures(gestures.bounce_ms * 1000, hold_us, stuck_us, now_us=self.now_us)
        self._down = False
        self._reports: list[tuple[int, ev.Event]] = []
        self.state: State = initial(policy(self.config))
        self._take(ev.Ready())

    # --- the hand -------------------------------------------------------------------------------------------------------------------------

    def press(self, seconds: float = 0.2) -> None:
        """Down for so long, and up."""
        for down in (True, False):
            self._down = down
            self._gestures, found = self._gestures.edge(down, self.now_us)
            self._take(*found)
            if down:
                self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """The hand rests."""
        end_us = self.now_us + round(seconds * S)
        while True:
            instants = [self._gestures.next_deadline(), next_deadline(self.state), *(at_us for at_us, _ in self._reports)]
            at_us = min((max(instant, self.now_us) for instant in instants if instant is not None), default=end_us)
            if at_us >= end_us:
                break
            self.now_us = at_us
            self._gestures, found = self._gestures.due(at_us, self._down)
            ready = [event for due_us, event in self._reports if due_us <= at_us]
            self._reports = [report for report in self._reports if report[0] > at_us]
            self._take(*found, *ready, ev.TimePassed())
        self.now_us = end_us

    def wait_for_lamp(self, row: str, seconds: float = 60) -> None:
        """Until the lamp shows this row; it has to, within so long."""
        for _ in range(round(seconds * 10)):
            if self.lamp() == row:
                return
            self.wait(0.1)
        raise AssertionError(f"the lamp shows {self.lamp()}, not {row}")

    # --- what comes of it -----------------------------------------------------------------------------------------------------------------

    def lamp(self) -> str:
        """The row that is shown now."""
        return indicate(self.state, self.now_us).name

    def felt(self) -> list[ev.HapticName]:
        """The words of the motor so far, but for *ready*, *started* and reminders."""
        pulses = [action.name for _, action in self.actions if isinstance(action, ev.Pulse)]
        return [name for name in pulses if name not in ("ready", "started", "reminder")]

    def begun(self) -> list[str]:
        """The warnings of the recordings: `played_to_device`, `skipped`, `none` (no new one)."""
        return [action.warning for _, action in self.actions if isinstance(action, ev.BeginRecording)]

    def warnings(self) -> int:
        """How often the warning began to be spoken."""
        return sum(isinstance(action, ev.SpeakWarning) for _, action in self.actions)

    def markers(self) -> int:
        """Of all recordings."""
        return sum(isinstance(action, ev.Note) and action.type == "marker" for _, action in self.actions)

    def _take(self, *events: ev.Event) -> None:
        for event in events:
            self.state, actions = step(self.state, event, self.now_us)
            self.actions += [(self.now_us, action) for action in actions]
            for action in actions:
                self._answer(action)
            if isinstance(event, ev.FragmentDurable) and self.state.name in ("recording", "closing"):
                self._fragment_later()
        row = self.lamp()
        if not self.seen or self.seen[-1][1] != row:
            self.seen.append((self.now_us, row))

    def _answer(self, action: ev.Action) -> None:
        if isinstance(action, ev.SpeakWarning):
            self._reports.append((self.now_us + WARNING_US, ev.WarningEnded(self.now_us + WARNING_US, "played_to_device", "")))
        elif isinstance(action, ev.BeginRecording):
            self._fragment_later()
        elif isinstance(action, ev.EndRecording):
            at_us = max(self.now_us, action.end_us) + SEAL_US
            self._reports.append((at_us, ev.RecordingSealed(self._recording(), S, at_us)))
        elif isinstance(action, ev.ContinueRecording):
            self._reports = [report for report in self._reports if not isinstance(report[1], ev.RecordingSealed)]

    def _fragment_later(self) -> None:
        at_us = self.now_us + S
        self._reports = [report for report in self._reports if not isinstance(report[1], ev.FragmentDurable)]
        self._reports.append((at_us, ev.FragmentDurable(self._recording(), 0, 1, 1, "00" * 32, at_us - S, S, at_us)))

    def _recording(self) -> str:
        return f"000001-{self.state.number:04d}"
