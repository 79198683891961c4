"""A configuration is judged by one code: `config check`, the check before an installation, and that of the version that was made."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from bodycamd.camera.installation import linux_system
from bodycamd.camera.installation.linux_system import LinuxSystem
from bodycamd.camera.keeping import ordered_settings
from bodycamd.cli.main import main
from bodycamd.config.load import load
from bodycamd.errors import ConfigError
from bodycamd.workshop.bundle import health
from bodycamd.workshop.bundle.packages import stored_zip
from tests.camera.keeping.configured_camera import ConfiguredCamera
from tests.kit.bundles import wheel
from tests.kit.scale import one_in, only_in_full

ROOT = Path(__file__).parents[3]
CONFIGURATION = """\
device_id: cam-7
simulation_directory: .
storage: {{ directory: store }}
keys: {{ recipients: recipients.txt, signing: device }}
control: {{ socket: control.sock }}
video: {{ source: {video}, file: {film} }}
microphone: {{ source: {sound}, file: {wav} }}
speaker: {{ output: simulated }}
board: {{ adapter: simulated, card_reader: {reader} }}
shift: {{ cards: {cards}, salt: "00112233445566778899aabbccddeeff" }}
"""
TAKEN = {"video": "pattern", "film": "null", "sound": "tone", "wav": "null", "reader": "none", "cards": "null"}
WRONG: Mapping[str, Mapping[str, str]] = {
    "video.file": {"video": "file", "film": "gone.h264"},
    "microphone.file": {"sound": "file", "wav": "gone.wav"},
    "shift.cards": {"reader": "pcsc", "cards": "gone.txt"},
    "warning.file": {},
    "keys.recipients": {},
}
"""Of every file that a configuration may name: the values that name one that is not there, by its key."""


def camera(folder: Path, wrong: str = "", recipients: bool = True) -> Path:
    """A camera's folder with a configuration of which one file is missing, or none."""
    (folder / "warnings").mkdir()
    if wrong != "warning.file":
        shutil.copy(ROOT / "config/warnings/nl.wav", folder / "warnings")
    if recipients:
        subprocess.run(["age-keygen", "-o", folder.parent / "identity.txt"], check=True, capture_output=True)
        public = subprocess.run(["age-keygen", "-y", folder.parent / "identity.txt"], check=True, capture_output=True).stdout
        (folder / "recipients.txt").write_bytes(b"age1no\n" if wrong == "keys.recipients" else public)
    (file := folder / "bodycamd.yaml").write_text(CONFIGURATION.format(**{**TAKEN, **WRONG.get(wrong, {})}))
    return file


def test_settings_by_order_are_judged_with_the_file(tmp_path: Path) -> None:
    """A version with other bounds must not come into use: its recorder would not start."""
    ordered = ConfiguredCamera(tmp_path)
    load(ordered.file)
    ordered_settings.write(
        ordered.folder, "in-force.json", ordered_settings.kept([ordered.ordering({"gestures.hold_seconds": 99.0}, base="ab" * 32)])
    )
    with pytest.raises(ConfigError, match=r"gestures\.hold_seconds: .*, as an order set it"):
        health.check_configuration(ordered.file)


@only_in_full
@pytest.mark.parametrize(
    ("seconds", "said"), [(2.5, "that counts over this file"), (99.0, "with what orders have set, the recorder does not start")]
)
def test_config_check_tells_what_orders_have_set(tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: float, said: str) -> None:
    ordered = ConfiguredCamera(tmp_path)
    load(ordered.file)
    main(["config", "check", str(ordered.file)])
    assert "order" not in capsys.readouterr().err
    change = ordered.ordering({"gestures.hold_seconds": seconds}, base="ab" * 32)
    ordered_settings.write(ordered.folder, "in-force.json", ordered_settings.kept([change]))
    assert main(["config", "check", str(ordered.file)]) == 78, "its recipients are nobody's"
    told = capsys.readouterr().err
    assert "an order has set gestures.hold_seconds" in told
    assert said in told


@one_in(6)
@pytest.mark.parametrize("recipients", [True, False])
@pytest.mark.parametrize("wrong", ["", *WRONG])
def test_the_check_of_an_installation_is_that_of_config_check(
    tmp_path: Path, wrong: str, recipients: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder := tmp_path / "etc").mkdir()
    file = camera(folder, wrong, recipients)
    to_come = {"warning.file", *(() if recipients else ("keys.recipients",))}
    told_of = {wrong} - {"", *to_come}
    assert health.main(["--configuration", str(file)]) == (78 if told_of else 0)
    said = capsys.readouterr().err
    assert all(key in said for key in told_of)
    missing = {wrong} - {""} | (to_come if not recipients else set()) - {"warning.file"}
    assert main(["config", "check", str(file)]) == (78 if missing else 0)
    said = capsys.readouterr().err
    assert all(key in said for key in missing)


def test_a_warning_of_the_municipality_must_be_there_before_an_installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped ones the installer lays itself; once it has, they must be there too."""
    (folder := tmp_path / "etc").mkdir()
    file = camera(folder, "warning.file")
    assert health.main(["--configuration", str(file)]) == 0
    assert health.main(["--folder", str(tmp_path), "--config", str(file)]) == 78
    file.write_text(file.read_text() + "warning: { file: ours.wav }\n")
    assert health.main(["--configuration", str(file)]) == 78
    assert capsys.readouterr().err.count("warning.file: ") == 2


def test_a_configuration_is_judged_out_of_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a version that is not installed: another `bodycamd` than the one that runs here, with a package of its own."""
    (wheels := tmp_path / "0.3.0/bundle/wheels").mkdir(parents=True)
    code = "import sys, tiny\nif sys.argv[1:] != ['--configuration', tiny.CONFIGURATION]:\n    sys.exit(1)\n"
    code += "print(f'bodycamd: {tiny.CONFIGURATION}: line 3: gestures.hold: unknown key', file=sys.stderr)\nsys.exit(78)\n"
    parts = {f"bodycamd/{name}__init__.py": b"" for name in ("", "workshop/", "workshop/bundle/")}
    (wheels / "bodycamd-0.3.0-py3-none-any.whl").write_bytes(stored_zip({**parts, "bodycamd/workshop/bundle/health.py": code.encode()}))
    name, content = wheel("tiny", "1.0", f"CONFIGURATION = {str(tmp_path / 'etc/bodycamd.yaml')!r}\n")
    (wheels / name).write_bytes(content)
    (wheels / "huge-1.0-py3-none-any.whl").write_bytes(stored_zip({"huge.py": b"raise AssertionError('nobody asked for it')"}))
    monkeypatch.setattr(linux_system, "CONFIGURATION", tmp_path / "etc")
    LinuxSystem(tmp_path).check_configuration(wheels)  # there is none yet: the bundle brings its own
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/bodycamd.yaml").write_text("device_id: cam-7\n")
    monkeypatch.setattr(linux_system, "_recorder_has_a_user", lambda: False)
    with pytest.raises(ConfigError, match=r"0\.3\.0 does not come into use, and what runs was not touched: .*gestures\.hold: unknown key"):
        LinuxSystem(tmp_path).check_configuration(wheels)


def test_the_health_check_takes_what_config_check_takes(tmp_path: Path) -> None:
    (folder := tmp_path / "etc").mkdir()
    file = camera(folder)
    assert health.check_configuration(file) == (load(file), ())
