"""A ledger comes to the station in parts: whatever is sent, in whatever order, what is there verifies and is the camera's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.linux import durable
from bodycamd.municipality.station import ledger_copy
from bodycamd.municipality.station.ledger_copy import MAX_RESTS, PENDING, RESTS_FOLDER, LedgerCopy, OffsetError, RestMissingError
from bodycamd.municipality.station.ledger_view import ledger_lines
from tests.evidence.making import ledger_line
from tests.evidence.written_ledger import KEYS, MEMORY, TORN, Written, sha, torn_file
from tests.kit.scale import count, only_in_full

REGISTERED = KEYS[0].public


@pytest.fixture
def camera(tmp_path: Path) -> Written:
    """Four starts: the second ends torn, the third is nothing but torn."""
    written = Written(tmp_path / "camera" / "ledger")
    written.start(1, ("marker", {}), ("marker", {}))
    written.start(2, ("marker", {}), rest=TORN)
    written.put(3, TORN)
    written.good[3] = b""
    torn = [torn_file(2, written.good[2], TORN), torn_file(3, b"", TORN)]
    written.order |= {4: 2, 5: 3}
    written.start(
        4, ("marker", {}), stated={"torn_ledgers": [{field: getattr(one, field) for field in one.__struct_fields__} for one in torn]}
    )
    written.start(5, ("marker", {}), ("marker", {}))
    return written


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def state(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that is below it: when it was changed, how large it is, and what it says."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))] if folder.exists() else ():
        told = path.stat()
        found[str(path.relative_to(folder))] = (told.st_mtime_ns, told.st_size, path.read_bytes() if path.is_file() else b"")
    return found


def send(camera: Written, copy: LedgerCopy, *, most: int = 1 << 20) -> None:
    """As a camera sends: what is missing, in whole lines, and a rest when it is asked for."""
    for start in (1, 2, 4, 5):
        while (at := copy.size_bytes(start)) < len(camera.good[start]):
            part = camera.good[start][at:]
            while len(part) > most and len(shorter := b"".join(part.splitlines(keepends=True)[:-1])):
                part = shorter
            try:
                copy.append(start, at, part)
            except RestMissingError as missing:
                copy.add_rest(int(missing.torn.file[:6]), TORN)


def test_it_comes_whole_torn_files_and_all(camera: Written, tmp_path: Path) -> None:
    copy = LedgerCopy(tmp_path / "station", REGISTERED)
    send(camera, copy)
    assert content(copy.folder) == content(camera.folder)
    assert copy.position is not None
    assert copy.position.head == camera.head
    assert len(copy.new_lines()) == 3 + 2 + 2 + 3
    assert copy.new_lines() == []
    again = LedgerCopy(tmp_path / "station", REGISTERED)
    assert again.position == copy.position
    assert len(again.new_lines()) == 10


def test_another_cameras_ledger_is_refused_and_leaves_nothing(camera: Written, tmp_path: Path) -> None:
    copy = LedgerCopy(tmp_path / "station", SigningKey.generate().public)
    with pytest.raises(DataError, match="another key"):
        copy.append(1, 0, camera.good[1])
    assert content(copy.folder) == {}
    assert copy.position is None


@settings(max_examples=count(300))
@given(st.data())
def test_whatever_is_sent_what_is_there_verifies_and_is_the_cameras(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("copy")
    camera = Written(root / "camera" / "ledger")
    camera.start(1, *[("marker", {})] * 3)
    camera.start(2, *[("marker", {})] * 3)
    copy = LedgerCopy(root / "station", REGISTERED)
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(1, 3))
        good = camera.good.get(start, camera.good[2])
        at = data.draw(st.sampled_from([0, copy.size_bytes(start), data.draw(st.integers(0, len(good)))]))
        part = good[at : data.draw(st.integers(at, len(good)))]
        match data.draw(st.sampled_from(["as it is", "whole lines", "a byte flipped", "a stranger's line", "junk"])):
            case "whole lines":
                part = part[: part.rfind(b"\n") + 1]
            case "a byte flipped" if part:
                flipped = data.draw(st.integers(0, len(part) - 1))
                part = part[:flipped] + bytes([part[flipped] ^ 1]) + part[flipped + 1 :]
            case "a stranger's line":
                part += ledger_line(SigningKey.generate(), 9, camera.head, "marker", {}, start=start) + b"\n"
            case "junk":
                part += data.draw(st.binary(max_size=40))
        before = content(copy.folder)
        try:
            copy.append(start, at, part)
        except (DataError, OffsetError):
            assert content(copy.folder) == before
        assert all(camera.good[int(name[:6])].startswith(stored) for name, stored in content(copy.folder).items())
    assert [line.sha256 for line in Chain(copy.folder, REGISTERED)] == [line.sha256 for line in copy.new_lines()]
    for start in (1, 2):
        if copy.size_bytes(start) < len(camera.good[start]):
            copy.append(start, copy.size_bytes(start), camera.good[start][copy.size_bytes(start) :])
    assert copy.position is not None
    assert copy.position.head == camera.head


def test_an_offset_that_is_not_the_end_is_told_with_the_right_one(camera: Written, tmp_path: Path) -> None:
    copy = LedgerCopy(tmp_path / "station", REGISTERED)
    copy.append(1, 0, camera.good[1])
    with pytest.raises(OffsetError) as told:
        copy.append(1, 0, camera.good[1])
    assert told.value.offset == len(camera.good[1])


def waiting(station: Path) -> list[str]:
    return sorted(path.name for path in (station / RESTS_FOLDER).iterdir())


def test_rests_that_no_start_states_are_bounded_stay_outside_and_shut_nobody_out(
    camera: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_copy, "MAX_RESTS", 4)
    copy = LedgerCopy(tmp_path / "station", REGISTERED)
    copy.append(1, 0, camera.good[1])
    for number in range(11):
        copy.add_rest(1 + number % 5, b"junk %d" % number)
        assert len(waiting(tmp_path / "station")) <= 4
    copy.add_rest(1, b"junk 0")
    with pytest.raises(DataError, match="a cut leaves"):
        copy.add_rest(1, b"")
    assert content(copy.folder) == {"000001.jsonl": camera.good[1]}
    send(camera, copy)
    assert content(copy.folder) == content(camera.folder)
    with pytest.raises(DataError, match="has ended"):
        copy.add_rest(2, TORN)
    assert all(name >= "000005" for name in waiting(tmp_path / "station")), "of the newest start alone"


def test_a_camera_whose_starts_all_end_torn_sends_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than rests may wait. None waits longer than until it is in its place, also where the station died in between."""
    monkeypatch.setattr(ledger_copy, "MAX_RESTS", 2)
    station, camera = tmp_path / "station", Written(tmp_path / "camera" / "ledger")
    copy = LedgerCopy(station, REGISTERED)
    for number in range(1, 6):
        before = [torn_file(number - 1, camera.good[number - 1], TORN)] if number > 1 else []
        camera.start(number, rest=TORN, stated={"torn_ledgers": msgspec.to_builtins(before)})
        while copy.size_bytes(number) == 0:
            try:
                copy.append(number, 0, camera.good[number])
            except RestMissingError as missing:
                copy.add_rest(int(missing.torn.file[:6]), TORN)
        assert waiting(station) == []
        if number == 3:
            (station / RESTS_FOLDER / f"000002.{sha(TORN)}").write_bytes(TORN)  # it died before it was removed
            copy = LedgerCopy(station, REGISTERED)
            assert waiting(station) == []
    assert copy.position is not None
    assert copy.position.head == camera.head


@pytest.mark.parametrize("torn", [17, pytest.param(MAX_RESTS, marks=only_in_full)])
def test_as_many_rests_as_one_start_can_state_are_taken(tmp_path: Path, torn: int) -> None:
    """Of starts that are nothing but torn, one after the other, between rests that somebody else sent."""
    camera = Written(tmp_path / "camera" / "ledger")
    camera.start(1)
    last = torn + 2
    camera.order[last] = 1
    for number in range(2, last):
        camera.put(number, TORN)
    camera.start(last, stated={"torn_ledgers": msgspec.to_builtins([torn_file(number, b"", TORN) for number in range(2, last)])})
    copy = LedgerCopy(tmp_path / "station", REGISTERED)
    copy.append(1, 0, camera.good[1])
    for number in range(MAX_RESTS - 9):
        (tmp_path / "station" / RESTS_FOLDER / f"{last:06d}.{number:064x}").write_bytes(TORN)
    asked = 0
    while copy.size_bytes(last) == 0:
        try:
            copy.append(last, 0, camera.good[last])
        except RestMissingError as missing:
            asked += 1
            assert asked < 2 * torn, "no circle"
            copy.add_rest(int(missing.torn.file[:6]), TORN)
    assert content(copy.folder) == content(camera.folder)


class Cut(BaseException):
    """The power is gone."""


@only_in_full
def test_after_a_cut_at_any_step_it_goes_on(camera: Written, tmp_path: Path) -> None:
    """Of the station: what was acknowledged is there, and the rest comes again."""
    steps = 0
    while True:
        steps += 1
        root = tmp_path / f"station-{steps}"
        left = steps
        with pytest.MonkeyPatch.context() as patch:

            def counted(real: Callable[..., object]) -> Callable[..., object]:
                def step(*arguments: object, **words: object) -> object:
                    nonlocal left
                    left -= 1
                    if left < 0:
                        raise Cut
                    return real(*arguments, **words)

                return step

            for name in ("write_all", "sync", "append", "open_new", "sync_folder", "cut"):
                patch.setattr(durable, name, counted(getattr(durable, name)))
            patch.setattr(os, "rename", counted(os.rename))
            try:
                send(camera, LedgerCopy(root, REGISTERED), most=1)
            except Cut:
                pass
            else:
                break
        before = state(root)
        seen = [line.sha256 for line in ledger_lines(root, REGISTERED)]
        assert state(root) == before, "who only looks changes nothing"
        copy = LedgerCopy(root, REGISTERED)
        assert [line.sha256 for line in copy.new_lines()] == seen, "and sees what counts"
        send(camera, copy, most=1)
        assert content(copy.folder) == content(camera.folder), steps
        assert not (root / PENDING).exists()
    assert steps > 50


def test_a_copy_that_somebody_changed_is_left_as_it_is(camera: Written, tmp_path: Path) -> None:
    send(camera, LedgerCopy(tmp_path / "station", REGISTERED))
    path = tmp_path / "station" / "store" / "ledger" / "000002.jsonl"
    changed = path.read_bytes().replace(b'"n":2', b'"n":3')
    path.write_bytes(changed)
    with pytest.raises(DataError):
        LedgerCopy(tmp_path / "station", REGISTERED)
    assert path.read_bytes() == changed
    assert sha(MEMORY.public.raw) != sha(KEYS[0].public.raw)
