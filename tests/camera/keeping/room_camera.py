"""A resting camera on a small disk that makes room out of what its station has, and a station that answers it, well or badly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.making_room import MakingRoom
from bodycamd.camera.keeping.opening import keep
from bodycamd.camera.keeping.rosters import Prepared, Rosters
from bodycamd.camera.keeping.sending import Sending
from bodycamd.camera.keeping.waiting import Question
from bodycamd.camera.recorder.journal import Journal
from bodycamd.camera.recorder.progress import Progress
from bodycamd.camera.recorder.store import Store
from bodycamd.evidence import answers
from bodycamd.evidence.answers import CopyAnswer, SignedAnswer
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.ledger_reader import Line
from bodycamd.evidence.retention_entries import RecordingDeleted, RecordingDeleting
from bodycamd.evidence.statements import Stated, wall_text
from bodycamd.linux.disk import Disk
from bodycamd.retention.ledger_index import Facts
from bodycamd.retention.room import Need
from tests.camera.keeping.sending_camera import SendingCamera
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW_US, key

PLENTY = 1 << 40


class CutError(BaseException):
    """The power is gone."""


class SmallDisk(Disk):
    """It has `room_bytes`, less what lies in the store. A removal is the last thing that happens where `cut_after` has come to 0."""

    def __init__(self, recordings: Path) -> None:
        self.recordings = recordings
        self.room_bytes = PLENTY
        self.cut_after: int | None = None
        self.held_open = False
        """What is removed is open somewhere, and gives no room."""
        self._open_bytes = 0

    def free_bytes(self, path: Path) -> int:
        return self.room_bytes - self._open_bytes - sum(file.stat().st_size for file in self.recordings.glob("*/*"))

    def remove(self, path: Path) -> None:
        self.step()
        self._open_bytes += path.stat().st_size if self.held_open else 0
        super().remove(path)

    def fsync_folder(self, path: Path) -> None:
        self.step()
        super().fsync_folder(path)

    def remove_folder(self, path: Path) -> None:
        self.step()
        super().remove_folder(path)

    def step(self) -> None:
        if self.cut_after is not None:
            if self.cut_after == 0:
                raise CutError
            self.cut_after -= 1


class RoomCamera(SendingCamera):
    """As a daemon opens it, with `storage.when_full: overwrite_sent`. `short` leaves so little room that everything goes that may."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.small = SmallDisk(self.store_folder / "recordings")
        self.disk = self.small
        self.in_force = IN_FORCE
        self.need = Need(least_bytes=PLENTY // 2, ahead_bytes=2 * PLENTY)

    def switch_on(self, *, off_us: int = 0, same_boot: bool = False) -> RoomCamera:
        if not same_boot:
            self.boot += 1
            self.clock.wall_us += off_us
            self.clock.boottime_us = 1_000_000
        self.recorded = 0
        self.sending = Sending(self.station, "cam-7", self.clock)
        rosters = Rosters(Prepared(self.in_force.roster.root, self.in_force, self.root / "rosters"))
        rosters.in_force = self.in_force
        recordings = self.store_folder / "recordings"
        self.making_room = MakingRoom(rosters, "cam-7", recordings, disk=self.small, need=self.need, reserve_bytes=0, clock=self.clock)
        facts = Facts()

        def follow(line: Line) -> None:
            self.sending.take(line)
            self.making_room.sent.take(line.entry, line.detail)

        def watch(line: Line) -> None:
            facts.take(line.entry, line.detail)
            follow(line)

        store = Store.open(
            self.store_folder,
            signing=self.root / "signing",
            device_id="cam-7",
            clock=self.clock,
            config_sha256="0" * 64,
            boot_id=f"boot-{self.boot}",
            disk=self.small,
            watch=watch,
        )
        self.sending.attach(lambda: (store.start, store.ledger.durable_bytes))
        keeper = keep(store, self.clock, self.rules, facts, follow)
        keeper.making_room = self.making_room
        self._opened = store, keeper
        self.journal = Journal(store.ledger, now_us=self.clock.now_us, progress=Progress(self.clock.now_us), post=lambda _: None)
        return self

    def short(self) -> None:
        self.small.room_bytes = 0

    def work(self, *, recording: bool = True, most: int = 500) -> None:
        """As the writer does: step for step, until nothing is left to do. The clock goes on so far that it is looked at."""
        self.clock.advance(5_000_000)
        for _ in range(most):
            if not self.keeper.step(self.journal, recording=recording):
                return
        raise AssertionError("it does not come to rest")

    def enter(self, detail: Stated) -> None:
        """An entry, before and after which the power may go too."""
        self.small.step()
        self.store.ledger.note(detail)
        self.small.step()

    def question(self) -> Question | None:
        self.clock.advance(5_000_000)
        return self.keeper.question(lambda recording, number: self.sending.numbered(recording, number).file)

    def tell(self, signed: SignedAnswer) -> Delivered:
        """As `HandingOut.take_answer` does."""
        self.keeper.held()
        refused = self.making_room.refusal(signed, self.keeper.wall_us)
        if refused is not None:
            return refused
        answer = signed.answer
        file = self.sending.numbered(answer.recording, answer.segment).file
        content = (self.store_folder / "recordings" / answer.recording / file).read_bytes()
        own = hashlib.sha256(bytes.fromhex(answer.nonce) + content).hexdigest()
        told = self.making_room.deliver(signed, own, self.keeper.wall_us, self.store.ledger.note)
        self.keeper.held()
        return told

    def for_room(self) -> list[str]:
        """What went to make room, in its order."""
        lines = VerifiedLedger(self.store_folder / "ledger")
        return [line.detail.recording for line in lines if isinstance(line.detail, RecordingDeleting) and line.detail.proof == "receipt"]

    def gone(self) -> list[str]:
        return [line.detail.recording for line in VerifiedLedger(self.store_folder / "ledger") if isinstance(line.detail, RecordingDeleted)]

    def details(self, kind: type[Stated]) -> list[Stated]:
        return [line.detail for line in VerifiedLedger(self.store_folder / "ledger") if isinstance(line.detail, kind)]


@dataclass
class Answering:
    """What station-1 has of a camera: by recording and segment, the bytes."""

    camera: RoomCamera
    has: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def store(self, recording: str, number: int) -> None:
        name = f"{number:06d}.tar"
        self.has[recording, number] = (self.camera.store_folder / "recordings" / recording / name).read_bytes()

    def unsigned(self, question: Question, **changes: Any) -> CopyAnswer:
        content = self.has.get((question.recording, question.segment), b"")
        made = CopyAnswer(
            station="station-1",
            device="cam-7",
            recording=question.recording,
            segment=question.segment,
            nonce=question.nonce,
            sha256=hashlib.sha256(bytes.fromhex(question.nonce) + content).hexdigest(),
            answered_at=wall_text(NOW_US),
        )
        return replace(made, **changes)

    def answer(self, question: Question, by: str = "station-1", **changes: Any) -> SignedAnswer:
        return answers.sign(self.unsigned(question, **changes), key(by))

    def answer_all(self, most: int = 100) -> int:
        """Whatever is asked; how many questions those were."""
        for count in range(most):
            question = self.camera.question()
            if question is None:
                return count
            told = self.camera.tell(self.answer(question))
            assert told.done, told
        raise AssertionError("it asks for ever")
