"""The store: lock, start numbers, recovery of what was left open, strays, the resume offer, lists."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bodycamd.camera.control.events import FragmentDurable, ResumeOffer
from bodycamd.errors import NotFoundError, StorageError, StoreBusyError, UsageError
from bodycamd.evidence.ledger import Ledger
from bodycamd.linux.disk import Disk
from bodycamd.store.reader import StoreReader
from tests.camera.recorder import judge
from tests.camera.recorder.faults import FaultyDisk
from tests.camera.recorder.rig import MovedClock, Rig, open_store
from tests.camera.recorder.test_start_numbers import open_and_close
from tests.kit.fragments import SECOND
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for


def cut_recording(root: Path, *, segment_seconds: float = 4, boot_id: str = "boot-1") -> tuple[Path, str, list[FragmentDurable]]:
    """A store as a power cut leaves it: one segment sealed, one open with two fragments and a torn end."""
    rig = Rig(root, segment_seconds=segment_seconds, boot_id=boot_id)
    rig.now_us = rig.clock.now_us()
    rig.camera()
    recording = rig.begin(keep_from_us=rig.now_us + 300_000)
    rig.film(6)
    events = rig.wait_durable(6)
    copy = rig.copy(root.name + "-cut")
    with open(copy / f"store/recordings/{recording}/000001.tar.part", "ab") as file:
        file.write(b"000003.m4s.age" + bytes(700))
    rig.stop()
    return copy, recording, events


def assert_found(root: Path, events: list[FragmentDurable]) -> judge.Found:
    found = judge.read(root / "store")
    for event in events:
        assert found.pieces[event.recording, event.segment, event.index].statement["sha256"] == event.sha256
    return found


def test_what_was_left_open_is_recovered_and_no_byte_is_changed(tmp_path: Path) -> None:
    root, recording, events = cut_recording(tmp_path / "root")
    folder = root / "store/recordings" / recording
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    store = open_store(root)
    store.close()
    assert (store.start, store.recovered_segments, store.strays) == (2, 1, ())
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after == {"000000.tar": before["000000.tar"], "000001.cut.tar": before["000001.tar.part"]}
    found = assert_found(root, events)
    entry = found.entries("segment_recovered")[0]
    assert (entry["torn_bytes"], entry["fragments"]) == (714, 2)
    closed = found.entries("recording_closed")[0]
    end_us = max(event.pts_us + event.duration_us for event in events)
    assert closed == {"recording": recording, "reason": "interrupted", "duration_us": 6 * SECOND, "segments": 2, "end_us": end_us}


def test_the_stock_command_opens_the_good_part(tmp_path: Path) -> None:
    root, recording, events = cut_recording(tmp_path / "root")
    open_store(root).close()
    entry = judge.read(root / "store").entries("segment_recovered")[0]
    cut = root / "store/recordings" / recording / entry["file"]
    out = tmp_path / "out"
    out.mkdir()
    command = f"head -c {entry['good_bytes']} {cut} | tar -xf - -C {out} && cd {out} && sha256sum *.m4s.age"
    done = subprocess.run(command, shell=True, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    hashes = [line.split()[0] for line in done.stdout.splitlines()]
    assert hashes == [event.sha256 for event in events if event.segment == 1]


def test_recovery_done_twice_does_nothing_twice(tmp_path: Path) -> None:
    root, _, events = cut_recording(tmp_path / "root")
    for _ in range(3):
        open_store(root).close()
    found = assert_found(root, events)
    assert len(found.entries("segment_recovered")) == 1
    assert len(found.entries("recording_closed")) == 1
    assert [entry["segments"] for entry in found.entries("store_recovered")] == [0, 1, 0, 0]


T = TypeVar("T")


class KilledError(BaseException):
    """The process dies here."""


def test_recovery_survives_being_killed_at_every_step(tmp_path: Path) -> None:
    root, recording, events = cut_recording(tmp_path / "root")
    kills = 0
    while True:
        copy = tmp_path / f"killed-{kills}"
        subprocess.run(["cp", "-a", str(root), str(copy)], check=True)
        with pytest.MonkeyPatch.context() as patch:
            disk = killing(kills, patch)
            try:
                open_store(copy, disk=disk).close()
            except KilledError:
                kills += 1
            else:
                break
        store = open_store(copy)
        assert store.resume is not None
        store.close()
        found = assert_found(copy, events)
        assert len({(e["recording"], e["segment"]) for e in found.entries("segment_recovered")}) == 1
        assert {e["recording"] for e in found.entries("recording_closed")} == {recording}
        assert found.files[recording] == ["000000.tar", "000001.cut.tar"]
    assert kills == 10, "before and after: rename, fsync, segment_recovered, recording_closed, store_recovered"


def killing(after: int, patch: pytest.MonkeyPatch) -> Disk:
    """A disk and a ledger that die before (even) or after (odd) step number `after // 2`."""
    count = 0

    def step(action: Callable[[], T]) -> T:
        nonlocal count
        count += 1
        if count - 1 == after // 2 and after % 2 == 0:
            raise KilledError
        result = action()
        if count - 1 == after // 2:
            raise KilledError
        return result

    class DyingDisk(Disk):
        def rename(self, old: Path, new: Path) -> None:
            step(lambda: super(DyingDisk, self).rename(old, new))

        def fsync_folder(self, path: Path) -> None:
            step(lambda: super(DyingDisk, self).fsync_folder(path))

    real = Ledger.append

    def append(self: Ledger, type: str, detail: Any) -> Any:
        return real(self, type, detail) if type == "start" else step(lambda: real(self, type, detail))

    patch.setattr(Ledger, "append", append)
    return DyingDisk()


def test_a_sealed_segment_whose_entry_was_lost_is_stated(tmp_path: Path) -> None:
    root, recording, events = cut_recording(tmp_path / "root")
    folder = root / "store/recordings" / recording
    (folder / "000001.tar.part").rename(folder / "000001.tar")
    open_store(root).close()
    found = assert_found(root, events)
    assert found.files[recording] == ["000000.tar", "000001.tar"]
    assert found.entries("segment_recovered")[0]["file"] == "000001.tar"


def test_a_name_that_a_killed_recovery_gave_is_durable_before_the_ledger_names_it(tmp_path: Path) -> None:
    root, recording, _ = cut_recording(tmp_path / "root")
    folder = root / "store/recordings" / recording
    (folder / "000001.tar.part").rename(folder / "000001.cut.tar")  # and here the start before was killed
    disk = FaultyDisk()
    open_store(root, disk=disk).close()
    assert ("fsync_folder", recording) in disk.calls


def test_one_process_holds_the_store(tmp_path: Path) -> None:
    store = open_store(tmp_path / "root")
    with pytest.raises(StoreBusyError, match="another process"):
        open_store(tmp_path / "root")
    store.close()
    store.close()
    assert open_and_close(tmp_path / "root") == 2


def test_a_store_that_cannot_be_opened_gives_the_lock_back(tmp_path: Path) -> None:
    root = tmp_path / "root"
    open_and_close(root)
    keys = root / "keys"
    keys.rename(root / "elsewhere")
    keys.mkdir()
    with pytest.raises(StorageError, match="missing or damaged"):
        open_store(root)
    keys.rmdir()
    (root / "elsewhere").rename(keys)
    assert open_and_close(root) == 2


def test_only_the_service_user_may_read(tmp_path: Path) -> None:
    root, _, _ = cut_recording(tmp_path / "root")
    open_store(root).close()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (root / "store").rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root / "store").rglob("*") if path.is_file()} == {0o600}


def test_strays_are_reported_and_passed_over(tmp_path: Path) -> None:
    root, recording, events = cut_recording(tmp_path / "root")
    recordings = root / "store/recordings"
    strays = {
        "lost+found": None,
        "notes.txt": b"x",
        os.fsdecode(b"odd-\xff\x07-name"): b"x",
        f"{recording}/thumbs.db": b"x",
        f"{recording}/000009.tar.part": None,
        "000001-0777": b"a file",
    }
    for name, content in strays.items():
        if content is None:
            (recordings / name).mkdir()
        else:
            (recordings / name).write_bytes(content)
    (recordings / recording / "000008.tar.part").symlink_to("/etc/passwd")
    (recordings / recording / "000007.tar").write_bytes(b"not a segment at all")
    store = open_store(root)
    store.close()
    assert {stray.path for stray in store.strays} == {*strays, f"{recording}/000008.tar.part"}
    found = assert_found(root, events)
    assert found.entries("store_recovered")[-1]["complete"] is True
    assert len(found.entries("store_recovered")[-1]["strays"]) == 7
    for name, content in strays.items():
        assert content is None or (recordings / name).read_bytes() == content
    entry = next(entry for entry in found.entries("segment_recovered") if entry["file"] == "000007.tar")
    assert (entry["good_bytes"], entry["torn_bytes"]) == (0, 20)


def test_a_file_that_cannot_be_dealt_with_is_tried_again_by_the_next_start(tmp_path: Path) -> None:
    root, recording, events = cut_recording(tmp_path / "root")

    class RefusingDisk(Disk):
        def rename(self, old: Path, new: Path) -> None:
            raise PermissionError(13, "Permission denied", str(old))

    store = open_store(root, disk=RefusingDisk())
    store.close()
    assert [stray.path for stray in store.strays] == [f"{recording}/000001.tar.part"]
    store = open_store(root)
    store.close()
    assert (store.recovered_segments, store.strays) == (1, ())
    assert_found(root, events)


def test_a_recording_of_this_boot_is_offered_for_going_on(tmp_path: Path) -> None:
    root, recording, _ = cut_recording(tmp_path / "root")
    offer = open_and_offer(root)
    assert offer is not None
    assert (offer.recording, offer.recent_resumes) == (recording, 0)
    assert 0 <= MovedClock().now_us() - offer.last_durable_us < 30 * SECOND
    again = open_and_offer(root)
    assert again == offer, "a start that died before it could resume changes nothing"
    assert open_and_offer(root, boot_id="boot-2") is None


def test_a_recording_that_died_before_its_first_fragment_is_offered_too(tmp_path: Path) -> None:
    """The officer pressed and was told that it records: it must not end because the daemon died early, or twice."""
    rig = Rig(tmp_path / "root")
    before_us = rig.clock.now_us()
    recording = rig.begin(keep_from_us=before_us)
    wait_for(partial(opened_in, rig.store.ledger.path))
    killed = rig.copy("killed")
    rig.stop()
    offer = open_and_offer(killed)
    assert offer is not None
    assert offer.recording == recording
    assert before_us <= offer.last_durable_us <= MovedClock().now_us()


@only_in_full
def test_resuming_without_footage_does_not_make_a_recording_younger(tmp_path: Path) -> None:
    root, *_ = cut_recording(tmp_path / "root")
    offer = open_and_offer(root)
    assert offer is not None
    for number in range(3):
        rig = Rig(root)
        resumed = rig.begin(resumes=rig.store.resume.recording if rig.store.resume else None)
        ledger = rig.store.ledger.path
        wait_for(partial(opened_in, ledger))
        root = rig.copy(f"killed-{number}")
        rig.stop()
    again = open_and_offer(root)
    assert again is not None
    assert (again.recording, again.last_durable_us) == (resumed, offer.last_durable_us)
    assert again.recent_resumes == 3


def opened_in(ledger: Path) -> bool:
    return b"recording_opened" in ledger.read_bytes()


def open_and_offer(root: Path, boot_id: str = "boot-1") -> ResumeOffer | None:
    store = open_store(root, boot_id=boot_id)
    store.close()
    return store.resume


def test_what_was_closed_in_order_is_not_offered(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "root")
    rig.camera()
    rig.begin()
    rig.film(2)
    rig.wait_durable(2)
    rig.stop()
    assert open_and_offer(tmp_path / "root") is None


@only_in_full
@pytest.mark.parametrize("pressed", [False, True], ids=["the daemon died", "the officer pressed again"])
def test_resumes_of_the_last_minute_are_counted(pressed: bool, tmp_path: Path) -> None:
    """But for those that a press asked for: they are no sign of a failing camera."""
    root, name = tmp_path / "root-0", ""
    for number in range(4):
        rig = Rig(root)
        offer = rig.store.resume
        assert (offer.recent_resumes if offer else -1) == (min(number - 1, 0) if pressed else number - 1)
        rig.camera()
        name = rig.begin(resumes=name or None, pressed=pressed)
        rig.film(1)
        rig.wait_durable(1)
        root = rig.copy(f"root-{number + 1}")
        rig.stop()


def test_the_list_tells_of_every_recording(tmp_path: Path) -> None:
    root, cut, _ = cut_recording(tmp_path / "root")
    rig = Rig(root)
    rig.camera()
    closed = rig.begin(1, keep_from_us=SECOND)
    rig.film(3)
    rig.end()
    rig.wait_sealed()
    opened = rig.begin(2, resumes=closed, pressed=True)
    rig.film(2)
    rig.wait_durable(5)
    (root / "store/recordings/000001-0099").mkdir()
    rig.tampered_with = True
    reader = StoreReader.open(root / "store")
    infos = {info.id: info for info in reader.recordings()}
    assert [(name, info.state, info.fragments, info.segments) for name, info in infos.items()] == [
        (cut, "recovered", 6, 2),
        ("000001-0099", "unknown", 0, 0),
        (closed, "closed", 3, 1),
        (opened, "open", 2, 1),
    ]
    assert infos[cut].duration_us == 6 * SECOND
    assert (infos[closed].duration_us, infos[closed].reason, infos[closed].warning) == (3 * SECOND, "officer", "played_to_device")
    assert (infos[opened].duration_us, infos[opened].resumes, infos[opened].pressed_us) == (2 * SECOND, closed, 0)
    assert infos[closed].bytes == (root / f"store/recordings/{closed}/000000.tar").stat().st_size
    assert infos[closed].opened.startswith("20")
    assert [file.path.name for file in reader.segments(cut)] == ["000000.tar", "000001.cut.tar"]
    assert [file.path.name for file in reader.segments(opened)] == ["000000.tar.part"]
    assert reader.recording(opened) == infos[opened]
    with pytest.raises(NotFoundError):
        reader.recording("000099-0001")
    with pytest.raises(NotFoundError):
        reader.segments("000099-0001")
    for name in ("../../etc", ""):
        with pytest.raises(UsageError):
            reader.segments(name)
    rig.stop()


def test_reading_needs_neither_lock_nor_keys_and_changes_nothing(tmp_path: Path) -> None:
    root, recording, _ = cut_recording(tmp_path / "root")
    before = {path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()) for path in root.rglob("*") if path.is_file()}
    info = StoreReader.open(root / "store").recordings()[0]
    assert (info.id, info.state, info.fragments) == (recording, "open", 6)
    assert before == {path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()) for path in before}
    with pytest.raises(NotFoundError):
        StoreReader.open(tmp_path / "nowhere")


def test_a_damaged_ledger_does_not_stop_a_start(tmp_path: Path) -> None:
    root, _, _ = cut_recording(tmp_path / "root")
    ledger = root / "store/ledger/000001.jsonl"
    content = ledger.read_bytes()
    ledger.write_bytes(content[: content.index(b"\n", content.index(b"segment_sealed")) - 40])
    store = open_store(root)
    store.close()
    assert store.recovered_segments == 2, "the entry about the sealed one is torn: it is stated again"
    fragments = StoreReader.open(root / "store").recordings()[0].fragments
    assert fragments == 4, "the entry that names the key of the second segment is gone: nothing of it can be vouched for"
    assert store.resume is not None
