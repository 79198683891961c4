"""The uplink's process: `python -m bodycamd.camera.uplink --config FILE`, run by the unit `bodycamd-uplink` where `station.url` is given,
which the unit asks first (`--is-wanted`).

It has the network and the key that signs its requests (`--key`: the credential `uplink.key`, as systemd hands it over). It has no footage
but by the recorder's descriptors, no key that signs evidence, and nothing that it could order the recorder to do. It may be killed at any
point. Exit codes as everywhere (`bodycamd.errors`): 78 where the configuration is wrong, names no station, or this camera has no uplink
key yet.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from bodycamd.camera.uplink.allowance import Allowance
from bodycamd.camera.uplink.bundle_fetching import BundleFetching, read_keys
from bodycamd.camera.uplink.bundle_spool import BundleSpool
from bodycamd.camera.uplink.calling import NETWORK_SECONDS, Calling, begin
from bodycamd.camera.uplink.fetching import Fetching
from bodycamd.camera.uplink.order import Conditions, pause_seconds
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.sending import Sending, interface_is_up
from bodycamd.camera.uplink.station_link import StationError, StationLink
from bodycamd.config.load import load
from bodycamd.config.paths import DEFAULT_CONFIG
from bodycamd.config.settings import Config
from bodycamd.config.station_checks import address
from bodycamd.errors import BodycamError, ConfigError, UsageError
from bodycamd.evidence.keys import load_key_file
from bodycamd.foreign_text import shown

log = logging.getLogger(__name__)

KEY = "uplink.key"
RELEASE_KEYS = DEFAULT_CONFIG.parent / "release.pem"
TOLD_SECONDS = 600.0
"""A failure that stays the same is logged so often."""


class Tries:
    """Something that is tried again and again: its failures in a row, told once while they are the same."""

    def __init__(self, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self._failures, self._steps, self._told, self._told_at = 0, 0, "", 0.0

    def went_well(self, steps: int) -> None:
        """Up to here."""
        self._failures, self._steps = 0, steps

    def failed(self, error: BodycamError, steps: int) -> float:
        """For how long to pause. `steps` have gone well in all: after one more no failure is one in a row."""
        self._failures = 1 if steps > self._steps else self._failures + 1
        self._steps = steps
        if str(error) != self._told or time.monotonic() - self._told_at > TOLD_SECONDS:
            log.warning("%s", shown(str(error), 1000))
            self._told, self._told_at = str(error), time.monotonic()
        asked = error.after_seconds if isinstance(error, StationError) else None
        return pause_seconds(self._failures, random.random(), self._longest_seconds, asked)  # noqa: S311 - it only keeps cameras apart


def serve(
    sending: Sending,
    fetching: Fetching,
    bundles: BundleFetching,
    recorder: RecorderLink,
    longest_seconds: float,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Send and fetch in turns, for ever, and bundles while no footage waits. What does not go on is tried again after a pause, while the
    others go on; while the recorder cannot be asked none does. Bundles make way for footage whatever else goes on."""
    sent, fetched, brought = Tries(longest_seconds), Tries(longest_seconds), Tries(longest_seconds)
    more = False
    while True:
        idle = False
        try:
            pause = sending.look()
            sent.went_well(sending.steps)
            idle = pause > 0
        except ConfigError:
            raise
        except BodycamError as error:
            pause = sent.failed(error, sending.steps)
            recorder.doing = f"tries again: {error}"
        told = _tell(recorder, pause)
        began = time.monotonic()
        came = told and _fetch(fetching, fetched, recorder, docked=sending.docked, idle=idle and not more)
        if came:
            bundles.ask_soon()
        more = told and idle and _fetch_bundle(bundles, brought, sending.conditions)
        if told:
            _make_way(bundles, brought)
        if not (came or more):
            sleep(max(0.0, pause - (time.monotonic() - began)))


def _fetch(fetching: Fetching, fetched: Tries, recorder: RecorderLink, *, docked: bool, idle: bool) -> bool:
    """Whether something came: then the ledger says more now than before."""
    try:
        came = fetching.look(docked=docked, idle=idle)
    except ConfigError:
        raise
    except BodycamError as error:
        recorder.trouble = f"orders: {error}"
        fetching.rest(fetched.failed(error, fetching.steps))
        return False
    fetched.went_well(fetching.steps)
    recorder.trouble = ""
    return came


def _fetch_bundle(bundles: BundleFetching, brought: Tries, now: Conditions) -> bool:
    """Whether there is more of one to fetch at once."""
    try:
        more = bundles.look(now)
    except ConfigError:
        raise
    except BodycamError as error:
        bundles.rest(brought.failed(error, bundles.steps), f"tries again: {error}")
        return False
    brought.went_well(bundles.steps)
    return more


def _make_way(bundles: BundleFetching, brought: Tries) -> None:
    try:
        bundles.make_way()
    except ConfigError:
        raise
    except BodycamError as error:
        bundles.rest(brought.failed(error, bundles.steps), f"tries again: {error}")


def _tell(recorder: RecorderLink, pause: float) -> bool:
    """The recorder hears before a pause what this process is doing; `False` where it cannot be asked. Nobody else asks either then."""
    try:
        if pause > 0:
            recorder.waiting()
    except BodycamError as error:
        log.debug("%s", error)
        return False
    return True


class Options(Struct, kw_only=True):
    """Of the command line: argparse would stay in memory for as long as the process lives, half a megabyte. `is_wanted`: only say by the
    exit code whether a station is configured, 0, or 1."""

    config: Path
    key: Path
    state: Path
    release_keys: Path = RELEASE_KEYS
    is_wanted: bool = False


def options_of(words: Sequence[str]) -> Options:
    """What a command line says. Raises `UsageError`."""
    found: dict[str, Path] = {
        "key": Path(os.environ.get("CREDENTIALS_DIRECTORY", ".")) / KEY,
        "state": Path(os.environ.get("STATE_DIRECTORY", ".")),
    }
    left = [word for word in words if word != "--is-wanted"]
    names = {"--config": "config", "--key": "key", "--state": "state", "--release-keys": "release_keys"}
    for name, value in zip(left[::2], left[1::2], strict=False):
        if name in names:
            found[names[name]] = Path(value)
    if "config" not in found or len(left) % 2 or not set(left[::2]) <= set(names):
        raise UsageError(f"usage: python -m bodycamd.camera.uplink --config FILE [{'] ['.join([*list(names)[1:], '--is-wanted'])}]")
    return Options(**found, is_wanted=len(left) < len(words))


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and give its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        options = options_of(sys.argv[1:] if arguments is None else arguments)
        config = load(options.config)
        if options.is_wanted:
            return int(config.station.url is None)
        recorder = RecorderLink(Path(config.control.socket))
        sending, fetching, bundles, calling = build(config, recorder, options.key, options.state, options.release_keys)
        if calling is not None:
            begin(calling)
        serve(sending, fetching, bundles, recorder, config.station.longest_pause_seconds)
    except BodycamError as error:
        print(shown(f"uplink: {error}", 16_384), file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def build(
    config: Config, recorder: RecorderLink, key_file: Path, state: Path, release_keys: Path
) -> tuple[Sending, Fetching, BundleFetching, Calling | None]:
    """What sends and what fetches, over one connection; what carries calls for help, where they are on, over another one.
    Raises `ConfigError`."""
    place = address(config.station.url or "")
    if place is None:
        raise ConfigError("station.url: null: there is nothing to send to; allowed: the address of a station")
    key = load_key_file(key_file) if key_file.exists() else None
    if key is None:
        raise ConfigError(f"{key_file}: no key: this camera has not made one yet; allowed: what bodycamd enrol makes")
    station = StationLink(place, config.device_id, key, config.station.ca)
    allowance = Allowance(state, config.station.data_allowance_megabytes)
    sending = Sending(config.station, recorder, station, allowance, link_up=interface_is_up)
    calling = None
    if config.help_call:
        own = StationLink(place, config.device_id, key, config.station.ca, NETWORK_SECONDS)
        calling = Calling(RecorderLink(Path(config.control.socket)), own)
    spool = BundleSpool(state)
    bundles = BundleFetching(config.station, recorder, station, allowance, spool, lambda: read_keys(release_keys))
    return sending, Fetching(recorder, station, allowance), bundles, calling


if __name__ == "__main__":
    sys.exit(main())
