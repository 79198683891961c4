"""The folder of a simulation: keys, the device as a camera would hold it, and the store.

    DIR/keys/identity.txt      the private age key (of the evidence officer; never on a camera), as age-keygen writes it
    DIR/keys/recipients.txt    its public half
    DIR/keys/device.pem        the public half of the camera's first signing key
    DIR/device/                what a camera holds: bodycamd.yaml, recipients.txt, signing/, the simulated board's files and sockets
    DIR/store/                 recordings/ and ledger/

Keys are made once and never replaced. The configuration is written at first use, and again whenever `--config` or `--source` is given.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import bodycamd
from bodycamd.config import load as configuration
from bodycamd.config.settings import Config
from bodycamd.config.strict_yaml import Value, read_strictly
from bodycamd.errors import ConfigError, NotFoundError, OutputError
from bodycamd.linux import durable
from bodycamd.linux.unnamed import UnnamedFile

PICTURE: dict[str, Value] = {"width": 1280, "height": 720, "frame_rate": 30, "bit_rate": 2_000_000}
PLACES: dict[str, Value] = {
    "simulation_directory": ".",
    "board": {"adapter": "simulated"},
    "speaker": {"output": "simulated", "device": None},
    "storage": {"directory": "../store"},
    "keys": {"recipients": "recipients.txt", "signing": "signing", "root": None, "roster": None},
    "control": {"socket": "control.sock"},
}
SHIPPED_WARNINGS = (
    Path(bodycamd.__file__).parent.parent / "config" / "warnings",
    Path(sys.prefix) / "share/bodycamd/warnings",
    Path("/etc/bodycamd/warnings"),
)
"""Of a checkout, of an installed package, of a camera."""


@dataclass(frozen=True, slots=True)
class SimulationFolder:
    """The folder's paths."""

    root: Path

    @property
    def device(self) -> Path:
        """What a camera holds."""
        return self.root / "device"

    @property
    def config(self) -> Path:
        """The camera's configuration."""
        return self.device / "bodycamd.yaml"

    @property
    def store(self) -> Path:
        """Recordings and ledger."""
        return self.root / "store"

    @property
    def keys(self) -> Path:
        """What lies with the evidence officer."""
        return self.root / "keys"

    @property
    def control_socket(self) -> Path:
        """Where the daemon listens."""
        return self.device / "control.sock"


def prepare(root: Path, policy: Path | None, source: str | None) -> tuple[SimulationFolder, Config]:
    """Make what is missing. Raises `ConfigError` for a wrong configuration, `OutputError` where the folder cannot be made."""
    folder = SimulationFolder(root.absolute())
    given = policy.absolute() if policy is not None else None
    written = folder.config.read_bytes() if folder.config.exists() else None
    if written is None or given is not None or source is not None:
        written = _configuration(given, source, folder)
    try:
        for path in (folder.keys, folder.device, folder.store / "recordings", folder.store / "ledger"):
            path.mkdir(parents=True, exist_ok=True)
        _make_keys(folder)
        _place_warning(folder, given)
        config = configuration.parse(written, folder.config)
        _write(folder.config, written, 0o644)
    except OSError as error:
        raise OutputError(f"{error.filename or root}: cannot be made: {error.strerror}; choose another --dir") from error
    configuration.check_files(config, folder.config)
    return folder, config


def _configuration(policy: Path | None, source: str | None, folder: SimulationFolder) -> bytes:
    """The simulated camera's configuration: the policy of the given one, simulated parts, places inside the folder."""
    import yaml

    values: dict[str, Value] = {"device_id": "simulated-01"}
    if policy is not None:
        configuration.load(policy)
        values = read_strictly(policy.read_bytes(), str(policy))
    given_video = _section(values, "video")
    given_microphone = _section(values, "microphone")
    values["video"] = {**PICTURE, **given_video, **_picture(source, given_video, policy)}
    if given_microphone.get("source", "alsa") == "alsa":
        values["microphone"] = {**given_microphone, "source": "tone", "device": None}
    elif policy is not None and given_microphone.get("file"):
        values["microphone"] = {**given_microphone, "file": str(policy.parent / str(given_microphone["file"]))}
    given_warning = _section(values, "warning")
    if given_warning.get("file"):
        values["warning"] = {**given_warning, "file": "warnings/own.wav"}
    _overlay(values, PLACES)
    head = "# A simulated camera: made by `bodycamd simulate`; edit it and run again without --config and --source.\n"
    return (head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=10_000)).encode()


def _picture(source: str | None, given: Mapping[str, Value], policy: Path | None) -> dict[str, Value]:
    if source is None:
        if given.get("source") == "file" and given.get("file") and policy is not None:
            return {"source": "file", "file": str(policy.parent / str(given["file"]))}
        return {"source": "pattern", "file": None}
    kind, _, path = source.partition(":")
    if source == "pattern":
        return {"source": "pattern", "file": None}
    if kind == "file" and path:
        film = Path(path).absolute()
        if not film.is_file():
            raise NotFoundError(f"{film}: there is no such film for --source")
        return {"source": "file", "file": str(film)}
    raise ConfigError(f"--source {source}: unknown; allowed: pattern, file:PATH")


def _section(values: Mapping[str, Value], key: str) -> dict[str, Value]:
    """A section that is given; empty where it is not."""
    section = values.get(key)
    return dict(section) if isinstance(section, dict) else {}


def _overlay(values: dict[str, Value], places: Mapping[str, Value]) -> None:
    for key, value in places.items():
        if isinstance(value, dict):
            section = _section(values, key)
            _overlay(section, value)
            values[key] = section
        else:
            values[key] = value


def _place_warning(folder: SimulationFolder, policy: Path | None) -> None:
    """Copy the WAVs that the configuration may name beside it, as on a camera."""
    target = folder.device / "warnings"
    target.mkdir(exist_ok=True)
    shipped = next((place for place in SHIPPED_WARNINGS if place.is_dir()), None)
    for wav in sorted(shipped.glob("*.wav")) if shipped is not None else ():
        if not (target / wav.name).exists():
            shutil.copyfile(wav, target / wav.name)
    if policy is not None:
        named = configuration.load(policy).warning_path
        own = _section(read_strictly(policy.read_bytes(), str(policy)), "warning").get("file")
        if own and not named.is_file():
            raise ConfigError(f"{policy}: warning.file: {named}: No such file; allowed: a WAV file, PCM 16 bit, 48 kHz, mono or stereo")
        if own:
            shutil.copyfile(named, target / "own.wav")


def _make_keys(folder: SimulationFolder) -> None:
    identity = folder.keys / "identity.txt"
    if not identity.exists():
        from bodycamd.linux.age_library import pyrage

        key = pyrage.x25519.Identity.generate()
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        _write(folder.keys / "recipients.txt", f"{key.to_public()}\n".encode(), 0o644)
        _write(identity, f"# created: {created}\n# public key: {key.to_public()}\n{key}\n".encode(), 0o600)
    if not (folder.device / "recipients.txt").exists():
        shutil.copyfile(folder.keys / "recipients.txt", folder.device / "recipients.txt")
    if not (folder.keys / "device.pem").exists():
        from bodycamd.evidence.keys import provision

        _write(folder.keys / "device.pem", provision(folder.device / "signing"), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all."""
    with UnnamedFile(path.parent, path.name) as file:
        os.fchmod(file.descriptor, mode)
        durable.write_all(file.descriptor, (content,))
        file.sync()
        file.link(path, replace=True)
