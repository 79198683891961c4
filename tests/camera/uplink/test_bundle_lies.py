"""Stations that send something else than the bundle that was asked for: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.uplink.bundle_fetching import PART_BYTES
from bodycamd.camera.uplink.station_link import Reply
from tests.camera.uplink.bundle_bench import BIG, Bench
from tests.kit.bundles import FILES, Release
from tests.kit.scale import count


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name in ("state", "release"):
        (tmp_path / name).mkdir()
    return Bench(tmp_path / "state", Release(tmp_path / "release"))


def other_bytes(content: bytes, offset: int, most: int) -> Reply:
    return Reply(200, {}, bytes(len(content[offset : offset + most])))


def last_byte(content: bytes, offset: int, most: int) -> Reply:
    wrong = bytearray(content)
    wrong[700_000] ^= 1
    return Reply(200, {}, bytes(wrong[offset : offset + most]))


def longer(content: bytes, offset: int, most: int) -> Reply:
    return Reply(200, {}, content[offset : offset + most] + b"x" * 2_000_000)


def shorter(content: bytes, offset: int, most: int) -> Reply:
    return Reply(200, {}, content[offset : min(offset + most, 600_000)])


def endless(content: bytes, offset: int, most: int) -> Reply:
    """Its manifest is as long as one may be, and it goes on."""
    first = content[:124] + b"%011o\0" % (1024 * 1024) + content[136:512]
    return Reply(200, {}, (first + b"x" * (offset + most))[offset : offset + most])


def too_long_a_manifest(content: bytes, offset: int, most: int) -> Reply:
    first = content[:124] + b"77777777777\0" + content[136:512]
    return Reply(200, {}, (first + b"x" * (offset + most))[offset : offset + most])


LIES: dict[str, tuple[Callable[[bytes, int, int], Reply], str]] = {
    "other bytes": (other_bytes, "not a bundle of bodycamd"),
    "one bit in the middle": (last_byte, "is not what the manifest states"),
    "longer": (longer, "where 1 to 131072 were asked for"),
    "shorter": (shorter, "sends 0 bytes"),
    "endless": (endless, "sends another bundle"),
    "too long a manifest": (too_long_a_manifest, "not a bundle of bodycamd"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_the_bundle_is_dropped_and_asked_for_again_much_later(bench: Bench, lie: str, caplog: pytest.LogCaptureFixture) -> None:
    bench.answer, why = LIES[lie]
    name = bench.lay_in()
    fetching = bench.process()
    told = bench.looked(fetching)
    assert why in told
    assert bench.files == {}
    assert sum(most for _, most in bench.asked) <= max(len(bench.there[name]), 1024 * 1024 + 2 * PART_BYTES)
    asked = len(bench.asked)
    for _ in range(10):
        bench.later(fetching, 300)
    assert len(bench.asked) == asked, "an hour's rest"
    bench.answer = None
    bench.later(fetching, 3600)
    assert bench.files == {f"{name}.bundle": bench.there[name]}
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1


def test_what_another_release_key_has_signed_is_known_by_its_beginning(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Release(tmp_path / "other")
    name = bench.lay_in()
    bench.there[name] = other.bundle("0.3.0", BIG).read_bytes()
    assert "no release key of this camera has signed" in bench.looked(bench.process())
    assert (bench.files, len(bench.asked)) == ({}, 1)


def test_another_bundle_that_is_signed_is_not_taken_for_this_one(bench: Bench) -> None:
    name, other = bench.lay_in(), bench.lay_in("0.4.0")
    bench.wanted = [name]
    bench.there[name] = bench.there[other]
    assert "the station sends another bundle" in bench.looked(bench.process())
    assert bench.files == {}


@settings(max_examples=count(100))
@given(at=st.integers(0, 3000), by=st.integers(1, 255))
def test_no_byte_can_be_another(tmp_path_factory: pytest.TempPathFactory, at: int, by: int) -> None:
    root = tmp_path_factory.mktemp("byte")
    bench = Bench(root, Release(root))
    name = bench.lay_in(files=dict(FILES))
    wrong = bytearray(bench.there[name])
    wrong[at % len(wrong)] ^= by
    bench.there[name] = bytes(wrong)
    bench.looked(bench.process())
    assert bench.files == {}


def test_a_bundle_that_is_larger_than_a_camera_fetches_somebody_brings(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bodycamd.camera.installation.manifest.MAX_FETCHED_BYTES", 1_000_000)
    bench.lay_in()
    assert "bring it" in bench.looked(bench.process())
    assert (bench.files, len(bench.asked)) == ({}, 1)
