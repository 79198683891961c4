"""The probes on this machine's own files: what they measure of parts that work, and of each that is broken."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from bodycamd.camera.selftest import judge_capture, judge_machine, probes
from bodycamd.config.load import load
from bodycamd.config.settings import ClockSettings, Config, MicrophoneSettings
from bodycamd.linux import durable
from tests.kit.camera import Camera


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


@pytest.fixture
def config(camera: Camera) -> Config:
    return load(camera.config)


def stored_at(config: Config, folder: str | Path) -> Config:
    return replace(config, storage=replace(config.storage, directory=str(folder)))


def test_a_card_is_measured_and_nothing_is_left_on_it(config: Config, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    facts = probes.disk(config)
    assert facts.fault is None
    assert facts.bytes_per_second > 0
    assert facts.worst_sync_ms > 0
    assert set(tmp_path.rglob("*")) == before


def test_a_card_that_fails_to_synchronise_fails(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(durable, "sync", broken)
    assert judge_machine.disk(probes.disk(config)).en.startswith("The storage cannot be written (Input/output error)")


def test_a_store_that_is_no_folder_fails(config: Config, camera: Camera) -> None:
    assert judge_machine.disk(probes.disk(stored_at(config, camera.config))).outcome == "failed"


def test_a_file_system_without_room_fails(config: Config) -> None:
    assert judge_machine.space(probes.space(stored_at(config, "/proc"))).en.startswith("There is room for 0 minutes")


def test_there_is_room_where_a_camera_was_never_started(config: Config) -> None:
    assert not Path(config.storage.directory).exists()
    assert probes.space(config).minutes > 0


def test_a_clock_that_is_declared_and_not_there_fails(config: Config) -> None:
    assert judge_machine.rtc(probes.clock(config)).outcome == "not_checked"
    declared = replace(config, clock=ClockSettings(rtc="rv3028"))
    assert judge_machine.rtc(probes.clock(declared)).en.startswith("The battery-backed clock rv3028 is missing")


def test_a_signing_key_that_is_gone_fails(config: Config) -> None:
    assert judge_machine.signing_keys(probes.signing_keys(config)).outcome == "passed"
    Path(config.keys.signing, "000001.key").unlink()
    assert "000001.key is not in" in judge_machine.signing_keys(probes.signing_keys(config)).en


@pytest.mark.parametrize("text", ["", "age1nonsense\n", "AGE-SECRET-" + "KEY-1QQQQ\n"])
def test_recipients_that_are_none_fail(config: Config, text: str) -> None:
    assert judge_machine.recipients(probes.recipients(config)).outcome == "passed"
    Path(config.keys.recipients).write_text(text)
    assert judge_machine.recipients(probes.recipients(config)).outcome == "failed"


def test_a_sound_card_that_is_not_there_fails() -> None:
    sides = probes.sides(MicrophoneSettings(source="alsa", device="plughw:CARD=Nowhere,DEV=0"))
    assert judge_capture.channel(sides, "mix").en.startswith("The sound card cannot be opened")


def test_memory_that_can_be_swapped_to_the_card_fails() -> None:
    facts = probes.swapped("not permitted")
    assert facts.degraded == (judge_machine.swap(facts).outcome == "failed")


def test_the_kernels_word_on_a_process(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tpython\nNoNewPrivs:\t1\nSeccomp:\t0\n")
    assert probes.process_status(7, tmp_path) == (True, False)
    assert probes.process_status(8, tmp_path) == (None, None)
