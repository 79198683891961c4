"""A camera that QEMU boots from its card: Debian's kernel, systemd, cloud-init, the bundle; its parts are the kernel's own simulations."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hil.line import SocketLine
from tests.hil.monitor import Monitor
from tests.hil.pi_camera import CODE
from tests.kit.waiting import wait_for
from tests.machine.virtual_machine import OWN_TIME, QUICK, READ_BY_THE_CAMERA, REPOSITORY, console, qemu

BOOT_SECONDS = 900.0
"""What a boot may take on a computer that others keep busy."""


FIRST_BOOT_SECONDS = 1800.0
UNCLEARED = "init_on_alloc=0"
"""Of the kernel's command line: it does not fill each page with zeros a second time before it hands it out."""
READY = "enrolment: ready"
LOOK_SECONDS = 0.5
"""Between two looks at a console."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A camera that stopped at one instant: its card, which is changed no more, its memory, and what its console said until then."""

    card: Path
    memory: Path
    console: Path


class VirtualCamera:
    """`card` is a raw image. `made` is where kernel and initrd are; `share` is the folder that the camera has as /bench."""

    def __init__(self, made: Path, card: Path, film: Path, emulation: Sequence[str] = OWN_TIME) -> None:
        self.card = self._disk = card
        self.share = Path(tempfile.mkdtemp(prefix="bodycamd-hil-"))
        self.share.chmod(READ_BY_THE_CAMERA)
        self._made, self._emulation = made, emulation
        self._running: subprocess.Popen[bytes] | None = None
        self._line: SocketLine | None = None
        for name in CODE:
            (self.share / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, self.share / name)
        shutil.copy(film, self.share / "film.h264")
        shutil.copy(made / "newer.bundle", self.share / "newer.bundle")

    def boot(self, *further: str) -> None:
        """Switch it on; returns when the hand answers. `further` are arguments of QEMU's."""
        path, monitor = self.share / "hil.sock", self.share / "monitor.sock"
        for socket in (path, monitor):
            socket.unlink(missing_ok=True)
        words = (self.on_card("cmdline.txt") or b"").decode().strip()
        command = qemu(self._made, self._disk, self.share, self._emulation)
        command += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=hil,path={path},server=on,wait=off"]
        command += ["-device", "virtserialport,chardev=hil,name=hil", "-qmp", f"unix:{monitor},server=on,wait=off"]
        self._running = subprocess.Popen([*command, "-append", f"{words} {QUICK} {UNCLEARED}", *further])
        wait_for(lambda: (path.exists() and monitor.exists()) or self._running.poll() is not None, 30, "QEMU")  # type: ignore[union-attr]
        if "-incoming" in further:
            self._go_on(monitor)
        self._line = SocketLine(path)
        self.ask("now", patience=BOOT_SECONDS)

    @staticmethod
    def _go_on(path: Path) -> None:
        """A camera whose memory comes was stopped, and is so here."""
        with Monitor(path) as monitor:
            wait_for(lambda: monitor.ask("query-status")["status"] == "paused", 300, "the camera's memory")
            monitor.ask("cont")

    def freeze(self, folder: Path) -> Frozen:
        """It stops here, for others to go on from (`thaw`). A share that is mounted cannot be frozen (QEMU, hw/9pfs): it is left, and taken
        again."""
        frozen = Frozen(self.card, folder / "memory", folder / "console")
        self.run("sync")
        self.ask("leave_share")
        with Monitor(self.share / "monitor.sock") as monitor:
            monitor.ask("stop")
            monitor.ask("migrate", uri=f"exec:cat >{frozen.memory}")
            wait_for(lambda: _is_over(monitor.ask("query-migrate")), 300, "the camera's memory")
        self.cut_power()
        shutil.copy(self.share / "console", frozen.console)
        return frozen

    @classmethod
    def thaw(cls, made: Path, frozen: Frozen, film: Path) -> VirtualCamera:
        """One that goes on where that camera stopped, with a card of its own: what differs from that one's."""
        camera = cls(made, frozen.card, film)
        camera._disk = camera.share.with_suffix(".qcow2")
        backing = ["-b", str(frozen.card), "-F", "raw"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(camera._disk)], check=True)
        try:
            camera.boot("-incoming", f"exec:cat {frozen.memory}")
            camera.ask("take_share")
        except BaseException:
            camera.close()
            raise
        return camera

    def becomes_ready(self) -> None:
        """The first boot is over. Raises `AssertionError` with what the console said."""

        def over() -> bool:
            assert self._running is not None, "it is off"
            assert self._running.poll() is None, self.console[-4000:]
            said = self.console
            assert "Emergency Shell" not in said, said[-4000:]
            if READY not in said:
                time.sleep(LOOK_SECONDS)
            return READY in said

        try:
            wait_for(over, FIRST_BOOT_SECONDS, READY)
        except AssertionError as error:
            raise AssertionError(f"{error}; console: {self.console[-4000:]}") from None

    def on_card(self, name: str) -> bytes | None:
        """A file of the boot partition, as a card reader finds it; the camera should be off. After `thaw`: as it was before."""
        found = subprocess.run(["mtype", "-i", f"{self.card}@@1M", f"::{name}"], capture_output=True, check=False)
        return found.stdout if found.returncode == 0 else None

    def ask(self, do: str, *, patience: float = 600.0, **given: Any) -> Any:
        """Of the hand; see tests/hil/guest. Raises `AssertionError` with what the console said where it cannot."""
        return self.ask_timed(do, patience=patience, **given)[0]

    def ask_timed(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """With the camera's CLOCK_BOOTTIME in µs."""
        assert self._line is not None
        try:
            return self._line.ask(do, patience=patience, **given)
        except (AssertionError, OSError) as error:
            raise AssertionError(f"{do}: {error}; console: {self.console[-3000:]}") from error

    def run(self, *command: str, seconds: float = 300.0) -> dict[str, Any]:
        """A program on the camera, as root: `code`, `out`, `err`."""
        done: dict[str, Any] = self.ask("run", patience=seconds + 600, command=list(command), limit=seconds)
        return done

    def cut_power(self) -> None:
        """What the camera had not handed to its disk is gone."""
        if self._line is not None:
            self._line.close()
        if self._running is not None:
            self._running.kill()
            self._running.wait(30)
        self._line = self._running = None

    @property
    def disk(self) -> Path:
        """Its card as QEMU has it: the raw image, or what differs from it (`thaw`)."""
        return self._disk

    def restart(self) -> None:
        """A power cut, and the next boot."""
        self.cut_power()
        self.boot()

    def close(self) -> None:
        """Switch it off, take its share away."""
        self.cut_power()
        shutil.rmtree(self.share, ignore_errors=True)
        if self._disk != self.card:
            self._disk.unlink(missing_ok=True)

    newer = "/bench/newer.bundle"
    """A bundle of a later version."""

    @property
    def console(self) -> str:
        """What it said so far."""
        return console(self.share)


def _is_over(migration: dict[str, Any]) -> bool:
    assert migration["status"] != "failed", migration
    return bool(migration["status"] == "completed")
