"""An officer at work while the machine is loaded: how long the button took, whether footage went on, whether the lamp told the truth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bodycamd.camera.board.board_log import BoardLine
from bodycamd.camera.control.state import ALONE_US, BURST_US
from bodycamd.linux.clock import boottime_us
from tests.bench.figures import FAIL_AT, percentile, spread
from tests.camera.recorder import judge
from tests.kit.camera import Camera, Entry, wait_until_us
from tests.kit.waiting import wait_for

ANSWER_MS = 50
"""The button answers within this, p99 (invariant I7)."""
TRUE_US = 3_000_000
"""How old the newest durable footage may be while the lamp is steady."""
SLACK_US = 1_000_000
"""What a loaded machine may add between an acknowledgement and the lamp's next look."""
BLINK_US = 200_000
"""The last light of the fast blink becomes the steady one."""
STEADY_US = 1_000_000
"""No other pattern of the lamp is lit as long as this."""
FIGURES: dict[str, str] = {}


class Officer:
    """Presses, records, stops, again and again; keeps the answers in milliseconds and the sizes of the footage's gaps."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self.answers: list[float] = []
        self.began_us = boottime_us()

    def record(self, fragments: int = 2) -> None:
        """One short recording; its three gestures are timed by the daemon's own time line and events."""
        self.press()
        self.stop(fragments)

    def press(self) -> None:
        """Two presses; the answers are the lamp's first light and the end of the warning."""
        camera = self._camera
        wait_for(self._dark, what="a dark lamp")
        known = len(camera.timeline("lamp"))
        states = len(self._states("recording"))
        pressed_us = camera.tap()
        wait_for(lambda: len(camera.timeline("lamp")) > known, what="light")
        lit = camera.timeline("lamp")[known]
        assert lit["on"]
        self.answers.append((lit["at_us"] - pressed_us) / 1000)
        wait_until_us(camera.felt_us(pressed_us) + BURST_US)
        pressed_us = camera.tap()
        event = wait_for(lambda: self._states("recording")[states:], what="recording")[0]
        self.answers.append((event["at_us"] - pressed_us) / 1000)

    def stop(self, fragments: int = 2) -> None:
        """After so many acknowledged fragments hold, release and press the button; the answer is the state `closing`, `ALONE_US` later."""
        camera = self._camera
        camera.wait_event("FragmentDurable", len(camera.of("FragmentDurable")) + fragments)
        closings, sealed = len(self._states("closing")), len(camera.of("RecordingSealed"))
        released_us = camera.stop_by_hand()
        event = wait_for(lambda: self._states("closing")[closings:], what="closing")[0]
        self.answers.append((event["at_us"] - released_us - ALONE_US) / 1000)
        camera.wait_event("RecordingSealed", sealed + 1)

    def _states(self, name: str) -> list[Entry]:
        return [event for event in self._camera.of("StateChanged") if event["state"] == name]

    def _dark(self) -> bool:
        lamp = self._camera.timeline("lamp")
        return not lamp or not lamp[-1]["on"]

    # --- judged ---------------------------------------------------------------------------------------------------------------------------

    def judge(self, what: str) -> str:
        """Print the figures; fail where an answer took five times the bound, the lamp lied, or something acknowledged is not there. To be
        called after the daemon has ended, or while nothing is open."""
        camera = self._camera
        durable = [event["at_us"] for event in camera.of("FragmentDurable")]
        lies = untrue(camera.timeline("lamp"), durable, boottime_us())
        found = judge.read(camera.store)
        for event in camera.of("FragmentDurable"):
            piece = found.pieces.get((event["recording"], event["segment"], event["index"]))
            assert piece is not None, f"acknowledged and lost: {event}"
            assert (piece.statement["sha256"], piece.statement["seq"]) == (event["sha256"], event["seq"])
        gaps = sum(piece.statement.get("gap_us", 0) for piece in found.pieces.values()) / 1e6
        footage = f"{len(durable)} fragments durable, 0 lost, gaps {gaps:.2f} s"
        text = f"button {spread(self.answers)}; {footage}; {len(lies)} untruths of the lamp"
        FIGURES[what] = text
        print(f"{what}: {text}")
        assert not lies, lies
        assert percentile(self.answers, 0.99) <= FAIL_AT * ANSWER_MS, text
        return text


def untrue(lamp: Sequence[BoardLine], durable_us: Sequence[int], now_us: int) -> list[tuple[int, int]]:
    """The times in which the lamp was steady and nothing had become durable for more than `TRUE_US`."""
    changes = [(line["at_us"], line["on"]) for line in lamp] + [(now_us, False)]
    found = []
    for (on_us, lit), (off_us, _) in pairwise(changes):
        if not lit or off_us - on_us < STEADY_US:
            continue
        before = [at_us for at_us in durable_us if at_us <= on_us + BLINK_US][-1:] or [on_us - TRUE_US - SLACK_US - 1]
        known = [*before, *(at_us for at_us in durable_us if before[0] < at_us < off_us), off_us]
        found += [(earlier, later) for earlier, later in pairwise(known) if later - earlier > TRUE_US + SLACK_US]
    return found


__all__ = ["FIGURES", "Officer", "untrue"]
