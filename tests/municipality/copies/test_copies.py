"""A copy of a store keeps the camera's term: what the camera has deleted since is not altered on the copy, and does not stay unseen."""

from __future__ import annotations

import base64
import errno
import json
import shutil
import subprocess
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest

from bodycamd.camera.keeping.offload import offload
from bodycamd.cli.main import main
from bodycamd.errors import DataError, StorageError, UsageError
from bodycamd.evidence.copy_record import Deletion, Detail, Pruned
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.linux.disk import FileOperations
from bodycamd.municipality.copies.copies import standing, writing
from bodycamd.municipality.copies.copy_holds import add_hold, release_hold
from bodycamd.municipality.copies.copy_inventory import take_inventory
from bodycamd.municipality.copies.person_keys import load_person_key, new_person_key, read_people
from bodycamd.municipality.copies.prune import Plan, plan, prune
from bodycamd.municipality.report.story import read_story
from bodycamd.municipality.verify.verdicts import StoreReport
from bodycamd.municipality.verify.verify import verify
from bodycamd.retention.holds import HoldRequest, ReleaseRequest
from bodycamd.store.reader import StoreReader
from tests.camera.recorder.faults import Fault
from tests.kit.resting_camera import DAY, RefusingDisk, RestingCamera
from tests.kit.scale import IN_FULL, SCALE, only_in_full

SCRIPT = Path(__file__).parents[3] / "scripts" / "verify.sh"


class Municipality:
    """A camera, and the disk that its store is offloaded to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.camera = RestingCamera(root / "camera").switch_on()
        self.camera.settle()
        self.disk = root / "disk"
        self.disk.mkdir()
        self.key = root / "e-03.pem"
        self.people = root / "people.txt"
        self.people.write_text(f"E-03 {new_person_key(self.key).raw.hex()}\n")
        self.stranger = root / "stranger.pem"
        new_person_key(self.stranger)

    @property
    def device_key(self) -> Path:
        return self.root / "camera" / "device.pem"

    def signer(self, path: Path | None = None) -> SigningKey:
        return load_person_key(path or self.key, bytes)

    def now_us(self) -> int:
        return self.camera.clock.wall_us

    def hold(self, recording: str = "000001-0001", reference: str = "K-2026/9", key: Path | None = None) -> str:
        asked = HoldRequest(recording=recording, ground="complaint", reference=reference, by="E-03", review_on="2030-01-01")
        return add_hold(self.disk, self.signer(key), read_people(self.people), asked, self.now_us()).added.hold

    def release(self, hold: str, key: Path | None = None) -> None:
        asked = ReleaseRequest(hold=hold, reason="settled", by="E-03")
        release_hold(self.disk, self.signer(key), read_people(self.people), asked, self.now_us())

    def plan(self) -> Plan:
        return plan(self.disk, PublicKey.from_pem(self.device_key.read_bytes()), read_people(self.people), self.now_us())

    def prune(self, disk: FileOperations | None = None) -> list[str]:
        registered = PublicKey.from_pem(self.device_key.read_bytes())
        return prune(self.disk, registered, read_people(self.people), self.signer(), self.now_us(), disk)[1]

    def present(self) -> list[str]:
        return sorted(path.name for path in (self.disk / "recordings").iterdir())

    def offload(self) -> None:
        """Between two starts of the camera."""
        self.camera.switch_off()
        offload(StoreReader.open(self.camera.store_folder), self.disk, same_disk=True)
        take_inventory(self.disk, self.signer(), self.now_us())
        self.camera.switch_on(same_boot=True)

    def days_later(self, days: int) -> None:
        self.camera.switch_off()
        self.camera.switch_on(off_us=days * DAY)
        self.camera.settle()

    def verify(self) -> StoreReport:
        return verify(self.disk, PublicKey.from_pem(self.device_key.read_bytes()), people=read_people(self.people))

    def second(self) -> tuple[int, dict[str, str]]:
        asked: list[str | Path] = ["bash", SCRIPT, "--store", self.disk, "--device-key", self.device_key, "--people", self.people]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=110)
        assert done.stderr == ""
        lines = [line.split() for line in done.stdout.splitlines() if not line.startswith(" ")]
        return done.returncode, {where: verdict for verdict, where in lines}


def verdicts(report: StoreReport) -> tuple[int, dict[str, str]]:
    return report.exit_code, {"store": report.findings.worst, **{done.recording: done.verdict for done in report.recordings}}


def agrees(made: Municipality, report: StoreReport) -> None:
    """The second verifier, which is slow, in full runs."""
    if SCALE >= IN_FULL:
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


@only_in_full
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


def record(made: Municipality) -> list[bytes]:
    return (made.disk / "copy.jsonl").read_bytes().splitlines(keepends=True)


def rewrite(made: Municipality, lines: list[bytes]) -> None:
    (made.disk / "copy.jsonl").write_bytes(b"".join(lines))


def kinds(made: Municipality) -> list[str]:
    return [json.loads(line[89:])["type"] for line in record(made)]


@only_in_full
def test_prune_removes_it_and_leaves_what_the_camera_holds(offloaded: Municipality) -> None:
    assert [due.recording for due in offloaded.plan().due] == ["000001-0001"]
    assert offloaded.present() == ["000001-0001", "000001-0002"], "a plan changes nothing"
    assert offloaded.prune() == ["000001-0001"]
    assert offloaded.present() == ["000001-0002"]
    assert kinds(offloaded) == ["inventory", "inventory", "deletion", "pruning", "pruned"]
    report = offloaded.verify()
    assert verdicts(report) == (0, {"store": "intact", "000001-0001": "deleted", "000001-0002": "intact"})
    agrees(offloaded, report)
    assert offloaded.prune() == []


@only_in_full
def test_what_is_held_at_the_copy_stays_and_says_so(offloaded: Municipality) -> None:
    first, second = offloaded.hold(), offloaded.hold(reference="K-2026/10")
    report = offloaded.verify()
    assert verdicts(report) == (0, {"store": "intact", "000001-0001": "held", "000001-0002": "intact"})
    assert "E-03 holds this copy since" in report.recordings[0].findings.listed[0].what
    agrees(offloaded, report)
    assert (offloaded.plan().due, offloaded.prune()) == ([], [])
    assert first in offloaded.plan().held[0].why
    offloaded.release(first)
    assert offloaded.prune() == [], "the other one still holds it"
    offloaded.release(second)
    report = offloaded.verify()
    assert verdicts(report)[1]["000001-0001"] == "kept"
    agrees(offloaded, report)
    assert offloaded.prune() == ["000001-0001"]


def test_a_hold_of_an_unknown_key_holds_and_its_release_releases_nothing(offloaded: Municipality) -> None:
    strange = offloaded.hold(key=offloaded.stranger)
    report = offloaded.verify()
    assert verdicts(report) == (5, {"store": "unverifiable", "000001-0001": "kept", "000001-0002": "intact"})
    agrees(offloaded, report)
    assert offloaded.prune() == []
    hold = offloaded.hold(reference="K-2026/11")
    offloaded.release(hold, key=offloaded.stranger)
    assert {hold, strange} <= set(offloaded.plan().held[0].why.replace(",", " ").split())
    assert offloaded.prune() == []
    offloaded.release(strange)
    offloaded.release(hold)
    assert offloaded.prune() == ["000001-0001"]


def test_an_interrupted_pruning_is_completed_by_the_next(offloaded: Municipality) -> None:
    for refused in (1, 2):
        disk = RefusingDisk()
        disk.faults.append(Fault("remove", refused, errno.EIO, times=99))
        with pytest.raises(StorageError):
            offloaded.prune(disk)
        assert verdicts(offloaded.verify())[1]["000001-0001"] == "kept"
        with pytest.raises(UsageError, match="pruning has begun"):
            offloaded.hold()
    assert offloaded.prune() == ["000001-0001"]
    assert kinds(offloaded)[3:] == ["pruning", "pruned"]


def test_a_pruning_that_only_lacks_its_last_line_gets_it(offloaded: Municipality) -> None:
    offloaded.prune()
    rewrite(offloaded, record(offloaded)[:-1])
    assert offloaded.prune() == ["000001-0001"]
    assert kinds(offloaded)[3:] == ["pruning", "pruned"]
    assert verdicts(offloaded.verify())[0] == 0


def test_what_has_not_come_yet_is_told_from_what_was_removed(after_40_days: Municipality, offloaded: Municipality) -> None:
    """The inventory knows what came: the second recording's last segment did, a third recording's never."""
    (offloaded.disk / "recordings" / "000001-0002" / "000001.tar").unlink()
    report = offloaded.verify()
    assert verdicts(report)[1]["000001-0002"] == "altered"
    agrees(offloaded, report)
    rewrite(offloaded, record(offloaded)[:1])  # as if it had never come, or by who cuts the record: not intact either way
    report = offloaded.verify()
    assert verdicts(report)[1]["000001-0002"] == "not_received"
    agrees(offloaded, report)
    shutil.rmtree(offloaded.disk / "recordings" / "000001-0002")
    report = offloaded.verify()
    assert (report.exit_code, verdicts(report)[1]["000001-0002"]) == (6, "not_received"), "the other one is kept beyond its deletion"
    agrees(offloaded, report)


@pytest.mark.parametrize("claim", ["pruned", "deletion"])
@pytest.mark.parametrize("known", [True, False])
def test_nobody_but_the_camera_excuses_footage_that_is_gone(offloaded: Municipality, claim: str, known: bool) -> None:
    details: dict[str, Detail] = {"pruned": Pruned(recording="000001-0002"), "deletion": Deletion(recording="000001-0002", line="0" * 64)}
    with writing(offloaded.disk, offloaded.signer(None if known else offloaded.stranger), read_people(offloaded.people)) as writer:
        writer.add([details[claim]], offloaded.now_us())
    shutil.rmtree(offloaded.disk / "recordings" / "000001-0002")
    report = offloaded.verify()
    assert verdicts(report)[1]["000001-0002"] == "altered"
    assert report.findings.worst == ("intact" if known else "unverifiable")
    agrees(offloaded, report)


def flip(line: bytes, at: int) -> bytes:
    return line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a flipped bit in a statement": lambda lines: [flip(lines[0], 300), *lines[1:]],
    "a flipped bit in a signature": lambda lines: [flip(lines[0], 10), *lines[1:]],
    "a line removed": lambda lines: [lines[0], *lines[2:]],
    "the first line removed": lambda lines: lines[1:],
    "two lines swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "a line repeated": lambda lines: [*lines, lines[-1]],
    "a line cut in the middle": lambda lines: [*lines[:-1], lines[-1][:200]],
    "zeros after it": lambda lines: [*lines, bytes(512)],
    "no line at all": lambda lines: [b"\n"],
    "a line edited": lambda lines: [lines[0].replace(b'"segments":[0', b'"segments":[9'), *lines[1:]],
}


@only_in_full
@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_does_not_hold_together_is_altered_and_prunes_nothing(offloaded: Municipality, change: str) -> None:
    rewrite(offloaded, CHANGES[change](record(offloaded)))
    report = offloaded.verify()
    assert (report.exit_code, report.findings.worst) == (4, "altered"), report.findings
    agrees(offloaded, report)
    for attempt in (offloaded.prune, offloaded.plan, offloaded.hold):
        with pytest.raises(DataError):
            attempt()
    assert offloaded.present() == ["000001-0001", "000001-0002"]


def test_the_record_of_another_copy_is_none_of_this_one(offloaded: Municipality, tmp_path: Path) -> None:
    """Whole, and by a key that counts: but of another camera, with recordings of the same names."""
    other = Municipality(tmp_path / "other")
    other.key, other.people = offloaded.key, offloaded.people
    other.camera.record()
    other.offload()
    other.hold()
    rewrite(offloaded, record(other))
    report = offloaded.verify()
    assert report.findings.worst == "altered"
    agrees(offloaded, report)
    with pytest.raises(DataError, match="nothing is pruned"):
        offloaded.prune()


def test_a_ledger_that_does_not_verify_prunes_nothing(offloaded: Municipality) -> None:
    """A line that anybody can append says that the held recording is deleted."""
    ledger = max((offloaded.disk / "ledger").iterdir())
    last = json.loads(ledger.read_bytes().splitlines()[-1][89:])
    last |= {"type": "deleting", "detail": {"recording": "000001-0002", "reason": "x"}, "n": last["n"] + 1}
    with ledger.open("ab") as file:
        file.write(base64.b64encode(bytes(64)) + b" " + json.dumps(last).encode() + b"\n")
        file.write(base64.b64encode(bytes(64)) + b" " + json.dumps(last).encode() + b"\n")
    with pytest.raises(DataError, match="nothing is pruned: the ledger does not verify"):
        offloaded.prune()


def test_old_footage_whose_camera_never_came_back_is_proposed_only(tmp_path: Path) -> None:
    made = Municipality(tmp_path)
    made.camera.record()
    made.offload()
    made.days_later(40)
    planned = made.plan()
    assert (planned.due, [stays.recording for stays in planned.proposed]) == ([], ["000001-0001"])
    assert "offload the camera again" in planned.proposed[0].why
    assert made.prune() == []
    assert made.present() == ["000001-0001"]


def test_who_exports_hears_how_the_copy_stands(offloaded: Municipality) -> None:
    people = read_people(offloaded.people)

    def heard(recording: str) -> str:
        return standing(offloaded.disk, recording, read_story(offloaded.disk / "ledger", recording).deleting, people)

    assert heard("000001-0001").startswith("KEPT BEYOND ITS DELETION: the camera has deleted this recording (2026-")
    assert heard("000001-0002") == ""
    offloaded.hold(key=offloaded.stranger)
    assert "KEPT BEYOND ITS DELETION" in heard("000001-0001")
    offloaded.hold(reference="K-2026/10")
    assert "it is held at this copy since" in heard("000001-0001")
    offloaded.hold("000001-0002")
    assert heard("000001-0002").startswith("held at this copy since")
    assert standing(offloaded.camera.store_folder, "000001-0002", "", people) == ""


@only_in_full
def test_the_commands(offloaded: Municipality, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(offloaded.disk)]
    signed = [*store, "--key", str(offloaded.key), "--people", str(offloaded.people)]
    pruning = ["prune", *store, "--device-key", str(offloaded.device_key), "--people", str(offloaded.people)]
    case = ["--ground", "complaint", "--reference", "K-2026/9", "--by", "E-03", "--review-on", "2099-01-01"]

    def run(code: int, *arguments: str) -> str:
        assert main(list(arguments)) == code
        told = capsys.readouterr()
        return told.out + told.err

    assert "000001-0001 would be deleted" in run(0, *pruning)
    assert "needs --key" in run(2, *pruning, "--yes")
    assert "needs both" in run(2, "hold", "add", "000001-0001", *case, *store)
    assert "is not in this copy" in run(66, "hold", "add", "000001-0009", *case, *signed)
    assert "000001-0001 is held for complaint" in run(0, "hold", "add", "000001-0001", *case, *signed)
    assert "already held" in run(2, "hold", "add", "000001-0001", *case, *signed)
    assert "E-03" in run(0, "hold", "list", *signed[:2], *signed[4:])
    assert "000001-0001 stays: held at this copy" in run(0, *pruning, "--yes", "--key", str(offloaded.key))
    verifying = ["verify", *store, "--device-key", str(offloaded.device_key)]
    assert "held at the copy" in run(0, *verifying, "--people", str(offloaded.people))
    assert "not in --people" in run(5, *verifying)
    release = ["hold", "release", "000001-0001", "--reason", "settled", "--by", "E-03"]
    assert "must be in --people" in run(2, *release, *store, "--key", str(offloaded.stranger), "--people", str(offloaded.people))
    assert "no longer held" in run(0, *release, *signed)
    assert "not in --people" in run(2, *pruning, "--yes", "--key", str(offloaded.stranger))
    assert "000001-0001 is deleted" in run(0, *pruning, "--yes", "--key", str(offloaded.key))
    assert run(0, *verifying, "--people", str(offloaded.people)).splitlines()[0].split()[:4] == ["000001-0001", "deleted", "as", "stated"]
    (offloaded.disk / ".lock").touch()
    assert "a camera's own store" in run(2, *pruning)
    assert "a camera's own store" in run(2, "hold", "add", "000001-0002", *case, *signed)
