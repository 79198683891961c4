"""How long the station keeps its copies: nothing early, nothing late, nothing that is held, and the same end over every crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bodycamd.errors import NotFoundError
from bodycamd.evidence import receipts
from bodycamd.evidence.orders import Hold, Interval
from bodycamd.evidence.statements import wall_text, wall_us
from bodycamd.municipality.station.copy_index import CopyIndex
from tests.evidence.ordering import HOLD, ordered
from tests.kit.scale import only_in_full
from tests.municipality.station.life import DAY_US, DEVICE, Life


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    opened = Life(tmp_path)
    yield opened
    opened.close()


def test_a_copy_goes_when_its_term_is_over_and_not_before(life: Life) -> None:
    name = life.record()
    life.send()
    life.off(27.9)
    assert (life.sweep().deleted, life.here) == ((), [name])
    life.off(0.1)
    assert (life.sweep().deleted, life.here) == (((DEVICE, name),), [])
    (deleting, why), deleted = life.log[-2:]
    assert (deleting, deleted) == ("deleting", ("deleted", name))
    assert why.startswith(f"{name}: 28 days have passed")


@only_in_full
def test_what_came_late_goes_by_when_it_was_recorded(life: Life) -> None:
    """By the camera's clock: the camera goes by it too."""
    name = life.record()
    life.off(20)
    life.send()
    life.off(7.9)
    life.send_ledger()
    assert life.sweep().deleted == ()
    life.off(0.2)
    life.send_ledger()
    assert life.sweep().deleted == ((DEVICE, name),)
    assert "28 days have passed by confirmed clocks" in life.log[-2][1]


def test_the_cameras_shorter_term_counts(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.camera.switch_off()
    life.camera.rules = replace(life.camera.rules, days=14)
    life.camera.switch_on(off_us=DAY_US)
    life.camera.settle()
    name = life.record()
    life.send()
    life.off(13.9)
    assert life.sweep().deleted == ()
    life.off(0.2)
    assert life.sweep().deleted == ((DEVICE, name),)
    life.close()


@only_in_full
def test_a_term_that_became_shorter_counts_for_what_comes_later(life: Life) -> None:
    """What a receipt promised stays so long."""
    name = life.record()
    life.send()
    life.camera.switch_off()
    life.camera.rules = replace(life.camera.rules, days=14)
    life.camera.switch_on(off_us=15 * DAY_US)
    life.camera.settle()
    life.send_ledger()
    assert (life.sweep().deleted, life.here) == ((), [name])
    life.off(13.1)
    assert life.sweep().deleted == ((DEVICE, name),)


def test_without_a_confirmed_clock_nothing_goes_and_it_is_told(life: Life) -> None:
    name = life.record()
    life.send()
    life.off(40)
    life.confirmed = False
    swept = life.sweep()
    assert (swept.deleted, swept.undated) == ((), ((DEVICE, name),))
    life.confirmed = True
    assert life.sweep().deleted == ((DEVICE, name),)


@only_in_full
def test_what_came_under_a_wrong_clock_is_dated_by_the_next_right_one(life: Life) -> None:
    """The station's clock stood forty days behind when it came: nothing is deleted for that when it is put right."""
    life.camera.clock.trusted = False
    life.off(1)
    name = life.record()
    life.confirmed, life.ahead_us = False, -40 * DAY_US
    life.send()
    life.confirmed, life.ahead_us = True, 0
    assert (life.sweep().deleted, life.here) == ((), [name])
    assert ("receipts_dated", "2 segments") in life.log
    life.off(27.9)
    assert life.sweep().deleted == ()
    life.off(0.2)
    assert life.sweep().deleted == ((DEVICE, name),)


@only_in_full
def test_a_hold_of_the_camera_holds_here_until_it_is_released_there(life: Life) -> None:
    name = life.record()
    hold = life.camera.to_hold(name)
    life.camera.deliver(hold)
    life.send()
    life.off(40)
    life.send_ledger()
    swept = life.sweep()
    assert (swept.deleted, swept.held) == ((), ((DEVICE, name),))
    life.camera.deliver(life.camera.to_release(hold.id))
    life.send_ledger()
    assert life.sweep().deleted == ((DEVICE, name),)


@only_in_full
def test_a_hold_at_the_station_alone_keeps_what_the_camera_has_deleted(life: Life) -> None:
    """The camera was switched off and did not hear of it in time."""
    name, other = life.record(), life.record()
    life.send()
    life.off(27)
    hold = life.order(life.camera.to_hold(name))
    life.off(2)
    life.camera.sweep()
    assert life.camera.present() == []
    life.send()
    assert life.sweep().deleted == ((DEVICE, other),)
    life.again()
    life.off(20)
    assert (life.sweep().held, life.here) == (((DEVICE, name),), [name])
    life.order(life.camera.to_release(hold.id))
    assert life.sweep().deleted == ((DEVICE, name),)


@only_in_full
def test_a_release_that_came_first_ends_the_hold_here_too(life: Life) -> None:
    name = life.record()
    hold = life.camera.to_hold(name)
    life.order(life.camera.to_release(hold.id))
    life.order(hold)
    life.send()
    life.off(29)
    assert life.sweep().deleted == ((DEVICE, name),)


def test_a_hold_by_somebody_who_may_not_hold_holds_nothing_here(life: Life) -> None:
    name = life.record()
    body = HOLD.body
    assert isinstance(body, Hold)
    life.order(ordered(replace(HOLD, body=replace(body, recording=name), person="C-01")))
    life.send()
    life.off(29)
    assert life.sweep().deleted == ((DEVICE, name),)


@only_in_full
def test_a_hold_of_a_stretch_of_time_holds_what_may_have_been_then(life: Life) -> None:
    before = life.record()
    life.off(2)
    begin_us = life.true_us
    during = life.record()
    end_us = life.true_us
    life.off(2)
    after = life.record()
    made = wall_text(life.true_us)
    body = Hold(
        ground="complaint",
        reference="Z-2026/00123",
        review_on="2026-09-01",
        interval=Interval(since=wall_text(begin_us), until=wall_text(end_us)),
    )
    life.order(ordered(replace(HOLD, body=body, made_at=made)))
    life.send()
    life.off(31)
    life.camera.sweep()
    life.send()
    assert [name for _, name in life.sweep().deleted] == [before, after]
    assert life.here == [during]


def test_a_hold_that_comes_after_the_decision_wins_unless_the_deletion_has_begun(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    name = life.record()
    life.send()
    life.off(29)
    real = CopyIndex.begin

    def held_first(index: CopyIndex, *arguments: Any) -> bool:
        life.order(life.camera.to_hold(name))
        return real(index, *arguments)

    monkeypatch.setattr(CopyIndex, "begin", held_first)
    assert (life.sweep().deleted, life.here) == ((), [name])


def from_the_camera(life: Life, _: str) -> None:
    """The camera's own hold comes in its ledger, to another process of the station."""
    here = life.index
    life.open()
    life.send_ledger()
    life.index.close()
    life.index = here


def in_place_of_another(life: Life, name: str) -> None:
    """As many orders hold as before."""
    (before,) = life.copies.held(DEVICE).orders
    life.order(life.camera.to_release(before))
    life.order(life.camera.to_hold(name))


@only_in_full
@pytest.mark.parametrize("comes", [from_the_camera, in_place_of_another])
def test_a_hold_that_comes_between_the_decision_and_the_deletion_wins(
    life: Life, monkeypatch: pytest.MonkeyPatch, comes: Callable[[Life, str], None]
) -> None:
    """Whichever way it comes."""
    name = life.record()
    life.send()
    life.order(life.camera.to_hold("000099-0001", 1))
    if comes is from_the_camera:
        life.camera.hold(name)
    sweeper, real = life.sweeper, CopyIndex.begin
    life.off(29)
    came: list[str] = []

    def after_the_decision(index: CopyIndex, *arguments: Any) -> bool:
        if not came:
            came.append(name)
            comes(life, name)
        return real(index, *arguments)

    monkeypatch.setattr(CopyIndex, "begin", after_the_decision)
    assert (sweeper.run().deleted, came, life.here) == ((), [name], [name])
    life.again()
    assert (life.sweep().held, life.here) == (((DEVICE, name),), [name])


def test_a_process_with_an_older_ledger_deletes_nothing(life: Life) -> None:
    """The camera has moved to another process, and a hold of the camera's own stands in what came there."""
    name = life.record()
    life.send()
    life.sweep()
    older, older_index, older_intake = life.sweeper, life.index, life.intake
    life.open()
    life.camera.hold(name)
    life.send_ledger()
    life.off(29)
    assert (older.run().deleted, life.here) == ((), [name])
    assert (life.sweep().held, life.here) == (((DEVICE, name),), [name])
    older_index.close()
    assert older_intake is not life.intake


def test_what_is_deleted_is_not_taken_again(life: Life) -> None:
    name = life.record()
    file = next((life.camera.store_folder / "recordings" / name).iterdir())
    content = file.read_bytes()
    life.send()
    life.camera.hold(name)
    life.off(29)
    assert life.sweep().deleted == ((DEVICE, name),)
    with pytest.raises(NotFoundError, match="its term is over"):
        life.intake.take_segment(DEVICE, life.first_key, name, file.name, 0, content, last=True)
    life.again()
    with pytest.raises(NotFoundError, match="its term is over"):
        life.intake.segment_progress(DEVICE, name, file.name)


def test_what_never_came_is_forgotten_when_the_camera_has_deleted_it(life: Life) -> None:
    life.record()
    life.send_ledger()
    life.off(29)
    assert life.sweep().deleted == ()
    life.camera.sweep()
    life.send_ledger()
    assert len(life.sweep().deleted) == 1
    assert life.copies.copies(DEVICE) == []


@only_in_full
def test_a_recording_without_an_end_goes_by_when_it_came(life: Life) -> None:
    """Of a camera that was lost while it recorded."""
    name = life.record(close=False)
    life.send()
    life.off(27.9)
    assert life.sweep().deleted == ()
    life.off(0.2)
    assert life.sweep().deleted == ((DEVICE, name),)


def test_a_receipt_says_recorded_on_plus_the_term_and_never_more_than_received_plus_it(life: Life) -> None:
    name = life.record()
    life.off(3)
    life.send()
    for raw in life.storage.receipts(DEVICE):
        receipt = receipts.decode(raw, "x").receipt
        until_us = wall_us(receipt.kept_until, "x")
        assert until_us <= wall_us(receipt.stored_at, "x") + 28 * DAY_US
        assert 0 <= until_us - life.ended_us[name] - 28 * DAY_US < 120_000_000
