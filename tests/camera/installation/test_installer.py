"""The installer as a person meets it: one line for each refusal, and the recorder's word before anything is changed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest

from bodycamd.camera.installation import commands, linux_system
from bodycamd.camera.installation.__main__ import main
from bodycamd.camera.installation.decision import Camera
from bodycamd.camera.installation.linux_system import LinuxSystem, ask_status
from bodycamd.errors import ConfigError, DataError, PermissionDeniedError, StoreBusyError, UnavailableError
from bodycamd.workshop.bundle import health
from bodycamd.workshop.bundle.build import _installer
from tests.kit.bundles import Release
from tests.kit.camera import Camera as WholeCamera
from tests.kit.scale import only_in_full

ROOT = Path(__file__).parents[3]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every path of a camera, in a folder."""
    monkeypatch.setattr(commands, "FOLDER", tmp_path / "opt/bodycamd")
    monkeypatch.setattr(commands, "STATE", tmp_path / "var/lib/bodycamd")
    monkeypatch.setattr(commands, "COPIES", tmp_path / "var/lib/bodycamd-update")
    monkeypatch.setattr(commands, "RELEASE_KEYS", tmp_path / "etc/bodycamd/release.pem")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "etc/bodycamd").mkdir(parents=True)
    return tmp_path


def answering(path: Path, line: bytes) -> threading.Thread:
    """A recorder that says one thing."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        with server, server.accept()[0] as client:
            client.recv(4096)
            client.sendall(line)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_where_no_recorder_listens_nobody_is_asked(tmp_path: Path) -> None:
    assert ask_status(tmp_path / "none.sock") is None


@pytest.mark.parametrize("line", [b"", b"x\n", b"[]\n", b'{"ok":false,"error":"no"}\n', b'{"ok":true,"result":[]}\n'])
def test_a_recorder_that_does_not_say_how_it_is_counts_as_busy(tmp_path: Path, line: bytes) -> None:
    thread = answering(tmp_path / "s", line)
    with pytest.raises(StoreBusyError, match="does not say how it is"):
        ask_status(tmp_path / "s")
    thread.join()


@only_in_full
def test_a_real_recorder_says_that_it_records_and_then_that_it_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WholeCamera(tmp_path) as camera:
        camera.wait_state("standby")
        monkeypatch.setattr(linux_system, "ask_status", lambda: ask_status(camera.device / "control.sock"))
        assert LinuxSystem(tmp_path).camera() == Camera("standby", None)
        camera.tap_twice()
        camera.wait_state("recording")
        assert LinuxSystem(tmp_path).camera().state == "recording"


def test_only_root_changes_what_a_camera_runs(machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for command in (["install", "x"], ["rollback"], ["remove"], ["settle"]):
        assert main(command) == PermissionDeniedError.exit_code
        assert capsys.readouterr().err == "install: only root changes what a camera runs: sudo\n"


def test_without_a_release_key_nothing_is_taken(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", str(Release(machine).bundle())]) == 66
    assert "without one no bundle is accepted" in capsys.readouterr().err


def test_the_release_keys_of_a_camera_are_not_changed_along_the_way(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, stranger = Release(machine), Release(machine)
    commands.RELEASE_KEYS.write_bytes(mine.public.read_bytes())
    assert main(["install", str(stranger.bundle()), "--release-key", str(stranger.public)]) == PermissionDeniedError.exit_code
    assert "other release keys" in capsys.readouterr().err
    assert commands.RELEASE_KEYS.read_bytes() == mine.public.read_bytes()


def test_a_hostile_name_is_one_line(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "a\n\x1b[2J\u202e.bundle", "--release-key", str(Release(machine).public)]) == 66
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.isascii()
    assert "\x1b" not in said


def test_two_installers_do_not_work_at_once(machine: Path) -> None:
    with linux_system.alone(commands.FOLDER), pytest.raises(StoreBusyError, match="another installer"):
        commands.rollback(docked=True)


@pytest.mark.parametrize("command", [["install", "none.bundle"], ["rollback"], ["remove"]])
def test_a_copy_that_a_cut_update_left_goes_with_whatever_comes_next(machine: Path, command: list[str]) -> None:
    commands.COPIES.mkdir(parents=True)
    left = commands.COPIES / f"{'ab' * 32}.bundle"
    left.write_bytes(b"half of it")
    with linux_system.alone(commands.FOLDER):
        assert main(command) == StoreBusyError.exit_code
    assert left.exists(), "it is the other one's"
    main(command)
    assert not left.exists()


def test_a_copy_that_cannot_be_removed_stops_nothing(machine: Path, caplog: pytest.LogCaptureFixture) -> None:
    (commands.COPIES / "folder").mkdir(parents=True)
    with commands.at_work():
        assert "stays" in caplog.text


def test_at_boot_without_a_change_nothing_happens(machine: Path) -> None:
    assert commands.settle_at_boot() == "no change was under way"


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (78, "bodycamd: /etc/x.yaml: line 3: gestures.hold: unknown key", ConfigError),
        (69, "av: cannot be loaded", UnavailableError),
        (1, "", UnavailableError),
    ],
)
def test_an_unhealthy_version_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str, kind: type[Exception]
) -> None:
    def ended(*command: str, seconds: float) -> subprocess.CompletedProcess[str]:
        assert str(tmp_path / "0.3.0/bin/python") in command
        return subprocess.CompletedProcess(command, code, "", said)

    monkeypatch.setattr(linux_system, "_start", ended)
    with pytest.raises(kind, match="what runs was not touched: " + (said.removeprefix("bodycamd: ") or "exit code 1")):
        LinuxSystem(tmp_path).check_health(tmp_path / "0.3.0")


def test_the_first_boot_that_installs_is_not_stopped_by_its_own_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"unit={linux_system.FIRST_BOOT}\n" in (ROOT / "bodycamd/workshop/fleet/first-boot.sh").read_text()
    for unit in ("bodycamd.service", "bodycamd-sensors.service", "bodycamd-control.socket", linux_system.FIRST_BOOT, "other.service"):
        (tmp_path / unit).touch()
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(linux_system, "UNITS", tmp_path)
    monkeypatch.setattr(linux_system, "runs_systemd", lambda: True)
    monkeypatch.setattr(linux_system, "_run", lambda *command, check: ran.append(command))
    LinuxSystem(tmp_path).stop()
    assert ran == [("systemctl", "stop", "bodycamd-control.socket", "bodycamd-sensors.service", "bodycamd.service")]


def test_a_recorder_that_ends_again_and_again_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipients.txt").touch()
    restarts = iter(range(100))
    monkeypatch.setattr(linux_system, "CONFIGURATION", tmp_path)
    monkeypatch.setattr(linux_system, "runs_systemd", lambda: True)
    monkeypatch.setattr(linux_system, "ask_status", lambda: None)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(linux_system, "_run", lambda *command, check: f"{next(restarts)}\n")
    assert not LinuxSystem(tmp_path).becomes_ready("ab" * 32)
    assert next(restarts) == linux_system.MOST_STARTS + 1, "what ends a few times and comes up then is a recorder that becomes ready"


def test_a_bundle_without_an_installer_of_wheels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold what puts its wheels in place"):
        LinuxSystem(tmp_path).make_environment(tmp_path / "0.3.0", [tmp_path / "tiny-1.0.whl"])


@only_in_full
def test_what_is_not_compiled_is_loaded_by_no_process_of_a_camera() -> None:
    loaded = f"""import importlib, sys
for name in {(*health.MODULES, "bodycamd.workshop.bundle.health", "bodycamd.cli.simulate_by_hand")!r}:
    importlib.import_module(name)
try:
    sys.modules["bodycamd.cli.main"].main(["--help"])
except SystemExit:
    pass
print(*(module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)), sep="\\n")"""
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.splitlines()
    files = [line for line in said if line.endswith(".py")]
    assert any("/pygments/lexers/" in file for file in files), "the help loads some of it"
    assert [file for file in files if re.search(linux_system.NOT_COMPILED, file)] == []
    packages = next(Path(file).parents[1] for file in files if file.endswith("/pygments/__init__.py"))
    for name in ("setuptools", "pygments"):
        there = [str(path) for path in (packages / name).rglob("*.py")]
        assert sum(bool(re.search(linux_system.NOT_COMPILED, path)) for path in there) > len(there) / 2, name


@pytest.mark.parametrize(
    ("listed", "refused"),
    [
        (b'[{"recording":"000001-0001","held_for":[]}]', ""),
        (b"[]", ""),
        (b'[{"recording":"000001-0001","held_for":["complaint"]}]', "1 recordings are held"),
        (b"not json", "cannot be told"),
        (b'[{"recording":"000001-0001"}]', "cannot be told"),
    ],
)
def test_footage_goes_only_while_nothing_is_held(machine: Path, monkeypatch: pytest.MonkeyPatch, listed: bytes, refused: str) -> None:
    (commands.FOLDER / "0.2.0").mkdir(parents=True)
    (commands.FOLDER / "current").symlink_to("0.2.0")
    (commands.STATE / "store").mkdir(parents=True)
    (commands.STATE / "signing").mkdir()
    (commands.STATE / "signing/000001.key").write_bytes(b"secret")
    for name in ("UNITS", "WATCHDOG", "POLKIT", "COMMAND", "COMPLETION"):
        monkeypatch.setattr(commands, name, machine / name.lower())
    (machine / "units").mkdir()
    monkeypatch.setattr(linux_system, "ask_status", lambda: None)
    monkeypatch.setattr(linux_system, "runs_systemd", lambda: False)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess([], 0, listed, b""))
    if refused:
        with pytest.raises(PermissionDeniedError, match=refused):
            commands.remove(footage=True)
        assert (commands.STATE / "signing/000001.key").exists()
        assert (commands.FOLDER / "0.2.0").exists()
    commands.remove(footage=False)
    assert not commands.FOLDER.exists()
    assert commands.STATE.exists(), "recordings stay unless told"
    if not refused:
        (commands.FOLDER / "0.2.0").mkdir(parents=True)
        (commands.FOLDER / "current").symlink_to("0.2.0")
        commands.remove(footage=True)
        assert not commands.STATE.exists()


@only_in_full
def test_the_installer_runs_on_plain_python(tmp_path: Path) -> None:
    """As on a new camera: no package of ours, nothing of this environment."""
    (tmp_path / "install.pyz").write_bytes(_installer(ROOT))
    base = Path(sys.base_prefix) / "bin/python3"
    for arguments, code in ((["--help"], 0), (["install", str(tmp_path / "none.bundle")], 66 if os.geteuid() == 0 else 77)):
        ended = subprocess.run([base, "-I", "-S", tmp_path / "install.pyz", *arguments], capture_output=True, text=True, check=False)
        assert (ended.returncode, "Traceback" in ended.stderr) == (code, False), ended.stderr


def test_a_camera_gets_the_units_of_a_camera_and_no_others() -> None:
    """All that the package ships is linked and enabled: what starts another program than the version in use is not among it."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["data-files"]["share/bodycamd/systemd"]
    shipped = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert len(shipped) >= 12
    for path in shipped:
        assert path.is_file(), path
        for line in path.read_text("utf-8").splitlines():
            assert not line.startswith("Exec") or "python" not in line or "/opt/bodycamd/current/" in line, f"{path.name}: {line}"


@only_in_full
def test_this_version_passes_its_own_health_check(tmp_path: Path) -> None:
    from bodycamd.workshop.bundle import health

    (tmp_path / "share/bodycamd").mkdir(parents=True)
    (tmp_path / "share/bodycamd/systemd").symlink_to(ROOT / "systemd")
    (tmp_path / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / "warnings").symlink_to(ROOT / "config/warnings")
    (config := tmp_path / "bodycamd.yaml").write_text(
        "device_id: cam-7\nboard:\n  adapter: simulated\nvideo:\n  source: pattern\nsimulation_directory: .\n"
    )
    assert health.main(["--folder", str(tmp_path), "--config", str(config)]) == 0
    config.write_text("device_id: cam-7\ngestures:\n  hold: 3\n")
    assert health.main(["--folder", str(tmp_path), "--config", str(config)]) == 78


def test_what_an_unhealthy_version_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bodycamd.workshop.bundle import health

    (tmp_path / "warnings").symlink_to(ROOT / "config/warnings")
    (config := tmp_path / "bodycamd.yaml").write_text("device_id: cam-7\ngestures:\n  hold: 3\n")
    assert health.main(["--folder", str(tmp_path), "--config", str(config)]) == 78
    assert "line 3: gestures.hold: unknown key" in capsys.readouterr().err
    config.write_text("device_id: cam-7\n")
    (note := tmp_path / "note.txt").write_text("# kept here for safety\nAGE-SECRET-" + "KEY-1" + "Q" * 58 + "\n")
    assert health.main(["--folder", str(tmp_path), "--config", str(config)]) == 78
    assert "note.txt: line 2" in capsys.readouterr().err
    note.unlink()
    config.write_text("device_id: cam-7\nvideo:\n  source: pattern\nboard:\n  adapter: simulated\nsimulation_directory: .\n")
    monkeypatch.setitem(sys.modules, "bodycamd.camera.sensors.__main__", None)
    assert health.main(["--folder", str(tmp_path), "--config", str(config)]) == 69
    assert "bodycamd.camera.sensors.__main__" in capsys.readouterr().err
    (units := tmp_path / "share/bodycamd/systemd").mkdir(parents=True)
    with pytest.raises(DataError, match="no units"):
        health.check_units(tmp_path)
    (units / "bodycamd.service").write_text("[Service]\nExecStart=/bin/true\nNoSuchKey=yes\n")
    with pytest.raises(DataError, match="NoSuchKey"):
        health.check_units(tmp_path)
