"""What has no place on the boot partition of a card: files that set up the system behind the card's back, and words of the kernel's command
line that Raspberry Pi OS does not write.

Facts: the files by their names from RPi-Distro/raspberrypi-sys-mods (sshswitch, custom-setup.service, init_config), userconf-pi, and
cloud-init's NoCloud data source; the command line from RPi-Distro/pi-gen (stage1/00-boot-files/files/cmdline.txt) and what Raspberry Pi
Imager adds; options of systemd from kernel-command-line(7), systemd-debug-generator(8) and systemd-run-generator(8); those of the firmware
from config.txt's documentation (boot options, include, autoboot.txt).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bodycamd.errors import DataError
from bodycamd.foreign_text import shown

ANEW: Final = "write the image anew, without the Imager's settings, and make the card again"
FILES: Final = {
    "userconf.txt": "makes a user with a password",
    "userconf": "makes a user with a password",
    "ssh": "starts an SSH server",
    "ssh.txt": "starts an SSH server",
    "firstrun.sh": "is run as root",
    "setup.sh": "is run as root",
    "wpa_supplicant.conf": "holds the key of a wireless network",
    "custom.toml": "sets users, passwords and a wireless network",
    "vendor-data": "tells cloud-init more than the card does",
    "autoboot.txt": "boots from another partition",
    "tryboot.txt": "takes the place of config.txt",
}
"""By name in small letters (a FAT file system does not tell them apart): what the file does."""
_WORDS: Final = (
    (r"(rd)?init=.*", "starts another program than the system's, as root"),
    (r"systemd\.(run|wants)([._=].*)?", "starts something at the boot, as root"),
    (r"systemd\.unmask(=.*)?", "starts what the card keeps from starting"),
    (r"(rd\.)?systemd\.unit=.*|single|[sS1]|-s|emergency|-b|rescue|rd\.(emergency|rescue)", "boots to something else than a camera"),
    (r"(rd\.)?systemd\.debug[-_]shell(=.*)?|(rd\.)?break(=.*)?", "opens a shell of root for whoever holds the camera"),
    (r"ds=.*", "has cloud-init ask somebody else than this card"),
)
_KNOWN: Final = re.compile(
    r"console=(serial0|tty[0-9]|tty(S|AMA)[0-9]+)(,[0-9]+)?"
    r"|root=(PARTUUID|UUID|LABEL)=[0-9A-Za-z-]+"
    r"|rootfstype=ext4|rootwait|fsck\.repair=(yes|no|preen)"
    r"|quiet|splash|plymouth\.ignore-serial-consoles"
    r"|cfg80211\.ieee80211_regdom=[A-Z0-9]{2}"
    r"|cgroup_enable=memory|cgroup_memory=1"
    r"|ds=nocloud"
)


def check_files(names: Iterable[str]) -> None:
    """The names at the top of a boot partition. Raises `DataError` for one that has no place there, with what it does."""
    for name in names:
        if (does := FILES.get(name.lower())) is not None:
            raise DataError(f"{shown(name)}: it {does}, which no card does: {ANEW}")


def check_words(words: Iterable[str], where: str) -> None:
    """The words of a command line, without those that a card adds. Raises `DataError` for one that Raspberry Pi OS does not write."""
    for word in words:
        if _KNOWN.fullmatch(word) is None:
            does = next((does for pattern, does in _WORDS if re.fullmatch(pattern, word)), "is none of Raspberry Pi OS's")
            raise DataError(f"{where}: {shown(word)!r}: it {does}: {ANEW}")


def check_firmware(lines: bytes, where: str) -> None:
    """The firmware's configuration. Raises `DataError` where it has the firmware read a command line, or more of itself, elsewhere."""
    for line in lines.decode("utf-8", "replace").splitlines():
        if re.match(r"\s*(include\s|(cmdline|os_prefix)\s*=)", line):
            raise DataError(f"{where}: {shown(line.strip())!r}: what boots would be another file's word: {ANEW}")
