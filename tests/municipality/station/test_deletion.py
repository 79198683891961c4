"""Deletion at the station: the same end over every crash, a certificate of it, and whole lives of a camera and its station."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.municipality.publish import certificate as camera_certificate
from bodycamd.municipality.station import deletion_certificate, sweep
from bodycamd.municipality.station.copy_index import CopyIndex
from bodycamd.municipality.station.deletion_certificate import certify
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.staging import Staging
from tests.kit.scale import count, one_in, only_in_full, sample
from tests.municipality.station.life import DAY_US, DEVICE, STATION_KEY, Life
from tests.municipality.station.test_rebuild import rows


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    opened = Life(tmp_path)
    yield opened
    opened.close()


def failing(*_: object) -> None:
    raise StorageError("cut")


STEPS = {
    "the log is not kept": (sweep, "keep_log"),
    "what is staged is not dropped": (Staging, "drop_recording"),
    "the segments are not removed": (FolderStorage, "delete_recording"),
    "the rows are not removed": (CopyIndex, "finish"),
}


@one_in(2)
@pytest.mark.parametrize("crash", sample([(step, after) for step in STEPS for after in (False, True)], 5))
def test_a_crash_at_any_step_comes_to_the_same_end(crash: tuple[str, bool], life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the step, or after it was done."""
    step, after = crash
    name = life.record()
    life.send()
    life.off(29)
    place, function = STEPS[step]
    real = getattr(place, function)

    def cut(*arguments: Any) -> None:
        real(*arguments)
        raise StorageError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(place, function, cut if after else failing)
        assert life.sweep().problems == ("cut",)
    life.order(life.camera.to_hold(name))
    life.again()
    life.sweep()
    assert (life.here, life.copies.copies(DEVICE), life.copies.begun()) == ([], [], [])
    assert [event for event, _ in life.log].count("deleting") == [event for event, _ in life.log].count("deleted") == 1
    with life.rebuilt() as (done, file):
        assert done.problems == ()
        assert rows(file) == rows(life.root / "station" / "index.sqlite")


def test_something_else_in_its_folder_is_left_and_told(life: Life) -> None:
    name = life.record()
    life.send()
    stray = life.storage.camera(DEVICE) / "store" / "recordings" / name / "note.txt"
    stray.write_text("x")
    life.off(29)
    assert "note.txt is no segment" in life.sweep().problems[0]
    with pytest.raises(NotFoundError, match="not deleted at this station"):
        certify("station-1", STATION_KEY, life.index, life.storage, DEVICE, name)
    stray.unlink()
    life.sweep()
    assert life.here == []


@only_in_full
def test_what_cannot_be_removed_stops_no_other_copy(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stuck one is told at each sweep, whether it is begun now or was before, and goes when it can."""
    first, second, third = (life.record(segments=1, fragments=1) for _ in range(3))
    life.send()
    life.off(29)
    stuck = {first, third}
    real = FolderStorage.delete_recording

    def removed(storage: FolderStorage, device: str, recording: str) -> None:
        if recording in stuck:
            raise StorageError(f"{recording} is stuck")
        real(storage, device, recording)

    monkeypatch.setattr(FolderStorage, "delete_recording", removed)
    swept = life.sweep()
    assert (swept.deleted, swept.problems) == (((DEVICE, second),), (f"{first} is stuck", f"{third} is stuck"))
    stuck.remove(third)
    fourth = life.record(segments=1, fragments=1)
    life.send(fourth)
    life.off(29)
    life.again()
    swept = life.sweep()
    assert (swept.deleted, swept.problems, life.here) == (((DEVICE, fourth),), (f"{first} is stuck",), [first])
    stuck.clear()
    assert (life.sweep().problems, life.here, life.copies.begun()) == ((), [], [])
    assert sorted(what for event, what in life.log if event == "deleted") == [first, second, third, fourth]


def test_both_places_are_certified(life: Life) -> None:
    name = life.record()
    life.send()
    with pytest.raises(NotFoundError, match="not deleted at this station"):
        certify("station-1", STATION_KEY, life.index, life.storage, DEVICE, name)
    life.off(29)
    life.camera.sweep()
    life.send_ledger()
    life.sweep()
    made = certify("station-1", STATION_KEY, life.index, life.storage, DEVICE, name)
    said, document = deletion_certificate.decode(made.file_bytes, "x")
    assert document.signers([STATION_KEY.public]) == {STATION_KEY.public.id}
    assert (said.device, said.recording, said.why.partition(";")[0]) == (DEVICE, name, "28 days have passed by confirmed clocks")
    assert camera_certificate.certify(life.storage.camera(DEVICE) / "store", name).recording == name


@only_in_full
def test_what_came_back_into_its_place_is_not_certified_away(life: Life) -> None:
    name = life.record()
    life.send()
    life.off(29)
    life.sweep()
    (life.storage.camera(DEVICE) / "store" / "recordings" / name).mkdir()
    with pytest.raises(DataError, match="something of"):
        certify("station-1", STATION_KEY, life.index, life.storage, DEVICE, name)


class Lived:
    """A life, and what must be true of it whatever is done. Each deed says whether there was anything to do."""

    def __init__(self, root: Path) -> None:
        self.life = Life(root)
        self.held: dict[str, str] = {}
        self.nonce = 0
        self.done: Counter[str] = Counter()

    def do(self, deed: str | float) -> None:
        self.nonce += 1
        if isinstance(deed, str):
            self.done[deed] += DEEDS[deed](self)
        elif self.life.true_us < 1_780_000_000_000_000:
            self.life.off(deed)

    def record(self) -> bool:
        self.life.record(segments=1, fragments=1)
        return True

    def send(self) -> bool:
        self.life.send()
        return bool(self.life.received_us)

    def send_ledger(self) -> bool:
        self.life.send_ledger()
        return True

    def sweep(self) -> bool:
        life, held = self.life, self.held.values()
        deleted = life.sweep().deleted
        for _, name in deleted:
            assert life.true_us - life.ended_us[name] >= 28 * DAY_US or name not in life.received_us, "early"
            assert name not in held, "held"
        if life.confirmed:
            for name in life.here:
                assert life.true_us - life.received_us[name] < 28 * DAY_US or name in held, "late"
        return bool(deleted)

    def camera_sweeps(self) -> bool:
        return bool(self.life.camera.sweep())

    def hold_here(self) -> bool:
        free = sorted(set(self.life.here) - set(self.held.values()))
        if free:
            self.held[self.life.order(self.life.camera.to_hold(free[0], self.nonce)).id] = free[0]
        return bool(free)

    def hold_there(self) -> bool:
        free = sorted(set(self.life.camera.present()) - set(self.held.values()))
        if not free:
            return False
        hold = self.life.camera.to_hold(free[0], self.nonce)
        if self.life.camera.deliver(hold).outcome != "held":
            return False
        self.life.send_ledger()
        self.held[hold.id] = free[0]
        return True

    def release(self) -> bool:
        hold = next(iter(self.held), None)
        if hold is None:
            return False
        release = self.life.order(self.life.camera.to_release(hold, nonce=self.nonce))
        if hold in (there for _, there in self.life.camera.held):
            self.life.camera.deliver(release)
        del self.held[hold]
        return True

    def restart(self) -> bool:
        self.life.again()
        return True

    def doubt(self) -> bool:
        self.life.confirmed = False
        return True

    def trust(self) -> bool:
        self.life.confirmed = True
        return True

    def end(self) -> None:
        """The clock is confirmed, the ledger is sent, what is due goes, and the index is what a rebuild makes of it."""
        life = self.life
        life.confirmed = True
        life.send_ledger()
        self.sweep()
        events = [what for event, what in life.log if event == "deleted"]
        assert len(events) == len(set(events))
        with life.rebuilt() as (done, file):
            assert done.problems == ()
            assert rows(file) == rows(life.root / "station" / "index.sqlite")
        life.close()


DEEDS: dict[str, Callable[[Lived], bool]] = {
    name: deed for name, deed in vars(Lived).items() if name not in ("do", "end") and not name.startswith("_")
}
"""The only list of them: what is drawn is what is done."""


@only_in_full
@pytest.mark.timeout(600)
@settings(max_examples=count(40))
@given(st.lists(st.one_of(st.sampled_from(sorted(DEEDS)), st.floats(0.5, 15)), min_size=5, max_size=30))
def test_lives(tmp_path_factory: pytest.TempPathFactory, deeds: list[str | float]) -> None:
    """Nothing early, nothing late, no held one lost, one deletion each, and the index is what a rebuild makes of it."""
    lived = Lived(tmp_path_factory.mktemp("life"))
    for deed in deeds:
        lived.do(deed)
    lived.end()


@only_in_full
def test_a_life_in_which_everything_happens(tmp_path: Path) -> None:
    """So that no deed of the lives above comes to nothing, whatever their dice say."""
    lived = Lived(tmp_path)
    for deed in [*["record"] * 3, "send", "hold_there", "hold_here", "doubt"]:
        lived.do(deed)
    lived.do(29.0)
    lived.do("sweep")
    assert len(lived.life.here) == 3
    for deed in ["trust", "sweep", "restart", "send_ledger", "sweep"]:
        lived.do(deed)
    assert sorted(lived.held.values()) == lived.life.here == ["000001-0001", "000001-0002"]
    for deed in ["release", "camera_sweeps", "sweep"]:
        lived.do(deed)
    assert list(lived.held.values()) == lived.life.here == ["000001-0002"]
    assert {deed: lived.done[deed] for deed in DEEDS if not lived.done[deed]} == {}
    lived.end()
