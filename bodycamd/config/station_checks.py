"""What contradicts itself in the section `station`, and the address that it names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from bodycamd.config.problems import Problem

if TYPE_CHECKING:
    from bodycamd.config.settings import Config

UPLINK_USER: Final = "bodycam-uplink"
"""Of the packaged unit."""
_URL = re.compile(r"(https?)://([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\])(:([0-9]{1,5}))?/?")
_ALLOWED = "https:// and a name in small letters, perhaps a port, and no path; http:// for a loopback address only"


class StationAddress(Struct, frozen=True):
    """Where the station is. `authority` is what requests are signed for: the name, with the port where it is not the usual one."""

    tls: bool
    host: str
    port: int
    authority: str


def address(url: str) -> StationAddress | None:
    """The parts of a station's url; `None` for what is none."""
    match = _URL.fullmatch(url)
    if match is None:
        return None
    tls, host = match[1] == "https", match[2].strip("[]")
    usual = 443 if tls else 80
    port = int(match[5] or usual)
    if not 0 < port < 65536 or not (tls or _is_loopback(host)) or (match[2].startswith("[") and not _is_address(host)):
        return None
    return StationAddress(tls, host, port, match[2] if port == usual else f"{match[2]}:{port}")


def station_contradictions(config: Config) -> Iterator[Problem]:
    """Every pair of keys that cannot both be meant."""
    station = config.station
    if config.help_call:
        yield from _help_contradictions(config)
    if station.url is None:
        if config.storage.when_full == "overwrite_sent":
            because = "overwrite_sent, but no station is configured (station.url): nothing shows what is safe elsewhere"
            yield Problem("storage.when_full", because, "stop, or a station", others=("station.url",))
        return
    needs, because = ("station.url",), "missing, but station.url is given"
    if address(station.url) is None:
        yield Problem("station.url", "not the address of a station", _ALLOWED)
    if station.id is None:
        yield Problem("station.id", because, "the station's id in the roster", others=needs)
    if config.keys.root is None:
        yield Problem("keys.root", f"{because}: only a roster says whose receipts count", "the root that the card brought", others=needs)
    if config.control.uplink_user is None:
        yield Problem("control.uplink_user", because, f"{UPLINK_USER}, the user of bodycamd-uplink", others=needs)
    if station.upload != "always" and station.link is None:
        both = ("station.upload", *needs)
        yield Problem("station.link", f"missing, but station.upload is {station.upload}", "the dock's interface, such as eth0", others=both)


def _help_contradictions(config: Config) -> Iterator[Problem]:
    """That a second person can be called is the station's to check: its configuration has the numbers."""
    because, both = "missing, but help_call is on", ("help_call",)
    if config.station.url is None:
        yield Problem("station.url", f"{because}: a call goes through the station", _ALLOWED, others=both)
    if config.gestures.stop == "hold":
        why = "hold, but help_call is on: a hold stops the recording before it can call"
        yield Problem("gestures.stop", why, "hold_then_press", others=both)
    if config.board.gpio.haptic is None:
        why = f"{because}: nothing else says whether a call was sent"
        yield Problem("board.gpio.haptic", why, "the pin of the motor", others=both)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
