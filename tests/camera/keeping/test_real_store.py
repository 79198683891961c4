"""Retention on a real store: files, signed ledger, restarts, refusals."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from bodycamd.errors import DataError, NotFoundError, StorageError, UsageError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.ledger_chain import Chain
from bodycamd.municipality.verify.store_check import inventory
from bodycamd.retention.holds import HoldRequest
from bodycamd.retention.outlook import read_retention
from tests.camera.recorder.faults import Fault
from tests.kit.resting_camera import DAY, HOUR, MINUTE, WHO, RefusingDisk, RestingCamera
from tests.kit.scale import only_in_full


def test_deleted_when_the_days_have_passed_and_not_before(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    name = camera.record()
    camera.switch_off()
    camera.switch_on(off_us=27 * DAY)
    camera.settle()  # a jump over a day is believed after half an hour
    assert camera.present() == [name]
    camera.run(DAY - 90 * MINUTE, pace_us=HOUR)
    assert camera.present() == [name]
    camera.run(2 * HOUR)
    assert camera.present() == []
    camera.switch_off()
    assert camera.verified_types().count("deleted") == 1
    assert inventory(camera.store_folder) == ([], 0)


@only_in_full
def test_without_any_trusted_clock_running_time_alone_counts(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path)
    camera.clock.trusted = False
    camera.switch_on()
    name = camera.record()
    for _ in range(27):
        camera.run(DAY, pace_us=HOUR)
        camera.switch_off()
        camera.clock.wall_us += 400 * DAY
        camera.switch_on(off_us=300 * DAY)
    assert camera.present() == [name]
    camera.run(DAY + HOUR, pace_us=HOUR)
    assert camera.present() == []
    camera.switch_off()


@only_in_full
def test_a_clock_that_jumps_ahead_deletes_nothing_for_half_an_hour(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    for _ in range(3):
        camera.switch_off()
        camera.switch_on(off_us=HOUR)
    name = camera.record()
    camera.clock.wall_us += 400 * DAY
    camera.run(10 * HOUR)  # in the same boot it never proves anything: CLOCK_BOOTTIME knows better
    assert camera.present() == [name]
    camera.clock.wall_us -= 400 * DAY
    camera.switch_off()
    camera.switch_on(off_us=400 * DAY)
    camera.settle()
    assert camera.present() == [name]  # its boot claims two times, and the later one counts: it is younger than it was
    camera.switch_off()
    camera.switch_on(off_us=29 * DAY)
    camera.run(20 * MINUTE)
    assert camera.present() == [name]
    camera.run(20 * MINUTE)
    assert camera.present() == []
    camera.switch_off()


def test_a_hold_keeps_it_and_its_release_lets_it_go(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    held, other = camera.record(), camera.record()
    camera.hold(held)
    camera.hold(held, "access-request")
    camera.switch_off()
    camera.switch_on(off_us=60 * DAY)
    camera.settle()
    assert camera.present() == [held]
    camera.release(held, "complaint")
    assert camera.sweep() == []
    camera.release(held)
    assert camera.sweep() == [held]
    assert other not in camera.present()
    camera.switch_off()


def test_what_a_hold_refuses(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    name = camera.record()
    good = {"recording": name, "ground": "complaint", "reference": "K-1", "by": "coordinator", "review_on": "2030-01-01"}
    wrong: list[tuple[dict[str, str], type[Exception]]] = [
        ({"recording": "nonsense"}, UsageError),
        ({"recording": "000001-0099"}, NotFoundError),
        ({"ground": "curiosity"}, UsageError),
        ({"reference": ""}, UsageError),
        ({"reference": "1" * 41}, UsageError),
        ({"reference": "Jansen"}, UsageError),
        ({"reference": "Dorpsstraat 12"}, UsageError),
        ({"by": "Jan de Vries"}, UsageError),
        ({"by": "jansen"}, UsageError),
        ({"by": "a\nb"}, UsageError),
        ({"review_on": "tomorrow"}, UsageError),
        ({"review_on": "2026-02-30"}, UsageError),
        ({"review_on": "2020-01-01"}, UsageError),
    ]
    before = camera.store.ledger.head
    for change, error in wrong:
        with pytest.raises(error):
            camera.keeper.add_hold(HoldRequest(**{**good, **change}), WHO, camera.store.ledger.note)
    with pytest.raises(UsageError, match="not held"):
        camera.release(name)
    assert camera.store.ledger.head == before
    camera.keeper.add_hold(HoldRequest(**good), WHO, camera.store.ledger.note)
    with pytest.raises(UsageError, match="already held for complaint"):
        camera.keeper.add_hold(HoldRequest(**good), WHO, camera.store.ledger.note)
    camera.switch_off()


def test_a_hold_after_deleting_is_refused_and_the_next_start_completes(tmp_path: Path) -> None:
    disk = RefusingDisk()
    camera = RestingCamera(tmp_path, disk=disk).switch_on()
    camera.settle()
    name = camera.record()
    camera.switch_off()
    camera.switch_on(off_us=40 * DAY)
    camera.run(20 * MINUTE)
    disk.faults.append(Fault("remove", 2, errno.EIO, times=99))
    camera.run(20 * MINUTE)
    assert camera.keeper.problems
    with pytest.raises(UsageError, match="deletion has begun"):
        camera.hold(name)
    assert camera.present() == [name]
    camera.store.close()
    disk.faults.clear()
    camera.switch_on(same_boot=True)
    assert camera.present() == []
    camera.switch_off()
    assert [t for t in camera.verified_types() if t.startswith("delet")] == ["deleting", "deleted"]


@only_in_full
def test_a_review_that_is_due_is_told_once_in_the_ledger(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    camera.hold(camera.record(), review_on="2026-01-03")
    camera.run(4 * DAY, pace_us=HOUR)
    assert camera.keeper.summary.reviews_due
    camera.switch_off()
    assert camera.verified_types().count("hold_review_due") == 1


@only_in_full
def test_strays_and_unreadable_files_never_stop_the_sweep(tmp_path: Path) -> None:
    disk = RefusingDisk()
    camera = RestingCamera(tmp_path, disk=disk).switch_on()
    camera.settle()
    names = [camera.record() for _ in range(4)]
    recordings = camera.store.recordings_folder
    (recordings / "lost+found").mkdir()
    (recordings / "000009-0001").mkdir()
    (recordings / "000009-0001" / "000000.tar").write_bytes(b"foreign")
    (recordings / names[0] / "notes.txt").write_text("stray")
    (recordings / names[1] / "000000.tar").write_bytes(b"corrupt")
    (recordings / names[1] / "000007.tar").mkdir()
    shutil.rmtree(recordings / names[2])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "000000.tar").write_bytes(b"precious")
    (recordings / names[2]).symlink_to(tmp_path / "elsewhere")
    findings = {finding.path for finding in inventory(camera.store_folder)[0]}
    assert {"lost+found", "000009-0001", f"{names[0]}/notes.txt", f"{names[1]}/000000.tar", names[2]} <= findings
    camera.switch_off()
    camera.switch_on(off_us=40 * DAY)
    camera.settle()
    assert camera.present() == sorted(["lost+found", "000009-0001", *names[:3]])
    assert [path.name for path in (recordings / names[0]).iterdir()] == ["notes.txt"]
    assert (tmp_path / "elsewhere" / "000000.tar").read_bytes() == b"precious"
    assert (recordings / "000009-0001" / "000000.tar").exists()
    told = "\n".join(camera.keeper.summary.problems)
    assert names[0] in told
    assert names[2] in told
    camera.run(29 * DAY, pace_us=12 * HOUR)
    assert "000009-0001" in camera.present(), "nothing signed mentions it: what it is, and how old, is for a person to say"
    camera.switch_off()
    camera.verified_types()


def test_a_ledger_that_cannot_be_written_deletes_nothing_and_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    name = camera.record()

    def refuse(*_: object) -> None:
        raise StorageError("no space left on device")

    arguments = {"recording": name, "ground": "complaint", "reference": "K-1", "by": "C-1", "review_on": "2030-01-01"}
    with pytest.raises(StorageError):
        camera.keeper.add_hold(HoldRequest(**arguments), WHO, refuse)
    assert camera.keeper.list_holds() == []
    camera.switch_off()
    camera.switch_on(off_us=40 * DAY)
    camera.run(40 * MINUTE, sweep=False)
    camera.keeper._look()
    with pytest.raises(StorageError):
        camera.keeper.sweep(refuse)
    assert camera.present() == [name]
    camera.switch_off(clean=False)


@only_in_full
def test_old_ledger_files_go_behind_a_checkpoint_that_verifies(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path, keep_months=2, days=7).switch_on()
    camera.settle()
    kept = ""
    for number in range(14):
        name = camera.record()
        if number == 9:
            camera.hold(name)
            kept = name
        camera.switch_off()
        camera.switch_on(off_us=10 * DAY)
        camera.settle()
    ledger = camera.store_folder / "ledger"
    camera.switch_off()
    files = sorted(path.name for path in ledger.iterdir())
    assert "000001.jsonl" not in files
    checkpoints = [name for name in files if name.startswith("checkpoint")]
    assert len(checkpoints) == 1
    assert f"{kept[:6]}.jsonl" in files
    assert "ledger_shortened" in camera.verified_types()
    assert read_retention(camera.store_folder).holds[kept]
    for damaged in (None, (ledger / checkpoints[0]).read_bytes()[:-300]):
        copy = tmp_path / "copy"
        shutil.copytree(ledger, copy)
        (copy / checkpoints[0]).unlink()
        if damaged is not None:
            (copy / checkpoints[0]).write_bytes(damaged)
        with pytest.raises(DataError):
            list(Chain(copy, PublicKey.from_pem((tmp_path / "device.pem").read_bytes())))
        shutil.rmtree(copy)
    missing = tmp_path / "copy"
    shutil.copytree(ledger, missing)
    (missing / min(name for name in files if not name.startswith("checkpoint"))).unlink()
    with pytest.raises(DataError):
        list(Chain(missing, PublicKey.from_pem((tmp_path / "device.pem").read_bytes())))
