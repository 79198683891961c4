"""What a card does to a bundle that has come: it is found, dropped and fetched again, and keeps no other one out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from bodycamd.camera.uplink import bundle_fetching
from bodycamd.camera.uplink.bundle_spool import BundleSpool
from bodycamd.errors import StorageError
from bodycamd.linux import foreign
from tests.camera.uplink.bundle_bench import Bench
from tests.kit.bundles import Release


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name in ("state", "release"):
        (tmp_path / name).mkdir()
    return Bench(tmp_path / "state", Release(tmp_path / "release"))


@pytest.mark.parametrize("bad", ["a byte", "its end", "a link"])
def test_what_goes_bad_on_the_card_after_its_check_is_fetched_again(bench: Bench, bad: str, tmp_path: Path) -> None:
    name = bench.lay_in()
    fetching = bench.process()
    bench.looked(fetching)
    place, good = bench.folder / "bundles" / f"{name}.bundle", bench.there[name]
    if bad == "a link":
        (tmp_path / "elsewhere").write_bytes(good)
        place.unlink()
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.write_bytes(good[:-1] if bad == "its end" else good[:700_000] + bytes([good[700_000] ^ 1]) + good[700_001:])
    for _ in range(25):
        bench.later(fetching, 3600)
    assert not place.is_symlink()
    assert bench.files == {f"{name}.bundle": good}
    asked = len(bench.asked)
    for _ in range(60):
        bench.later(fetching, 3600)
    assert len(bench.asked) == asked, "what is good stays"


class Broken:
    """A file on a card that has lost what is behind its beginning."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> Broken:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, most: int) -> bytes:
        if self._file.tell() > 100_000:
            raise OSError(5, "Input/output error")
        return cast(bytes, self._file.read(most))


@pytest.mark.parametrize("removable", [True, False])
def test_one_that_the_card_cannot_read_keeps_no_other_out(bench: Bench, monkeypatch: pytest.MonkeyPatch, removable: bool) -> None:
    name = bench.lay_in("0.4.0")
    bench.looked(bench.process())
    older = bench.lay_in("0.3.0")
    bench.wanted = [older, name]
    with monkeypatch.context() as patch:
        patch.setattr(bundle_fetching, "open_file", lambda path: Broken(foreign.open_file(path)))
        if not removable:
            patch.setattr(BundleSpool, "drop", lambda *_: (_ for _ in ()).throw(StorageError("Read-only file system")))
        fetching = bench.process()
        bench.looked(fetching)
    if not removable:
        assert bench.files[f"{older}.bundle"] == bench.there[older]
    for _ in range(3):
        bench.later(fetching, 3600)
    assert bench.files == {f"{one}.bundle": bench.there[one] for one in (name, older)}


def test_a_beginning_that_the_card_cannot_read_is_fetched_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    name, real = bench.lay_in(), BundleSpool.part
    fetching = bench.process()

    @contextmanager
    def broken(self: BundleSpool, name: str) -> Iterator[Any]:
        with real(self, name) as file:
            yield Broken(file)

    with monkeypatch.context() as patch:
        patch.setattr(BundleSpool, "part", broken)
        assert "cannot be read" in bench.looked(fetching)
        assert bench.files == {}
    bench.later(fetching, 3600)
    assert bench.files == {f"{name}.bundle": bench.there[name]}
