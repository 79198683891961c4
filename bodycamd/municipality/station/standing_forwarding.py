"""What the station forwards by itself: by a standing order, and only what was sealed to the receiver when it was recorded.

    counts    the order, now: its signature, its signer's role and team, its time, by the roster in force and the suspensions; not ended
    whole     the recording is closed, and all of it is here with receipts
    shown     each of its segments names the order's recipient, in the init statement that the camera signed (`stated_recipients`)
    goes      as by an order for that one recording (`Forwarding`), unless the receiver has it already, by whatever order

What it cannot show it does not forward, and its log says so once. That it was sealed to others is so for good; what is damaged or missing
here, or has no date, may be shown later, and is looked at again. The station has no key that opens anything, and needs none for this.
Whether the order counts is asked again with every few megabytes: where it does not any more, nothing more goes. After a restore nothing
goes before people say that later orders are here again: one of them may have ended it. What fails is tried again, at longer and longer
intervals (`retry_pace`), each recording by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from bodycamd.errors import BodycamError, ConfigError, DataError, NotFoundError, PermissionDeniedError, StoreBusyError
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.orders import Interval, SignedOrder, StandingForward
from bodycamd.evidence.roster import SignedRoster
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station.forward_index import THERE, ForwardIndex, State
from bodycamd.municipality.station.forwarding import Copied, Forwarding, Wanted, now_and_then
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.retry_pace import RetryPace
from bodycamd.municipality.station.segments import ExpectedSegment
from bodycamd.municipality.station.stated_recipients import stated_recipients
from bodycamd.municipality.station.storage import STORE_FOLDER, Storage
from bodycamd.municipality.station.term import CopyFacts
from bodycamd.retention.ordered_holds import SLACK_US
from bodycamd.store.names import LEDGER_FOLDER

log = logging.getLogger(__name__)

Standing: TypeAlias = tuple[SignedOrder, StandingForward]


class Ran(Struct, frozen=True):
    """What one run did: camera, recording and receiver of what went, of what was sealed to others, and of what nothing shows yet that it
    may; and a sentence for each thing that it could not do, and tries again."""

    forwarded: tuple[tuple[str, str, str], ...] = ()
    not_shown: tuple[tuple[str, str, str], ...] = ()
    not_yet: tuple[tuple[str, str, str], ...] = ()
    problems: tuple[str, ...] = ()


class Asked(Struct, frozen=True):
    """A recording that a standing order is for. `dated`: confirmed clocks show that it was recorded within the interval, where there is
    one."""

    signed: SignedOrder
    body: StandingForward
    recording: str
    dated: bool


class _EndedError(PermissionDeniedError):
    """The standing order counts no more."""


class _StopsError(StoreBusyError):
    """This process goes no further: it stops, or another one has begun."""


class StandingForwarding:
    """Of one process, or of one receiver in it: each has a thread of its own. Several may run at once, each camera's place at a receiver by
    one of them at a time. `in_force` raises once the roster has ended."""

    def __init__(
        self,
        forwarding: Forwarding,
        intake: Intake,
        index: Index,
        storage: Storage,
        first_keys: Callable[[], Mapping[str, PublicKey]],
        in_force: Callable[[], SignedRoster],
        *,
        now_us: Callable[[], int],
        receiver: str | None = None,
        asking: threading.Lock | None = None,
        now_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`receiver`: it is for this one alone; `asking` is then shared by those of one process: one at a time looks what there is."""
        self._receiver, self._asking = receiver, asking or threading.Lock()
        self._pace = RetryPace(now_seconds)
        self._forwarding, self._intake, self._index, self._storage = forwarding, intake, index, storage
        self._first_keys, self._in_force, self._now_us = first_keys, in_force, now_us
        self._forwards, self._restored = ForwardIndex(index.database), RestoredIndex(index.database)
        self._ends = threading.Event()
        self._stated: dict[tuple[str, str], frozenset[str]] = {}
        """Of closed recordings: to whom they were sealed. That does not change; to know it takes reading them."""

    def end(self) -> None:
        """The process stops: what is on its way is left as it is, and goes on at the next start. From any thread."""
        self._ends.set()

    def run(self) -> Ran:
        """Look at all that is here once. Raises `StorageError` where the index fails."""
        standing = [one for one in self._forwards.standing(self._now_us()) if self._receiver in (None, one[1].receiver)]
        begun = [one for one in self._forwards.begun_by_standing() if self._receiver in (None, one[3].receiver)]
        if not standing and not begun:
            return Ran()
        if self._restored.waits_for_orders():
            told = (
                "this station was restored: nothing is forwarded by itself until its orders are here again: bodycamd station orders-brought"
            )
            return Ran(problems=(told,))
        ran, keys, local = Ran(), self._first_keys(), frozenset(self._storage.cameras())
        for device in sorted({device for signed, _ in standing for device in signed.order.cameras} & local & keys.keys()):
            if self._ends.is_set():
                break
            try:
                with self._asking:
                    asked = self._asked(device, keys[device], standing)
            except StoreBusyError:
                continue  # it is sending; the next run is soon
            except BodycamError as error:
                ran = _added(ran, Ran(problems=(f"{device}: {error}",)))
                continue
            for name in sorted({one.body.receiver for one in asked}):
                ran = _added(ran, self._place(device, keys[device], name, [one for one in asked if one.body.receiver == name]))
        for device, recording, signed, body in begun:
            if device in keys and not self._ends.is_set():
                self._state_stopped(device, recording, (signed, body), keys[device])
        return ran

    def _state_stopped(self, device: str, recording: str, standing: Standing, first_key: PublicKey) -> None:
        """Where an order counted no more before what it had begun came to its end, and the station was killed or stood still meanwhile."""
        signed, body = standing
        try:
            self._check_counts(signed, device)
        except PermissionDeniedError as ended:
            try:
                wanted = Wanted(signed, device, recording, self._forwarding.receiver(body.receiver), body.ground, body.reference)
                with self._forwarding.alone(device, wanted.receiver):
                    segments = self._forwarding.recording(device, recording, first_key).segments
                    self._forwarding.state_stopped(wanted, segments, str(ended))
            except BodycamError as error:  # another process is at it, or its term is over; or the receiver is configured no more
                log.debug("%s: %s: what was begun of it is not stated yet: %s", device, recording, error)

    def _asked(self, device: str, first_key: PublicKey, standing: list[Standing]) -> list[Asked]:
        """What there is to do for a camera: nothing of it is settled yet."""
        counting = [one for one in standing if self._counts(one, device)]
        if not counting:
            return []
        whole, states, found = self._forwards.whole(device), self._forwards.states(device), list[Asked]()
        with self._intake.facts(device, first_key) as facts:
            if self._index.newest_line(device) != facts.head:
                return []  # another process has more of its ledger, and is the one to do it
            closed = {name for name, known in facts.facts.known.items() if known.end is not None and name in whole}
            for signed, body in counting:
                for name in sorted(closed):
                    if body.interval is None or _may_be_within(facts, name, body.interval):
                        found.append(Asked(signed, body, name, body.interval is None or _is_within(facts, name, body.interval)))
        self._stated = {key: stated for key, stated in self._stated.items() if key[0] != device or key[1] in closed}
        found = [one for one in found if not self._is_settled(one, states.get(one.recording, {}))]
        self._pace.keep(device, {one.recording for one in found})
        return [one for one in found if self._pace.is_due((one.body.receiver, device, one.recording))]

    @staticmethod
    def _is_settled(one: Asked, states: Mapping[str, tuple[str, State]]) -> bool:
        if any(receiver == one.body.receiver and state in THERE for receiver, state in states.values()):
            return True
        state = states[one.signed.id][1] if one.signed.id in states else None
        return state == "not_shown" or (state == "not_yet" and not one.dated)

    def _place(self, device: str, first_key: PublicKey, receiver: str, asked: list[Asked]) -> Ran:
        """What is to go of a camera to one receiver."""
        try:
            with self._forwarding.alone(device, self._forwarding.receiver(receiver)) as still:
                return self._camera(device, first_key, asked, still)
        except StoreBusyError:
            return Ran()  # another process is at it; the next run is soon
        except BodycamError as error:
            return Ran(problems=(f"{device}: {receiver}: {error}",))

    def _camera(self, device: str, first_key: PublicKey, asked: list[Asked], still: Callable[[], None]) -> Ran:
        ran = Ran()
        for one in asked:
            if self._ends.is_set():
                break
            try:
                ran = _added(ran, self._recording(device, one, first_key, still))
            except (_EndedError, _StopsError) as error:
                return _added(ran, Ran(problems=(f"{device}: {one.recording}: {error}",)))
            except NotFoundError:  # its term is over, or it has gone by another order meanwhile
                self._pace.failed((one.body.receiver, device, one.recording))
            except (BodycamError, OSError) as error:
                ran = _added(ran, self._failed(device, one, str(error)))
        return ran

    def _failed(self, device: str, one: Asked, why: str) -> Ran:
        seconds = self._pace.failed((one.body.receiver, device, one.recording))
        return Ran(problems=(f"{device}: {one.recording}: {one.body.receiver}: {why} (tried again after {seconds:.0f} s)",))

    def _recording(self, device: str, one: Asked, first_key: PublicKey, still: Callable[[], None]) -> Ran:
        receiver = self._forwarding.receiver(one.body.receiver)
        wanted = Wanted(one.signed, device, one.recording, receiver, one.body.ground, one.body.reference)
        if not one.dated:
            return self._cannot_show(wanted, "no confirmed clock shows that all of it was recorded within the interval", final=False)
        copied = self._forwarding.recording(device, one.recording, first_key)

        def allowed() -> None:
            if self._ends.is_set():
                raise _StopsError("the station stops: it goes on at the next start")
            self._check_counts(one.signed, device)
            try:
                still()
            except StoreBusyError as error:
                raise _StopsError(str(error)) from error

        stated = self._stated.get((device, one.recording))
        if stated is None:
            try:
                stated = self._stated[device, one.recording] = self._recipients(device, copied, now_and_then(allowed))
            except DataError as error:
                return _added(self._cannot_show(wanted, str(error), final=False), self._failed(device, one, str(error)))
        if one.body.recipient not in stated:
            return self._cannot_show(wanted, "not every segment of it was sealed to the order's recipient", final=True)
        self._forwarding.carry_out(wanted, copied, self._in_force(), allowed, once=True)
        return Ran(forwarded=((device, one.recording, receiver.name),))

    def _recipients(self, device: str, copied: Copied, still: Callable[[], None]) -> frozenset[str]:
        ledger = self._storage.camera(device) / STORE_FOLDER / LEDGER_FOLDER

        def chunks(segment: ExpectedSegment) -> Iterator[bytes]:
            for chunk in self._storage.segment_chunks(device, segment.recording, segment.file):
                still()
                yield chunk

        return stated_recipients(ledger, copied.first_key, copied.closed, copied.segments, chunks)

    def _cannot_show(self, wanted: Wanted, why: str, *, final: bool) -> Ran:
        told = f"{wanted.told}: not forwarded{'' if final else ' yet'}: {why}"
        name, to = wanted.recording, wanted.receiver.name
        if not self._forwards.cannot_show(wanted.device, name, to, told, wanted.signed.id, self._now_us(), final=final):
            return Ran()
        keep_log(self._index, self._storage)
        found = ((wanted.device, name, to),)
        return Ran(not_shown=found) if final else Ran(not_yet=found)

    # --- which orders count ---------------------------------------------------------------------------------------------------------------

    def _counts(self, one: Standing, device: str) -> bool:
        if device not in one[0].order.cameras:
            return False
        try:
            self._check_counts(one[0], device)
            self._forwarding.receiver(one[1].receiver)
        except (PermissionDeniedError, NotFoundError) as error:
            log.debug("%s: standing order %s does not count: %s", device, one[0].id, error)
            return False
        return True

    def _check_counts(self, signed: SignedOrder, device: str) -> None:
        """Raises `PermissionDeniedError` where it does not count now; `StorageError`."""
        try:
            self._forwarding.check_allowed(signed, self._in_force(), device)
        except (PermissionDeniedError, DataError, ConfigError) as error:  # who signed it is listed no more, or the roster has ended
            raise _EndedError(str(error)) from error
        if self._forwards.is_ended(device, signed.id):
            raise _EndedError("the standing order is ended")


def _is_within(facts: CopyFacts, name: str, interval: Interval) -> bool:
    """Whether confirmed clocks show that all of it was recorded within the interval."""
    earliest_us, latest_us = _times(facts, name)
    since_us, until_us = wall_us(interval.since, "since"), wall_us(interval.until, "until")
    return earliest_us is not None and latest_us is not None and earliest_us - SLACK_US >= since_us and latest_us + SLACK_US <= until_us


def _may_be_within(facts: CopyFacts, name: str, interval: Interval) -> bool:
    """Whether nothing shows that it lies outside."""
    earliest_us, latest_us = _times(facts, name)
    since_us, until_us = wall_us(interval.since, "since") - SLACK_US, wall_us(interval.until, "until") + SLACK_US
    return (earliest_us is None or earliest_us <= until_us) and (latest_us is None or latest_us >= since_us)


def _times(facts: CopyFacts, name: str) -> tuple[int | None, int | None]:
    """The earliest and the latest that it can have been recorded, by what the camera's ledger states alone."""
    known, here = facts.facts.known[name], facts.here(None)
    timeline = facts.timeline([name])
    earliest_us = timeline.earliest_us([known.opened], here)[0] if known.opened is not None else None
    latest_us = timeline.ages([known.end], here)[0].was_before_us if known.end is not None else None
    return earliest_us, latest_us


def _added(first: Ran, second: Ran) -> Ran:
    return Ran(
        first.forwarded + second.forwarded,
        first.not_shown + second.not_shown,
        first.not_yet + second.not_yet,
        first.problems + second.problems,
    )
