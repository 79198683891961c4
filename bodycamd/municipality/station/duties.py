"""What a running station does by itself: it clears what nobody continues to send, looks at its clock, keeps the term, forwards by standing
orders, and calls the next person where nobody has answered a call for help."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from starlette.concurrency import run_in_threadpool

from bodycamd.errors import BodycamError, StorageError
from bodycamd.municipality.station.figures import SweepFigures
from bodycamd.municipality.station.forwarded_intake import ForwardedIntake
from bodycamd.municipality.station.help_desk import HelpDesk
from bodycamd.municipality.station.own_thread import OwnThread, end_all
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
SWEEP_SECONDS: Final = SWEEP_MINUTES * 60
STOP_SECONDS: Final = 3
"""So long a station that stops waits for what looks at receivers and senders."""
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
        standing: Mapping[str, StandingForwarding] = MappingProxyType({}),
        receipts: Mapping[str, ReceiverReceipts] = MappingProxyType({}),
        forwarded: Mapping[str, ForwardedIntake] = MappingProxyType({}),
    ) -> None:
        """The last three by receiver or sender: each has a thread of its own."""
        self._desk = desk
        self._threads = [
            *(OwnThread(f"to {name}", partial(_forward, one), FORWARD_SECONDS, one.end) for name, one in standing.items()),
            *(OwnThread(f"receipts of {name}", partial(_take_receipts, one), FORWARD_SECONDS) for name, one in receipts.items()),
            *(OwnThread(f"from {name}", partial(_take_forwarded, one), FORWARD_SECONDS) for name, one in forwarded.items()),
            *(
                OwnThread(f"term of {name}", partial(_sweep_forwarded, one, clock), SWEEP_SECONDS, pauses_first=True)
                for name, one in forwarded.items()
            ),
        ]
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
            for thread in self._threads:
                group.create_task(thread.run())

    def end(self) -> None:
        """End what has a thread of its own, which goes on where it was at the next start. One that hangs is not waited for."""
        if left := end_all(self._threads, STOP_SECONDS):
            log.warning("%d receivers or senders do not answer: they are not waited for", left)

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

    async def _forget_calls(self, desk: HelpDesk) -> None:
        """Also where no new one comes."""
        while True:
            try:
                await run_in_threadpool(desk.forget)
            except BodycamError as error:
                log.error("help: old calls are not forgotten: %s", error)
            await asyncio.sleep(HOUR_SECONDS)


def _forward(standing: StandingForwarding) -> None:
    """Forward what standing orders are for; what fails is tried again."""
    try:
        ran = standing.run()
    except BodycamError as error:
        log.error("nothing is forwarded by itself: %s", error)
        return
    for device, recording, receiver in ran.forwarded:
        log.info("%s: %s: forwarded to %s", device, recording, receiver)
    for device, recording, receiver in ran.not_shown:
        log.warning("%s: %s: not forwarded to %s: the station's log says why", device, recording, receiver)
    for device, recording, receiver in ran.not_yet:
        log.warning("%s: %s: not forwarded to %s yet: the station's log says why", device, recording, receiver)
    for problem in ran.problems:
        log.error("not forwarded yet: %s", problem)


def _take_receipts(receipts: ReceiverReceipts) -> None:
    """What receivers' own stations say that they have."""
    try:
        found = receipts.run()
    except BodycamError as error:
        log.error("no receipts of receivers are looked at: %s", error)
        return
    for device, recording, receiver in found.recordings:
        log.info("%s: %s: %s has given its receipts", device, recording, receiver)
    for problem in found.problems:
        log.error("a receipt that counts for nothing: %s", problem)


def _take_forwarded(forwarded: ForwardedIntake) -> None:
    """Take what another municipality's station has forwarded."""
    try:
        found = forwarded.run()
    except BodycamError as error:
        log.error("nothing that was forwarded here is taken: %s", error)
        return
    for device, recording in found.taken:
        log.info("%s: %s: taken, as it was forwarded here", device, recording)
    for problem in found.problems:
        log.error("not taken: %s", problem)


def _sweep_forwarded(forwarded: ForwardedIntake, clock: StationClock) -> None:
    """Delete, of what was forwarded here, what this station's own term is over for."""
    try:
        swept = forwarded.sweep()
    except BodycamError as error:
        log.error("nothing that was forwarded here is deleted: %s", error)
    else:
        _tell(swept, clock.read().confirmed)


def _tell(swept: Swept, confirmed: bool) -> None:
    for device, recording in swept.deleted:
        log.info("%s: %s: its term is over: deleted", device, recording)
    if swept.undated:
        why = "no confirmed clock says when they came" if confirmed else "the clock is not confirmed: is it synchronised?"
        log.warning("%d recordings cannot be dated, and stay: %s", len(swept.undated), why)


def _now_us() -> int:
    return time.time_ns() // 1000
