"""Sending and fetching in turns: neither holds up the other, and each pauses for itself."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from bodycamd.camera.uplink.__main__ import serve
from bodycamd.camera.uplink.bundle_fetching import BundleFetching
from bodycamd.camera.uplink.fetching import Fetching
from bodycamd.camera.uplink.recorder_link import RecorderLink
from bodycamd.camera.uplink.sending import Sending
from bodycamd.camera.uplink.station_link import StationError
from bodycamd.errors import BodycamError, DataError


class KilledError(BaseException):
    """The process is gone."""


class Told:
    """A recorder that is told; `gone`: it does not answer."""

    def __init__(self, gone: BodycamError | None = None) -> None:
        self.doing = self.trouble = ""
        self.gone = gone

    def waiting(self) -> None:
        if self.gone is not None:
            raise self.gone


class Turns:
    """`Sending` and `Fetching` that do as they are told: a pause, whether something came, or an error."""

    def __init__(self, *told: float | bool | BodycamError) -> None:
        self.told, self.count, self.steps, self.docked = list(told), 0, 0, True
        self.rests: list[float] = []
        self.whys: list[str] = []
        self.soon = self.ways = 0
        self.conditions = None

    def look(self, *_: object, **__: bool) -> Any:
        found = self.told[min(self.count, len(self.told) - 1)]
        self.count += 1
        if isinstance(found, BodycamError):
            raise found
        return found

    def rest(self, seconds: float, why: str = "") -> None:
        self.rests.append(seconds)
        self.whys.append(why)

    def make_way(self) -> None:
        self.ways += 1

    def ask_soon(self) -> None:
        self.soon += 1


def served(sending: Turns, fetching: Turns, recorder: Told, turns: int, bundles: Turns | None = None) -> list[float]:
    """How long it slept."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == turns:
            raise KilledError

    with pytest.raises(KilledError):
        serve(
            cast(Sending, sending),
            cast(Fetching, fetching),
            cast(BundleFetching, bundles or Turns(False)),
            cast(RecorderLink, recorder),
            300,
            sleep,
        )
    return slept


def test_what_does_not_go_on_does_not_hold_up_the_other(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    recorder = Told()
    failing, well = Turns(StationError("no station")), Turns(5.0)
    served(well, failing, recorder, 4)
    assert (well.count, failing.count, recorder.trouble) == (4, 4, "orders: no station")
    assert [0.5 * 2**n <= seconds <= 2**n for n, seconds in enumerate(failing.rests)] == [True] * 4, "the pauses grow"
    assert [record.getMessage() for record in caplog.records] == ["no station"]
    failing, well = Turns(DataError("no receipt")), Turns(False)
    served(failing, well, recorder, 4)
    assert (well.count, failing.count, recorder.trouble, recorder.doing) == (4, 4, "", "tries again: no receipt")


def test_after_an_order_the_ledger_goes_up_at_once() -> None:
    recorder = Told()
    sending, fetching = Turns(5.0), Turns(True, True, False)
    assert len(served(sending, fetching, recorder, 1)) == 1
    assert sending.count == 3


def test_without_a_recorder_the_station_is_not_asked() -> None:
    gone, fetching = DataError("no daemon listens"), Turns(False)
    served(Turns(gone), fetching, Told(gone), 3)
    assert fetching.count == 0


def test_bundles_come_while_no_footage_waits_and_hold_up_nobody() -> None:
    recorder, bundles = Told(), Turns(False)
    served(Turns(0.0, 0.0, 5.0), Turns(False), recorder, 3, bundles)
    assert bundles.count == 1, "footage waited twice"
    bundles = Turns(True, True, False)
    assert len(served(Turns(5.0), Turns(False), recorder, 1, bundles)) == 1
    assert bundles.count == 3, "no pause while there is more of it"
    failing, well = Turns(StationError("no station")), Turns(False)
    served(Turns(5.0), well, recorder, 3, failing)
    assert (well.count, failing.count, failing.whys[0], recorder.trouble) == (3, 3, "tries again: no station", "")
    assert [0.5 * 2**n <= seconds <= 2**n for n, seconds in enumerate(failing.rests)] == [True] * 3, "the pauses grow"
    told = Turns(False)
    served(Turns(5.0), Turns(True, False), recorder, 1, told)
    assert told.soon == 1, "what came may be an order to update"
