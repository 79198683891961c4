"""The package of an eventful recording (gap, replaced worker, power cut), made by the command and judged by stock tools."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bodycamd.cli.main import main
from bodycamd.evidence.keys import SigningKey
from bodycamd.municipality.report.report import Report
from bodycamd.municipality.report.report_page import page
from tests.camera.capture.films import burned_times
from tests.kit import stock_tools
from tests.kit.camera import Camera
from tests.kit.eventful import OFFICER, TORN_BYTES
from tests.kit.films import BOOT_SECONDS, fragmented_mp4, split
from tests.kit.films import Camera as SyntheticCamera
from tests.kit.local_time import AMSTERDAM
from tests.kit.scale import only_in_full

pytestmark = only_in_full

RECORDING = "000001-0001"
FRAME_SECONDS = 1 / 15
Found = dict[str, Any]


@pytest.fixture(scope="module")
def camera(eventful_camera: Camera) -> Camera:
    return eventful_camera


def export(camera: Camera, out: Path, *options: str, store: Path | None = None, recording: str = RECORDING) -> int:
    arguments = ["export", recording, "--store", str(store or camera.store), "--identity", str(camera.identity), "--out", str(out)]
    return main([*arguments, *options])


@pytest.fixture(scope="module")
def package(camera: Camera, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "case"
    assert export(camera, out, "--device-key", str(camera.folder / "device.pem")) == 0
    return out


@pytest.fixture(scope="module")
def report(package: Path) -> Found:
    found: Found = json.loads((package / "report.json").read_bytes())
    return found


def films(package: Path) -> list[Path]:
    return [package / part["file"] for part in json.loads((package / "report.json").read_bytes())["films"]]


def test_everything_is_there_and_summed(package: Path) -> None:
    names = {path.name for path in package.iterdir()}
    assert {"report.json", "report.html", "SHA256SUMS", "contact-sheet.png", f"test-1_{RECORDING}.mp4"} <= names
    summed = {line.split()[1] for line in (package / "SHA256SUMS").read_text().splitlines()}
    assert summed == names - {"SHA256SUMS"}
    assert subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=package, capture_output=True).returncode == 0
    assert package.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in package.parent.iterdir()] == [package.name], "a temporary folder is left"


def test_the_story_is_told_right(camera: Camera, report: Found) -> None:
    story, footage = report["story"], report["footage"]
    (opened,) = camera.ledger("recording_opened")
    assert (story["officer"], story["device"]) == (OFFICER, "test-1")
    assert story["warning"]["outcome"] == "played_to_device"
    assert story["opened"]["wall"] == opened["wall"]
    assert (story["reason"], story["ended_by"]) == ("interrupted", "power_cut")
    assert [m["at"]["boottime_us"] for m in story["markers"]] == [entry["detail"]["at_us"] for entry in camera.ledger("marker")]
    (gap,) = [gap for gap in footage["gaps"] if gap["cause"] == "worker_replaced"]
    assert gap["reason"] == "ended by signal 9"
    assert [(s["kind"], s["agrees"], s["torn_bytes"] > TORN_BYTES) for s in footage["segments"]] == [
        ("sealed", True, False),
        ("cut", True, True),
    ]
    assert report["verification"]["verdict"] == "incomplete"
    assert report["missing"] == []


def test_the_gap_is_what_the_burned_clock_misses_and_the_film_plays_in_step(package: Path, report: Found) -> None:
    """Across the gap every picture is shown at the time at which it was taken, by the clock in the picture."""
    times: list[int] = []
    for part in report["films"]:
        for at_seconds, burned_us in burned_times(package / part["file"]):
            assert burned_us is not None
            times.append(burned_us)
            assert abs(part["begins"]["boottime_us"] / 1e6 + at_seconds - burned_us / 1e6) < FRAME_SECONDS
        stock_tools.decodes(package / part["file"])
    missing = sum(later - earlier - FRAME_SECONDS * 1e6 for earlier, later in pairwise(times) if later - earlier > 1.5e6 * FRAME_SECONDS)
    assert abs(report["footage"]["gap_us"] - missing) < FRAME_SECONDS * 1e6
    assert len(times) == report["footage"]["frames"]


def test_sound_and_picture_begin_as_they_were_captured(camera: Camera, package: Path) -> None:
    (first,) = [line for line in members(camera.segments()[0], package.parent / "members") if line.get("index") == 1]
    starts = {stream["codec_type"]: float(stream["start_time"]) for stream in probe(films(package)[0])}
    assert starts["audio"] - starts["video"] == pytest.approx((first["audio_pts_us"] - first["pts_us"]) / 1e6, abs=25e-6)
    shutil.rmtree(package.parent / "members")


def probe(film: Path) -> list[Found]:
    """At `error`: ffprobe warns of the track that holds the chapters' titles."""
    streams: list[Found] = json.loads(stock_tools.run("ffprobe", "-v", "error", "-of", "json", "-show_streams", film))["streams"]
    return streams


def members(segment: Path, folder: Path) -> list[Found]:
    return [json.loads(path.read_bytes()) for path in stock_tools.extract(segment, folder) if path.suffix == ".json"]


def streams(film: Path) -> str:
    """`-map 0:v -map 0:a`: not the subtitle, which is made at export."""
    command = ["-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-"]
    return stock_tools.run("ffmpeg", "-nostdin", "-v", "error", "-i", film, *command).decode()


def test_subtitles_and_chapters_leave_picture_and_sound_alone(camera: Camera, package: Path, report: Found, tmp_path: Path) -> None:
    bare = tmp_path / "film.mp4"
    assert export(camera, bare) == 0
    assert streams(bare) == streams(films(package)[0])
    said = [line.split("=")[1].lower() for line in streams(bare).split()]
    hashes = report["films"][0]["streamhash"]
    assert said == [hashes["video"]["payload_sha256"], hashes["audio"]["payload_sha256"]]
    assert sorted(stream["codec_type"] for stream in stock_tools.probe(bare)["streams"]) == ["audio", "video"]


def cues_of(film: Path) -> list[list[str]]:
    """Number, times, and the lines of text, of every subtitle."""
    text = stock_tools.run("ffmpeg", "-nostdin", "-v", "error", "-i", film, "-map", "0:s", "-f", "srt", "-").decode()
    return [cue.split("\n") for cue in text.replace("\r", "").strip().split("\n\n")]


def test_the_subtitle_tells_the_time_of_the_picture_its_error_and_the_camera(package: Path, report: Found) -> None:
    seconds: list[str] = []
    for film in report["films"]:
        cues = cues_of(package / film["file"])
        assert cues[0][2] == AMSTERDAM.wall_beside_utc(film["begins"]["wall"])
        assert all(cue[3].startswith("± ") for cue in cues)
        assert all(cue[4] == f"test-1 {RECORDING}" for cue in cues)
        assert cues[-1][1].split(" --> ")[1] <= f"00:00:{film['duration_seconds']:06.3f}".replace(".", ",")
        seconds += [cue[2][:19] for cue in cues]
    assert len(seconds) >= 8
    assert list(dict.fromkeys(seconds)) == sorted(set(seconds)), "each second once (twice where a gap lies in it), in order"


def test_markers_are_chapters(package: Path, report: Found) -> None:
    marked = [marker["at"]["boottime_us"] for marker in report["story"]["markers"]]
    for film in report["films"]:
        said = json.loads(stock_tools.run("ffprobe", "-v", "error", "-show_chapters", "-of", "json", package / film["file"]))["chapters"]
        begins_us = film["begins"]["boottime_us"]
        inside = [(n, at_us) for n, at_us in enumerate(marked, 1) if 0 <= at_us - begins_us < film["duration_seconds"] * 1e6]
        wanted = [0.0, *((at_us - begins_us) / 1e6 for _, at_us in inside)] if inside else []
        assert [float(chapter["start_time"]) for chapter in said] == pytest.approx(wanted, abs=0.002)
        assert [chapter["tags"]["title"].split(" -")[0] for chapter in said][1:] == [f"Markering / Marker {n}" for n, _ in inside]


def test_the_experts_commands_give_what_the_report_says(camera: Camera, package: Path, report: Found, tmp_path: Path) -> None:
    copy = shutil.copytree(package, tmp_path / "case")
    for step in report["repeat"]:
        if step["title"] == "variables":
            variables = [f"STORE={camera.store}", f"IDENTITY={camera.identity}", step["commands"][2]]
            continue
        script = "set -e\n" + "\n".join([*variables, *step["commands"]])
        done = subprocess.run(["sh", "-c", script], cwd=copy, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), step
        expected = step.get("expected", "").split("\n")
        given = [line.split()[0] for line in done.stdout.splitlines()]
        if step["title"] == "sealed":
            assert given == [line.split()[0] for line in expected]
        elif step.get("expected"):
            assert set(given) == set(expected)
            assert len(given) == 2


def test_the_page_stands_alone_and_says_it_in_both_languages(package: Path) -> None:
    html = (package / "report.html").read_text(encoding="utf-8")
    for words in ("Gesproken waarschuwing", "Spoken warning", OFFICER, "power was lost", "ended by signal 9", "beëindigd door signaal 9"):
        assert words in html
    for words in ("opnameproces uitgevallen of vastgelopen", "the capture process stopped or hung", "Het geluid is aan.", "Sound is on."):
        assert words in html
    assert "capture stalled" not in html
    assert "last_frame_us" not in html
    assert not any(word in html for word in ("<script", "http:", "https:", "href=", "url("))
    picture = base64.b64encode((package / "contact-sheet.png").read_bytes()).decode()
    assert picture in html


def test_one_language(camera: Camera, tmp_path: Path) -> None:
    assert export(camera, tmp_path / "case", "--language", "en") == 0
    html = (tmp_path / "case" / "report.html").read_text(encoding="utf-8")
    assert "Spoken warning" in html
    assert "Gesproken" not in html
    assert "The capture process stopped or hung" in html
    assert "vastgelopen" not in html
    assert "Not verified" in html


def test_all_goes_on_where_it_was_interrupted(camera: Camera, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(camera, tmp_path / "all", recording="all") == 0
    assert [path.name for path in (tmp_path / "all").iterdir()] == [f"test-1_{RECORDING}"]
    capsys.readouterr()
    assert export(camera, tmp_path / "all", recording="all") == 0
    assert "is there already" in capsys.readouterr().err


# --- films in parts ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    """Three parts: a gap of 2 s inside a segment, then a picture of another size; one fragment stands twice. Returns the package."""
    footage = SyntheticCamera(tmp_path / "store" / "recordings")
    init, fragments = split(fragmented_mp4(7))
    footage.write(init, [*fragments[:2], *fragments[4:6]], suffix=".cut.tar")
    footage.seq -= 1
    footage.write(init, fragments[5:])
    footage.write(*split(fragmented_mp4(2, begins=BOOT_SECONDS + 7, size="640x360")), generation=2)
    identity = shutil.move(footage.identity_file, tmp_path / "identity.txt")
    out = tmp_path / "case"
    arguments = ["export", RECORDING, "--store", str(tmp_path / "store"), "--identity", str(identity), "--out", str(out)]
    assert main(arguments) == 0
    return out


def test_parts_are_bound_as_one_and_each_says_when_it_begins(parted: Path) -> None:
    report = json.loads((parted / "report.json").read_bytes())
    assert [film["file"] for film in report["films"]] == [f"cam_{RECORDING}.mp4", f"cam_{RECORDING}-2.mp4", f"cam_{RECORDING}-3.mp4"]
    assert [film["frames"] for film in report["films"]] == [60, 90, 60]
    begins = [film["begins"]["boottime_us"] / 1e6 - BOOT_SECONDS for film in report["films"]]
    assert begins == pytest.approx([0, 4, 7], abs=0.05)
    assert report["footage"]["gap_us"] == pytest.approx(2_000_000, abs=50_000)
    assert [segment.get("repeated") for segment in report["footage"]["segments"]] == [None, ["000001.m4s.age"], None]
    assert {path.name for path in parted.iterdir()} >= {"contact-sheet.png", "contact-sheet-2.png", "contact-sheet-3.png"}
    variables = [f"STORE={parted.parent / 'store'}", f"IDENTITY={parted.parent / 'identity.txt'}", report["repeat"][0]["commands"][2]]
    for step in report["repeat"][1:]:
        script = "set -e\n" + "\n".join([*variables, *step["commands"]])
        done = subprocess.run(["sh", "-c", script], cwd=parted, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), step
        if step["title"].startswith(("payload", "table")):
            assert [line.split()[0] for line in done.stdout.splitlines()] == [step["expected"]] * 2, step


def test_the_page_of_parts_shows_every_sheet(parted: Path) -> None:
    assert (parted / "report.html").read_text(encoding="utf-8").count("data:image/png;base64,") == 3


# --- what goes wrong --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(camera: Camera, tmp_path: Path) -> Path:
    return shutil.copytree(camera.store, tmp_path / "copy")


def test_a_missing_segment_is_an_error_and_stated_on_demand(
    camera: Camera, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied / "recordings" / RECORDING / "000000.tar").unlink()
    for out in (tmp_path / "case", tmp_path / "film.mp4"):
        assert export(camera, out, store=copied) == 65
        assert "000000.tar, sealed with" in capsys.readouterr().err
        assert not out.exists()
    key = str(camera.folder / "device.pem")
    assert export(camera, tmp_path / "case", "--incomplete", "--device-key", key, store=copied) == 0
    found = json.loads((tmp_path / "case" / "report.json").read_bytes())
    assert found["missing"][0].startswith("000000.tar")
    assert found["verification"]["verdict"] == "altered"
    assert "000000.tar" in (tmp_path / "case" / "report.html").read_text(encoding="utf-8")


def test_a_wrong_identity_leaves_nothing(camera: Camera, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout)
    assert main(["export", RECORDING, "--store", str(camera.store), "--identity", str(wrong), "--out", str(tmp_path / "case")]) == 77
    assert "not sealed to the identity" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.txt"]


def test_damage_is_left_out_and_the_verdict_is_red(
    camera: Camera, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment = copied / "recordings" / RECORDING / "000000.tar"
    whole = json.loads((tmp_path / "whole" / "report.json").read_bytes()) if export(camera, tmp_path / "whole") == 0 else {}
    capsys.readouterr()
    content = bytearray(segment.read_bytes())
    content[content.index(b"000002.m4s.age") + 1000] ^= 1
    segment.write_bytes(bytes(content))
    for out, key in ((tmp_path / "case", ["--device-key", str(camera.folder / "device.pem")]), (tmp_path / "bare", [])):
        assert export(camera, out, *key, store=copied) == 4
        said = capsys.readouterr()
        assert "DAMAGED: 000000.tar: triple 2 at byte" in said.err
        assert "left out: 000002.m4s.age" in said.err
        assert "altered or missing" in said.out
        report = json.loads((out / "report.json").read_bytes())
        assert report["verdict"] == "altered"
        assert [part["members"] for part in report["footage"]["damage"]] == [["000002.m4s.age"]]
        (gap,) = [gap for gap in report["footage"]["gaps"] if gap["cause"] == "damaged"]
        assert gap["missing_us"] / 1e6 == pytest.approx(1, abs=0.2)
        lost = whole["footage"]["frames"] - report["footage"]["frames"]
        assert lost == pytest.approx(15, abs=2)
        for film in films(out):
            stock_tools.decodes(film)
        html = (out / "report.html").read_text(encoding="utf-8")
        assert 'class="verdict bad"' in html
        assert "WEGGELATEN UIT DE FILM" in html
    assert export(camera, tmp_path / "film.mp4", store=copied) == 4
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


HOSTILE = '<script>alert(1)</script>\u202e"&<img src=x onerror=y>'


def test_hostile_text_of_a_forged_ledger_is_not_told(camera: Camera, copied: Path, tmp_path: Path) -> None:
    """What does not verify exists for no reader; the verification says that it is not the camera's."""
    ledger = copied / "ledger" / "000001.jsonl"
    lines = ledger.read_bytes().split(b"\n")
    hostile = json.dumps(HOSTILE)[1:-1].encode()
    ledger.write_bytes(b"\n".join(line.replace(OFFICER.encode(), hostile) for line in lines))
    _relink(ledger)
    key = str(camera.folder / "device.pem")
    assert export(camera, tmp_path / "case", "--device-key", key, store=copied) == 0
    assert "alert(1)" not in (tmp_path / "case" / "report.html").read_text(encoding="utf-8")
    assert "alert(1)" not in (tmp_path / "case" / "report.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "case" / "report.json").read_bytes())["verification"]["store_verdict"] == "altered"


def test_what_the_registered_key_does_not_stand_behind_is_not_told(camera: Camera, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(SigningKey.generate().public.pem())
    assert export(camera, tmp_path / "case", "--device-key", str(other)) == 0
    report = json.loads((tmp_path / "case" / "report.json").read_bytes())
    assert report["verdict"] == "unverifiable"
    assert report["story"].get("officer", "") == ""
    assert report["story"].get("files", []) == []


def test_hostile_text_stays_text(package: Path) -> None:
    """Also what a camera has signed is shown, never obeyed."""
    report = msgspec.json.decode((package / "report.json").read_bytes(), type=Report)
    report.story.officer = HOSTILE
    html = page(report, "both", AMSTERDAM, {film.contact_sheet: b"" for film in report.films})
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;" in html


def _relink(ledger: Path) -> None:
    """What a forger can do without a key: the links fit again, the signatures do not."""
    import hashlib

    before: str | None = None
    made = []
    for line in ledger.read_bytes().split(b"\n")[:-1]:
        signature, _, text = line.partition(b" ")
        if before is not None:
            at = text.index(b'"prev":"') + 8
            text = text[:at] + before.encode() + text[at + 64 :]
        made.append(signature + b" " + text)
        before = hashlib.sha256(made[-1]).hexdigest()
    ledger.write_bytes(b"\n".join(made) + b"\n")


def test_a_package_is_replaced_only_by_word_and_nothing_else_ever(camera: Camera, package: Path, tmp_path: Path) -> None:
    out = shutil.copytree(package, tmp_path / "case")
    assert export(camera, out) == 73
    assert export(camera, out, "--overwrite") == 0
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("dear")
    assert export(camera, precious, "--overwrite") == 73
    assert (precious / "letter.txt").read_text() == "dear"


def test_what_does_not_go_together(camera: Camera, tmp_path: Path) -> None:
    key = str(camera.folder / "device.pem")
    assert export(camera, tmp_path / "film.mp4", recording="all") == 2
    assert export(camera, tmp_path / "film.mp4", "--device-key", key) == 2
    assert export(camera, tmp_path / "case", "--contact-sheet", str(tmp_path / "sheet.png")) == 2
    assert export(camera, tmp_path / "case", "--anchor", key) == 2
