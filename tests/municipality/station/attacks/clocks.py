"""Clocks that are wrong, or that there are not, at either place."""

from __future__ import annotations

from bodycamd.evidence import receipts
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import wall_us
from tests.evidence.ordering import RELEASE, SHIFT, ordered
from tests.municipality.station.attacks.attack import COURIER, attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.life import DAY_US
from tests.municipality.station.test_station_clock import started

GROUP = "Clocks"
CAMERA_CLOCK = "the camera's clock"
STATION_CLOCK = "the station's clock"
TEN_YEARS_US = 3_652 * DAY_US
TERM = "retention: a jump is not believed"


@attack(GROUP, "set a camera's clock to 2036, so that it deletes", holds=CAMERA_CLOCK, by=TERM, outcome="nothing is deleted")
def _(ground: Ground) -> str:
    name = ground.camera.record()
    ground.camera.clock.wall_us += TEN_YEARS_US
    assert (ground.camera.sweep(), [path.name for path in (ground.camera.store_folder / "recordings").iterdir()]) == ([], [name])
    return "nothing is deleted"


@attack(GROUP, "begin a shift on a camera whose clock says 2036", holds=CAMERA_CLOCK, by="the recorder", outcome="roster_ended")
def _(ground: Ground) -> str:
    told = ground.camera.deliver(ordered(SHIFT), Now(ground.camera.clock.wall_us + TEN_YEARS_US, trusted=True))
    assert ground.camera.change is None
    return told.outcome


@attack(
    GROUP, "keep a hold from a camera whose clock says 2036", holds=CAMERA_CLOCK, by="the recorder: a hold never expires", outcome="held"
)
def _(ground: Ground) -> str:
    order = ground.camera.to_hold(ground.camera.record())
    told = ground.camera.deliver(order, Now(ground.camera.clock.wall_us + TEN_YEARS_US, trusted=True))
    assert [id for _, id in ground.camera.held] == [order.id]
    return told.outcome


@attack(
    GROUP,
    "bring an ended shift to a camera without a clock",
    holds=COURIER,
    by="the recorder: it is at least so late",
    outcome="order_ended",
)
def _(ground: Ground) -> str:
    return ground.camera.deliver(ordered(SHIFT), Now(ground.camera.clock.wall_us + 2 * DAY_US, trusted=False)).outcome


@attack(
    GROUP,
    "bring an ended release to a camera without a clock",
    holds=COURIER,
    by="the recorder: it is at least so late",
    outcome="order_ended",
)
def _(ground: Ground) -> str:
    name = ground.camera.record()
    order = ground.camera.to_hold(name)
    ground.camera.deliver(order)
    told = ground.camera.deliver(ordered(RELEASE), Now(ground.camera.clock.wall_us + 30 * DAY_US, trusted=False))
    assert ground.camera.held == [(name, order.id)]
    return told.outcome


@attack(
    GROUP,
    "send from a camera whose clock says 2036, so that its copy stays",
    holds=CAMERA_CLOCK,
    by="the station: received plus the term at most",
    outcome="deleted after the term",
)
def _(ground: Ground) -> str:
    life = ground.life
    life.camera.clock.wall_us += TEN_YEARS_US
    life.ahead_us = -TEN_YEARS_US
    name = life.record()
    life.send()
    for raw in life.storage.receipts("HV-01"):
        found = receipts.decode(raw, "x").receipt
        assert wall_us(found.kept_until, "x") <= wall_us(found.stored_at, "x") + 28 * DAY_US
    life.off(28.1)
    swept = life.sweep()
    assert (swept.deleted, life.here) == ((("HV-01", name),), [])
    return "deleted after the term"


@attack(
    GROUP,
    "send from a camera whose clock says 2016, so that its copy goes",
    holds=CAMERA_CLOCK,
    by="the station: not before its term is provably over",
    outcome="the copy stays",
)
def _(ground: Ground) -> str:
    life = ground.life
    life.camera.clock.wall_us -= TEN_YEARS_US
    life.ahead_us = TEN_YEARS_US
    life.camera.clock.trusted = False
    name = life.record()
    life.send()
    assert (life.sweep().deleted, life.here) == ((), [name])
    return "the copy stays"


@attack(
    GROUP,
    "set the station's clock two years ahead",
    holds=STATION_CLOCK,
    by="the station: its clock is confirmed no more",
    outcome="nothing is deleted",
)
def _(ground: Ground) -> str:
    life = ground.life
    name = life.record(segments=1, fragments=1)
    life.send()
    started(life)
    life.ahead_us = 730 * DAY_US
    assert (life.sweep().deleted, life.here) == ((), [name])
    return "nothing is deleted"


@attack(
    GROUP, "run a station whose clock nobody confirms", holds=STATION_CLOCK, by="the station", outcome="nothing is deleted, and it is told"
)
def _(ground: Ground) -> str:
    life = ground.life
    name = life.record()
    life.send()
    life.off(40)
    life.confirmed = False
    swept = life.sweep()
    assert (swept.deleted, swept.undated) == ((), (("HV-01", name),))
    return "nothing is deleted, and it is told"
