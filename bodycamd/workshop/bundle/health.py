"""Whether a version that was just unpacked may come into use: run by its own Python, as the recorder's user, before anything is switched.

`python -m bodycamd.workshop.bundle.health --folder /opt/bodycamd/0.2.0` ends with 0 and the keys of the configuration
that this version reads otherwise than they are written (`config.migrations`), or with one line on stderr and the exit code of what
is wrong: 78 with the key where this version refuses the camera's configuration. Nothing of the camera is touched; the recording is thrown
away. The configuration alone, by the same code, is judged before anything is made: `--configuration FILE`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bodycamd.camera import named_files
from bodycamd.config import load as configuration
from bodycamd.config.migrations import SplitKey
from bodycamd.config.paths import DEFAULT_CONFIG
from bodycamd.config.private_keys import WHAT_TO_DO, line_of_private_key
from bodycamd.config.settings import Config
from bodycamd.errors import BodycamError, ConfigError, DataError, UnavailableError
from bodycamd.foreign_text import shown
from bodycamd.linux import missing_package
from bodycamd.linux.python import python_command

MODULES = (
    "bodycamd.camera.daemon.__main__",
    "bodycamd.camera.capture.worker.main",
    "bodycamd.camera.board.voice.process",
    "bodycamd.camera.board.lamp_off",
    "bodycamd.camera.sensors.__main__",
    "bodycamd.cli.main",
)
ON_A_PI = "bodycamd.camera.board.pi"
WITH_A_CAMERA = ("bodycamd.camera.capture.sources.picamera", "picamera2")
FRAGMENTS = 2
RECORD_SECONDS = 180.0
SMALL_PICTURE = """\
device_id: trial-01
video: { source: pattern, width: 320, height: 240, frame_rate: 10, bit_rate: 400000 }
"""
"""What the slowest board encodes in time without its hardware encoder, beside a recorder that goes on: this is no test of speed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out the check."""
    parser = argparse.ArgumentParser(description="Is this version fit for this camera?")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--folder", type=Path, help="the version: /opt/bodycamd/VERSION")
    what.add_argument("--configuration", type=Path, help="judge this configuration before anything is made, and nothing else")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    given = parser.parse_args(argv)
    try:
        if given.configuration is not None:
            check_configuration(given.configuration, prepared=False)
            return 0
        config, read_otherwise = check_configuration(given.config)
        check_modules(config)
        check_units(given.folder)
        check_recording()
    except BodycamError as error:
        print(shown(f"bodycamd: {error}", 4096), file=sys.stderr)  # noqa: T201 - to the installer
        return error.exit_code
    print(", ".join(key.named for key in read_otherwise))  # noqa: T201 - to the installer
    return 0


def check_configuration(path: Path, *, prepared: bool = True) -> tuple[Config, tuple[SplitKey, ...]]:
    """The camera's own configuration, as this version's recorder reads it, and the keys that it reads otherwise than written. Raises
    `ConfigError` with the key; also for a private key in any file beside it, in a comment too: it would open what the camera must not be
    able to open.

    Nothing is said of what is yet to come: where there are no recipients they are for the technician's next step, and without them no
    recorder starts; and unless `prepared`, the installer has still to lay the shipped warnings beside it, and to make the camera's folders.
    """
    config, read_otherwise = configuration.load_migrated(path)
    if config.keys.root is not None:  # else no order counts; and fewer wheels need be unpacked
        from bodycamd.camera.keeping import ordered_settings

        config = ordered_settings.in_force(config, path)
    for file in sorted(path.parent.rglob("*")):
        if file.is_file() and os.access(file, os.R_OK) and (line := line_of_private_key(file.read_bytes())) is not None:
            raise ConfigError(f"{file}: line {line}: {WHAT_TO_DO}")
    to_come = {"keys.recipients": Path(config.keys.recipients)}
    if not prepared and config.warning_path == path.absolute().parent / f"warnings/{config.warning.language}.wav":
        to_come["warning.file"] = config.warning_path
    if not prepared and config.simulation_directory is not None:
        to_come["simulation_directory"] = Path(config.simulation_directory)
    for problem in named_files.problems(config):
        if problem.key not in to_come or os.path.lexists(to_come[problem.key]):
            raise ConfigError(problem.text(shown(path, 4096)))
    return config, read_otherwise


def check_modules(config: Config) -> None:
    """Everything that the camera's processes load can be loaded. Raises `UnavailableError`."""
    wanted = [*MODULES]
    if config.board.adapter == "pi":
        wanted.append(ON_A_PI)
    if config.video.source == "picamera2":
        wanted += WITH_A_CAMERA
    for module in wanted:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise missing_package.as_error(error, "run") or UnavailableError(f"{module}: {shown(error)}") from error
        except ImportError as error:
            raise UnavailableError(f"{module}: cannot be loaded: {shown(error)}") from error


def check_units(folder: Path) -> None:
    """systemd understands the version's units without a message; `systemd-analyze verify` ends with 0 for unknown keys too. Raises
    `DataError`, `UnavailableError`."""
    shipped = folder / "share/bodycamd/systemd"
    units = sorted(path for path in shipped.iterdir() if path.suffix in (".service", ".timer", ".socket"))
    if not units:
        raise DataError(f"{shipped}: no units")
    with tempfile.TemporaryDirectory(prefix="bodycamd-units-") as made:
        for unit in units:
            text = unit.read_text(encoding="utf-8").replace("/opt/bodycamd/current", str(folder))
            Path(made, unit.name).write_text(text, encoding="utf-8")
        command = ["systemd-analyze", "verify", "--man=no", *(str(Path(made, unit.name)) for unit in units)]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnavailableError(f"systemd-analyze: {shown(error)}") from error
    if ended.returncode or ended.stderr.strip():
        raise DataError(f"systemd does not understand a unit: {shown(ended.stderr.strip(), 400)}")


def check_recording() -> None:
    """The recorder, its capture worker and the seal, once, on a simulated board: press, record, stop; then every segment is opened with a
    throw-away identity. Raises `UnavailableError`, `DataError`."""
    from bodycamd.camera.board.simulated import SimulatedHand
    from bodycamd.camera.control.events import FragmentDurable
    from bodycamd.workshop.simulation.folder import prepare
    from bodycamd.workshop.simulation.process import SimulatedCamera

    with tempfile.TemporaryDirectory(prefix="bodycamd-health-") as made:
        (policy := Path(made, "trial.yaml")).write_text(SMALL_PICTURE, encoding="utf-8")
        folder, _ = prepare(Path(made, "camera"), policy, None)
        with SimulatedCamera(folder) as camera:
            camera.wait_until_ready()
            hand = SimulatedHand(folder.device)
            hand.down()
            hand.up()
            durable, end = 0, time.monotonic() + RECORD_SECONDS
            while durable < FRAGMENTS:
                if camera.exit_code is not None or time.monotonic() > end:
                    raise UnavailableError(f"the trial recording came to {durable} fragments: {camera.last_words()}")
                time.sleep(0.1)
                durable += sum(isinstance(event, FragmentDurable) for event in camera.events())
            if (code := camera.stop()) != 0:
                raise UnavailableError(f"the recorder ended its trial recording with exit code {code}: {camera.last_words()}")
        _check_store(folder.store, folder.keys / "identity.txt")


def _check_store(store: Path, identity: Path) -> None:
    """What was recorded is listed as closed, and what it holds can be decrypted."""
    ended = subprocess.run(
        python_command("bodycamd.cli.main", "recordings", "list", "--store", str(store), "--json"),
        capture_output=True,
        check=False,
        timeout=60,
    )
    try:
        states = [recording["state"] for recording in json.loads(ended.stdout)]
    except (ValueError, TypeError, KeyError) as error:
        raise DataError("the trial recording is not listed") from error
    if ended.returncode or len(states) != 1 or ended.stderr.strip():
        raise DataError(f"the trial recording is not whole: {shown(ended.stderr.decode(errors='replace'), 400)}")
    from bodycamd.evidence.segment_reader import SegmentReader, read_age
    from bodycamd.linux.age_library import pyrage

    key = pyrage.x25519.Identity.from_str(identity.read_text().split("\n")[-2])
    for segment in sorted((store / "recordings").glob("*/*.tar")):
        with segment.open("rb") as scanned, segment.open("rb") as read:
            opened = [len(pyrage.decrypt(read_age(read, triple), [key])) for triple in SegmentReader(scanned, segment.name)]
        if not opened or not all(opened):
            raise DataError(f"{segment.name} of the trial recording holds nothing")


if __name__ == "__main__":
    sys.exit(main())
