"""A camera that dropped the oldest files of its ledger before it sent anything: a station takes it behind its checkpoint, and nobody
else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence.checkpoint import checkpoint_name
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.evidence.ledger_reader import file_name, first_line, starts
from bodycamd.municipality.station.intake import LedgerFirstError
from bodycamd.municipality.station.ledger_copy import LedgerCopy, OffsetError
from bodycamd.municipality.verify.verify import verify
from bodycamd.retention.policy import Rules
from tests.camera.uplink.sent import KilledError, Pair, pair
from tests.kit.resting_camera import DAY
from tests.kit.scale import count, only_in_full


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Pair]:
    """A camera of half a year that keeps its ledger for a month, and has never sent."""
    with pair(tmp_path) as at:
        camera = at.camera
        camera.switch_off()
        camera.rules = Rules(28, 1, None)
        for _ in range(8):
            camera.switch_on(off_us=20 * DAY)
            camera.settle()
            camera.switch_off()
        camera.switch_on(off_us=DAY)
        camera.settle()
        camera.record(segments=2)
        at.station.now = camera.clock.wall_us // 1_000_000
        assert first_kept(camera.store_folder / "ledger") > 1
        yield at


def first_kept(ledger: Path) -> int:
    (found,) = ledger.glob("checkpoint-*.jsonl")
    return int(found.name[11:17])


def first_key(at: Pair) -> PublicKey:
    return PublicKey.from_pem((at.camera.root / "device.pem").read_bytes())


@only_in_full
def test_it_is_taken_and_verifies_at_both_places(old: Pair) -> None:
    old.all_of_it(old.sending())
    old.check_all_there()
    for store in (old.camera.store_folder, old.station.copy("cam-7")):
        assert verify(store, first_key(old)).exit_code == 0
    old.station.close()
    old.station.open()
    old.camera.record(segments=1)
    old.all_of_it(old.sending())
    old.check_all_there()


@only_in_full
@pytest.mark.parametrize("seed", range(count(12)))
def test_killed_anywhere_it_goes_on(seed: int, old: Pair) -> None:
    left = [0]

    def step(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KilledError

    for kill in range(1, 9):
        left[0] = seed + kill
        sending = old.sending(step)
        try:
            old.all_of_it(sending)
        except KilledError:
            sending._station.close()
        if kill % 4 == 0:
            old.station.close()
            old.station.open()
    old.all_of_it(old.sending())
    old.check_all_there()


@only_in_full
def test_what_shortens_after_it_was_sent_changes_nothing_at_the_station(old: Pair) -> None:
    old.all_of_it(old.sending())
    there = old.station.copy("cam-7") / "ledger"
    before = starts(there)
    camera = old.camera
    for _ in range(4):
        camera.switch_off()
        camera.switch_on(off_us=20 * DAY)
        camera.settle()
        camera.record(segments=1)
        old.station.now = camera.clock.wall_us // 1_000_000
        old.all_of_it(old.sending())
    assert starts(camera.store_folder / "ledger")[0] > before[0]
    assert starts(there)[: len(before)] == before, "the station drops nothing"
    assert verify(old.station.copy("cam-7"), first_key(old)).exit_code in (0, 6), "what the camera deleted since is still there"


def parts(at: Pair) -> tuple[int, bytes, list[tuple[int, bytes]]]:
    folder = at.camera.store_folder / "ledger"
    first = first_kept(folder)
    return first, (folder / checkpoint_name(first)).read_bytes(), [(one, (folder / file_name(one)).read_bytes()) for one in starts(folder)]


@only_in_full
def test_it_comes_in_parts_and_is_verified_with_the_last_one(old: Pair, tmp_path: Path) -> None:
    first, raw, files = parts(old)
    copy = LedgerCopy(tmp_path / "copy", first_key(old))
    for at in range(0, len(raw), 700):
        with pytest.raises(OffsetError):
            copy.add_checkpoint(first, at + 1, b"x", last=False)
        copy.add_checkpoint(first, at, raw[at : at + 700], last=at + 700 >= len(raw))
        copy = LedgerCopy(tmp_path / "copy", first_key(old))
    assert copy.checkpoint_bytes(first) == (len(raw), True)
    copy.add_checkpoint(first, len(raw), b"", last=True)
    counted = 0
    for start, content in files:
        copy.append(start, 0, content)
        counted += len(copy.new_lines())
    assert copy.position is not None
    assert counted == sum(content.count(b"\n") for _, content in files)
    with pytest.raises(DataError, match="has begun here"):
        copy.add_checkpoint(first, 0, raw, last=True)


@only_in_full
@pytest.mark.parametrize("change", ["another key", "a byte", "a line less", "nothing", "garbage"])
def test_one_that_leads_from_elsewhere_is_refused_and_leaves_nothing(change: str, old: Pair, tmp_path: Path) -> None:
    first, raw, files = parts(old)
    key = SigningKey.generate().public if change == "another key" else first_key(old)
    lines = raw.splitlines(keepends=True)
    changed = {
        "a byte": raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
        "a line less": b"".join(lines[1:]),
        "nothing": b"",
        "garbage": b"x" * 2000,
    }.get(change, raw)
    copy = LedgerCopy(tmp_path / "copy", key)
    with pytest.raises(DataError, match="begin anew"):
        copy.add_checkpoint(first, 0, changed, last=True)
    assert list(copy.folder.iterdir()) == []
    assert copy.checkpoint_bytes(first) == (0, False)
    with pytest.raises(DataError):
        copy.append(files[0][0], 0, files[0][1])


@only_in_full
def test_a_checkpoint_that_the_camera_does_not_state_counts_for_nothing(old: Pair) -> None:
    """Who has a stolen uplink key could hide the beginning of a ledger behind a checkpoint made of its own, true lines."""
    _, raw, files = parts(old)
    folder = old.camera.store_folder / "ledger"
    hidden = files[0][0]
    line = first_line(folder, hidden)
    assert line is not None
    own = raw + line.text + b"\n"
    intake, key = old.station.intake, first_key(old)
    intake.take_checkpoint("cam-7", key, hidden + 1, 0, own, last=True)
    for start, content in files[1:]:
        at = intake.ledger_progress("cam-7", key, start).size_bytes
        whole = content[: content.rfind(b"\n") + 1]
        intake.take_ledger("cam-7", key, start, at, whole)
    with pytest.raises(NotFoundError):
        intake.ledger_receipt("cam-7", key)
    with pytest.raises(LedgerFirstError):
        intake.segment_progress("cam-7", f"{old.camera.store.start:06d}-0001", "000000.tar")
