"""The first boot's script, run as a whole in a root of its own: from the card to a camera that is enrolled, whatever cuts it short."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.evidence.application import decode
from bodycamd.workshop.fleet.signing import sign_next
from tests.kit.scale import only_in_full
from tests.workshop.fleet.first_boot_root import SHARED, Root, bundle
from tests.workshop.fleet.fleets import ROOT_1, Folder, new_folder
from tests.workshop.fleet.test_cards import CMDLINE, SSH, image, with_mtools
from tests.workshop.fleet.test_officer_cards import FIRST, with_reader

__all__ = ["image"]
USERS = "root:*:1::::::\npi:$y$j9T$abc$def:1::::::\nu-t-01:!:1::::::\n"
pytestmark = [
    only_in_full,
    with_mtools,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0 or not SHARED.is_dir(), reason="needs root, an overlay and /dev/shm"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = new_folder(tmp_path_factory.mktemp("fleet"))
    made.edit("id: T-01", f"id: T-01\n    ssh_key: {SSH}")
    with_reader(made)
    sign_next(made.fleet, made.file, lambda *_: [ROOT_1], int(time.time() * 1_000_000), 90)
    return made


@pytest.fixture(scope="module")
def boot(folder: Folder) -> Path:
    at = folder.file.with_name("bootfs")
    at.mkdir()
    (at / "cmdline.txt").write_text(CMDLINE)
    program = bundle(folder.file.with_name("bodycamd-1.2.3.bundle"))
    words = ["--boot-partition", str(at), "--bundle", str(program), "--fleet", str(folder.file)]
    assert main(["fleet", "card", "HV-07", *words]) == 0
    return at


@pytest.fixture
def root(boot: Path, image: Path) -> Iterator[Root]:
    made = Root(boot, image, USERS)
    try:
        yield made
    finally:
        made.close()


def is_ready(root: Root, token: bytes) -> bytes:
    """What must be after the first boot; returns the application."""
    left = sorted(path.name for path in (root.top / "boot/firmware").iterdir())
    assert left == ["application-hv-07.txt", "cmdline.txt", "config.txt"]
    assert [path for path in root.top.rglob("*") if path.is_file() and path.stat().st_size < 100_000 and token in path.read_bytes()] == []
    shadow = (root.top / "etc/shadow").read_text().splitlines()
    assert [line for line in shadow if line.split(":")[1][:1] not in "!*"] == []
    assert (root.top / "etc/cloud/cloud-init.disabled").exists()
    assert "PasswordAuthentication no" in (root.top / "etc/ssh/sshd_config.d/10-bodycamd.conf").read_text()
    assert (root.top / "etc/fstab").read_text().count("bodycam-data") == 1
    assert not (root.top / "etc/systemd/system/bodycamd-first-boot.service").exists()
    assert not (root.top / "usr/local/sbin/bodycamd-first-boot").exists()
    assert "device_id: HV-07" in (root.top / "etc/bodycamd/bodycamd.yaml").read_text()
    officers = root.top / "etc/bodycamd/cards.txt"
    assert officers.read_text() == f"H-12 {FIRST}\n"
    groups = dict(line.split(":")[::2] for line in (root.top / "etc/group").read_text().splitlines())
    assert (officers.stat().st_mode & 0o777, officers.stat().st_gid) == (0o640, int(groups["bodycam"]))
    table = subprocess.run(["sfdisk", "--dump", root.top / "dev/mmcblk0"], capture_output=True, text=True, check=True).stdout
    assert table.count("start=") == 3
    return (root.top / "boot/firmware/application-hv-07.txt").read_bytes()


def test_from_the_card_to_the_roster(root: Root, boot: Path, folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = (boot / "bodycamd/token").read_bytes().strip()
    done = root.boots()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "bodycamd first boot: enrolment: ready"
    file = tmp_path / "application.txt"
    file.write_bytes(is_ready(root, token))
    fingerprint = decode(file.read_bytes(), "x").fingerprint
    assert f"bodycamd first boot: {fingerprint}" in done.stdout
    assert "password of pi locked" in done.stdout
    log = (root.top / "systemctl.log").read_text().splitlines()
    assert "enable --quiet --no-reload ssh.service" in log
    assert log[-2] == "daemon-reload", "what was masked is masked from here on"
    assert log[-1] == "restart --no-block bodycamd.service bodycamd-sensors.service bodycamd-cards.service bodycamd-uplink.service"
    assert main(["fleet", "enrol", str(file), "--fingerprint", fingerprint, "--fleet", str(folder.file)]) == 0


@pytest.mark.parametrize("cut_at", [1, 3, 4, 8, 11, 14, 17, 19, 21, 22])
def test_after_a_cut_it_ends_as_if_there_had_been_none(cut_at: int, root: Root, boot: Path) -> None:
    """At calls of stand-ins from the first steps to the last."""
    assert root.boots(cut_at).returncode != 0
    assert root.calls == cut_at
    done = root.boots()
    assert done.returncode == 0, done.stderr
    decode(is_ready(root, (boot / "bodycamd/token").read_bytes().strip()), "x")
    assert root.boots().stdout == ""


@pytest.mark.parametrize("name", ["recipients.txt", "bodycamd-1.2.3.bundle", "first-boot"])
def test_a_damaged_card_changes_nothing_and_says_so(name: str, root: Root) -> None:
    path = root.top / "boot/firmware/bodycamd" / name
    path.write_bytes(path.read_bytes() + b"\n")
    shadow = (root.top / "etc/shadow").read_text()
    done = root.boots()
    assert done.returncode != 0
    assert "the card is damaged: make it anew" in done.stderr
    assert (root.top / "etc/shadow").read_text() == shadow
