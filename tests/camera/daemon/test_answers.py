"""A station's answer that a courier brings over the control socket: which one is taken, and for which footage is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bodycamd.camera.daemon import handing_out
from bodycamd.camera.daemon.protocol import AskWaiting, Deliver
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.camera.keeping.waiting import Question, Waiting
from bodycamd.errors import UsageError
from tests.camera.daemon.test_handing_out import Desk, Reads, run
from tests.camera.keeping.room_camera import Answering, RoomCamera
from tests.camera.keeping.sending_camera import ReceiptBook


def test_a_stations_answer_comes_back_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No footage is read for one that answers nothing, or that no station signed."""
    reads = Reads()
    monkeypatch.setattr(handing_out, "_sha256", reads)

    async def test(desk: Desk) -> None:
        assert isinstance(desk.camera, RoomCamera)
        desk.camera.settle()
        book, station = ReceiptBook(desk.camera), Answering(desk.camera)
        for number in (0, 1):
            await desk.ask(Deliver(document=book.next(desk.recording, number).document.file_bytes), Delivered)
            station.store(desk.recording, number)
        for number in (0, 1):
            question = (await desk.ask(AskWaiting(), Waiting)).question
            assert (question.recording, question.segment, question.file) == (desk.recording, number, f"{number:06d}.tar")
            forged = station.answer(question, by="nobody").document.file_bytes
            assert (await desk.ask(Deliver(document=forged), Delivered)).outcome == "not_signed"
            assert len(reads.files) == number
            answer = station.answer(question).document.file_bytes
            assert (await desk.ask(Deliver(document=answer), Delivered)).done
            assert (await desk.ask(Deliver(document=answer), Delivered)).outcome == "not_asked"
        assert reads.files == ["000000.tar", "000001.tar"]
        assert (await desk.ask(AskWaiting(), Waiting)).question is None
        desk.camera.short()
        desk.camera.work()
        assert desk.camera.for_room() == [desk.recording]

    run(tmp_path, test, RoomCamera)


def test_a_camera_that_makes_no_room_takes_no_answer(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        question = Question(recording=desk.recording, segment=0, file="000000.tar", nonce="ab" * 32)
        camera: Any = desk.camera
        answer = Answering(camera).answer(question).document.file_bytes
        with pytest.raises(UsageError, match="makes no room"):
            await desk.ask(Deliver(document=answer), Delivered)

    run(tmp_path, test)
