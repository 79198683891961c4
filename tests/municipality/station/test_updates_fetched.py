"""An update by order from the technician's desk to the version in use: by a station, an uplink and a recorder, with kills, lies and want of
room on the way. The machine that it is installed on is a fake; its updater is root's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bodycamd.camera.installation.decision import Camera
from bodycamd.errors import NotFoundError, PermissionDeniedError, StoreBusyError
from bodycamd.municipality.station.bundle_routes import BundleInterface
from bodycamd.municipality.station.folder_storage import FolderStorage
from tests.bench.test_uplink import high_water_megabytes
from tests.kit.bundles import Release
from tests.kit.resting_camera import DAY
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for
from tests.municipality.station.updated_town import Town, town

SIZE = 24_000_000


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    with town(tmp_path, monkeypatch) as opened:
        yield opened


@only_in_full
def test_from_the_desk_to_the_version_in_use_with_kills_on_the_way(place: Town) -> None:
    name = place.lay_in("0.3.0", SIZE)
    order = place.order(name)
    kills = 8
    for kill in range(kills):
        with place.uplink():
            wait_for(lambda kill=kill: place.here_bytes > kill * SIZE // (kills + 1), 60, "it has come so far")  # type: ignore[misc]
        if kill == 1:
            place.station.close()
            place.station.open()
    with pytest.raises(NotFoundError, match="fetched no bundle"):
        place.updater()
    with place.uplink() as process:
        place.says("is here: bodycamd bundle update --ordered")
        assert high_water_megabytes(process.pid) < 42, "of a bundle of 24 MB a part is in memory, and its manifest"
        assert [path.name for path in place.spool.iterdir()] == [f"{name}.bundle"]
        place.camera.machine.cameras.append(Camera("recording", True))
        with pytest.raises(StoreBusyError):
            place.updater()
        assert place.camera.outcomes(order) == []
        assert place.updater() == "0.3.0 is in use"
        assert (place.camera.versions.named("current"), place.camera.outcomes(order)) == ("0.3.0", ["updated"])
    with place.uplink():
        wait_for(lambda: place.here_bytes == 0, 60, "what no order names goes")
    assert (place.root / "uplink.log").read_text().count("is here") == 1
    assert list((place.root / "copies").iterdir()) == []


@only_in_full
def test_an_updater_that_is_cut_off_leaves_what_the_next_one_goes_on_with(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    name = place.lay_in("0.3.0", 300_000)
    order = place.order(name)
    with place.uplink():
        place.says("is here")
    (place.root / "copies").mkdir()
    (place.root / "copies" / f"{name}.bundle").write_bytes(b"half of it")
    place.camera.machine.dead.add("0.3.0")
    with pytest.raises(Exception, match=r"0\.2\.0 is in use again"):
        place.updater()
    assert place.camera.outcomes(order) == ["went_back"]


# --- a station that sends something else --------------------------------------------------------------------------------------------------


async def for_ever(self: BundleInterface, request: Request) -> Response:
    async def zeros() -> AsyncIterator[bytes]:
        while True:
            yield bytes(65_536)
            await asyncio.sleep(0)  # once nobody listens, nothing else would let the loop go on

    return StreamingResponse(zeros(), 200)


async def longer(self: BundleInterface, request: Request) -> Response:
    return Response(bytes(1_000_000), 200)


async def shorter(self: BundleInterface, request: Request) -> Response:
    return Response(b"", 200)


LIES: dict[str, tuple[Any, str]] = {
    "for ever": (for_ever, "a longer answer than any station gives"),
    "longer": (longer, "1000000 bytes where 1 to 131072 were asked for"),
    "shorter": (shorter, "0 bytes where"),
}


@only_in_full
@pytest.mark.parametrize("lie", LIES)
def test_a_station_that_lies_gets_nothing_into_the_folder(lie: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, why = LIES[lie]
    monkeypatch.setattr(BundleInterface, "_part", answer)
    with town(tmp_path, monkeypatch) as place:
        order = place.order(place.lay_in("0.3.0", 300_000))
        with place.uplink():
            place.says(why)
            assert place.here_bytes == 0
            with pytest.raises(NotFoundError):
                place.updater()
        assert place.camera.outcomes(order) == []


@only_in_full
def test_one_byte_in_the_middle_is_found_and_what_a_stranger_signed_too(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    name = place.lay_in("0.3.0", 1_000_000)
    place.order(name)
    real = FolderStorage.bundle_part

    def altered(self: FolderStorage, name: str, offset: int, most_bytes: int) -> tuple[int, bytes]:
        size, part = real(self, name, offset, most_bytes)
        return size, part[:-1] + b"?" if offset > 500_000 else part

    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "bundle_part", altered)
        with place.uplink():
            place.says("is not what the manifest states")
    (place.root / "other").mkdir()
    raw = place.station.storage.bundle_part(name, 0, 10**9)[1]
    stranger = Release(place.root / "other").key
    signature_at = raw.index(b"bundle.sig") + 512
    wrong = raw[:signature_at] + stranger.sign(b"x") + raw[signature_at + 64 :]
    (place.station.root / "bundles" / f"{name}.bundle").write_bytes(wrong)
    with place.uplink():
        place.says("no release key of this camera has signed")
    place.spool.mkdir(exist_ok=True)
    (place.spool / f"{name}.bundle").write_bytes(wrong)  # an uplink that was taken over
    with pytest.raises(PermissionDeniedError, match="not signed by"):
        place.updater()
    assert place.camera.versions.named("current") == "0.2.0"
    assert place.here_bytes == 0, "the uplink is to fetch another one"


@only_in_full
def test_what_comes_slowly_comes_whole(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    name = place.lay_in("0.3.0", 1_500_000)
    place.order(name)
    real = FolderStorage.bundle_part

    def slow(*words: Any) -> tuple[int, bytes]:
        time.sleep(1.2)
        return real(*words)

    monkeypatch.setattr(FolderStorage, "bundle_part", slow)
    with place.uplink():
        place.says("fetches it,")
        place.says("is here")


@only_in_full
def test_what_the_station_lacks_comes_once_it_is_laid_in_and_goes_with_the_order(place: Town) -> None:
    name = place.lay_in("0.3.0", 300_000)
    raw = (place.station.root / "bundles" / f"{name}.bundle").read_bytes()
    (place.station.root / "bundles" / f"{name}.bundle").unlink()
    order = place.order(name)
    with place.uplink():
        place.says("bodycamd station bundle add")
    (place.station.root / "bundles" / f"{name}.bundle").write_bytes(raw)
    with place.uplink():
        place.says("is here")
    with place.recorder.lock:
        place.camera.run(8 * DAY, pace_us=DAY)
        assert place.camera.outcomes(order) == ["ended"]
    with place.uplink():
        wait_for(lambda: place.here_bytes == 0, 60, "what no order names goes")
    with pytest.raises(NotFoundError):
        place.updater()
