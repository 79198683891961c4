"""A card is what `fleet card` made, and the image's rest sets nothing up behind its back: in `card`, `cards` and `show-card`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.errors import DataError
from bodycamd.workshop.fleet import boot_strangers
from bodycamd.workshop.fleet.card_files import CONTENTS, command_line
from bodycamd.workshop.fleet.signing import sign_next
from tests.kit.scale import one_in, only_in_full, sample
from tests.workshop.fleet.fleets import REAL_NOW_US, ROOT_1, Folder, new_folder
from tests.workshop.fleet.test_cards import CMDLINE, CONFIG, image, with_mtools

__all__ = ["image"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A fleet, and beside its file a boot partition (`bootfs`) with the card of HV-07."""
    folder = new_folder(tmp_path_factory.mktemp("fleet"))
    sign_next(folder.fleet, folder.file, lambda *_: [ROOT_1], REAL_NOW_US, 90)
    new_boot(folder.file.with_name("bootfs"))
    assert card(folder, folder.file.with_name("bootfs")) == 0
    return folder


@pytest.fixture
def boot(made: Folder, tmp_path: Path) -> Path:
    """A copy of the card of HV-07."""
    return Path(shutil.copytree(made.file.with_name("bootfs"), tmp_path / "copy"))


def new_boot(boot: Path) -> Path:
    boot.mkdir()
    (boot / "cmdline.txt").write_text(CMDLINE)
    (boot / "config.txt").write_text(CONFIG)
    return boot


def card(folder: Folder, boot: Path, *words: str, camera: str = "HV-07") -> int:
    return main(["fleet", "card", camera, "--boot-partition", str(boot), "--fleet", str(folder.file), *words])


def show(boot: Path, *words: str) -> int:
    return main(["fleet", "show-card", "--boot-partition", str(boot), *words])


@one_in(5)
@pytest.mark.parametrize("name", sample(sorted([*boot_strangers.FILES, "SSH", "UserConf.txt"]), 3))
def test_a_file_that_sets_the_system_up_is_refused_by_name(name: str, made: Folder, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (boot / name).write_text("pi:$6$x\n")
    before = (boot / "bodycamd/token").read_bytes()
    assert (show(boot), card(made, boot)) == (65, 65)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all(name in line and "write the image anew" in line for line in told)
    assert (boot / "bodycamd/token").read_bytes() == before


@with_mtools
def test_no_image_is_made_from_one_that_sets_the_system_up(
    made: Folder, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In capitals, as FAT keeps short names."""
    base, out = tmp_path / "base.img", tmp_path / "out"
    out.mkdir()
    subprocess.run(["cp", "--sparse=always", image, base], check=True)
    subprocess.run(["mcopy", "-i", f"{base}@@{16384 * 512}", "-", "::SSH"], input=b"", check=True)
    assert main(["fleet", "cards", "--image", str(base), "--out", str(out), "--camera", "HV-01", "--fleet", str(made.file)]) == 65
    assert "starts an SSH server" in capsys.readouterr().err
    assert list(out.iterdir()) == []


WORDS = {
    "init=/bin/sh": "another program",
    "rdinit=/bin/sh": "another program",
    "systemd.run=/boot/firstrun.sh": "as root",
    "systemd.run_success_action=reboot": "as root",
    "systemd.unmask=userconfig.service": "keeps from starting",
    "systemd.unit=rescue.target": "something else than a camera",
    "single": "something else than a camera",
    "emergency": "something else than a camera",
    "rescue": "something else than a camera",
    "1": "something else than a camera",
    "break": "a shell of root",
    "break=premount": "a shell of root",
    "systemd.debug-shell=1": "a shell of root",
    "ds=nocloud;s=http://192.0.2.1/": "somebody else",
    "root=/dev/nfs": "none of Raspberry Pi OS's",
    "systemd.mask=ssh.service": "none of Raspberry Pi OS's",
    "überraschung": "not ASCII",
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_command_line_that_raspberry_pi_os_does_not_write_is_refused(word: str) -> None:
    with pytest.raises(DataError, match=WORDS[word]):
        command_line(f"{CMDLINE.strip()} {word}\n".encode())


def test_the_command_lines_of_raspberry_pi_os_and_its_imager_are_taken() -> None:
    """pi-gen's own, that of the desktop, an older image's, and one with what Raspberry Pi Imager adds: its instance id would win over
    that of the card's meta-data.
    """
    for more in (
        "",
        "quiet splash plymouth.ignore-serial-consoles",
        "quiet init=/usr/lib/raspberrypi-sys-mods/firstboot",
        "cfg80211.ieee80211_regdom=NL ds=nocloud;i=rpi-imager-1784124660514 cgroup_enable=memory",
    ):
        line = command_line(f"{CMDLINE.strip()} {more}\n".encode())
        assert command_line(line) == line
        assert b"rpi-imager" not in line


@only_in_full
@pytest.mark.parametrize(("name", "more"), [("cmdline.txt", " init=/bin/sh\n"), ("config.txt", "cmdline=other.txt\n")])
def test_a_command_line_and_a_firmware_that_look_elsewhere_are_refused_on_a_card(
    name: str, more: str, made: Folder, boot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (boot / name).write_text((boot / name).read_text().rstrip("\n") + ("" if name == "cmdline.txt" else "\n") + more)
    assert (show(boot), card(made, boot)) == (65, 65)
    assert capsys.readouterr().err.count("write the image anew") == 2


@only_in_full
@pytest.mark.parametrize("name", sample([name for name in CONTENTS if name not in ("config.txt", "bodycamd/cards.txt")], 3))
def test_a_card_without_one_of_its_files_is_refused(name: str, boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (boot / name).unlink()
    assert show(boot) in ((66,) if name == "cmdline.txt" else (65,))
    assert name in capsys.readouterr().err


def test_a_card_without_its_token_is_told_as_what_it_is(boot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (boot / "bodycamd/token").unlink()
    assert show(boot) == 65
    assert "no token: the camera has been enrolled with this card, or somebody took it" in capsys.readouterr().err
    (boot / "bodycamd/token").write_text("abc\n")
    assert show(boot) == 65
    assert "not a token" in capsys.readouterr().err
