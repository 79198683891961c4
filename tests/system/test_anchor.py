"""The whole daemon: an anchor over the control socket while it records, and verification of its store at work and at rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bodycamd.cli.main import main
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full


@only_in_full
def test_anchor_and_verify_a_camera_at_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pem, anchor = tmp_path / "device.pem", tmp_path / "anchor.json"
    with Camera(tmp_path / "camera", {"storage": {"segment_seconds": 10}}) as camera:
        pem.write_bytes(camera.device_pem)
        check = ["verify", "--store", str(camera.store), "--device-key", str(pem), "--anchor", str(anchor), "--json"]
        camera.skip_warning_and_record()
        camera.wait_event("FragmentDurable", 3)
        assert main(["anchor", "--socket", str(camera.device / "control.sock"), "--out", str(anchor)]) == 0
        assert '"open"' in json.loads(anchor.read_bytes())["line"]
        assert main(check) == 3
        verdict = json.loads(capsys.readouterr().out)["recordings"][0]["verdict"]
        assert verdict in ("open", "incomplete"), "a busy machine may cost a picture: that is a stated gap"
        camera.stop_recording()
        assert_whole(main(check), json.loads(capsys.readouterr().out))
        assert camera.stop() == 0
    assert_whole(main(check), json.loads(capsys.readouterr().out))
    (segment,) = camera.segments()
    segment.write_bytes(segment.read_bytes().replace(b'"frames":', b'"framez":', 1))
    assert main(check) == 4


def assert_whole(exit_code: int, report: dict[str, Any]) -> None:
    """Intact; or incomplete, where a busy machine cost a picture and the camera states it."""
    (recording,) = report["recordings"]
    verdict = "incomplete" if recording["gap_us"] else "intact"
    assert (report["verdict"], recording["verdict"]) == (verdict, verdict), report
    assert exit_code == (3 if recording["gap_us"] else 0)
