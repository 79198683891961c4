"""Who asked: stated in the ledger by the kernel's word, and refused where they have no right. The commands run as other users, for real."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import BeginShift
from bodycamd.camera.recorder.shift import Shift
from bodycamd.cli.main import main
from bodycamd.municipality.report.story import read_story
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full

pytestmark = only_in_full

NOBODY = 65534
ASKING, DECIDING = "users", "staff"
"""Groups that every Debian has, in the place of those that the package makes."""
HOLD = ("--ground", "complaint", "--reference", "K-117", "--by", "coordinator", "--review-on", "2099-01-01")
BUTTON = {"via": "button"}
AS_NOBODY = f"""
import contextlib, io, os, sys
import bodycamd.config.load, bodycamd.municipality.words.times, zoneinfo
from bodycamd.cli import main
with contextlib.redirect_stderr(io.StringIO()):
    assert main.main([*sys.argv[2:-1], "nowhere.sock"]) == 69
gids = [int(gid) for gid in sys.argv[1].split(",")]
os.setgroups(gids[1:])
os.setgid(gids[0])
os.setuid({NOBODY})
sys.exit(main.main(sys.argv[2:]))
"""
"""What the command imports may lie where only root can read: so it is tried once before, and nobody answers."""


def run_as(folder: Path, groups: Sequence[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the nobody user, with the first group as its own and the others beside it; in `folder`, which it may enter."""
    gids = [grp.getgrnam(name).gr_gid for name in groups] or [NOBODY]
    command = [sys.executable, "-c", AS_NOBODY, ",".join(map(str, gids)), *arguments, "--socket", "control.sock"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)


@pytest.mark.timeout(600)  # thirteen commands, each a process that imports everything twice: minutes on a busy machine
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run commands as somebody else")
def test_who_has_no_right_changes_nothing_and_who_has_it_is_named(tmp_path: Path) -> None:
    with Camera(tmp_path, {"control": {"group": ASKING, "admin_group": DECIDING}}) as camera:
        camera.skip_warning_and_record()
        name = camera.stop_recording()["recording"]
        asked = [
            ("hold", "add", name, *HOLD),
            ("hold", "release", name, "--reason", "withdrawn", "--by", "coordinator"),
            ("sweep",),
            ("shift", "begin", "--officer", "H-12"),
            ("shift", "end"),
        ]
        before = camera.ledger()
        stranger = run_as(camera.device, [], *asked[0])
        assert (stranger.returncode, stranger.stdout) == (77, ""), stranger.stderr
        assert "only members of the socket's group may ask" in stranger.stderr
        for arguments in asked:
            asking = run_as(camera.device, [ASKING], *arguments)
            assert (asking.returncode, asking.stdout) == (77, ""), asking.stderr
            assert f"only members of group '{DECIDING}' may do this, and user {NOBODY} is none; nothing was changed" in asking.stderr
        assert run_as(camera.device, [ASKING], "hold", "list", "--json").stdout.strip() == "[]"
        assert camera.ledger() == before
        assert camera.status()["shift"] is None

        deciding = run_as(camera.device, [DECIDING, ASKING], *asked[0])
        assert deciding.returncode == 0, deciding.stderr
        for arguments in asked[1:]:
            assert run_as(camera.device, [DECIDING, ASKING], *arguments).returncode == 0
        assert camera.stop() == 0, camera.journal
    who = {"via": "control_socket", "uid": NOBODY}
    for type in ("hold_added", "hold_released", "sweep_requested", "shift_begin", "shift_end"):
        assert [entry["detail"]["caller"] for entry in camera.ledger(type)] == [who], type


def test_a_command_without_a_daemon_names_who_started_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Camera(tmp_path) as camera:
        camera.skip_warning_and_record()
        name = camera.stop_recording()["recording"]
        assert camera.stop() == 0, camera.journal
    assert main(["hold", "add", name, *HOLD, "--config", str(camera.config)]) == 0
    assert main(["sweep", "--config", str(camera.config)]) == 0
    who = {"via": "command", "uid": os.getuid()}
    assert [entry["detail"]["caller"] for type in ("hold_added", "sweep_requested") for entry in camera.ledger(type)] == [who, who]
    capsys.readouterr()
    assert main(["recordings", "log", "--store", str(camera.store), "--recording", name]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"by coordinator; to be reviewed on 2099-01-01. Requested by user {os.getuid()}." in told


def test_recordings_and_markers_name_the_officer_of_the_open_shift(tmp_path: Path) -> None:
    with Camera(tmp_path) as camera:
        camera.skip_warning_and_record()
        before = camera.stop_recording()["recording"]
        with ControlClient(camera.device / "control.sock") as client:
            client.request(BeginShift(officer="H-12"), Shift)
        camera.skip_warning_and_record()
        camera.tap()
        camera.wait_event("FragmentDurable", number=len(camera.of("FragmentDurable")) + 1)
        camera.kill()
        camera.start(ready=False)
        camera.wait_state("recording")
        assert camera.status()["shift"]["officer"] == "H-12", "the shift goes on: the camera was never switched off"
        assert camera.stop() == 0, camera.journal
    opened = {entry["detail"]["recording"]: entry["detail"] for entry in camera.ledger("recording_opened")}
    first, second, resumed = opened.values()
    assert ("officer" in first, first["caller"]) == (False, BUTTON)
    assert (second["officer"], second["caller"]) == ("H-12", BUTTON)
    assert (resumed["officer"], "caller" in resumed, resumed["resumes"]) == ("H-12", False, second["recording"])
    (marker,) = camera.ledger("marker")
    assert (marker["detail"]["officer"], marker["detail"]["caller"]) == ("H-12", BUTTON)
    told = [read_story(camera.store / "ledger", name) for name in (before, *list(opened)[1:])]
    assert [story.officer for story in told] == ["", "H-12", "H-12"]
    assert [story.shift_begun is not None for story in told] == [False, True, True]
    assert [m.officer for m in told[1].markers] == ["H-12"]
    (camera.folder / "device.pem").write_bytes(camera.device_pem)
    assert main(["verify", "--store", str(camera.store), "--device-key", str(camera.folder / "device.pem")]) == 3, "one was interrupted"
