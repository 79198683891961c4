"""An update never costs the version that runs: what is refused changes nothing, what is not healthy does not stay."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from bodycamd.camera.installation import change
from bodycamd.camera.installation.decision import Camera, Machine, Trial, must_lead_back, objection, refusal_now, superfluous
from bodycamd.camera.installation.installed import Installed, read_changes
from bodycamd.camera.installation.manifest import decode
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.camera.installation.versions import Versions
from bodycamd.config.migrations import BEFORE
from bodycamd.errors import (
    BodycamError,
    ConfigError,
    DataError,
    NotFoundError,
    PermissionDeniedError,
    StorageError,
    StoreBusyError,
    UnavailableError,
)
from tests.camera.installation.fake_system import CONFIGURATION, DOCKED, OLD_FORM, FakeSystem, starts
from tests.kit.bundles import FILES, Release

WHEELS = ["tiny-1.0.whl"]


class Bench:
    """A card with 0.2.0 in use, and a release key."""

    def __init__(self, folder: Path) -> None:
        self.release = Release(folder)
        self.folder = folder / "opt/bodycamd"
        self.versions = Versions(self.folder)
        self.system = FakeSystem(self.folder)

    def update(self, version: str, *, docked: bool = False, release: Release | None = None, path: Path | None = None) -> Installed | None:
        bundle = path or (release or self.release).bundle(version)
        return change.update(self.versions, self.system, bundle, read_release_keys(self.release.public), docked=docked)

    def state(self) -> object:
        """Everything below the folder: names, kinds, content."""
        return {
            str(path.relative_to(self.folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
        }


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.update("0.2.0")
    made.system.heard.clear()
    return made


def changes(bench: Bench) -> list[tuple[str, str, str, str]]:
    return [(one.outcome, one.left_version, one.version, one.reason) for one in read_changes(bench.folder)]


def test_the_first_bundle_is_installed_and_started(bench: Bench) -> None:
    assert starts(bench.folder, WHEELS) == "0.2.0" == bench.system.running
    assert changes(bench) == [("installed", "", "0.2.0", "")]
    assert not (bench.folder / "0.2.0/bundle/wheels").exists(), "what is installed is not kept twice"
    assert (bench.folder / "0.2.0/bundle/install.pyz").exists()
    assert bench.versions.trial() is None


def test_an_update_keeps_the_version_before_and_lets_older_ones_go(bench: Bench) -> None:
    bench.update("0.3.0")
    bench.update("0.4.0")
    assert starts(bench.folder, WHEELS) == "0.4.0" == bench.system.running
    assert {path.name for path in bench.folder.iterdir()} == {"0.3.0", "0.4.0", "current", "previous", "changes.jsonl"}
    assert changes(bench)[-2:] == [("updated", "0.2.0", "0.3.0", ""), ("updated", "0.3.0", "0.4.0", "")]


def test_the_recorder_is_down_for_the_switch_alone(bench: Bench) -> None:
    """It is stopped after everything that takes long, and no process of the old version sees the new one's files."""
    bench.update("0.3.0")
    assert bench.system.heard == ["configuration 0.3.0", "environment 0.3.0", "health 0.3.0", "stop", "start 0.3.0"]


def test_the_same_bundle_again_changes_nothing(bench: Bench) -> None:
    before = bench.state()
    assert bench.update("0.2.0") is None
    assert (bench.state(), bench.system.heard) == (before, [])


def test_debian_packages_come_before_the_environment(bench: Bench) -> None:
    path = bench.release.bundle("0.3.0", {**FILES, "debian/a_1_all.deb": b"a", "debian/b_1_all.deb": b"b"})
    bench.update("0.3.0", path=path)
    assert bench.system.heard[:3] == ["configuration 0.3.0", "debian 2", "environment 0.3.0"]


@pytest.mark.parametrize("first", [True, False])
def test_a_configuration_is_judged_before_anything_is_made(tmp_path: Path, first: bool) -> None:
    """By an installation as by an update: nothing that takes long comes before it, and nothing stays of what was refused."""
    bench = Bench(tmp_path)
    if not first:
        bench.update("0.2.0")
    bench.system.heard.clear()
    bench.system.strict.add("0.3.0")
    with pytest.raises(ConfigError):
        bench.update("0.3.0")
    assert bench.system.heard == ["configuration 0.3.0"]
    assert not (bench.folder / "0.3.0").exists()


def flipped(bench: Bench) -> None:
    path = bench.release.bundle("0.3.0")
    content = bytearray(path.read_bytes())
    content[-2000] ^= 1
    path.write_bytes(content)
    bench.update("0.3.0", path=path)


def without_room(bench: Bench) -> None:
    bench.system.free_bytes = 1000
    bench.update("0.3.0")


REFUSED = {
    "a flipped byte": (flipped, DataError),
    "a stranger's signature": (lambda b: b.update("0.3.0", release=Release(b.folder.parent)), PermissionDeniedError),
    "an older version": (lambda b: b.update("0.1.0"), PermissionDeniedError),
    "another bundle of the same version": (
        lambda b: b.update("0.2.0", path=b.release.bundle("0.2.0", {**FILES, "more": b"x"})),
        PermissionDeniedError,
    ),
    "a development version of the one in use": (lambda b: b.update("0.2.0.dev9"), PermissionDeniedError),
    "another machine": (lambda b: b.update("0.3.0", path=b.release.bundle("0.3.0", machine="aarch64")), DataError),
    "another Python": (lambda b: b.update("0.3.0", path=b.release.bundle("0.3.0", python="3.13")), DataError),
    "a recording": (lambda b: (b.system.cameras.append(Camera("recording", True)), b.update("0.3.0")), StoreBusyError),
    "a warning that is spoken": (lambda b: (b.system.cameras.append(Camera("warning", True)), b.update("0.3.0")), StoreBusyError),
    "its battery": (lambda b: (b.system.cameras.append(Camera("standby", False)), b.update("0.3.0")), StoreBusyError),
    "no gauge": (lambda b: (b.system.cameras.append(Camera("standby")), b.update("0.3.0")), StoreBusyError),
    "a recording that begins during the check": (
        lambda b: (b.system.cameras.extend([DOCKED, Camera("recording", True)]), b.update("0.3.0", docked=True)),
        StoreBusyError,
    ),
    "no room": (without_room, StorageError),
    "a configuration that it refuses": (lambda b: (b.system.strict.add("0.3.0"), b.update("0.3.0")), ConfigError),
    "a configuration that its recorder's user cannot read": (
        lambda b: (b.system.sick.update({"0.3.0": ConfigError("line 3: gestures.hold: unknown key")}), b.update("0.3.0")),
        ConfigError,
    ),
    "an unhealthy version": (
        lambda b: (b.system.sick.update({"0.3.0": UnavailableError("no fragments")}), b.update("0.3.0")),
        UnavailableError,
    ),
    "nothing to go back to": (lambda b: change.rollback(b.versions, b.system), NotFoundError),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused_leaves_the_camera_as_it_was(bench: Bench, why: str) -> None:
    attempt, kind = REFUSED[why]
    before = bench.state()
    with pytest.raises(kind) as caught:
        attempt(bench)
    assert "\n" not in str(caught.value)
    assert bench.state() == before
    assert bench.system.running == "0.2.0"
    assert not {"stop"} & set(bench.system.heard)
    assert starts(bench.folder, WHEELS) == "0.2.0"


def test_a_version_that_does_not_become_ready_rolls_back_by_itself(bench: Bench) -> None:
    bench.system.dead.add("0.3.0")
    with pytest.raises(UnavailableError, match=r"0\.3\.0 did not become ready, and 0\.2\.0 is in use again"):
        bench.update("0.3.0")
    assert starts(bench.folder, WHEELS) == "0.2.0" == bench.system.running
    assert changes(bench)[-2:] == [("updated", "0.2.0", "0.3.0", ""), ("rolled_back", "0.3.0", "0.2.0", "not_ready")]
    assert not (bench.folder / "0.3.0").exists()
    bench.system.dead.clear()
    assert bench.update("0.3.0") is not None, "and it may be tried again"


def test_a_technician_rolls_back_and_forth(bench: Bench) -> None:
    bench.update("0.3.0")
    change.rollback(bench.versions, bench.system)
    assert starts(bench.folder, WHEELS) == "0.2.0" == bench.system.running
    assert changes(bench)[-1] == ("rolled_back", "0.3.0", "0.2.0", "asked")
    change.rollback(bench.versions, bench.system)
    assert starts(bench.folder, WHEELS) == "0.3.0" == bench.system.running
    change.rollback(bench.versions, bench.system)
    bench.update("0.3.0")
    assert starts(bench.folder, WHEELS) == "0.3.0", "a bundle that was rolled back can be brought again"


def test_the_version_before_is_checked_too(bench: Bench) -> None:
    """The configuration may have moved on."""
    bench.update("0.3.0")
    bench.system.sick["0.2.0"] = ConfigError("unknown key")
    with pytest.raises(ConfigError):
        change.rollback(bench.versions, bench.system)
    assert starts(bench.folder, WHEELS) == "0.3.0" == bench.system.running
    bench.system.cameras.append(Camera("recording", True))
    with pytest.raises(StoreBusyError):
        change.rollback(bench.versions, bench.system)


def test_a_configuration_is_migrated_once_the_new_version_is_in_use_and_comes_back_with_the_old_one(bench: Bench) -> None:
    (file := bench.folder / CONFIGURATION).write_bytes(OLD_FORM)
    bench.system.heard.clear()
    bench.update("0.3.0")
    assert bench.system.heard[-2:] == ["start 0.3.0", "migrate 0.3.0"], "the old version may come back until then"
    assert file.read_bytes() == OLD_FORM.replace(b"kernel\n", b"kernel\n    gauge: kernel\n")
    assert (bench.folder / (CONFIGURATION + BEFORE)).read_bytes() == OLD_FORM
    assert [one.configuration for one in read_changes(bench.folder)] == ["", "board.battery.gauge"]
    change.rollback(bench.versions, bench.system)
    assert starts(bench.folder, WHEELS) == "0.2.0"
    assert file.read_bytes() == OLD_FORM


def test_what_a_person_wrote_since_is_not_undone_by_a_roll_back(bench: Bench) -> None:
    (file := bench.folder / CONFIGURATION).write_bytes(OLD_FORM)
    bench.update("0.3.0")
    file.write_bytes(changed := file.read_bytes() + b"audio: false\n")
    with pytest.raises(ConfigError, match=r"board\.battery\.gauge"):
        change.rollback(bench.versions, bench.system)
    assert (starts(bench.folder, WHEELS), file.read_bytes()) == ("0.3.0", changed)


def test_a_version_that_does_not_stay_leaves_the_configuration_as_it_was(bench: Bench) -> None:
    (file := bench.folder / CONFIGURATION).write_bytes(OLD_FORM)
    bench.system.dead.add("0.3.0")
    with pytest.raises(UnavailableError):
        bench.update("0.3.0")
    assert starts(bench.folder, WHEELS) == "0.2.0"
    assert file.read_bytes() == OLD_FORM


def test_an_interrupt_while_it_is_tried_leads_back(bench: Bench) -> None:
    def interrupted(bundle: str) -> bool:
        raise KeyboardInterrupt

    bench.system.becomes_ready = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        bench.update("0.3.0")
    assert starts(bench.folder, WHEELS) == "0.2.0" == bench.system.running
    assert changes(bench)[-1] == ("rolled_back", "0.3.0", "0.2.0", "interrupted")


def test_an_update_of_a_development_checkout_can_be_led_back_to_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (bench.folder / "checkout").mkdir(parents=True)
    (bench.folder / "current").symlink_to("checkout")
    bench.update("0.2.0")
    assert starts(bench.folder, WHEELS) == "0.2.0"
    assert changes(bench) == [("updated", "checkout", "0.2.0", "")]
    assert (bench.folder / "checkout").exists()


def test_a_first_version_that_does_not_become_ready_stays_to_be_looked_at(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.system.dead.add("0.2.0")
    with pytest.raises(UnavailableError, match="there was none before it"):
        bench.update("0.2.0")
    assert starts(bench.folder, WHEELS) == "0.2.0"


def test_a_damaged_note_of_a_change_leads_nowhere(bench: Bench) -> None:
    gone = b'{"came_from":"0.1.0","to":"0.2.0"}'
    for content in (gone, b"", b"{}", b'{"came_from":"../../etc","to":"0.3.0"}', b'{"came_from":"0.1.0","to":[]}', b"\xff"):
        (bench.folder / "trial.json").write_bytes(content)
        change.settle(bench.versions, None)
        assert starts(bench.folder, WHEELS) == "0.2.0"
        assert not (bench.folder / "trial.json").exists()


@pytest.mark.parametrize("state", ["starting", "standby", "warning", "recording", "closing", None])
@pytest.mark.parametrize("charging", [True, False, None])
@pytest.mark.parametrize("docked", [True, False])
def test_only_docked_and_in_standby(state: str | None, charging: bool | None, docked: bool) -> None:
    allowed = state is None or (state == "standby" and (docked or charging is True))
    assert (refusal_now(Camera(state, charging), docked) is None) == allowed


def test_every_refusal_of_a_bundle_says_what_to_do() -> None:
    manifest = decode(Release.manifest("0.2.0"))
    here = Machine("x86_64", "3.11", 1 << 40)
    assert objection(None, manifest, "a", here) is None
    assert objection(Installed("0.1.0", "b"), manifest, "a", here) is None
    assert objection(Installed("0.2.0", "a"), manifest, "a", here) is None
    found = [
        objection(Installed("0.2.0", "b"), manifest, "a", here),
        objection(Installed("0.10.0", "b"), manifest, "a", here),
        objection(None, manifest, "a", replace(here, machine="aarch64")),
        objection(None, manifest, "a", replace(here, python="3.12")),
        objection(None, manifest, "a", replace(here, free_bytes=10)),
    ]
    assert all(isinstance(one, BodycamError) for one in found)


def test_what_an_interrupted_change_leaves_to_do() -> None:
    for used, last in itertools.product((True, False), ("0.2.0", "0.3.0", "")):
        assert must_lead_back(Trial("0.2.0", "0.3.0"), used, last) == (used or last == "0.3.0")
        assert not must_lead_back(Trial("", "0.3.0"), used, last)
        assert not must_lead_back(Trial("", ""), used, last)
    assert superfluous(frozenset({"0.1.0", "0.2.0", "0.3.0"}), "0.3.0", "0.2.0") == {"0.1.0"}
