"""A camera that keeps and deletes: recordings, holds and releases over the control socket, days that pass, sweeps, a death amid them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import AddHold, ReleaseHold, Request, Sweep
from bodycamd.retention.holds import HoldInfo, ReleasedHold
from bodycamd.retention.outlook import Plan
from tests.kit.waiting import wait_for
from tests.powercut.judge import Segment
from tests.powercut.workload import WatchedCamera, fragments, press_twice

STRAY = "notes.txt"
A = TypeVar("A")
DEATH = ("--kill", "2", "--kill-step", "unlink retention.deletion._remove")
"""Of the segments of the recording that goes then, one is gone."""


@dataclass
class Kept:
    """What was recorded, every byte of it, and the keys of the promises: see `keep_and_delete`."""

    registered: bytes
    footage: dict[Segment, bytes] = field(default_factory=dict)

    def of(self, recording: str) -> dict[Segment, bytes]:
        return {key: content for key, content in self.footage.items() if key[0] == recording}


def stored(store: Path) -> dict[Segment, bytes]:
    """Every segment that is there; strays are passed over."""
    paths = sorted((store / "recordings").glob("*/*.tar*"))
    return {(path.parent.name, int(path.name[:6])): path.read_bytes() for path in paths}


class KeepingCamera:
    """`camera` with the launcher's words for its disk. What is promised about holds goes into `camera.noted.events`, with the position of
    the log: `HoldAdded` once the answer was there, `HoldReleasing` before the request, `HoldReleased` after its answer.
    """

    def __init__(self, camera: WatchedCamera, launcher: Sequence[str]) -> None:
        self.camera = camera
        self.kept = Kept(camera.registered)
        self._launcher = launcher

    def start(self, day: int, *more: str) -> None:
        """The daemon, so many days on, in a boot of its own."""
        self.camera.launch(*self._launcher, "--segment-seconds", "0.5", "--days-on", str(day), "--boot", f"day-{day}", *more)

    def record(self) -> str:
        press_twice(self.camera)
        fragments(self.camera, 10)
        return self.finish()

    def finish(self) -> str:
        """End the recording; its footage is remembered."""
        name: str = self.camera.stop_recording()["recording"]
        self.kept.footage |= {key: content for key, content in stored(self.camera.store).items() if key[0] == name}
        return name

    def hold(self, recording: str, ground: str) -> None:
        asked = AddHold(recording=recording, ground=ground, reference="K-117", by="coordinator", review_on="2099-01-01")
        self._ask(asked, HoldInfo)
        self._note("HoldAdded", recording, ground)

    def release(self, recording: str, ground: str) -> None:
        self._note("HoldReleasing", recording, ground)
        self._ask(ReleaseHold(recording=recording, ground=ground, reason="settled", by="coordinator"), ReleasedHold)
        self._note("HoldReleased", recording, ground)

    def sweep(self) -> None:
        self._ask(Sweep(), Plan)

    def wait_deleted(self, *recordings: str) -> None:
        """Until the ledger says so."""

        def said() -> bool:
            lines = [line for file in (self.camera.store / "ledger").glob("*.jsonl") for line in file.read_text().splitlines()]
            deleted = [line for line in lines if '"type":"deleted"' in line]
            return all(any(f'"{recording}"' in line for line in deleted) for recording in recordings)

        wait_for(said, 30, f"the deletion of {recordings}\n{self.camera.journal}")

    def _ask(self, request: Request[A], answer: type[A]) -> None:
        with ControlClient(self.camera.device / "control.sock") as client:
            client.request(request, answer)

    def _note(self, event: str, recording: str, ground: str) -> None:
        position = self.camera.position()
        self.camera.noted.events.append((position, {"event": event, "recording": recording, "ground": ground}))


def keep_and_delete(camera: WatchedCamera, launcher: Sequence[str]) -> Kept:
    """Five deletions: two at once, of which one with a stray; one after a release; one that dies and is completed by the next start; one
    that waits for the end of a recording. Two recordings are held at the end."""
    keeping = KeepingCamera(camera, launcher)
    keeping.start(0)
    camera.wait_ready()
    first, second, third, fourth, fifth = [keeping.record() for _ in range(5)]
    keeping.hold(first, "complaint")
    keeping.hold(second, "complaint")
    keeping.hold(second, "access-request")
    keeping.hold(third, "criminal-investigation")
    assert camera.stop() == 0, camera.journal

    keeping.start(40, "--stray", f"store/recordings/{fifth}/{STRAY}")
    camera.wait_ready()
    keeping.wait_deleted(fourth, fifth)
    sixth = keeping.record()
    keeping.hold(first, "access-request")
    keeping.release(second, "complaint")
    keeping.release(third, "criminal-investigation")
    keeping.sweep()
    keeping.wait_deleted(third)
    assert camera.stop() == 0, camera.journal

    keeping.start(80, *DEATH)
    assert camera.process.wait(60) == -9, camera.journal
    keeping.start(80)
    camera.wait_ready()
    keeping.wait_deleted(sixth)
    press_twice(camera)
    fragments(camera, 10)
    keeping.release(second, "access-request")
    keeping.sweep()
    seventh = keeping.finish()
    keeping.wait_deleted(second)
    keeping.hold(seventh, "complaint")
    keeping.release(first, "complaint")
    assert camera.stop() == 0, camera.journal
    assert sorted({recording for recording, _ in stored(camera.store)}) == [first, seventh]
    return keeping.kept
