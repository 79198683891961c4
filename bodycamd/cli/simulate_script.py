"""A simulation that follows a script and prints the time line of what the officer sees, hears and feels."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from bodycamd.camera.board.board_log import BoardChange
from bodycamd.camera.board.simulated import SimulatedHand
from bodycamd.camera.control.events import FragmentDurable
from bodycamd.cli.output import print_json, say
from bodycamd.config.settings import Config
from bodycamd.config.warning_sound import load as load_warning
from bodycamd.linux.clock import boottime_us
from bodycamd.workshop.simulation import officer_view as timeline
from bodycamd.workshop.simulation.button_script import Step
from bodycamd.workshop.simulation.process import SimulatedCamera

LOOK_SECONDS = 0.05
UNDER_WAY = ("starting", "warning", "closing")
REST_SECONDS = 2.0


class ScriptedRun:
    """Runs the steps, prints lines as soon as they are settled, and returns the daemon's exit code."""

    def __init__(self, camera: SimulatedCamera, config: Config, steps: Sequence[Step], as_json: bool) -> None:
        self._camera = camera
        self._warning_seconds = load_warning(config.warning_path).seconds
        self._steps = deque(steps)
        self._as_json = as_json
        self._hand = SimulatedHand(camera.folder.device)
        self._ready_us = 0
        self._board: list[BoardChange] = []
        self._facts: list[timeline.Line] = []
        self._safe: set[str] = set()
        self._printed_to_us = 0

    def run(self) -> int:
        """Until the script's end and the camera's."""
        self._ready_us = self._camera.wait_until_ready()
        self._facts.append(timeline.Line(self._ready_us, "camera", "ready"))
        try:
            self._follow_script()
            self._camera.ask_to_stop()
        except KeyboardInterrupt:
            self._camera.ask_to_stop()
        while self._camera.exit_code is None:
            self._look(LOOK_SECONDS)
        code = self._camera.stop()
        self._collect()
        self._facts.append(timeline.Line(boottime_us(), "camera", f"ended with exit code {code}"))
        self._print(boottime_us() + timeline.SETTLING_US)
        return code

    def _follow_script(self) -> None:
        while self._steps and self._camera.exit_code is None:
            step = self._steps.popleft()
            due_us = self._ready_us + round(step.at_seconds * 1e6)
            while (wait_us := due_us - boottime_us()) > 0 and self._camera.exit_code is None:
                self._look(min(LOOK_SECONDS, wait_us / 1e6))
            if step.action == "quit" or self._camera.exit_code is not None:
                return
            self._hand.down() if step.action == "down" else self._hand.up()
        rest_until: float | None = None
        while self._camera.exit_code is None:
            self._look(LOOK_SECONDS)
            if self._camera.status().state in UNDER_WAY:
                rest_until = None
            elif rest_until is None:
                rest_until = time.monotonic() + REST_SECONDS
            elif time.monotonic() > rest_until:
                return

    def _look(self, seconds: float) -> None:
        time.sleep(seconds)
        self._collect()
        self._print(boottime_us())

    def _collect(self) -> None:
        self._board += self._camera.board_changes()
        for event in self._camera.events():
            if isinstance(event, FragmentDurable) and event.recording not in self._safe:
                self._safe.add(event.recording)
                self._facts.append(timeline.durable_line(event))
        for entry in self._camera.ledger_entries():
            line = timeline.ledger_line(entry)
            if line is not None:
                self._facts.append(line)

    def _print(self, now_us: int) -> None:
        """Everything up to the settled moment that was not printed yet; a fact that arrives late is printed late, not lost."""
        settled_us = now_us - timeline.SETTLING_US
        board = timeline.board_lines(self._board, now_us, self._warning_seconds)
        lines = [line for line in board if self._printed_to_us < line.at_us <= settled_us]
        lines += [line for line in self._facts if line.at_us <= settled_us]
        self._facts = [line for line in self._facts if line.at_us > settled_us]
        for line in sorted(lines, key=lambda line: line.at_us):
            if self._as_json:
                print_json(timeline.as_json(line, self._ready_us))
            else:
                say(timeline.text(line, self._ready_us))
        self._printed_to_us = max(self._printed_to_us, settled_us)
