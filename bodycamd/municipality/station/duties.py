"""What a running station does by itself: it clears what nobody continues to send, looks at its clock, keeps the term, forwards by standing
orders, and calls the next person where nobody has answered a call for help."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool

from bodycamd.errors import BodycamError, StorageError
from bodycamd.municipality.station.figures import SweepFigures
from bodycamd.municipality.station.forwarded_intake import ForwardedIntake
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.receiver_receipts import ReceiverReceipts
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.stamping import Stamping
from bodycamd.municipality.station.standing_forwarding import StandingForwarding
from bodycamd.municipality.station.station_clock import LOOK_SECONDS, StationClock
from bodycamd.municipality.station.sweep import Sweep, Swept

log = logging.getLogger(__name__)

HOUR_SECONDS: Final = 3600
STAGED_SECONDS: Final = 24 * HOUR_SECONDS
"""So long a file that nobody continues may lie half sent; afterwards its camera begins it anew."""
SWEEP_MINUTES: Final = 15
NEXT_SECONDS: Final = 1
FORWARD_SECONDS: Final = 60
"""Between two looks whether anything is to be forwarded by standing orders."""
STAMP_SECONDS: Final = 900
"""Between two looks whether the log is to be stamped."""


class Duties:
    """Of one process. `last_sweep` is of the last one that came to its end in it."""

    def __init__(
        self,
        staging: Staging,
        sweep: Sweep,
        clock: StationClock,
        stamping: Stamping | None,
        desk: HelpDesk | None = None,
        standing: StandingForwarding | None = None,
        receipts: ReceiverReceipts | None = None,
        forwarded: Sequence[ForwardedIntake] = (),
    ) -> None:
        self._receipts, self._forwarded = receipts, forwarded
        self._desk, self._standing = desk, standing
        self._staging, self._sweep, self._clock, self._stamping = staging, sweep, clock, stamping
        self.last_sweep: SweepFigures | None = None

    async def run(self) -> None:
        """All of them, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._clear_staging())
            group.create_task(self._keep_the_term())
            if self._stamping is not None:
                group.create_task(self._stamp(self._stamping))
            if self._desk is not None:
                group.create_task(self._call_next(self._desk))
                group.create_task(self._forget_calls(self._desk))
            if self._standing is not None:
                group.create_task(self._forward(self._standing))
            if self._receipts is not None:
                group.create_task(self._take_receipts(self._receipts))
            for one in self._forwarded:
                group.create_task(self._take_forwarded(one))

    async def _clear_staging(self) -> None:
        while True:
            try:
                removed = await run_in_threadpool(self._staging.remove_old, _now_us() - STAGED_SECONDS * 1_000_000)
            except StorageError as error:
                log.error("%s", error)
            else:
                if removed:
                    log.warning("%d files were half sent, and not continued for a day: removed", removed)
            await asyncio.sleep(HOUR_SECONDS)

    async def _keep_the_term(self) -> None:
        """Look at the clock every minute, and delete what is due every quarter of an hour."""
        while True:
            for _ in range(SWEEP_MINUTES):
                await run_in_threadpool(self._clock.read)
                await asyncio.sleep(LOOK_SECONDS)
            try:
                swept = await run_in_threadpool(self._sweep.run)
            except BodycamError as error:
                log.error("nothing is deleted: %s", error)
            else:
                self.last_sweep = SweepFigures(_now_us(), len(swept.problems), len(swept.undated), len(swept.held))
                _tell(swept, self._clock.read().confirmed)

    async def _stamp(self, stamping: Stamping) -> None:
        """Have the log stamped once a day; what fails is tried again."""
        while True:
            try:
                stamp = await run_in_threadpool(stamping.run, _now_us())
            except BodycamError as error:
                log.error("the log is not stamped: %s", error)
            else:
                if stamp is not None:
                    log.info("the log is stamped as far as line %d", stamp.n)
            await asyncio.sleep(STAMP_SECONDS)

    async def _call_next(self, desk: HelpDesk) -> None:
        """Call whoever is next for a call for help that nobody has answered."""
        while True:
            await asyncio.sleep(NEXT_SECONDS)
            try:
                await run_in_threadpool(desk.call_next)
            except BodycamError as error:
                log.error("help: nobody more is called for now: %s", error)

    async def _forward(self, standing: StandingForwarding) -> None:
        """Forward what standing orders are for; what fails is tried again."""
        while True:
            try:
                ran = await run_in_threadpool(standing.run)
            except BodycamError as error:
                log.error("nothing is forwarded by itself: %s", error)
            else:
                for device, recording, receiver in ran.forwarded:
                    log.info("%s: %s: forwarded to %s", device, recording, receiver)
                for device, recording, receiver in ran.not_shown:
                    log.warning("%s: %s: not forwarded to %s: the station's log says why", device, recording, receiver)
                for problem in ran.problems:
                    log.error("not forwarded yet: %s", problem)
            await asyncio.sleep(FORWARD_SECONDS)

    async def _take_receipts(self, receipts: ReceiverReceipts) -> None:
        """What receivers' own stations say that they have."""
        while True:
            try:
                found = await run_in_threadpool(receipts.run)
            except BodycamError as error:
                log.error("no receipts of receivers are looked at: %s", error)
            else:
                for device, recording, receiver in found.recordings:
                    log.info("%s: %s: %s has given its receipts", device, recording, receiver)
                for problem in found.problems:
                    log.error("a receipt that counts for nothing: %s", problem)
            await asyncio.sleep(FORWARD_SECONDS)

    async def _take_forwarded(self, forwarded: ForwardedIntake) -> None:
        """Take what another municipality's station has forwarded, and delete there what this station's own term is over for."""
        while True:
            for _ in range(SWEEP_MINUTES):
                try:
                    found = await run_in_threadpool(forwarded.run)
                except BodycamError as error:
                    log.error("nothing that was forwarded here is taken: %s", error)
                else:
                    for device, recording in found.taken:
                        log.info("%s: %s: taken, as it was forwarded here", device, recording)
                    for problem in found.problems:
                        log.error("not taken: %s", problem)
                await asyncio.sleep(FORWARD_SECONDS)
            try:
                swept = await run_in_threadpool(forwarded.sweep)
            except BodycamError as error:
                log.error("nothing that was forwarded here is deleted: %s", error)
            else:
                _tell(swept, self._clock.read().confirmed)

    async def _forget_calls(self, desk: HelpDesk) -> None:
        """Also where no new one comes."""
        while True:
            try:
                await run_in_threadpool(desk.forget)
            except BodycamError as error:
                log.error("help: old calls are not forgotten: %s", error)
            await asyncio.sleep(HOUR_SECONDS)


def _tell(swept: Swept, confirmed: bool) -> None:
    for device, recording in swept.deleted:
        log.info("%s: %s: its term is over: deleted", device, recording)
    if swept.undated:
        why = "no confirmed clock says when they came" if confirmed else "the clock is not confirmed: is it synchronised?"
        log.warning("%d recordings cannot be dated, and stay: %s", len(swept.undated), why)


def _now_us() -> int:
    return time.time_ns() // 1000
