"""A camera that QEMU boots from its card: Debian's kernel, systemd, cloud-init, the bundle; its parts are the kernel's own simulations."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.hil.line import SocketLine
from tests.hil.pi_camera import CODE
from tests.kit.waiting import wait_for
from tests.machine.virtual_machine import OWN_TIME, QUICK, READ_BY_THE_CAMERA, REPOSITORY, console, qemu

BOOT_SECONDS = 900.0
"""What a boot may take on a computer that others keep busy."""


FIRST_BOOT_SECONDS = 1800.0
READY = "enrolment: ready"


class VirtualCamera:
    """`folder` gets what the camera leaves: `console`, and the share that it has as /bench. `made` is where kernel and initrd are."""

    def __init__(self, made: Path, card: Path, film: Path, emulation: Sequence[str] = OWN_TIME) -> None:
        self.card = card
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

    def boot(self, *devices: str, kernel: str = "") -> None:
        """Switch it on; returns when the hand answers."""
        path = self.share / "hil.sock"
        path.unlink(missing_ok=True)
        words = (self.on_card("cmdline.txt") or b"").decode().strip()
        command = qemu(self._made, self.card, self.share, self._emulation)
        command += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=hil,path={path},server=on,wait=off"]
        command += ["-device", "virtserialport,chardev=hil,name=hil", *devices, "-append", f"{words} {QUICK} {kernel}"]
        self._running = subprocess.Popen(command)
        wait_for(lambda: path.exists() or self._running.poll() is not None, 30, "QEMU")  # type: ignore[union-attr]
        self._line = SocketLine(path)
        self.ask("status", patience=BOOT_SECONDS)

    def becomes_ready(self) -> None:
        """The first boot is over. Raises `AssertionError` with what the console said."""

        def over() -> bool:
            assert self._running is not None, "it is off"
            assert self._running.poll() is None, self.console[-4000:]
            assert "Emergency Shell" not in self.console, self.console[-4000:]
            return READY in self.console

        try:
            wait_for(over, FIRST_BOOT_SECONDS, READY)
        except AssertionError as error:
            raise AssertionError(f"{error}; console: {self.console[-4000:]}") from None

    def on_card(self, name: str) -> bytes | None:
        """A file of the boot partition, as a card reader finds it; the camera should be off."""
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

    def restart(self) -> None:
        """A power cut, and the next boot."""
        self.cut_power()
        self.boot()

    def close(self) -> None:
        """Switch it off, take its share away."""
        self.cut_power()
        shutil.rmtree(self.share, ignore_errors=True)

    newer = "/bench/newer.bundle"
    """A bundle of a later version."""

    @property
    def console(self) -> str:
        """What it said so far."""
        return console(self.share)
