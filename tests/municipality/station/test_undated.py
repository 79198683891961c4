"""A store that locks gets nothing while no confirmed clock says until when: a wrong lock cannot be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station.door import Refusal, refusing
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.s3_storage import S3Storage
from bodycamd.municipality.station.segments import StoredSegment
from tests.kit.scale import one_in
from tests.municipality.station.life import DAY_US, DEVICE, Life
from tests.municipality.station.sending import sealed


class LockingStorage(FolderStorage):
    """Keeps in mind until when it was to lock."""

    locks = S3Storage.locks
    until_us: list[int]

    def put_segment(self, device: str, segment: StoredSegment, staged: Path, kept_until_us: int, now_us: int) -> int:
        self.until_us.append(kept_until_us)
        return super().put_segment(device, segment, staged, kept_until_us, now_us)


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    monkeypatch.setattr(LockingStorage, "until_us", [], raising=False)
    opened = Life(tmp_path, storage=LockingStorage)
    yield opened
    opened.close()


@one_in(3)
@pytest.mark.parametrize("ahead_days", [-400, 0, 700])
def test_nothing_is_locked_by_a_clock_that_is_not_confirmed(ahead_days: int, life: Life) -> None:
    name = life.record(segments=1)
    life.send_ledger()
    (file,) = sealed(life.camera.store_folder)
    content = file.read_bytes()

    def send(offset: int) -> None:
        with refusing():
            life.intake.take_segment(DEVICE, life.first_key, name, file.name, offset, content[offset:], last=True)

    life.confirmed, life.ahead_us = False, ahead_days * DAY_US
    for offset in (0, len(content)):
        with pytest.raises(Refusal) as refusal:
            send(offset)
        assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (503, "60")
    assert (LockingStorage.until_us, life.here, life.copies.copies(DEVICE)[0].segments) == ([], [], 0)
    assert life.intake.ledger_receipt(DEVICE, life.first_key).receipt.recording is None, "the ledger's is not waited for"
    life.confirmed, life.ahead_us = True, 0
    send(len(content))
    (until_us,) = LockingStorage.until_us
    assert until_us <= life.true_us + 28 * DAY_US
    receipt = life.intake.segment_progress(DEVICE, name, file.name).receipt
    assert receipt is not None
    assert wall_us(receipt.receipt.kept_until, "kept_until") == until_us // 1000 * 1000
