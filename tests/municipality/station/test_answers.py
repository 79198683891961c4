"""Questions of cameras whether a segment is still there: who asks without end is answered now and then, and keeps nothing else waiting."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bodycamd.evidence import answers
from bodycamd.municipality.station.answer_pace import AT_ONCE, SECONDS, AnswerPace, TooSoonError
from tests.kit.scale import only_in_full
from tests.municipality.station.conftest import FilmedStore, Station
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment

NONCE = "ab" * 32


@pytest.fixture
def stored(filmed: FilmedStore, link: CameraLink) -> Path:
    """A segment that the station has."""
    send_ledger(link, filmed.store)
    file = next(sealed(filmed.store))
    assert send_segment(link, file).status_code == 200
    return file


def question(file: Path) -> str:
    return f"recordings/{file.parent.name}/{file.name}/answer?nonce={NONCE}"


def test_while_a_segment_is_read_for_an_answer_the_camera_and_the_sweep_go_on(
    stored: Path, station: Station, link: CameraLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, codes = station.storage.digest, []

    def watched(device: str, recording: str, file: str, before: bytes) -> str:
        with station.intake.alone(device):
            pass
        codes.append(link.ask("POST", question(stored)).status_code)
        codes.append(link.ask("POST", "receipts").status_code)
        return digest(device, recording, file, before)

    monkeypatch.setattr(station.storage, "digest", watched)
    reply = link.ask("POST", question(stored))
    assert (reply.status_code, codes) == (200, [429, 200]), "one answer at a time, and what else it asks for at once"
    found = answers.decode(reply.content, "the answer")
    assert found.answer.sha256 == hashlib.sha256(bytes.fromhex(NONCE) + stored.read_bytes()).hexdigest()


@only_in_full
def test_who_asks_without_end_is_told_when_to_ask_again(stored: Path, station: Station, link: CameraLink) -> None:
    now = [0.0]
    station.intake._pace = AnswerPace(lambda: now[0])
    assert {link.ask("POST", question(stored)).status_code for _ in range(AT_ONCE)} == {200}
    refused = link.ask("POST", question(stored))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert link.ask("POST", "receipts").status_code == 200, "nothing else is refused"
    now[0] = SECONDS
    assert [link.ask("POST", question(stored)).status_code for _ in range(2)] == [200, 429]


def test_a_pace_is_one_cameras_and_comes_back() -> None:
    now, waits = [100.0], []
    pace = AnswerPace(lambda: now[0])

    def answered(device: str) -> int:
        for count in range(3 * AT_ONCE):
            try:
                with pace.one(device):
                    pass
            except TooSoonError as error:
                waits.append(error.after_seconds)
                return count
        raise AssertionError("it has no end")

    assert [answered("cam-7"), answered("cam-7"), answered("cam-8")] == [AT_ONCE, 0, AT_ONCE]
    now[0] += 3.5 * SECONDS
    assert answered("cam-7") == 3
    now[0] += 1000 * SECONDS
    assert answered("cam-7") == AT_ONCE
    with pytest.raises(ZeroDivisionError), pace.one("cam-9"):
        raise ZeroDivisionError
    assert answered("cam-9") == AT_ONCE - 1
    assert all(0 < wait <= SECONDS for wait in waits)
