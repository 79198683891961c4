"""A camera without hardware for these tests: the machine, a time that only the test moves, and what was asked for so far."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from bodycamd.camera.control.events import (
    Action,
    BeginRecording,
    ButtonDown,
    ButtonHeld,
    ButtonReleased,
    ButtonTapped,
    Event,
    FragmentDurable,
    Note,
    Ready,
    RecordingSealed,
    StorageChanged,
    StorageLevel,
    TimePassed,
    WarningEnded,
    WarningOutcome,
)
from bodycamd.camera.control.indicator import RowName, indicate
from bodycamd.camera.control.machine import initial, next_deadline, step
from bodycamd.camera.control.state import Policy, State, StateName

S = 1_000_000
BUFFER = Policy(pre_event_us=30 * S, record_warning=True)
BUFFER_WITH_SOUND = Policy(pre_event_us=30 * S, record_warning=True, pre_event_audio=True)
HOLD = Policy(stop="hold")
POST = Policy(post_event_us=10 * S)
REFUSE = Policy(on_warning_failure="refuse")
A = TypeVar("A")


def fragment(number: int, at_us: int, start: int = 7) -> FragmentDurable:
    return FragmentDurable(f"{start:06d}-{number:04d}", 0, 1, 1, "00" * 32, at_us - S, S, at_us)


def sealed(number: int, at_us: int, start: int = 7) -> RecordingSealed:
    return RecordingSealed(f"{start:06d}-{number:04d}", S, at_us)


def no_notes(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Note)]


class Camera:
    def __init__(self, settings: Policy | None = None, now_us: int = 100 * S) -> None:
        self.state: State = initial(settings or Policy())
        self.now_us = now_us
        self.actions: list[Action] = []

    def handle(self, event: Event) -> list[Action]:
        self.state, actions = step(self.state, event, self.now_us)
        self.actions += actions
        return actions

    def later(self, seconds: float) -> list[Action]:
        """Let time pass, with `TimePassed` at every deadline on the way."""
        end_us = self.now_us + round(seconds * S)
        actions: list[Action] = []
        while (due_us := next_deadline(self.state)) is not None and due_us <= end_us:
            assert due_us > self.now_us
            self.now_us = due_us
            actions += self.handle(TimePassed())
        self.now_us = end_us
        return actions

    def down(self) -> list[Action]:
        return self.handle(ButtonDown(self.now_us))

    def tap(self) -> list[Action]:
        """Down, and up after 0.2 s."""
        actions = self.down()
        actions += self.later(0.2)
        return actions + self.handle(ButtonTapped(self.now_us))

    def hold(self, seconds: float = 3.0) -> list[Action]:
        """Down, held at 2 s, and up after `seconds`."""
        actions = self.down()
        actions += self.later(2)
        actions += self.handle(ButtonHeld(self.now_us))
        actions += self.later(seconds - 2)
        return actions + self.handle(ButtonReleased(self.now_us))

    def durable(self) -> list[Action]:
        return self.handle(fragment(self.state.number, self.now_us))

    def seal(self) -> list[Action]:
        return self.handle(sealed(self.state.number, self.now_us))

    def warned(self, outcome: WarningOutcome = "played_to_device") -> list[Action]:
        return self.handle(WarningEnded(self.now_us, outcome, "ab" * 32, ""))

    def storage(self, level: StorageLevel) -> list[Action]:
        return self.handle(StorageChanged(level, 0.0 if level == "full" else 20.0))

    def name(self) -> StateName:
        return self.state.name

    def shown(self) -> RowName:
        return indicate(self.state, self.now_us).name

    def noted(self, type_: str) -> list[dict[str, str | int | float | bool | None]]:
        return [dict(action.fields) for action in self.actions if isinstance(action, Note) and action.type == type_]

    def of(self, kind: type[A]) -> list[A]:
        return [action for action in self.actions if isinstance(action, kind)]


def standby(settings: Policy | None = None) -> Camera:
    camera = Camera(settings)
    camera.handle(Ready())
    assert camera.state.name == "standby"
    return camera


def warning(settings: Policy | None = None) -> Camera:
    camera = standby(settings)
    camera.later(1)
    camera.down()
    assert camera.state.name == "warning"
    return camera


def recording(settings: Policy | None = None) -> Camera:
    """Recording since a second, with a durable fragment just now."""
    camera = warning(settings)
    camera.later(3)
    camera.warned()
    camera.later(1)
    camera.durable()
    assert camera.state.name == "recording"
    assert len(camera.of(BeginRecording)) == 1
    return camera


def stopped(settings: Policy | None = None) -> Camera:
    """A recording that the officer stopped just now, by a hold alone."""
    camera = recording(replace(settings or Policy(), stop="hold"))
    camera.down()
    camera.later(2)
    camera.durable()
    camera.handle(ButtonHeld(camera.now_us))
    assert camera.name() == "closing"
    return camera


def confirmed(settings: Policy | None = None) -> Camera:
    """A recording that the officer stopped a second ago: held, released, and pressed."""
    camera = recording(settings)
    camera.later(2)
    camera.durable()
    camera.hold()
    camera.later(1)
    camera.tap()
    camera.later(1)
    assert camera.name() == "closing"
    return camera


def after(camera: Camera, *events: Event) -> Camera:
    """One after another, a tenth of a second apart."""
    for event in events:
        camera.now_us += S // 10
        camera.handle(event)
    return camera


def strict(settings: Policy = REFUSE) -> Camera:
    """A warning that is refused because it failed."""
    camera = warning(settings)
    return after(camera, WarningEnded(camera.now_us, "failed", ""))
