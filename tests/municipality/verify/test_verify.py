"""`bodycamd verify` and `bodycamd anchor` as commands, on stores at rest and at work; and that reading changes nothing."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pyrage
import pytest

from bodycamd.cli.main import main
from bodycamd.cli.output import duration
from bodycamd.errors import DataError, NotFoundError
from bodycamd.evidence.keys import PublicKey, provision
from bodycamd.municipality.verify import anchors
from bodycamd.municipality.verify.verify import verify
from bodycamd.store.reader import StoreReader
from tests.camera.recorder.rig import Rig
from tests.kit.scale import only_in_full
from tests.municipality.verify.attacks.scene import INTACT, OPEN, SECOND_INTACT, Scene, make


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


def run(scene: Scene, *more: str | Path) -> int:
    return main(["verify", "--store", str(scene.store), "--device-key", str(scene.root / "device.pem"), *map(str, more)])


def test_what_a_person_reads(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(scene) == 3
    said = capsys.readouterr().out
    expected = ("000001-0001  intact", "deleted as stated", "stated gaps of 0.400 s", "start 2 closed it", "4 whole fragments")
    for words in (*expected, "of 3 starts of cam-7", "in 1 segment,"):
        assert words in said


def test_the_list_ends_with_how_many_and_how_long(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "list", "--store", str(scene.store)]) == 0
    found = StoreReader.open(scene.store).recordings()
    length = duration(sum(info.duration_us for info in found) / 1e6)
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{len(found)} recordings, {length}, ")


def test_what_a_program_reads(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(scene, "--json") == 3
    report = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["exit_code"], report["device"], report["starts"]) == ("incomplete", 3, "cam-7", 3)
    assert {done["recording"]: done["verdict"] for done in report["recordings"]}[OPEN] == "open"
    assert all(set(finding) == {"verdict", "where", "what"} for done in report["recordings"] for finding in done["findings"]["listed"])


@only_in_full
def test_wrong_use_is_exit_code_2(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(scene, "--anchor", tmp_path / "none") == 2
    (tmp_path / "anchor").write_text("no anchor")
    assert run(scene, "--anchor", tmp_path / "anchor") == 2
    said = capsys.readouterr().err
    assert said.count(f"{tmp_path}/none") == said.count(f"{tmp_path}/anchor") == 1
    assert "device.pem" not in said
    pem = scene.root / "device.pem"
    assert main(["verify", "--store", str(tmp_path / "none"), "--device-key", str(pem)]) == 2
    assert main(["verify", "--store", str(scene.store), "--device-key", str(tmp_path / "none")]) == 2
    assert main(["verify", "--store", str(scene.store), "--device-key", str(tmp_path / "anchor")]) == 2
    assert capsys.readouterr().err.endswith(f"bodycamd: {tmp_path}/anchor: not a public key in PEM; give the camera's device.pem\n")
    assert main(["verify"]) == 2


def test_the_export_takes_a_key_or_anchor_that_is_none_alike(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (identity := tmp_path / "identity.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    (none := tmp_path / "letter.pem").write_text("dear")
    export = ["export", "all", "--store", str(scene.store), "--identity", str(identity), "--out", str(tmp_path / "case")]
    assert main([*export, "--device-key", str(none)]) == 2
    assert capsys.readouterr().err == f"bodycamd: {none}: not a public key in PEM; give the camera's device.pem\n"
    assert main([*export, "--device-key", str(scene.root / "device.pem"), "--anchor", str(none)]) == 2
    assert str(none) in capsys.readouterr().err
    assert not (tmp_path / "case").exists()


def test_a_key_that_was_not_registered_verifies_nothing(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(provision(tmp_path / "other"))
    assert main(["verify", "--store", str(scene.store), "--device-key", str(tmp_path / "other.pem")]) == 5


def test_reading_writes_nothing_and_works_where_nothing_can_be_written(scene: Scene) -> None:
    def state() -> dict[Path, tuple[int, int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size, path.stat().st_mode) for path in scene.store.rglob("*")}

    before = state()
    verify(scene.store, PublicKey.from_pem(scene.device_pem))
    anchors.of_store(scene.store)
    assert state() == before


@only_in_full
def test_memory_does_not_grow_with_a_hostile_store(scene: Scene, tmp_path: Path) -> None:
    hostile = scene.copy(tmp_path / "hostile")
    for number in range(3000):
        (hostile.folder(OPEN) / f"stray {number}").touch()
    os.truncate(hostile.segment(OPEN), 2**34)
    with hostile.ledger(3).open("ab") as file:
        file.truncate(2**28)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = verify(hostile.store, PublicKey.from_pem(scene.device_pem))
    assert report.verdict == "altered"
    assert len(report.findings.listed) == 50
    assert report.findings.unlisted >= 2900
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_running_recorder_is_verified_and_anchored(tmp_path: Path) -> None:
    pem = provision(tmp_path / "keys")
    rig = Rig(tmp_path, segment_seconds=3)
    rig.camera()
    rig.begin()
    rig.film(7)
    rig.wait_durable(7)
    lines: list[str] = []
    rig.writer.anchor(lines.append)
    rig.wait(lambda: lines)
    anchor = anchors.from_line(lines[0], "anchor")
    assert anchor.pin is not None
    assert (anchor.pin.recording, anchor.pin.segment) == ("000001-0001", 2)
    registered = PublicKey.from_pem(pem)
    report = verify(tmp_path / "store", registered, anchor)
    assert (report.verdict, report.anchor, report.recordings[0].fragments) == ("open", "extended", 7)
    rig.film(2)
    rig.end()
    rig.wait_sealed()
    rig.stop()
    for taken in (anchor, anchors.of_store(tmp_path / "store")):
        report = verify(tmp_path / "store", registered, taken)
        assert (report.verdict, report.exit_code, report.anchor) == ("intact", 0, "extended")


@pytest.mark.parametrize("form", ["file", "line"])
@pytest.mark.parametrize("name", ["at_rest", "running"])
def test_anchors_are_kept_as_a_file_or_as_the_line_of_the_code(scene: Scene, tmp_path: Path, name: str, form: str) -> None:
    anchor = anchors.from_line(scene.anchors[name], "anchor")
    path = tmp_path / "anchor"
    path.write_bytes(anchor.file_bytes() if form == "file" else anchor.line.encode())
    assert anchors.read(path) == anchor
    assert run(scene, "--anchor", path) == 3
    if form == "file":
        fields = json.loads(path.read_bytes())
        assert set(fields) == {"format", "device", "start", "n", "head", "wall", "line"}
        path.write_text(json.dumps({**fields, "wall": "2020-01-01T00:00:00.000000Z"}))
        with pytest.raises(DataError, match="written beside the signed line"):
            anchors.read(path)


@only_in_full
def test_the_anchor_command(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, code = tmp_path / "anchor.json", tmp_path / "anchor.png"
    assert main(["anchor", "--store", str(scene.store), "--out", str(out), "--qr", str(code)]) == 0
    assert code.read_bytes().startswith(b"\x89PNG")
    assert anchors.read(out) == anchors.of_store(scene.store)
    assert main(["anchor", "--store", str(scene.store)]) == 0
    assert json.loads(capsys.readouterr().out)["device"] == "cam-7"
    assert main(["anchor", "--store", str(tmp_path)]) == 66
    assert main(["anchor", "--store", str(tmp_path), "--socket", str(tmp_path)]) == 2
    with pytest.raises(NotFoundError):
        anchors.of_store(tmp_path)


@only_in_full
def test_one_recording_is_verified_without_reading_the_others(scene: Scene, tmp_path: Path) -> None:
    """The ledger counts as a whole; of the segments only those of this recording, and of the one that the anchor pins."""
    registered = PublicKey.from_pem(scene.device_pem)
    damaged = scene.copy(tmp_path / "damaged")
    for recording in (SECOND_INTACT, OPEN):
        damaged.segment(recording).write_bytes(b"not what was sealed")
    assert verify(damaged.store, registered).verdict == "altered"
    report = verify(damaged.store, registered, only=INTACT)
    assert (report.verdict, report.exit_code, report.only) == ("intact", 0, INTACT)
    assert [done.recording for done in report.recordings] == [INTACT]
    whole = {done.recording: done for done in verify(scene.store, registered).recordings}
    assert report.recordings == [whole[INTACT]]
    for recording in whole:
        assert verify(scene.store, registered, only=recording).recordings == [whole[recording]], recording
    assert verify(damaged.store, registered, only=SECOND_INTACT).verdict == "altered"
    pinned = anchors.from_line(scene.anchors["running"], "anchor")
    assert pinned.pin is not None
    assert pinned.pin.recording == OPEN
    assert verify(scene.store, registered, pinned, only=INTACT).anchor == "extended"
    report = verify(damaged.store, registered, pinned, only=INTACT)
    assert (report.recordings[0].verdict, report.verdict, report.anchor) == ("intact", "altered", "not extended")
    damaged.ledger(2).unlink()
    assert verify(damaged.store, registered, only=INTACT).verdict == "altered", "the chain is broken"
    assert verify(scene.store, registered, only="000009-0001").recordings == []
