"""Cards: what a new camera boots from holds no password and no lasting secret, and is exactly what was meant."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from bodycamd.cli.main import main
from bodycamd.config import load
from bodycamd.config.firmware import firmware_lines
from bodycamd.errors import DataError, OutputError, UnavailableError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.application import token_signer
from bodycamd.workshop.fleet import boot_partition, card_series, cloud_init
from bodycamd.workshop.fleet.boot_partition import BootPartition, ImagePartition, MountedPartition
from bodycamd.workshop.fleet.card_files import CONTENTS, FIRST_BOOT_FILE, FOLDER, command_line, firmware
from bodycamd.workshop.fleet.card_making import Held, contents, held
from bodycamd.workshop.fleet.signing import sign_next
from tests.kit.scale import one_in, only_in_full, sample
from tests.workshop.fleet.fleets import REAL_NOW_US, ROOT_1, Folder, new_folder

CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=7351b90c-02 rootfstype=ext4 fsck.repair=yes rootwait resize\n"
CONFIG = "dtparam=audio=on\n[pi5]\ndtparam=fan_temp0=50000\n"
OFFICERS = "bodycamd/cards.txt"
"""Where a camera has a reader for them: `test_officer_cards`."""
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "B" * 43
TOOLS = [shutil.which(tool) for tool in ("mcopy", "mkfs.vfat", "sfdisk")]
with_mtools = pytest.mark.skipif(None in TOOLS, reason="apt install mtools dosfstools fdisk")


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    mounted = tmp_path / "bootfs"
    mounted.mkdir()
    (mounted / "cmdline.txt").write_text(CMDLINE)
    (mounted / "config.txt").write_text(CONFIG)
    return mounted


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card's image in small: a FAT partition, and one that stands for root."""
    path = tmp_path_factory.mktemp("image") / "raspios.img"
    with path.open("wb") as file:
        file.truncate(96 * 1024 * 1024)
    subprocess.run(["sfdisk", "-q", path], input=b"label: dos\n16384,131072,c\n147456,,83\n", check=True)
    subprocess.run(["mkfs.vfat", "-F", "32", "--offset", "16384", path, "65536"], check=True, capture_output=True)
    subprocess.run(["mcopy", "-i", f"{path}@@{16384 * 512}", "-", "::cmdline.txt"], input=CMDLINE.encode(), check=True)
    return path


@pytest.fixture(scope="module")
def card_of_hv_07(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A boot partition with the card of HV-07."""
    made = new_folder(tmp_path_factory.mktemp("fleet"))
    sign_next(made.fleet, made.file, lambda *_: [ROOT_1], REAL_NOW_US, 90)
    boot = made.file.with_name("bootfs")
    boot.mkdir()
    (boot / "cmdline.txt").write_text(CMDLINE)
    (boot / "config.txt").write_text(CONFIG)
    made_card(made, boot)
    return boot


def listed(target: BootPartition) -> list[Held]:
    return held(contents(target), target.names(FOLDER), target.names(""), target.size_bytes).files


def made_card(folder: Folder, boot: Path, camera: str = "HV-07", *words: str) -> dict[str, bytes]:
    assert main(["fleet", "card", camera, "--boot-partition", str(boot), "--fleet", str(folder.file), *words]) == 0
    return {str(path.relative_to(boot)): path.read_bytes() for path in boot.rglob("*") if path.is_file()}


def test_a_card_holds_what_it_says_and_nothing_else(folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = made_card(folder, boot)
    capsys.readouterr()
    assert main(["fleet", "show-card", "--boot-partition", str(boot), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["files"]
    assert [one["name"] for one in told] == [name for name in CONTENTS if name != OFFICERS]
    assert files.keys() == CONTENTS.keys() - {OFFICERS}
    assert [one["name"] for one in told if one["kind"] != "public"] == ["bodycamd/token"]
    assert all(one["size"] == len(files[one["name"]]) for one in told)


def test_no_password_and_no_private_key_is_on_a_card_but_the_one_time_token(folder: Folder, boot: Path) -> None:
    folder.edit("id: T-01", f"id: T-01\n    ssh_key: {SSH}")
    files = made_card(folder, boot)
    token = files.pop("bodycamd/token").strip().decode()
    everything = b"\n".join(files.values())
    assert token.encode() not in everything
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert token not in folder.file.with_name("fleet.record.jsonl").read_text()
    said = yaml.safe_load(files["user-data"])
    assert (said["ssh_pwauth"], said["disable_root"]) == (False, True)
    [user] = said["users"]
    assert (user["name"], user["lock_passwd"], user["ssh_authorized_keys"]) == ("u-t-01", True, [SSH])
    assert not re.search(rb"passwd: [^t]|plain_text|chpasswd|NOPASSWD:|sudo:", files["user-data"])
    assert folder.record.cards["HV-07"].token_key == token_signer(bytes.fromhex(token)).public.raw.hex()


@only_in_full
def test_nobody_can_log_in_where_no_key_is_listed(folder: Folder, boot: Path) -> None:
    files = made_card(folder, boot)
    assert yaml.safe_load(files["user-data"])["users"] == []
    assert yaml.safe_load(files["network-config"]) == {"version": 2, "ethernets": {}}


def test_the_configuration_is_the_cameras_and_footage_is_the_teams(folder: Folder, boot: Path, tmp_path: Path) -> None:
    files = made_card(folder, boot, "IN-02")
    config = load.parse(files["bodycamd/bodycamd.yaml"], tmp_path / "bodycamd.yaml")
    assert (config.device_id, config.post_event_seconds) == ("IN-02", 30)
    roster = rosters.decode(files["bodycamd/roster.txt"], "x").roster
    assert files["bodycamd/recipients.txt"].decode().split() == list(rosters.footage_recipients(roster, "inspectie"))
    assert b"BEGIN PUBLIC KEY" in files["bodycamd/release.pem"]


def test_the_root_partition_is_not_grown_and_the_rest_of_the_command_line_stays(folder: Folder, boot: Path) -> None:
    words = made_card(folder, boot)["cmdline.txt"].decode().split()
    assert words[:-3] == CMDLINE.split()[:-1]
    assert words[-3:] == [f"systemd.mask={unit}.service" for unit in ("rpi-resize", "systemd-growfs-root", "userconfig")]
    assert command_line(" ".join(words).encode()).decode().split() == words
    with pytest.raises(DataError, match="names no root"):
        command_line(b"resize quiet\n")


@only_in_full
def test_the_firmware_is_told_of_this_cameras_parts_once_and_the_images_lines_stay(folder: Folder, boot: Path) -> None:
    first, second = made_card(folder, boot)["config.txt"].decode(), made_card(folder, boot)["config.txt"].decode()
    config = load.parse((boot / "bodycamd/bodycamd.yaml").read_bytes(), boot / "bodycamd.yaml")
    lines = list(firmware_lines(config))
    assert f"gpio={config.board.gpio.led}=op,dl" in lines
    assert first == second == CONFIG + "\n".join(["# bodycamd: begin", "[all]", *lines, "# bodycamd: end"]) + "\n"
    assert firmware(first.encode() + b"# mine\n", []) == f"{CONFIG}# mine\n".encode()
    with pytest.raises(DataError, match="without its end"):
        firmware(b"# bodycamd: begin\n", lines)


@only_in_full
def test_each_card_is_a_new_instance_with_a_new_token_and_the_one_before_is_worth_nothing(folder: Folder, boot: Path) -> None:
    first, second = made_card(folder, boot), made_card(folder, boot)
    assert first["meta-data"] != second["meta-data"]
    assert first["bodycamd/token"] != second["bodycamd/token"]
    assert folder.record.cards["HV-07"].token_key == token_signer(bytes.fromhex(second["bodycamd/token"].decode())).public.raw.hex()


CHANGES = {
    "a misspelt key": ("user-data", "ssh_pwauth: false", "ssh_pwauht: false"),
    "a password": ("user-data", "users: []", "users: []\npassword: raspberry"),
    "a user with a password": ("user-data", "users: []", "users: [{name: pi, plain_text_passwd: raspberry}]"),
    "a user who may become root": (
        "user-data",
        "users: []",
        f"users: [{{name: pi, groups: [sudo], shell: /bin/bash, lock_passwd: true, ssh_authorized_keys: ['{SSH}']}}]",
    ),
    "an unlocked user": (
        "user-data",
        "users: []",
        f"users: [{{name: pi, groups: [bodycam], shell: /bin/bash, lock_passwd: false, ssh_authorized_keys: ['{SSH}']}}]",
    ),
    "root by SSH": ("user-data", "disable_root: true", "disable_root: false"),
    "passwords by SSH": ("user-data", "ssh_pwauth: false", "ssh_pwauth: true"),
    "a string for a word": ("user-data", "ssh_pwauth: false", "ssh_pwauth: 'no'"),
    "another command": ("user-data", "- - sh\n", "- - bash\n"),
    "a command more": ("user-data", "bootcmd:\n", "bootcmd:\n- - reboot\n"),
    "growing": ("user-data", "mode: 'off'", "mode: 'auto'"),
    "off that is false": ("user-data", "mode: 'off'", "mode: off"),
    "packages from a network": ("user-data", "package_update: false", "package_update: true"),
    "no cloud-config": ("user-data", "#cloud-config\n", ""),
    "two documents": ("user-data", "users: []", "users: []\n---\n{}"),
    "another host": ("meta-data", "local-hostname: hv-07", "local-hostname: hv-08"),
    "a public key for everybody": ("meta-data", "local-hostname", "public-keys: [x]\nlocal-hostname"),
    "a wireless network": ("network-config", "ethernets: {}", "ethernets: {}\nwifis: {wlan0: {dhcp4: true}}"),
    "a network that is waited for": ("network-config", "ethernets: {}", "ethernets: {eth0: {dhcp4: true, optional: false}}"),
    "a root partition that grows": ("cmdline.txt", "rootwait", "rootwait resize"),
    "a unit that is not masked": ("cmdline.txt", "systemd.mask=userconfig.service", ""),
    "a pin that nothing needs": ("config.txt", "# bodycamd: end", "gpio=2=op,dh\n# bodycamd: end"),
    "a bus for a model only": ("config.txt", "[all]", "[pi5]"),
    "another configuration": ("bodycamd/bodycamd.yaml", "device_id: HV-07", "device_id: HV-08"),
    "another script": ("bodycamd/first-boot", "set -eu", "set -e"),
    "other recipients": ("bodycamd/recipients.txt", "age1", "age1q"),
    "a stranger's file": ("bodycamd/extra.sh", "", "reboot"),
}


@pytest.mark.parametrize("case", sample(CHANGES, 3))
def test_a_card_that_says_anything_else_is_refused(case: str, card_of_hv_07: Path, tmp_path: Path) -> None:
    boot = Path(shutil.copytree(card_of_hv_07, tmp_path / "copy"))
    name, old, new = CHANGES[case]
    path = boot / name
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new) if old else new)
    with pytest.raises(DataError) as refused:
        listed(MountedPartition(boot))
    assert "\n" not in str(refused.value)


@one_in(4)
@pytest.mark.parametrize(
    ("prepare", "camera", "code", "said"),
    [
        ("", "HV-99", 66, "no camera of the fleet has this name"),
        ("enrolled", "HV-02", 2, "a new card is a new camera"),
        ("lost", "HV-03", 2, "its name is not used again"),
        ("no roster", "HV-04", 78, "no roster is in force"),
    ],
)
def test_who_gets_no_card(
    prepare: str, camera: str, code: int, said: str, folder: Folder, boot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if prepare == "enrolled":
        folder.enrol(camera)
    if prepare == "lost":
        assert main(["fleet", "lost", camera, "--yes", "--fleet", str(folder.file)]) == 0
    if prepare == "no roster":
        new_folder(folder.file.parent)
    capsys.readouterr()
    assert main(["fleet", "card", camera, "--boot-partition", str(boot), "--fleet", str(folder.file)]) == code
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in boot.iterdir()) == ["cmdline.txt", "config.txt"]
    assert (boot / "config.txt").read_text() == CONFIG


@only_in_full
def test_what_is_no_card_is_told(folder: Folder, tmp_path: Path, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "zip.img").write_bytes(b"PK" + bytes(600))
    (tmp_path / "no-fat.img").write_bytes(bytes(510) + b"\x55\xaa" + bytes(600))
    (tmp_path / "notes.txt").write_text("x")
    for words, code in [
        (["--boot-partition", str(tmp_path / "empty")], 66),
        (["--image", str(tmp_path / "nowhere.img")], 66),
        (["--image", str(tmp_path / "zip.img")], 65),
        (["--image", str(tmp_path / "no-fat.img")], 65),
        ([], 2),
        (["--boot-partition", str(boot), "--bundle", str(tmp_path / "notes.txt")], 65),
    ]:
        assert main(["fleet", "card", "HV-01", *words, "--fleet", str(folder.file)]) == code, words
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_missing_mtools_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt install mtools"):
        boot_partition._run(["mtype"], "x")


@only_in_full
@with_mtools
def test_a_card_in_an_image_is_the_same_as_one_that_is_mounted(
    folder: Folder, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied, bundle = tmp_path / "card.img", tmp_path / "bodycamd-1.2.3.bundle"
    shutil.copy(image, copied)
    bundle.write_bytes(os.urandom(200_000))
    for _ in range(2):
        words = ["--image", str(copied), "--bundle", str(bundle), "--fleet", str(folder.file)]
        assert main(["fleet", "card", "HV-07", *words]) == 0
    sizes = {one.name: one.size for one in listed(ImagePartition(copied)) if one.name not in CONTENTS.keys() - {OFFICERS}}
    assert sizes == {"bodycamd/bodycamd-1.2.3.bundle": 200_000}
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["mcopy", "-s", "-i", f"{copied}@@{16384 * 512}", "::bodycamd", str(out)], check=True)
    checked = subprocess.run(["sha256sum", "--strict", "--check", "SHA256SUMS"], cwd=out / "bodycamd", capture_output=True, text=True)
    assert (checked.returncode, checked.stdout.count("OK")) == (0, 7)
    assert (out / "bodycamd/bodycamd-1.2.3.bundle").read_bytes() == bundle.read_bytes()
    subprocess.run(["fsck.vfat", "-n", _fat_of(copied, tmp_path)], check=True, capture_output=True)


@with_mtools
def test_how_long_a_file_is_whatever_its_size(image: Path, tmp_path: Path, boot: Path) -> None:
    """A bundle is larger than what is read of a card; mtools writes a size in groups of three digits."""
    copied = Path(shutil.copy(image, tmp_path / "card.img"))
    for size in (7, 1_234_567):
        (tmp_path / "large").write_bytes(bytes(size))
        for target in (ImagePartition(copied), MountedPartition(boot)):
            target.copy("large.bundle", tmp_path / "large")
            assert target.size_bytes("large.bundle") == size
            with pytest.raises(DataError, match="cannot be looked at"):
                target.size_bytes("none.bundle")


@with_mtools
def test_an_image_with_a_token_is_its_owners_alone_from_the_first_byte(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cards` never had it open to others, not while it copied; `card` closes an image before anything is written into it."""
    seen: list[int] = []

    def cp(command: list[str], **options: bool) -> subprocess.CompletedProcess[bytes]:
        seen.append(Path(command[-1]).stat().st_mode & 0o777)
        return subprocess.CompletedProcess(command, subprocess.call(command), b"", b"")

    opened = tmp_path / "card.img"
    shutil.copy(image, opened)
    opened.chmod(0o644)
    monkeypatch.setattr(subprocess, "run", cp)
    card_series._copy(opened, tmp_path / "HV-01.img")
    assert (seen, (tmp_path / "HV-01.img").stat().st_mode & 0o777) == ([0o600], 0o600)
    monkeypatch.undo()
    target = ImagePartition(opened)
    target.close_to_others()
    assert opened.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    os.chmod(opened, 0o640)
    with pytest.raises(OutputError, match="keeps no modes"):
        target.close_to_others()


def test_a_card_is_closed_to_others_before_its_token_is_on_it(folder: Folder, boot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[bool] = []
    monkeypatch.setattr(MountedPartition, "close_to_others", lambda _: there.append((boot / "bodycamd/token").exists()))
    made_card(folder, boot)
    assert there == [False]


@only_in_full
@with_mtools
def test_a_bundle_that_does_not_fit_leaves_no_card_behind(folder: Folder, image: Path, tmp_path: Path) -> None:
    bundle, out = tmp_path / "bodycamd-1.2.3.bundle", tmp_path / "images"
    out.mkdir()
    bundle.write_bytes(bytes(80_000_000))
    words = ["--image", str(image), "--out", str(out), "--camera", "HV-01", "--bundle", str(bundle)]
    assert main(["fleet", "cards", *words, "--fleet", str(folder.file)]) == 73
    assert list(out.iterdir()) == []
    assert folder.record.cards == {}


@with_mtools
@only_in_full
def test_twenty_eight_cards_from_one_file(folder: Folder, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-s` prints how long: at most 60 s is the target. Each has another token, instance and name."""
    out = tmp_path / "images"
    out.mkdir()
    bundle = tmp_path / "bodycamd-1.2.3.bundle"
    bundle.write_bytes(os.urandom(20_000_000))
    began = time.monotonic()
    assert main(["fleet", "cards", "--image", str(image), "--out", str(out), "--bundle", str(bundle), "--fleet", str(folder.file)]) == 0
    took_seconds = time.monotonic() - began
    with capsys.disabled():
        print(f"\n28 cards with a bundle of 20 MB: {took_seconds:.1f} s")
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    cards = [ImagePartition(path) for path in sorted(out.iterdir())]
    assert len(cards) == 28
    assert len({card.read("meta-data") for card in cards}) == len({card.read("bodycamd/token") for card in cards}) == 28
    assert main(["fleet", "cards", "--image", str(image), "--out", str(out), "--fleet", str(folder.file)]) == 0
    assert len(list(out.iterdir())) == 28


def test_cloud_init_reads_what_is_written(card_of_hv_07: Path) -> None:
    names = (cloud_init.USER_DATA, cloud_init.META_DATA, cloud_init.NETWORK_CONFIG)
    found = {name: (card_of_hv_07 / name).read_bytes() for name in names}
    assert cloud_init.files(cloud_init.read(found)) == found


def _shell(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    source = f'BODYCAMD_FIRST_BOOT=functions; . "{FIRST_BOOT_FILE}"; {script}'
    return subprocess.run(["sh", "-c", source, "sh", *words], capture_output=True, text=True)


@only_in_full
@with_mtools
def test_root_gets_its_size_and_footage_the_rest_of_the_card_once(image: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    shutil.copy(image, card)
    os.truncate(card, 400 * 1024 * 1024)
    for _ in range(2):
        done = _shell('root_size=256MiB; add_partition "$1" 2', str(card))
        assert done.returncode == 0, done.stderr
        table = json.loads(subprocess.run(["sfdisk", "--json", card], capture_output=True, check=True).stdout)["partitiontable"]
        [_, root, data] = table["partitions"]
        assert (root["start"], root["size"]) == (147456, 524288)
        assert data["start"] >= root["start"] + root["size"]
        assert data["start"] + data["size"] > 400 * 2048 - 4096


def test_the_first_boot_refuses_a_card_that_was_changed(card_of_hv_07: Path, tmp_path: Path) -> None:
    boot = Path(shutil.copytree(card_of_hv_07, tmp_path / "copy"))
    check = 'card="$1"; check_files'
    assert _shell(check, str(boot / "bodycamd")).returncode == 0
    (boot / "bodycamd/recipients.txt").write_text("age1stranger\n")
    done = _shell(check, str(boot / "bodycamd"))
    assert done.returncode == 1
    assert "make it anew" in done.stderr


def _fat_of(card: Path, folder: Path) -> Path:
    part = folder / "fat"
    with card.open("rb") as file:
        file.seek(16384 * 512)
        part.write_bytes(file.read(131072 * 512))
    return part
