"""The machine around the versions, for real: Debian's Python, dpkg, systemd, the recorder's control socket.

Nothing here reaches for a network: wheels and Debian packages are installed from the bundle's files alone, with no resolver.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from bodycamd.camera.installation.decision import Camera, Machine
from bodycamd.camera.installation.versions import CURRENT
from bodycamd.errors import BodycamError, ConfigError, DataError, PermissionDeniedError, StoreBusyError, UnavailableError
from bodycamd.linux import durable
from bodycamd.linux.python import python_command

SOCKET = Path("/run/bodycamd/control.sock")
CONFIGURATION = Path("/etc/bodycamd")
UNITS = Path("/etc/systemd/system")
WATCHDOG = Path("/etc/systemd/system.conf.d/50-bodycamd-watchdog.conf")
POLKIT = Path("/etc/polkit-1/rules.d/50-bodycamd-cards.rules")
COMMAND = Path("/usr/local/bin/bodycamd")
COMPLETION = Path("/usr/share/bash-completion/completions/bodycamd")
NOT_NOW = ("bodycamd-settle.service",)
"""Of the units that are enabled, those that are for the next boot."""
FIRST_BOOT = "bodycamd-first-boot.service"
"""A card's own unit (`bodycamd/workshop/fleet/first-boot.sh`): it is what runs the installer there, and would end with it."""
SHIPPED = ("bodycamd.yaml", "warnings/nl.wav", "warnings/nl.txt", "warnings/en.wav", "warnings/en.txt")
ANSWER_SECONDS = 5.0
READY_SECONDS = 90.0
MOST_STARTS = 5
"""Of a recorder that becomes ready: systemd starts one that ended again after half a second, for ever."""
HEALTH_SECONDS = 900.0
STEP_SECONDS = 3600.0
"""Of one program. Some hundred modules are compiled, which takes minutes on a slow card or an emulated processor."""
NOT_COMPILED = r"/site-packages/(setuptools|pygments/(lexers|styles))/(?!__init__|_mapping)"
"""What comes with a library and no process of a camera loads: half of the time that compiling took. What does load it is slower by that."""
MAX_ANSWER_BYTES = 4 * 1024 * 1024
BEFORE_MIGRATION = ".before-migration"
"""Behind the name of a configuration: what it was before the newest migration (`bodycamd.config.migrations`)."""
HEALTH = "bodycamd.workshop.bundle.health"
_AS_RECORDER = ("runuser", "-u", "bodycam", "--")
PROVISION = """
import sys
from pathlib import Path
from bodycamd.camera.enrolment.apply import first_key_pem
from bodycamd.config.load import load
signing = Path(load("/etc/bodycamd/bodycamd.yaml").keys.signing)
sys.stdout.write(first_key_pem(signing, Path("/var/lib/bodycamd/enrolment/application.txt")).decode())
"""


class LinuxSystem:
    """`folder` is that of the versions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def machine(self) -> Machine:
        """See `System`."""
        place = next(place for place in (self._folder, *self._folder.parents) if place.is_dir())
        free = os.statvfs(place)
        version = platform.python_version_tuple()
        return Machine(platform.machine(), f"{version[0]}.{version[1]}", free.f_bavail * free.f_frsize)

    def camera(self) -> Camera:
        """See `System`. A recorder that listens and does not answer is busy: nothing is changed under it."""
        status = ask_status()
        if status is None:
            return Camera(None)
        battery = status.get("battery")
        charging = battery.get("charging") if isinstance(battery, dict) else None
        return Camera(str(status.get("state")), charging if isinstance(charging, bool) else None)

    def install_debian(self, packages: list[Path]) -> None:
        """See `System`. What an interrupted run left is completed: before, as far as it lacks nothing that is to come, and behind. Debian's
        packages are not led back with a version."""
        if packages:
            _run("dpkg", "--configure", "-a", check=False)
            _run("dpkg", "--install", "--skip-same-version", "--refuse-downgrade", *map(str, _in_order(packages)))
            _run("dpkg", "--configure", "-a")

    def make_environment(self, folder: Path, wheels: list[Path]) -> None:
        """See `System`. libcamera and picamera2 are Debian's: the environment sees its packages. What puts a wheel's files in place
        is PyPA's `installer`, which runs from its own wheel; then all processors compile: pip, which does more than is asked for here, took
        more than six minutes on an emulated Pi's processor before it had written a file."""
        installer = [wheel for wheel in wheels if wheel.name.startswith("installer-")]
        if len(installer) != 1:
            raise DataError("the bundle does not hold what puts its wheels in place: installer")
        _run(*python_command("venv", "--system-site-packages", "--without-pip", str(folder), python="/usr/bin/python3"))
        python = str(folder / "bin/python")
        rest = [str(wheel) for wheel in wheels if wheel != installer[0]]
        options = ("--no-compile-bytecode", "--validate-record", "all")
        _run("env", f"PYTHONPATH={installer[0]}", *python_command("installer", *options, *rest, python=python))
        _run(*python_command("compileall", "-q", "-j", "0", "-x", NOT_COMPILED, str(folder / "lib"), python=python))

    def check_configuration(self, wheels: Path) -> None:
        """See `System`: the new version's own check, out of its wheels. As the recorder's user where there is one already."""
        configuration = CONFIGURATION / "bodycamd.yaml"
        if configuration.exists():  # else it is the bundle's own
            program = files("bodycamd.camera.installation").joinpath("from_wheels.py").read_text(encoding="utf-8")
            command = ("/usr/bin/python3", "-P", "-s", "-c", program, str(wheels), HEALTH, "--configuration", str(configuration))
            self._judge(wheels.parents[1].name, *(_AS_RECORDER if _recorder_has_a_user() else ()), *command)

    def check_health(self, folder: Path) -> str:
        """See `System`: the new version's own check, as the recorder's user."""
        return self._judge(folder.name, *_AS_RECORDER, *python_command(HEALTH, "--folder", str(folder), python=str(folder / "bin/python")))

    def migrate_configuration(self, folder: Path) -> None:
        """See `System`."""
        try:
            _run(str(folder / "bin/bodycamd"), "config", "migrate", str(CONFIGURATION / "bodycamd.yaml"))
        except UnavailableError as error:
            raise UnavailableError(f"{folder.name} is in use, and reads the configuration as it stands; not rewritten: {error}") from error

    def restore_configuration(self, folder: Path) -> bool:
        """See `System`."""
        file, before = CONFIGURATION / "bodycamd.yaml", CONFIGURATION / f"bodycamd.yaml{BEFORE_MIGRATION}"
        if not before.exists():
            return False
        with tempfile.TemporaryDirectory(prefix="bodycamd-migration-") as made:
            again = Path(made, file.name)
            again.write_bytes(before.read_bytes())
            _run(str(folder / "bin/bodycamd"), "config", "migrate", str(again), check=False)
            if again.read_bytes() != file.read_bytes():
                return False
        durable.replace(file, before.read_bytes())
        return True

    def _judge(self, version: str, *command: str) -> str:
        try:
            ended = _start("nice", "-n", "10", *command, seconds=HEALTH_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"the health check of {version} did not end within {HEALTH_SECONDS:.0f} s") from error
        if ended.returncode:
            said = _last_line(ended).removeprefix("bodycamd: ")
            kind: type[BodycamError] = ConfigError if ended.returncode == ConfigError.exit_code else UnavailableError
            raise kind(f"{version} does not come into use, and what runs was not touched: {said}")
        return ended.stdout.strip()

    def prepare(self, folder: Path) -> None:
        """See `System`."""
        shipped = folder / "share/bodycamd"
        _run("systemd-sysusers", str(shipped / "systemd/bodycamd.sysusers"))
        durable.make_folder(CONFIGURATION / "warnings", 0o755)
        for name in SHIPPED:
            if not (CONFIGURATION / name).exists():
                durable.replace(CONFIGURATION / name, (shipped / name).read_bytes())
        if COMPLETION.parent.is_dir():
            durable.replace(COMPLETION, _run("env", "_BODYCAMD_COMPLETE=source_bash", str(folder / "bin/bodycamd")).encode())
        if not (CONFIGURATION / "device.pem").exists():
            _run("install", "-d", "--mode=700", "-o", "bodycam", "-g", "bodycam", "/var/lib/bodycamd")
            made = _run("runuser", "-u", "bodycam", "--", str(folder / "bin/python"), "-P", "-s", "-c", PROVISION)
            durable.replace(CONFIGURATION / "device.pem", made.encode())

    def stop(self) -> None:
        """See `System`."""
        if runs_systemd():
            found = [unit.name for kind in ("socket", "service") for unit in sorted(UNITS.glob(f"bodycamd*.{kind}"))]
            stopped = [unit for unit in found if unit != FIRST_BOOT]
            _run("systemctl", "stop", *stopped, check=False)  # the sockets first: they would start their services again

    def start(self) -> None:
        """See `System`. The units are links into the version in use, so that they change with it, by the same rename."""
        shipped = self._folder / CURRENT / "share/bodycamd/systemd"
        units = [unit for unit in sorted(shipped.iterdir()) if unit.suffix in (".service", ".timer", ".socket")]
        enabled = [unit.name for unit in units if "[Install]" in unit.read_text(encoding="utf-8")]
        for unit in units:
            durable.point(UNITS / unit.name, str(unit))
        durable.make_folder(WATCHDOG.parent, 0o755)
        durable.point(WATCHDOG, str(shipped / "bodycamd-watchdog.conf"))
        durable.make_folder(POLKIT.parent, 0o755)
        durable.point(POLKIT, str(shipped / "bodycamd-cards.rules"))
        durable.make_folder(COMMAND.parent, 0o755)
        durable.point(COMMAND, str(self._folder / CURRENT / "bin/bodycamd"))
        _run("systemctl", "enable", "--quiet", *enabled)
        if runs_systemd():
            _run("systemctl", "daemon-reload")
            if (CONFIGURATION / "recipients.txt").exists():
                _run("systemctl", "start", *(unit for unit in enabled if unit not in NOT_NOW), check=False)

    def becomes_ready(self, bundle: str) -> bool:
        """See `System`. Where there is no recipient yet no recorder can run: that is for the technician's next step, and no failure."""
        if not runs_systemd() or not (CONFIGURATION / "recipients.txt").exists():
            return True
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(BodycamError):
                status = ask_status()
                if status is not None and status.get("bundle") == bundle and status.get("state") != "starting":
                    return True
            restarts = _run("systemctl", "show", "--value", "--property=NRestarts", "bodycamd.service", check=False).strip()
            if restarts.isdecimal() and int(restarts) >= MOST_STARTS:
                return False
            time.sleep(0.5)
        return False


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the versions meanwhile. Raises `PermissionDeniedError` where this is not root, `StoreBusyError`."""
    if os.geteuid() != 0:
        raise PermissionDeniedError("only root changes what a camera runs: sudo")
    durable.make_folder(folder, 0o755)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    mask = os.umask(0o022)  # the recorder's user must be able to read what root makes
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StoreBusyError(f"{folder}: another installer is at work") from error
    finally:
        os.umask(mask)
        os.close(descriptor)


def runs_systemd() -> bool:
    """Whether this system was booted by systemd: not so in a chroot where an image is made."""
    return Path("/run/systemd/system").is_dir()


def ask_status(path: Path = SOCKET) -> dict[str, object] | None:
    """The recorder's status; `None` where none listens. Raises `StoreBusyError` where one listens and does not answer."""
    line = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise StoreBusyError(f"{path}: the recorder cannot be asked: {error.strerror or error}") from error
        try:
            client.sendall(b'{"command":"status"}\n')
            while not line.endswith(b"\n") and len(line) < MAX_ANSWER_BYTES and (more := client.recv(65536)):
                line += more
            answer = json.loads(line)
        except (OSError, ValueError, RecursionError) as error:
            raise StoreBusyError(f"{path}: the recorder does not say how it is: nothing was changed") from error
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict):
        raise StoreBusyError(f"{path}: the recorder does not say how it is: nothing was changed")
    return result


def _start(*command: str, seconds: float = STEP_SECONDS) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        raise UnavailableError(f"{command[0]} is not installed")
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    environment["DEBIAN_FRONTEND"] = "noninteractive"
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
        env=environment,
        cwd="/",
    )


def _run(*command: str, check: bool = True) -> str:
    try:
        ended = _start(*command)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{Path(command[0]).name} did not end in time") from error
    if check and ended.returncode:
        raise UnavailableError(f"{Path(command[0]).name}: {_last_line(ended)}")
    return ended.stdout


def _recorder_has_a_user() -> bool:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("bodycam").pw_uid > 0
    return False


def _in_order(packages: list[Path]) -> list[Path]:
    """These packages, each that this system lacks behind what it needs first. apt says so, without a source of packages, and changes
    nothing: dpkg would unpack first and see then. Last come those that are there, which dpkg passes over where they are whole: of one that
    a cut left half unpacked apt says nothing. Raises `DataError` where they do not fit what is installed.
    """
    with tempfile.TemporaryDirectory(prefix="bodycamd-apt-") as empty:
        nothing = ("-o", "Dir::Etc::sourcelist=/dev/null", "-o", "Dir::Etc::sourceparts=/dev/null", "-o", f"Dir::State::lists={empty}")
        ended = _start(
            "apt-get", "install", "--simulate", "--fix-broken", "--no-download", "--no-install-recommends", *nothing, *map(str, packages)
        )
    steps = [line.split(maxsplit=2)[:2] for line in ended.stdout.split("\n") if line.startswith(("Inst ", "Remv "))]
    if ended.returncode or any(kind == "Remv" for kind, _ in steps):
        unmet = " ".join(ended.stdout.partition("unmet dependencies:")[2].split()) or _last_line(ended)
        gone = ", ".join(name for kind, name in steps if kind == "Remv")
        why = f"they would remove {gone}" if gone else unmet[:400]
        raise DataError(f"the bundle's Debian packages do not fit this image: {why}: build the bundle on this image (docs/install.md)")
    by_name = {path.name.partition("_")[0]: path for path in packages}
    missing = [by_name.pop(name.partition(":")[0]) for _, name in steps]
    return [*missing, *by_name.values()]


def _last_line(ended: subprocess.CompletedProcess[str]) -> str:
    said = [line for line in ended.stderr.split("\n") if line.strip()]
    return said[-1].strip()[:600] if said else f"exit code {ended.returncode}"
