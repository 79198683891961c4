"""10,000 generated traces of the button for each model of `hands`, through the real gestures and the real control:
`python -m tests.camera.control.button_traces [TRACES] [--keep]`.

Prints how often a recording was stopped that nobody stopped, a warning skipped that nobody skipped, and a gesture of the officer lost, for
both rules of `gestures.stop`, each with the upper end of its 95 % interval. `--keep` writes them into `docs/measured.json`.

In half of the traces the accident begins during the warning, in half while it records; only the first can skip the warning.
"""

from __future__ import annotations

import math
import random
import sys
from dataclasses import dataclass
from functools import cache

from bodycamd.camera.control import events as ev
from bodycamd.camera.control.gestures import Gestures
from bodycamd.camera.control.machine import initial, next_deadline, step
from bodycamd.camera.control.state import Policy, State, StopRule
from tests.camera.control.hands import MODELS, Contact, Model, S, start, stop
from tests.kit import measured

SEED = 20_261_127
TRACES = 10_000
WARNING_US = 5 * S
SEAL_US = S // 2
RULES: tuple[StopRule, ...] = ("hold_then_press", "hold")


class Worn:
    """A camera that is worn: contacts in, what was asked for out. The voice speaks 5 s, a seal takes half a second."""

    def __init__(self, state: State, now_us: int) -> None:
        self.state = state
        self.now_us = now_us
        self.gestures = Gestures(20_000, 2 * S, 30 * S, now_us=now_us)
        self.pressed = False
        self.done: list[tuple[int, ev.Action]] = []
        self._due_us = next_deadline(state)
        self._reports: list[tuple[int, ev.Event]] = []

    def feel(self, contacts: list[Contact], end_us: int) -> None:
        """All contacts, and the time until the end."""
        for down_us, up_us in contacts:
            for pressed, at_us in ((True, down_us), (False, up_us)):
                self._until(at_us)
                self.pressed, self.now_us = pressed, at_us
                self.gestures, found = self.gestures.edge(pressed, at_us)
                self._take(*found)
        self._until(end_us)
        self.now_us = end_us

    def count(self, kind: type[ev.Action], since_us: int) -> int:
        """How many of an action since an instant."""
        return sum(isinstance(action, kind) for at_us, action in self.done if at_us >= since_us)

    def _until(self, end_us: int) -> None:
        while True:
            button_us = self.gestures.next_deadline() or end_us
            report_us = min((at_us for at_us, _ in self._reports), default=end_us)
            at_us = min(button_us, report_us, self._due_us or end_us)
            if at_us >= end_us:
                return
            self.now_us = max(self.now_us, at_us)
            if at_us == button_us:
                self.gestures, found = self.gestures.due(self.now_us, self.pressed)
                self._take(*found)
            elif at_us == report_us:
                reports = [event for at, event in self._reports if at <= self.now_us]
                self._reports = [(at, event) for at, event in self._reports if at > self.now_us]
                self._take(*reports)
            else:
                self._take(ev.TimePassed())

    def _take(self, *events: ev.Event) -> None:
        for event in events:
            self.state, actions = step(self.state, event, self.now_us)
            for action in actions:
                self.done.append((self.now_us, action))
                if isinstance(action, ev.EndRecording):
                    sealed = ev.RecordingSealed(f"000001-{self.state.number:04d}", S, self.now_us + SEAL_US)
                    self._reports.append((self.now_us + SEAL_US, sealed))
                elif isinstance(action, ev.ContinueRecording):
                    self._reports = [(at, report) for at, report in self._reports if not isinstance(report, ev.RecordingSealed)]
                elif isinstance(action, ev.SpeakWarning):
                    spoken_us = self.now_us + WARNING_US
                    self._reports.append((spoken_us, ev.WarningEnded(spoken_us, "played_to_device", "")))
            self._due_us = next_deadline(self.state)


@cache
def standby(rule: StopRule, *, help_call: bool = False) -> State:
    """Ready, and nothing pressed yet."""
    return step(initial(Policy(stop=rule, warning_us=WARNING_US, help_call=help_call)), ev.Ready(), S)[0]


@dataclass
class Counts:
    """Of one model and rule. A trace has one warning, one recording and, in the officer's own gestures, three presses."""

    traces: int = 0
    stops: int = 0
    skips: int = 0
    lost: int = 0
    gestures: int = 0


def trace(model: Model, rule: StopRule, chance: random.Random, counts: Counts) -> None:
    """One trace: the officer starts, an accident happens in the warning or while recording, the officer marks and stops."""
    worn = Worn(standby(rule), 10 * S)
    counts.traces += 1
    pressed = start(chance, model, 11 * S)
    accident = model.accident
    began_us = pressed[-1][1]
    worn.feel(pressed, began_us)
    if accident is not None and chance.random() < 0.5:
        contacts = accident(chance, began_us + round(chance.uniform(0.1, 4) * S))
        worn.feel(contacts, max(began_us + WARNING_US, contacts[-1][1]) + 6 * S)
    else:
        worn.feel([], began_us + WARNING_US + S)
        if accident is not None:
            contacts = accident(chance, worn.now_us)
            worn.feel(contacts, contacts[-1][1] + 6 * S)
    counts.skips += any(isinstance(action, ev.BeginRecording) and action.warning == "skipped" for _, action in worn.done)
    counts.gestures += 1
    counts.lost += worn.count(ev.SpeakWarning, 0) == 0
    if _unwanted_stop(worn, counts):
        return
    own_us = worn.now_us
    mark = start(chance, model, own_us)
    worn.feel(mark, mark[-1][1] + 3 * S)
    counts.gestures += 1
    counts.lost += worn.count(ev.Note, own_us) == 0
    if _unwanted_stop(worn, counts):
        return
    own_us = worn.now_us
    last = stop(chance, model, own_us, rule == "hold_then_press")
    worn.feel(last, last[-1][1] + 7 * S)
    counts.gestures += 1
    counts.lost += worn.state.name != "standby" or worn.count(ev.SpeakWarning, own_us) > 0


def _unwanted_stop(worn: Worn, counts: Counts) -> bool:
    """Whether the officer's stop is no more to come: a recording has ended that nobody ended."""
    stopped = worn.count(ev.EndRecording, 0) > 0
    counts.stops += stopped
    return stopped


def run(model: Model, rule: StopRule, traces: int) -> Counts:
    """So many traces, the same for every run."""
    counts = Counts()
    for number in range(traces):
        trace(model, rule, random.Random(f"{SEED} {model.name} {number}"), counts)
    return counts


def upper(found: int, of: int) -> float:
    """The upper end of Wilson's 95 % interval; where nothing was found, the exact bound (the rule of three)."""
    if found == 0:
        return 1 - math.pow(0.025, 1 / of)
    z, share = 1.959964, found / of
    middle = share + z * z / (2 * of)
    return (middle + z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))) / (1 + z * z / of)


def figures(model: Model, rule: StopRule, traces: int) -> dict[str, float | int | str]:
    """The rates in per cent, as `docs/measured.json` has them."""
    counts = run(model, rule, traces)
    found: dict[str, float | int | str] = {"model": model.name, "stop": rule, "parameters": model.parameters, "traces": traces}
    for name, number, of in (
        ("unwanted_stop", counts.stops, traces),
        ("unwanted_skip", counts.skips, traces),
        ("lost_press", counts.lost, counts.gestures),
    ):
        found |= {
            name: number,
            f"{name}_percent": round(100 * number / of, 2),
            f"{name}_at_most_percent": round(100 * upper(number, of), 2),
        }
    return found | {"gestures": counts.gestures}


def main(arguments: list[str]) -> int:
    """The table, row by row."""
    keep = "--keep" in arguments
    traces = int(next((word for word in arguments if word.isdigit()), TRACES))
    for model in MODELS:
        print(f"{model.name}: {model.parameters}")
    print("Per cent of traces (lost: of the officer's gestures), and the upper end of the 95 % interval. hold_seconds: 2.0", flush=True)
    rows = []
    for rule in RULES:
        for model in MODELS:
            rows.append(row := figures(model, rule, traces))
            rates = (f"{name} {row[f'unwanted_{name}_percent']} (< {row[f'unwanted_{name}_at_most_percent']})" for name in ("stop", "skip"))
            lost = f"lost {row['lost_press_percent']} (< {row['lost_press_at_most_percent']})"
            print(f"{rule:16}{model.name:10}", *(f"{cell:30}" for cell in rates), lost, flush=True)
    if keep:
        measured.keep({**measured.provenance(), "seed": SEED, "rows": rows}, "button")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
