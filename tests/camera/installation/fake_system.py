"""A machine around the versions for tests: its recorder is a line in memory, its environments are a few files, its faults are chosen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from bodycamd.camera.installation.decision import Camera, Machine
from bodycamd.camera.installation.installed import installed_in
from bodycamd.config.load import load_migrated
from bodycamd.config.migrations import BEFORE, migrate, rewritten
from bodycamd.errors import BodycamError, ConfigError
from bodycamd.linux import durable

DOCKED = Camera("standby", True)
CONFIGURATION = "bodycamd.yaml"
OLD_FORM = b"device_id: cam-7\nboard:\n  battery:\n    supply: BAT0  # of the kernel\n"


@dataclass
class FakeSystem:
    """`strict` names versions that refuse the configuration, `sick` those whose health check fails, `dead` those whose recorder does not
    become ready. `heard` is what was asked, in order; `running` the version whose recorder runs, empty where none does."""

    folder: Path
    strict: set[str] = field(default_factory=set)
    sick: dict[str, BodycamError] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    cameras: list[Camera] = field(default_factory=list)
    """What the recorder says, one after the other; then `DOCKED`."""
    python: str = "3.11"
    free_bytes: int = 1 << 40
    heard: list[str] = field(default_factory=list)
    running: str = ""

    def machine(self) -> Machine:
        return Machine("x86_64", self.python, self.free_bytes)

    def camera(self) -> Camera:
        return self.cameras.pop(0) if self.cameras else DOCKED

    def install_debian(self, packages: list[Path]) -> None:
        self.heard.append(f"debian {len(packages)}")

    def check_configuration(self, wheels: Path) -> None:
        version = wheels.parents[1].name
        self.heard.append(f"configuration {version}")
        if version in self.strict:
            raise ConfigError("line 3: gestures.hold: unknown key")

    def make_environment(self, folder: Path, wheels: list[Path]) -> None:
        """Not durable: as programs leave it."""
        self.heard.append(f"environment {folder.name}")
        (folder / "bin").mkdir()
        for name, content in program_of(folder.name, [wheel.name for wheel in wheels]).items():
            descriptor = durable.open_new(folder / name, 0o755)
            durable.write_all(descriptor, (content,))
            os.close(descriptor)

    def check_health(self, folder: Path) -> str:
        self.heard.append(f"health {folder.name}")
        if folder.name in self.sick:
            raise self.sick[folder.name]
        return read_otherwise(self.folder, folder.name)

    def migrate_configuration(self, folder: Path) -> None:
        self.heard.append(f"migrate {folder.name}")
        migrate(self.folder / CONFIGURATION, (self.folder / CONFIGURATION).read_bytes())

    def restore_configuration(self, folder: Path) -> bool:
        file, before = self.folder / CONFIGURATION, self.folder / (CONFIGURATION + BEFORE)
        restored = before.exists() and rewritten(before.read_bytes())[0] == file.read_bytes()
        if restored:
            durable.replace(file, before.read_bytes())
        return restored

    def prepare(self, folder: Path) -> None:
        pass

    def stop(self) -> None:
        self.heard.append("stop")
        self.running = ""

    def start(self) -> None:
        self.running = os.readlink(self.folder / "current")
        self.heard.append(f"start {self.running}")

    def becomes_ready(self, bundle: str) -> bool:
        found = installed_in(self.folder / self.running)
        assert found is not None
        assert found.bundle == bundle
        return self.running not in self.dead


def read_otherwise(folder: Path, version: str) -> str:
    """What a version reads otherwise in the configuration, where there is one: before 0.3.0 `gauge` is unknown."""
    file = folder / CONFIGURATION
    if not file.exists():
        return ""
    if version >= "0.3.0":
        return load_migrated(file)[1][0].named if file.read_bytes() == OLD_FORM else ""
    if file.read_bytes() != OLD_FORM:
        raise ConfigError("line 4: board.battery.gauge: unknown key")
    return ""


def program_of(version: str, wheels: list[str]) -> dict[str, bytes]:
    """What an environment of this version holds."""
    return {"bin/python": b"#!" + version.encode() * 300, "bin/wheels": "\n".join(wheels).encode()}


def starts(folder: Path, wheels: list[str]) -> str:
    """The version that a camera with this folder starts; raises `AssertionError` where that version is not whole, `ConfigError` where it
    refuses the configuration."""
    version = os.readlink(folder / "current")
    assert "/" not in version
    found = installed_in(folder / version)
    assert found is not None, f"{version} in use is not whole"
    assert found.version == version
    for name, content in program_of(version, wheels).items():
        assert (folder / version / name).read_bytes() == content, f"{version}/{name} is torn"
    read_otherwise(folder, version)
    return version
