"""Bundles that signed orders name, from the station into the uplink's own folder, from where root's updater takes a copy.

    recorder: which bundles (`uplink_bundles`)   → it alone judges orders; a bundle that none names any more is removed
    GET bundles/NAME?offset=N&most=M             → behind what is here, until its beginning says how long it is, and no further
    all of it, held against NAME                 → `NAME.bundle`; the recorder is told

NAME is of the bundle's manifest, which states each file with its size and SHA-256: so a station can send nothing else, and not a byte more.
A release key of this camera must have signed it besides: that is looked at as soon as the beginning is here. What a station sends instead
is dropped, and asked for again an hour later, then after twice as long each time up to a day. What goes bad on the card is dropped, and
fetched again: all of it is looked at once a day, and root drops what it cannot use.

It is fetched in the dock, while no footage waits; elsewhere only with `upload: always` and out of a data allowance. Footage has the first
word on room: where both lie on one disk, a bundle makes way, whether or not anything can be sent or fetched.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from bodycamd.camera.keeping.waiting import WantedBundles
from bodycamd.camera.uplink.allowance import Allowance
from bodycamd.camera.uplink.aside import Aside
from bodycamd.camera.uplink.bundle_spool import BundleSpool
from bodycamd.camera.uplink.order import Conditions, bundle_lacks_room, bundle_makes_way, bundle_waits
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.station_link import Reply, StationError, StationLink, told
from bodycamd.config.station_settings import StationSettings
from bodycamd.errors import BodycamError, DataError, NotFoundError, StorageError
from bodycamd.evidence.keys import PublicKey
from bodycamd.linux.foreign import open_file

log = logging.getLogger(__name__)

ASK_SECONDS: Final = 60.0
"""Between two questions for what is wanted, while there is nothing to tell."""
LOOK_SECONDS: Final = 2.0
"""So long parts are fetched before footage is looked at again."""
PART_BYTES: Final = 128 * 1024
REQUEST_BYTES: Final = 2000
COUNTED_AHEAD_BYTES: Final = 4 * PART_BYTES
NOT_HERE_SECONDS: Final = 600.0
AGAIN_SECONDS: Final = 86_400.0
"""After which what is here is held against its name again."""
TOO_SOON, NOT_THERE = 429, 404
SOON_SECONDS: Final = 30


class LieError(DataError):
    """What the station sends is not what it was asked for."""


class SpoiltError(DataError):
    """What came cannot be read from the card."""


class BundleFetching:
    """From one station for one recorder. `look` while no footage waits, `make_way` all the time. `release_keys` are this camera's, read
    when they are needed."""

    def __init__(
        self,
        settings: StationSettings,
        recorder: RecorderLink,
        station: StationLink,
        allowance: Allowance,
        spool: BundleSpool,
        release_keys: Callable[[], tuple[PublicKey, ...]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._recorder, self._station, self._allowance = settings, recorder, station, allowance
        self._spool, self._release_keys = spool, release_keys
        self._monotonic, self._now_seconds = monotonic, now_seconds
        self._aside = Aside(NOT_HERE_SECONDS)
        self._sizes: dict[str, int] = {}
        """Of bundles whose beginning this process has looked at."""
        self._whole: dict[str, float] = {}
        """When this process has looked at all of it."""
        self._here = 0
        self._ask_at = self._way_at = self._rest_until = 0.0
        self._more = False
        """Whether the next look has more to do than to ask again after a while."""
        self._told = self.doing = ""
        """What becomes of bundles: the recorder hears of it."""
        self.steps = 0
        """Grows with each part that came."""

    def ask_soon(self) -> None:
        """The recorder has got something that may be an order to update."""
        self._ask_at = 0.0

    def rest(self, seconds: float, why: str) -> None:
        """Do nothing before."""
        self._rest_until, self._more, self.doing = self._monotonic() + seconds, True, why

    def make_way(self) -> None:
        """Look whether footage needs the room, and remove what no order names any more, however little goes on otherwise: once in a while,
        and where anything is here. Raises `BodycamError`."""
        at = self._monotonic()
        if at >= self._way_at and (self._spool.holds() or self._told != self.doing):
            self._ask(at)

    def look(self, now: Conditions) -> bool:
        """Fetch a piece, where something is wanted and may come; whether there is more of it to fetch, or to tell, at once. Raises
        `BodycamError` where something does not go on: say by `rest` when to try again."""
        at = self._monotonic()
        if at < self._rest_until or (at < self._ask_at and self._told == self.doing and not self._more):
            return False
        names, footage = self._ask(at)
        self._ask_at, self._more = at + ASK_SECONDS, False
        self._more = self._fetch_one_of(names, now, footage, at)
        return self._more or self.doing != self._told

    def _ask(self, at: float) -> tuple[list[str], int | None]:
        """What is wanted, and what is free for footage where that lies on the same file system; what is not wanted goes."""
        self._way_at = at + ASK_SECONDS
        wanted = self._recorder.bundles(self.doing)
        self._told = self.doing
        self._aside.keep(wanted.names)
        return wanted.names, self._make_way(wanted, self._spool.keep(wanted.names))

    def _fetch_one_of(self, names: Sequence[str], now: Conditions, footage: int | None, at: float) -> bool:
        self.doing = ""
        for name in reversed(names):  # the newest order first: an older version is not installed after it
            if self._aside.rests(name, "", at):
                self.doing = self.doing or self._aside.why(name, "")
                continue
            try:
                here = self._is_here(name, at)
            except StorageError as error:
                self._set_aside(name, error)
                continue
            if not here:
                return self._fetch(name, now, footage)
            self.doing = f"bundle {name[:16]} is here: bodycamd bundle update --ordered"
        return False

    def _make_way(self, wanted: WantedBundles, holds: bool) -> int | None:
        free_bytes, file_system = self._spool.room()
        footage = wanted.footage_bytes if wanted.file_system == file_system else None
        if holds and bundle_makes_way(free_bytes, footage):
            log.warning("the room is needed: what was fetched of a bundle is removed")
            self._spool.keep(())
            self.doing = "what was fetched is removed: the room is needed"
        return footage

    def _fetch(self, name: str, now: Conditions, footage: int | None) -> bool:
        what = f"bundle {name[:16]}"
        try:
            with self._spool.part(name) as file:
                waits = self._fetch_parts(name, file, now, footage)
                if waits is None:
                    self._check(name, file, _shown(name))
                    self._spool.complete(name)
        except (LieError, SpoiltError, NotFoundError) as error:
            if not isinstance(error, NotFoundError):
                self._forget(name)
            self._set_aside(name, error)
            return False
        if waits is None:
            self._aside.went(name, "")
            self._whole[name] = self._monotonic()
            log.info("%s is here: bodycamd bundle update --ordered", what)
            self.doing = f"{what} is here: bodycamd bundle update --ordered"
            return False
        self.doing = f"{what}: {waits or self._progress(name)}"
        return waits == ""

    def _set_aside(self, name: str, error: BodycamError) -> None:
        what = f"bundle {name[:16]}"
        if self._aside.failed(name, "", f"{what}: {error}", self._monotonic(), refused=isinstance(error, LieError)):
            log.warning("%s: %s", what, error)
        self.doing = self._aside.why(name, "")

    def _progress(self, name: str) -> str:
        here, size = self._here, self._sizes.get(name)
        return f"fetches it, {here / 1e6:.1f}{f' of {size / 1e6:.1f}' if size is not None else ''} MB"

    def _fetch_parts(self, name: str, file: BinaryIO, now: Conditions, footage: int | None) -> str | None:
        """Why no more comes now; empty where more may come at once, `None` where all of it is here."""
        until = self._monotonic() + LOOK_SECONDS
        while True:
            self._here = here = file.seek(0, 2)
            size = self._size(name, file, here)
            if size is not None and here == size:
                return None
            if self._monotonic() > until:
                return ""
            most = PART_BYTES if size is None else min(PART_BYTES, size - here)
            missing = most if size is None else size - here
            waits = bundle_waits(self._settings.upload, now, self._settings.battery_floor_percent)
            waits = waits or bundle_lacks_room(missing, self._spool.room()[0], footage)
            if waits:
                return waits
            if not now.docked and not self._allowance.take(most + REQUEST_BYTES, self._now_seconds(), COUNTED_AHEAD_BYTES):
                return "waits for tomorrow: today's data allowance is used up"
            reply = self._station.ask("GET", f"bundles/{name}", query=f"offset={here}&most={most}")
            if reply.status == TOO_SOON:
                seconds = min(reply.number("retry-after") or SOON_SECONDS, SOON_SECONDS)
                self._rest_until = self._monotonic() + seconds
                return "the station gives no more for now"
            self._spool.append(name, _part(reply, most))
            self.steps += 1

    def _size(self, name: str, file: BinaryIO, here: int) -> int | None:
        """How long it is; `None` while its beginning is not here. Raises `LieError`."""
        from bodycamd.camera.installation import layout  # in a camera that fetches nothing it takes no memory

        if (known := self._sizes.get(name)) is None:
            path = _shown(name)
            if here < layout.BLOCK:
                return None
            file.seek(0)
            with _lying():
                if here < layout.head_bytes(file.read(layout.BLOCK), path):
                    return None
            known = self._sizes[name] = self._looked_at(name, file, path)
        if here > known:
            raise LieError(f"{here} bytes came, and it has {known}")
        return known

    def _looked_at(self, name: str, file: BinaryIO, path: Path) -> int:
        """How long a bundle is whose beginning is here: the one of this name, signed by a release key. Raises `LieError`, `NotFoundError`
        without release keys here."""
        from bodycamd.camera.installation import layout
        from bodycamd.camera.installation.manifest import MAX_FETCHED_BYTES, SIGNED_PREFIX, bundle_sha256

        file.seek(0)
        with _lying():
            raw, signature = layout.head(file, path)
            if bundle_sha256(raw) != name:
                raise LieError("the station sends another bundle")
            size = layout.size_bytes(layout.read_manifest(raw, path), raw)
        if not any(key.verifies(signature, SIGNED_PREFIX + raw) for key in self._release_keys()):
            raise LieError("no release key of this camera has signed what the station sends")
        if size > MAX_FETCHED_BYTES:
            raise LieError(f"it has {size} bytes, and at most {MAX_FETCHED_BYTES} are fetched: bring it")
        return size

    def _check(self, name: str, file: BinaryIO, path: Path) -> None:
        """Hold all of it against its name. Raises `LieError`, `SpoiltError`."""
        from bodycamd.camera.installation import layout

        self._looked_at(name, file, path)
        file.seek(0)
        with _lying():
            raw, signature = layout.head(file, path)
            layout.check(file, path, layout.read_manifest(raw, path), raw, signature)

    def _is_here(self, name: str, at: float) -> bool:
        """Whether all of it is here; an earlier process may have laid it down, and a card forgets. Raises `StorageError` where what is bad
        cannot be removed, and as `read_keys`."""
        path = self._spool.whole(name)
        if path is None:
            self._whole.pop(name, None)
            return False
        looked_at = self._whole.get(name)
        if looked_at is None or at - looked_at >= AGAIN_SECONDS:
            self._release_keys()  # where those cannot be read, that is no fault of the bundle's
            try:
                with open_file(path) as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # the card is read, and not memory
                    self._check(name, file, _shown(name))
            except (DataError, StorageError) as error:
                log.warning("bundle %s: %s: it is fetched again", name[:16], error)
                self._forget(name)
                return False
            self._whole[name] = at
        return True

    def _forget(self, name: str) -> None:
        self._spool.drop(name)
        self._sizes.pop(name, None)
        self._whole.pop(name, None)


def _shown(name: str) -> Path:
    """What a bundle's file is called in what people read; all of its path and name would leave no room for the reason."""
    return Path(name[:16])


@contextmanager
def _lying() -> Iterator[None]:
    """What is in a bundle's file in place of what should be there, the station has sent; what cannot be read, the card has lost."""
    try:
        yield
    except LieError:
        raise
    except (OSError, StorageError) as error:
        raise SpoiltError(f"what is here cannot be read: {error}") from error
    except DataError as error:
        raise LieError(f"the station sends something else: {error}") from error


def _part(reply: Reply, most: int) -> bytes:
    """What came. Raises `LieError`, `NotFoundError` where the station does not have the bundle, `StationError`."""
    if reply.status == NOT_THERE:
        raise NotFoundError("the station does not have it: bodycamd station bundle add")
    if reply.status != 200:
        raise StationError(f"{reply.status} to a part of a bundle: {told(reply)}")
    if not 0 < len(reply.body) <= most:
        raise LieError(f"the station sends {len(reply.body)} bytes where 1 to {most} were asked for")
    return reply.body


def read_keys(path: Path) -> tuple[PublicKey, ...]:
    """The release keys of this camera. Raises `NotFoundError`, `DataError`, `StorageError`."""
    from bodycamd.camera.installation.release_key import read_release_keys

    return tuple(PublicKey(key.raw) for key in read_release_keys(path))
