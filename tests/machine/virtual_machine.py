"""A virtual camera under QEMU's emulation: the kernel, its memory, its disk and its swap are real, the processor is slow."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyrage

REPOSITORY = Path(__file__).parents[2]
MEGABYTES = 512
"""As a Zero 2 W."""
JOBS = Path(__file__).with_name("jobs")
READ_BY_THE_CAMERA = 0o755
QUICK = "quiet no_timer_check mitigations=off apparmor=0 selinux=0 audit=0"
"""Of the kernel's command line: without its defences against its own processor, which cost much time, and without its look for a timer that
keeps time, which fails where others keep the host busy."""


def make_share(folder: Path, configuration: str) -> Path:
    """A folder to share with the machine: the jobs, `bodycamd.yaml`, a recipient and, for the judge, its identity."""
    share = folder / "share"
    share.mkdir(mode=READ_BY_THE_CAMERA)
    for path in ("tests/__init__.py", "tests/machine/__init__.py", *(f"tests/machine/jobs/{job.name}" for job in JOBS.glob("*.py"))):
        (share / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / path, share / path)
    identity = pyrage.x25519.Identity.generate()
    (share / "recipients.txt").write_text(f"{identity.to_public()}\n")
    (share / "identity.txt").write_text(f"{identity}\n")
    (share / "bodycamd.yaml").write_text(configuration)
    return share


def console(share: Path) -> str:
    """What the machine's console said so far."""
    return (share / "console").read_text(errors="replace")


TWO_PROCESSORS = ("-accel", "tcg,thread=multi", "-smp", "2")
OWN_TIME = ("-accel", "tcg,thread=single", "-smp", "1", "-icount", "shift=1")
"""One processor of 500 million instructions a second by the machine's own clock, however long the computer takes over them: where others
keep that busy, the machine's clock is late, and none of its timers."""


def qemu(folder: Path, disk: Path, share: Path, emulation: Sequence[str] = TWO_PROCESSORS) -> list[str]:
    """The command of a machine with kernel and initrd of `folder`, and the share `bench`; its console is the share's file `console`.

    Without AVX, which is slow to emulate. A raw `disk` keeps what it was sent when QEMU is killed, one of qcow2's what was flushed.
    """
    kept = "format=qcow2,cache=writeback" if disk.suffix == ".qcow2" else "format=raw,cache=unsafe"
    command = ["qemu-system-x86_64", "-machine", "q35", *emulation, "-cpu", "Nehalem"]
    command += ["-m", str(MEGABYTES), "-nodefaults", "-display", "none", "-serial", f"file:{share}/console"]
    command += ["-drive", f"file={disk},if=virtio,{kept}"]
    command += ["-fsdev", f"local,id=bench,path={share},security_model=none", "-device", "virtio-9p-pci,fsdev=bench,mount_tag=bench"]
    return [*command, "-kernel", f"{folder}/kernel", "-initrd", f"{folder}/initrd"]


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """What `scripts/make-machine` made: `kernel` and `initrd` in `folder`, and a disk that keeps what is written to it."""

    folder: Path
    disk: Path

    def run(self, share: Path, job: str, *, kernel: str = "", devices: Sequence[str] = (), seconds: float = 1800) -> str:
        """Boot, have the job run, wait for the power-off; what the console said. Raises `AssertionError` where the job fails, or does not
        end in time."""
        with self.boot(share, job, kernel=kernel, devices=devices) as running:
            try:
                running.wait(seconds)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"no power-off within {seconds:g} s:\n{console(share)[-4000:]}") from None
        assert running.returncode == 0, console(share)[-4000:]
        return console(share)

    @contextmanager
    def boot(self, share: Path, job: str, *, kernel: str = "", devices: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
        """QEMU with the job; it is killed at the end, which is a power cut where the machine still runs. A reset boots it again. `devices`
        are further arguments of QEMU's, `kernel` of the kernel's command line."""
        (share / "job").write_text(job)
        command = [
            *qemu(self.folder, self.disk, share),
            *devices,
            "-append",
            f"root=/dev/vda rw console=ttyS0 {QUICK} systemd.unit=job.service {kernel}",
        ]
        with subprocess.Popen(command) as running:
            try:
                yield running
            finally:
                running.kill()
        failed = share / "failed"
        assert not failed.exists(), failed.read_text()

    def file(self, name: str, target: Path) -> Path:
        """A file of the disk, its bytes as they lie there: past the file system of a kernel that runs."""
        done = subprocess.run(["debugfs", "-R", f"dump {name} {target}", str(self.disk)], capture_output=True, text=True)
        assert target.exists(), done.stderr
        return target


@contextmanager
def fresh_machine(folder: Path) -> Iterator[VirtualMachine]:
    """One with a disk of its own in `folder`, which goes with it."""
    image, disk = Path(os.environ["BODYCAMD_MACHINE"]), folder / "disk.raw"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image / "disk.raw", disk], check=True)
    try:
        yield VirtualMachine(image, disk)
    finally:
        disk.unlink()
