"""Whose clock a command prints by: the same for every command that prints times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bodycamd.cli import place as places
from bodycamd.cli.main import main
from bodycamd.municipality.words import times
from tests.cli.test_hostile_text import COMMANDS
from tests.cli.test_place import asked
from tests.cli.test_place import machine as machine
from tests.kit.resting_camera import RestingCamera
from tests.kit.scale import only_in_full, sample

WITH_A_ZONE = sorted(name for name, command in COMMANDS.items() if any("--timezone" in p.opts for p in command.params))
AT_A_DESK = [name for name in WITH_A_ZONE if name.startswith(("order ", "station help "))]
"""People sign there; no camera's configuration is at hand."""
CLI = Path(places.__file__).parent
ASIDE = {"sweep": ["--dry-run"]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    camera = RestingCamera(tmp_path_factory.mktemp("camera"))
    camera.switch_on()
    camera.record()
    camera.store.close()
    return camera.store_folder


@pytest.fixture
def zones(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The time zone of every clock that a command takes."""
    taken: list[str] = []

    def noted(zone: ZoneInfo) -> times.LocalTime:
        taken.append(str(zone))
        return LOCAL_TIME(zone)

    monkeypatch.setattr(times, "LocalTime", noted)
    return taken


LOCAL_TIME = times.LocalTime


def test_every_command_that_prints_times_has_the_option() -> None:
    printing = {path.name for path in CLI.glob("*.py") if "local_time(" in path.read_text() and path.name != "local_time.py"}
    assert printing == {COMMANDS[name].callback.__module__.rpartition(".")[2] + ".py" for name in WITH_A_ZONE}
    assert not [path for path in CLI.glob("*.py") if "LocalTime(" in path.read_text() and path.name != "local_time.py"]
    assert [name for name in WITH_A_ZONE if not any("--config" in p.opts for p in COMMANDS[name].params)] == AT_A_DESK


@only_in_full
@pytest.mark.parametrize("name", sample([name for name in WITH_A_ZONE if name not in AT_A_DESK], 3))
def test_the_configuration_that_the_command_uses_says_whose_clock(
    name: str, store: Path, zones: list[str], tmp_path: Path, machine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command itself need not succeed: nobody listens, and nothing was deleted."""
    line = [*asked(name, tmp_path), *ASIDE.get(name, [])]

    def configured(path: Path, zone: str) -> Path:
        path.write_text(f"device_id: cam-7\ntimezone: {zone}\nstorage: {{directory: {store}}}\ncontrol: {{socket: {tmp_path / 'none'}}}\n")
        return path

    mine = configured(tmp_path / "mine.yaml", "America/New_York")
    configured(tmp_path / "etc.yaml", "Pacific/Kiritimati")
    main([*line, "--config", str(mine)])
    assert zones == ["America/New_York"]
    main([*line, "--config", str(mine), "--timezone", "UTC"])
    assert zones == ["America/New_York", "UTC"]
    main(line)
    assert zones[2:] == ["Pacific/Kiritimati"], "that of this machine"
    (tmp_path / "etc.yaml").unlink()
    monkeypatch.setenv(places.STORE_VARIABLE, str(store))
    main(line if name not in ("sweep", "hold list") else [*line, "--socket", str(tmp_path / "none")])
    assert zones[3:] == ["Europe/Amsterdam"], "without any configuration"
