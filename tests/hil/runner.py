"""Carries out a scenario on a board, step by step; what is not seen in time fails with the step's number."""

from __future__ import annotations

from bodycamd.camera.control.indicator import RowName
from bodycamd.camera.selftest.hearing import at_rate, likeness
from bodycamd.config.pcm_wav import SAMPLE_RATE
from bodycamd.config.warning_sound import load as load_warning
from tests.hil import judge
from tests.hil.board import Board
from tests.hil.scenario import Scenario, Step

CODES = {"works": 0, "fails": 3, "busy": 75, "done": 0}
"""Exit codes of the self test and of an update."""


def run(scenario: Scenario, board: Board) -> None:
    """Raises `AssertionError` or `TimeoutError` at the first step that is not as it says."""
    played = _Play(board)
    for number, step in enumerate(scenario.steps):
        try:
            played.carry_out(step)
        except Exception as error:
            raise AssertionError(f"{scenario.name}, step {number}: {step.kind}: {error}") from error


class _Play:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._since_us = board.began_us
        """Words of the motor count from the last thing that was done."""

    def carry_out(self, step: Step) -> None:
        board = self._board
        if step.kind in ("press", "edges", "fault", "stop", "selftest", "update"):
            self._since_us = board.now_us()
        match step:
            case Step(press=float() as seconds):
                board.hold(seconds)
            case Step(edges=list() as edges):
                board.edges([(after_ms, way == "down") for after_ms, way in edges])
            case Step(rest=float() as seconds):
                board.rest(seconds)
            case Step(fault=str() as kind):
                board.fault(kind)
                if kind == "power_cut":
                    self._since_us = board.began_us
            case Step(stop=True):
                board.stop_by_hand()
            case Step(state=reached) if reached is not None:
                board.until(lambda: board.status()["state"] == reached.state, reached.within)
            case Step(condition=flagged) if flagged is not None:
                board.until(lambda: flagged.condition in board.status()["flags"], flagged.within)
            case Step(lamp=shown) if shown is not None:
                board.until(lambda: self._shows(shown.row), shown.within)
            case Step(motor=felt) if felt is not None:
                board.until(lambda: felt.word in judge.felt(self._changes("haptic", self._since_us), board.now_us()), felt.within)
            case Step(entry=entered) if entered is not None:
                board.until(lambda: self._entries(entered.type, entered.fields) == entered.count, entered.within)
            case Step(never=list() as types):
                assert {type: len(board.ledger(type)) for type in types} == dict.fromkeys(types, 0)
            case Step(warning_likeness=float() as least):
                sound = load_warning(board.warning)
                found = likeness(at_rate(board.speaks(), SAMPLE_RATE), at_rate(sound.samples, SAMPLE_RATE, sound.channels))
                assert found >= least, f"{found:.4f}"
            case Step(selftest=str() as outcome):
                code = board.selftest()
                assert code == CODES[outcome], f"exit code {code}"
            case Step(update=str() as outcome):
                code = board.update()
                assert code == CODES[outcome], f"exit code {code}"
            case _:
                raise NotImplementedError(f"no board does this yet: {step.kind}")

    def _shows(self, row: RowName) -> bool:
        now_us = self._board.now_us()
        lamp, ready = self._changes("lamp"), self._board.changes("ready_lamp")
        return judge.shows(row, lamp, now_us) and judge.ready_lamp_fits(row, ready)

    def _changes(self, part: str, since_us: int | None = None) -> list[judge.Change]:
        """From the last thing that was done on, with the level before it: what was shown until then is over."""
        changes = self._board.changes(part)
        since_us = self._since_us if since_us is None else since_us
        before = [on for at_us, on in changes if at_us < since_us]
        return [(since_us, bool(before and before[-1])), *(change for change in changes if change[0] >= since_us)]

    def _entries(self, type: str, fields: dict[str, str | int | bool]) -> int:
        details = [entry.get("detail", {}) for entry in self._board.ledger(type)]
        return sum(all(detail.get(name) == value for name, value in fields.items()) for detail in details)
