"""A receiver's disk is its own: where it is not mounted, nothing goes to the station's."""

from __future__ import annotations

import tempfile

import pytest
from msgspec.structs import replace

from bodycamd.errors import UnavailableError
from tests.municipality.station.life import Life
from tests.municipality.station.test_forwarding import forward, logged, receiver, to_forward, tree


def test_a_disk_that_is_not_mounted_gets_nothing(life: Life) -> None:
    """No folder; an empty mount point on the station's own disk. On another disk, or where it is meant, it goes."""
    name = life.record()
    life.send()
    order, empty = to_forward(life, name), life.root / "mnt"
    gone = replace(receiver(life), folder=str(empty / "meldkamer"), same_disk=False)
    with pytest.raises(UnavailableError, match=f"there is no folder {empty}/meldkamer: mount the disk first"):
        forward(life, order, receivers=[gone])
    with pytest.raises(UnavailableError, match="there is no folder"):
        forward(life, order, receivers=[replace(gone, same_disk=True)])
    (empty / "meldkamer").mkdir(parents=True)
    with pytest.raises(UnavailableError, match="on the station's own disk: mount the receiver's first"):
        forward(life, order, receivers=[gone])
    assert (logged(life), tree(empty)) == ([], {})
    with tempfile.TemporaryDirectory(dir="/dev/shm") as mounted:
        assert forward(life, order, receivers=[replace(gone, folder=mounted)]).store.startswith(mounted)
