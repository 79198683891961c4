"""What a unit asks before it starts Python passes over nothing that is wanted, and starts none on a camera that has neither reader nor
station."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycamd.camera.cards import __main__ as cards
from bodycamd.camera.uplink import __main__ as uplink
from tests.camera.cards.test_process import configuration
from tests.camera.uplink.served import configured

ROOT = Path(__file__).parents[2]
ASKED = {"bodycamd-cards": cards.main, "bodycamd-uplink": uplink.main}
NOTHING = "device_id: c\nsimulation_directory: .\n"


def first_condition(unit: str, config: Path) -> bool:
    """As systemd splits the line: two backslashes in quotes are one."""
    text = (ROOT / f"systemd/{unit}.service").read_text(encoding="utf-8")
    first = re.findall(r"^ExecCondition=(.*)$", text, re.MULTILINE)[0]
    words = [word.strip("'").replace("\\\\", "\\") for word in first.replace("/etc/bodycamd/bodycamd.yaml", str(config)).split()]
    assert words[0] == "/bin/grep", "the first one starts no Python"
    return subprocess.run(words, check=False).returncode == 0


def is_wanted(main: Callable[[list[str]], int], config: Path) -> bool:
    return main(["--config", str(config), "--is-wanted"]) == 0


@pytest.mark.parametrize("written", ["card_reader", '"card_reader"', r'"\x63ard_re\u0061der"'])
def test_a_reader_however_its_key_is_written_is_asked_for(written: str, tmp_path: Path) -> None:
    config = configuration(tmp_path, "card_reader: simulated, cards: cards.sock")
    config.write_text(config.read_text().replace("card_reader:", f"{written}:"))
    assert is_wanted(cards.main, config), "else this shows nothing"
    assert first_condition("bodycamd-cards", config)


@pytest.mark.parametrize("written", ["url", "'url'", r'"\x75rl"', r'"\U00000075\x72l"'])
def test_a_station_however_its_key_is_written_is_asked_for(written: str, tmp_path: Path) -> None:
    config = configured(tmp_path, "https://station.example.org", tmp_path / "s")
    config.write_text(config.read_text().replace("url:", f"{written}:"))
    assert is_wanted(uplink.main, config), "else this shows nothing"
    assert first_condition("bodycamd-uplink", config)


@pytest.mark.parametrize("unit", ASKED)
def test_a_camera_with_neither_starts_no_python_to_say_so(unit: str, tmp_path: Path) -> None:
    config = tmp_path / "bodycamd.yaml"
    config.write_text(NOTHING)
    assert not is_wanted(ASKED[unit], config)
    assert not first_condition(unit, config)


@pytest.mark.parametrize(
    ("result", "status", "stays"),
    [
        ("success", "15", True),  # stopped, or started anew after an update
        ("exit-code", "1", True),
        ("signal", "KILL", True),
        ("exec-condition", "1", False),  # no station is configured any more
        ("exit-code", "78", False),  # it is not started again
    ],
)
def test_where_the_uplink_runs_no_more_what_it_fetched_goes(result: str, status: str, stays: bool, tmp_path: Path) -> None:
    text = (ROOT / "systemd/bodycamd-uplink.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStopPost=(.*)$", text, re.MULTILINE)
    words = shlex.split(line.replace("$$", "$"))
    fetched, precious = tmp_path / "state" / "bundles", tmp_path / "precious"
    fetched.mkdir(parents=True)
    precious.mkdir()
    (fetched / "x.bundle").write_bytes(b"x")
    (precious / "x").write_bytes(b"x")
    (fetched / "link").symlink_to(precious)
    (tmp_path / "state" / "sent").write_bytes(b"x")
    told = {"SERVICE_RESULT": result, "EXIT_STATUS": status, "STATE_DIRECTORY": str(tmp_path / "state")}
    subprocess.run(words, env=told, check=True)
    assert fetched.exists() is stays
    assert (tmp_path / "state" / "sent").exists()
    assert (precious / "x").exists()
    subprocess.run(words, env=told, check=True)  # where there is nothing
