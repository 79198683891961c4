"""A lease is one process's at a time: here of one process and many; of many processes in test_contention and test_postgres."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.municipality.station.database import Database
from bodycamd.municipality.station.leases import Leases, database_now_us
from bodycamd.municipality.station.stamping import Stamping
from bodycamd.municipality.station.timestamp_authority import TimestampAuthority, load_roots
from tests.kit.scale import count
from tests.municipality.station.authority import Authority
from tests.municipality.station.life import DEVICE, Life
from tests.municipality.station.test_stamps import Stamped

SECOND_US = 1_000_000
DEEDS = ("take", "renew", "give back", "give back late", "wait")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database.open(f"sqlite:///{tmp_path}/index.sqlite")
    yield found
    found.close()


@settings(max_examples=count(200))
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 2), st.integers(1, 50)), max_size=30))
def test_any_order(deeds: list[tuple[str, int, int]]) -> None:
    """Against a model: whoever holds it has it until he gives it back, his time is over or somebody takes it for less time than he still
    has; nobody takes or ends it else."""
    database = Database.open("sqlite://")
    now_us, model = 0, ("", 0)
    words: list[list[str]] = [[], [], []]
    leases = Leases(database, lambda _: now_us)
    for deed, who, seconds in deeds:
        match deed:
            case "take":
                holder = leases.take("x", seconds)
                assert (holder is not None) == (not 0 < model[1] - now_us <= seconds * SECOND_US)
                if holder is not None:
                    words[who].append(holder)
                    model = (holder, now_us + seconds * SECOND_US)
            case "renew" if words[who]:
                own = words[who][-1] == model[0]
                assert leases.renew("x", words[who][-1], seconds) == own, "also when its time is over, and nobody has taken it"
                model = (model[0], now_us + seconds * SECOND_US) if own else model
            case "give back" if words[who]:
                leases.give_back("x", words[who][-1])
                model = ("", 0) if words[who][-1] == model[0] else model
            case "give back late" if words[who]:
                leases.give_back("x", words[who][0])
                model = ("", 0) if words[who][0] == model[0] else model
            case "wait":
                now_us += seconds * SECOND_US
    database.close()


def test_by_the_clock_that_all_share(database: Database) -> None:
    with database.transaction() as connection:
        first = database_now_us(connection)
        assert database_now_us(connection) >= first > 1_700_000_000 * SECOND_US


def test_a_lease_by_a_clock_that_was_ahead_is_nobodys(database: Database) -> None:
    year_us = 365 * 86_400 * SECOND_US
    assert Leases(database, lambda _: 10 * year_us).take("x") is not None
    assert Leases(database, lambda _: year_us).take("x") is not None
    assert Leases(database, lambda _: year_us + SECOND_US).take("x") is None


def test_a_clock_that_is_set_back_holds_nobody_up_for_longer_than_was_asked_for(database: Database) -> None:
    hour_us = 3600 * SECOND_US
    assert Leases(database, lambda _: 2 * hour_us).take("help/HV-01", 10) is not None
    assert Leases(database, lambda _: 2 * hour_us - SECOND_US * 1800).take("help/HV-01", 10) is not None
    assert Leases(database, lambda _: 2 * hour_us - SECOND_US * 1800).take("help/HV-01", 10) is None


def test_an_index_with_a_lease_alone_is_empty(database: Database) -> None:
    assert Leases(database).take("x") is not None
    assert database.is_empty()


def test_what_fails_under_it_gives_it_back(database: Database) -> None:
    leases = Leases(database)
    with pytest.raises(ZeroDivisionError), leases.held("x"):
        raise ZeroDivisionError
    with leases.held("x") as mine, leases.held("x") as other, leases.held("y") as another:
        assert (mine, other, another) == (True, False, True)


def test_a_camera_that_another_process_sweeps_is_left_to_it(tmp_path: Path) -> None:
    life = Life(tmp_path)
    name = life.record(segments=1, fragments=1)
    life.send()
    life.off(29)
    other = Leases(life.index.database)
    with other.held(f"sweep/{DEVICE}"):
        assert life.sweep().deleted == ()
    assert life.sweep().deleted == ((DEVICE, name),)
    life.close()


def test_of_two_processes_one_asks_for_a_stamp(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tsa")
    (tmp_path / "station").mkdir()
    with authority.listening():
        log = Stamped(tmp_path / "station", authority)
        log.grow()
        other = Stamping(TimestampAuthority(authority.url), load_roots(authority.ca), log.index, log.storage)
        with Leases(log.index.database).held("stamp"):
            assert log.run() is None
        assert log.run() is not None
        log.grow()
        assert log.stamping.last is not None
        assert other.run(log.stamping.last.at_us) is None
        assert other.last == log.stamping.last
        assert len(authority.asked) == 1
        log.index.close()
