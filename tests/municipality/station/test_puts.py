"""A segment whose process died around its put: with a camera that never comes again it goes too, and not before its term."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.staging import Staging
from tests.kit.scale import one_in, only_in_full, sample
from tests.municipality.station.life import DEVICE, STATION_KEY, Life
from tests.municipality.station.sending import sealed


class KilledError(BaseException):
    """The process is gone."""


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    opened = Life(tmp_path)
    yield opened
    opened.close()


def killed(real: Callable[..., object], *, before: Callable[[], object] | None, after: bool) -> Callable[..., object]:
    def step(*arguments: Any, **words: Any) -> object:
        if before is not None:
            before()
        if after:
            real(*arguments, **words)
        raise KilledError

    return step


STEPS = [(FolderStorage, "put_segment"), (Staging, "drop"), (Index, "sign_receipt"), (FolderStorage, "put_receipt")]


@only_in_full
@one_in(3)
@pytest.mark.parametrize("kill", sample([(*step, after) for step in STEPS for after in (True, False)], 3))
def test_of_a_camera_that_never_returns_nothing_stays(kill: tuple[type, str, bool], life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before a step, or after it was done: it goes with the term of what was received, and is told."""
    place, step, after = kill
    name = life.record(segments=1, close=False)
    with monkeypatch.context() as patch:
        patch.setattr(place, step, killed(getattr(place, step), before=None, after=after))
        with pytest.raises(KilledError):
            life.send()
    life.again()
    there = bool(life.here)
    life.off(27)
    life.sweep()
    assert bool(life.here) == there, "not before its term"
    with life.rebuilt() as (done, file):
        assert done.problems == ()
        index = Index.open(f"sqlite:///{file}")
        assert [copy.segments > 0 for copy in CopyIndex(index.database).copies(DEVICE)] == [there], "nor does an index made anew forget it"
        index.close()
    life.off(2)
    life.sweep()
    assert life.here == []
    assert [what for event, what in life.log if event == "deleted"] == [name]


@only_in_full
def test_another_process_deletes_no_recording_whose_segment_is_on_its_way(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be gone before the segment came; and when that process died, the segment would stay for ever."""
    life.record(segments=2)
    life.send_ledger()
    first, second = sealed(life.camera.store_folder)
    life.send_segment(first)
    content = second.read_bytes()
    life.off(29)
    intake = Intake("station-1", STATION_KEY, life.storage, Staging(life.root / "other"), life.index, days=28, clock=life.clock)
    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "put_segment", killed(FolderStorage.put_segment, before=life.sweep, after=True))
        with pytest.raises(KilledError):
            intake.take_segment(DEVICE, life.first_key, second.parent.name, second.name, 0, content, last=True)
    life.again()
    life.off(2)
    life.sweep()
    assert life.here == []
