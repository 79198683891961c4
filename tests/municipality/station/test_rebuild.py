"""The index made anew is the one that was, whatever was sent; and what does not verify does not come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from bodycamd.errors import DataError
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.rebuild import Rebuilt, rebuild
from bodycamd.municipality.station.tables import metadata
from tests.kit.scale import count
from tests.municipality.station.conftest import STATION_KEY, FilmedStore, Station
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment


def rows(file: Path) -> dict[str, list[Any]]:
    """All of an index in a file."""
    return rows_of(f"sqlite:///{file}")


def rows_of(url: str) -> dict[str, list[Any]]:
    """All of an index."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {table.name: sorted(connection.execute(select(table)).all()) for table in metadata.sorted_tables}
    engine.dispose()
    return found


def rebuilt(station: Station, filmed: FilmedStore) -> tuple[Rebuilt, Path]:
    """A new index beside the old one."""
    file = station.root / "new.sqlite"
    file.unlink(missing_ok=True)
    index = Index.open(f"sqlite:///{file}")
    try:
        return rebuild(index, station.storage, {"cam-7": filmed.first_key}, STATION_KEY.public), file
    finally:
        index.close()


@settings(max_examples=count(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_it_is_the_index_that_was(filmed: FilmedStore, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    with Station(tmp_path_factory.mktemp("station"), {filmed.sender.uplink_key.id: filmed.sender}) as station:
        link = CameraLink(station.client, "cam-7", filmed.uplink_key)
        if data.draw(st.booleans()):
            send_ledger(link, filmed.store)
            for file in data.draw(st.permutations(list(sealed(filmed.store))))[: data.draw(st.integers(0, 4))]:
                send_segment(link, file)
            if data.draw(st.booleans()):
                link.ask("POST", "receipts")
        done, file = rebuilt(station, filmed)
        assert done.problems == ()
        assert rows(file) == rows(station.root / "index.sqlite")


def test_an_index_that_holds_something_is_left_as_it_is(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    send_ledger(link, filmed.store)
    before = rows(station.root / "index.sqlite")
    with pytest.raises(DataError, match="not empty"):
        rebuild(station.index, station.storage, {"cam-7": filmed.first_key}, STATION_KEY.public)
    assert rows(station.root / "index.sqlite") == before


def test_lines_that_two_keep_at_once_are_all_kept(tmp_path: Path) -> None:
    """Two cameras, or two processes: who has read fewer lines of the log comes last."""
    storage = FolderStorage(tmp_path)
    lines = [b"line %d" % number for number in range(1, 8)]
    storage.put_audit(1, lines[:3])
    storage.put_audit(4, lines[3:6])
    storage.put_audit(4, lines[3:5])
    storage.put_audit(7, lines[6:])
    assert list(storage.audit_lines()) == lines
