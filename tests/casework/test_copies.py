"""A copy of a store keeps the camera's term: what the camera has deleted since is not altered on the copy, and does not stay unseen."""

from __future__ import annotations

import shutil
import subprocess
from copy import copy
from pathlib import Path

import pytest

from bodycamd.casework.offload import offload
from bodycamd.casework.verdicts import StoreReport
from bodycamd.casework.verify import verify
from bodycamd.evidence.keys import PublicKey
from bodycamd.recorder.store import Store
from tests.retention.camera import DAY, RestingCamera
from tests.scale import SCALE

SCRIPT = Path(__file__).parents[2] / "docs" / "verify.sh"


class Municipality:
    """A camera, and the disk that its store is offloaded to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.camera = RestingCamera(root / "camera").switch_on()
        self.camera.settle()
        self.disk = root / "disk"
        self.disk.mkdir()

    def offload(self) -> None:
        """Between two starts of the camera."""
        self.camera.switch_off()
        offload(Store.read_only(self.camera.store_folder), self.disk, same_disk=True)
        self.camera.switch_on(same_boot=True)

    def days_later(self, days: int) -> None:
        self.camera.switch_off()
        self.camera.switch_on(off_us=days * DAY)
        self.camera.settle()

    def verify(self) -> StoreReport:
        return verify(self.disk, PublicKey.from_pem((self.root / "camera" / "device.pem").read_bytes()))

    def second(self) -> tuple[int, dict[str, str]]:
        key = self.root / "camera" / "device.pem"
        done = subprocess.run(["bash", SCRIPT, "--store", self.disk, "--device-key", key], capture_output=True, text=True, timeout=110)
        lines = [line.split() for line in done.stdout.splitlines() if not line.startswith(" ")]
        return done.returncode, {where: verdict for verdict, where in lines}


def verdicts(report: StoreReport) -> tuple[int, dict[str, str]]:
    return report.exit_code, {"store": report.findings.worst, **{done.recording: done.verdict for done in report.recordings}}


def agrees(made: Municipality, report: StoreReport) -> None:
    """The second verifier, which is slow, in full runs."""
    if SCALE >= 1:
        assert made.second() == verdicts(report)


@pytest.fixture(scope="module")
def after_40_days(tmp_path_factory: pytest.TempPathFactory) -> Municipality:
    """Two recordings, one of them held on the camera, offloaded on the day; after 40 days offloaded again."""
    made = Municipality(tmp_path_factory.mktemp("municipality"))
    made.camera.record()
    made.camera.hold(made.camera.record())
    made.offload()
    made.days_later(40)
    made.offload()
    return made


@pytest.fixture
def offloaded(after_40_days: Municipality, tmp_path: Path) -> Municipality:
    """The same, with a disk of the test's own."""
    made = copy(after_40_days)
    made.disk = shutil.copytree(after_40_days.disk, tmp_path / "disk")
    return made


def test_what_the_camera_deleted_is_kept_beyond_its_deletion_and_not_altered(offloaded: Municipality) -> None:
    assert offloaded.camera.present() == ["000001-0002"]
    report = offloaded.verify()
    assert verdicts(report) == (6, {"store": "intact", "000001-0001": "kept", "000001-0002": "intact"}), report
    assert "`bodycamd prune`" in report.recordings[0].findings.listed[0].what
    assert report.recordings[0].fragments == 6, "and every byte of it was verified"
    agrees(offloaded, report)


def test_a_changed_byte_of_it_is_altered_all_the_same(offloaded: Municipality) -> None:
    path = offloaded.disk / "recordings" / "000001-0001" / "000001.tar"
    content = bytearray(path.read_bytes())
    content[3000] ^= 1
    path.write_bytes(content)
    report = offloaded.verify()
    assert verdicts(report) == (4, {"store": "intact", "000001-0001": "altered", "000001-0002": "intact"})
    agrees(offloaded, report)


def test_a_file_too_many_is_altered_and_one_that_went_is_not(offloaded: Municipality) -> None:
    folder = offloaded.disk / "recordings" / "000001-0001"
    (folder / "000000.tar").unlink()
    report = offloaded.verify()
    assert verdicts(report)[1]["000001-0001"] == "kept", "half of it has gone: the rest is still too much"
    agrees(offloaded, report)
    shutil.copy(folder / "000001.tar", folder / "000002.tar")
    report = offloaded.verify()
    assert verdicts(report)[1]["000001-0001"] == "altered"
    agrees(offloaded, report)
