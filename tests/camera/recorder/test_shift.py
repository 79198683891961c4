"""Which shift is open when the daemon starts again: the last one of this boot that was not ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.keys import provision
from bodycamd.linux.clock import SettableClock
from tests.kit.scale import one_in

BEGIN, END = ("shift_begin", "H-12"), ("shift_end", "H-12")
OTHER = ("shift_begin", "H-13")


@one_in(2)
@pytest.mark.parametrize(
    ("starts", "officer"),
    [
        ([("boot", [])], ""),
        ([("boot", [BEGIN])], "H-12"),
        ([("boot", [BEGIN, END])], ""),
        ([("boot", [BEGIN, END, OTHER])], "H-13"),
        ([("boot", [BEGIN]), ("boot", []), ("boot", [])], "H-12"),
        ([("boot", [BEGIN]), ("boot", [END])], ""),
        ([("boot before", [BEGIN]), ("boot", [])], ""),
        ([("boot", [BEGIN]), ("boot before", []), ("boot", [])], ""),
    ],
)
def test_the_open_shift(tmp_path: Path, starts: list[tuple[str, list[tuple[str, str]]]], officer: str) -> None:
    provision(tmp_path / "keys")
    for boot_id, entries in starts:
        folder, keys, boot = tmp_path / "store", tmp_path / "keys", boot_id.replace(" ", "-")
        store = Store.open(folder, signing=keys, device_id="cam", clock=SettableClock(), config_sha256="0" * 64, boot_id=boot)
        for type, name in entries:
            store.ledger.append(type, {"officer": name})
        store.close()
    store = Store.open(folder, signing=keys, device_id="cam", clock=SettableClock(), config_sha256="0" * 64, boot_id="boot")
    store.close()
    assert (store.shift.officer if store.shift is not None else "") == officer
