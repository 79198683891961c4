"""Random sequences of events, plausible and adversarial, and a second, simpler account of the camera that every step is held against.

`play` interprets a list of moves, so that a seeded generator (many) and hypothesis (fewer, shrunk to the smallest) drive the same checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.indicator import STEADY, indicate
from bodycamd.camera.control.machine import initial, next_deadline, step
from bodycamd.camera.control.noted import NOTED
from bodycamd.camera.control.state import ALONE_US, BURST_US, GOES_ON_US, HELD_LONG_US, SAME_PRESS_US, SIGN_US, Policy, State
from tests.camera.control.late_events import is_late
from tests.camera.control.moves import Move, S, event_of

FIELDS = {
    type: re.findall(r"(\w+)(?:[:(][^,\]]*)?(?=,|$)", when.rpartition("[")[2].removesuffix("]").replace(" (null: refused)", ""))
    for type, when in NOTED.items()
}
"""The fields of each entry, as the table of what is noted lists them."""

BUTTON = (ev.ButtonDown, ev.ButtonTapped, ev.ButtonHeld, ev.ButtonReleased)


@dataclass
class Account:
    """What an observer of events and actions alone knows."""

    settings: Policy
    number: int = 0
    keep_from_us: int = 0
    open: bool = False
    ending: bool = False
    durable_us: int | None = None
    began_down: bool = False
    """The last button gesture was a down that began in `recording`, in a recording that has not ended since."""
    last_down_us: int | None = None
    calls: int = 0
    answered: int = 0
    hand: list[tuple[type[ev.Event], int]] = field(default_factory=list)
    """What the button did since `recording` began, by kind and instant."""
    stopped_us: int | None = None
    """When the officer stopped a recording last."""
    capture: bool = False
    microphone: bool = False
    retained: bool = False
    speaking: bool = False
    ring_touched: bool = False
    """The camera was opened since the ring was emptied."""
    checking: bool = False
    exits: int = 0
    leave_by_us: int | None = None
    refused_us: int | None = None
    seen: set[str] = field(default_factory=set)
    """Which consequences have come up: a generator that never gets anywhere would check nothing."""

    def took(self, before: State, event: ev.Event, now_us: int, state: State, actions: list[ev.Action]) -> None:
        """Take one step into the account, and check it."""
        own_down = self.began_down
        if before.name == "recording" and isinstance(event, BUTTON):
            self.hand.append((type(event), min(event.at_us, now_us)))
        matching = isinstance(event, ev.FragmentDurable | ev.RecordingSealed) and event.recording == f"000007-{self.number:04d}"
        if isinstance(event, ev.FragmentDurable) and matching and self.open:
            self.durable_us = max(self.durable_us or 0, min(event.at_us, now_us))
        if isinstance(event, ev.RecordingSealed) and matching and self.open:
            self.open, self.ending, self.durable_us = False, False, None
        if isinstance(event, ev.CheckAsked) and before.name == "standby" and before.leaving is None:
            self.checking = True
        if isinstance(event, ev.CheckEnded):
            self.checking = False
        if ev.EndCheck() in actions:
            assert actions.index(ev.EndCheck()) == 0, "the check ends before anything is asked of the camera"
        for action in actions:
            self._took_action(action, event, now_us)
        self._gesture(before, event, now_us, state, actions, own_down)
        self._of_help(before, event, now_us, state, actions)
        if state.name != "recording":
            self.hand.clear()
        self._stands(state, now_us)
        if isinstance(event, ev.ShutdownRequested) and self.leave_by_us is None:
            self.leave_by_us = now_us + 10 * S

    def _took_action(self, action: ev.Action, event: ev.Event, now_us: int) -> None:
        match action:
            case ev.BeginRecording():
                assert not self.open, "two recordings open"
                assert action.number == self.number + 1, "numbers grow by one"
                assert action.keep_from_us <= now_us
                assert self.capture
                assert self.retained
                assert action.warning != "none" or action.resumes is not None, "no start without a warning"
                self.number, self.open, self.ending, self.durable_us = action.number, True, False, None
                self.keep_from_us = action.keep_from_us
                self.seen.add(f"begin {action.warning} {'resumes' if action.resumes else ''}")
            case ev.EndRecording():
                assert self.open, "ended what is not open"
                self.ending, self.began_down = True, False
                if action.reason == "officer":
                    self.stopped_us = action.end_us - self.settings.post_event_us
                    if self.settings.stop == "hold_then_press":
                        self._asked_and_answered(self.stopped_us, now_us)
                self.seen.add(f"end {action.reason}")
            case ev.CallHelp():
                self._called(action, now_us)
            case ev.ContinueRecording():
                assert self.open
                assert self.ending
                assert action.number == self.number
                self.ending = False
                self.seen.add("continue")
            case ev.SealNow():
                assert self.open
                assert self.ending
                self.seen.add("seal now")
            case ev.EndCheck():
                assert self.checking
                self.checking = False
                self.seen.add("end check")
            case ev.OpenCapture():
                self.capture, self.microphone, self.ring_touched = True, action.microphone, True
            case ev.SetMicrophone():
                assert self.capture
                self.microphone = action.open
            case ev.CloseCapture():
                self.capture = self.microphone = False
            case ev.RetainFrom():
                self.retained = action.from_us is not None
            case ev.EmptyRing():
                assert not self.open, "the ring was emptied under a recording"
                assert not self.capture
                self.ring_touched = False
            case ev.SpeakWarning():
                assert not self.speaking
                self.speaking = True
            case ev.SilenceVoice():
                assert self.speaking
                self.speaking = False
            case ev.Pulse():
                if action.name == "started":
                    assert self.durable_us is not None, "started is felt when footage is on disk"
                if action.name == "saved":
                    assert isinstance(event, ev.RecordingSealed)
                self.seen.add(f"pulse {action.name}")
            case ev.Refuse():
                self.refused_us = now_us
                self.seen.add(f"refuse {action.reason}")
            case ev.Exit():
                assert not self.capture, "the camera was left open"
                self.exits += 1
                self.open = False
                assert self.exits == 1
            case ev.Note():
                assert all(value == value for _, value in action.fields), "NaN is no JSON"
                assert [name for name, _ in action.fields] == FIELDS[action.type], "not as the table says"
                self.seen.add(action.type)

    def _called(self, action: ev.CallHelp, now_us: int) -> None:
        """By a button that went down in this recording and has been down for ten seconds since, as far as any event tells."""
        assert self.settings.help_call
        assert self.settings.stop == "hold_then_press", "where a hold stops it is over by then"
        assert self.open
        assert not self.ending
        assert action.number == self.calls + 1
        assert action.recording == self.number
        assert now_us >= action.at_us + HELD_LONG_US
        kinds = [kind for kind, _ in self.hand]
        held = len(kinds) - 1 - kinds[::-1].index(ev.ButtonHeld)
        downs = [index for index, kind in enumerate(kinds[:held]) if kind is ev.ButtonDown]
        assert action.at_us in [self.hand[index][1] for index in downs]
        self.calls = action.number
        self.seen.add("call for help")

    def _of_help(self, before: State, event: ev.Event, now_us: int, state: State, actions: list[ev.Action]) -> None:
        """What comes of a call is felt once, and nothing else changes."""
        felt = [action.name for action in actions if isinstance(action, ev.Pulse) and action.name.startswith("help_")]
        if "help_answered" in felt:
            assert isinstance(event, ev.HelpAnswered)
            assert self.answered < event.number <= self.calls
            self.answered = event.number
        assert felt.count("help_sent") <= isinstance(event, ev.HelpSent)
        if isinstance(event, ev.HelpSent | ev.HelpAnswered):
            other, done = step(before, ev.TimePassed(), now_us)
            assert replace(state, help=None) == replace(other, help=None)
            assert [one for one in actions if not _is_of_help(one)] == [one for one in done if not _is_of_help(one)]

    def _gesture(self, before: State, event: ev.Event, now_us: int, state: State, actions: list[ev.Action], own_down: bool) -> None:
        kinds = {type(action) for action in actions}
        reboots = (
            before.leaving is None and state.leaving is not None and state.leaving.reason == "worker_stuck"
        )  # due by time, not by a gesture
        starts, stops = kinds & {ev.SpeakWarning, ev.BeginRecording, ev.ContinueRecording}, ev.EndRecording in kinds and not reboots
        assert not (starts and stops) or ev.SilenceVoice in kinds, "one step both starts and stops"
        if isinstance(event, ev.ButtonDown):
            assert not stops
            self._pressed(before, min(event.at_us, now_us), now_us, state, actions)
            self.began_down = before.name == "recording"
        elif isinstance(event, ev.ButtonTapped | ev.ButtonHeld | ev.ButtonReleased):
            assert not kinds & {ev.SpeakWarning, ev.ContinueRecording}
            if self.settings.stop == "hold":
                held = isinstance(event, ev.ButtonHeld) and own_down and before.name == "recording"
                assert stops == held, "a hold stops if and only if its down began in recording"
            elif not isinstance(event, ev.ButtonTapped):  # which may come late, a second after the press
                asked = before.question
                stood_alone = asked is not None and asked.released_us is not None and now_us >= asked.released_us + ALONE_US
                assert not stops or stood_alone, "stopped by a gesture, and not by the time since the one before"
            if not isinstance(event, ev.ButtonReleased):
                self.began_down = False
        if isinstance(event, ev.WarningEnded) and before.name == "warning" != state.name:
            self.speaking = False
        if state.name != "recording":
            self.began_down = False

    def _asked_and_answered(self, press_us: int, now_us: int) -> None:
        """A hold that began in this recording was released in time, and a press of another down stood alone since."""
        kinds = [kind for kind, _ in self.hand]
        ends = [index for index, kind in enumerate(kinds) if kind is ev.ButtonReleased and ev.ButtonDown in kinds[:index]]
        holds = [(end - 1 - kinds[:end][::-1].index(ev.ButtonDown), end) for end in ends]
        down, released = next(hold for hold in reversed(holds) if ev.ButtonHeld in kinds[slice(*hold)])
        assert self.hand[released][1] < self.hand[down][1] + HELD_LONG_US
        after = self.hand[released:]
        press = next(i for i, (kind, at_us) in enumerate(after) if kind is ev.ButtonDown and max(at_us, self.keep_from_us) == press_us)
        assert after[press][1] >= self.hand[released][1] + SAME_PRESS_US
        assert ev.ButtonHeld not in [kind for kind, _ in after]
        assert [kind for kind, _ in after[press:]].count(ev.ButtonDown) <= 2, "alone, but for a double contact"
        assert now_us >= after[press][1] + ALONE_US
        assert any(kind is ev.ButtonTapped for kind, _ in after[press:])
        self.seen.add("asked and answered")

    def _skips(self, at_us: int) -> bool:
        """Whether a down is a new press, and the newest down from now on."""
        new = self.last_down_us is None or at_us >= self.last_down_us + BURST_US
        self.last_down_us = at_us if self.last_down_us is None else max(at_us, self.last_down_us)
        return new

    def _pressed(self, before: State, at_us: int, now_us: int, state: State, actions: list[ev.Action]) -> None:
        kinds = {type(action) for action in actions}
        begun = [action for action in actions if isinstance(action, ev.BeginRecording)]
        new = self._skips(at_us) if before.name != "ended" else False
        on_show = self.refused_us is not None and now_us - self.refused_us < SAME_PRESS_US and indicate(state, now_us).name == "refused"
        refused = ev.Refuse in kinds or on_show
        match before.name:
            case "starting":
                assert state.latched_us is not None or refused
            case "standby":
                assert ev.SpeakWarning in kinds or refused or begun
                if begun:
                    assert self.settings.stop == "hold", "without a warning only where a hold alone stops"
                    assert self.stopped_us is not None
                    assert at_us < self.stopped_us + GOES_ON_US
                    self.seen.add("goes on after a hold")
            case "warning":
                skipped = any(action.warning == "skipped" for action in begun)
                assert skipped == new, "a new down skips the warning, and no part of the press that started it"
                assert not skipped or ev.SilenceVoice in kinds
                self.seen.add("skip" if skipped else "burst")
            case "recording":
                assert state.down_us is not None or before.question is not None
            case "closing":
                assert ev.ContinueRecording in kinds or refused
            case "ended":
                assert not kinds

    def _stands(self, state: State, now_us: int) -> None:
        assert (state.recording is not None) == self.open
        assert state.name == "ended" or (state.name in ("recording", "closing") or not self.open)
        due_us = next_deadline(state)
        assert due_us is None or due_us > now_us, "a deadline that does not move forward"
        for when_us in (now_us, now_us + S, due_us - 1 if due_us is not None else now_us):
            shown = indicate(state, when_us)
            if shown.name in ("recording", "low"):
                assert self.open
                assert self.durable_us is not None
                assert when_us < self.durable_us + 3 * S, "the lamp says recording, but nothing was durable for 3 s"
        if indicate(state, now_us).ready_lamp == STEADY:
            pressed = [type(action) for action in step(state, ev.ButtonDown(now_us), now_us)[1]]
            assert state.name == "standby"
            goes_on = ev.BeginRecording in pressed and state.stopped is not None
            assert ev.SpeakWarning in pressed or goes_on, "the green lamp is on, but a press does not begin"
            assert ev.Refuse not in pressed, "the green lamp is on, but a press is refused"
            assert not (state.voice_failed and self.settings.on_warning_failure == "refuse"), "as it will be after the warning"
        if state.name == "standby":
            buffering = self.settings.pre_event_us > 0 and not state.checking
            assert self.capture == buffering
            assert self.microphone == (buffering and self.settings.audio and self.settings.pre_event_audio)
            assert not self.retained
            assert self.settings.pre_event_us > 0 or not self.ring_touched
        assert state.checking == self.checking
        assert not state.checking or (state.name == "standby" and not self.capture), "a check has the camera alone"
        if state.name in ("warning", "recording"):
            assert self.capture
            assert self.microphone == self.settings.audio
            assert self.retained
        if state.name != "warning":
            assert not self.speaking
        if self.leave_by_us is not None and now_us >= self.leave_by_us + SIGN_US:
            assert state.name == "ended"


def _is_of_help(action: ev.Action) -> bool:
    return isinstance(action, ev.Pulse | ev.Note) and (action.name if isinstance(action, ev.Pulse) else action.type).startswith("help_")


def play(settings: Policy, moves: Iterable[Move], obedient: bool = True) -> Account:
    """Drive a camera through the moves, then shut it down. `obedient`: the loop posts `TimePassed` at every deadline; else events alone."""
    state, now_us, account = initial(settings), 50 * S, Account(settings)

    def take(event: ev.Event) -> None:
        nonlocal state
        before = state
        state, actions = step(before, event, now_us)
        assert state.at_us == max(now_us, before.at_us) or before.name == "ended"
        if is_late(event, before):
            assert (state, actions) == step(before, ev.TimePassed(), now_us), "a late event changed something"
        account.took(before, event, max(now_us, before.at_us), state, actions)

    def pass_until(end_us: int) -> None:
        nonlocal now_us
        while (due_us := next_deadline(state)) is not None and due_us <= end_us:
            now_us = due_us
            take(ev.TimePassed())

    for kind, later_us, a, b in moves:
        if obedient:
            moment_us = now_us + later_us
            pass_until(moment_us)
            now_us = moment_us
        else:
            now_us += later_us
        take(event_of(kind, a, b, state, now_us))
    take(ev.ShutdownRequested())
    end_us = max(now_us, state.at_us) + 14 * S
    pass_until(end_us)
    assert state.name == "ended", "the camera did not leave"
    assert account.exits == 1
    return account
