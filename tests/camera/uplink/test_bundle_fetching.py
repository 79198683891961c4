"""Bundles from a real station and from lying ones into the uplink's folder: whole and as they are named, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.uplink.__main__ import serve
from bodycamd.camera.uplink.allowance import MEGABYTE
from bodycamd.camera.uplink.bundle_fetching import PART_BYTES, BundleFetching
from bodycamd.camera.uplink.bundle_spool import BundleSpool
from bodycamd.camera.uplink.order import FOOTAGE_BYTES, FREE_BYTES, Conditions, bundle_lacks_room, bundle_makes_way, bundle_waits
from bodycamd.camera.uplink.station_link import Reply, StationError
from bodycamd.errors import DataError, StorageError
from tests.camera.uplink.bundle_bench import DOCKED, FIELD, Bench, KilledError, honest
from tests.kit.bundles import FILES, Release
from tests.kit.scale import count, only_in_full


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name in ("state", "release"):
        (tmp_path / name).mkdir()
    return Bench(tmp_path / "state", Release(tmp_path / "release"))


def test_what_an_order_names_comes_whole_in_parts_and_goes_with_the_order(bench: Bench) -> None:
    name = bench.lay_in()
    fetching = bench.process()
    assert bench.looked(fetching) == f"bundle {name[:16]} is here: bodycamd bundle update --ordered"
    assert bench.files == {f"{name}.bundle": bench.there[name]}
    assert all(most <= PART_BYTES for _, most in bench.asked)
    assert sum(most for _, most in bench.asked) == len(bench.there[name]), "not a byte more is asked for"
    bench.looked(fetching)
    assert bench.said[-1] == fetching.doing, "the recorder hears of it"
    bench.asked.clear()
    assert bench.later(bench.process()) == fetching.doing, "a new process finds it there"
    assert bench.asked == []
    bench.wanted.clear()
    assert bench.later(fetching) == ""
    assert bench.files == {}


def test_nothing_is_asked_of_anybody_where_nothing_is_wanted(bench: Bench) -> None:
    fetching = bench.process()
    for _ in range(5):
        bench.looked(fetching)
    assert (len(bench.said), bench.asked, list(bench.folder.iterdir())) == (1, [], [])
    fetching.ask_soon()
    bench.looked(fetching)
    assert len(bench.said) == 2


def test_killed_at_any_step_it_goes_on_where_it_was(bench: Bench) -> None:
    name = bench.lay_in()
    steps = kills = 0

    def step() -> None:
        nonlocal steps
        steps -= 1
        if steps < 0:
            raise KilledError

    bench.step = step
    while True:
        steps = kills % 7 + 2
        bench.seconds += 1
        try:
            bench.looked(bench.process())
            break
        except KilledError:
            kills += 1
            assert kills < 60
    assert kills > 2
    assert bench.files == {f"{name}.bundle": bench.there[name]}
    fetched = sum(most for _, most in bench.asked)
    assert fetched <= len(bench.there[name]) + kills * PART_BYTES


@pytest.mark.parametrize("at", [0, 3, 4, 5, 6])
def test_killed_at_any_change_of_the_folder_it_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    name, left = bench.lay_in(), at
    for module, attribute in ((os, "rename"), (BundleSpool, "append"), (BundleSpool, "complete")):
        real = getattr(module, attribute)

        def killed(*words: Any, real: Any = real, **more: Any) -> Any:
            nonlocal left
            if (left := left - 1) == -1:
                raise KilledError
            return real(*words, **more)

        monkeypatch.setattr(module, attribute, killed)
    with pytest.raises(KilledError):
        bench.looked(bench.process())
    monkeypatch.undo()
    bench.looked(bench.process())
    assert bench.files == {f"{name}.bundle": bench.there[name]}


@settings(max_examples=count(100))
@given(cut=st.integers(0, 4000), junk=st.binary(max_size=40))
def test_whatever_a_power_cut_left_it_comes_to_the_whole(tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes) -> None:
    """A beginning with something else behind it, zeros for one: it is found, and fetched anew."""
    root = tmp_path_factory.mktemp("cut")
    bench = Bench(root, Release(root))
    name = bench.lay_in(files=dict(FILES))
    (root / "bundles").mkdir()
    (root / "bundles" / f"{name}.part").write_bytes(bench.there[name][:cut] + junk)
    fetching = bench.process()
    bench.looked(fetching)
    bench.later(fetching, 4000)
    assert bench.files == {f"{name}.bundle": bench.there[name]}


def test_what_the_station_does_not_have_is_asked_for_again_soon(bench: Bench) -> None:
    name = bench.lay_in()
    content = bench.there.pop(name)
    fetching = bench.process()
    assert "bodycamd station bundle add" in bench.looked(fetching)
    bench.there[name] = content
    bench.later(fetching)
    assert f"{name}.bundle" in bench.files


@pytest.mark.parametrize("status", [500, 204, 301, 422])
def test_an_answer_that_is_no_stations_is_tried_again(bench: Bench, status: int) -> None:
    bench.lay_in()
    bench.answer = lambda *_: Reply(status, {}, b"")
    with pytest.raises(StationError):
        bench.process().look(DOCKED)


def test_where_the_station_gives_no_more_for_now_it_waits(bench: Bench) -> None:
    bench.lay_in()
    bench.answer = lambda *_: Reply(429, {"retry-after": "999999"}, b"")
    fetching = bench.process()
    assert "no more for now" in bench.looked(fetching)
    bench.looked(fetching)
    assert len(bench.asked) == 1
    bench.answer = None
    assert "is here" in bench.later(fetching, 30), "and never longer than half a minute"


def test_one_at_a_time_the_newest_orders_first(bench: Bench) -> None:
    first, second = bench.lay_in("0.3.0", dict(FILES)), bench.lay_in("0.4.0", dict(FILES))
    fetching = bench.process()
    assert fetching.look(DOCKED)
    assert list(bench.files) == [f"{second}.bundle"]
    bench.later(fetching)
    assert set(bench.files) == {f"{first}.bundle", f"{second}.bundle"}


def slow(bench: Bench) -> Callable[[bytes, int, int], Reply]:
    """A station that takes a second and a half for each part."""

    def answer(content: bytes, offset: int, most: int) -> Reply:
        bench.seconds += 1.5
        return honest(content, offset, most)

    return answer


def test_a_look_takes_a_while_and_no_longer(bench: Bench) -> None:
    """Then footage is looked at again."""
    bench.lay_in()
    bench.answer = slow(bench)
    fetching = bench.process()
    assert fetching.look(DOCKED)
    assert len(bench.asked) == 2
    assert "fetches it, 0.3 of 1.3 MB" in fetching.doing


# --- when, and how much -------------------------------------------------------------------------------------------------------------------


def test_away_from_the_dock_it_takes_a_data_allowance_that_somebody_gave(bench: Bench) -> None:
    name = bench.lay_in()
    assert "waits for the dock" in bench.looked(bench.process(), FIELD)
    bench.upload = "held_first"
    assert "waits for the dock" in bench.looked(bench.process(), FIELD)
    bench.upload = "always"
    none = Conditions(link_up=False, charging=False, battery_percent=80.0, left_bytes=None)
    assert "it takes a data allowance" in bench.looked(bench.process(), none)
    low = Conditions(link_up=False, charging=False, battery_percent=20.0, left_bytes=10**9)
    assert "waits for charge" in bench.looked(bench.process(), low)
    assert bench.asked == []
    bench.megabytes = 1
    fetching = bench.process()
    assert "today's data allowance is used up" in bench.looked(fetching, FIELD)
    assert sum(most for _, most in bench.asked) <= MEGABYTE
    assert "is here" in bench.later(fetching, 60), "and in the dock it comes to its end"
    assert bench.files == {f"{name}.bundle": bench.there[name]}


def room(monkeypatch: pytest.MonkeyPatch, free_bytes: int, folder: Path) -> None:
    monkeypatch.setattr(BundleSpool, "room", lambda _: (free_bytes, folder.stat().st_dev))


def test_footage_has_the_first_word_on_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    name = bench.lay_in()
    room(monkeypatch, FREE_BYTES, bench.folder)
    fetching = bench.process()
    assert "waits for room" in bench.looked(fetching)
    room(monkeypatch, 10**10, bench.folder)
    bench.shared, bench.footage_bytes = True, FOOTAGE_BYTES
    assert "footage keeps 2 GB" in bench.later(fetching)
    assert bench.asked == []
    bench.footage_bytes = 10**10
    assert "is here" in bench.later(fetching)
    bench.footage_bytes = 0
    assert "footage keeps 2 GB" in bench.later(fetching), "it has made way"
    assert set(bench.files) <= {f"{name}.part"}
    assert sum(map(len, bench.files.values())) == 0
    bench.shared = False
    assert "is here" in bench.later(fetching), "another disk's footage is no matter"
    room(monkeypatch, FREE_BYTES // 2 - 1, bench.folder)
    assert "waits for room" in bench.later(fetching)


class Sends:
    """`Sending` that does as it is told: an error, or a pause. Away from the dock."""

    steps, docked, conditions = 0, False, FIELD

    def __init__(self, told: float | StationError) -> None:
        self.told = told

    def look(self) -> float:
        if isinstance(self.told, StationError):
            raise self.told
        return self.told


class Asks:
    """`Fetching` without a station."""

    steps = 0

    def look(self, **_: bool) -> bool:
        raise StationError("No route to host")

    def rest(self, _: float) -> None:
        """For as long as it likes."""


class Hears:
    """`RecorderLink`, as far as `serve` uses it."""

    doing = trouble = ""

    def waiting(self) -> None:
        """It is there."""


def served(bench: Bench, fetching: BundleFetching, sends: Sends, turns: int) -> None:
    """So many turns of the uplink, a minute each."""
    left = turns

    def passes(_: object = None) -> None:
        nonlocal left
        bench.seconds += 60
        if (left := left - 1) < 0:
            raise KilledError

    if sends.told == 0.0:  # footage that goes on and on: no pause between
        sends.look = lambda: (passes(), 0.0)[1]  # type: ignore[method-assign, func-returns-value]
    with pytest.raises(KilledError):
        serve(cast(Any, sends), cast(Any, Asks()), fetching, cast(Any, Hears()), 60.0, passes)


@pytest.mark.parametrize("told", [StationError("No route to host"), 0.0, 5.0], ids=["no station", "footage waits", "nothing waits"])
@pytest.mark.parametrize("rests", [False, True])
def test_a_bundle_makes_way_whatever_else_goes_on(
    bench: Bench, told: float | StationError, rests: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A camera in the field whose disk fills: nothing is sent, or footage waits without end, or bundles rest after a failure."""
    name = bench.lay_in()
    bench.shared, bench.footage_bytes = True, 10**10
    fetching = bench.process()
    bench.looked(fetching)
    served(bench, fetching, Sends(told), 3)
    assert set(bench.files) == {f"{name}.bundle"}, "there is room"
    bench.footage_bytes = FOOTAGE_BYTES // 2 - 1
    if rests:
        fetching.rest(10**9, "no station")
    served(bench, fetching, Sends(told), 3)
    assert f"{name}.bundle" not in bench.files
    assert sum(map(len, bench.files.values())) == 0
    assert "is here" not in bench.said[-1], "the recorder hears of it"
    assert len([one for one in caplog.records if "the room is needed" in one.getMessage()]) == 1


def test_what_no_order_names_any_more_goes_without_a_station_too(bench: Bench) -> None:
    bench.lay_in()
    fetching = bench.process()
    bench.looked(fetching)
    bench.wanted.clear()
    served(bench, fetching, Sends(StationError("No route to host")), 3)
    assert bench.files == {}
    said = len(bench.said)
    served(bench, fetching, Sends(StationError("No route to host")), 10)
    assert len(bench.said) <= said + 1, "where nothing is here nobody is asked"


def test_while_footage_waits_fetching_loses_nothing(bench: Bench) -> None:
    """The look for room does not have the next part wait."""
    bench.lay_in()
    bench.answer = slow(bench)
    fetching = bench.process()
    assert fetching.look(DOCKED)
    bench.seconds += 61
    fetching.make_way()
    fetching.make_way()
    parts = len(bench.asked)
    assert fetching.look(DOCKED)
    assert len(bench.asked) > parts


def test_a_full_disk_is_told_and_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    name = bench.lay_in()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.writev", full)
    fetching = bench.process()
    with pytest.raises(StorageError, match="No space left"):
        bench.looked(fetching)
    monkeypatch.undo()
    bench.later(fetching)
    assert bench.files == {f"{name}.bundle": bench.there[name]}


@only_in_full
@given(free=st.integers(0, 10**11), footage=st.none() | st.integers(0, 10**11), missing=st.integers(0, 512 << 20), steps=st.integers(1, 50))
def test_a_bundle_never_takes_what_it_would_have_to_give_back(free: int, footage: int | None, missing: int, steps: int) -> None:
    """Fetched to its end where it may begin, it does not make way at once; and nothing is fetched below the floor."""
    for _ in range(steps):
        if bundle_lacks_room(missing, free, footage):
            break
        part = min(missing, PART_BYTES)
        free, missing = free - part, missing - part
        footage = None if footage is None else footage - part
        assert free >= FREE_BYTES
        assert not bundle_makes_way(free, footage)


@pytest.mark.parametrize("upload", ["dock", "held_first", "always"])
def test_in_the_dock_nothing_else_is_asked(upload: Any) -> None:
    assert bundle_waits(upload, DOCKED, 30) == ""


@pytest.mark.parametrize("plant", ["a link", "a folder", "a pipe"])
def test_what_else_lies_in_its_folder_does_no_harm(bench: Bench, plant: str, tmp_path: Path) -> None:
    name = bench.lay_in(files=dict(FILES))
    place = bench.folder / "bundles" / f"{name}.part"
    place.parent.mkdir()
    (tmp_path / "precious").write_text("precious")
    made: dict[str, Callable[[], object]] = {
        "a link": lambda: place.symlink_to(tmp_path / "precious"),
        "a folder": place.mkdir,
        "a pipe": lambda: os.mkfifo(place),
    }
    made[plant]()
    with pytest.raises(DataError):
        bench.looked(bench.process())
    assert (tmp_path / "precious").read_text() == "precious"
