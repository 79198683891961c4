"""Whole lives of a camera and its station, which loses what it has at any time and is restored from any backup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError
from tests.kit.scale import count, only_in_full
from tests.municipality.station.kept import Kept
from tests.municipality.station.life import DEVICE
from tests.municipality.station.test_deletion import DEEDS, Lived


class LivedTwice(Lived):
    """A life in which the station loses what it has, at any time."""

    life: Kept

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.life.close()
        self.life = Kept(root / "kept")
        self.backups: list[Path] = []

    def do(self, deed: str | float) -> None:
        if deed in OWN:
            self.nonce += 1
            self.done[str(deed)] += OWN[str(deed)](self)
        else:
            super().do(deed)

    def back_up(self) -> bool:
        try:
            self.backups.append(self.life.back_up().path)
        except DataError:
            return False  # nothing happened since the last one: it is of the same second
        self.backups = [path for path in self.backups if path.exists()]
        return True

    def lose_index(self) -> bool:
        return self._lose(files_too=False)

    def lose_all(self) -> bool:
        return self._lose(files_too=True)

    def lose_all_long_ago(self) -> bool:
        return self._lose(files_too=True, oldest=True)

    def _lose(self, *, files_too: bool, oldest: bool = False) -> bool:
        if self.backups:
            self.life.restore(self.backups[0 if oldest else -1], files_too=files_too)
            self.life.send_ledger()  # the camera finds it again
            if "000001.jsonl" in [path.name for path in (self.life.storage.camera(DEVICE) / "store" / "ledger").iterdir()]:
                self.life.intake.ledger_receipt(DEVICE, self.life.first_key)
        return bool(self.backups)

    def state(self) -> bool:
        self.life.send_ledger()
        return self.life.state_receipts(self.nonce % 3 + 1) > 0

    def poll(self) -> bool:
        self.life.poll()
        return bool(self.life.numbers)


OWN: dict[str, Callable[[LivedTwice], bool]] = {
    name: getattr(LivedTwice, name) for name in ("back_up", "lose_index", "lose_all", "lose_all_long_ago", "state", "poll")
}


@only_in_full
@pytest.mark.timeout(600)
@settings(max_examples=count(40))
@given(st.lists(st.one_of(st.sampled_from(sorted(OWN) * 2 + sorted(DEEDS)), st.floats(0.5, 15)), min_size=8, max_size=30))
def test_lives_with_restores(tmp_path_factory: pytest.TempPathFactory, deeds: list[str | float]) -> None:
    """Nothing early, nothing late, no held one lost, no fork, and the index is what a rebuild makes of it, whatever is lost when."""
    lived = LivedTwice(tmp_path_factory.mktemp("life"))
    for deed in ["record", "send", "state", "back_up", *deeds]:
        lived.do(deed)
    lived.life.send()
    lived.life.state_receipts()
    lived.end()
