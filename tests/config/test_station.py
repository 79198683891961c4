"""The section `station`: which addresses are ones, and what must be beside one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.config import load
from bodycamd.config.checks import file_problems
from bodycamd.config.station_checks import StationAddress, address
from bodycamd.errors import ConfigError

WHOLE = """device_id: cam-7
keys: {root: root.json, roster: roster.txt}
control: {uplink_user: bodycam-uplink}
station: {url: https://station.example.org, id: station-1, link: eth0}
"""

ADDRESSES = {
    "https://station.example.org": StationAddress(True, "station.example.org", 443, "station.example.org"),
    "https://station.example.org/": StationAddress(True, "station.example.org", 443, "station.example.org"),
    "https://station.example.org:443": StationAddress(True, "station.example.org", 443, "station.example.org"),
    "https://station.example.org:8443": StationAddress(True, "station.example.org", 8443, "station.example.org:8443"),
    "https://[2001:db8::1]:8443": StationAddress(True, "2001:db8::1", 8443, "[2001:db8::1]:8443"),
    "http://127.0.0.1:8440": StationAddress(False, "127.0.0.1", 8440, "127.0.0.1:8440"),
    "http://localhost": StationAddress(False, "localhost", 80, "localhost"),
    "http://[::1]:81": StationAddress(False, "::1", 81, "[::1]:81"),
}
NO_ADDRESSES = [
    "station.example.org",
    "http://station.example.org",
    "http://127.0.0.1.example.org",
    "https://Station.example.org",
    "https://station.example.org/path",
    "https://station.example.org?x=1",
    "https://user@station.example.org",
    "https://station.example.org:0",
    "https://station.example.org:65536",
    "https://[:::::]",
    "https://-x.example.org",
    "https://station.example.org\n",
    "https://station.example.org:80\r\nX: y",
    "ftp://127.0.0.1",
    "https://",
    "",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_has_its_parts(url: str) -> None:
    assert address(url) == ADDRESSES[url]


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_what_is_no_address(url: str) -> None:
    assert address(url) is None


def test_nothing_is_sent_unless_it_is_configured() -> None:
    config = load.parse(b"device_id: cam-7\n", Path("/c/bodycamd.yaml"))
    assert (config.station.url, config.station.upload) == (None, "dock")


def test_a_whole_section_is_taken_and_its_file_is_looked_for(tmp_path: Path) -> None:
    config = load.parse(WHOLE.encode(), tmp_path / "bodycamd.yaml")
    assert (config.station.url, config.station.link, config.station.battery_floor_percent) == ("https://station.example.org", "eth0", 30)
    with_ca = load.parse(WHOLE.replace("link: eth0", "link: eth0, ca: ca.pem").encode(), tmp_path / "bodycamd.yaml")
    assert with_ca.station.ca == str(tmp_path / "ca.pem")
    assert [problem.key for problem in file_problems(with_ca)].count("station.ca") == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("https://station", "http://station"), r"station\.url: not the address of a station"),
        ((", id: station-1", ""), r"station\.id: missing"),
        (("keys: {root: root.json, roster: roster.txt}\n", ""), r"keys\.root: missing, but station\.url is given"),
        (("control: {uplink_user: bodycam-uplink}\n", ""), r"control\.uplink_user: missing.*bodycam-uplink"),
        ((", link: eth0", ""), r"station\.link: missing, but station\.upload is dock"),
        ((", link: eth0", ", upload: held_first"), r"station\.link: missing, but station\.upload is held_first"),
        (("link: eth0", "battery_floor_percent: 101"), r"station\.battery_floor_percent"),
        (("link: eth0", "data_allowance_megabytes: 0"), r"station\.data_allowance_megabytes"),
    ],
)
def test_what_must_be_beside_an_address(changed: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load.parse(WHOLE.replace(*changed).encode(), Path("/c/bodycamd.yaml"))


def test_without_a_dock_no_link_is_named() -> None:
    load.parse(WHOLE.replace("link: eth0", "upload: always").encode(), Path("/c/bodycamd.yaml"))


def test_room_is_made_of_what_was_sent_with_a_station_alone() -> None:
    asked = "storage: {when_full: overwrite_sent}\n"
    assert load.parse((WHOLE + asked).encode(), Path("/c/bodycamd.yaml")).storage.when_full == "overwrite_sent"
    with pytest.raises(ConfigError, match=r"storage\.when_full.*station\.url"):
        load.parse(f"device_id: cam-7\n{asked}".encode(), Path("/c/bodycamd.yaml"))
