"""A recorder that wants bundles, a station that has some, honest or not, and uplinks in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bodycamd.camera.installation.manifest import bundle_sha256
from bodycamd.camera.keeping.waiting import WantedBundles
from bodycamd.camera.uplink.allowance import Allowance
from bodycamd.camera.uplink.bundle_fetching import ASK_SECONDS, BundleFetching, read_keys
from bodycamd.camera.uplink.bundle_spool import BundleSpool
from bodycamd.camera.uplink.order import Conditions
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.station_link import Reply, StationLink
from bodycamd.config.station_settings import StationSettings
from tests.kit.bundles import FILES, Release

DOCKED = Conditions(link_up=True, charging=True, battery_percent=80.0, left_bytes=None)
FIELD = Conditions(link_up=False, charging=False, battery_percent=80.0, left_bytes=10**9)
BIG = {**FILES, "wheels/big-1.0.whl": bytes(range(256)) * 5000}
"""1.3 MB: more than a few parts."""


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Bench:
    """A recorder that wants bundles, a station that has some, and processes in between."""

    folder: Path
    release: Release
    there: dict[str, bytes] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    footage_bytes: int = 0
    shared: bool = False
    """Whether footage lies on the same disk."""
    seconds: float = 100.0
    said: list[str] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)
    answer: Callable[[bytes, int, int], Reply] | None = None
    step: Callable[[], None] = lambda: None
    upload: Any = "dock"
    megabytes: int | None = None

    def lay_in(self, version: str = "0.3.0", files: dict[str, bytes] = BIG) -> str:
        path = self.release.bundle(version, files)
        name = bundle_sha256(self.release.manifest(version, files))
        self.there[name] = path.read_bytes()
        self.wanted.append(name)
        return name

    def bundles(self, doing: str) -> WantedBundles:
        self.step()
        self.said.append(doing)
        number = self.folder.stat().st_dev + (0 if self.shared else 1)
        return WantedBundles(names=self.wanted, file_system=number, footage_bytes=self.footage_bytes)

    def ask(self, method: str, path: str, query: str = "") -> Reply:
        self.step()
        assert method == "GET"
        kind, name = path.split("/")
        offset, most = (int(one.partition("=")[2]) for one in query.split("&"))
        assert kind == "bundles"
        self.asked.append((offset, most))
        if name not in self.there:
            return Reply(404, {}, b"not here")
        answer = self.answer or honest
        reply = answer(self.there[name], offset, most)
        self.step()
        return reply

    def process(self) -> BundleFetching:
        """As it was just started."""
        settings = StationSettings(url="x", id="station-1", upload=self.upload, link="lo")
        self.spool = BundleSpool(self.folder)
        return BundleFetching(
            settings,
            cast(RecorderLink, self),
            cast(StationLink, self),
            Allowance(self.folder, self.megabytes),
            self.spool,
            lambda: read_keys(self.release.public),
            monotonic=lambda: self.seconds,
            now_seconds=lambda: 1e9,
        )

    def looked(self, fetching: BundleFetching, now: Conditions = DOCKED, most: int = 100) -> str:
        """What it says once there is no more to fetch at once."""
        for _ in range(most):
            if not fetching.look(now):
                return fetching.doing
        raise AssertionError("it does not come to rest")

    def later(self, fetching: BundleFetching, seconds: float = ASK_SECONDS, now: Conditions = DOCKED) -> str:
        self.seconds += seconds
        return self.looked(fetching, now)

    @property
    def files(self) -> dict[str, bytes]:
        folder = self.folder / "bundles"
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def honest(content: bytes, offset: int, most: int) -> Reply:
    return Reply(200, {}, content[offset : offset + most])
