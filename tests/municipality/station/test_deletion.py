"""Deletion at the station: the same end over every crash, a certificate of it, and whole lives of a camera and its station."""

from __future__ import annotations

from collections.abc import Iterator
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
from tests.kit.scale import count, sample
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


def test_what_came_back_into_its_place_is_not_certified_away(life: Life) -> None:
    name = life.record()
    life.send()
    life.off(29)
    life.sweep()
    (life.storage.camera(DEVICE) / "store" / "recordings" / name).mkdir()
    with pytest.raises(DataError, match="something of"):
        certify("station-1", STATION_KEY, life.index, life.storage, DEVICE, name)


STEP = st.one_of(
    st.sampled_from(
        ["record", "send", "ledger", "sweep", "camera sweeps", "hold here", "hold there", "release", "restart", "doubt", "trust"]
    ),
    st.floats(0.5, 15),
)


@settings(max_examples=count(40))
@given(st.lists(STEP, min_size=5, max_size=30))
def test_lives(tmp_path_factory: pytest.TempPathFactory, steps: list[str | float]) -> None:
    """Nothing early, nothing late, no held one lost, one deletion each, and the index is what a rebuild makes of it."""
    life = Life(tmp_path_factory.mktemp("life"))
    held: dict[str, str] = {}

    def sweeps() -> None:
        for _, name in life.sweep().deleted:
            assert life.true_us - life.ended_us[name] >= 28 * DAY_US or name not in life.received_us, "early"
            assert name not in held.values(), "held"
        if life.confirmed:
            for name in life.here:
                late = life.true_us - life.received_us[name] >= 28 * DAY_US
                assert not late or name in held.values(), "late"

    for nonce, step in enumerate(steps):
        names = sorted(set(life.here) - set(held.values()))
        match step:
            case float() if life.true_us < 1_780_000_000_000_000:
                life.off(step)
            case "record":
                life.record(segments=1, fragments=1)
            case "send":
                life.send()
            case "ledger":
                life.send_ledger()
            case "sweep":
                sweeps()
            case "camera-sweeps":
                life.camera.sweep()
            case "hold-here" if names:
                held[life.order(life.camera.to_hold(names[0], nonce)).id] = names[0]
            case "hold-there" if there := sorted(set(life.camera.present()) - set(held.values())):
                hold = life.camera.to_hold(there[0], nonce)
                if life.camera.deliver(hold).outcome == "held":
                    life.send_ledger()
                    held[hold.id] = there[0]
            case "release" if held:
                release = life.camera.to_release(next(iter(held)), nonce=nonce)
                life.order(release)
                del held[next(iter(held))]
            case "restart":
                life.again()
            case "doubt" | "trust":
                life.confirmed = step == "trust"
            case _:
                pass
    life.confirmed = True
    life.send_ledger()
    sweeps()
    events = [what for event, what in life.log if event == "deleted"]
    assert len(events) == len(set(events))
    with life.rebuilt() as (done, file):
        assert done.problems == ()
        assert rows(file) == rows(life.root / "station" / "index.sqlite")
    life.close()
