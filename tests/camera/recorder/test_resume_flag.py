"""A recording that was open when the machine was reset: what the next start offers, from the store and the flag as a reset leaves them.

The machine's disk at the reset is a copy of the folders while the writer records.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from bodycamd.camera.control.events import AfterReset
from bodycamd.camera.recorder.resume_flag import NAME, FlagFile, ResumeFlag, flag_of
from bodycamd.camera.recorder.store import Store
from bodycamd.linux import durable
from bodycamd.linux.clock import ClockReading
from bodycamd.linux.reset_cause import ResetCause
from tests.camera.recorder.rig import MovedClock, Rig, open_store
from tests.kit.scale import only_in_full

MINUTE_US = 60_000_000


class Elsewhen(MovedClock):
    """The next boot's clocks: a CLOCK_BOOTTIME of its own, the wall clock so much later."""

    def __init__(self, later_us: int, *, trusted: bool = True) -> None:
        super().__init__()
        self.later_us, self.trusted_now = later_us, trusted

    def now_us(self) -> int:
        return 40_000_000

    def read(self) -> ClockReading:
        return ClockReading(40_000_000, super().read().wall_us + self.later_us, self.trusted_now, "rtc", 12)


def reset_while_recording(root: Path, *, ended: bool = False, resumes: str | None = None) -> tuple[Path, str]:
    """The disk of a machine that was reset while it recorded; and the recording."""
    rig = Rig(root / "before")
    recording = rig.begin(resumes=resumes)
    rig.camera()
    rig.film(3)
    rig.wait_durable(3)
    if ended:
        rig.end(rig.now_us + 10 * MINUTE_US)  # asked for; its last fragment has yet to come
        rig.wait(lambda: not (root / "before" / "keys" / NAME).exists())
    shutil.copytree(root / "before", root / "after")
    rig.stop()
    return root / "after", recording


def start(
    root: Path, later_us: int = 30_000_000, *, trusted: bool = True, boot_id: str = "boot-2", reset: ResetCause = "watchdog"
) -> Store:
    return Store.open(
        root / "store",
        signing=root / "keys",
        device_id="cam-7",
        clock=Elsewhen(later_us, trusted=trusted),
        config_sha256="0" * 64,
        boot_id=boot_id,
        reset=lambda: reset,
    )


def test_a_reset_while_recording_is_offered_once_and_with_its_age(tmp_path: Path) -> None:
    root, recording = reset_while_recording(tmp_path)
    store = start(root)
    offer = store.resume
    assert offer is not None
    assert (offer.recording, offer.after_reset) == (recording, AfterReset("recording", "watchdog", True))
    age_us = 40_000_000 - offer.last_durable_us
    assert 30_000_000 <= age_us < 30_000_000 + MINUTE_US
    store.close()
    assert not (root / "keys" / NAME).exists()
    again = start(root, boot_id="boot-3")
    assert again.resume is None
    again.close()


def test_a_clock_that_is_not_trusted_and_a_loss_of_power_are_told(tmp_path: Path) -> None:
    root, _ = reset_while_recording(tmp_path)
    store = start(root, trusted=False, reset="power")
    assert store.resume is not None
    assert store.resume.after_reset == AfterReset("recording", "power", False)
    store.close()


def test_what_the_officer_ended_is_not_offered(tmp_path: Path) -> None:
    root, _ = reset_while_recording(tmp_path, ended=True)
    store = start(root)
    assert store.resume is None
    store.close()


def test_a_seal_leaves_no_flag(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.begin()
    rig.camera()
    rig.film(3)
    rig.wait_durable(3)
    assert (tmp_path / "keys" / NAME).stat().st_mode & 0o777 == 0o600
    rig.end()
    rig.wait_sealed()
    assert not (tmp_path / "keys" / NAME).exists()
    rig.stop()


def test_a_start_in_between_makes_the_flag_nothing(tmp_path: Path) -> None:
    """Also one that could not take it: here it is put back."""
    root, _ = reset_while_recording(tmp_path)
    flag = (root / "keys" / NAME).read_bytes()
    start(root).close()
    durable.create(root / "keys" / NAME, flag)
    store = start(root, boot_id="boot-3")
    assert store.resume is None
    store.close()


def test_in_the_same_boot_the_flag_is_nothing_and_the_kernel_clock_decides(tmp_path: Path) -> None:
    root, recording = reset_while_recording(tmp_path)
    store = open_store(root, boot_id="boot-1")
    assert store.resume is not None
    assert (store.resume.recording, store.resume.after_reset) == (recording, None)
    assert not (root / "keys" / NAME).exists()
    store.close()


@only_in_full
def test_a_flag_of_another_recording_or_boot_is_nothing(tmp_path: Path) -> None:
    root, recording = reset_while_recording(tmp_path)
    flag = msgspec.json.decode((root / "keys" / NAME).read_bytes(), type=ResumeFlag)
    for number, wrong in enumerate(
        (
            msgspec.structs.replace(flag, recording=recording[:-1] + "9"),
            msgspec.structs.replace(flag, boot_id="boot-0"),
            msgspec.structs.replace(flag, cause="reboot_asked"),
        )
    ):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(root, copy)
        (copy / "keys" / NAME).write_bytes(msgspec.json.encode(wrong))
        store = start(copy)
        assert store.resume is None, wrong
        store.close()


@only_in_full
def test_a_recording_that_was_closed_for_a_reboot_is_offered(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    recording = rig.begin()
    rig.camera()
    rig.film(3)
    rig.wait_durable(3)
    rig.end(reason="shutdown")
    rig.wait_sealed()
    rig.stop()
    FlagFile(tmp_path / "keys").lift(flag_of("reboot_asked", recording, "boot-1", MovedClock().read()))
    store = start(tmp_path, reset="unknown")
    assert store.resume is not None
    assert (store.resume.recording, store.resume.after_reset) == (recording, AfterReset("reboot_asked", "unknown", True))
    assert 30_000_000 <= 40_000_000 - store.resume.last_durable_us < 30_000_000 + MINUTE_US
    store.close()


def test_what_continues_after_a_reset_gets_no_flag(tmp_path: Path) -> None:
    """A recording that makes the machine hang must not do so for ever."""
    root, recording = reset_while_recording(tmp_path)
    rig = Rig(root, boot_id="boot-2")
    assert rig.store.offered_after_reset == recording
    rig.camera()
    rig.begin(resumes=recording)
    rig.film(3)
    rig.wait_durable(3)
    assert not (root / "keys" / NAME).exists()
    rig.end()
    rig.wait_sealed()
    rig.begin(number=2)
    rig.film(3)
    rig.wait_durable(6)
    assert (root / "keys" / NAME).exists(), "the next press is an event of its own"
    rig.stop()


# --- the file -----------------------------------------------------------------------------------------------------------------------------

FLAG = flag_of("recording", "000001-0001", "boot-1", MovedClock().read())


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"recording":"../../etc"}', bytes(5000), msgspec.json.encode(FLAG)[:-9]])
def test_a_torn_flag_is_taken_away_and_not_used(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    (tmp_path / NAME).chmod(0o600)
    assert FlagFile(tmp_path).take() is None
    assert not (tmp_path / NAME).exists()


def test_a_flag_that_others_may_write_is_taken_away_and_not_used(tmp_path: Path) -> None:
    FlagFile(tmp_path).lift(FLAG)
    assert FlagFile(tmp_path).take() == FLAG
    for spoil in (lambda path: path.chmod(0o620), lambda path: os.link(path, tmp_path / "second")):
        FlagFile(tmp_path).lift(FLAG)
        spoil(tmp_path / NAME)
        assert FlagFile(tmp_path).take() is None
        assert not (tmp_path / NAME).exists()


def test_a_link_in_its_place_is_taken_away_and_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(msgspec.json.encode(FLAG))
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    assert FlagFile(tmp_path).take() is None
    assert not os.path.lexists(tmp_path / NAME)


def test_a_flag_that_cannot_be_taken_away_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FlagFile(tmp_path).lift(FLAG)

    def fails(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(durable, "sync_folder", fails)
    assert FlagFile(tmp_path).take() is None


def test_a_disk_that_takes_no_flag_costs_no_recording(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    (tmp_path / "keys" / NAME).mkdir()
    rig.begin()
    rig.camera()
    rig.film(3)
    rig.wait_durable(3)
    rig.end()
    rig.wait_sealed()
    rig.stop()
