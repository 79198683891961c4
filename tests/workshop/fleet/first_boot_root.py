"""A root file system to run the first boot's script in: this machine's own under an overlay, with stand-ins for what would touch a disk,
systemd, or the time after the boot. Real are the shell, the script, `sfdisk`, `sha256sum`, `passwd`, `shred`, and the product.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
SHARED = Path("/dev/shm")
CARD_BYTES = 16 * 1024**3
"""Nearly all of it a hole."""
COUNTED = """#!/bin/sh
n=$(($(cat /calls 2>/dev/null || echo 0) + 1)); echo $n >/calls
[ "$n" != "$(cat /cut-at)" ] || kill -9 $PPID $$
"""
"""Begins each stand-in: the power goes at the call whose number /cut-at has."""
BOOT = """
[ -e /etc/cloud/cloud-init.disabled ] || sh /boot/firmware/bodycamd/first-boot prepare
[ ! -e /etc/systemd/system/bodycamd-first-boot.service ] || exec sh /usr/local/sbin/bodycamd-first-boot
"""
STAND_INS = {
    "systemctl": 'echo "$*" >>/systemctl.log',
    "blkid": "[ -e /made ]",
    "findmnt": "echo /dev/mmcblk0p2",
    "lsblk": 'case "$*" in *PKNAME*) echo mmcblk0 ;; *PATH*) echo "/dev/mmcblk0p3 3" ;; *) echo 2 ;; esac',
    "partx": "",
    "udevadm": "",
    "resize2fs": "",
    "mkfs.ext4": "touch /made",
    "mountpoint": "[ -e /mounted ]",
    "mount": "touch /mounted",
    "sync": "",
    "runuser": 'while [ "$1" != -- ]; do shift; done; shift; '
    "setpriv --reuid=bodycam --regid=bodycam --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override -- "
    'env HOME=/ "$@"',
    "hostname": "echo hv-07",
}
"""`runuser` becomes the service's user for real; it may pass by modes, as this machine's Python may lie where only root reads."""
INSTALLER = """import subprocess, sys
assert sys.argv[1] == "install" and sys.argv[4].endswith("release.pem"), sys.argv
there = subprocess.run(["getent", "group", "bodycam"], check=False, stdout=subprocess.DEVNULL).returncode == 0
group = ["--gid", "bodycam"] if there else ["--user-group"]
subprocess.run(["useradd", "--system", *group, "bodycam"], check=False, stderr=subprocess.DEVNULL)
"""


def bundle(path: Path) -> Path:
    """A file that is opened as a bundle is; its installer makes the service's user, and nothing else."""
    with tarfile.open(path, "w") as made:
        member = tarfile.TarInfo("install.pyz")
        member.size = len(INSTALLER)
        made.addfile(member, io.BytesIO(INSTALLER.encode()))
    return path


class Root:
    """A card in a computer. `boot` is its boot partition, `disk` the image of the whole card. Nothing of it is left after `close`."""

    def __init__(self, boot: Path, disk: Path, users: str) -> None:
        self._at = Path(tempfile.mkdtemp(prefix="bodycamd-first-boot-", dir=SHARED))
        self.top = self._at / "upper"
        for folder in (
            "upper/boot",
            "upper/dev",
            "upper/etc/ssh/sshd_config.d",
            "upper/etc/cloud",
            "upper/usr/local/sbin",
            "work",
            "merged",
        ):
            (self._at / folder).mkdir(parents=True)
        shutil.copytree(boot, self.top / "boot/firmware")
        shutil.copy(disk, self.top / "dev/mmcblk0")
        os.truncate(self.top / "dev/mmcblk0", CARD_BYTES)
        (self.top / "etc/shadow").write_text(users)
        accounts = Path("/etc/passwd").read_text() + "pi:x:2001:100::/home/pi:/bin/bash\n"
        (self.top / "etc/passwd").write_text(accounts)
        (self.top / "etc/fstab").write_text("")
        for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
            os.mknod(self.top / "dev" / name, 0o666 | 0o020000, os.makedev(1, minor))
        os.mknod(self.top / "dev/mmcblk0p3", 0o600 | 0o060000, os.makedev(7, 250))
        own = f'exec env PYTHONPATH="{REPOSITORY}" "{sys.executable}" -m bodycamd.cli.main "$@"'
        for name, script in {**STAND_INS, "bodycamd": own}.items():
            stand_in = self.top / "usr/local/sbin" / name
            stand_in.write_text(f"{COUNTED}{script}\n")
            stand_in.chmod(0o755)

    def boots(self, cut_at: int = 0) -> subprocess.CompletedProcess[str]:
        """What runs at a boot: cloud-init's command unless cloud-init is silent, then the unit, if it is there. The power goes at the call
        of a stand-in with this number.
        """
        (self.top / "cut-at").write_text(f"{cut_at}\n")
        (self.top / "calls").unlink(missing_ok=True)
        merged = self._at / "merged"
        mounts = [f"mount -t overlay overlay -o lowerdir=/,upperdir={self.top},workdir={self._at / 'work'} {merged}"]
        for folder in dict.fromkeys((str(REPOSITORY), sys.base_prefix)):
            mounts += [f"mkdir -p {merged}{folder}", f"mount --bind {folder} {merged}{folder}"]
        mounts += [f"mount -t proc proc {merged}/proc", f"exec chroot {merged} /bin/sh -ec '{BOOT}'"]
        return subprocess.run(["unshare", "--mount", "sh", "-ec", "\n".join(mounts)], capture_output=True, text=True, timeout=100)

    @property
    def calls(self) -> int:
        """How often a stand-in was called in the last run."""
        return int((self.top / "calls").read_text())

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self._at, ignore_errors=True)
