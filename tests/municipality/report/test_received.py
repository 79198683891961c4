"""Receipts in the story of a recording, in its list and in words: they tell that it is at a station, and crowd nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.municipality.report.story import read_story
from bodycamd.municipality.words.formats import LocaleWriting
from bodycamd.municipality.words.sentences import in_words
from bodycamd.store.reader import StoreReader
from tests.camera.keeping.sending_camera import ReceiptBook, SendingCamera


def test_a_receipt_for_each_segment_is_told_once_and_in_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = SendingCamera(tmp_path).switch_on()
    book = ReceiptBook(camera)
    recording = camera.record(segments=3)
    for number in (0, 2):
        assert camera.deliver(book.next(recording, number)) == "accepted"
    assert camera.deliver(book.next()) == "accepted"
    camera.switch_off()
    assert StoreReader.open(camera.store_folder).recording(recording).received == 2
    story = read_story(camera.store_folder / "ledger", recording)
    assert story.received == [0, 2]
    assert "uploaded" not in {happening.type for happening in story.happenings}
    told = [line.entry for line in VerifiedLedger(camera.store_folder / "ledger") if line.entry.type == "uploaded"]
    assert [in_words(entry, LocaleWriting("nl")).partition(":")[0] for entry in told] == [
        "Een station heeft segment 0 opgeslagen",
        "Een station heeft segment 2 opgeslagen",
        "Een station heeft het logboek van de camera opgeslagen",
    ]
    assert in_words(told[0]).startswith("A station has stored segment 0: receipt ")
    assert main(["recordings", "show", recording, "--store", str(camera.store_folder)]) == 0
    assert "received     2 of 3 by a station" in capsys.readouterr().out
