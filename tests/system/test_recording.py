"""The main job, end to end, on the real daemon: press, warning, encrypted recording, marker, stop, and a film that stock tools play."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from bodycamd.evidence.keys import PublicKey
from tests.camera.capture.films import burned_times
from tests.kit import stock_tools
from tests.kit.camera import Camera, Entry

pytestmark = pytest.mark.timing
"""All look at one recording, and it is one without a gap only on a machine that keeps up."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    """One recording with a played warning and a marker, of about six seconds."""
    with Camera(tmp_path_factory.mktemp("camera")) as camera:
        camera.tap()
        camera.wait_event("WarningEnded")
        camera.wait_event("FragmentDurable", 4)
        camera.tap()
        camera.stop_recording()
        camera.wait_state("standby")
        assert camera.stop() == 0, camera.journal
        return camera


@pytest.fixture(scope="module")
def segment(recorded: Camera) -> Path:
    (segment,) = recorded.segments()
    assert segment.name == "000000.tar"
    return segment


@pytest.fixture(scope="module")
def statements(segment: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    members = stock_tools.extract(segment, tmp_path_factory.mktemp("members"))
    return [json.loads(member.read_bytes()) for member in members if member.suffix == ".json"]


@pytest.fixture(scope="module")
def export(recorded: Camera, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from bodycamd.cli.main import main

    film = tmp_path_factory.mktemp("export") / "film.mp4"
    store, identity = str(recorded.store), str(recorded.identity)
    assert main(["export", recorded.recordings()[0], "--store", store, "--identity", identity, "--out", str(film)]) == 0
    return film


def test_the_segment_plays_with_the_stock_command(recorded: Camera, segment: Path, tmp_path: Path) -> None:
    film = stock_tools.play(segment, recorded.identity, tmp_path / "film.mp4")
    stock_tools.decodes(film)
    assert [stream["codec_name"] for stream in stock_tools.probe(film)["streams"]] == ["h264", "aac"]


def test_every_statement_verifies_with_openssl_and_sha256sum(recorded: Camera, segment: Path, tmp_path: Path) -> None:
    pem = tmp_path / "footage.pem"
    pem.write_bytes(PublicKey.from_hex(recorded.ledger("start")[0]["detail"]["ram_public_key"]).pem())
    assert stock_tools.verify_signatures(segment, pem, tmp_path / "members") >= 5


def test_the_export_is_bound_to_the_segment_by_streamhash(recorded: Camera, segment: Path, export: Path, tmp_path: Path) -> None:
    film = stock_tools.play(segment, recorded.identity, tmp_path / "film.mp4")
    assert stock_tools.streamhash(export) == stock_tools.streamhash(film)


def test_the_film_has_one_picture_and_one_sound_in_step_and_the_recordings_length(
    recorded: Camera, export: Path, statements: list[Entry]
) -> None:
    said = stock_tools.probe(export)
    assert sorted(stream["codec_name"] for stream in said["streams"]) == ["aac", "h264"]
    starts = {stream["codec_type"]: float(stream["start_time"]) for stream in said["streams"]}
    assert abs(starts["video"] - starts["audio"]) <= 0.040
    length = sum(statement["duration_us"] for statement in statements if statement["type"] == "fragment") / 1e6
    assert float(said["format"]["duration"]) == pytest.approx(length, abs=0.3)
    assert recorded.of("RecordingSealed")[0]["duration_us"] / 1e6 == pytest.approx(length, abs=0.3)
    stock_tools.decodes(export)


def test_the_burned_clock_runs_without_a_jump(export: Path, statements: list[Entry]) -> None:
    times = [time_us for _, time_us in burned_times(export) if time_us is not None]
    assert len(times) == sum(statement["frames"] for statement in statements if statement["type"] == "fragment")
    steps = [later - earlier for earlier, later in pairwise(times)]
    nominal = 1_000_000 / 15
    assert all(0.5 * nominal < step < 1.5 * nominal for step in steps), steps
    first = next(statement for statement in statements if statement["type"] == "fragment")
    assert abs(times[0] - first["pts_us"]) < nominal


def test_the_first_kept_fragment_holds_the_warnings_end(recorded: Camera, statements: list[Entry]) -> None:
    ended_us = recorded.of("WarningEnded")[0]["at_us"]
    first = next(statement for statement in statements if statement["type"] == "fragment")
    assert first["pts_us"] <= ended_us < first["pts_us"] + first["duration_us"]
    assert first["pre_start_us"] == ended_us - first["pts_us"]


def test_the_ledger_tells_who_pressed_what_was_said_and_what_was_kept(recorded: Camera) -> None:
    recording = recorded.recordings()[0]
    (opened,) = recorded.ledger("recording_opened")
    (warning,) = recorded.ledger("warning")
    (marker,) = recorded.ledger("marker")
    (sealed,) = recorded.ledger("segment_sealed")
    (closed,) = recorded.ledger("recording_closed")
    assert opened["detail"]["warning"] == warning["detail"]["outcome"] == "played_to_device"
    assert {entry["detail"]["recording"] for entry in (opened, warning, marker, sealed, closed)} == {recording}
    assert closed["detail"]["reason"] == "officer"
    (segment,) = recorded.segments()
    assert stock_tools.run("sha256sum", segment).split()[0].decode() == sealed["detail"]["sha256"]


def test_the_lamp_blinks_for_the_warning_is_steady_while_footage_is_safe_and_then_dark(recorded: Camera) -> None:
    lamp = recorded.timeline("lamp")
    first_durable_us = recorded.of("FragmentDurable")[0]["at_us"]
    sealed_us = recorded.of("RecordingSealed")[0]["at_us"]
    assert [line["on"] for line in lamp if line["at_us"] <= first_durable_us + 50_000][-1], "steady on from the first durable fragment"
    during = [line for line in lamp if first_durable_us + 50_000 < line["at_us"] < sealed_us]
    assert not during, "the lamp changed while footage was safe"
    assert not lamp[-1]["on"]
    blinks = [later["at_us"] - earlier["at_us"] for earlier, later in pairwise(lamp) if later["at_us"] < first_durable_us]
    assert len(blinks) > 20
    assert all(60_000 < length < 160_000 for length in blinks), blinks


def test_with_no_pre_event_buffer_the_camera_is_closed_before_and_after(recorded: Camera) -> None:
    opened_us = recorded.of("CaptureFlowing")
    assert len(opened_us) == 1
    pressed_us = recorded.timeline("button")[0]["at_us"]
    flowing = recorded.ledger("capture_flowing")
    assert all(entry["boottime_ns"] // 1000 > pressed_us for entry in flowing)
