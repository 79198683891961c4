"""A virtual camera under QEMU's emulation: the kernel, its memory, its disk and its swap are real, the processor is slow."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

MEGABYTES = 512
"""As a Zero 2 W."""


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """What `scripts/make-machine` made in `folder`. The disk keeps what is written to it."""

    folder: Path

    def run(self, share: Path, *, kernel: str = "", seconds: float = 1800) -> str:
        """Boot, have `job.py` of the share run there, wait for the power-off; what the console said. Raises `AssertionError` where it does
        not end in time."""
        console = share / "console"
        # Without AVX, which is slow to emulate; without the kernel's defences against its own processor, which cost much time.
        command = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2"]
        command += ["-m", str(MEGABYTES), "-nodefaults", "-display", "none", "-serial", f"file:{console}", "-no-reboot"]
        command += ["-drive", f"file={self.folder}/disk.raw,if=virtio,format=raw,cache=unsafe"]
        command += ["-fsdev", f"local,id=bench,path={share},security_model=none", "-device", "virtio-9p-pci,fsdev=bench,mount_tag=bench"]
        command += ["-kernel", f"{self.folder}/kernel", "-initrd", f"{self.folder}/initrd"]
        command += ["-append", f"root=/dev/vda rw console=ttyS0 quiet mitigations=off apparmor=0 audit=0 systemd.unit=job.service {kernel}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no power-off within {seconds:g} s:\n{console.read_text(errors='replace')[-4000:]}") from None
        said = console.read_text(errors="replace")
        assert done.returncode == 0, done.stderr + said[-4000:]
        return said

    def file(self, name: str, target: Path) -> Path:
        """A file of the disk, its bytes as they lie there: past the file system of a kernel that runs."""
        done = subprocess.run(["debugfs", "-R", f"dump {name} {target}", f"{self.folder}/disk.raw"], capture_output=True, text=True)
        assert target.exists(), done.stderr
        return target
