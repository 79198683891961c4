"""What a Raspberry Pi becomes while scenarios run on it, and how it becomes again what it was.

Its configuration and its store lie under others meanwhile: /etc/bodycamd under a copy, /var/lib/bodycamd under a file system of the
bench's, so that its footage, ledger and keys are out of everybody's reach. Each step that is done is noted with what undoes it; what a
bench left that was cut off is undone by the next one, or by a reboot: all but the file of its store is in memory.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tests.hil.guest import parts
from tests.hil.guest.jumpers import Jumpers, Refused, import_gpiod

STORE_BYTES = 2 << 30
UNITS = ("bodycamd.service", "bodycamd-sensors.service")
CARD = "HilBench"
CAMERA_DRIVERS = ("unicam", "rp1-cfe")
"""The receivers of a camera's ribbon, Pi 0 to 4 and Pi 5, by the kernel's sources (`UNICAM_MODULE_NAME`, `CFE_MODULE_NAME`)."""
KEYS = """import sys
from pathlib import Path
from bodycamd.config.load import load
from bodycamd.evidence.keys import provision
provision(Path(load("/etc/bodycamd/bodycamd.yaml").keys.signing))"""
ASOUND = f"""pcm.loudspeaker {{
    type file
    slave.pcm "plughw:CARD={CARD},DEV=0"
    file "/run/bodycamd/played.raw"
    format "raw"
}}
"""


class Bench:
    """`status` is what the daemon says of itself; `folder` is where this code was
    copied to, `root` is /, `run` gives what a command printed, or raises `RuntimeError`."""

    def __init__(self, status: Callable[[], Any], folder: Path, root: Path, run: Callable[..., str] = parts.run) -> None:
        self._status, self._folder, self._root, self._run = status, folder, root, run
        self._undo = folder / "undo.jsonl"
        self._lock: IO[str] | None = None
        self._hand: Jumpers | None = None

    @property
    def hand(self) -> Jumpers:
        """Between `begin` and `end`."""
        assert self._hand is not None, "nothing has begun"
        return self._hand

    def look(self) -> str:
        """The camera's configuration, after what a bench left that was cut off. Raises `Refused` where another one is at work."""
        lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise Refused("another bench is at work on this camera", 75) from error
        self._lock = lock
        self.end()
        if not (self._root / "opt/bodycamd/current").exists():
            raise Refused("bodycamd is not installed there: docs/install.md", 69)
        return (self._root / "etc/bodycamd/bodycamd.yaml").read_text()

    def begin(self, config: str, recipients: str, wires: dict[str, Any]) -> None:
        """The camera is the bench's. Raises `Refused`, before anything is changed, or `RuntimeError`; `end` undoes what was done."""
        assert self._lock is not None, "look first"
        if (said := self._status()) is not None and said["state"] != "standby":
            raise Refused(f"the camera is not in standby but {said['state']}", 75)
        if (self._root / "sys/module/snd_aloop").exists():
            raise Refused("snd-aloop is in use already: modprobe -r snd-aloop", 75)
        self._hand = Jumpers(import_gpiod(), **wires)
        etc, image = self._folder / "etc", self._root / "var/tmp/bodycamd-hil.img"
        running = [unit for unit in UNITS if self._run("systemctl", "show", "--value", "--property=ActiveState", unit).strip() == "active"]
        if running:
            self._note("systemctl", "start", *running)
        self._run("systemctl", "stop", *UNITS)
        self._do("modprobe", "snd-aloop", f"id={CARD}", "pcm_substreams=2", undo=("modprobe", "-r", "snd-aloop"))
        self._note("rm", "-rf", f"{etc}")
        etc.mkdir()
        self._run("cp", "-a", f"{self._root / 'etc/bodycamd'}/.", f"{etc}")
        for name, text in (("bodycamd.yaml", config), ("recipients.txt", recipients)):
            (etc / name).unlink(missing_ok=True)  # it may be a link to the camera's own
            parts.write(etc / name, text)
        parts.write(self._folder / "asound.conf", ASOUND)
        self._do("mount", "--bind", f"{etc}", "/etc/bodycamd", undo=("umount", "/etc/bodycamd"))
        self._note("rm", "-f", f"{image}")
        self._run("fallocate", "-l", str(STORE_BYTES), f"{image}")
        self._run("mkfs.ext4", "-q", "-F", f"{image}")
        self._do("mount", "-o", "loop", f"{image}", "/var/lib/bodycamd", undo=("umount", "/var/lib/bodycamd"))
        self._run("install", "-d", "-m", "700", "-o", "bodycam", "-g", "bodycam", "/var/lib/bodycamd")
        self._run("runuser", "-u", "bodycam", "--", "/opt/bodycamd/current/bin/python", "-P", "-s", "-c", KEYS)
        unit = self._root / "run/systemd/system/bodycamd.service.d/bodycamd-hil.conf"
        unit.parent.mkdir(parents=True, exist_ok=True)
        self._note("systemctl", "daemon-reload")
        parts.write(unit, f"[Service]\nEnvironment=ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:{self._folder}/asound.conf\n")
        self._note("rm", "-f", f"{unit}")
        self._do("systemctl", "daemon-reload", undo=("systemctl", "stop", *UNITS))

    def camera(self, bound: bool) -> None:
        """Take the camera's kernel driver from its devices, or give it back."""
        noted = [json.loads(line) for line in self._undo.read_text().splitlines()]
        for command in [one for one in noted if one[:2] == ["sh", "-c"] and bound]:
            self._run(*command)
        for driver in [self._root / "sys/bus/platform/drivers" / name for name in CAMERA_DRIVERS if not bound]:
            for device in sorted(driver.glob("*.*")):
                self._note("sh", "-c", f"test -e {device} || echo {device.name} >{driver}/bind")
                parts.write(driver / "unbind", device.name)

    def end(self) -> None:
        """The camera is as it was; nothing where it is. Raises `Refused` at the first step that cannot be undone: the ones before it are
        not tried, as a recorder must not start over what is not its store."""
        if self._lock is None:
            return
        if self._hand is not None:
            self._hand.close()
            self._hand = None
        left = self._undo.read_text().splitlines() if self._undo.exists() else []
        while left:
            try:
                self._run(*json.loads(left[-1]))
            except (RuntimeError, OSError) as error:
                raise Refused(f"the camera is not as it was: {error}. Reboot it, and delete /var/tmp/bodycamd-hil.img", 74) from error
            left.pop()
            self._undo.write_text("".join(f"{line}\n" for line in left))

    def close(self) -> None:
        """`end`, and another bench may come."""
        try:
            self.end()
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _do(self, *command: str, undo: tuple[str, ...]) -> None:
        self._run(*command)
        self._note(*undo)

    def _note(self, *undo: str) -> None:
        """Before its step where undoing nothing does no harm; a file system that is not the bench's is never taken off."""
        with self._undo.open("a") as noted:
            noted.write(json.dumps(undo) + "\n")
